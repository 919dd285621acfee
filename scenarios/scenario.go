package scenarios

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
)

// Scenario is rules that are played together, each on its own count. A call
// passes them in order; one that fails it ends it, and the rules behind that one
// neither see nor count it. Scenarios are joined by append.
type Scenario []*Rule

// Check answers what is wrong with the rules.
func (s Scenario) Check() error {
	for i, r := range s {
		if r == nil {
			return fmt.Errorf("rule %d of the scenario is nil", i+1)
		}
		if err := r.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Throttle refuses the first n calls of an operation as a service does that is
// called too often. A direct call sees the error, as it is one attempt; a client
// with the SDK's default retryer survives up to two of them in a row.
func Throttle(operation string, n int) Scenario {
	return Scenario{On(operation).First(n).Fail(Throttled()).Named(fmt.Sprintf("throttle %s %d times", operation, n))}
}

// Throttled is the error of a throttled call, in the form that the SDKs retry.
func Throttled() error {
	return &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded", Fault: smithy.FaultClient}
}

// Fault refuses the first n calls of an operation with ServerException, status
// 500, as a service does that has a problem of its own: to see that a caller
// tries again and does not take a fault for an answer. A direct call sees the
// error, as it is one attempt; a client with the SDK's default retryer survives up
// to two of them in a row. The text is the fake's, as ECR's is not known; so are
// those of the next two.
func Fault(operation string, n int) Scenario {
	err := &types.ServerException{Message: aws.String("The operation failed because of a server-side issue.")}
	return Scenario{On(operation).First(n).Fail(err).Named(fmt.Sprintf("fault of %s %d times", operation, n))}
}

// BlockedByOrganization refuses each PutRegistryScanningConfiguration with
// BlockedByOrganizationPolicyException, as ECR does in an account whose
// organization decides how images are scanned. No client tries that again.
func BlockedByOrganization() Scenario {
	err := &types.BlockedByOrganizationPolicyException{
		Message: aws.String("The operation did not succeed because the account is managed by an organization policy."),
	}
	return Scenario{On("PutRegistryScanningConfiguration").Fail(err).Named("blocked by an organization policy")}
}

// ReferrersUnavailable refuses each ListImageReferrers of a repository with
// UnableToListUpstreamImageReferrersException, as ECR does when the repository is
// a pull-through cache whose upstream it cannot ask, most often because of the
// secret with its credentials. No client tries that again.
func ReferrersUnavailable(repository string) Scenario {
	err := &types.UnableToListUpstreamImageReferrersException{
		Message: aws.String("The referrer or referrers were unable to be listed using the pull through cache rule."),
	}
	return Scenario{On("ListImageReferrers", Repository(repository)).Fail(err).Named("no upstream referrers of " + repository)}
}

// RegionOutage fails the replication of images to a region, as an outage of that
// region does: pushes succeed, and a deployment there finds no image. When the
// playing stops the region is back, but what failed stays away until it is pushed
// again or a backfill brings it.
func RegionOutage(region string) Scenario {
	err := &types.ServerException{Message: aws.String("The operation failed because of a server-side issue.")}
	return Scenario{On(ReceiveReplica, Region(region)).Fail(err).Named("outage of " + region)}
}

// EndlessScan holds each basic scan of a repository: it stays IN_PROGRESS, as scans
// do on a day when the service has too many of them, and a pipeline that waits for
// findings needs a limit of its own. When the playing is released, scans complete.
func EndlessScan(repository string) Scenario {
	return Scenario{On(CompleteScan, Repository(repository)).Hold().Named("endless scan in " + repository)}
}
