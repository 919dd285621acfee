package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
)

// The sizes of a layer's parts, in bytes: the one that ECR proposes and the least
// that any part but the last may have.
const (
	partSize    = 10_485_760
	minPartSize = 5_242_880
)

const uploadLifetime = 24 * time.Hour

// layer is a blob in a repository. Configs are layers like any other.
type layer struct {
	digest string
	// mediaType is the one under which an image first referred to the layer.
	mediaType string
	// images and archived count those of the repository that refer to the layer,
	// outside the archive and in it.
	images   int
	archived int
	// cached tells that upstream handed it over, as no image need refer to it.
	cached bool
	size   int64
	parts  [][]byte
}

// blob is the bytes of layers, held once for all repositories of a world.
type blob struct {
	parts  [][]byte
	layers int
}

// upload is a layer on its way. A record never changes: the next part makes the
// next one.
type upload struct {
	id    string
	parts [][]byte
	size  int64
	// hash is the state after the last part. It is cloned before it is written.
	hash hash.Cloner
	// short tells that a part before the last is under the minimum.
	short  bool
	expiry string
}

func (u *upload) digest() string {
	return "sha256:" + hex.EncodeToString(u.hash.(hash.Hash).Sum(nil))
}

// keepBlob is the parts of a layer that the transaction adds to a repository:
// those that the world has already, if it does.
func (tx *Tx) keepBlob(digest string, parts [][]byte) [][]byte {
	root := tx.write()
	kept, found := root.blobs.get(digest)
	if !found {
		kept.parts = parts
	}
	kept.layers++
	root.blobs.set(root.generation, digest, kept)
	return kept.parts
}

// addLayer gives a repository a layer, unless it has it.
func (tx *Tx) addLayer(repo *repository, digest string, size int64, parts [][]byte) {
	if !repo.layers.has(digest) {
		repo.layers.set(repo.generation, digest, &layer{digest: digest, size: size, parts: tx.keepBlob(digest, parts)})
	}
}

func (tx *Tx) releaseBlob(l *layer) {
	root := tx.write()
	kept, _ := root.blobs.get(l.digest)
	if kept.layers--; kept.layers > 0 {
		root.blobs.set(root.generation, l.digest, kept)
		return
	}
	root.blobs.delete(root.generation, l.digest)
}

// BatchCheckLayerAvailability answers for each digest: a malformed one is a
// failure, one that the repository lacks is UNAVAILABLE.
func (tx *Tx) BatchCheckLayerAvailability(_ context.Context, in *ecr.BatchCheckLayerAvailabilityInput) (*ecr.BatchCheckLayerAvailabilityOutput, error) {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	out := &ecr.BatchCheckLayerAvailabilityOutput{Layers: []types.Layer{}, Failures: []types.LayerFailure{}}
	for _, digest := range in.LayerDigests {
		failure := types.LayerFailure{LayerDigest: aws.String(digest)}
		switch {
		case digest == "":
			failure.FailureCode = types.LayerFailureCodeMissingLayerDigest
			failure.FailureReason = aws.String("Invalid request parameters: layer digest cannot be null")
			out.Failures = append(out.Failures, failure)
		case !constraint.ValidDigest(digest):
			failure.FailureCode = types.LayerFailureCodeInvalidLayerDigest
			failure.FailureReason = aws.String("Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'")
			out.Failures = append(out.Failures, failure)
		default:
			out.Layers = append(out.Layers, repo.availability(digest))
		}
	}
	return out, nil
}

func (r *repository) availability(digest string) types.Layer {
	l, found := r.layers.get(digest)
	if !found {
		return types.Layer{LayerDigest: aws.String(digest), LayerAvailability: types.LayerAvailabilityUnavailable}
	}
	available := types.Layer{
		LayerDigest:       aws.String(digest),
		LayerAvailability: types.LayerAvailabilityAvailable,
		LayerSize:         aws.Int64(l.size),
	}
	if l.inArchive() {
		available.LayerAvailability = types.LayerAvailabilityArchived
	}
	if l.mediaType != "" {
		available.MediaType = aws.String(l.mediaType)
	}
	return available
}

// InitiateLayerUpload opens an upload, which expires on the clock after a day.
func (tx *Tx) InitiateLayerUpload(_ context.Context, in *ecr.InitiateLayerUploadInput) (*ecr.InitiateLayerUploadOutput, error) {
	repo, err := tx.pushedTo(in.RegistryId, in.RepositoryName)
	if limit := new(types.LimitExceededException); errors.As(err, &limit) {
		// The operation has no such answer; that it is this one instead is chosen.
		return nil, repositoryNotFound(tx.target(in.RegistryId), *in.RepositoryName)
	}
	if err != nil {
		return nil, err
	}
	u := &upload{id: tx.World.ids.uuid(), hash: sha256.New().(hash.Cloner)}
	u.expiry = tx.schedule(tx.now.Add(uploadLifetime), uploadExpires{repo.Key, repo.name, u.id})
	repo.uploads.set(repo.generation, u.id, u)
	return &ecr.InitiateLayerUploadOutput{UploadId: aws.String(u.id), PartSize: aws.Int64(partSize)}, nil
}

type uploadExpires struct {
	registry       Key
	repository, id string
}

func (e uploadExpires) happen(tx *Tx) (any, error) {
	if repo, err := tx.changeRepositoryOf(e.registry, e.repository); err == nil {
		repo.uploads.delete(repo.generation, e.id)
	}
	return nil, nil
}

// UploadLayerPart takes the part that follows the last one. The minimum size is
// not checked before the layer is completed, because any part may be the last.
func (tx *Tx) UploadLayerPart(_ context.Context, in *ecr.UploadLayerPartInput) (*ecr.UploadLayerPartOutput, error) {
	repo, u, err := tx.upload(in.RegistryId, in.RepositoryName, in.UploadId)
	if err != nil {
		return nil, err
	}
	if err := tx.acceptable(repo, u, in); err != nil {
		return nil, err
	}
	part := in.LayerPartBlob
	if !tx.HandsOver {
		part = slices.Clone(part)
	}
	// Hashing takes long and so happens before the world is locked. If another
	// part came in meanwhile, this one no longer follows the last.
	next, err := u.with(part)
	if err != nil {
		return nil, err
	}
	tx.write()
	if repo, u, err = tx.current(repo, u, in); err != nil {
		return nil, err
	}
	next.expiry = u.expiry
	repo.uploads.set(repo.generation, u.id, next)
	tx.Bytes, tx.Digest = int64(len(part)), next.digest()
	return &ecr.UploadLayerPartOutput{
		RegistryId:       aws.String(repo.Account),
		RepositoryName:   aws.String(repo.name),
		UploadId:         aws.String(u.id),
		LastByteReceived: aws.Int64(next.size - 1),
	}, nil
}

// upload is the upload that an input names, with its repository, whose key may
// be used.
func (tx *Tx) upload(registryID, name, id *string) (*repository, *upload, error) {
	repo, err := tx.repository(registryID, name)
	if err != nil {
		return nil, nil, err
	}
	u, found := repo.uploads.get(*id)
	if !found {
		return nil, nil, uploadNotFound(repo, *id)
	}
	return repo, u, tx.useKey(repo.Key, repo.encryption, encrypt)
}

// current is the repository and upload again, now that the world is locked; an
// error if the upload is no longer as it was.
func (tx *Tx) current(repo *repository, before *upload, in *ecr.UploadLayerPartInput) (*repository, *upload, error) {
	now, u, err := tx.upload(&repo.Account, in.RepositoryName, in.UploadId)
	if err != nil {
		return nil, nil, err
	}
	if u != before {
		if err := tx.acceptable(now, u, in); err != nil {
			return nil, nil, err
		}
	}
	return tx.own(now), u, nil
}

// acceptable checks that a part follows what was received and has the length
// that its range says.
func (tx *Tx) acceptable(r *repository, u *upload, in *ecr.UploadLayerPartInput) error {
	first, last, length := *in.PartFirstByte, *in.PartLastByte, int64(len(in.LayerPartBlob))
	switch {
	case first != u.size:
		return invalidLayerPart(r, u, fmt.Sprintf("First byte of the layer part is %d instead of %d", first, u.size))
	case length == 0:
		return invalidLayerPart(r, u, "Size of the layer part is 0")
	case last-first != length-1:
		return invalidLayerPart(r, u, fmt.Sprintf("Size of the layer part is %d instead of %d", length, last-first+1))
	}
	if err := tx.within(PartsPerLayer, len(u.parts)+1); err != nil {
		return err
	}
	return tx.within(BytesPerLayer, int(u.size+length))
}

// with is the upload after one more part.
func (u *upload) with(part []byte) (*upload, error) {
	state, err := u.hash.Clone()
	if err != nil {
		return nil, err
	}
	state.Write(part)
	next := &upload{id: u.id, size: u.size + int64(len(part)), hash: state}
	next.parts = append(u.parts[:len(u.parts):len(u.parts)], part)
	next.short = u.short || len(u.parts) > 0 && len(u.parts[len(u.parts)-1]) < minPartSize
	return next, nil
}

// CompleteLayerUpload makes the layer if any of the digests given is its own.
// That is checked before LayerAlreadyExists, which therefore means that the
// layer is there as the caller has it. Success and LayerAlreadyExists consume
// the upload, other refusals leave it as it was.
func (tx *Tx) CompleteLayerUpload(_ context.Context, in *ecr.CompleteLayerUploadInput) (*ecr.CompleteLayerUploadOutput, error) {
	tx.write()
	repo, u, err := tx.upload(in.RegistryId, in.RepositoryName, in.UploadId)
	if err != nil {
		return nil, err
	}
	digest := u.digest()
	switch {
	case len(u.parts) == 0:
		return nil, emptyUpload(repo, u.id)
	case u.short:
		return nil, layerPartTooSmall()
	case !slices.Contains(in.LayerDigests, digest):
		return nil, invalidLayer()
	}
	repo = tx.own(repo)
	repo.uploads.delete(repo.generation, u.id)
	tx.unschedule(u.expiry)
	if repo.layers.has(digest) {
		tx.commitRefusal()
		return nil, layerAlreadyExists(repo, digest)
	}
	tx.addLayer(repo, digest, u.size, u.parts)
	return &ecr.CompleteLayerUploadOutput{
		RegistryId:     aws.String(repo.Account),
		RepositoryName: aws.String(repo.name),
		UploadId:       aws.String(u.id),
		LayerDigest:    aws.String(digest),
	}, nil
}

// reachable is a layer that may be downloaded: one that an image refers to, or
// that upstream handed over.
func (tx *Tx) reachable(registryID, name, digest *string) (*repository, *layer, error) {
	repo, err := tx.repository(registryID, name)
	if err != nil {
		return nil, nil, err
	}
	l, found := repo.layers.get(*digest)
	if !found {
		return nil, nil, layerNotFound(repo, *digest)
	}
	switch {
	case l.inArchive():
		return nil, nil, layerArchived(repo, *digest)
	case l.images == 0 && !l.cached:
		return nil, nil, layerInaccessible(repo, *digest)
	}
	return repo, l, nil
}
