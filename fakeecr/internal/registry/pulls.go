package registry

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
)

// refreshAfter is how long a cached tag is served without a look upstream.
const refreshAfter = 24 * time.Hour

// wanted is an image that a pull asks upstream for.
type wanted struct {
	// at is the place of its id in the input.
	at int
	// reference is the tag, or else the digest.
	reference string
	isTag     bool
	// cached tells that the repository has the tag; checked is when upstream was
	// last asked for it.
	cached  bool
	checked time.Time
	// digest is upstream's answer, "" if it has no such image.
	digest string
}

// refusals are the failures of images that upstream did not answer, by the place
// of their ids.
type refusals map[int]*types.ImageFailure

// pullMissing is the repository that images are pulled from, once what it lacks has
// come from upstream, if the registry has a rule for it. Upstream is asked
// before the world is locked.
func (tx *Tx) pullMissing(ctx context.Context, in *ecr.BatchGetImageInput) (*repository, refusals, error) {
	place := tx.target(in.RegistryId)
	repo, missing := tx.repository(in.RegistryId, in.RepositoryName)
	rule := tx.registry(place).cacheRule(*in.RepositoryName)
	if rule == nil || tx.staysHere(ctx) {
		return repo, nil, missing
	}
	if missing != nil {
		repo = named(place, *in.RepositoryName)
	}
	images := tx.wantedOf(repo, in.ImageIds)
	if len(images) == 0 || !tx.mayImport(repo) {
		return repo, nil, missing
	}
	return tx.pull(ctx, rule, repo, images, in.ImageIds)
}

// pull brings images from upstream into a repository, which need not exist.
func (tx *Tx) pull(ctx context.Context, rule *cacheRule, repo *repository, images []wanted, ids []types.ImageIdentifier) (*repository, refusals, error) {
	s, err := tx.newShipment(rule, repo)
	if isException(err) && !allCached(images) {
		return nil, nil, unableToGetUpstreamImage(authenticationFailed)
	}
	answered, refused := s.fetch(ctx, err, images, ids)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if len(answered) == 0 {
		return repo, refused, nil
	}
	stored, err := tx.unload(s, answered)
	var limit *types.LimitExceededException
	var kms *types.KmsException
	switch {
	case errors.As(err, &limit) && allCached(images):
		return repo, refused, nil
	case errors.As(err, &kms):
		for _, w := range answered {
			refused[w.at] = upstreamFailure(ids[w.at], rule.url, err)
		}
		return repo, refused, nil
	}
	return stored, refused, err
}

// mayImport tells whether the caller has the permissions that a pull from
// upstream takes beside its own. Without them it finds what is here.
func (tx *Tx) mayImport(repo *repository) bool {
	actions := []string{"ecr:BatchImportUpstreamImage"}
	if !tx.registry(repo.Place).repositories.Has(repo.name) {
		actions = append(actions, "ecr:CreateRepository")
	}
	return !slices.ContainsFunc(actions, func(action string) bool {
		return tx.Authorize(Access{Action: action, Resource: repo.arn, Registry: repo.Place, Repository: repo.name}) != nil
	})
}

// wantedOf is the images to ask upstream for: those that the repository lacks,
// and cached tags that were not checked for a day. An immutable tag stays as it
// is, and so does one that was pushed here.
func (tx *Tx) wantedOf(repo *repository, ids []types.ImageIdentifier) []wanted {
	var images []wanted
	for i, id := range ids {
		img, failure := repo.find(id)
		absent := failure != nil && failure.FailureCode == types.ImageFailureCodeImageNotFound
		switch {
		case absent && id.ImageTag == nil:
			images = append(images, wanted{at: i, reference: *id.ImageDigest})
		case absent:
			checked, _ := repo.checked.Get(*id.ImageTag)
			images = append(images, wanted{at: i, reference: *id.ImageTag, isTag: true, checked: checked})
		case img != nil && id.ImageTag != nil && id.ImageDigest == nil && !repo.mutability.immutable(*id.ImageTag):
			checked, cached := repo.checked.Get(*id.ImageTag)
			if cached && tx.Now().Sub(checked) >= refreshAfter {
				images = append(images, wanted{at: i, reference: *id.ImageTag, isTag: true, cached: true, checked: checked})
			}
		}
	}
	return images
}

func allCached(images []wanted) bool {
	return !slices.ContainsFunc(images, func(w wanted) bool { return !w.cached })
}

// isException tells whether an error is one of AWS, as that of a rule's secret is.
func isException(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api)
}

// fetch asks upstream, unless there is none, for the images. It answers those
// that upstream spoke about, and the failures of the others. What is cached
// stays as it is when upstream fails.
func (s *shipment) fetch(ctx context.Context, none error, images []wanted, ids []types.ImageIdentifier) ([]wanted, refusals) {
	ctx = withPull(ctx)
	var answered []wanted
	refused := refusals{}
	for _, w := range images {
		err := none
		if err == nil {
			before := len(s.images)
			if w.digest, err = s.image(ctx, w.reference); err != nil {
				s.images = s.images[:before]
			}
		}
		switch {
		case err == nil, w.cached && errors.Is(err, ErrUpstreamNotFound):
			answered = append(answered, w)
		case !w.cached:
			refused[w.at] = upstreamFailure(ids[w.at], s.rule.url, err)
		}
	}
	return answered, refused
}

// unload stores what came, as a push would, in a repository that is made if need
// be: all of it or nothing. What another pull brought meanwhile is there already.
func (tx *Tx) unload(s *shipment, answered []wanted) (repo *repository, err error) {
	err = tx.Attempt(func() (err error) {
		repo, err = tx.store(s, answered)
		return err
	})
	return repo, err
}

func (tx *Tx) store(s *shipment, answered []wanted) (*repository, error) {
	if len(s.images) == 0 { // upstream has no longer what is cached
		repo, err := tx.changeRepository(&s.into.Account, &s.into.name)
		if err != nil {
			return nil, err
		}
		return repo, tx.cacheTags(repo, answered)
	}
	repo, err := tx.destination(s)
	if err != nil {
		return nil, err
	}
	for _, a := range s.images {
		if repo.images.Has(a.digest) {
			continue
		}
		for _, digest := range a.document.References() {
			tx.importLayer(repo, s.layers[digest])
		}
		if err := tx.push(repo, a.digest, a.text, a.document, nil); err != nil {
			return nil, err
		}
		tx.signOnPush(repo, a.digest, pusher{repo.Place, cacheRole(repo.Place)})
	}
	return repo, tx.cacheTags(repo, answered)
}

// destination is the repository that a shipment is for, which the transaction
// may change and whose key may be used.
func (tx *Tx) destination(s *shipment) (*repository, error) {
	repo, err := tx.establish(s.into.Place, s.into.name, types.RCTAppliedForPullThroughCache)
	if err != nil {
		return nil, err
	}
	return repo, tx.useKey(repo.Place, repo.encryption, encrypt)
}

func (tx *Tx) cacheTags(repo *repository, answered []wanted) error {
	for _, w := range answered {
		if err := tx.cacheTag(repo, w); err != nil {
			return err
		}
	}
	return nil
}

// cacheTag makes a tag stand for upstream's answer, unless it was pulled or
// pushed by another call since this one began.
func (tx *Tx) cacheTag(repo *repository, w wanted) error {
	if !w.isTag {
		return nil
	}
	tag := w.reference
	holder, taken := repo.tagged.Get(tag)
	if checked, _ := repo.checked.Get(tag); taken && (!w.cached || !checked.Equal(w.checked)) {
		return nil
	}
	img, found := repo.images.Get(w.digest)
	if found && holder != w.digest && !(taken && repo.mutability.immutable(tag)) {
		if err := tx.moveTag(repo, img, tag); err != nil {
			return err
		}
	}
	repo.checked.Set(repo.generation, tag, tx.Now())
	return nil
}
