package fakeecr_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
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
