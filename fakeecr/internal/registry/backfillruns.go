package registry

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/scenarios"
)

const (
	// backfillPreparation is how long a backfill collects its images, and
	// backfillWidth how many are on their way at a time. ECR tells neither.
	backfillPreparation = 5 * time.Second
	backfillWidth       = 10
	// backfillRetention is how long a backfill is shown after its end.
	backfillRetention = 90 * 24 * time.Hour
)

// backfillStep ends the preparation of a backfill or, after its end, forgets it.
type backfillStep struct {
	from Place
	id   string
}

func (s backfillStep) happen(tx *Tx) (any, error) {
	reg := tx.changeRegistry(s.from)
	found, _ := reg.backfills.Get(s.id)
	b := ptr(*found)
	if b.ended() {
		reg.backfills.Delete(reg.generation, b.id)
		return nil, nil
	}
	tx.prepareBackfill(b)
	tx.continueBackfill(b)
	return nil, nil
}

// prepareBackfill collects what the registry replicates to the destination now.
func (tx *Tx) prepareBackfill(b *backfill) {
	b.prepared, b.status = true, types.ReplicationBackfillStatusInProgress
	reg := tx.registry(b.from)
	for name, repo := range reg.repositories.All() {
		if !slices.Contains(reg.destinationsOf(name, nil), b.to) {
			continue
		}
		for _, img := range repo.images.All() {
			if img.archived {
				continue
			}
			for _, id := range everyID(img) {
				listed := &backfillImage{repository: name, id: id, index: len(img.children) > 0}
				b.images.Set(tx.write().Generation(), listed.key(), listed)
			}
		}
	}
}

// continueBackfill begins replications, unless the backfill is stopping, and ends
// the backfill when none is under way.
func (tx *Tx) continueBackfill(b *backfill) {
	if b.status == types.ReplicationBackfillStatusInProgress {
		for key := range b.images.From(b.last + "\x00") {
			if b.underway == backfillWidth {
				break
			}
			tx.Schedule(tx.Now().Add(replicationLag), backfillReplica{b.from, b.id, key})
			b.underway++
			b.last = key
		}
	}
	switch {
	case b.underway > 0:
		tx.putBackfill(b)
	case b.status == types.ReplicationBackfillStatusStopping:
		tx.endBackfill(b, types.ReplicationBackfillStatusStopped)
	case b.hasFailed():
		tx.endBackfill(b, types.ReplicationBackfillStatusFailed)
	default:
		tx.endBackfill(b, types.ReplicationBackfillStatusComplete)
	}
}

// hasFailed tells whether so many of the replications failed that the backfill did,
// as the user guide has it.
func (b *backfill) hasFailed() bool {
	processed := b.completed + b.failed
	return processed >= 100 && 2*b.failed >= processed
}

// backfillReplica is the arrival of one image of a backfill, by its key there.
type backfillReplica struct {
	from    Place
	id, key string
}

func (r backfillReplica) of(tx *Tx) (*backfill, *backfillImage) {
	b, _ := tx.registry(r.from).backfills.Get(r.id)
	img, _ := b.images.Get(r.key)
	return b, img
}

func (r backfillReplica) call(tx *Tx) *scenarios.Call {
	b, img := r.of(tx)
	return receipt(b.from, b.to, img.repository, img.id)
}

// happen replicates the image, if it is still there under its tag.
func (r backfillReplica) happen(tx *Tx) (any, error) {
	b, img := r.of(tx)
	repo, source, err := tx.sourceOf(b, img)
	if err != nil {
		tx.noteOutcome(b, *img, err)
		return nil, err
	}
	done := *img
	done.ofChildren, err = tx.copyImage(repo, source, img.id.ImageTag, b.to)
	tx.noteReplica(repo, source, b.to, 0, failureCode(err))
	tx.noteOutcome(b, done, err)
	return nil, err
}

func (r backfillReplica) fail(tx *Tx, failure error) {
	b, img := r.of(tx)
	if repo, source, err := tx.sourceOf(b, img); err == nil {
		tx.noteReplica(repo, source, b.to, 0, failureCode(failure))
	}
	tx.noteOutcome(b, *img, failure)
}

// sourceOf is the image that is replicated, or why there is none.
func (tx *Tx) sourceOf(b *backfill, img *backfillImage) (*repository, *image, error) {
	repo, found := tx.registry(b.from).repositories.Get(img.repository)
	if !found {
		return nil, nil, repositoryNotFound(b.from, img.repository)
	}
	source, failure := repo.find(img.id)
	if failure == nil && source.archived {
		failure = imageInaccessible(img.id)
	}
	if failure != nil {
		return nil, nil, &smithy.GenericAPIError{Code: string(failure.FailureCode), Message: aws.ToString(failure.FailureReason), Fault: smithy.FaultClient}
	}
	return repo, source, nil
}

// noteOutcome notes in a backfill how an image went, and goes on.
func (tx *Tx) noteOutcome(found *backfill, done backfillImage, err error) {
	b := ptr(*found)
	done.status, done.failure = types.ReplicationBackfillResultStatusComplete, failureCode(err)
	if err == nil {
		b.completed++
	} else {
		done.status = types.ReplicationBackfillResultStatusFailed
		b.failed++
		b.failureCodes = addCode(b.failureCodes, done.failure)
	}
	b.images.Set(tx.write().Generation(), done.key(), &done)
	b.underway--
	tx.continueBackfill(b)
}

func (tx *Tx) scheduleBackfill(b *backfill, after time.Duration) {
	b.step = tx.Schedule(tx.Now().Add(after), backfillStep{b.from, b.id})
	tx.putBackfill(b)
}

func (tx *Tx) endBackfill(b *backfill, status types.ReplicationBackfillStatus) {
	b.status, b.endedAt = status, tx.Now()
	tx.scheduleBackfill(b, backfillRetention)
}

func (tx *Tx) putBackfill(b *backfill) {
	reg := tx.changeRegistry(b.from)
	reg.backfills.Set(reg.generation, b.id, b)
}
