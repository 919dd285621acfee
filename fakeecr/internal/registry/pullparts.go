package registry

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/scenarios"
)

// pullLayer brings a layer from upstream that the repository lacks, if the
// registry has a rule for it. That upstream lacks it too is not an error yet.
func (tx *Tx) pullLayer(ctx context.Context, in *ecr.GetDownloadUrlForLayerInput) error {
	place := tx.target(in.RegistryId)
	rule := tx.registry(place).cacheRule(*in.RepositoryName)
	if rule == nil || tx.staysHere(ctx) || tx.hasLayer(in) {
		return nil
	}
	into := named(place, *in.RepositoryName)
	if !tx.mayImport(into) {
		return nil
	}
	s, err := tx.newShipment(rule, into)
	if isException(err) {
		return unableToGetUpstreamLayer(authenticationFailed)
	}
	if err == nil {
		err = s.layer(withPull(ctx), *in.LayerDigest, unknown)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrUpstreamNotFound):
		return nil
	case err != nil:
		return unableToGetUpstreamLayer(upstreamReason(rule.url, err))
	}
	repo, err := tx.destination(s)
	if missing := new(types.RepositoryNotFoundException); errors.As(err, &missing) {
		return err
	}
	if err != nil {
		return unableToGetUpstreamLayer(sentence(err))
	}
	for _, l := range s.layers {
		tx.importLayer(repo, l)
		cached, _ := repo.layers.Get(l.digest)
		reachable := *cached
		reachable.cached = true
		repo.layers.Set(repo.generation, l.digest, &reachable)
	}
	return nil
}

// hasLayer tells whether a repository has a layer that belongs to an image, in
// the archive or not, or that came from upstream.
func (tx *Tx) hasLayer(in *ecr.GetDownloadUrlForLayerInput) bool {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return false
	}
	l, found := repo.layers.Get(*in.LayerDigest)
	return found && (l.referred() || l.cached)
}

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
