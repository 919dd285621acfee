package cleanup_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/examples/cleanup"
	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/explore"
	"github.com/fakeecr/ecr/scenarios"
)

const week = 7 * 24 * time.Hour

// Client is the SDK's own, without a socket; the world's clock goes where a test
// wants it.
func TestUntagged(t *testing.T) {
	registry := fakeecr.New(t)
	registry.MustPush("team/app:latest", fakeecr.RandomImage(1, 1<<10))
	registry.MustPush("team/app", fakeecr.RandomImage(2, 1<<10))
	registry.Advance(week)
	young := registry.MustPush("team/app", fakeecr.RandomImage(3, 1<<10))

	deleted, err := cleanup.Untagged(t.Context(), registry.Client(), "team/app", registry.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, deleted)
	require.Len(t, left(t, registry), 2)
	require.Contains(t, left(t, registry), young)
}

// One fixture that took long to make serves many tests: each has a copy.
func TestUntaggedInPages(t *testing.T) {
	fixture := fakeecr.New(t)
	for seed := range uint64(250) {
		fixture.MustPush("team/app", fakeecr.RandomImage(seed, 10))
	}
	fixture.Advance(week)

	t.Run("all", func(t *testing.T) {
		registry := fixture.Fork(t)
		deleted, err := cleanup.Untagged(t.Context(), registry.Client(), "team/app", registry.Now())
		require.NoError(t, err)
		require.Equal(t, 250, deleted)
		require.Empty(t, left(t, registry))
		require.Equal(t, 3, registry.Count("BatchDeleteImage"))
	})
	t.Run("none", func(t *testing.T) {
		registry := fixture.Fork(t)
		deleted, err := cleanup.Untagged(t.Context(), registry.Client(), "team/app", registry.Now().Add(-2*week))
		require.NoError(t, err)
		require.Zero(t, deleted)
		require.Len(t, left(t, registry), 250)
	})
}

// The client's retries survive, and in a bubble their back-off takes no time.
func TestUntaggedOnABadDay(t *testing.T) {
	for name, scenario := range map[string]scenarios.Scenario{
		"throttled":   scenarios.Throttle("BatchDeleteImage", 2),
		"reply lost":  scenarios.LostReply("BatchDeleteImage"),
		"unavailable": {scenarios.On("DescribeImages").First(1).Fail(&scenarios.Response{Status: 503})},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := fakeecr.New(t, fakeecr.WithScenario(scenario))
				registry.MustPush("team/app", fakeecr.RandomImage(1, 1<<10))
				registry.Advance(week)

				deleted, err := cleanup.Untagged(t.Context(), registry.Client(), "team/app", registry.Now())
				require.NoError(t, err)
				require.Equal(t, 1, deleted)
				require.Empty(t, left(t, registry))
			})
		})
	}
}

// littered is a repository with two images to delete, and two that are in use.
func littered(t *testing.T) (fixture *fakeecr.Registry, unused string) {
	fixture = fakeecr.New(t)
	fixture.MustPush("team/app:latest", fakeecr.RandomImage(1, 1<<10))
	fixture.MustPush("team/app:all", fakeecr.RandomIndex(4, "linux/amd64", "linux/arm64"))
	fixture.MustPush("team/app", fakeecr.RandomImage(2, 1<<10))
	unused = fixture.MustPush("team/app", fakeecr.RandomImage(3, 1<<10))
	fixture.Advance(week)
	return fixture, unused
}

func clean(ctx context.Context, registry *fakeecr.Registry) (int, error) {
	return cleanup.Untagged(ctx, registry.Client(), "team/app", registry.Now().Add(-time.Hour))
}

// Every failure at once: each fault at each call.
func TestUntaggedExplored(t *testing.T) {
	fixture, _ := littered(t)
	explore.Run(t, fixture, clean)
}

// Somebody tags an image just when it is deleted, and somebody else deletes too.
func TestUntaggedBesidesOthers(t *testing.T) {
	fixture, unused := littered(t)
	cleaner := func(ctx context.Context, registry *fakeecr.Registry) error {
		_, err := clean(ctx, registry)
		return err
	}
	promoter := func(ctx context.Context, registry *fakeecr.Registry) error {
		got, err := registry.BatchGetImage(ctx, &ecr.BatchGetImageInput{
			RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageDigest: &unused}},
		})
		if err != nil || len(got.Images) == 0 {
			return errors.Join(err, errors.New("it is gone"))
		}
		_, err = registry.PutImage(ctx, &ecr.PutImageInput{
			RepositoryName: aws.String("team/app"), ImageManifest: got.Images[0].ImageManifest, ImageTag: aws.String("stable"),
		})
		return err
	}
	t.Run("a promoter", func(t *testing.T) {
		explore.Interleave(t, fixture, []explore.Actor{{Name: "cleaner", Run: cleaner}, {Name: "promoter", Run: promoter}})
	})
	t.Run("a cleaner", func(t *testing.T) {
		explore.Interleave(t, fixture, []explore.Actor{{Name: "one", Run: cleaner}, {Name: "other", Run: cleaner}})
	})
}

// left are the digests of the images that are there.
func left(t *testing.T, registry *fakeecr.Registry) (digests []string) {
	t.Helper()
	pages := ecr.NewListImagesPaginator(registry, &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, image := range page.ImageIds {
			digests = append(digests, *image.ImageDigest)
		}
	}
	return digests
}
