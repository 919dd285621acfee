package registry

import (
	"cmp"
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

	"github.com/fakeecr/ecr/scenarios"
)

// The sizes of a layer's parts, in bytes: the one that ECR proposes and the least
// that any part but the last may have.
const (
	partSize    = 10_485_760
	minPartSize = 5_242_880
)

const uploadLifetime = 24 * time.Hour

// upload is a layer on its way. A record never changes: the next part makes the
// next one.
type upload struct {
	id string
	// pieces are the bytes of all parts. parts counts these, and first and last are
	// the sizes of the first and the last one.
	pieces      [][]byte
	size        int64
	parts       int
	first, last int64
	// hash is the state after the last part. It is cloned before it is written.
	hash hash.Cloner
	// digest is that of the bytes.
	digest string
	// short tells that a part before the last is under the minimum.
	short  bool
	expiry string
}

const emptyDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// digestFrom is the digest of what was written to a hash.
func digestFrom(h hash.Hash) string {
	return string(hex.AppendEncode([]byte("sha256:"), h.Sum(nil)))
}

// InitiateLayerUpload opens an upload, which expires on the clock after a day.
func (tx *Tx) InitiateLayerUpload(_ context.Context, in *ecr.InitiateLayerUploadInput) (*ecr.InitiateLayerUploadOutput, error) {
	repo, err := tx.establishForUpload(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	u := &upload{id: tx.NewID(), hash: sha256.New().(hash.Cloner), digest: emptyDigest}
	u.expiry = tx.Schedule(tx.Now().Add(uploadLifetime), uploadExpiry{repo.Place, repo.name, u.id})
	repo.uploads.Set(repo.generation, u.id, u)
	told := struct {
		upload string
		size   int64
	}{u.id, partSize}
	return &ecr.InitiateLayerUploadOutput{UploadId: &told.upload, PartSize: &told.size}, nil
}

// establishForUpload is the repository that a layer is pushed to, made by a template if
// need be.
func (tx *Tx) establishForUpload(registryID, name *string) (*repository, error) {
	repo, err := tx.establishForPush(registryID, name)
	if err != nil {
		if limit := new(types.LimitExceededException); errors.As(err, &limit) {
			// InitiateLayerUpload has no such answer; that it is this one instead is
			// chosen.
			err = repositoryNotFound(tx.target(registryID), *name)
		}
		return nil, err
	}
	return repo, nil
}

type uploadExpiry struct {
	registry       Place
	repository, id string
}

func (e uploadExpiry) happen(tx *Tx) (any, error) {
	if repo, err := tx.changeRepositoryOf(e.registry, e.repository); err == nil {
		repo.uploads.Delete(repo.generation, e.id)
	}
	return nil, nil
}

// UploadLayerPart takes the part that follows the last one, from the input or
// from the transaction's Part. The minimum size is not checked before the layer is
// completed, because any part may be the last. A stream without a byte adds no part;
// what came of one that broke off is a part, and an error.
func (tx *Tx) UploadLayerPart(_ context.Context, in *ecr.UploadLayerPartInput) (*ecr.UploadLayerPartOutput, error) {
	part := tx.Part
	if part == nil {
		part = NewPart(in.LayerPartBlob)
	}
	repo, u, err := tx.upload(in.RegistryId, in.RepositoryName, in.UploadId)
	switch {
	case err != nil:
		return nil, err
	case part.broken != nil && part.size == 0:
		return nil, part.broken
	case part.open && part.size == 0:
		return tx.answerPart(repo, u), nil
	}
	if err := tx.acceptable(repo, u, in, part.size); err != nil {
		return nil, err
	}
	if !tx.HandsOver {
		part = NewPart(part.Bytes())
	}
	// Hashing takes long and so happens before the world is locked. If another
	// part came in meanwhile, this one no longer follows the last.
	next, err := u.with(part)
	if err != nil {
		return nil, err
	}
	tx.write()
	if repo, u, err = tx.current(repo, u, in, part.size); err != nil {
		return nil, err
	}
	next.expiry = u.expiry
	repo.uploads.Set(repo.generation, u.id, next)
	tx.Bytes, tx.Digest = part.size, next.digest
	if part.broken != nil {
		tx.CommitRefusal()
		return nil, part.broken
	}
	return tx.answerPart(repo, next), nil
}

// answerPart is the answer to a part, which an upload has received.
func (tx *Tx) answerPart(repo *repository, u *upload) *ecr.UploadLayerPartOutput {
	tx.FirstPart = u.first
	told := struct {
		account, repository, upload string
		last                        int64
	}{repo.Account, repo.name, u.id, u.size - 1}
	return &ecr.UploadLayerPartOutput{
		RegistryId:       &told.account,
		RepositoryName:   &told.repository,
		UploadId:         &told.upload,
		LastByteReceived: &told.last,
	}
}

// upload is the upload that an input names, with its repository, whose key may
// be used.
func (tx *Tx) upload(registryID, name, id *string) (*repository, *upload, error) {
	repo, err := tx.repository(registryID, name)
	if err != nil {
		return nil, nil, err
	}
	u, found := repo.uploads.Get(*id)
	if !found {
		return nil, nil, uploadNotFound(repo, *id)
	}
	return repo, u, tx.useKey(repo.Place, repo.encryption, encrypt)
}

// current is the repository and upload again, now that the world is locked; an
// error if the upload is no longer as it was.
func (tx *Tx) current(repo *repository, before *upload, in *ecr.UploadLayerPartInput, size int64) (*repository, *upload, error) {
	now, u, err := tx.upload(&repo.Account, in.RepositoryName, in.UploadId)
	if err != nil {
		return nil, nil, err
	}
	if u != before {
		if err := tx.acceptable(now, u, in, size); err != nil {
			return nil, nil, err
		}
	}
	return tx.copyForChange(now), u, nil
}

// acceptable checks that a part of so many bytes follows what was received and
// has the length that its range says.
func (tx *Tx) acceptable(r *repository, u *upload, in *ecr.UploadLayerPartInput, size int64) error {
	first, last := *in.PartFirstByte, *in.PartLastByte
	switch {
	case first != u.size:
		return invalidLayerPart(r, u, fmt.Sprintf("First byte of the layer part is %d instead of %d", first, u.size))
	case size == 0:
		return invalidLayerPart(r, u, "Size of the layer part is 0")
	case last-first != size-1:
		return invalidLayerPart(r, u, fmt.Sprintf("Size of the layer part is %d instead of %d", size, last-first+1))
	}
	if err := tx.within(PartsPerLayer, u.parts+1); err != nil {
		return err
	}
	return tx.within(BytesPerLayer, int(u.size+size))
}

// with is the upload after one more part.
func (u *upload) with(part *Part) (*upload, error) {
	state, err := part.hashedAfter(u)
	if err != nil {
		return nil, err
	}
	return &upload{
		id:     u.id,
		pieces: append(u.pieces[:len(u.pieces):len(u.pieces)], part.pieces...),
		size:   u.size + part.size,
		parts:  u.parts + 1,
		first:  cmp.Or(u.first, part.size),
		last:   part.size,
		hash:   state,
		digest: digestFrom(state),
		short:  u.short || u.parts > 0 && u.last < minPartSize,
	}, nil
}

// CompleteLayerUpload makes the layer if any of the digests given is its own.
// That is checked before LayerAlreadyExists, which therefore means that the
// layer is there as the caller has it. Success and LayerAlreadyExists consume
// the upload, other refusals leave it as it was.
func (tx *Tx) CompleteLayerUpload(_ context.Context, in *ecr.CompleteLayerUploadInput) (*ecr.CompleteLayerUploadOutput, error) {
	hashed, other := tx.otherDigest(in)
	tx.write()
	repo, u, err := tx.upload(in.RegistryId, in.RepositoryName, in.UploadId)
	if err != nil {
		return nil, err
	}
	digest := u.digest
	if hashed == u {
		digest = other
	}
	switch {
	case u.parts == 0 && tx.Endpoint != SpecEndpoint:
		return nil, emptyUpload(repo, u.id)
	case u.short && tx.Endpoint != SpecEndpoint:
		return nil, layerPartTooSmall()
	case !slices.Contains(in.LayerDigests, digest):
		return nil, invalidLayer()
	}
	repo = tx.endUpload(repo, u)
	if repo.layers.Has(digest) {
		tx.CommitRefusal()
		return nil, layerAlreadyExists(repo, digest)
	}
	tx.addLayer(repo, digest, u.size, u.pieces)
	told := struct{ account, repository, upload, digest string }{repo.Account, repo.name, u.id, digest}
	return &ecr.CompleteLayerUploadOutput{
		RegistryId:     &told.account,
		RepositoryName: &told.repository,
		UploadId:       &told.upload,
		LayerDigest:    &told.digest,
	}, nil
}

// endUpload removes an upload from its repository, and answers this as it is then.
func (tx *Tx) endUpload(repo *repository, u *upload) *repository {
	repo = tx.copyForChange(repo)
	repo.uploads.Delete(repo.generation, u.id)
	tx.Unschedule(u.expiry)
	return repo
}

// GetLayerUpload answers how many bytes an upload has received.
func (tx *Tx) GetLayerUpload(_ context.Context, in *scenarios.GetLayerUploadInput) (received int64, err error) {
	_, u, err := tx.upload(in.RegistryId, in.RepositoryName, in.UploadId)
	if err != nil {
		return 0, err
	}
	return u.size, nil
}

// CancelLayerUpload ends an upload and lets go of what it received.
func (tx *Tx) CancelLayerUpload(_ context.Context, in *scenarios.CancelLayerUploadInput) error {
	tx.write()
	repo, u, err := tx.upload(in.RegistryId, in.RepositoryName, in.UploadId)
	if err == nil {
		tx.endUpload(repo, u)
	}
	return err
}

func invalidLayer() error {
	return &types.InvalidLayerException{Message: aws.String("None of the provided layer digests match the calculated layer digest")}
}

func layerPartTooSmall() error {
	return &types.LayerPartTooSmallException{Message: aws.String("All layer parts except the last part should be at least 5MB")}
}

func emptyUpload(repo *repository, upload string) error {
	return &types.EmptyUploadException{Message: text("The upload with id '%s' in the repository with name '%s' in registry with id '%s' cannot be completed because it does not have any parts", upload, repo.name, repo.Account)}
}

// uploadNotFound has a recorded text, but for the registry in it.
func uploadNotFound(repo *repository, upload string) error {
	return &types.UploadNotFoundException{Message: text("The upload with id '%s' in the repository with name '%s' in registry with id '%s' does not exist", upload, repo.name, repo.Account)}
}

// invalidLayerPart takes a sentence: that of a gap is recorded from the registry
// endpoint, that of a wrong length is chosen.
func invalidLayerPart(repo *repository, u *upload, sentence string) error {
	err := &types.InvalidLayerPartException{
		Message:        &sentence,
		RegistryId:     aws.String(repo.Account),
		RepositoryName: aws.String(repo.name),
		UploadId:       aws.String(u.id),
	}
	if u.size > 0 {
		err.LastValidByteReceived = aws.Int64(u.size - 1)
	}
	return err
}
