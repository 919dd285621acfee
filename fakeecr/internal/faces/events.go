package faces

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// Event is what happens in a world by itself, and is a call.
type Event struct {
	Operation                string
	Prepare                  func(t *testing.T, f Face) (digest string)
	See                      func(t *testing.T, f Face, digest string) string
	Pending, Outcome, Failed string
}

// Events are the events of a world that are calls, what there is to see of each, and
// what becomes of it when a rule fails it because the lights are out. Each is due within
// an hour but for the lifecycle run, which is due within two days.
var Events = []Event{
	{
		scenarios.CompleteScan,
		func(t *testing.T, f Face) string {
			digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
			f.Registry.SetScanFindings("team/app:v1", CVE(1, "HIGH"))
			require.NoError(t, StartScan(t, f, TagID("v1")))
			return digest
		},
		func(t *testing.T, f Face, _ string) string {
			out, err := DescribeFindings(t, f, TagID("v1"))
			require.NoError(t, err)
			return string(out.ImageScanStatus.Status) + " " + aws.ToString(out.ImageScanStatus.Description)
		},
		"IN_PROGRESS ", "COMPLETE The scan was completed successfully.", "FAILED The lights are out.",
	},
	{
		scenarios.CompleteLifecyclePolicyPreview,
		func(t *testing.T, f Face) string {
			digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
			StartPreview(t, f, Expiring(1, TaggedImages("v")))
			return digest
		},
		func(t *testing.T, f Face, _ string) string {
			return string(GetPreview(t, f, ecr.GetLifecyclePolicyPreviewInput{}).Status)
		},
		"IN_PROGRESS", "COMPLETE", "FAILED",
	},
	{
		scenarios.RunLifecyclePolicy,
		func(t *testing.T, f Face) string {
			digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
			f.Registry.Advance(2 * Day)
			PutLifecycle(t, f, "team/app", Expiring(1, TaggedImages("v")))
			f.Registry.Advance(Day - time.Hour/2)
			return digest
		},
		func(t *testing.T, f Face, digest string) string {
			if _, there := HeldIn(t, f, "team/app")[digest]; there {
				return "there"
			}
			return "gone"
		},
		"there", "gone", "there",
	},
	{
		scenarios.ReceiveReplica,
		func(t *testing.T, f Face) string {
			ReplicateTo(t, f, Destination("eu-west-1"))
			return f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		},
		func(t *testing.T, f Face, digest string) string {
			status := Replicas(t, f, "team/app", digest)[0]
			return string(status.Status) + " " + aws.ToString(status.FailureCode)
		},
		"IN_PROGRESS ", "COMPLETE ", "FAILED Outage",
	},
	{
		scenarios.ActivateImage,
		func(t *testing.T, f Face) string {
			digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
			UpdateStorage(t, f, digest, types.TargetStorageClassArchive)
			UpdateStorage(t, f, digest, types.TargetStorageClassStandard)
			return digest
		},
		func(t *testing.T, f Face, digest string) string { return string(StatusOf(t, f, digest)) },
		"ACTIVATING", "ACTIVE", "ARCHIVED",
	},
	{
		scenarios.SignImage,
		func(t *testing.T, f Face) string {
			require.NoError(t, PutSigning(t, f, SigningRule(Release)))
			return f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		},
		func(t *testing.T, f Face, _ string) string {
			status := SigningStatuses(t, f, "team/app", "v1")[0]
			return string(status.Status) + " " + aws.ToString(status.FailureCode) + " " + aws.ToString(status.FailureReason)
		},
		"IN_PROGRESS  ", "COMPLETE  ", "FAILED OutageException The lights are out.",
	},
}
