package registry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

var errOutage = &smithy.GenericAPIError{Code: "OutageException", Message: "The lights are out."}

func TestWhatTheWorldDoesIsInTheTrace(t *testing.T) {
	for _, event := range faces.Events {
		t.Run(event.Operation, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				begun := f.Registry.Now()
				digest := event.Prepare(t, f)
				require.Equal(t, event.Pending, event.See(t, f, digest))
				require.Empty(t, f.Registry.Trace().For(scenarios.World))
				f.Registry.Advance(time.Hour)
				trace := f.Registry.Trace().For(scenarios.World)
				require.Equal(t, []string{event.Operation}, trace.Operations())
				require.Equal(t, event.Outcome, event.See(t, f, digest))
				call := trace[0]
				require.NoError(t, call.Err)
				require.Equal(t, "team/app", call.Repository)
				require.Equal(t, "123456789012", call.Account)
				require.WithinRange(t, call.Time, begun, f.Registry.Now())
				require.Contains(t, call.String(), event.Operation+" team/app")
				require.Len(t, f.Registry.Trace().Where(scenarios.Repository("team/*")).For(event.Operation), 1)
				if event.Operation == scenarios.RunLifecyclePolicy {
					require.Contains(t, call.String(), "-> ok, rule 1 expired [v1]")
				}
			})
		})
	}
}

func TestWhatTheWorldDoesFails(t *testing.T) {
	for _, event := range faces.Events {
		t.Run(event.Operation, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				rule := scenarios.On(event.Operation, scenarios.Repository("team/*")).First(1).Fail(errOutage)
				playing := f.Registry.Play(scenarios.Scenario{rule})
				digest := event.Prepare(t, f)
				f.Registry.Advance(time.Hour)
				require.Equal(t, event.Failed, event.See(t, f, digest))
				call := f.Registry.Trace().For(event.Operation)[0]
				require.Equal(t, errOutage, call.Err)
				require.Equal(t, []string{rule.String()}, call.Rules)
				require.Equal(t, 1, playing.Fired(rule))
				require.Len(t, f.Registry.Trace().For(scenarios.World).Where(scenarios.Failed()), 1)
			})
		})
	}
}

func TestWhatTheWorldDoesComesLate(t *testing.T) {
	for _, event := range faces.Events {
		t.Run(event.Operation, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.Play(scenarios.Scenario{scenarios.On(event.Operation).First(1).Delay(3 * time.Hour)})
				digest := event.Prepare(t, f)
				f.Registry.Advance(2 * time.Hour)
				require.Equal(t, event.Pending, event.See(t, f, digest))
				require.Empty(t, f.Registry.Trace().For(event.Operation))
				f.Registry.Advance(2 * time.Hour)
				require.Equal(t, event.Outcome, event.See(t, f, digest))
			})
		})
	}
}

func TestWhatTheWorldDoesIsHeld(t *testing.T) {
	for _, event := range faces.Events {
		for name, letGo := range map[string]func(*fakeecr.Playing){"released": (*fakeecr.Playing).Release, "stopped": (*fakeecr.Playing).Stop} {
			t.Run(event.Operation+"/"+name, func(t *testing.T) {
				faces.Each(t, func(t *testing.T, f faces.Face) {
					playing := f.Registry.Play(scenarios.Scenario{scenarios.On(event.Operation).First(1).Hold()})
					digest := event.Prepare(t, f)
					f.Registry.Advance(time.Hour)
					require.NoError(t, playing.WaitHeld(t.Context(), 1), "at once")
					f.Registry.Advance(20 * time.Hour)
					require.Equal(t, event.Pending, event.See(t, f, digest))

					fork := f.Registry.Fork(t)
					require.Equal(t, event.Outcome, event.See(t, faces.Direct(fork), digest), "a fork has no rules")
					require.Equal(t, event.Pending, event.See(t, f, digest))
					tagMutable(t, f)
					require.Equal(t, event.Pending, event.See(t, f, digest), "a change of its repository leaves it as it is")

					letGo(playing)
					require.Equal(t, event.Outcome, event.See(t, f, digest))
				})
			})
		}
	}
}

// One who waits for what the world does by itself waits until it is due.
func TestWaitHeldUntilItIsDue(t *testing.T) {
	for _, event := range faces.Events {
		t.Run(event.Operation, func(t *testing.T) {
			faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
				waits := func() *fakeecr.Playing {
					return f.Registry.Play(scenarios.Scenario{scenarios.On(event.Operation).First(1).Hold()})
				}
				digest := event.Prepare(t, f)
				playing := waits()
				require.NoError(t, playing.WaitHeld(t.Context(), 1))
				require.Equal(t, event.Pending, event.See(t, f, digest))
				playing.Stop()
				require.Equal(t, event.Outcome, event.See(t, f, digest))
			})
		})
	}
}

// What was not under way yet when one began to wait for it counts too.
func TestWaitHeldForWhatBeginsLater(t *testing.T) {
	faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
		playing := f.Registry.Play(scenarios.EndlessScan("team/app"))
		waited := make(chan error)
		go func() { waited <- playing.WaitHeld(t.Context(), 1) }()
		synctest.Wait()
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		_, err := f.StartImageScan(t.Context(), &ecr.StartImageScanInput{RepositoryName: aws.String("team/app"), ImageId: &types.ImageIdentifier{ImageTag: aws.String("v1")}})
		require.NoError(t, err)
		require.NoError(t, <-waited)
	})
}

func tagMutable(t *testing.T, f faces.Face) {
	_, err := f.PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{
		RepositoryName: aws.String("team/app"), ImageTagMutability: types.ImageTagMutabilityMutable,
	})
	require.NoError(t, err)
}

// A function of the user's runs without the world's lock, so it may call what it
// asks about.
func TestARuleOfTheWorldMayCallTheRegistry(t *testing.T) {
	for _, event := range faces.Events {
		t.Run(event.Operation, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				digest := event.Prepare(t, f)
				var seen []string
				ask := func(*scenarios.Call) error {
					seen = append(seen, event.See(t, f, digest))
					f.Registry.Trace()
					tagMutable(t, f)
					f.Registry.Advance(time.Second)
					return errOutage
				}
				holds := scenarios.WhenCall(func(call *scenarios.Call) bool { return call.Err == nil && event.See(t, f, digest) != "" })
				f.Registry.Play(scenarios.Scenario{scenarios.On(event.Operation, holds).First(1).Ask(ask)})
				f.Registry.Advance(time.Hour)
				require.Equal(t, event.Failed, event.See(t, f, digest))
				require.Equal(t, []string{event.Pending}, seen)
			})
		})
	}
}

func TestWhatGoesMeanwhileDoesNotHappen(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		playing := f.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.ReceiveReplica).Hold()})
		f.Registry.Advance(time.Hour)
		deleteHeld(t, f, "team/app", types.ImageIdentifier{ImageDigest: &digest})
		playing.Release()
		require.Nil(t, heldIn(t, f.In("eu-west-1"), "team/app"))
		require.Empty(t, f.Registry.Trace().For(scenarios.World))
	})
}

func TestReplicationLagByRegion(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"), destination("us-west-2"), destination("eu-north-1"))
		f.Registry.Play(scenarios.Scenario{
			scenarios.On(scenarios.ReceiveReplica, scenarios.Region("eu-west-1")).Delay(10 * time.Minute),
			scenarios.On(scenarios.ReceiveReplica, scenarios.Region("eu-north-1"), scenarios.Tag("v*")).Fail(&types.ServerException{}),
		})
		digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		f.Registry.Advance(time.Minute)
		require.Equal(t, []types.ImageReplicationStatus{
			replicaIn("eu-west-1", types.ReplicationStatusInProgress),
			replicaIn("us-west-2", types.ReplicationStatusComplete),
			failedReplica("eu-north-1", replicationSource, "Server"),
		}, replicas(t, f, "team/app", digest))
		require.Nil(t, heldIn(t, f.In("eu-west-1"), "team/app"))
		f.Registry.Advance(10 * time.Minute)
		require.Equal(t, map[string][]string{digest: {"v1"}}, heldIn(t, f.In("eu-west-1"), "team/app"))
		require.Equal(t, replicaIn("eu-west-1", types.ReplicationStatusComplete), replicas(t, f, "team/app", digest)[0])
		lines := f.Registry.Trace().Where(scenarios.Region("eu-west-1"), scenarios.Digest(digest)).For(scenarios.World).String()
		require.Contains(t, lines, "ReceiveReplica team/app v1 "+digest+" in eu-west-1 -> ok [ReceiveReplica in region eu-west-1 delayed 10m0s]")
	})
}

// While one of an image's replicas is held, its replication is in progress, in the
// region where it is held.
func TestHeldReplicasAreInProgress(t *testing.T) {
	const arrives, waits = types.ReplicationStatusComplete, types.ReplicationStatusInProgress
	for name, c := range map[string]struct {
		rule *scenarios.Rule
		// of the image with two tags, and of another one
		want, other []types.ImageReplicationStatus
	}{
		"a region": {scenarios.On(scenarios.ReceiveReplica, scenarios.Region("eu-west-1")),
			[]types.ImageReplicationStatus{replicaIn("eu-west-1", waits), replicaIn("us-west-2", arrives)},
			[]types.ImageReplicationStatus{replicaIn("eu-west-1", waits), replicaIn("us-west-2", arrives)}},
		"the first tag": {scenarios.On(scenarios.ReceiveReplica, scenarios.Region("eu-west-1"), scenarios.Tag("v1")),
			[]types.ImageReplicationStatus{replicaIn("eu-west-1", waits), replicaIn("us-west-2", arrives)},
			[]types.ImageReplicationStatus{replicaIn("eu-west-1", arrives), replicaIn("us-west-2", arrives)}},
		"the second tag": {scenarios.On(scenarios.ReceiveReplica, scenarios.Region("eu-west-1"), scenarios.Tag("v2")),
			[]types.ImageReplicationStatus{replicaIn("eu-west-1", waits), replicaIn("us-west-2", arrives)},
			[]types.ImageReplicationStatus{replicaIn("eu-west-1", arrives), replicaIn("us-west-2", arrives)}},
		"the other image": {scenarios.On(scenarios.ReceiveReplica, scenarios.Tag("w")),
			[]types.ImageReplicationStatus{replicaIn("eu-west-1", arrives), replicaIn("us-west-2", arrives)},
			[]types.ImageReplicationStatus{replicaIn("eu-west-1", waits), replicaIn("us-west-2", waits)}},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				replicateTo(t, f, destination("eu-west-1"), destination("us-west-2"))
				playing := f.Registry.Play(scenarios.Scenario{c.rule.Hold()})
				image := fakeecr.RandomImage(1, 100)
				digest := f.Registry.MustPush("team/app:v1", image)
				f.Registry.MustPush("team/app:v2", image)
				other := f.Registry.MustPush("team/app:w", fakeecr.RandomImage(2, 100))
				f.Registry.Advance(time.Hour)
				require.Equal(t, c.want, replicas(t, f, "team/app", digest))
				require.Equal(t, c.other, replicas(t, f, "team/app", other))
				playing.Release()
				for _, digest := range []string{digest, other} {
					require.Equal(t, []types.ImageReplicationStatus{replicaIn("eu-west-1", arrives), replicaIn("us-west-2", arrives)}, replicas(t, f, "team/app", digest))
				}
			})
		})
	}
}

func TestAScanThatNeverEnds(t *testing.T) {
	faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		f.Registry.SetScanFindings("team/app:v1", faces.CVE(1, "HIGH"))
		playing := f.Registry.Play(scenarios.EndlessScan("team/app"))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		waiter := ecr.NewImageScanCompleteWaiter(f.API)
		in := &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("team/app"), ImageId: faces.TagID("v1")}
		begun := time.Now()
		require.ErrorContains(t, waiter.Wait(t.Context(), in, time.Hour), "exceeded max wait time")
		require.GreaterOrEqual(t, time.Since(begun), 50*time.Minute)
		playing.Release()
		require.NoError(t, waiter.Wait(t.Context(), in, time.Hour))
		require.Equal(t, 1, f.Registry.Trace().Count(scenarios.CompleteScan))
	})
}

// GetLifecyclePolicy tells of the runs that took place.
func TestTheLastRunOfAPolicyThatRulesDelayOrFail(t *testing.T) {
	faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
		begin := time.Now()
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		putLifecycle(t, f, "team/app", expiring(1, `"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":3`))
		f.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.RunLifecyclePolicy).Sequence(nil, errOutage, nil).Named("fails"),
			scenarios.On(scenarios.RunLifecyclePolicy).Nth(2).Delay(30 * time.Hour)})
		at := func(after time.Duration) time.Duration {
			time.Sleep(time.Until(begin.Add(after)))
			last := lastEvaluated(t, f, "team/app")
			return max(last.Sub(begin), 0)
		}
		require.Equal(t, time.Duration(0), at(day-time.Minute))
		require.Equal(t, 1*day, at(day), "finds nothing")
		require.Equal(t, 3*day, at(3*day+time.Minute), "left out")
		require.Equal(t, 3*day, at(4*day+time.Minute), "failed")
		require.Equal(t, 3*day, at(5*day+time.Minute), "delayed")
		require.Equal(t, 3*day, at(6*day+time.Minute), "still")
		require.Equal(t, 6*day+6*time.Hour, at(6*day+6*time.Hour+time.Minute), "ran")
		requireImages(t, f, "team/app")
		require.Equal(t, 7*day, at(7*day+time.Minute))
	})
}

func TestLooksUpstream(t *testing.T) {
	code := func(t *testing.T, f faces.Face) string {
		out, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/team/app"), ImageIds: faces.Tagged("v1")})
		require.NoError(t, err)
		if len(out.Failures) > 0 {
			return string(out.Failures[0].FailureCode)
		}
		return "ok"
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"throttled":   {scenarios.Throttled(), "UpstreamTooManyRequests"},
		"denied":      {&smithy.GenericAPIError{Code: "AccessDeniedException"}, "UpstreamAccessDenied"},
		"a fault":     {errOutage, "UpstreamUnavailable"},
		"not found":   {fakeecr.ErrUpstreamNotFound, "ImageNotFound"},
		"not typed":   {errors.New("no route to host"), "UpstreamUnavailable"},
		"a rate of 1": {nil, "UpstreamTooManyRequests"},
	} {
		t.Run(name, func(t *testing.T) {
			faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
				hub.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
				rule := scenarios.On(scenarios.PullFromUpstream, scenarios.Repository("hub/*"))
				if c.err == nil {
					rule = rule.AtMost(1, 1)
				} else {
					rule = rule.First(1).Fail(c.err)
				}
				playing := f.Registry.Play(scenarios.Scenario{rule})
				require.Equal(t, c.want, code(t, f))
				playing.Stop()
				require.Equal(t, "ok", code(t, f))
				require.NotEmpty(t, f.Registry.Trace().For(scenarios.PullFromUpstream).Where(scenarios.Failed()))
			})
		})
	}
	t.Run("slow", func(t *testing.T) {
		faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
			hub.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
			playing := f.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.PullFromUpstream, scenarios.Tag("v1")).Hold()})
			pulled := make(chan string)
			go func() { pulled <- code(t, f) }()
			require.NoError(t, playing.WaitHeld(t.Context(), 1))
			playing.Stop()
			require.Equal(t, "ok", <-pulled)
		})
	})
}

func TestAFunctionOfTheUsersThatPanics(t *testing.T) {
	boom := func(context.Context, string, string) (string, []byte, error) { panic("boom") }
	options := []fakeecr.Option{
		fakeecr.WithUpstream("quay.io", fakeecr.UpstreamFunc(boom)),
		fakeecr.WithScanner(func(fakeecr.ScannedImage) ([]types.ImageScanFinding, error) { panic("boom") }),
	}
	for name, open := range map[string]func(tb fakeecr.TB) faces.Face{
		"direct":   func(tb fakeecr.TB) faces.Face { return faces.Direct(fakeecr.New(tb, options...)) },
		"client":   func(tb fakeecr.TB) faces.Face { return faces.Socketless(fakeecr.New(tb, options...)) },
		"loopback": func(tb fakeecr.TB) faces.Face { return faces.Loopback(fakeecr.NewServer(tb, options...)) },
	} {
		t.Run(name, func(t *testing.T) {
			var tb faces.RecordingTB
			f := open(&tb)
			faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
			out, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("quay/etcd"), ImageIds: faces.Tagged("v1")})
			require.NoError(t, err)
			require.EqualValues(t, "UpstreamUnavailable", out.Failures[0].FailureCode)
			f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
			require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
			f.Registry.Advance(time.Minute)
			found, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
			require.NoError(t, err)
			require.EqualValues(t, "FAILED", found.ImageScanStatus.Status)
			log := tb.End()
			require.True(t, tb.Failed())
			require.Contains(t, log, "fakeecr: the upstream of a pull-through cache rule panics: boom")
			require.Contains(t, log, "fakeecr: the scanner panics: boom")
		})
	}
}

// While rules are asked about an event, it happens to nobody, and then once.
func TestTheWorldIsAskedOnce(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		rule := scenarios.On(scenarios.ReceiveReplica).Ask(func(*scenarios.Call) error {
			_, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
			return err
		})
		playing := f.Registry.Play(scenarios.Scenario{rule})
		const images = 20
		for i := range images {
			f.Registry.MustPush("team/app", fakeecr.RandomImage(uint64(i), 100))
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { f.Registry.Advance(time.Minute); f.Registry.Trace() })
		}
		all.Wait()
		require.Len(t, heldIn(t, f.In("eu-west-1"), "team/app"), images)
		require.Equal(t, images, playing.Fired(rule))
		require.Equal(t, images, f.Registry.Trace().Count(scenarios.ReceiveReplica))
	})
}
