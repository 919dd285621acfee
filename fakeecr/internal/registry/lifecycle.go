package registry

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/fakeecr/ecr/fakeecr/internal/lifecycle"
)

// lifecyclePeriod is the time from putting a policy to its first run, and from
// one run to the next. ECR says that images are acted on within 24 hours.
const lifecyclePeriod = 24 * time.Hour

// lifecyclePolicy is a repository's policy. A published record never changes.
type lifecyclePolicy struct {
	// text is compact, as ECR answers it.
	text   string
	policy *lifecycle.Policy
	// evaluatedAt is the time of the last run, before the first one the epoch.
	evaluatedAt time.Time
	// next is the event of the next run.
	next string
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
		text:        lifecycle.Compact(text),
		policy:      policy,
		evaluatedAt: time.Unix(0, 0).UTC(),
		next:        tx.schedule(tx.now.Add(lifecyclePeriod), lifecycleRuns{repo.Key, repo.name}),
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
		tx.unschedule(repo.lifecycle.next)
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
		LastEvaluatedAt:     aws.Time(policy.evaluatedAt),
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
		LastEvaluatedAt:     aws.Time(policy.evaluatedAt),
		LifecyclePolicyText: aws.String(policy.text),
		RegistryId:          aws.String(repo.Account),
		RepositoryName:      aws.String(repo.name),
	}, nil
}

// RunLifecycle runs a repository's policy at once. Its next run stays when it is.
func (w *World) RunLifecycle(key Key, name string) error {
	tx := &Tx{World: w, Key: key}
	_, err := Run(tx, func() (struct{}, error) {
		repo, err := tx.changeRepository(nil, &name)
		switch {
		case err != nil:
			return struct{}{}, err
		case repo.lifecycle == nil:
			return struct{}{}, lifecyclePolicyNotFound(repo)
		}
		tx.runLifecycle(repo, repo.lifecycle.next)
		return struct{}{}, nil
	})
	return err
}

type lifecycleRuns struct {
	registry   Key
	repository string
}

func (e lifecycleRuns) happen(tx *Tx) {
	if repo, err := tx.changeRepositoryOf(e.registry, e.repository); err == nil {
		tx.runLifecycle(repo, tx.schedule(tx.now.Add(lifecyclePeriod), e))
	}
}

// runLifecycle does what a repository's policy says. What expires goes as if
// BatchDeleteImage had deleted it.
func (tx *Tx) runLifecycle(repo *repository, next string) {
	ran := *repo.lifecycle
	ran.evaluatedAt, ran.next = tx.now, next
	repo.lifecycle = &ran
	for _, verdict := range repo.evaluate(ran.policy, tx.now) {
		switch verdict.Type {
		case lifecycle.Expire:
			repo.forget(verdict.image)
		case lifecycle.Transition:
			repo.archive(verdict.image, tx.now)
		}
	}
}

// verdict is what a policy does to an image, as the image was at the time.
type verdict struct {
	lifecycle.Action
	image *image
}

// evaluate is what a policy does to the images of a repository at a time.
func (r *repository) evaluate(policy *lifecycle.Policy, now time.Time) []verdict {
	images := make([]*image, 0, r.images.len())
	inputs := make([]lifecycle.Image, 0, r.images.len())
	for _, img := range r.images.all() {
		images = append(images, img)
		inputs = append(inputs, img.forLifecycle())
	}
	actions := policy.Evaluate(inputs, now)
	verdicts := make([]verdict, len(actions))
	for i, action := range actions {
		verdicts[i] = verdict{action, images[action.Image]}
	}
	return verdicts
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
