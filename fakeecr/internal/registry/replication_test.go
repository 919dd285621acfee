package registry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// replicationSource is the account that replicates.
const replicationSource = "123456789012"

// destination is a registry to replicate to, of the source's account unless
// another is given.
func destination(region string, account ...string) types.ReplicationDestination {
	return types.ReplicationDestination{Region: &region, RegistryId: aws.String(append(account, replicationSource)[0])}
}

// putReplication sets the rules of replication.
func putReplication(t *testing.T, f faces.Face, rules ...types.ReplicationRule) {
	t.Helper()
	_, err := putReplicationRules(t, f, rules)
	require.NoError(t, err)
}

// putReplicationRules is putReplication with what the call answers.
func putReplicationRules(t *testing.T, f faces.Face, rules []types.ReplicationRule) (*ecr.PutReplicationConfigurationOutput, error) {
	return f.PutReplicationConfiguration(t.Context(), &ecr.PutReplicationConfigurationInput{
		ReplicationConfiguration: &types.ReplicationConfiguration{Rules: append([]types.ReplicationRule{}, rules...)},
	})
}

// replicateTo has everything replicated to registries.
func replicateTo(t *testing.T, f faces.Face, destinations ...types.ReplicationDestination) {
	t.Helper()
	putReplication(t, f, types.ReplicationRule{Destinations: destinations})
}

func prefixFilters(prefixes ...string) []types.RepositoryFilter {
	var filters []types.RepositoryFilter
	for _, prefix := range prefixes {
		filters = append(filters, types.RepositoryFilter{Filter: &prefix, FilterType: types.RepositoryFilterTypePrefixMatch})
	}
	return filters
}

func TestReplicationConfigurationIsReplaced(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		describe := func(f faces.Face) *ecr.DescribeRegistryOutput {
			out, err := f.DescribeRegistry(t.Context(), &ecr.DescribeRegistryInput{})
			require.NoError(t, err)
			require.Equal(t, f.Registry.AccountID(), *out.RegistryId)
			return out
		}
		require.Equal(t, []types.ReplicationRule{}, describe(f).ReplicationConfiguration.Rules, "always shown")

		rules := []types.ReplicationRule{
			{Destinations: []types.ReplicationDestination{destination("eu-west-1"), destination("us-east-1", faces.Other)}, RepositoryFilters: prefixFilters("prod", "team/")},
			{Destinations: []types.ReplicationDestination{destination("us-west-2")}},
		}
		out, err := putReplicationRules(t, f, rules)
		require.NoError(t, err)
		require.Equal(t, rules, out.ReplicationConfiguration.Rules)
		require.Equal(t, rules, describe(f).ReplicationConfiguration.Rules)
		require.Empty(t, describe(f.In("eu-west-1")).ReplicationConfiguration.Rules, "a registry is of one region")
		require.Empty(t, describe(f.Account(faces.Other)).ReplicationConfiguration.Rules)

		_, err = putReplicationRules(t, f, describe(f).ReplicationConfiguration.Rules)
		require.NoError(t, err, "what is described can be put")
		putReplication(t, f, rules[1])
		require.Equal(t, rules[1:], describe(f).ReplicationConfiguration.Rules)
		putReplication(t, f)
		require.Equal(t, []types.ReplicationRule{}, describe(f).ReplicationConfiguration.Rules)
	})
}

// manyDestinations is n regions of the source's account in rules of 5.
func manyDestinations(n int) []types.ReplicationRule {
	var rules []types.ReplicationRule
	for i := range n {
		if i%5 == 0 {
			rules = append(rules, types.ReplicationRule{})
		}
		at := &rules[len(rules)-1].Destinations
		*at = append(*at, destination(fmt.Sprintf("eu-west-%d", i+1)))
	}
	return rules
}

func TestReplicationConfigurationIsRefused(t *testing.T) {
	to := func(destinations ...types.ReplicationDestination) []types.ReplicationRule {
		return []types.ReplicationRule{{Destinations: destinations}}
	}
	filtered := func(n int) []types.ReplicationRule {
		filters := make([]string, n)
		for i := range filters {
			filters[i] = fmt.Sprintf("team-%d", i)
		}
		return []types.ReplicationRule{
			{Destinations: []types.ReplicationDestination{destination("eu-west-1")}},
			{Destinations: []types.ReplicationDestination{destination("eu-west-2")}, RepositoryFilters: prefixFilters(filters...)},
		}
	}
	for name, test := range map[string]struct {
		rules []types.ReplicationRule
		text  string
	}{
		"the registry itself":   {to(destination("eu-west-1"), destination("us-east-1")), "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: 'Replication destination cannot be the same as the source registry'"},
		"another partition":     {to(destination("cn-north-1")), "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: 'Invalid region 'cn-north-1''"},
		"no region":             {to(destination("mars")), "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: 'Invalid region 'mars''"},
		"twenty-six rules":      {make([]types.ReplicationRule, 26), "Invalid parameter at 'replicationConfiguration.rules' failed to satisfy constraint: 'Member must have length less than or equal to 25'"},
		"a hundred and one":     {filtered(101), "Invalid parameter at 'replicationConfiguration.rules.2.member.repositoryFilters' failed to satisfy constraint: 'Member must have length less than or equal to 100'"},
		"malformed registry id": {to(destination("eu-west-1", "12")), "Invalid parameter at 'replicationConfiguration.rules.1.member.destinations.1.member.registryId' failed to satisfy constraint: 'Member must satisfy regular expression pattern: [0-9]{12}'"},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range test.rules {
				if test.rules[i].Destinations == nil {
					test.rules[i].Destinations = []types.ReplicationDestination{destination("eu-west-1")}
				}
			}
			faces.Each(t, func(t *testing.T, f faces.Face) {
				putReplication(t, f, to(destination("us-west-2"))...)
				_, err := putReplicationRules(t, f, test.rules)
				faces.RequireError[*types.InvalidParameterException](t, err, test.text)
				out, err := f.DescribeRegistry(t.Context(), &ecr.DescribeRegistryInput{})
				require.NoError(t, err)
				require.Equal(t, to(destination("us-west-2")), out.ReplicationConfiguration.Rules, "a refused put changes nothing")
			})
		})
	}
}

func TestReplicationConfigurationHasQuotas(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		rules := manyDestinations(25)
		rules = append(rules, rules[0])
		_, err := putReplicationRules(t, f, rules)
		require.NoError(t, err, "a destination counts once")
		_, err = putReplicationRules(t, f, manyDestinations(26))
		faces.RequireError[*types.ValidationException](t, err, "The limit of 25 replication destinations has been exceeded")
	})
	faces.Each(t, func(t *testing.T, f faces.Face) {
		_, err := putReplicationRules(t, f, manyDestinations(10))
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'replicationConfiguration.rules' failed to satisfy constraint: 'Member must have length less than or equal to 1'")
		_, err = putReplicationRules(t, f, manyDestinations(4))
		faces.RequireError[*types.ValidationException](t, err, "The limit of 3 replication destinations has been exceeded")
		rules := manyDestinations(3)
		rules[0].RepositoryFilters = prefixFilters("aa", "bb", "cc")
		_, err = putReplicationRules(t, f, rules)
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'replicationConfiguration.rules.1.member.repositoryFilters' failed to satisfy constraint: 'Member must have length less than or equal to 2'")
		rules[0].RepositoryFilters = prefixFilters("aa", "bb")
		putReplication(t, f, rules...)
	},
		fakeecr.WithQuota(fakeecr.ReplicationRules, 1),
		fakeecr.WithQuota(fakeecr.ReplicationDestinations, 3),
		fakeecr.WithQuota(fakeecr.ReplicationFiltersPerRule, 2))
}

// arrivalLag is longer than replication takes.
const arrivalLag = 6 * time.Second
