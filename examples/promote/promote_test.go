package promote_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/examples/promote"
	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// A registry is passed where an *ecr.Client would be.
func TestPromote(t *testing.T) {
	registry := fakeecr.New(t)
	digest := registry.MustPush("team/app:candidate", fakeecr.RandomImage(1, 1<<10))

	require.NoError(t, promote.Promote(t.Context(), registry, "team/app", "candidate", "stable"))
	require.Equal(t, digest, tagged(t, registry, "stable"))
}

func TestPromoteAgain(t *testing.T) {
	registry := fakeecr.New(t)
	registry.MustPush("team/app:candidate", fakeecr.RandomImage(1, 1<<10))

	require.NoError(t, promote.Promote(t.Context(), registry, "team/app", "candidate", "stable"))
	require.NoError(t, promote.Promote(t.Context(), registry, "team/app", "candidate", "stable"))
}

func TestPromoteNothing(t *testing.T) {
	registry := fakeecr.New(t)
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<10))

	err := promote.Promote(t.Context(), registry, "team/app", "candidate", "stable")
	require.EqualError(t, err, "promote team/app:candidate: Requested image not found")
}

// A tag that may not move stays where it is.
func TestPromoteToAnImmutableTag(t *testing.T) {
	registry := fakeecr.New(t)
	stable := registry.MustPush("team/app:stable", fakeecr.RandomImage(1, 1<<10))
	registry.MustPush("team/app:candidate", fakeecr.RandomImage(2, 1<<10))
	_, err := registry.PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{
		RepositoryName:     aws.String("team/app"),
		ImageTagMutability: types.ImageTagMutabilityImmutable,
	})
	require.NoError(t, err)

	var immutable *types.ImageTagAlreadyExistsException
	require.ErrorAs(t, promote.Promote(t.Context(), registry, "team/app", "candidate", "stable"), &immutable)
	require.Equal(t, stable, tagged(t, registry, "stable"))
}

// A direct call is one attempt, so the loss of its reply is an error. The image was
// promoted all the same, and promoting it again says so.
func TestPromoteAfterALostReply(t *testing.T) {
	registry := fakeecr.New(t, fakeecr.WithScenario(scenarios.LostReply("PutImage")))
	digest := registry.MustPush("team/app:candidate", fakeecr.RandomImage(1, 1<<10))

	require.Error(t, promote.Promote(t.Context(), registry, "team/app", "candidate", "stable"))
	require.NoError(t, promote.Promote(t.Context(), registry, "team/app", "candidate", "stable"))
	require.Equal(t, digest, tagged(t, registry, "stable"))
}

// tagged is the digest of the image that has the tag.
func tagged(t *testing.T, registry *fakeecr.Registry, tag string) string {
	t.Helper()
	described, err := registry.DescribeImages(t.Context(), &ecr.DescribeImagesInput{
		RepositoryName: aws.String("team/app"),
		ImageIds:       []types.ImageIdentifier{{ImageTag: &tag}},
	})
	require.NoError(t, err)
	return *described.ImageDetails[0].ImageDigest
}
