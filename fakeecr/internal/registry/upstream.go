package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/clone"
	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/scenarios"
)

// Upstream is a registry that pull-through cache rules pull from. It is asked
// without any lock held, by as many goroutines as pull.
type Upstream interface {
	Manifest(ctx context.Context, repository, reference string) (mediaType string, manifest []byte, err error)
	Blob(ctx context.Context, repository, digest string) (io.ReadCloser, error)
}

// upstream is what a rule pulls from. The error is that of the rule's secret, or
// says why there is no upstream.
func (tx *Tx) upstream(place Place, rule *cacheRule) (Upstream, error) {
	if rule.credential != nil {
		if err := tx.readSecret(*rule.credential); err != nil {
			return nil, err
		}
	}
	source, isECR := naming.RegistryAt(rule.url)
	if isECR && source.Account != place.Account && rule.role == nil {
		return nil, fmt.Errorf("%w: the rule has no custom role for the registry of another account", ErrUpstreamAccessDenied)
	}
	if upstream, given := tx.World.config.Upstreams[rule.url]; given {
		return upstream, nil
	}
	if isECR && tx.World.stage != nil {
		return tx.World.stage.Neighbour(source, rule.puller(place)), nil
	}
	return nil, fmt.Errorf("%w: the fake was given no upstream for it", ErrUpstreamUnavailable)
}

// A pull goes upstream once: what upstream answers, it has itself.
type pulling struct{}

func withPull(ctx context.Context) context.Context { return context.WithValue(ctx, pulling{}, true) }

// staysHere tells that a call is not to ask upstream.
func (tx *Tx) staysHere(ctx context.Context) bool {
	return tx.World.still || ctx.Value(pulling{}) != nil
}

// shipment is images on their way from upstream into a repository, with all that
// they need.
type shipment struct {
	rule     *cacheRule
	upstream Upstream
	stage    Stage
	// into is the repository as it was when the pull began: what it has is not
	// asked for. Upstream calls it name.
	into *repository
	name string
	// images are in the order in which they are stored, children first.
	images []arrival
	layers map[string]*layer
	// most is how many bytes a layer may have of which no more is known.
	most int64
}

type arrival struct {
	digest, text string
	document     *manifest.Manifest
}

// newShipment is a shipment that nothing was added to. The error says why there
// is no upstream.
func (tx *Tx) newShipment(rule *cacheRule, into *repository) (*shipment, error) {
	upstream, err := tx.upstream(into.Place, rule)
	return &shipment{
		rule: rule, upstream: upstream, stage: tx.World.stage, into: into, name: rule.upstreamName(into.name), layers: map[string]*layer{},
		most: tx.quota(BytesPerLayer),
	}, err
}

// image adds the image of a tag or digest and answers its digest.
func (s *shipment) image(ctx context.Context, reference string) (string, error) {
	if s.has(reference) {
		return reference, nil
	}
	mediaType, text, err := s.manifest(ctx, reference)
	if err != nil {
		return "", err
	}
	digest := manifest.Digest(text)
	switch {
	case strings.Contains(reference, ":") && digest != reference:
		return "", wrong("manifest %s has the digest %s", reference, digest)
	case s.has(digest):
		return digest, nil
	}
	document, err := manifest.Parse(text, mediaType, manifest.ECR)
	if err != nil {
		return "", wrong("manifest %s: %v", reference, err)
	}
	for _, child := range distinct(document.Manifests) {
		if _, err := s.image(ctx, child); err != nil {
			return "", incomplete(err, child)
		}
	}
	for blob := range document.Blobs {
		if err := s.layer(ctx, blob.Digest, sizeIn(document, blob)); err != nil {
			return "", incomplete(err, blob.Digest)
		}
	}
	s.images = append(s.images, arrival{digest, text, document})
	return digest, nil
}

func (s *shipment) has(digest string) bool {
	return slices.ContainsFunc(s.images, func(a arrival) bool { return a.digest == digest })
}

func (s *shipment) manifest(ctx context.Context, reference string) (mediaType, text string, err error) {
	if img, found := s.into.images.Get(reference); found {
		return img.mediaType, img.manifest, nil
	}
	asked := &scenarios.PullFromUpstreamInput{ImageTag: &reference}
	if strings.Contains(reference, ":") {
		asked = &scenarios.PullFromUpstreamInput{ImageDigest: &reference}
	}
	err = s.look(ctx, asked, func(ctx context.Context) (err error) {
		var document []byte
		mediaType, document, err = s.upstream.Manifest(ctx, s.name, reference)
		text = string(document)
		return err
	})
	return mediaType, text, err
}

// look asks upstream for something: what the world does by itself, which is a call.
func (s *shipment) look(ctx context.Context, in *scenarios.PullFromUpstreamInput, ask func(context.Context) error) error {
	if s.stage == nil {
		return ask(ctx)
	}
	in.RegistryId, in.RepositoryName = &s.into.Account, &s.into.name
	in.UpstreamRegistryUrl, in.UpstreamRepositoryName = &s.rule.url, &s.name
	return s.stage.Look(ctx, eventCall(s.into.Place, s.into.name, scenarios.PullFromUpstream, clone.Of(in)), ask)
}

// sizeIn is how many bytes a manifest says that a blob has, or unknown.
func sizeIn(document *manifest.Manifest, blob *manifest.Descriptor) int64 {
	if document.MediaType == manifest.DockerSchema1 || document.MediaType == manifest.DockerSchema1Signed {
		return unknown
	}
	return blob.Size
}

// unknown is the size of a layer that no manifest tells.
const unknown = -1

// layer adds a layer or a config of some bytes, of which no more is read than shows
// that there are more.
func (s *shipment) layer(ctx context.Context, digest string, size int64) error {
	if s.layers[digest] != nil {
		return nil
	}
	if l, found := s.into.layers.Get(digest); found {
		s.layers[digest] = &layer{digest: digest, size: l.size, pieces: l.pieces}
		return nil
	}
	received := &upload{hash: sha256.New().(hash.Cloner)}
	part := &Part{}
	most := s.most
	if size != unknown {
		most = size
	}
	err := s.look(ctx, &scenarios.PullFromUpstreamInput{LayerDigest: &digest}, func(ctx context.Context) error {
		content, err := s.upstream.Blob(ctx, s.name, digest)
		switch {
		case err != nil:
			return err
		case content == nil:
			return wrong("its Blob answers neither layer %s nor an error", digest)
		}
		defer content.Close()
		return part.receive(received, io.LimitReader(ending{ctx, content}, most+1), -1, most)
	})
	switch {
	case err != nil:
		return err
	case part.size > most && size != unknown:
		return wrong("layer %s has more than the %d bytes that its descriptor says", digest, most)
	case part.size > most:
		return wrong("layer %s has more than the %d bytes that a layer may have", digest, most)
	}
	if came := digestFrom(part.hash); came != digest {
		return wrong("layer %s has the digest %s", digest, came)
	}
	s.layers[digest] = &layer{digest: digest, size: part.size, pieces: part.pieces}
	return nil
}

// ending is bytes that end with a context.
type ending struct {
	ctx     context.Context
	content io.Reader
}

// Read implements [io.Reader].
func (e ending) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.content.Read(p)
}

// wrong is the error about an upstream that cannot be believed.
func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUpstreamUnavailable}, args...)...)
}

// incomplete is the error about a part of an image: that it is not found does
// not mean that the image is not.
func incomplete(err error, digest string) error {
	if errors.Is(err, ErrUpstreamNotFound) {
		return wrong("%s is missing", digest)
	}
	return err
}

// authenticationFailed is what every pull with a bad credential answers.
const authenticationFailed = "The authentication to the upstream registry failed. Verify that the credentials provided in the pull through cache rule are correct, and try again."

func unableToGetUpstreamImage(sentence string) error {
	return &types.UnableToGetUpstreamImageException{Message: &sentence}
}

func unableToGetUpstreamLayer(sentence string) error {
	return &types.UnableToGetUpstreamLayerException{Message: &sentence}
}

func unableToListReferrers(sentence string) error {
	return &types.UnableToListUpstreamImageReferrersException{Message: &sentence}
}

// What upstream may answer instead of an image or a layer.
var (
	ErrUpstreamNotFound        = errors.New("not found upstream")
	ErrUpstreamAccessDenied    = errors.New("the upstream registry denied access")
	ErrUpstreamTooManyRequests = errors.New("the upstream registry received too many requests")
	ErrUpstreamUnavailable     = errors.New("the upstream registry is unavailable")
)

// upstreamFailure is the failure of one image that upstream did not answer.
// Their reasons are chosen.
func upstreamFailure(id types.ImageIdentifier, url string, err error) *types.ImageFailure {
	code := types.ImageFailureCodeUpstreamUnavailable
	var kms *types.KmsException
	switch {
	case errors.Is(err, ErrUpstreamNotFound):
		return imageFailure(id, types.ImageFailureCodeImageNotFound, "Requested image not found")
	case errors.As(err, &kms):
		return imageFailure(id, types.ImageFailureCodeKmsError, sentence(err))
	case errors.Is(err, ErrUpstreamAccessDenied):
		code = types.ImageFailureCodeUpstreamAccessDenied
	case errors.Is(err, ErrUpstreamTooManyRequests):
		code = types.ImageFailureCodeUpstreamTooManyRequests
	}
	return imageFailure(id, code, upstreamReason(url, err))
}

func upstreamReason(url string, err error) string {
	return fmt.Sprintf("Unable to pull from the upstream registry %s: %v", url, err)
}
