package registry

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
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
