package fakeecr_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// TestInspectIsNotNoticed: who looks neither meets rules nor leaves a trace, and
// changes nothing.
func TestInspectIsNotNoticed(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 1000))
		f.Account("210987654321").Registry.MustPush("team/db", fakeecr.RandomImage(2, 1000))
		f.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.Any).Fail(faces.ErrNo).Optional()})

		inspected := f.Registry.Inspect()
		require.Len(t, inspected, 2)
		require.Equal(t, f.Registry.AccountID(), inspected[0].AccountID())
		require.Equal(t, "210987654321", inspected[1].AccountID())
		require.Equal(t, []string{"team/db"}, faces.Repositories(t, inspected[1]))

		pulled, err := inspected[0].BatchGetImage(t.Context(), &ecr.BatchGetImageInput{
			RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageDigest: &digest}},
		})
		require.NoError(t, err)
		require.Len(t, pulled.Images, 1)
		faces.Create(t, inspected[0], "team/new")
		require.Equal(t, f.Registry.RootCAsPEM(), inspected[0].RootCAsPEM())
		require.Empty(t, f.Registry.Trace())

		again := f.Registry.Inspect()[0]
		require.Equal(t, []string{"team/app"}, faces.Repositories(t, again))
		described, err := again.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		require.Nil(t, described.ImageDetails[0].LastRecordedPullTime, "a look is no pull")
	})
}

// TestInspectShowsWhatIsHeld: what a rule holds has not happened for those who look
// either, and what is not due does not fall due for them.
func TestInspectShowsWhatIsHeld(t *testing.T) {
	registry := fakeecr.New(t)
	id := &types.ImageIdentifier{ImageTag: aws.String("v1")}
	registry.SetScanFindings("team/app:v1")
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 1000))
	playing := registry.Play(scenarios.Scenario{scenarios.On(scenarios.CompleteScan).Hold()})
	_, err := registry.StartImageScan(t.Context(), &ecr.StartImageScanInput{RepositoryName: aws.String("team/app"), ImageId: id})
	require.NoError(t, err)
	status := func(r *fakeecr.Registry) types.ScanStatus {
		out, err := r.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("team/app"), ImageId: id})
		require.NoError(t, err)
		return out.ImageScanStatus.Status
	}
	registry.Advance(time.Hour)
	still := registry.Inspect()[0]
	still.Advance(time.Hour)
	require.NotEqual(t, types.ScanStatusComplete, status(still))
	playing.Release()
	require.Equal(t, types.ScanStatusComplete, status(registry))
	require.Equal(t, types.ScanStatusComplete, status(registry.Inspect()[0]))
	require.NotEqual(t, types.ScanStatusComplete, status(still))
}

// TestInspectAsksNoUpstream: a look brings nothing from upstream.
func TestInspectAsksNoUpstream(t *testing.T) {
	asked := 0
	registry := fakeecr.New(t, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamFunc(func(context.Context, string, string) (string, []byte, error) {
		asked++
		return "", nil, fakeecr.ErrUpstreamNotFound
	})))
	_, err := registry.CreatePullThroughCacheRule(t.Context(), &ecr.CreatePullThroughCacheRuleInput{
		EcrRepositoryPrefix: aws.String("quay"), UpstreamRegistryUrl: aws.String("quay.io"),
	})
	require.NoError(t, err)
	pull := func(r *fakeecr.Registry) error {
		_, err := r.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{
			RepositoryName: aws.String("quay/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}},
		})
		return err
	}
	var missing *types.RepositoryNotFoundException
	require.ErrorAs(t, pull(registry.Inspect()[0]), &missing)
	require.Zero(t, asked)
	_ = pull(registry)
	require.NotZero(t, asked)
}

func TestTraceAfter(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		for range 3 {
			_, err := f.DescribeRepositories(t.Context(), nil)
			require.NoError(t, err)
		}
		numbers := func(trace scenarios.Trace) (numbers []int) {
			for _, call := range trace {
				numbers = append(numbers, call.Number)
			}
			return numbers
		}
		trace, err := f.Registry.TraceAfter(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, []int{2, 3}, numbers(trace))

		next := make(chan []int)
		for range 2 {
			go func() {
				trace, _ := f.Registry.TraceAfter(t.Context(), 3)
				next <- numbers(trace)
			}()
		}
		_, err = f.DescribeRepositories(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, []int{4}, <-next)
		require.Equal(t, []int{4}, <-next)

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		trace, err = f.Registry.TraceAfter(ended, 4)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, trace)
	})
}

// TestTraceAfterOfAFullTrace: only the last 10,000 calls are kept.
func TestTraceAfterOfAFullTrace(t *testing.T) {
	registry := fakeecr.New(t)
	const all = 10_050
	for range all {
		_, err := registry.GetRegistryScanningConfiguration(t.Context(), nil)
		require.NoError(t, err)
	}
	for _, after := range []int{0, 20, 50, 51, 4000, 9_999, all - 50, all - 1} {
		trace, err := registry.TraceAfter(t.Context(), after)
		require.NoError(t, err)
		require.Equal(t, max(after, 50)+1, trace[0].Number)
		require.Equal(t, all, trace[len(trace)-1].Number)
		for i := range trace {
			require.Equal(t, trace[0].Number+i, trace[i].Number)
		}
	}
}

// TestTraceAfterWaitsInABubble: waiting for a call is waiting, so that the clock of a
// synctest bubble goes on.
func TestTraceAfterWaitsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := fakeecr.New(t)
		go func() {
			time.Sleep(time.Hour)
			registry.DescribeRepositories(t.Context(), nil)
		}()
		begun := time.Now()
		trace, err := registry.TraceAfter(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, []string{"DescribeRepositories"}, trace.Operations())
		require.Equal(t, time.Hour, time.Since(begun))
	})
}
