package registry

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// pullGrain is how old a recorded pull time grows before the next pull replaces
// it. ECR says only that it refreshes the time at least once in 24 hours and
// that a daily pull is recorded exactly.
const pullGrain = time.Hour

// BatchGetImage answers the images that it finds, here or upstream, and a failure
// for each other id. An image that was asked for by digest comes once for each of
// its tags.
func (tx *Tx) BatchGetImage(ctx context.Context, in *ecr.BatchGetImageInput) (*ecr.BatchGetImageOutput, error) {
	repo, refused, err := tx.pullMissing(ctx, in)
	if err != nil {
		return nil, err
	}
	unreadable := tx.useKey(repo.Place, repo.encryption, decrypt)
	if unreadable == nil && tx.pullsAnew(repo, in.ImageIds) {
		if repo, err = tx.recordPulls(in); err != nil {
			return nil, err
		}
	}
	out := &ecr.BatchGetImageOutput{Images: []types.Image{}, Failures: []types.ImageFailure{}}
	for i, id := range in.ImageIds {
		img, failure := repo.find(id)
		switch {
		case img == nil && refused[i] != nil:
			out.Failures = append(out.Failures, *refused[i])
		case failure != nil:
			out.Failures = append(out.Failures, *failure)
		case img.archived:
			out.Failures = append(out.Failures, *imageInaccessible(id))
		case unreadable != nil:
			out.Failures = append(out.Failures, *imageFailure(id, types.ImageFailureCodeKmsError, sentence(unreadable)))
		case id.ImageTag != nil || len(img.tags) == 0:
			out.Images = append(out.Images, repo.imageOutput(img, id.ImageTag))
		default:
			for _, tag := range img.tags {
				out.Images = append(out.Images, repo.imageOutput(img, &tag))
			}
		}
	}
	return out, nil
}

// pullsAnew tells whether a pull of these images would be recorded. Most are
// not, and need not change the world.
func (tx *Tx) pullsAnew(repo *repository, ids []types.ImageIdentifier) bool {
	if tx.excluded(repo.Place) {
		return false
	}
	for _, id := range ids {
		if img, _ := repo.find(id); img != nil && tx.pullIsDue(img) {
			return true
		}
	}
	return false
}

func (tx *Tx) pullIsDue(img *image) bool {
	return !img.archived && tx.Now().Sub(img.pulledAt) >= pullGrain
}

func (tx *Tx) recordPulls(in *ecr.BatchGetImageInput) (*repository, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	for _, id := range in.ImageIds {
		if img, _ := repo.find(id); img != nil && tx.pullIsDue(img) {
			pulled := *img
			pulled.pulledAt = tx.Now()
			repo.images.Set(repo.generation, img.digest, &pulled)
		}
	}
	return repo, nil
}

// BatchDeleteImage removes images by digest and tags by tag; with its last tag
// an image goes too. All ids are read as of the beginning of the call: an image
// of an index stays, also if the index goes in the same call, and two ids of one
// image are not a failure.
func (tx *Tx) BatchDeleteImage(_ context.Context, in *ecr.BatchDeleteImageInput) (*ecr.BatchDeleteImageOutput, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	before := *repo
	out := &ecr.BatchDeleteImageOutput{ImageIds: []types.ImageIdentifier{}, Failures: []types.ImageFailure{}}
	for _, id := range in.ImageIds {
		img, failure := before.find(id)
		if failure == nil {
			failure = tx.remove(repo, &before, img, id)
		}
		if failure != nil {
			out.Failures = append(out.Failures, *failure)
			continue
		}
		removed := everyID(img)
		if id.ImageTag != nil {
			removed = []types.ImageIdentifier{*imageID(img.digest, id.ImageTag)}
		}
		for _, entry := range removed {
			out.ImageIds = addID(out.ImageIds, entry)
		}
	}
	return out, nil
}

// remove takes away what an id names, if it is still there.
func (tx *Tx) remove(repo, before *repository, img *image, id types.ImageIdentifier) *types.ImageFailure {
	now, there := repo.images.Get(img.digest)
	if !there {
		return nil
	}
	keepsImage := id.ImageTag != nil && (tx.Endpoint == SpecEndpoint || len(now.tags) > 1 || !slices.Contains(now.tags, *id.ImageTag))
	if !keepsImage {
		if indexes := before.indexesOf(img); len(indexes) > 0 {
			return referencedByManifestList(id, indexes)
		}
		tx.deleteImage(repo, now)
		return nil
	}
	tx.deleteTag(repo, now, *id.ImageTag)
	return nil
}
