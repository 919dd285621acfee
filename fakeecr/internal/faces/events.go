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
	Operation string
	// Prepare pushes an image to App and has the event fall due.
	Prepare func(t *testing.T, f Face) (digest string)
	// See is what a caller sees of the event: Pending before it is due, Outcome once it
	// has happened, and Failed if a rule failed it.
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
			_, err := f.StartLifecyclePolicyPreview(t.Context(), &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: aws.String(App), LifecyclePolicyText: aws.String(afterADay)})
			require.NoError(t, err)
			return digest
		},
		func(t *testing.T, f Face, _ string) string {
			out, err := f.GetLifecyclePolicyPreview(t.Context(), &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: aws.String(App)})
			require.NoError(t, err)
			return string(out.Status)
		},
		"IN_PROGRESS", "COMPLETE", "FAILED",
	},
	{
		scenarios.RunLifecyclePolicy,
		func(t *testing.T, f Face) string {
			digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
			f.Registry.Advance(48 * time.Hour)
			_, err := f.PutLifecyclePolicy(t.Context(), &ecr.PutLifecyclePolicyInput{RepositoryName: aws.String(App), LifecyclePolicyText: aws.String(afterADay)})
			require.NoError(t, err)
			f.Registry.Advance(24*time.Hour - time.Hour/2)
			return digest
		},
		func(t *testing.T, f Face, digest string) string {
			if _, there := ImageDetails(t, f, App)[digest]; there {
				return "there"
			}
			return "gone"
		},
		"there", "gone", "there",
	},
	{
		scenarios.ReceiveReplica,
		func(t *testing.T, f Face) string {
			_, err := f.PutReplicationConfiguration(t.Context(), &ecr.PutReplicationConfigurationInput{
				ReplicationConfiguration: &types.ReplicationConfiguration{Rules: []types.ReplicationRule{{
					Destinations: []types.ReplicationDestination{{Region: aws.String("eu-west-1"), RegistryId: aws.String("123456789012")}},
				}}},
			})
			require.NoError(t, err)
			return f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		},
		func(t *testing.T, f Face, digest string) string {
			out, err := f.DescribeImageReplicationStatus(t.Context(), &ecr.DescribeImageReplicationStatusInput{
				RepositoryName: aws.String(App), ImageId: DigestID(digest),
			})
			require.NoError(t, err)
			status := out.ReplicationStatuses[0]
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
		func(t *testing.T, f Face, digest string) string {
			return string(ImageDetails(t, f, App)[digest].ImageStatus)
		},
		"ACTIVATING", "ACTIVE", "ARCHIVED",
	},
	{
		scenarios.SignImage,
		func(t *testing.T, f Face) string {
			require.NoError(t, PutSigning(t, f, SigningRule(Release)))
			return f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		},
		func(t *testing.T, f Face, _ string) string {
			out, err := f.DescribeImageSigningStatus(t.Context(), &ecr.DescribeImageSigningStatusInput{RepositoryName: aws.String(App), ImageId: TagID("v1")})
			require.NoError(t, err)
			status := out.SigningStatuses[0]
			return string(status.Status) + " " + aws.ToString(status.FailureCode) + " " + aws.ToString(status.FailureReason)
		},
		"IN_PROGRESS  ", "COMPLETE  ", "FAILED OutageException The lights are out.",
	},
}

// afterADay is a lifecycle policy that expires what has had a tag of v for a day.
const afterADay = `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"tagged","tagPrefixList":["v"],"countType":"sinceImagePushed","countUnit":"days","countNumber":1},"action":{"type":"expire"}}]}`
