package release_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/examples/release"
	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/explore"
	"github.com/fakeecr/ecr/scenarios"
)

// Every failure at once: each fault at each call.
func TestReleaseSurvivesEverything(t *testing.T) {
	fixture := fakeecr.New(t)
	fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<20))
	explore.Run(t, fixture, func(ctx context.Context, registry *fakeecr.Registry) (any, error) {
		return nil, release.Publish(ctx, registry.Client(), "team/app")
	})
}

// A held call shows what happens in between, without sleeping.
func TestReleaseIntoADeletedRepository(t *testing.T) {
	registry := fakeecr.New(t)
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<20))
	playing := registry.Play(scenarios.Scenario{scenarios.On("PutImage").Hold()})
	released := make(chan error)
	go func() { released <- release.Publish(t.Context(), registry, "team/app") }()
	require.NoError(t, playing.WaitHeld(t.Context(), 1)) // the layers are there, and PutImage waits
	_, err := registry.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("team/app"), Force: true})
	require.NoError(t, err)
	playing.Release()
	require.ErrorContains(t, <-released, "RepositoryNotFoundException")
}
