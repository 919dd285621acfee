package registry_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

const appARN = "arn:aws:ecr:us-east-1:123456789012:repository/team/app"

// tags are pairs of keys and values.
func tags(pairs ...string) []types.Tag {
	list := []types.Tag{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.Tag{Key: aws.String(pairs[i]), Value: aws.String(pairs[i+1])})
	}
	return list
}

// requireTags holds that a resource has these tags.
func requireTags(t *testing.T, api fakeecr.API, arn string, pairs ...string) {
	t.Helper()
	out, err := api.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: &arn})
	require.NoError(t, err)
	require.Equal(t, tags(pairs...), out.Tags)
}

// Of tags that are refused none is put, nor is any taken away.
func TestTagsRefused(t *testing.T) {
	const invalid = "Tag parameters are invalid"
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "team/app")
		_, err := f.TagResource(t.Context(), &ecr.TagResourceInput{ResourceArn: aws.String(appARN), Tags: tags("good", "1", "bad!", "2")})
		faces.RequireError[*types.InvalidTagParameterException](t, err, invalid)
		requireTags(t, f, appARN)

		_, err = f.TagResource(t.Context(), &ecr.TagResourceInput{ResourceArn: aws.String(appARN), Tags: tags("k", "v")})
		require.NoError(t, err)
		for _, key := range []string{"", "aws:team", "(k)", strings.Repeat("k", 129)} {
			_, err := f.UntagResource(t.Context(), &ecr.UntagResourceInput{ResourceArn: aws.String(appARN), TagKeys: []string{"k", key}})
			faces.RequireError[*types.InvalidTagParameterException](t, err, invalid)
			requireTags(t, f, appARN, "k", "v")
		}
	})
}

func TestResourceARN(t *testing.T) {
	const (
		invalid = "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'"
		missing = "The repository with name '%s' does not exist in the registry with id '123456789012'"
	)
	tests := []struct {
		arn     string
		refusal string
		missing bool
	}{
		{arn: "", refusal: invalid},
		{arn: "team/app", refusal: invalid},
		{arn: "arn:aws:ecr:us-east-1:123456789012:team/app", refusal: invalid},
		{arn: "arn:aws:ecr:us-east-1:123456789012:repository/", refusal: invalid},
		{arn: "arn:aws:ecr:us-east-1:123456789012:repository/Team", refusal: invalid},
		{arn: "arn:aws:ecr:us-east-1:12345678901:repository/team/app", refusal: invalid},
		{arn: "arn:aws-cn:ecr:us-east-1:123456789012:repository/team/app", refusal: invalid},
		{arn: "arn:aws:s3:us-east-1:123456789012:repository/team/app", refusal: invalid},
		{arn: "urn:aws:ecr:us-east-1:123456789012:repository/team/app", refusal: invalid},
		{arn: "arn:aws:ecr:eu-west-1:123456789012:repository/team/app", refusal: invalid},
		{arn: "arn:aws:ecr:us-east-1:123456789012:repository/team/other", refusal: fmt.Sprintf(missing, "team/other"), missing: true},
	}
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "team/app")
		faces.Create(t, f.In("eu-west-1"), "team/app")
		for _, test := range tests {
			_, tagged := f.TagResource(t.Context(), &ecr.TagResourceInput{ResourceArn: &test.arn, Tags: tags("k", "v")})
			_, untagged := f.UntagResource(t.Context(), &ecr.UntagResourceInput{ResourceArn: &test.arn, TagKeys: []string{"k"}})
			_, listed := f.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: &test.arn})
			for _, err := range []error{tagged, untagged, listed} {
				if test.missing {
					faces.RequireError[*types.RepositoryNotFoundException](t, err, test.refusal)
				} else {
					faces.RequireError[*types.InvalidParameterException](t, err, test.refusal)
				}
			}
		}
	})
}

// A rule and the trace know the repository that an ARN names.
func TestTagsInScenarios(t *testing.T) {
	rule := scenarios.On("TagResource", scenarios.Repository("team/app"), scenarios.Account("123456789012")).Fail(scenarios.Throttled())
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "team/app")
		_, err := f.TagResource(t.Context(), &ecr.TagResourceInput{ResourceArn: aws.String(appARN), Tags: tags("k", "v")})
		require.ErrorContains(t, err, "Rate exceeded")
		require.Equal(t, "team/app", f.Registry.Trace().For("TagResource")[0].Repository)
	}, fakeecr.WithScenario(scenarios.Scenario{rule}))
}
