package fakeecr_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

func TestPutImageTagMutability(t *testing.T) {
	steps := []struct {
		mode    types.ImageTagMutability
		filters []types.ImageTagMutabilityExclusionFilter
		// latest and v1 tell whether these tags may move.
		latest, v1 bool
	}{
		{types.ImageTagMutabilityImmutable, nil, false, false},
		{types.ImageTagMutabilityImmutableWithExclusion, wildcards("latest*", "dev-*-*"), true, false},
		{types.ImageTagMutabilityMutableWithExclusion, wildcards("v*"), true, false},
		{types.ImageTagMutabilityMutable, nil, true, true},
	}
	onAllFaces(t, func(t *testing.T, f face) {
		name := aws.String("team/app")
		first, second := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		f.registry.MustPush("team/app", first)
		f.registry.MustPush("team/app", second)
		moves := func(tag string) bool {
			for _, image := range []fakeecr.Image{first, second} {
				_, err := f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: name, ImageManifest: aws.String(string(image.Manifest)), ImageTag: &tag})
				if err != nil {
					requireError[*types.ImageTagAlreadyExistsException](t, err, "The image tag '"+tag+"' already exists in the 'team/app' repository and cannot be overwritten because the tag is immutable.")
					return false
				}
			}
			return true
		}
		require.True(t, moves("latest"))
		require.True(t, moves("v1"))
		for _, step := range steps {
			put, err := f.PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{
				RepositoryName: name, ImageTagMutability: step.mode, ImageTagMutabilityExclusionFilters: step.filters})
			require.NoError(t, err)
			require.Equal(t, "123456789012", *put.RegistryId)
			require.Equal(t, "team/app", *put.RepositoryName)
			require.Equal(t, step.mode, put.ImageTagMutability)
			require.Equal(t, step.filters, put.ImageTagMutabilityExclusionFilters)

			described, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
			require.NoError(t, err)
			require.Equal(t, step.mode, described.Repositories[0].ImageTagMutability)
			require.Equal(t, step.filters, described.Repositories[0].ImageTagMutabilityExclusionFilters)
			require.Equal(t, step.latest, moves("latest"), step.mode)
			require.Equal(t, step.v1, moves("v1"), step.mode)
		}
	})
}

func TestPutImageTagMutabilityRefused(t *testing.T) {
	const member = "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: "
	tests := []struct {
		mode    types.ImageTagMutability
		filters []types.ImageTagMutabilityExclusionFilter
		refusal string
	}{
		{"FROZEN", nil, "Invalid parameter at 'imageTagMutability' failed to satisfy constraint: 'Member must satisfy enum value set: [IMMUTABLE, MUTABLE, MUTABLE_WITH_EXCLUSION, IMMUTABLE_WITH_EXCLUSION]'"},
		{types.ImageTagMutabilityImmutable, wildcards("v*"), member + "'ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as IMMUTABLE'"},
		{types.ImageTagMutabilityMutable, wildcards("v*"), member + "'ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as MUTABLE'"},
		{types.ImageTagMutabilityMutableWithExclusion, nil, member + "'ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as MUTABLE_WITH_EXCLUSION'"},
		{types.ImageTagMutabilityImmutableWithExclusion, wildcards("*a*b*"), member + "'Invalid filter provided. Total number of * must not exceed 2'"},
	}
	onAllFaces(t, func(t *testing.T, f face) {
		in := &ecr.PutImageTagMutabilityInput{RepositoryName: aws.String("team/app"), ImageTagMutability: types.ImageTagMutabilityImmutable}
		_, err := f.PutImageTagMutability(t.Context(), in)
		requireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'team/app' does not exist in the registry with id '123456789012'")
		create(t, f, "team/app")
		for _, test := range tests {
			_, err := f.PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{
				RepositoryName: aws.String("team/app"), ImageTagMutability: test.mode, ImageTagMutabilityExclusionFilters: test.filters})
			requireError[*types.InvalidParameterException](t, err, test.refusal)
		}
		described, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
		require.NoError(t, err)
		require.Equal(t, types.ImageTagMutabilityMutable, described.Repositories[0].ImageTagMutability)
	})
}
