package registry

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

func replicationToItself() error {
	return invalidParameter("replicationConfiguration", "Replication destination cannot be the same as the source registry")
}

// invalidRegion is recorded from "Invalid region" on; what stands around it is
// chosen.
func invalidRegion(region string) error {
	return invalidParameter("replicationConfiguration", fmt.Sprintf("Invalid region '%s'", region))
}

// tooManyMembers is what ECR answers to a list beyond the service model's limit.
func tooManyMembers(member string, most int64) error {
	return invalidParameter(member, fmt.Sprintf("Member must have length less than or equal to %d", most))
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

// backfillInProgress is chosen.
func backfillInProgress(from Key, region string) error {
	return &types.ReplicationBackfillInProgressException{Message: text("A replication backfill to the region '%s' is already in progress in the registry with id '%s'", region, from.Account)}
}

// backfillNotFound is chosen.
func backfillNotFound(from Key, id string) error {
	return &types.ReplicationBackfillNotFoundException{Message: text("The replication backfill with id '%s' does not exist in the registry with id '%s'", id, from.Account)}
}

// backfillCannotStop is chosen.
func backfillCannotStop(b *backfill) error {
	return &types.ReplicationBackfillInvalidStatusException{Message: text("The replication backfill with id '%s' in the registry with id '%s' cannot be stopped because its status is %s", b.id, b.from.Account, b.status)}
}
