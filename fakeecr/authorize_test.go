package fakeecr_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// requireDenied holds that a call was refused by authorization, with IAM's words.
func requireDenied(t *testing.T, err error, message string) {
	t.Helper()
	exception := requireError[*smithy.GenericAPIError](t, err, message)
	require.Equal(t, "AccessDeniedException", exception.Code)
	var response *smithyhttp.ResponseError
	require.ErrorAs(t, err, &response)
	require.Equal(t, http.StatusBadRequest, response.HTTPStatusCode())
}

const (
	other      = "210987654321"
	caller     = "arn:aws:iam::123456789012:user/fakeecr"
	otherARN   = "arn:aws:ecr:us-east-1:210987654321:repository/"
	allowAll   = `{"Effect":"Allow","Principal":"*","Action":"ecr:*"}`
	allowOwner = `{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":["ecr:DescribeImages","ecr:BatchGetImage"]}`
)

func statements(list ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",") + `]}`
}

// onRegistry is a statement with a resource, as registry and identity policies
// have them.
func onRegistry(statement, resource string) string {
	return strings.TrimSuffix(statement, "}") + `,"Resource":"` + resource + `"}`
}

func notAllowed(principal, action, resource, kind string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: ecr:%s on resource: %s because no %s policy allows the ecr:%s action", principal, action, resource, kind, action)
}

func explicitlyDenied(principal, action, resource, kind string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: ecr:%s on resource: %s with an explicit deny in %s policy", principal, action, resource, kind)
}

// A call of one operation, with what tells its answer from another account's.
type crossing func(t *testing.T, api fakeecr.API) error

func describeImages(repository string) crossing {
	return func(t *testing.T, api fakeecr.API) error {
		_, err := api.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RegistryId: aws.String(other), RepositoryName: &repository})
		return err
	}
}

func describeRepositories(names ...string) crossing {
	return func(t *testing.T, api fakeecr.API) error {
		out, err := api.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RegistryId: aws.String(other), RepositoryNames: names})
		if err == nil {
			require.Equal(t, otherARN+"team/app", *out.Repositories[0].RepositoryArn)
		}
		return err
	}
}

func creating(repository string) crossing {
	return func(t *testing.T, api fakeecr.API) error {
		out, err := api.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RegistryId: aws.String(other), RepositoryName: &repository})
		if err == nil {
			require.Equal(t, otherARN+repository, *out.Repository.RepositoryArn)
		}
		return err
	}
}

func listTags(t *testing.T, api fakeecr.API) error {
	_, err := api.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: aws.String(otherARN + "team/app")})
	return err
}

func getTokens(t *testing.T, api fakeecr.API) error {
	out, err := api.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{RegistryIds: []string{other, "123456789012"}})
	if err == nil {
		require.Equal(t, "https://210987654321.dkr.ecr.us-east-1.amazonaws.com", *out.AuthorizationData[0].ProxyEndpoint)
		require.Len(t, out.AuthorizationData, 2)
	}
	return err
}

func TestCrossAccount(t *testing.T) {
	noPolicy := func(action, resource string) string { return notAllowed(caller, action, resource, "resource-based") }
	tests := []struct {
		name string
		// repository and registry are statements of the other account's policies.
		repository, registry []string
		call                 crossing
		// denied is the refusal, empty if the call goes through.
		denied string
	}{
		{name: "no policy", call: describeImages("team/app"), denied: noPolicy("DescribeImages", otherARN+"team/app")},
		{name: "no repository either", call: describeImages("team/none"), denied: noPolicy("DescribeImages", otherARN+"team/none")},
		{name: "no names", call: describeRepositories(), denied: noPolicy("DescribeRepositories", otherARN+"*")},
		{name: "by ARN", call: listTags, denied: noPolicy("ListTagsForResource", otherARN+"team/app")},
		{name: "a new repository", call: creating("team/new"), denied: noPolicy("CreateRepository", otherARN+"team/new")},
		{name: "a repository that is there", call: creating("team/app"), denied: noPolicy("CreateRepository", otherARN+"team/app")},
		{name: "tokens", call: getTokens},

		{name: "repository allows everyone", repository: []string{allowAll}, call: describeImages("team/app")},
		{name: "repository allows the account", repository: []string{allowOwner}, call: describeImages("team/app")},
		{name: "repository allows its names", repository: []string{allowAll}, call: describeRepositories("team/app")},
		{name: "repository allows the ARN", repository: []string{allowAll}, call: listTags},
		{name: "repository allows another action", repository: []string{allowOwner}, call: listTags, denied: noPolicy("ListTagsForResource", otherARN+"team/app")},
		{name: "repository allows another principal", repository: []string{strings.Replace(allowOwner, "123456789012", "998877665544", 1)},
			call: describeImages("team/app"), denied: noPolicy("DescribeImages", otherARN+"team/app")},
		{name: "one name of two", repository: []string{allowAll}, call: describeRepositories("team/app", "team/closed"), denied: noPolicy("DescribeRepositories", otherARN+"team/closed")},
		{name: "repository denies", repository: []string{allowAll, strings.Replace(allowOwner, "Allow", "Deny", 1)},
			call: describeImages("team/app"), denied: explicitlyDenied(caller, "DescribeImages", otherARN+"team/app", "a resource-based")},

		{name: "registry allows", registry: []string{onRegistry(allowAll, "*")}, call: describeImages("team/app")},
		{name: "registry allows a repository", registry: []string{onRegistry(allowAll, otherARN+"team/*")}, call: describeImages("team/app")},
		{name: "registry allows another repository", registry: []string{onRegistry(allowAll, otherARN+"base/*")},
			call: describeImages("team/app"), denied: noPolicy("DescribeImages", otherARN+"team/app")},
		{name: "registry allows all names", registry: []string{onRegistry(allowAll, "*")}, call: describeRepositories()},
		{name: "registry allows to create", registry: []string{onRegistry(allowAll, "*")}, call: creating("team/new")},
		{name: "registry denies", repository: []string{allowAll}, registry: []string{onRegistry(strings.Replace(allowAll, "Allow", "Deny", 1), otherARN+"team/app")},
			call: describeImages("team/app"), denied: explicitlyDenied(caller, "DescribeImages", otherARN+"team/app", "a resource-based")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				theirs := f.account(other)
				create(t, theirs, "team/app")
				create(t, theirs, "team/closed")
				if test.repository != nil {
					setPolicy(t, theirs, "team/app", statements(test.repository...))
				}
				if test.registry != nil {
					putRegistryPolicy(t, theirs, statements(test.registry...))
				}
				requireOutcome(t, test.call(t, f), test.denied)
			})
		})
	}
}

// requireOutcome holds that a call was denied in these words, or not at all.
func requireOutcome(t *testing.T, err error, denied string) {
	t.Helper()
	if denied == "" {
		require.NoError(t, err)
		return
	}
	requireDenied(t, err, denied)
}

func putRegistryPolicy(t *testing.T, api fakeecr.API, text string) {
	t.Helper()
	_, err := api.PutRegistryPolicy(t.Context(), &ecr.PutRegistryPolicyInput{PolicyText: &text})
	require.NoError(t, err)
}

// Accounts have the same repository and keep apart what is done to it.
func TestAccountsAreIndependent(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		theirs := f.account(other)
		create(t, f, "team/app")
		create(t, theirs, "team/app")
		setPolicy(t, theirs, "team/app", statements(allowAll))
		image := fakeecr.RandomImage(1, 100)
		f.registry.MustPush("team/app:v1", image)

		err := describeImages("team/app")(t, f)
		require.NoError(t, err)
		out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RegistryId: aws.String(other), RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		require.Empty(t, out.ImageDetails, "the image is in the caller's own registry")
		_, err = f.TagResource(t.Context(), &ecr.TagResourceInput{ResourceArn: aws.String(otherARN + "team/app"), Tags: tags("by", "other")})
		require.NoError(t, err)
		requireTags(t, theirs, otherARN+"team/app", "by", "other")
		requireTags(t, f, appARN)
		_, err = f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RegistryId: aws.String(other), RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		_, err = theirs.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
		requireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'team/app' does not exist in the registry with id '210987654321'")
		_, err = f.GetRepositoryPolicy(t.Context(), &ecr.GetRepositoryPolicyInput{RepositoryName: aws.String("team/app")})
		requireError[*types.RepositoryPolicyNotFoundException](t, err, "Repository policy does not exist for the repository with name 'team/app' in the registry with id '123456789012'")

		putRegistryPolicy(t, theirs, statements(onRegistry(allowAll, "*")))
		requireError[*types.RepositoryNotFoundException](t, describeImages("team/app")(t, f),
			"The repository with name 'team/app' does not exist in the registry with id '210987654321'")
	})
}

// What is played comes before authorization, and the input is read after it.
func TestOrderOfAuthorization(t *testing.T) {
	rule := scenarios.On("DescribeImages").First(1).Fail(scenarios.Throttled())
	onAllFaces(t, func(t *testing.T, f face) {
		err := describeImages("team/app")(t, f)
		require.ErrorContains(t, err, "ThrottlingException: Rate exceeded")
		requireDenied(t, describeImages("Team")(t, f), notAllowed(caller, "DescribeImages", otherARN+"Team", "resource-based"))
		_, err = f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RegistryId: aws.String("21098765432"), RepositoryName: aws.String("team/app")})
		requireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'registryId' failed to satisfy constraint: 'must satisfy regular expression [0-9]{12}'")

		trace := f.registry.Trace().For("DescribeImages")
		require.Len(t, trace, 3)
		require.Equal(t, other, trace[1].Account)
		require.ErrorContains(t, trace[1].Err, "AccessDeniedException")
	}, fakeecr.WithScenario(scenarios.Scenario{rule}))
}
