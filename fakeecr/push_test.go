package fakeecr_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func TestMustPush(t *testing.T) {
	registry := fakeecr.New(t)
	image := fakeecr.RandomImage(1, 1<<20, 100)
	digest := registry.MustPush("team/app:v1", image)
	require.Equal(t, image.Digest(), digest)
	index := fakeecr.RandomIndex(2, "linux/amd64", "linux/arm64/v8")
	registry.MustPush("team/app:all", index)
	registry.MustPush("team/app", fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("sbom")))

	out, err := registry.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
	require.NoError(t, err)
	require.Len(t, out.ImageDetails, 5, "an image, an index with two children, a referrer")
	require.Equal(t, []string{"DescribeImages"}, registry.Trace().Operations(), "fixtures are not in the trace")
}

// What only looks like a host is the name of a repository.
func TestMustPushToADottedName(t *testing.T) {
	registry := fakeecr.New(t)
	registry.MustPush("docker.io/library/alpine:v1", fakeecr.RandomImage(1))
	require.Equal(t, []string{"docker.io/library/alpine"}, faces.Repositories(t, registry))
}

// A mistake in the reference makes no repository.
func TestMustPushOfAURIMakesNothing(t *testing.T) {
	registry := fakeecr.New(nil)
	require.Panics(t, func() { registry.MustPush(faces.RegistryHost+"/team/app:v1", fakeecr.RandomImage(1)) })
	require.Empty(t, faces.Repositories(t, registry))
}

// An image of which no layers are asked for is one that ECR takes.
func TestRandomImageWithoutSizes(t *testing.T) {
	image := fakeecr.RandomImage(1)
	require.Equal(t, fakeecr.RandomImage(1, 1<<10), image)
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		require.NoError(t, faces.PushThrough(t.Context(), f, faces.App, "v1", image))
	})
}
