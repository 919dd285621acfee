package registry

import (
	"fmt"
	"maps"
	"slices"
)

// Quota names a limit of ECR's that a test may set.
type Quota string

// The quotas of ECR. What goes beyond one is LimitExceededException where the
// operation has it; tags, replication and signing answer otherwise.
const (
	RepositoriesPerRegistry     Quota = "repositories per registry"
	ImagesPerRepository         Quota = "images per repository"
	TagsPerImage                Quota = "tags per image"
	PartsPerLayer               Quota = "parts per layer"
	BytesPerLayer               Quota = "bytes per layer"
	TagsPerResource             Quota = "tags per resource"
	PullThroughCacheRules       Quota = "pull through cache rules"
	ReplicationRules            Quota = "replication rules"
	ReplicationDestinations     Quota = "replication destinations"
	ReplicationFiltersPerRule   Quota = "filters per replication rule"
	ReplicationBackfillsActive  Quota = "replication backfills in progress"
	ScansPerDay                 Quota = "image scans in 24 hours"
	ScansPerImagePerDay         Quota = "scans of an image in 24 hours"
	PullTimeUpdateExclusions    Quota = "pull time update exclusions"
	RepositoryCreationTemplates Quota = "repository creation templates"
	SigningRules                Quota = "signing rules"
)

// defaultQuotas are those of the service's quota page of 2026, but for that of
// templates, which is chosen.
var defaultQuotas = map[Quota]int64{
	RepositoriesPerRegistry:     100_000,
	ImagesPerRepository:         100_000,
	TagsPerImage:                1_000,
	PartsPerLayer:               4_200,
	BytesPerLayer:               52_000 << 20,
	TagsPerResource:             50,
	PullThroughCacheRules:       50,
	ReplicationRules:            25,
	ReplicationDestinations:     25,
	ReplicationFiltersPerRule:   100,
	ReplicationBackfillsActive:  10,
	ScansPerDay:                 100_000,
	ScansPerImagePerDay:         1,
	PullTimeUpdateExclusions:    100,
	RepositoryCreationTemplates: 100,
	SigningRules:                10,
}

// Check tells why a test may not set the quota so high. Those that the service
// model states as constraints cannot be raised: inputs beyond them never reach the
// operation.
func (q Quota) Check(most int64) error {
	highest, found := defaultQuotas[q]
	fixed := q == ReplicationRules || q == ReplicationFiltersPerRule || q == SigningRules
	switch {
	case !found:
		return fmt.Errorf("ECR has no quota of %q, but of %q", q, slices.Sorted(maps.Keys(defaultQuotas)))
	case most < 0 || fixed && most > highest:
		return fmt.Errorf("the quota of %s cannot be %d", q, most)
	}
	return nil
}

// quota is how much a registry of the world may have.
func (tx *Tx) quota(q Quota) int64 {
	if most, set := tx.World.config.Quotas[q]; set {
		return most
	}
	return defaultQuotas[q]
}

// within refuses what would be more than a quota allows.
func (tx *Tx) within(q Quota, wanted int) error {
	if most := tx.quota(q); int64(wanted) > most {
		return quotaExceeded(q, most)
	}
	return nil
}

// quotaExceeded is chosen.
func quotaExceeded(q Quota, most int64) error {
	return limitExceeded("The limit of %d %s has been exceeded", most, q)
}
