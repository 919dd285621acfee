package fakeecr

import (
	"maps"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// Quota names a limit of ECR's, for [WithQuota].
type Quota string

// The quotas of ECR that a test may set, each with the value that it has without.
// "Adjustable" are those that AWS raises on request. What would go beyond a quota
// is refused with LimitExceededException, unless another answer is named.
const (
	// RepositoriesPerRegistry is 100,000, adjustable. A pull from upstream and a
	// replica fail, too, if they would make one more; InitiateLayerUpload, which
	// cannot answer LimitExceededException, finds no repository.
	RepositoriesPerRegistry Quota = Quota(registry.RepositoriesPerRegistry)
	// ImagesPerRepository is 100,000, adjustable. The images of an index, signatures
	// and other referrers count, archived images do not.
	ImagesPerRepository Quota = Quota(registry.ImagesPerRepository)
	// TagsPerImage is 1,000.
	TagsPerImage Quota = Quota(registry.TagsPerImage)
	// PartsPerLayer is 4,200.
	PartsPerLayer Quota = Quota(registry.PartsPerLayer)
	// BytesPerLayer is 52,000 MiB.
	BytesPerLayer Quota = Quota(registry.BytesPerLayer)
	// TagsPerResource is 50 tags of a repository: TooManyTagsException, for those of
	// a template InvalidParameterException.
	TagsPerResource Quota = Quota(registry.TagsPerResource)
	// PullThroughCacheRules is 50.
	PullThroughCacheRules Quota = Quota(registry.PullThroughCacheRules)
	// ReplicationRules is 25 and cannot be raised: InvalidParameterException.
	ReplicationRules Quota = Quota(registry.ReplicationRules)
	// ReplicationDestinations is 25 different ones in all rules: ValidationException.
	ReplicationDestinations Quota = Quota(registry.ReplicationDestinations)
	// ReplicationFiltersPerRule is 100 and cannot be raised:
	// InvalidParameterException.
	ReplicationFiltersPerRule Quota = Quota(registry.ReplicationFiltersPerRule)
	// ReplicationBackfillsActive is 10 at a time.
	ReplicationBackfillsActive Quota = Quota(registry.ReplicationBackfillsActive)
	// ScansPerDay is 100,000 basic scans in 24 hours. A push is taken all the same;
	// its scan has the status LIMIT_EXCEEDED.
	ScansPerDay Quota = Quota(registry.ScansPerDay)
	// ScansPerImagePerDay is 1 basic scan of an image in 24 hours.
	ScansPerImagePerDay Quota = Quota(registry.ScansPerImagePerDay)
	// PullTimeUpdateExclusions is 100.
	PullTimeUpdateExclusions Quota = Quota(registry.PullTimeUpdateExclusions)
	// RepositoryCreationTemplates is 100, which is a choice: ECR's is not known.
	RepositoryCreationTemplates Quota = Quota(registry.RepositoryCreationTemplates)
	// SigningRules is 10 and cannot be raised: InvalidParameterException.
	SigningRules Quota = Quota(registry.SigningRules)
)

// WithQuota sets a limit, so that a test reaches LimitExceededException with two
// images and not with 100,000, or as AWS has raised it for an account. Without it
// the limits are ECR's.
func WithQuota(quota Quota, most int64) Option {
	return func(s *setup) error {
		if err := registry.Quota(quota).Check(most); err != nil {
			return err
		}
		quotas := maps.Clone(s.config.Quotas)
		if quotas == nil {
			quotas = map[registry.Quota]int64{}
		}
		quotas[registry.Quota(quota)] = most
		s.config.Quotas = quotas
		return nil
	}
}
