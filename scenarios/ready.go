package scenarios

import (
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
)

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

// ExpiredToken is the error of a call with credentials whose time is over, which no
// client tries again by itself.
func ExpiredToken() error {
	return &smithy.GenericAPIError{Code: "ExpiredTokenException", Message: "The security token included in the request is expired", Fault: smithy.FaultClient}
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

// RealQuotas refuses what comes faster than ECR takes it by default, a second's
// worth at once: 10 PutImage a second, 100 uploads begun and as many completed,
// 500 layer parts, 500 tokens, 1,000 layer checks, 2,000 manifests and 3,000
// download URLs. ECR counts each account and region by itself, a rule all calls
// that it matches: conditions such as [Region] narrow it. Its rules are optional.
//
// The incident: a monorepo began to build its 60 images in parallel, and each
// night's release failed on some other image with 'Rate exceeded'. Ten PutImage a
// second are few, and retries that come at once make them fewer.
func RealQuotas(conditions ...Condition) (storm Scenario) {
	for _, quota := range []struct {
		operation string
		rate      int
	}{
		{"PutImage", 10}, {"InitiateLayerUpload", 100}, {"CompleteLayerUpload", 100}, {"UploadLayerPart", 500},
		{"GetAuthorizationToken", 500}, {"BatchCheckLayerAvailability", 1000}, {"BatchGetImage", 2000}, {"GetDownloadUrlForLayer", 3000},
	} {
		storm = append(storm, On(quota.operation, conditions...).AtMost(float64(quota.rate), quota.rate).Optional())
	}
	return storm
}

// FlakyPull resets each second layer download from a repository after its first
// 100 bytes.
//
// The incident: nodes behind a NAT gateway that was short of ports started few of
// their containers. Small layers came through and large ones broke off, and each
// pull began again from the first byte of the first layer.
func FlakyPull(repository string) Scenario {
	return Scenario{On(DownloadLayer, Repository(repository)).Every(2).ResetAfter(100).Named("flaky pull of " + repository)}
}

// LostUpload forgets the uploads to a repository when the first part of one
// comes: it and what follows are refused with UploadNotFoundException, until an
// upload is begun anew.
//
// The incident: a build was suspended overnight in the middle of a push. In the
// morning the pusher sent the same part to the same upload again and again,
// because it took 'not found' for a fault that passes.
func LostUpload(repository string) Scenario {
	lost, in := &types.UploadNotFoundException{Message: aws.String("The upload does not exist")}, Repository(repository)
	return Scenario{
		On("UploadLayerPart", in, While("")).Fail(lost).Then("lost").Named("upload lost"),
		On("UploadLayerPart", in, While("lost")).Or("CompleteLayerUpload").Fail(lost).Named("upload gone").Optional(),
		On("InitiateLayerUpload", in, While("lost")).Then("begun anew").Named("upload begun anew").Optional(),
	}
}

// TagRace has two PutImage of one tag wait for each other and go on together. A
// test needs two callers: one alone waits until its context ends. The tag is that of
// the one whose call is carried out last. Which one that is nothing says, as in ECR:
// a test holds for either, or orders the two by a Delay of one of them.
//
// The incident: two merges in one minute built two images, and the older build
// was the slower one: latest went back by a commit, and no log showed an error. In
// a repository with immutable tags one of the two is refused instead.
func TagRace(repository, tag string) Scenario {
	return Scenario{On("PutImage", Repository(repository), Tag(tag)).First(2).Together(2).Named("race for " + repository + ":" + tag)}
}

// LostReply carries out the first call of an operation and loses its reply: to see
// that a caller may do a thing twice.
//
// The incident: a load balancer closed a connection in the instant in which the
// image was stored. The client tried again by itself, was told
// ImageAlreadyExistsException, and the pipeline reported a failed release of an
// image that was already there, whole.
func LostReply(operation string) Scenario {
	return Scenario{On(operation).First(1).Drop().Named("lost reply of " + operation)}
}

// Killed carries out the first call of an operation, loses its reply and refuses the
// connection of whatever follows, until the playing stops: to see that what a process
// has left half done can be begun again.
//
// The incident: a node was drained in the middle of a release. The job was started
// anew elsewhere and failed each time, on the layer that the first one had stored.
func Killed(operation string) Scenario {
	return Scenario{
		On(operation, While("")).First(1).Drop().Then("killed").Named("killed by " + operation),
		On(Any, While("killed")).Fail(ErrConnectionRefused).Named("killed").Optional(),
	}
}

// TokenExpires ends the session that pushes after n layer parts: the next part,
// and then all that moves layers and images, is refused with
// ExpiredTokenException until somebody calls GetAuthorizationToken. No client
// tries that again by itself. At the registry endpoint it is the token that expires:
// whatever comes with one from before is refused with 403 DENIED, 'Your authorization
// token has expired. Reauthenticate and try again.', and a newer one is good.
//
// The incident: an image with the weights of a model took longer to push than its
// token was good for. The push failed at its last layer, was begun again with the
// same token by the build's own retry, and failed at its first.
func TokenExpires(n int) Scenario {
	return Scenario{
		On("UploadLayerPart", While("")).After(n).Fail(ExpiredToken()).Then("expired").Named("token expires"),
		On(Layers, While("expired")).Or(Images).Fail(ExpiredToken()).Named("token has expired").Optional(),
		On(Any, Through(FaceRegistry), TokenBefore("expired")).Fail(ExpiredToken()).Named("token from before").Optional(),
		On("GetAuthorizationToken", While("expired")).Then("renewed").Named("token renewed").Optional(),
	}
}

// CredentialsExpired refuses every call behind the first n with
// ExpiredTokenException, until the playing stops. No client tries that again.
//
// The incident: a controller read the credentials of its role when it started,
// and never again. It worked for exactly as long as they did, and then stood still
// without a word, as it logged 'not found' for whatever it could not read.
func CredentialsExpired(n int) Scenario {
	return Scenario{On(Any).After(n).Fail(ExpiredToken()).Named("credentials expired")}
}

// EventualConsistency answers reads of a repository's images from the state of a
// while ago, on the world's clock: an image is put, and is not found yet.
//
// The incident: a deployment asked for the digest of the tag that the step before
// it had pushed. Once in some hundred runs it got the digest of the release
// before, and rolled that out as the new one.
func EventualConsistency(repository string, lag time.Duration) Scenario {
	return Scenario{On("BatchGetImage", Repository(repository)).Or("DescribeImages", "ListImages").Stale(lag).Named("stale reads of " + repository)}
}

// NotThereYet refuses calls on a repository that was made less than lag ago, on the
// world's clock, with RepositoryNotFoundException: reads and writes, though the
// CreateRepository before them succeeded. The name may have * for any characters. No
// client tries that again by itself.
//
// The incident: a pipeline made the repository of a new service and pushed to it in
// the same second. The push came to a part of ECR that had not heard of it. The retry
// of the pipeline began with CreateRepository, was told
// RepositoryAlreadyExistsException, and took that for the failure.
func NotThereYet(repository string, lag time.Duration) Scenario {
	return Scenario{On(Any, Repository(repository)).NotThereFor(lag).Named("not there yet: " + repository)}
}

// CorruptLayer changes the first byte of a layer the first time that it is
// downloaded. Its length is right and only its digest tells.
//
// The incident: a proxy on the way stored a layer on a disk that lost writes. One
// rack started containers that crashed in code that no other rack had, because
// its tool unpacked what came without hashing it.
func CorruptLayer(digest string) Scenario {
	return Scenario{On(DownloadLayer, Digest(digest)).First(1).Flip(0).Named("corrupt layer " + digest)}
}

// RegionOutage answers all calls to a region with 503, as a load balancer does
// that has nobody behind it, until the playing stops. The SDK's default retryer
// tries three times in all.
//
// The incident: the images were in two regions, as the plan for such a day asked,
// and the name of the first was written into every deployment.
func RegionOutage(region string) Scenario {
	down := &Response{Status: http.StatusServiceUnavailable, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html><body><h1>503 Service Unavailable</h1></body></html>"}
	return Scenario{On(Any, Region(region)).Fail(down).Named("outage of " + region)}
}

// SlowRegistry delays every call on the world's clock, and sends layers at 64 KiB
// a second.
//
// The incident: nothing failed, and everything did: health checks killed
// containers that still waited for their image, and each new one pulled from the
// start and made the registry slower.
func SlowRegistry(delay time.Duration) Scenario {
	return Scenario{
		On(Any).Delay(delay).Named("slow registry"),
		On(DownloadLayer).Trickle(64 << 10).Named("slow layers").Optional(),
	}
}

// QuotaReached refuses each call of an operation with LimitExceededException,
// until the playing stops. The SDK's default retryer takes it for throttling and
// tries three times in all, in vain. fakeecr.WithQuota instead lets a world reach
// the limit by itself, with ECR's sentence for it.
//
// The incident: a pipeline pushed an image for each commit and nothing deleted
// one. On the day of a fix that could not wait, the repository was full.
func QuotaReached(operation string) Scenario {
	full := &types.LimitExceededException{Message: aws.String("The operation did not succeed because it would have exceeded a service limit for your account.")}
	return Scenario{On(operation).Fail(full).Named("quota of " + operation)}
}

// ClockSkew refuses the first call as signed too long ago by a caller whose clock
// is slow by so much: with InvalidSignatureException, 'Signature expired', and
// the service's own time as Date. The SDK's default retryer learns the time from
// there if they are more than four minutes apart, and the next attempt is good.
//
// The incident: build agents were restored from a snapshot with the clock of the
// day it was taken. Clients that sign by themselves were refused, and whoever
// read 'invalid signature' changed the keys.
func ClockSkew(slow time.Duration) Scenario {
	return Scenario{On(Any).First(1).Named("clock skew").Ask(func(call *Call) error {
		const stamp = "20060102T150405Z"
		signed, now := call.Time.UTC(), call.Time.UTC().Add(slow)
		text := fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)", signed.Format(stamp), now.Add(-5*time.Minute).Format(stamp), now.Format(stamp))
		return &Response{Status: http.StatusBadRequest, Header: http.Header{"Date": {now.Format(http.TimeFormat)}},
			Body: `{"__type":"InvalidSignatureException","message":"` + text + `"}`}
	})}
}

// ReplicationOutage fails the replication of images to a region. Pushes succeed all
// the same. When the playing stops the region is back, but what failed stays away until
// it is pushed again or a backfill brings it.
//
// The incident: a region had an outage of an hour, and the release of that hour was
// deployed everywhere. The next day a cluster there grew by a node, which did not
// find the image.
func ReplicationOutage(region string) Scenario {
	err := &types.ServerException{Message: aws.String("The operation failed because of a server-side issue.")}
	return Scenario{On(ReceiveReplica, Region(region)).Fail(err).Named("no replication to " + region)}
}

// EndlessScan holds each basic scan of a repository, which stays IN_PROGRESS. When
// the playing is released, the scans that it holds complete.
//
// The incident: a pipeline polled for the findings of each image until there were
// some. On a day when scans took hours, it had taken all of the runners by noon.
func EndlessScan(repository string) Scenario {
	return Scenario{On(CompleteScan, Repository(repository)).Hold().Named("endless scan in " + repository)}
}
