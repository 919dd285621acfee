package registry

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/cow"
	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
)

// image is the record of one manifest in a repository. A published record never
// changes; its strings share the manifest's memory.
type image struct {
	digest    string
	manifest  string
	mediaType string
	// artifactMediaType is what DescribeImages shows, artifactType what
	// ListImageReferrers shows.
	artifactMediaType string
	artifactType      string
	annotations       map[string]string
	// size is that of the config and the layers, each once, in bytes; of an
	// index, that of its largest child.
	size int64
	// layers are what the repository must hold for the image, children the
	// images of an index.
	layers   []string
	children []string
	subject  string
	// subjectSeen tells that the subject is or was in the repository.
	subjectSeen bool
	// tags are in order.
	tags     []string
	pushedAt time.Time
	pulledAt time.Time
	storage

	// replicas are where the image was replicated to since it was pushed.
	replicas []replica
	// container tells that the image can be scanned; scan is the last basic one,
	// nil before the first.
	container bool
	scan      *scan
	// signings are one for each rule by which the image is signed.
	signings []*signing
}

func (i *image) withTag(tag string) *image {
	changed := *i
	at, found := slices.BinarySearch(i.tags, tag)
	if !found {
		changed.tags = slices.Insert(slices.Clone(i.tags), at, tag)
	}
	return &changed
}

func (i *image) withoutTag(tag string) *image {
	changed := *i
	if at, found := slices.BinarySearch(i.tags, tag); found {
		changed.tags = slices.Delete(slices.Clone(i.tags), at, at+1)
	}
	return &changed
}

// PutImage stores a manifest under the SHA-256 of its bytes and moves or adds
// the tag. What the manifest refers to must be in the repository.
func (tx *Tx) PutImage(_ context.Context, in *ecr.PutImageInput) (*ecr.PutImageOutput, error) {
	// Reading the manifest takes longest and so happens before the world is
	// locked; a missing repository is answered first.
	rules, digest := manifest.ECR, manifest.Digest(*in.ImageManifest)
	if tx.Endpoint == SpecEndpoint {
		rules, digest = manifest.Spec, manifest.DigestLike(aws.ToString(in.ImageDigest), *in.ImageManifest)
	}
	document, refused := manifest.Parse(*in.ImageManifest, aws.ToString(in.ImageManifestMediaType), rules)
	repo, err := tx.establishForPush(in.RegistryId, in.RepositoryName)
	switch {
	case err != nil:
		return nil, err
	case refused != nil:
		return nil, invalidParameter("ImageManifest", refused.Error())
	case in.ImageDigest != nil && *in.ImageDigest != digest:
		return nil, imageDigestDoesNotMatch(repo, *in.ImageDigest)
	}
	switch img, found := repo.images.Get(digest); {
	case !found:
		if err = tx.push(repo, digest, *in.ImageManifest, document, in.ImageTag); err == nil {
			tx.signOnPush(repo, digest, pusher{tx.Place, tx.Caller})
		}
	case img.archived:
		err = tx.repush(repo, img, in.ImageTag)
	default:
		err = tx.retag(repo, img, in.ImageTag)
	}
	if err != nil {
		return nil, err
	}
	tx.replicateLater(repo, digest, in.ImageTag)
	img, _ := repo.images.Get(digest)
	return &ecr.PutImageOutput{Image: ptr(repo.imageOutput(img, in.ImageTag))}, nil
}

// establishForPush is the repository that a push is for, which the transaction may
// change. A template of the registry may make it, and KMS may refuse its key.
func (tx *Tx) establishForPush(registryID, name *string) (*repository, error) {
	repo, err := tx.establish(tx.target(registryID), *name, types.RCTAppliedForCreateOnPush)
	if err != nil {
		return nil, err
	}
	return repo, tx.useKey(repo.Place, repo.encryption, encrypt)
}

// retag gives a tag to an image that is there already. The registry endpoint
// refuses an immutable tag also to the image that has it.
func (tx *Tx) retag(r *repository, img *image, tag *string) error {
	if tag == nil || slices.Contains(img.tags, *tag) {
		if tag != nil && tx.Endpoint != APIEndpoint && r.mutability.immutable(*tag) {
			return imageTagAlreadyExists(r, *tag)
		}
		return imageAlreadyExists(r, img.digest, tag)
	}
	return tx.moveTag(r, img, *tag)
}

// moveTag makes a tag stand for an image, which is stored with it.
func (tx *Tx) moveTag(r *repository, img *image, tag string) error {
	if most := tx.quota(TagsPerImage); int64(len(img.tags)) >= most {
		return tooManyTagsOnImage(r, tag, most)
	}
	if holder, taken := r.tagged.Get(tag); taken {
		if r.mutability.immutable(tag) {
			return imageTagAlreadyExists(r, tag)
		}
		previous, _ := r.images.Get(holder)
		r.images.Set(r.generation, holder, previous.withoutTag(tag))
	}
	r.images.Set(r.generation, img.digest, img.withTag(tag))
	r.tagged.Set(r.generation, tag, img.digest)
	r.checked.Delete(r.generation, tag)
	return nil
}

// push stores a new image.
func (tx *Tx) push(repo *repository, digest, text string, document *manifest.Manifest, tag *string) error {
	img := &image{
		digest:            digest,
		manifest:          text,
		mediaType:         document.MediaType,
		artifactMediaType: document.ArtifactMediaType,
		pushedAt:          tx.Now(),
		container:         isContainer(document),
	}
	if document.Subject != nil {
		img.subject = document.Subject.Digest
		img.artifactType, img.annotations = document.ArtifactType, document.Annotations
	}
	if err := tx.roomForImage(repo); err != nil {
		return err
	}
	if err := repo.refer(img, document); err != nil {
		return err
	}
	tx.restoreRelated(repo, img)
	tx.scanOnPush(repo, img)
	if tag != nil {
		return tx.moveTag(repo, img, *tag)
	}
	repo.images.Set(repo.generation, digest, img)
	return nil
}

// refer connects a new image with what its manifest refers to, all of which must
// be there but the subject.
func (r *repository) refer(img *image, document *manifest.Manifest) error {
	img.layers = document.References()
	if missing := absent(&r.layers, img.layers); missing != nil {
		return layersRequired(r, missing)
	}
	if document.Index {
		img.children = distinct(document.Manifests)
		if missing := absent(&r.images, img.children); missing != nil {
			return imagesRequired(r, missing)
		}
	}
	for blob := range document.Blobs {
		l, _ := r.layers.Get(blob.Digest)
		used := l.usedBy(img, 1)
		if !l.referred() || used.mediaType == "" {
			used.mediaType = blob.MediaType
		}
		img.size += used.size
		r.layers.Set(r.generation, blob.Digest, used)
	}
	for _, child := range img.children {
		of, _ := r.images.Get(child)
		img.size = max(img.size, of.size)
		r.parents.Set(r.generation, link(child, img.digest), struct{}{})
	}
	r.meet(img)
	return nil
}

// meet connects a new image with its subject, and with the referrers that came
// before it.
func (r *repository) meet(img *image) {
	if img.subject != "" {
		r.referrers.Set(r.generation, link(img.subject, img.digest), struct{}{})
		img.subjectSeen = r.images.Has(img.subject)
	}
	for _, digest := range linked(&r.referrers, img.digest) {
		waiting, _ := r.images.Get(digest)
		met := *waiting
		met.subjectSeen = true
		r.images.Set(r.generation, digest, &met)
	}
}

// untag removes a tag of an image.
func (r *repository) untag(img *image, tag string) {
	r.images.Set(r.generation, img.digest, img.withoutTag(tag))
	r.tagged.Delete(r.generation, tag)
}

// forget removes an image and what it held: its tags, its use of layers, its
// places in indexes and among referrers.
func (r *repository) forget(img *image) {
	r.use(img, -1)
	for _, child := range img.children {
		r.parents.Delete(r.generation, link(child, img.digest))
	}
	if img.subject != "" {
		r.referrers.Delete(r.generation, link(img.subject, img.digest))
	}
	for _, tag := range img.tags {
		r.tagged.Delete(r.generation, tag)
	}
	r.images.Delete(r.generation, img.digest)
}

// imageOutput is an image with its manifest, and the tag under which it was
// asked for.
func (r *repository) imageOutput(img *image, tag *string) types.Image {
	v := &struct {
		id                                 identifier
		manifest, mediaType, account, name string
	}{manifest: img.manifest, mediaType: img.mediaType, account: r.Account, name: r.name}
	return types.Image{
		ImageId:                v.id.of(img.digest, tag),
		ImageManifest:          &v.manifest,
		ImageManifestMediaType: &v.mediaType,
		RegistryId:             &v.account,
		RepositoryName:         &v.name,
	}
}

// identifier is an id with room for its texts.
type identifier struct {
	id          types.ImageIdentifier
	digest, tag string
}

func (i *identifier) of(digest string, tag *string) *types.ImageIdentifier {
	i.digest = digest
	i.id.ImageDigest = &i.digest
	if tag != nil {
		i.tag = *tag
		i.id.ImageTag = &i.tag
	}
	return &i.id
}

func imageID(digest string, tag *string) *types.ImageIdentifier {
	return new(identifier).of(digest, tag)
}

// absent is the keys that a tree lacks.
func absent[V any](t *cow.Map[V], keys []string) []string {
	var missing []string
	for _, key := range keys {
		if !t.Has(key) {
			missing = append(missing, key)
		}
	}
	return missing
}

func distinct(descriptors []manifest.Descriptor) []string {
	digests := make([]string, 0, len(descriptors))
	for _, d := range descriptors {
		if !slices.Contains(digests, d.Digest) {
			digests = append(digests, d.Digest)
		}
	}
	return digests
}

func ptr[T any](value T) *T { return &value }

func imageNotFound(repo *repository, id types.ImageIdentifier) error {
	return &types.ImageNotFoundException{Message: text("The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
		orNull(id.ImageDigest), orNull(id.ImageTag), repo.name, repo.Account)}
}

func imageAlreadyExists(repo *repository, digest string, tag *string) error {
	return &types.ImageAlreadyExistsException{Message: text("Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'",
		digest, orNull(tag), repo.name, repo.Account)}
}

func imageTagAlreadyExists(repo *repository, tag string) error {
	return &types.ImageTagAlreadyExistsException{Message: text("The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the tag is immutable.", tag, repo.name)}
}

func imageDigestDoesNotMatch(repo *repository, digest string) error {
	return &types.ImageDigestDoesNotMatchException{Message: text("The image with digest '%s' in repository '%s' and registry ID '%s' does not match the image digest that Amazon ECR has calculated.",
		digest, repo.name, repo.Account)}
}

func layersRequired(repo *repository, digests []string) error {
	return &types.LayersNotFoundException{Message: text("Layers with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist",
		strings.Join(digests, ", "), repo.name, repo.Account)}
}

func imagesRequired(repo *repository, digests []string) error {
	return &types.ReferencedImagesNotFoundException{Message: text("Images with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist",
		strings.Join(digests, ", "), repo.name, repo.Account)}
}

func tooManyTagsOnImage(repo *repository, tag string, most int64) error {
	return limitExceeded("Adding tag '%s' to an image in the repository with name '%s' in registry with id '%s' exceeds the maximum allowed number of tags per image which is '%d'",
		tag, repo.name, repo.Account, most)
}

func tooManyImages(repo *repository, most int64) error {
	return limitExceeded("The repository with name '%s' in registry with id '%s' already has the maximum allowed number of images which is '%d'", repo.name, repo.Account, most)
}
