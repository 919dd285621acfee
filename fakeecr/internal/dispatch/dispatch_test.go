package dispatch

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// accesses are those of an input of some operation.
func accesses[In any](in *In, called registry.Place) []registry.Access {
	return operationOn[In]().Accesses(in, called)
}

func operationOn[In any]() *Operation {
	return Of(func(*registry.Tx, context.Context, *In) (*struct{}, error) { return nil, nil })
}

func TestAccesses(t *testing.T) {
	own := registry.Place{Account: "123456789012", Region: "eu-west-1"}
	theirs := registry.Place{Account: "210987654321", Region: "eu-west-1"}
	elsewhere := registry.Place{Account: "210987654321", Region: "us-east-1"}
	const (
		ownARN   = "arn:aws:ecr:eu-west-1:123456789012:repository/"
		theirARN = "arn:aws:ecr:eu-west-1:210987654321:repository/"
		farARN   = "arn:aws:ecr:us-east-1:210987654321:repository/"
	)
	app, id := aws.String("team/app"), aws.String("210987654321")
	tests := []struct {
		name string
		got  []registry.Access
		want []registry.Access
	}{
		{"a repository", accesses(&ecr.PutImageInput{RepositoryName: app}, own),
			[]registry.Access{{Action: "ecr:PutImage", Resource: ownARN + "team/app", Registry: own, Repository: "team/app"}}},
		{"another registry's", accesses(&ecr.PutImageInput{RegistryId: id, RepositoryName: app}, own),
			[]registry.Access{{Action: "ecr:PutImage", Resource: theirARN + "team/app", Registry: theirs, Repository: "team/app"}}},
		{"referrers are read as images", accesses(&ecr.ListImageReferrersInput{RepositoryName: app}, own),
			[]registry.Access{{Action: "ecr:BatchGetImage", Resource: ownARN + "team/app", Registry: own, Repository: "team/app"}}},
		{"any repository", accesses(&ecr.DescribeRepositoriesInput{}, own),
			[]registry.Access{{Action: "ecr:DescribeRepositories", Resource: ownARN + "*", Registry: own}}},
		{"several repositories", accesses(&ecr.DescribeRepositoriesInput{RegistryId: id, RepositoryNames: []string{"a1", "b2"}}, own),
			[]registry.Access{
				{Action: "ecr:DescribeRepositories", Resource: theirARN + "a1", Registry: theirs, Repository: "a1"},
				{Action: "ecr:DescribeRepositories", Resource: theirARN + "b2", Registry: theirs, Repository: "b2"},
			}},
		{"a registry that may be another's", accesses(&ecr.DescribePullThroughCacheRulesInput{RegistryId: id}, own),
			[]registry.Access{{Action: "ecr:DescribePullThroughCacheRules", Resource: theirARN + "*", Registry: theirs}}},
		{"a registry", accesses(&ecr.PutRegistryPolicyInput{}, own),
			[]registry.Access{{Action: "ecr:PutRegistryPolicy", Resource: "*", Registry: own}}},
		{"tokens", accesses(&ecr.GetAuthorizationTokenInput{RegistryIds: []string{*id}}, own),
			[]registry.Access{{Action: "ecr:GetAuthorizationToken", Resource: "*", Registry: own}}},
		{"an ARN", accesses(&ecr.ListTagsForResourceInput{ResourceArn: aws.String(farARN + "team/app")}, own),
			[]registry.Access{{Action: "ecr:ListTagsForResource", Resource: farARN + "team/app", Registry: elsewhere, Repository: "team/app"}}},
		{"an ARN that is none", accesses(&ecr.ListTagsForResourceInput{ResourceArn: app}, own),
			[]registry.Access{{Action: "ecr:ListTagsForResource", Resource: "*", Registry: own}}},
		{"what could not be read", operationOn[ecr.PutImageInput]().Accesses(nil, own),
			[]registry.Access{{Action: "ecr:PutImage", Resource: ownARN + "*", Registry: own}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.want, test.got) })
	}
}

func TestAccessesOfTags(t *testing.T) {
	given := []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}, {Key: aws.String("stage")}}
	both := accesses(&ecr.CreateRepositoryInput{Tags: given}, registry.Place{})
	require.Len(t, both, 2)
	for i, action := range []string{"ecr:CreateRepository", "ecr:TagResource"} {
		require.Equal(t, action, both[i].Action)
		require.Equal(t, given, both[i].Tags)
		require.Equal(t, []string{"team", "stage"}, both[i].TagKeys)
	}
	require.Len(t, accesses(&ecr.CreateRepositoryInput{Tags: []types.Tag{}}, registry.Place{}), 1)
	require.Len(t, accesses(&ecr.TagResourceInput{Tags: given}, registry.Place{}), 1)

	access := accesses(&ecr.UntagResourceInput{TagKeys: []string{"team"}}, registry.Place{})[0]
	require.Empty(t, access.Tags)
	require.Equal(t, []string{"team"}, access.TagKeys)
}
