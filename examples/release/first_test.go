package release_test

import (
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/examples/release" // the code under test
	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// As a Go value: the registry is passed where an *ecr.Client would be.
func TestRelease(t *testing.T) {
	registry := fakeecr.New(t)
	_, err := registry.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
	require.NoError(t, err)
	require.NoError(t, release.Publish(t.Context(), registry, "team/app"))
}

// Over HTTP: for code that builds its own client from the environment.
func TestReleaseOverHTTP(t *testing.T) {
	server := fakeecr.NewServer(t)
	server.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<20))
	server.Setenv(t)
	require.NoError(t, release.Main(t.Context(), "team/app"))
}

// When things go wrong: two throttled calls, and the client's retries survive.
func TestReleaseSurvivesThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the client's back-off takes no time here
		registry := fakeecr.New(t, fakeecr.WithScenario(scenarios.Throttle("PutImage", 2)))
		registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<20))
		require.NoError(t, release.Publish(t.Context(), registry.Client(), "team/app"))
		require.Equal(t, 3, registry.Count("PutImage"))
	})
}
