package registry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

func startBackfill(t *testing.T, f faces.Face, to types.ReplicationDestination) *ecr.StartReplicationBackfillOutput {
	t.Helper()
	out, err := f.StartReplicationBackfill(t.Context(), &ecr.StartReplicationBackfillInput{Destination: &to})
	require.NoError(t, err)
	return out
}

func stopBackfill(t *testing.T, f faces.Face, id *string) (*ecr.StopReplicationBackfillOutput, error) {
	return f.StopReplicationBackfill(t.Context(), &ecr.StopReplicationBackfillInput{ReplicationBackfillId: id})
}

func describeBackfill(t *testing.T, f faces.Face, id *string) *ecr.DescribeReplicationBackfillResultsOutput {
	t.Helper()
	out, err := f.DescribeReplicationBackfillResults(t.Context(), &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: id})
	require.NoError(t, err)
	return out
}

func listBackfills(t *testing.T, f faces.Face) []types.ReplicationBackfillSummary {
	t.Helper()
	out, err := f.ListReplicationBackfills(t.Context(), &ecr.ListReplicationBackfillsInput{})
	require.NoError(t, err)
	return out.Backfills
}

func backfillProgress(total, completed, failed int32, codes ...string) *types.ReplicationBackfillProgress {
	return &types.ReplicationBackfillProgress{
		TotalReplicationCount: &total, CompletedReplicationCount: &completed, FailedReplicationCount: &failed,
		FailureCodes: append([]string{}, codes...),
	}
}

// pushTags pushes one image under n tags, t00 first.
func pushTags(t *testing.T, f faces.Face, repository string, image fakeecr.Image, n int) {
	t.Helper()
	for i := range n {
		f.Registry.MustPush(fmt.Sprintf("%s:t%02d", repository, i), image)
	}
}

func TestBackfillReplicatesWhatIsThere(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		app, site := fakeecr.RandomImage(1, 3000), fakeecr.RandomImage(2, 100)
		pushTags(t, f, "prod/app", app, 11)
		f.Registry.MustPush("prod/site", site)
		f.Registry.MustPush("test/app:v1", app)
		putReplication(t, f, types.ReplicationRule{Destinations: []types.ReplicationDestination{destination("eu-west-1")}, RepositoryFilters: prefixFilters("prod/")})
		f.Registry.Advance(time.Hour)
		require.Nil(t, heldIn(t, f.In("eu-west-1"), "prod/app"), "rules are for what is pushed later")

		begun := startBackfill(t, f, destination("eu-west-1"))
		require.Equal(t, types.ReplicationBackfillStatusPreparing, begun.Status)
		require.Equal(t, destination("eu-west-1"), *begun.Destination)
		require.Equal(t, replicationSource, *begun.RegistryId)
		require.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, *begun.ReplicationBackfillId)
		require.WithinDuration(t, f.Registry.Now(), *begun.StartedAt, time.Minute)

		step := func(status types.ReplicationBackfillStatus, want *types.ReplicationBackfillProgress) *ecr.DescribeReplicationBackfillResultsOutput {
			out := describeBackfill(t, f, begun.ReplicationBackfillId)
			require.Equal(t, status, out.Status)
			require.Equal(t, want, out.Progress)
			require.Equal(t, begun.StartedAt, out.StartedAt)
			require.Equal(t, begun.Destination, out.Destination)
			require.Equal(t, begun.RegistryId, out.RegistryId)
			require.Equal(t, begun.ReplicationBackfillId, out.ReplicationBackfillId)
			require.Nil(t, out.FailureCode)
			require.Equal(t, []types.ReplicationBackfillSummary{{
				Destination: begun.Destination, ReplicationBackfillId: begun.ReplicationBackfillId,
				StartedAt: begun.StartedAt, Status: status, EndedAt: out.EndedAt, Progress: want,
			}}, listBackfills(t, f))
			return out
		}
		out := step(types.ReplicationBackfillStatusPreparing, nil)
		require.Nil(t, out.EndedAt)
		f.Registry.Advance(5 * time.Second)
		step(types.ReplicationBackfillStatusInProgress, backfillProgress(12, 0, 0))
		f.Registry.Advance(5 * time.Second)
		out = step(types.ReplicationBackfillStatusInProgress, backfillProgress(12, 10, 0))
		require.Empty(t, out.Results, "only after the end")
		require.Nil(t, out.EndedAt)
		require.Len(t, heldIn(t, f.In("eu-west-1"), "prod/app")[app.Digest()], 10)
		f.Registry.Advance(5 * time.Second)
		out = step(types.ReplicationBackfillStatusComplete, backfillProgress(12, 12, 0))
		require.Equal(t, 15*time.Second, out.EndedAt.Sub(*out.StartedAt))

		require.Len(t, out.Results, 12, "one for each image and tag")
		for i, result := range out.Results[:11] {
			require.Equal(t, types.ReplicationBackfillResult{
				RepositoryName: aws.String("prod/app"), Status: types.ReplicationBackfillResultStatusComplete,
				ImageId: &types.ImageIdentifier{ImageDigest: aws.String(app.Digest()), ImageTag: aws.String(fmt.Sprintf("t%02d", i))},
			}, result)
		}
		require.Equal(t, types.ImageIdentifier{ImageDigest: aws.String(site.Digest())}, *out.Results[11].ImageId)
		require.Len(t, heldIn(t, f.In("eu-west-1"), "prod/app")[app.Digest()], 11)
		require.Equal(t, map[string][]string{site.Digest(): nil}, heldIn(t, f.In("eu-west-1"), "prod/site"))
		require.Nil(t, heldIn(t, f.In("eu-west-1"), "test/app"), "no rule covers it")
		require.Equal(t, []types.ImageReplicationStatus{replicaIn("eu-west-1", types.ReplicationStatusComplete)}, replicas(t, f, "prod/app", app.Digest()))
	})
}

// Each replica of a backfill is a call, which rules fail and hold one by one.
func TestBackfillUnderRules(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		app := fakeecr.RandomImage(1, 100)
		pushTags(t, f, "prod/app", app, 12)
		replicateTo(t, f, destination("eu-west-1"))
		of := func(tag string) *scenarios.Rule {
			return scenarios.On(scenarios.ReceiveReplica, scenarios.Region("eu-west-1"), scenarios.Repository("prod/*"), scenarios.Tag(tag))
		}
		held := of("t00").Hold()
		playing := f.Registry.Play(scenarios.Scenario{held, of("t01").Fail(scenarios.Throttled()), of("t02").Delay(time.Hour)})
		id := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
		f.Registry.Advance(time.Minute)
		require.NoError(t, playing.WaitHeld(t.Context(), 2))
		out := describeBackfill(t, f, id)
		require.Equal(t, types.ReplicationBackfillStatusInProgress, out.Status)
		require.Equal(t, backfillProgress(12, 9, 1, "Throttling"), out.Progress, "the others go on meanwhile")
		f.Registry.Advance(time.Hour)
		require.Equal(t, backfillProgress(12, 10, 1, "Throttling"), describeBackfill(t, f, id).Progress)
		playing.Release()

		out = describeBackfill(t, f, id)
		require.Equal(t, types.ReplicationBackfillStatusComplete, out.Status)
		require.Equal(t, backfillProgress(12, 11, 1, "Throttling"), out.Progress)
		require.Equal(t, types.ReplicationBackfillResult{
			RepositoryName: aws.String("prod/app"), Status: types.ReplicationBackfillResultStatusFailed, FailureCode: aws.String("Throttling"),
			ImageId: &types.ImageIdentifier{ImageDigest: aws.String(app.Digest()), ImageTag: aws.String("t01")},
		}, out.Results[1])
		require.NotContains(t, heldIn(t, f.In("eu-west-1"), "prod/app")[app.Digest()], "t01")
		arrived := f.Registry.Trace().For(scenarios.ReceiveReplica)
		require.Len(t, arrived, 12)
		require.Len(t, arrived.Where(scenarios.Failed(), scenarios.Tag("t01")), 1)
		require.Equal(t, []string{held.String()}, arrived.Where(scenarios.Tag("t00"))[0].Rules)
		require.Equal(t, replicationSource, *arrived[0].Input.(*scenarios.ReceiveReplicaInput).SourceRegistryId)
	})
}

// A backfill that is stopping waits for what is on its way, and begins no more.
func TestBackfillStopsWhileOneIsHeld(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		pushTags(t, f, "prod/app", fakeecr.RandomImage(1, 100), 12)
		replicateTo(t, f, destination("eu-west-1"))
		playing := f.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.ReceiveReplica).Nth(1).Hold()})
		id := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
		f.Registry.Advance(9 * time.Second)
		_, err := stopBackfill(t, f, id)
		require.NoError(t, err)
		f.Registry.Advance(time.Hour)
		out := describeBackfill(t, f, id)
		require.Equal(t, types.ReplicationBackfillStatusStopping, out.Status)
		require.Equal(t, backfillProgress(12, 9, 0), out.Progress)
		playing.Release()
		out = describeBackfill(t, f, id)
		require.Equal(t, types.ReplicationBackfillStatusStopped, out.Status)
		require.Equal(t, backfillProgress(12, 10, 0), out.Progress)
		require.Len(t, out.Results, 10)
	})
}

func TestBackfillWithNothingToDo(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		begun := startBackfill(t, f, destination("eu-west-1"))
		f.Registry.Advance(5 * time.Second)
		out := describeBackfill(t, f, begun.ReplicationBackfillId)
		require.Equal(t, types.ReplicationBackfillStatusComplete, out.Status)
		require.Equal(t, backfillProgress(0, 0, 0), out.Progress)
		require.Equal(t, []types.ReplicationBackfillResult{}, out.Results)
	})
}

func TestBackfillIsRefused(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		start := func(to types.ReplicationDestination) error {
			_, err := f.StartReplicationBackfill(t.Context(), &ecr.StartReplicationBackfillInput{Destination: &to})
			return err
		}
		const notConfigured = "Invalid parameter at 'destination' failed to satisfy constraint: 'Destination must be in the replication configuration of the registry'"
		faces.RequireError[*types.InvalidParameterException](t, start(destination("eu-west-1")), notConfigured)
		putReplication(t, f, append(manyDestinations(11), types.ReplicationRule{Destinations: []types.ReplicationDestination{destination("eu-west-1", faces.Other)}})...)
		faces.RequireError[*types.InvalidParameterException](t, start(destination("eu-west-2", faces.Other)), notConfigured)

		for i := range 10 {
			require.NoError(t, start(destination(fmt.Sprintf("eu-west-%d", i+1))))
		}
		const inProgress = "A replication backfill to the region 'eu-west-1' is already in progress in the registry with id '123456789012'"
		faces.RequireError[*types.ReplicationBackfillInProgressException](t, start(destination("eu-west-1")), inProgress)
		faces.RequireError[*types.ReplicationBackfillInProgressException](t, start(destination("eu-west-1", faces.Other)), inProgress)
		faces.RequireError[*types.LimitExceededException](t, start(destination("eu-west-11")), "The limit of 10 replication backfills in progress has been exceeded")
		require.Len(t, listBackfills(t, f), 10)
		require.Empty(t, listBackfills(t, f.In("eu-west-1")))
		f.Registry.Advance(time.Minute)
		require.NoError(t, start(destination("eu-west-11")), "the others have ended")
		require.NoError(t, start(destination("eu-west-1", faces.Other)))
	})
}

func TestUnknownBackfill(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		id := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
		there := f.In("eu-west-1")
		text := "The replication backfill with id '" + *id + "' does not exist in the registry with id '123456789012'"
		_, err := stopBackfill(t, there, id)
		faces.RequireError[*types.ReplicationBackfillNotFoundException](t, err, text)
		_, err = there.DescribeReplicationBackfillResults(t.Context(), &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: id})
		faces.RequireError[*types.ReplicationBackfillNotFoundException](t, err, text)
		for _, malformed := range []string{"", "none", strings.TrimPrefix(*id, "0") + "g", *id + "0", strings.ReplaceAll(*id, "-", "")} {
			text := "Invalid parameter at 'replicationBackfillId' failed to satisfy constraint: " +
				"'Member must satisfy regular expression pattern: [0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'"
			_, err = stopBackfill(t, f, &malformed)
			faces.RequireError[*types.InvalidParameterException](t, err, text)
			_, err = f.DescribeReplicationBackfillResults(t.Context(), &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: &malformed})
			faces.RequireError[*types.InvalidParameterException](t, err, text)
		}
	})
}

func TestBackfillStops(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		pushTags(t, f, "app", fakeecr.RandomImage(1, 100), 12)
		replicateTo(t, f, destination("eu-west-1"))
		stop := func(begun *ecr.StartReplicationBackfillOutput, status types.ReplicationBackfillStatus) {
			out, err := stopBackfill(t, f, begun.ReplicationBackfillId)
			require.NoError(t, err)
			require.Equal(t, status, out.Status)
			require.Equal(t, begun.Destination, out.Destination)
			require.Equal(t, begun.StartedAt, out.StartedAt)
			require.Equal(t, begun.RegistryId, out.RegistryId)
			require.Equal(t, begun.ReplicationBackfillId, out.ReplicationBackfillId)
		}

		begun := startBackfill(t, f, destination("eu-west-1"))
		stop(begun, types.ReplicationBackfillStatusStopped)
		f.Registry.Advance(time.Minute)
		out := describeBackfill(t, f, begun.ReplicationBackfillId)
		require.Equal(t, types.ReplicationBackfillStatusStopped, out.Status)
		require.Nil(t, out.Progress, "stopped before it was prepared")
		require.Empty(t, out.Results)
		require.WithinDuration(t, *begun.StartedAt, *out.EndedAt, 10*time.Second)
		require.Nil(t, heldIn(t, f.In("eu-west-1"), "app"))
		_, err := stopBackfill(t, f, begun.ReplicationBackfillId)
		faces.RequireError[*types.ReplicationBackfillInvalidStatusException](t, err,
			"The replication backfill with id '"+*begun.ReplicationBackfillId+"' in the registry with id '123456789012' cannot be stopped because its status is STOPPED")

		begun = startBackfill(t, f, destination("eu-west-1"))
		f.Registry.Advance(5 * time.Second)
		stop(begun, types.ReplicationBackfillStatusStopping)
		_, err = stopBackfill(t, f, begun.ReplicationBackfillId)
		faces.RequireError[*types.ReplicationBackfillInvalidStatusException](t, err,
			"The replication backfill with id '"+*begun.ReplicationBackfillId+"' in the registry with id '123456789012' cannot be stopped because its status is STOPPING")
		out = describeBackfill(t, f, begun.ReplicationBackfillId)
		require.Equal(t, types.ReplicationBackfillStatusStopping, out.Status)
		require.Nil(t, out.EndedAt)
		_, err = f.StartReplicationBackfill(t.Context(), &ecr.StartReplicationBackfillInput{Destination: begun.Destination})
		require.ErrorAs(t, err, new(*types.ReplicationBackfillInProgressException))

		f.Registry.Advance(time.Minute)
		out = describeBackfill(t, f, begun.ReplicationBackfillId)
		require.Equal(t, types.ReplicationBackfillStatusStopped, out.Status)
		require.Equal(t, backfillProgress(12, 10, 0), out.Progress, "what had begun was completed")
		require.Equal(t, 10*time.Second, out.EndedAt.Sub(*out.StartedAt))
		require.Len(t, out.Results, 10)
	})
}

// A backfill is FAILED when half of its replications or more failed, of 100 at least.
func TestBackfillFails(t *testing.T) {
	const failed, complete = types.ReplicationBackfillStatusFailed, types.ReplicationBackfillStatusComplete
	for _, test := range []struct {
		there, denied int
		want          types.ReplicationBackfillStatus
	}{
		{0, 100, failed},
		{50, 50, failed},
		{51, 49, complete},
		{99, 99, failed},
		{0, 99, complete},
		{49, 50, complete},
	} {
		t.Run(fmt.Sprintf("%d of %d", test.denied, test.there+test.denied), func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				pushTags(t, f, "there", fakeecr.RandomImage(1, 100), test.there)
				pushTags(t, f, "denied", fakeecr.RandomImage(1, 100), test.denied)
				putRegistryPolicy(t, f.Account(faces.Other).In("eu-west-1"), faces.Statements(
					`{"Effect":"Allow","Principal":"*","Action":["ecr:ReplicateImage","ecr:CreateRepository"],"Resource":"arn:aws:ecr:eu-west-1:`+faces.Other+`:repository/there"}`))
				replicateTo(t, f, destination("eu-west-1", faces.Other))
				id := startBackfill(t, f, destination("eu-west-1", faces.Other)).ReplicationBackfillId
				f.Registry.Advance(time.Hour)
				out := describeBackfill(t, f, id)
				require.Equal(t, test.want, out.Status)
				require.Equal(t, backfillProgress(int32(test.there+test.denied), int32(test.there), int32(test.denied), "DESTINATION_REGISTRY_ACCESS_DENIED"), out.Progress)
				listed := listBackfills(t, f)[0]
				require.Equal(t, test.want, listed.Status)
				require.Equal(t, out.FailureCode, listed.FailureCode)
				if test.want == failed {
					require.Equal(t, "DESTINATION_REGISTRY_ACCESS_DENIED", *out.FailureCode)
				} else {
					require.Nil(t, out.FailureCode)
				}
			})
		})
	}
}

func TestBackfillOfWhichAllFails(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		index := fakeecr.RandomIndex(1, "linux/amd64")
		f.Registry.MustPush("app:all", index)
		replicateTo(t, f, destination("eu-west-1", faces.Other))
		id := startBackfill(t, f, destination("eu-west-1", faces.Other)).ReplicationBackfillId
		f.Registry.Advance(time.Minute)
		out := describeBackfill(t, f, id)
		require.Equal(t, types.ReplicationBackfillStatusComplete, out.Status, "of so few")
		require.Nil(t, out.FailureCode)
		require.Equal(t, backfillProgress(2, 0, 2, "DESTINATION_REGISTRY_ACCESS_DENIED"), out.Progress)
		for _, result := range out.Results {
			require.Equal(t, types.ReplicationBackfillResultStatusFailed, result.Status)
			require.Equal(t, "DESTINATION_REGISTRY_ACCESS_DENIED", *result.FailureCode)
			if *result.ImageId.ImageDigest == index.Digest() {
				require.Equal(t, []string{"DESTINATION_REGISTRY_ACCESS_DENIED"}, result.SubImageFailureCodes)
			} else {
				require.Nil(t, result.SubImageFailureCodes, "only of an index")
			}
		}
	})
}

func TestBackfillOfWhichSomeFails(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		there := f.In("eu-west-1")
		there.Registry.MustPush("app:old", fakeecr.RandomImage(8, 100))
		there.Registry.MustPush("app:older", fakeecr.RandomImage(9, 100))
		index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64")
		f.Registry.MustPush("app:all", index)
		fits := fakeecr.RandomIndex(5, "linux/s390x")
		f.Registry.MustPush("site:all", fits)
		there.Registry.MustPush("wide:old", fakeecr.RandomImage(8, 100))
		wide := fakeecr.RandomIndex(6, "linux/amd64", "linux/arm64")
		f.Registry.MustPush("wide:all", wide)
		replicateTo(t, f, destination("eu-west-1"))
		id := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
		f.Registry.Advance(time.Minute)

		out := describeBackfill(t, f, id)
		require.Equal(t, types.ReplicationBackfillStatusComplete, out.Status)
		require.Nil(t, out.FailureCode)
		require.Equal(t, backfillProgress(8, 5, 3, "LimitExceeded"), out.Progress)
		byDigest := map[string]types.ReplicationBackfillResult{}
		for _, result := range out.Results {
			byDigest[*result.ImageId.ImageDigest] = result
		}
		require.Equal(t, types.ReplicationBackfillResult{
			ImageId:              &types.ImageIdentifier{ImageDigest: aws.String(index.Digest()), ImageTag: aws.String("all")},
			RepositoryName:       aws.String("app"),
			Status:               types.ReplicationBackfillResultStatusFailed,
			FailureCode:          aws.String("LimitExceeded"),
			SubImageFailureCodes: []string{"LimitExceeded"},
		}, byDigest[index.Digest()])
		require.Equal(t, []string{}, byDigest[fits.Digest()].SubImageFailureCodes)
		require.Equal(t, types.ReplicationBackfillResultStatusFailed, byDigest[wide.Digest()].Status)
		require.Equal(t, []string{}, byDigest[wide.Digest()].SubImageFailureCodes, "there was room for its images")

		for status, want := range map[types.ReplicationBackfillResultStatus]int{types.ReplicationBackfillResultStatusComplete: 5, types.ReplicationBackfillResultStatusFailed: 3} {
			filtered, err := f.DescribeReplicationBackfillResults(t.Context(), &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: id, ResultStatusFilter: status})
			require.NoError(t, err)
			require.Len(t, filtered.Results, want)
			for _, result := range filtered.Results {
				require.Equal(t, status, result.Status)
			}
		}
	}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 3))
}

// What a backfill has listed may be gone when its turn comes.
func TestBackfillOfWhatIsGone(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		gone, stays := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		f.Registry.MustPush("a/deleted:v1", gone)
		f.Registry.MustPush("b/moved:v1", gone)
		f.Registry.MustPush("c/repository:v1", gone)
		f.Registry.MustPush("d/stays:v1", stays)
		replicateTo(t, f, destination("eu-west-1"))
		id := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
		f.Registry.Advance(5 * time.Second)
		deleteHeld(t, f, "a/deleted", types.ImageIdentifier{ImageTag: aws.String("v1")})
		putReplication(t, f)
		f.Registry.MustPush("b/moved:v1", stays)
		_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("c/repository"), Force: true})
		require.NoError(t, err)
		f.Registry.Advance(time.Minute)
		out := describeBackfill(t, f, id)
		require.Equal(t, backfillProgress(4, 1, 3, "ImageNotFound", "ImageTagDoesNotMatchDigest", "RepositoryNotFound"), out.Progress)
		require.Len(t, out.Results, 4)
		require.Equal(t, map[string][]string{stays.Digest(): {"v1"}}, heldIn(t, f.In("eu-west-1"), "d/stays"), "without the rules it goes on")
	})
}

// Archived images cannot be pulled, so a backfill passes them over; one that is
// archived after it was listed fails.
func TestBackfillOfArchivedImages(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		archived, soon, stays := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100), fakeecr.RandomImage(3, 100)
		for _, image := range []fakeecr.Image{archived, soon, stays} {
			f.Registry.MustPush("team/app", image)
		}
		faces.UpdateStorage(t, f, archived.Digest(), types.TargetStorageClassArchive)
		replicateTo(t, f, destination("eu-west-1"))
		id := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
		f.Registry.Advance(5 * time.Second)
		faces.UpdateStorage(t, f, soon.Digest(), types.TargetStorageClassArchive)
		f.Registry.Advance(time.Minute)
		require.Equal(t, backfillProgress(2, 1, 1, "ImageInaccessible"), describeBackfill(t, f, id).Progress)
		require.Equal(t, map[string][]string{stays.Digest(): nil}, heldIn(t, f.In("eu-west-1"), "team/app"))
	})
}

func TestBackfillOfAnotherAccountsRegistry(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		theirs, to := f.Account(faces.Other), destination("eu-west-1", faces.Other)
		putRegistryPolicy(t, theirs, faces.Statements(onRegistry(faces.AllowAll, "*")))
		replicateTo(t, theirs, to)
		begun, err := f.StartReplicationBackfill(t.Context(), &ecr.StartReplicationBackfillInput{RegistryId: aws.String(faces.Other), Destination: &to})
		require.NoError(t, err)
		require.Equal(t, faces.Other, *begun.RegistryId)
		listed, err := f.ListReplicationBackfills(t.Context(), &ecr.ListReplicationBackfillsInput{RegistryId: aws.String(faces.Other)})
		require.NoError(t, err)
		require.Equal(t, faces.Other, *listed.RegistryId)
		require.Equal(t, listBackfills(t, theirs), listed.Backfills)
		require.Empty(t, listBackfills(t, f))
		stopped, err := f.StopReplicationBackfill(t.Context(), &ecr.StopReplicationBackfillInput{RegistryId: aws.String(faces.Other), ReplicationBackfillId: begun.ReplicationBackfillId})
		require.NoError(t, err)
		require.Equal(t, faces.Other, *stopped.RegistryId)
		described, err := f.DescribeReplicationBackfillResults(t.Context(), &ecr.DescribeReplicationBackfillResultsInput{RegistryId: aws.String(faces.Other), ReplicationBackfillId: begun.ReplicationBackfillId})
		require.NoError(t, err)
		require.Equal(t, faces.Other, *described.RegistryId)
		require.Equal(t, types.ReplicationBackfillStatusStopped, described.Status)
	})
}

func TestBackfillsArePaged(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		ids := map[string]bool{}
		for range 26 {
			ids[*startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId] = true
			f.Registry.Advance(5 * time.Second)
		}
		first, err := f.ListReplicationBackfills(t.Context(), &ecr.ListReplicationBackfillsInput{})
		require.NoError(t, err)
		require.Len(t, first.Backfills, 25)
		require.Equal(t, replicationSource, *first.RegistryId)
		second, err := f.ListReplicationBackfills(t.Context(), &ecr.ListReplicationBackfillsInput{NextToken: first.NextToken})
		require.NoError(t, err)
		require.Nil(t, second.NextToken)
		for _, b := range append(first.Backfills, second.Backfills...) {
			require.True(t, ids[*b.ReplicationBackfillId])
			delete(ids, *b.ReplicationBackfillId)
		}
		require.Empty(t, ids)

		_, err = f.ListReplicationBackfills(t.Context(), &ecr.ListReplicationBackfillsInput{MaxResults: aws.Int32(51)})
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 50'")
		_, err = f.ListReplicationBackfills(t.Context(), &ecr.ListReplicationBackfillsInput{NextToken: aws.String("bogus")})
		require.ErrorAs(t, err, new(*types.InvalidParameterException))
		pages := ecr.NewListReplicationBackfillsPaginator(f, &ecr.ListReplicationBackfillsInput{MaxResults: aws.Int32(10)})
		n := 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			n += len(page.Backfills)
		}
		require.Equal(t, 26, n)
	})
}

func TestBackfillResultsArePaged(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		pushTags(t, f, "app", fakeecr.RandomImage(1, 100), 101)
		replicateTo(t, f, destination("eu-west-1"))
		id := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
		f.Registry.Advance(time.Hour)
		first := describeBackfill(t, f, id)
		require.Len(t, first.Results, 100)
		second, err := f.DescribeReplicationBackfillResults(t.Context(), &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: id, NextToken: first.NextToken})
		require.NoError(t, err)
		require.Len(t, second.Results, 1)
		require.Nil(t, second.NextToken)
		require.NotContains(t, first.Results, second.Results[0])

		_, err = f.DescribeReplicationBackfillResults(t.Context(), &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: id, MaxResults: aws.Int32(1001)})
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'")
		other := startBackfill(t, f, destination("eu-west-1"))
		_, err = f.DescribeReplicationBackfillResults(t.Context(), &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: other.ReplicationBackfillId, NextToken: first.NextToken})
		require.ErrorAs(t, err, new(*types.InvalidParameterException), "the token is another backfill's")
	})
}

func TestBackfillIsForgottenAfter90Days(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		ended := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
		f.Registry.Advance(time.Hour)
		stopped := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
		_, err := stopBackfill(t, f, stopped)
		require.NoError(t, err)
		f.Registry.Advance(90*24*time.Hour - time.Minute)
		require.Len(t, listBackfills(t, f), 1, "the first is gone")
		require.Equal(t, stopped, listBackfills(t, f)[0].ReplicationBackfillId)
		_, err = f.DescribeReplicationBackfillResults(t.Context(), &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: ended})
		require.ErrorAs(t, err, new(*types.ReplicationBackfillNotFoundException))
		f.Registry.Advance(time.Minute)
		require.Empty(t, listBackfills(t, f))
	})
}

func TestForksBackfillEachForItself(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		pushTags(t, f, "app", fakeecr.RandomImage(1, 100), 12)
		replicateTo(t, f, destination("eu-west-1"))
		id := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
		f.Registry.Advance(5 * time.Second)
		fork := faces.Direct(f.Registry.Fork(t))
		_, err := stopBackfill(t, fork, id)
		require.NoError(t, err)
		fork.Registry.Advance(time.Minute)
		f.Registry.Advance(time.Minute)
		require.Equal(t, backfillProgress(12, 10, 0), describeBackfill(t, fork, id).Progress)
		require.Equal(t, backfillProgress(12, 12, 0), describeBackfill(t, f, id).Progress)
	})
}
