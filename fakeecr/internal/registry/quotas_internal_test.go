package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The values are those of the service's quota page.
func TestDefaultQuotas(t *testing.T) {
	tx := newTx(NewWorld(1, Config{}))
	for quota, want := range map[Quota]int64{
		RepositoriesPerRegistry: 100_000, ImagesPerRepository: 100_000, TagsPerImage: 1_000, PartsPerLayer: 4_200,
		BytesPerLayer: 54_525_952_000, TagsPerResource: 50, PullThroughCacheRules: 50, ReplicationRules: 25, ReplicationDestinations: 25,
		ReplicationFiltersPerRule: 100, ReplicationBackfillsActive: 10, ScansPerDay: 100_000, ScansPerImagePerDay: 1,
		PullTimeUpdateExclusions: 100, SigningRules: 10,
	} {
		require.Equal(t, want, tx.quota(quota), quota)
	}
}
