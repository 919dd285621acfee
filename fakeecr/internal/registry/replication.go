package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// replicationRule says to which registries the images of some repositories are
// replicated.
type replicationRule struct {
	destinations []Place
	// prefixes are of repository names; without one all repositories are meant.
	prefixes []string
	// deletes tells whether deletions are replicated too; nil, and then they are
	// not, where that was not said.
	deletes *bool
}

func (r *replicationRule) covers(name string) bool {
	return len(r.prefixes) == 0 || slices.ContainsFunc(r.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// destinationsOf is where the images of a repository are replicated to by the
// rules that count, nil for all of them; each registry once.
func (r *registryState) destinationsOf(name string, counts func(*replicationRule) bool) []Place {
	var all []Place
	for _, rule := range r.replication {
		if !rule.covers(name) || counts != nil && !counts(&rule) {
			continue
		}
		for _, to := range rule.destinations {
			if !slices.Contains(all, to) {
				all = append(all, to)
			}
		}
	}
	return all
}

// replicatesTo tells whether any rule names a registry.
func (r *registryState) replicatesTo(to Place) bool {
	return slices.ContainsFunc(r.replication, func(rule replicationRule) bool { return slices.Contains(rule.destinations, to) })
}

// PutReplicationConfiguration replaces the registry's rules. They are for what
// is pushed from now on; see StartReplicationBackfill for what is there.
func (tx *Tx) PutReplicationConfiguration(_ context.Context, in *ecr.PutReplicationConfigurationInput) (*ecr.PutReplicationConfigurationOutput, error) {
	rules, err := tx.newReplicationRules(in.ReplicationConfiguration.Rules)
	if err != nil {
		return nil, err
	}
	reg := tx.changeRegistry(tx.Place)
	reg.replication = rules
	tx.showDeletesReplicas(rules)
	return &ecr.PutReplicationConfigurationOutput{ReplicationConfiguration: reg.replicationOutput()}, nil
}

// DescribeRegistry answers the replication rules of the caller's registry.
func (tx *Tx) DescribeRegistry(context.Context, *ecr.DescribeRegistryInput) (*ecr.DescribeRegistryOutput, error) {
	reg := tx.registry(tx.Place)
	tx.showDeletesReplicas(reg.replication)
	return &ecr.DescribeRegistryOutput{
		RegistryId:               aws.String(tx.Account),
		ReplicationConfiguration: reg.replicationOutput(),
	}, nil
}

func (tx *Tx) newReplicationRules(rules []types.ReplicationRule) ([]replicationRule, error) {
	if most := tx.quota(ReplicationRules); int64(len(rules)) > most {
		return nil, tooManyMembers("replicationConfiguration.rules", most)
	}
	made := make([]replicationRule, len(rules))
	unique := map[Place]struct{}{}
	for i, rule := range rules {
		if most := tx.quota(ReplicationFiltersPerRule); int64(len(rule.RepositoryFilters)) > most {
			return nil, tooManyMembers(fmt.Sprintf("replicationConfiguration.rules.%d.member.repositoryFilters", i+1), most)
		}
		made[i].deletes = tx.deletesReplicas(i)
		for _, filter := range rule.RepositoryFilters {
			made[i].prefixes = append(made[i].prefixes, *filter.Filter)
		}
		for _, destination := range rule.Destinations {
			to := placeOf(&destination)
			if err := tx.checkDestination(to); err != nil {
				return nil, err
			}
			made[i].destinations = append(made[i].destinations, to)
			unique[to] = struct{}{}
		}
	}
	if most := tx.quota(ReplicationDestinations); int64(len(unique)) > most {
		return nil, tooManyDestinations(most)
	}
	return made, nil
}

func (tx *Tx) checkDestination(to Place) error {
	switch {
	case to == tx.Place:
		return replicationToItself()
	case !naming.IsRegion(to.Region) || naming.Partition(to.Region) != naming.Partition(tx.Region):
		return invalidRegion(to.Region)
	default:
		return nil
	}
}

func placeOf(d *types.ReplicationDestination) Place {
	return Place{Account: *d.RegistryId, Region: *d.Region}
}

func destinationOf(place Place) types.ReplicationDestination {
	return types.ReplicationDestination{Region: aws.String(place.Region), RegistryId: aws.String(place.Account)}
}

// replicationOutput is the rules as the API shows them. A rule without filters
// shows none, as the service model has no empty list of them.
func (r *registryState) replicationOutput() *types.ReplicationConfiguration {
	rules := make([]types.ReplicationRule, len(r.replication))
	for i, rule := range r.replication {
		rules[i].Destinations = make([]types.ReplicationDestination, len(rule.destinations))
		for at, to := range rule.destinations {
			rules[i].Destinations[at] = destinationOf(to)
		}
		for _, prefix := range rule.prefixes {
			rules[i].RepositoryFilters = append(rules[i].RepositoryFilters, types.RepositoryFilter{
				Filter: aws.String(prefix), FilterType: types.RepositoryFilterTypePrefixMatch,
			})
		}
	}
	return &types.ReplicationConfiguration{Rules: rules}
}

func replicationToItself() error {
	return invalidParameter("replicationConfiguration", "Replication destination cannot be the same as the source registry")
}

// invalidRegion is recorded from "Invalid region" on; what stands around it is
// chosen.
func invalidRegion(region string) error {
	return invalidParameter("replicationConfiguration", fmt.Sprintf("Invalid region '%s'", region))
}

// tooManyDestinations is chosen. PutReplicationConfiguration cannot answer
// LimitExceededException.
func tooManyDestinations(most int64) error {
	return &types.ValidationException{Message: text("The limit of %d %s has been exceeded", most, ReplicationDestinations)}
}

// notADestination is chosen.
func notADestination() error {
	return invalidParameter("destination", "Destination must be in the replication configuration of the registry")
}
