package fakeecr_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

func TestForksAreIndependent(t *testing.T) {
	fixture := fakeecr.New(t)
	fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 5000))
	t.Run("forks", func(t *testing.T) {
		for i := range 20 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				fork := fixture.Fork(t)
				faces.Create(t, fork, fmt.Sprintf("own/%d", i))
				fork.MustPush("team/app:v2", fakeecr.RandomImage(uint64(i), 100))
				require.Equal(t, []string{fmt.Sprintf("own/%d", i), "team/app"}, faces.Repositories(t, fork))
				require.Len(t, fork.Trace(), 2, "a fork has a trace of its own")
				fork.Advance(time.Hour)
			})
		}
	})
	faces.Create(t, fixture, "later")
	require.Equal(t, []string{"later", "team/app"}, faces.Repositories(t, fixture))
}

func TestSettingsOfAFork(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/ci"
	// said is what a registry says of its settings.
	said := func(f faces.Face) []any {
		scanning, err := f.GetRegistryScanningConfiguration(t.Context(), nil)
		require.NoError(t, err)
		_, signing := f.GetSigningConfiguration(t.Context(), nil)
		mounting, err := f.GetAccountSetting(t.Context(), &ecr.GetAccountSettingInput{Name: aws.String("BLOB_MOUNTING")})
		require.NoError(t, err)
		exclusions, err := f.ListPullTimeUpdateExclusions(t.Context(), nil)
		require.NoError(t, err)
		return []any{string(scanning.ScanningConfiguration.ScanType), signing == nil, *mounting.Value, exclusions.PullTimeUpdateExclusions}
	}
	fixture := faces.Direct(fakeecr.New(t))
	require.NoError(t, faces.PutSigning(t, fixture, faces.SigningRule(faces.Release)))
	_, err := fixture.RegisterPullTimeUpdateExclusion(t.Context(), &ecr.RegisterPullTimeUpdateExclusionInput{PrincipalArn: aws.String(role)})
	require.NoError(t, err)

	fork := faces.Direct(fixture.Registry.Fork(t))
	_, err = fork.DeleteSigningConfiguration(t.Context(), nil)
	require.NoError(t, err)
	faces.PutScanning(t, fork, "ENHANCED")
	_, err = fork.PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("ENABLED")})
	require.NoError(t, err)
	_, err = fork.DeregisterPullTimeUpdateExclusion(t.Context(), &ecr.DeregisterPullTimeUpdateExclusionInput{PrincipalArn: aws.String(role)})
	require.NoError(t, err)
	require.Equal(t, []any{"ENHANCED", false, "ENABLED", []string{}}, said(fork))
	require.Equal(t, []any{"BASIC", true, "DISABLED", []string{role}}, said(fixture))
}

func TestForkContinuesTheOriginal(t *testing.T) {
	original := fakeecr.New(t, fakeecr.WithSeed(5), fakeecr.WithAccount("210987654321"), fakeecr.WithRegion("eu-west-1"),
		fakeecr.WithScenario(scenarios.Scenario{scenarios.On("DescribeRepositories").Fail(faces.ErrNo).Optional()}))
	original.Advance(48 * time.Hour)
	image := fakeecr.RandomImage(1, 3000)
	original.MustPush("team/app:v1", image)
	url, err := original.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{
		RepositoryName: aws.String("team/app"), LayerDigest: aws.String(faces.DigestOf(image.Blobs[0]))})
	require.NoError(t, err)

	fork := original.Fork(t)
	require.Equal(t, []string{"team/app"}, faces.Repositories(t, fork), "the original's scenario stays with it")
	require.False(t, fork.Now().Before(original.Now().Add(-time.Minute)))
	require.Equal(t, "210987654321", fork.AccountID())
	require.Equal(t, "eu-west-1", fork.Region())
	require.Equal(t, uint64(5), fork.Seed())
	response, err := (&http.Client{Transport: fork.Transport()}).Get(*url.DownloadUrl)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 200, response.StatusCode, "what the original signed is good in the fork")
}

func TestForkMovesIntoABubble(t *testing.T) {
	fixture := fakeecr.New(t)
	made := faces.Create(t, fixture, "team/app")
	synctest.Test(t, func(t *testing.T) {
		fork := fixture.Fork(t)
		later := faces.Create(t, fork, "team/later")
		require.False(t, later.Repository.CreatedAt.Before(*made.Repository.CreatedAt), "time never runs backwards")
		begun := fork.Now()
		time.Sleep(12 * time.Hour)
		require.Equal(t, 12*time.Hour, fork.Now().Sub(begun))
	})
}

// A fork goes on from the original's time at the moment of the fork, whether the
// fork is asked at once or later.
func TestForkGoesOnInABubble(t *testing.T) {
	fixture := fakeecr.New(t)
	fixture.Advance(48 * time.Hour)
	fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
	for range 2 { // what one bubble does to the fixture, another does not see
		synctest.Test(t, func(t *testing.T) {
			begun := fixture.Now()
			fork := fixture.Fork(t)
			time.Sleep(time.Hour)
			require.Equal(t, begun.Add(time.Hour), fork.Now())
			require.Equal(t, begun, fixture.Now())

			time.Sleep(time.Until(fixture.Now()))
			fork = fixture.Fork(t)
			require.Equal(t, time.Now().UTC(), fork.Now())
			time.Sleep(12 * time.Hour)
			require.Equal(t, time.Now().UTC(), fork.Now())
			require.Equal(t, time.Now().UTC(), *faces.Create(t, fork, "team/later").Repository.CreatedAt)
		})
	}
	require.WithinRange(t, fixture.Now(), time.Now().Add(47*time.Hour), time.Now().Add(48*time.Hour))
}

func TestTokenExpiresInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := fakeecr.New(t)
		out, err := registry.Client().GetAuthorizationToken(t.Context(), nil)
		require.NoError(t, err)
		token := out.AuthorizationData[0]
		decoded, err := base64.StdEncoding.DecodeString(*token.AuthorizationToken)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(decoded), "AWS:"))
		require.Equal(t, registry.Now().Add(12*time.Hour), *token.ExpiresAt)
		time.Sleep(12 * time.Hour)
		require.False(t, registry.Now().Before(*token.ExpiresAt))
	})
}

func TestAdvance(t *testing.T) {
	registry := fakeecr.New(t)
	begun := registry.Now()
	require.Equal(t, begun.Truncate(time.Millisecond), begun, "the wire's grain")
	require.Equal(t, time.UTC, begun.Location())
	registry.In("eu-west-1").Advance(24 * time.Hour)
	require.WithinRange(t, registry.Now(), begun.Add(24*time.Hour), begun.Add(25*time.Hour), "neighbours share a clock")
}

// Up to where the clock can be advanced, all faces read and write its times.
func TestAdvanceToTheEnd(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		last := time.Date(2261, 12, 31, 23, 0, 0, 0, time.UTC)
		f.Registry.Advance(100 * 365 * 24 * time.Hour)
		f.Registry.Advance(last.Sub(f.Registry.Now()))
		begun := f.Registry.Now()
		created := faces.Create(t, f, "team/app").Repository.CreatedAt
		require.WithinRange(t, *created, begun, begun.Add(time.Minute))
		out, err := f.GetAuthorizationToken(t.Context(), nil)
		require.NoError(t, err)
		require.WithinRange(t, *out.AuthorizationData[0].ExpiresAt, begun.Add(12*time.Hour), begun.Add(12*time.Hour+time.Minute))
	})
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := fakeecr.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, registry.Wait(ctx, time.Hour), context.DeadlineExceeded)
		done := make(chan error)
		go func() { done <- registry.Wait(t.Context(), time.Hour) }()
		synctest.Wait()
		registry.Advance(30 * time.Minute)
		synctest.Wait()
		registry.Advance(30 * time.Minute)
		require.NoError(t, <-done)
	})
}

func TestSameSeedSameWorld(t *testing.T) {
	run := func() (string, []string) {
		registry := fakeecr.New(t, fakeecr.WithSeed(9))
		faces.Create(t, registry, "team/app")
		out, err := registry.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		var ids []string
		for _, call := range registry.Trace() {
			ids = append(ids, call.RequestID)
		}
		return *out.UploadId, ids
	}
	upload, ids := run()
	again, idsAgain := run()
	require.Equal(t, upload, again)
	require.Equal(t, ids, idsAgain)
	other, err := fakeecr.New(t).InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: aws.String("team/app")})
	require.Error(t, err)
	require.Nil(t, other)
}

func TestNeighboursAreApart(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "here")
		faces.Create(t, f.In("eu-west-1"), "there")
		out := faces.Create(t, f.Account("210987654321"), "theirs")
		require.Equal(t, "arn:aws:ecr:us-east-1:210987654321:repository/theirs", *out.Repository.RepositoryArn)
		require.Equal(t, []string{"here"}, faces.Repositories(t, f))
		require.Equal(t, []string{"there"}, faces.Repositories(t, f.In("eu-west-1")))
		require.Equal(t, []string{"theirs"}, faces.Repositories(t, f.Account("210987654321")))
		var regions []string
		for _, call := range f.Registry.Trace().For("CreateRepository") {
			regions = append(regions, call.Account+" "+call.Region)
		}
		require.Equal(t, []string{"123456789012 us-east-1", "123456789012 eu-west-1", "210987654321 us-east-1"}, regions)
	})
}

func TestTraceIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		options []fakeecr.Option
		want    int
	}{
		"by default":     {nil, 10_000},
		"full on demand": {[]fakeecr.Option{fakeecr.WithFullTrace()}, 10_050},
	} {
		t.Run(name, func(t *testing.T) {
			registry := fakeecr.New(t, c.options...)
			for range 10_050 {
				_, err := registry.DescribeRepositories(t.Context(), nil)
				require.NoError(t, err)
			}
			trace := registry.Trace()
			require.Len(t, trace, c.want)
			require.Equal(t, 10_050, trace[len(trace)-1].Number)
			require.Equal(t, 10_050-c.want+1, trace[0].Number)
		})
	}
}

func TestTraceKeepsWhatWasCalled(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		name := aws.String("team/app")
		in := &ecr.CreateRepositoryInput{RepositoryName: name}
		faces.Create(t, f, "team/app")
		_, err := f.CreateRepository(t.Context(), in)
		require.Error(t, err)
		*name = "changed"
		begun, err := f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		_, err = f.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{RepositoryName: aws.String("team/app"), UploadId: begun.UploadId,
			LayerPartBlob: []byte("part"), PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(3)})
		require.NoError(t, err)

		trace := f.Registry.Trace()
		require.Equal(t, []string{"CreateRepository", "CreateRepository", "InitiateLayerUpload", "UploadLayerPart"}, trace.Operations())
		require.Equal(t, "team/app", *trace[1].Input.(*ecr.CreateRepositoryInput).RepositoryName, "not what the caller made of its input")
		require.Equal(t, *begun.UploadId, *trace[2].Output.(*ecr.InitiateLayerUploadOutput).UploadId)
		require.Nil(t, trace[3].Input.(*ecr.UploadLayerPartInput).LayerPartBlob)
		require.Equal(t, int64(4), trace[3].Bytes)
		require.Equal(t, faces.DigestOf([]byte("part")), trace[3].Digest)
		require.Contains(t, trace.String(), "CreateRepository team/app -> RepositoryAlreadyExistsException")
	})
}

func TestTraceKeepsFewLongOutputs(t *testing.T) {
	for name, c := range map[string]struct {
		options []fakeecr.Option
		first   bool
	}{
		"by default":     {nil, false},
		"full on demand": {[]fakeecr.Option{fakeecr.WithFullTrace()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			registry := fakeecr.New(t, c.options...)
			for i := range 1000 {
				faces.Create(t, registry, fmt.Sprintf("team/%d", i))
			}
			for range 15 {
				_, err := registry.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(1000)})
				require.NoError(t, err)
			}
			pages := registry.Trace().For("DescribeRepositories")
			require.Equal(t, c.first, pages[4].Output != nil, "11,000 items are more than 10,000")
			require.NotNil(t, pages[5].Output)
			require.NotNil(t, pages[14].Output)
		})
	}
}
