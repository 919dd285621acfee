package registry

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/lifecycle"
	"github.com/fakeecr/ecr/scenarios"
)

// How long a preview takes, and how long its results are kept from then on. ECR
// names neither.
const (
	previewDuration = 3 * time.Second
	previewLifetime = 24 * time.Hour
)

// preview is the last preview of a repository. A published record never changes.
type preview struct {
	// text is as it came, not compact.
	text   string
	policy *lifecycle.Policy
	status types.LifecyclePolicyPreviewStatus
	// results are in the order in which a run would act, with their counts; there
	// are some only when the preview is complete.
	results                 []verdict
	expiring, transitioning int32
	// next is the event that ends the status.
	next string
}

// StartLifecyclePolicyPreview begins a preview of the policy given, else of the
// repository's own, in place of the last one.
func (tx *Tx) StartLifecyclePolicyPreview(_ context.Context, in *ecr.StartLifecyclePolicyPreviewInput) (*ecr.StartLifecyclePolicyPreviewOutput, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	begun := &preview{status: types.LifecyclePolicyPreviewStatusInProgress}
	switch {
	case in.LifecyclePolicyText != nil:
		begun.text = *in.LifecyclePolicyText
		if begun.policy, err = parseLifecyclePolicy(begun.text); err != nil {
			return nil, err
		}
	case repo.lifecycle == nil:
		return nil, lifecyclePolicyNotFound(repo)
	default:
		begun.text, begun.policy = repo.lifecycle.text, repo.lifecycle.policy
	}
	if repo.preview != nil && repo.preview.status == types.LifecyclePolicyPreviewStatusInProgress {
		return nil, previewInProgress()
	}
	tx.dropPreview(repo)
	begun.next = tx.Schedule(tx.Now().Add(previewDuration), previewCompletion{repo.Place, repo.name})
	repo.preview = begun
	return &ecr.StartLifecyclePolicyPreviewOutput{
		LifecyclePolicyText: aws.String(begun.text),
		RegistryId:          aws.String(repo.Account),
		RepositoryName:      aws.String(repo.name),
		Status:              begun.status,
	}, nil
}

// dropPreview takes away the preview, if there is one, and what would happen to it.
func (tx *Tx) dropPreview(repo *repository) {
	if repo.preview != nil {
		tx.Unschedule(repo.preview.next)
		repo.preview = nil
	}
}

type previewCompletion struct {
	registry   Place
	repository string
}

func (e previewCompletion) call(tx *Tx) *scenarios.Call {
	if !tx.registry(e.registry).repositories.Has(e.repository) {
		return nil
	}
	return eventCall(e.registry, e.repository, scenarios.CompleteLifecyclePolicyPreview, &scenarios.CompleteLifecyclePolicyPreviewInput{
		RegistryId: aws.String(e.registry.Account), RepositoryName: aws.String(e.repository),
	})
}

func (e previewCompletion) happen(tx *Tx) (any, error) {
	e.end(tx, types.LifecyclePolicyPreviewStatusComplete)
	return nil, nil
}

func (e previewCompletion) fail(tx *Tx, _ error) {
	e.end(tx, types.LifecyclePolicyPreviewStatusFailed)
}

func (e previewCompletion) end(tx *Tx, status types.LifecyclePolicyPreviewStatus) {
	repo, err := tx.changeRepositoryOf(e.registry, e.repository)
	if err != nil {
		return
	}
	done := *repo.preview
	done.status = status
	if status == types.LifecyclePolicyPreviewStatusComplete {
		done.results, _ = repo.evaluate(done.policy, tx.Now())
	}
	for _, result := range done.results {
		if result.Type == lifecycle.Expire {
			done.expiring++
		} else {
			done.transitioning++
		}
	}
	done.next = tx.Schedule(tx.Now().Add(previewLifetime), previewExpiry(e))
	repo.preview = &done
}

type previewExpiry struct {
	registry   Place
	repository string
}

func (e previewExpiry) happen(tx *Tx) (any, error) {
	if repo, err := tx.changeRepositoryOf(e.registry, e.repository); err == nil {
		repo.preview = &preview{text: repo.preview.text, status: types.LifecyclePolicyPreviewStatusExpired}
	}
	return nil, nil
}

// GetLifecyclePolicyPreview answers the results for the images asked for, or a
// page of all.
func (tx *Tx) GetLifecyclePolicyPreview(_ context.Context, in *ecr.GetLifecyclePolicyPreviewInput) (*ecr.GetLifecyclePolicyPreviewOutput, error) {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	p, err := tx.previewPage(repo, in)
	if err != nil {
		return nil, err
	}
	if repo.preview == nil {
		return nil, previewNotFound(repo)
	}
	out := repo.preview.output()
	out.RegistryId, out.RepositoryName = aws.String(repo.Account), aws.String(repo.name)
	var filter imageFilter
	if in.Filter != nil {
		filter.tags = in.Filter.TagStatus
	}
	first, _ := strconv.Atoi(p.last)
	for i := first; i < len(repo.preview.results); i++ {
		result := repo.preview.results[i]
		if !filter.accepts(result.image) || in.ImageIds != nil && !slices.ContainsFunc(in.ImageIds, result.image.is) {
			continue
		}
		if p.full(len(out.PreviewResults)) {
			out.NextToken = p.next()
			break
		}
		out.PreviewResults = append(out.PreviewResults, result.output())
		p.last = strconv.Itoa(i + 1)
	}
	return out, nil
}

// previewPage is the page that an input asks for. Its position is an index, as
// the results of a preview do not change. As many images as may be named fit on
// one page.
func (tx *Tx) previewPage(repo *repository, in *ecr.GetLifecyclePolicyPreviewInput) (*pages, error) {
	if in.ImageIds != nil {
		if in.MaxResults != nil || in.NextToken != nil {
			return nil, invalidTogether(pagingMember(in.NextToken), "images with imageIds")
		}
		if err := repo.wellFormed(in.ImageIds); err != nil {
			return nil, err
		}
	}
	return tx.newPage("GetLifecyclePolicyPreview", repo.arn, in.MaxResults, in.NextToken)
}

// wellFormed refuses ids that can be of no image, as ECR does elsewhere.
func (r *repository) wellFormed(ids []types.ImageIdentifier) error {
	for _, id := range ids {
		var missing *types.ImageNotFoundException
		if _, err := r.one(id); err != nil && !errors.As(err, &missing) {
			return err
		}
	}
	return nil
}

// is tells whether a well-formed id stands for the image.
func (i *image) is(id types.ImageIdentifier) bool {
	return (id.ImageDigest == nil || *id.ImageDigest == i.digest) &&
		(id.ImageTag == nil || slices.Contains(i.tags, *id.ImageTag))
}

func (p *preview) output() *ecr.GetLifecyclePolicyPreviewOutput {
	out := &ecr.GetLifecyclePolicyPreviewOutput{
		LifecyclePolicyText: aws.String(p.text),
		PreviewResults:      []types.LifecyclePolicyPreviewResult{},
		Status:              p.status,
	}
	if p.status == types.LifecyclePolicyPreviewStatusComplete {
		out.Summary = &types.LifecyclePolicyPreviewSummary{ExpiringImageTotalCount: aws.Int32(p.expiring)}
	}
	if p.transitioning > 0 {
		out.Summary.TransitioningImageTotalCounts = []types.TransitioningImageTotalCount{{
			ImageTotalCount:    aws.Int32(p.transitioning),
			TargetStorageClass: types.LifecyclePolicyTargetStorageClassArchive,
		}}
	}
	return out
}

func (v verdict) output() types.LifecyclePolicyPreviewResult {
	result := types.LifecyclePolicyPreviewResult{
		Action:              &types.LifecyclePolicyRuleAction{Type: types.ImageActionType(v.Type)},
		AppliedRulePriority: aws.Int32(v.RulePriority),
		ImageDigest:         aws.String(v.image.digest),
		ImagePushedAt:       aws.Time(v.image.pushedAt),
		ImageTags:           append([]string{}, v.image.tags...),
		StorageClass:        types.LifecyclePolicyStorageClass(v.StorageClass),
	}
	if v.Type == lifecycle.Transition {
		result.Action.TargetStorageClass = types.LifecyclePolicyTargetStorageClassArchive
	}
	return result
}

// previewNotFound is chosen.
func previewNotFound(repo *repository) error {
	return &types.LifecyclePolicyPreviewNotFoundException{Message: text("Lifecycle policy preview does not exist for the repository with name '%s' in the registry with id '%s'", repo.name, repo.Account)}
}

// previewInProgress is chosen: the service model's sentence about the exception.
func previewInProgress() error {
	return &types.LifecyclePolicyPreviewInProgressException{Message: aws.String("The previous lifecycle policy preview request has not completed. Wait and try again.")}
}
