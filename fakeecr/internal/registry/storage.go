package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/scenarios"
)

// restoration is how long it takes to bring an image back from the archive. ECR
// says: within 20 minutes.
const restoration = 20 * time.Minute

// storage says where an image is kept. The zero value is that of an image that
// never was in the archive.
type storage struct {
	// archived ends when the image can be pulled again; activeFrom is when that
	// will be, zero unless the image is on its way back.
	archived   bool
	activeFrom time.Time
	// archivedAt and activatedAt are the last times, or zero.
	archivedAt, activatedAt time.Time
}

func (s storage) status() types.ImageStatus {
	switch {
	case !s.archived:
		return types.ImageStatusActive
	case s.activeFrom.IsZero():
		return types.ImageStatusArchived
	default:
		return types.ImageStatusActivating
	}
}

// UpdateImageStorageClass moves one image into the archive, or begins to bring
// it back. An image stays out of the archive as long as an index does that
// refers to it, and a referrer goes where its subject goes.
func (tx *Tx) UpdateImageStorageClass(_ context.Context, in *ecr.UpdateImageStorageClassInput) (*ecr.UpdateImageStorageClassOutput, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	img, err := repo.one(*in.ImageId)
	if err != nil {
		return nil, err
	}
	if reason := repo.immovable(img, in.TargetStorageClass); reason != "" {
		return nil, storageClassUpdateNotSupported(repo, *in.ImageId, in.TargetStorageClass, reason)
	}
	if in.TargetStorageClass == types.TargetStorageClassArchive {
		repo.archive(img, tx.Now())
	} else {
		tx.restore(repo, img)
	}
	img, _ = repo.images.Get(img.digest)
	return &ecr.UpdateImageStorageClassOutput{
		ImageId:        imageID(img.digest, in.ImageId.ImageTag),
		ImageStatus:    img.status(),
		RegistryId:     aws.String(repo.Account),
		RepositoryName: aws.String(repo.name),
	}, nil
}

// immovable is why an image cannot go to a storage class, or "".
func (r *repository) immovable(img *image, target types.TargetStorageClass) string {
	from := types.ImageStatusArchived
	if target == types.TargetStorageClassArchive {
		from = types.ImageStatusActive
	}
	switch {
	case img.subject != "":
		return becauseOfSubject(img)
	case img.status() != from:
		return becauseOfStatus(img)
	case target == types.TargetStorageClassStandard:
		return ""
	}
	holders := slices.DeleteFunc(r.indexesOf(img), func(digest string) bool {
		index, _ := r.images.Get(digest)
		return index.status() == types.ImageStatusArchived
	})
	if len(holders) > 0 {
		return becauseOfIndexes(holders)
	}
	return ""
}

// archive moves an image that is there into the archive.
func (r *repository) archive(img *image, now time.Time) {
	archived := *img
	archived.storage = storage{archived: true, archivedAt: now, activatedAt: img.activatedAt}
	r.move(img, &archived)
}

// restore begins to bring an image back from the archive.
func (tx *Tx) restore(repo *repository, img *image) {
	restored := *img
	restored.activeFrom = tx.Now().Add(restoration)
	repo.images.Set(repo.generation, img.digest, &restored)
	tx.Schedule(restored.activeFrom, imageActivation{repo.Place, repo.name, img.digest, restored.activeFrom})
	tx.restoreRelated(repo, img)
}

// restoreRelated brings back from the archive what may not stay there without an
// image: the children of an index, without which it cannot be pulled, and the
// referrers, which go where their subject goes.
func (tx *Tx) restoreRelated(repo *repository, img *image) {
	if repo.archived == 0 {
		return
	}
	for _, digest := range append(linked(&repo.referrers, img.digest), img.children...) {
		if other, found := repo.images.Get(digest); found && other.status() == types.ImageStatusArchived {
			tx.restore(repo, other)
		}
	}
}

type imageActivation struct {
	registry           Place
	repository, digest string
	// from is the image's activeFrom: it may have been pushed, archived or deleted
	// meanwhile.
	from time.Time
}

func (e imageActivation) call(tx *Tx) *scenarios.Call {
	img := tx.imageOf(e.registry, e.repository, e.digest)
	if img == nil || !img.activeFrom.Equal(e.from) {
		return nil
	}
	return eventCall(e.registry, e.repository, scenarios.ActivateImage, &scenarios.ActivateImageInput{
		RegistryId: aws.String(e.registry.Account), RepositoryName: aws.String(e.repository),
		ImageDigest: aws.String(e.digest), ImageTags: slices.Clone(img.tags),
	})
}

func (e imageActivation) happen(tx *Tx) (any, error) {
	repo, img := tx.changeImageOf(e.registry, e.repository, e.digest)
	tx.activate(repo, img)
	for _, id := range everyID(img) {
		tx.replicateLater(repo, img.digest, id.ImageTag)
	}
	return nil, nil
}

func (e imageActivation) fail(tx *Tx, _ error) {
	repo, img := tx.changeImageOf(e.registry, e.repository, e.digest)
	archived := *img
	archived.activeFrom = time.Time{}
	repo.images.Set(repo.generation, img.digest, &archived)
}

// activate makes an archived image as good as newly pushed.
func (tx *Tx) activate(repo *repository, img *image) *image {
	active := *img
	active.storage = storage{archivedAt: img.archivedAt, activatedAt: tx.Now()}
	tx.scanOnPush(repo, &active)
	repo.move(img, &active)
	return &active
}

// repush takes a push of an image that is in the archive. It can be pulled at
// once, as after any push.
func (tx *Tx) repush(repo *repository, img *image, tag *string) error {
	if err := tx.roomForImage(repo); err != nil {
		return err
	}
	img = tx.activate(repo, img)
	tx.restoreRelated(repo, img)
	if tag == nil || slices.Contains(img.tags, *tag) {
		return nil
	}
	return tx.moveTag(repo, img, *tag)
}

// roomForImage holds the quota of images, of which archived ones are none.
func (tx *Tx) roomForImage(repo *repository) error {
	if most := tx.quota(ImagesPerRepository); int64(repo.images.Len()-repo.archived) >= most {
		return tooManyImages(repo, most)
	}
	return nil
}

// move stores an image that has come into the archive or out of it.
func (r *repository) move(from, to *image) {
	r.use(from, -1)
	r.use(to, 1)
	r.images.Set(r.generation, to.digest, to)
}

// use counts an image, or no longer counts it, where it is kept.
func (r *repository) use(img *image, n int) {
	for _, digest := range img.layers {
		l, _ := r.layers.Get(digest)
		r.layers.Set(r.generation, digest, l.usedBy(img, n))
	}
	if img.archived {
		r.archived += n
	}
}

// usedBy is the layer with n more of the images that are kept where img is.
func (l *layer) usedBy(img *image, n int) *layer {
	used := *l
	if img.archived {
		used.archived += n
	} else {
		used.images += n
	}
	return &used
}

// inArchive tells whether all images that refer to the layer are in the archive.
func (l *layer) inArchive() bool { return l.images == 0 && l.archived > 0 }

// storageClassUpdateNotSupported is chosen, with its reasons below.
func storageClassUpdateNotSupported(repo *repository, id types.ImageIdentifier, target types.TargetStorageClass, reason string) error {
	return &types.ImageStorageClassUpdateNotSupportedException{Message: text("The image with imageId {imageDigest:'%s', imageTag:'%s'} in the repository with name '%s' in the registry with id '%s' cannot be updated to storage class %s because %s",
		orNull(id.ImageDigest), orNull(id.ImageTag), repo.name, repo.Account, target, reason)}
}

func becauseOfStatus(img *image) string { return fmt.Sprintf("its status is %s", img.status()) }

func becauseOfSubject(img *image) string {
	return fmt.Sprintf("it follows its subject with digest '%s'", img.subject)
}

func becauseOfIndexes(indexes []string) string {
	return fmt.Sprintf("it is referenced by manifest list: [%s]", strings.Join(indexes, ", "))
}

// imageInaccessible has a text that is recorded from the registry endpoint.
func imageInaccessible(id types.ImageIdentifier) *types.ImageFailure {
	return imageFailure(id, types.ImageFailureCodeImageInaccessible, "The requested image is in an inaccessible state. Please restore if needed")
}

// layerArchived is chosen.
func layerArchived(repo *repository, digest string) error {
	return &types.LayerInaccessibleException{Message: text("The layer with digest '%s' within the repository with name '%s' in the registry with id '%s' is archived",
		digest, repo.name, repo.Account)}
}
