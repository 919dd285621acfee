package registry

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/engine"
	"github.com/fakeecr/ecr/fakeecr/internal/lifecycle"
	"github.com/fakeecr/ecr/scenarios"
)

// lifecyclePeriod is the time from putting a policy to its first run, and from
// one run to the next. ECR says that images are acted on within 24 hours.
const lifecyclePeriod = 24 * time.Hour

// lifecyclePolicy is a repository's policy. A published record never changes.
type lifecyclePolicy struct {
	// text is compact, as ECR answers it.
	text   string
	policy *lifecycle.Policy
	// putAt is when it was put: it runs every lifecyclePeriod from then on.
	putAt time.Time
	// ranAt is the time of the last run, before the first one the epoch. Runs that
	// would find nothing to do are left out. missedAt is the time of the last run
	// that a rule failed: until then none was left out that ranAt does not tell of.
	ranAt, missedAt time.Time
	// next is the event of the next run that is not left out.
	next string
}

// runAfter is the time of the policy's first daily run after a time that is not
// before the policy was put. A Duration would hold 292 years only.
func (p *lifecyclePolicy) runAfter(t time.Time) time.Time {
	period, put := lifecyclePeriod.Milliseconds(), p.putAt.UnixMilli()
	return time.UnixMilli(put + ((t.UnixMilli()-put)/period+1)*period).UTC()
}

// evaluatedAt is the time of the last run, also of one that was left out. While
// a rule keeps the next run, there is none behind it.
func (p *lifecyclePolicy) evaluatedAt(now time.Time) time.Time {
	if due := engine.Due(p.next); !due.After(now) {
		now = due.Add(-time.Millisecond)
	}
	if last := p.runAfter(now).Add(-lifecyclePeriod); last.After(p.putAt) && last.After(p.ranAt) && last.After(p.missedAt) {
		return last
	}
	return p.ranAt
}

// PutLifecyclePolicy sets a repository's policy, which runs for the first time
// 24 hours later, also if it takes the place of another.
func (tx *Tx) PutLifecyclePolicy(_ context.Context, in *ecr.PutLifecyclePolicyInput) (*ecr.PutLifecyclePolicyOutput, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if err := tx.setLifecyclePolicy(repo, *in.LifecyclePolicyText); err != nil {
		return nil, err
	}
	return &ecr.PutLifecyclePolicyOutput{
		LifecyclePolicyText: aws.String(repo.lifecycle.text),
		RegistryId:          aws.String(repo.Account),
		RepositoryName:      aws.String(repo.name),
	}, nil
}

func (tx *Tx) setLifecyclePolicy(repo *repository, text string) error {
	policy, err := parseLifecyclePolicy(text)
	if err != nil {
		return err
	}
	tx.dropLifecyclePolicy(repo)
	repo.lifecycle = &lifecyclePolicy{
		text:   lifecycle.Compact(text),
		policy: policy,
		putAt:  tx.Now(),
		ranAt:  time.Unix(0, 0).UTC(),
		next:   tx.Schedule(tx.Now().Add(lifecyclePeriod), lifecycleRun{repo.Place, repo.name}),
	}
	return nil
}

func parseLifecyclePolicy(text string) (*lifecycle.Policy, error) {
	policy, err := lifecycle.Parse(text)
	if err != nil {
		return nil, invalidParameter("LifecyclePolicyText", err.Error())
	}
	return policy, nil
}

// dropLifecyclePolicy takes away the policy, if there is one, and its next run.
func (tx *Tx) dropLifecyclePolicy(repo *repository) {
	if repo.lifecycle != nil {
		tx.Unschedule(repo.lifecycle.next)
		repo.lifecycle = nil
	}
}

// GetLifecyclePolicy answers the policy and when it last ran.
func (tx *Tx) GetLifecyclePolicy(_ context.Context, in *ecr.GetLifecyclePolicyInput) (*ecr.GetLifecyclePolicyOutput, error) {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	policy := repo.lifecycle
	if policy == nil {
		return nil, lifecyclePolicyNotFound(repo)
	}
	return &ecr.GetLifecyclePolicyOutput{
		LastEvaluatedAt:     aws.Time(policy.evaluatedAt(tx.Now())),
		LifecyclePolicyText: aws.String(policy.text),
		RegistryId:          aws.String(repo.Account),
		RepositoryName:      aws.String(repo.name),
	}, nil
}

// DeleteLifecyclePolicy answers the policy as it was.
func (tx *Tx) DeleteLifecyclePolicy(_ context.Context, in *ecr.DeleteLifecyclePolicyInput) (*ecr.DeleteLifecyclePolicyOutput, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	policy := repo.lifecycle
	if policy == nil {
		return nil, lifecyclePolicyNotFound(repo)
	}
	tx.dropLifecyclePolicy(repo)
	return &ecr.DeleteLifecyclePolicyOutput{
		LastEvaluatedAt:     aws.Time(policy.evaluatedAt(tx.Now())),
		LifecyclePolicyText: aws.String(policy.text),
		RegistryId:          aws.String(repo.Account),
		RepositoryName:      aws.String(repo.name),
	}, nil
}

// RunLifecycle runs a repository's policy at once. Its daily runs stay when they
// are.
func (w *World) RunLifecycle(place Place, name string) error {
	return w.do(place, func(tx *Tx) error {
		repo, err := tx.changeRepository(nil, &name)
		switch {
		case err != nil:
			return err
		case repo.lifecycle == nil:
			return lifecyclePolicyNotFound(repo)
		}
		run := lifecycleRun{repo.Place, repo.name}.call(tx)
		run.Time, run.Output = tx.Now(), tx.runLifecycle(repo)
		tx.Tell(run)
		return nil
	})
}

type lifecycleRun struct {
	registry   Place
	repository string
}

func (e lifecycleRun) call(tx *Tx) *scenarios.Call {
	if !tx.registry(e.registry).repositories.Has(e.repository) {
		return nil
	}
	return eventCall(e.registry, e.repository, scenarios.RunLifecyclePolicy, &scenarios.RunLifecyclePolicyInput{
		RegistryId: aws.String(e.registry.Account), RepositoryName: aws.String(e.repository),
	})
}

func (e lifecycleRun) happen(tx *Tx) (any, error) {
	repo, err := tx.changeRepositoryOf(e.registry, e.repository)
	if err != nil {
		return nil, err
	}
	return tx.runLifecycle(repo), nil
}

// fail leaves out a run that had something to do. The next is on the next day.
func (e lifecycleRun) fail(tx *Tx, _ error) {
	repo, err := tx.repositoryOf(e.registry, e.repository)
	if err != nil {
		return
	}
	ranAt := repo.lifecycle.evaluatedAt(tx.Now())
	repo = tx.copyForChange(repo)
	missed := *repo.lifecycle
	missed.ranAt, missed.missedAt = ranAt, tx.Now()
	repo.lifecycle = &missed
}

// planLifecycle makes a repository's policy, if there is one, run next on its
// first day after a time: up to then its runs would find nothing to do. A run
// that a rule keeps stays as it is.
func (tx *Tx) planLifecycle(repo *repository, after time.Time) {
	if repo.lifecycle == nil || tx.Asked(repo.lifecycle.next) {
		return
	}
	due := repo.lifecycle.runAfter(after)
	if due.Equal(engine.Due(repo.lifecycle.next)) {
		return
	}
	planned := *repo.lifecycle
	planned.next = tx.Reschedule(planned.next, due, lifecycleRun{repo.Place, repo.name})
	repo.lifecycle = &planned
}

// runLifecycle does what a repository's policy says. What expires goes as if
// BatchDeleteImage had deleted it. The next run is a day later, as for whatever
// changes a repository; where nothing was done, it is when an image is due.
func (tx *Tx) runLifecycle(repo *repository) *scenarios.RunLifecyclePolicyOutput {
	ran := *repo.lifecycle
	ran.ranAt = tx.Now()
	repo.lifecycle = &ran
	verdicts, until := repo.evaluate(ran.policy, tx.Now())
	if len(verdicts) == 0 {
		if until.IsZero() {
			until = engine.Never
		}
		tx.planLifecycle(repo, until)
	}
	out := &scenarios.RunLifecyclePolicyOutput{}
	for _, verdict := range verdicts {
		out.Images = append(out.Images, verdict.output())
		switch verdict.Type {
		case lifecycle.Expire:
			tx.deleteImage(repo, verdict.image)
		case lifecycle.Transition:
			repo.archive(verdict.image, tx.Now())
		}
	}
	return out
}

// verdict is what a policy does to an image, as the image was at the time.
type verdict struct {
	lifecycle.Action
	image *image
}

// evaluate is what a policy does to the images of a repository at a time, and
// until when it would do the same; zero if for ever.
func (r *repository) evaluate(policy *lifecycle.Policy, now time.Time) (verdicts []verdict, until time.Time) {
	images := make([]*image, 0, r.images.Len())
	inputs := make([]lifecycle.Image, 0, r.images.Len())
	for _, img := range r.images.All() {
		images = append(images, img)
		inputs = append(inputs, img.forLifecycle())
	}
	actions, until := policy.Evaluate(inputs, now)
	verdicts = make([]verdict, len(actions))
	for i, action := range actions {
		verdicts[i] = verdict{action, images[action.Image]}
	}
	return verdicts, until
}

// forLifecycle is the image as policies see it. One on its way back from the
// archive is as young as any, and a referrer whose subject was never there has
// none that it could follow.
func (i *image) forLifecycle() lifecycle.Image {
	seen := lifecycle.Image{
		Digest:      i.digest,
		Tags:        i.tags,
		PushedAt:    i.pushedAt,
		PulledAt:    i.pulledAt,
		ActivatedAt: i.activatedAt,
		ArchivedAt:  i.archivedAt,
		Archived:    i.archived,
		Children:    i.children,
	}
	if !i.activeFrom.IsZero() {
		seen.Archived, seen.ActivatedAt = false, i.activeFrom
	}
	if i.subjectSeen {
		seen.Subject = i.subject
	}
	return seen
}

func lifecyclePolicyNotFound(repo *repository) error {
	return &types.LifecyclePolicyNotFoundException{Message: text("Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", repo.name, repo.Account)}
}
