package registry

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/scenarios"
)

// lister is an upstream that has the referrers of its images listed.
type lister interface {
	Referrers(ctx context.Context, repository, digest string) ([]string, error)
}

// pullReferrers brings the referrers of an image from upstream, if the registry
// has a rule for its repository and upstream lists them, at most once in 24
// hours. What is here is served when upstream fails.
func (tx *Tx) pullReferrers(ctx context.Context, in *ecr.ListImageReferrersInput) error {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return err
	}
	subject := *in.SubjectId.ImageDigest
	rule := tx.registry(repo.Place).cacheRule(repo.name)
	checked, asked := repo.checked.Get(subject)
	if rule == nil || tx.staysHere(ctx) || asked && tx.Now().Sub(checked) < refreshAfter {
		return nil
	}
	here := len(linked(&repo.referrers, subject)) > 0
	err = tx.importReferrers(ctx, rule, repo, subject)
	if here && err != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

func (tx *Tx) importReferrers(ctx context.Context, rule *cacheRule, repo *repository, subject string) error {
	if !tx.mayImport(repo) {
		return nil
	}
	s, err := tx.newShipment(rule, repo)
	if isException(err) {
		return unableToListReferrers(authenticationFailed)
	}
	if err == nil {
		err = s.referrers(withPull(ctx), subject)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !errors.Is(err, ErrUpstreamNotFound):
		return unableToListReferrers(upstreamReason(rule.url, err))
	}
	stored, err := tx.unload(s, nil)
	if err != nil {
		return unableToListReferrers(sentence(err))
	}
	stored.checked.Set(stored.generation, subject, tx.Now())
	return nil
}

// referrers adds what refers to an image, as far as upstream lists it.
func (s *shipment) referrers(ctx context.Context, subject string) error {
	upstream, lists := s.upstream.(lister)
	if !lists {
		return nil
	}
	var digests []string
	asked := &scenarios.PullFromUpstreamInput{SubjectId: &types.SubjectIdentifier{ImageDigest: &subject}}
	err := s.look(ctx, asked, func(ctx context.Context) (err error) {
		digests, err = upstream.Referrers(ctx, s.name, subject)
		return err
	})
	if err != nil {
		return err
	}
	for _, digest := range digests {
		if _, err := s.image(ctx, digest); err != nil {
			return incomplete(err, digest)
		}
	}
	return nil
}
