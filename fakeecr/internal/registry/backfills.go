package registry

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/cow"
)

// defaultBackfillPage is the page of ListReplicationBackfills.
const defaultBackfillPage = 25

// backfill is the replication of what a registry has to one of its destinations.
// A published record never changes.
type backfill struct {
	id                 string
	from, to           Place
	status             types.ReplicationBackfillStatus
	startedAt, endedAt time.Time
	// images are known once the backfill is prepared, in order of their keys;
	// underway are on their way, and last is the key of the last one that set out.
	images            cow.Map[*backfillImage]
	prepared          bool
	underway          int
	last              string
	completed, failed int32
	failureCodes      []string
	// step is the event that ends the preparation or, after the end, forgets the
	// backfill.
	step string
}

// backfillImage is one replication of a backfill: of an image under one tag.
type backfillImage struct {
	repository string
	id         types.ImageIdentifier
	index      bool
	// status is empty until the replication has ended.
	status     types.ReplicationBackfillResultStatus
	failure    string
	ofChildren []string
}

func (i *backfillImage) key() string {
	return link(link(i.repository, *i.id.ImageDigest), aws.ToString(i.id.ImageTag))
}

func (b *backfill) ended() bool {
	switch b.status {
	case types.ReplicationBackfillStatusPreparing, types.ReplicationBackfillStatusInProgress, types.ReplicationBackfillStatusStopping:
		return false
	default:
		return true
	}
}

// StartReplicationBackfill begins to replicate the images that the registry has
// to one of its destinations. A region has one backfill at a time.
func (tx *Tx) StartReplicationBackfill(_ context.Context, in *ecr.StartReplicationBackfillInput) (*ecr.StartReplicationBackfillOutput, error) {
	reg := tx.changeRegistry(tx.target(in.RegistryId))
	to := placeOf(in.Destination)
	if !reg.replicatesTo(to) {
		return nil, notADestination()
	}
	active := 0
	for _, other := range reg.backfills.All() {
		if other.ended() {
			continue
		}
		if other.to.Region == to.Region {
			return nil, backfillInProgress(reg.Place, to.Region)
		}
		active++
	}
	if err := tx.within(ReplicationBackfillsActive, active+1); err != nil {
		return nil, err
	}
	b := &backfill{
		id: tx.NewID(), from: reg.Place, to: to,
		status: types.ReplicationBackfillStatusPreparing, startedAt: tx.Now(),
	}
	tx.scheduleBackfill(b, backfillPreparation)
	return &ecr.StartReplicationBackfillOutput{
		Destination:           ptr(destinationOf(to)),
		RegistryId:            aws.String(reg.Account),
		ReplicationBackfillId: aws.String(b.id),
		StartedAt:             aws.Time(b.startedAt),
		Status:                b.status,
	}, nil
}

// StopReplicationBackfill ends a backfill at once while it prepares. Later the
// replications that have begun are completed first.
func (tx *Tx) StopReplicationBackfill(_ context.Context, in *ecr.StopReplicationBackfillInput) (*ecr.StopReplicationBackfillOutput, error) {
	tx.write()
	found, err := tx.backfill(in.RegistryId, in.ReplicationBackfillId)
	if err != nil {
		return nil, err
	}
	b := ptr(*found)
	switch b.status {
	case types.ReplicationBackfillStatusPreparing:
		tx.Unschedule(b.step)
		tx.endBackfill(b, types.ReplicationBackfillStatusStopped)
	case types.ReplicationBackfillStatusInProgress:
		b.status = types.ReplicationBackfillStatusStopping
		tx.putBackfill(b)
	default:
		return nil, backfillCannotStop(b)
	}
	return &ecr.StopReplicationBackfillOutput{
		Destination:           ptr(destinationOf(b.to)),
		RegistryId:            aws.String(b.from.Account),
		ReplicationBackfillId: aws.String(b.id),
		StartedAt:             aws.Time(b.startedAt),
		Status:                b.status,
	}, nil
}

// ListReplicationBackfills answers a page of the registry's backfills, by id.
func (tx *Tx) ListReplicationBackfills(_ context.Context, in *ecr.ListReplicationBackfillsInput) (*ecr.ListReplicationBackfillsOutput, error) {
	place := tx.target(in.RegistryId)
	p, err := tx.newPage("ListReplicationBackfills", place.String(), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	if in.MaxResults == nil {
		p.limit = defaultBackfillPage
	}
	out := &ecr.ListReplicationBackfillsOutput{RegistryId: aws.String(place.Account), Backfills: []types.ReplicationBackfillSummary{}}
	for id, b := range tx.registry(place).backfills.From(p.start) {
		if p.full(len(out.Backfills)) {
			out.NextToken = p.next()
			break
		}
		out.Backfills = append(out.Backfills, b.summary())
		p.last = id
	}
	return out, nil
}

// DescribeReplicationBackfillResults answers how far a backfill is and, once it
// has ended, a page of how each image went, by repository, digest and tag.
func (tx *Tx) DescribeReplicationBackfillResults(_ context.Context, in *ecr.DescribeReplicationBackfillResultsInput) (*ecr.DescribeReplicationBackfillResultsOutput, error) {
	b, err := tx.backfill(in.RegistryId, in.ReplicationBackfillId)
	if err != nil {
		return nil, err
	}
	p, err := tx.newPage("DescribeReplicationBackfillResults", b.id, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	summary := b.summary()
	out := &ecr.DescribeReplicationBackfillResultsOutput{
		Destination:           summary.Destination,
		EndedAt:               summary.EndedAt,
		FailureCode:           summary.FailureCode,
		Progress:              summary.Progress,
		RegistryId:            aws.String(b.from.Account),
		ReplicationBackfillId: summary.ReplicationBackfillId,
		Results:               []types.ReplicationBackfillResult{},
		StartedAt:             summary.StartedAt,
		Status:                summary.Status,
	}
	if !b.ended() {
		return out, nil
	}
	for key, img := range b.images.From(p.start) {
		// A stopped backfill has images that it did not come to.
		if img.status == "" || in.ResultStatusFilter != "" && img.status != in.ResultStatusFilter {
			continue
		}
		if p.full(len(out.Results)) {
			out.NextToken = p.next()
			break
		}
		out.Results = append(out.Results, img.result())
		p.last = key
	}
	return out, nil
}

// backfill is the backfill that an input names.
func (tx *Tx) backfill(registryID, id *string) (*backfill, error) {
	place := tx.target(registryID)
	b, found := tx.registry(place).backfills.Get(*id)
	if !found {
		return nil, backfillNotFound(place, *id)
	}
	return b, nil
}

func (b *backfill) summary() types.ReplicationBackfillSummary {
	summary := types.ReplicationBackfillSummary{
		Destination:           ptr(destinationOf(b.to)),
		ReplicationBackfillId: aws.String(b.id),
		StartedAt:             aws.Time(b.startedAt),
		Status:                b.status,
	}
	if b.ended() {
		summary.EndedAt = aws.Time(b.endedAt)
	}
	if b.status == types.ReplicationBackfillStatusFailed {
		summary.FailureCode = aws.String(b.failureCodes[0])
	}
	if b.prepared {
		summary.Progress = &types.ReplicationBackfillProgress{
			TotalReplicationCount:     aws.Int32(int32(b.images.Len())),
			CompletedReplicationCount: aws.Int32(b.completed),
			FailedReplicationCount:    aws.Int32(b.failed),
			FailureCodes:              append([]string{}, b.failureCodes...),
		}
	}
	return summary
}

func (i *backfillImage) result() types.ReplicationBackfillResult {
	result := types.ReplicationBackfillResult{
		ImageId:        ptr(copyID(i.id)),
		RepositoryName: aws.String(i.repository),
		Status:         i.status,
		FailureCode:    optional(i.failure),
	}
	if i.index {
		result.SubImageFailureCodes = append([]string{}, i.ofChildren...)
	}
	return result
}

// backfillInProgress is chosen.
func backfillInProgress(from Place, region string) error {
	return &types.ReplicationBackfillInProgressException{Message: text("A replication backfill to the region '%s' is already in progress in the registry with id '%s'", region, from.Account)}
}

// backfillNotFound is chosen.
func backfillNotFound(from Place, id string) error {
	return &types.ReplicationBackfillNotFoundException{Message: text("The replication backfill with id '%s' does not exist in the registry with id '%s'", id, from.Account)}
}

// backfillCannotStop is chosen.
func backfillCannotStop(b *backfill) error {
	return &types.ReplicationBackfillInvalidStatusException{Message: text("The replication backfill with id '%s' in the registry with id '%s' cannot be stopped because its status is %s", b.id, b.from.Account, b.status)}
}
