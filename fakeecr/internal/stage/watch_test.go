package stage_test

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

func TestWatchComesBeforeRules(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		playing := f.Registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").Fail(scenarios.Throttled()).Named("mine")})
		var seen []string
		full := &types.LimitExceededException{Message: aws.String("full")}
		stop := f.Registry.Watch(func(ctx context.Context, call *scenarios.Call) error {
			require.NoError(t, ctx.Err())
			seen = append(seen, call.Operation)
			_, err := f.Registry.Inspect()[0].DescribeRepositories(ctx, nil) // it may call
			require.NoError(t, err)
			if len(seen) == 1 {
				return full
			}
			return nil
		})
		_, err := f.DescribeRepositories(t.Context(), nil)
		faces.RequireError[*types.LimitExceededException](t, err, "full")
		require.Zero(t, playing.Matched(playing.Rules()[0]), "a call that is refused meets no rule")
		fork := f.Registry.Fork(t)
		_, err = fork.DescribeRepositories(t.Context(), nil)
		require.NoError(t, err, "a fork is not watched")
		_, err = f.DescribeRepositories(t.Context(), nil)
		faces.RequireRefusal(t, err, "ThrottlingException", "Rate exceeded")
		stop()
		stop()
		_, err = f.DescribeRepositories(t.Context(), nil)
		faces.RequireRefusal(t, err, "ThrottlingException", "Rate exceeded")
		require.Equal(t, []string{"DescribeRepositories", "DescribeRepositories"}, seen)
		trace := f.Registry.Trace()
		require.Len(t, trace, 3)
		require.Empty(t, trace[0].Rules)
		require.Equal(t, []string{"mine"}, trace[1].Rules)
	})
}

// A watcher may end the goroutine of a call, and the world goes on.
func TestWatchRunsInTheCallersGoroutine(t *testing.T) {
	registry := fakeecr.New(nil) // a test's own would fail with the calls
	for _, api := range []fakeecr.API{registry, registry.Client()} {
		stop := registry.Watch(func(context.Context, *scenarios.Call) error { runtime.Goexit(); return nil })
		returned, ended := false, make(chan struct{})
		go func() {
			defer close(ended)
			api.DescribeRepositories(t.Context(), nil)
			returned = true
		}()
		<-ended
		stop()
		require.False(t, returned)
		_, err := api.DescribeRepositories(t.Context(), nil)
		require.NoError(t, err)
	}
	require.Len(t, registry.Trace(), 4)
	require.Len(t, registry.Trace().Where(scenarios.Failed()), 2, "the calls that did not end")
}

func TestActorIsInTheTraceAndACondition(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		a, b := f.Registry.Actor("a"), f.Registry.Actor("b")
		apis := map[string]fakeecr.API{"a": a, "b": b, "": f.API}
		switch f.Name {
		case "client":
			apis["a"], apis["b"] = a.Client(faces.Once), b.Client(faces.Once)
		case "loopback":
			apis["a"], apis["b"] = a.Serve(t).Client(faces.Once), b.Serve(t).Client(faces.Once)
		}
		f.Registry.Play(scenarios.Scenario{scenarios.On("CreateRepository", scenarios.Actor("b")).First(1).Fail(scenarios.Throttled())})
		_, err := apis["a"].CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("one")})
		require.NoError(t, err)
		_, err = apis["b"].CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("two")})
		faces.RequireRefusal(t, err, "ThrottlingException", "Rate exceeded")
		_, err = apis["b"].CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("two")})
		require.NoError(t, err)
		_, err = apis[""].DescribeRepositories(t.Context(), nil)
		require.NoError(t, err)

		trace := f.Registry.Trace()
		var actors []string
		for _, call := range trace {
			actors = append(actors, call.Actor)
			require.Equal(t, "arn:aws:iam::123456789012:user/fakeecr", call.Caller)
		}
		require.Equal(t, []string{"a", "b", "b", ""}, actors)
		require.Len(t, trace.Where(scenarios.Actor("b")), 2)
		require.Len(t, trace.Where(scenarios.Actor("*")), 3)
		require.Contains(t, trace[0].String(), "CreateRepository one as a -> ok")
		text, err := json.Marshal(trace[0])
		require.NoError(t, err)
		require.Contains(t, string(text), `"actor":"a"`)
	})
}

// Calls that ask for the same have one identity, whatever face they come in by.
func TestIdentity(t *testing.T) {
	var want []string
	image := fakeecr.RandomImage(1, 10)
	for _, f := range faces.New(t) {
		for range 2 {
			faces.Create(t, f, "team/app")
			require.NoError(t, faces.PushThrough(t.Context(), f, "team/app", "v1", image))
			_, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RegistryId: aws.String("123456789012"), RepositoryName: aws.String("team/app"), MaxResults: aws.Int32(7)})
			require.NoError(t, err)
			_, err = f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("team/app"), Force: true})
			require.NoError(t, err)
		}
		var got []string
		for _, call := range f.Registry.Trace() {
			got = append(got, call.Identity())
		}
		half := len(got) / 2
		require.Equal(t, got[:half], got[half:], "from run to run")
		if want == nil {
			want = slices.Clone(got)
		}
		require.Equal(t, want, got, f.Name)
		require.Equal(t, "InitiateLayerUpload 123456789012/us-east-1 team/app", got[1])
		require.Len(t, f.Registry.Trace().Where(scenarios.Same(got[1])), 4)
		got = slices.Sorted(slices.Values(got))
		require.Len(t, slices.Compact(got), 9, "what is not the same has another one")
	}
}

func TestServeAFork(t *testing.T) {
	fixture := fakeecr.New(t)
	fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
	server := fixture.Fork(t).Serve(t)
	faces.Create(t, faces.Loopback(server), "team/tools")
	require.Empty(t, fixture.Trace())
	require.Contains(t, server.Env(), "AWS_ENDPOINT_URL_ECR="+server.URL)
	second := server.Serve(t)
	require.NotEqual(t, server.URL, second.URL)
	_, err := second.Client().DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/app", "team/tools"}})
	require.NoError(t, err)
	out, err := second.Client().GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("team/app"), LayerDigest: aws.String(faces.DigestOf(fakeecr.RandomImage(1, 10).Blobs[0]))})
	require.NoError(t, err)
	status, _ := faces.Fetch(t, *out.DownloadUrl)
	require.Equal(t, http.StatusOK, status)
}

func TestServeRefusesABubble(t *testing.T) {
	var tb faces.RecordingTB
	synctest.Test(t, func(t *testing.T) {
		require.Panics(t, func() { fakeecr.New(nil).Serve(&tb) })
	})
	require.Contains(t, tb.End(), "Serve cannot listen inside testing/synctest")
}
