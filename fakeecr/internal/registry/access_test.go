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

const allowOwner = `{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":["ecr:DescribeImages","ecr:BatchGetImage"]}`

// onRegistry is a statement with a resource, as registry and identity policies
// have them.
func onRegistry(statement, resource string) string {
	return strings.TrimSuffix(statement, "}") + `,"Resource":"` + resource + `"}`
}

func explicitlyDenied(principal, action, resource, kind string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: ecr:%s on resource: %s with an explicit deny in %s policy", principal, action, resource, kind)
}

// A call of one operation, with what tells its answer from another account's.
type crossing func(t *testing.T, api fakeecr.API) error

func describeImages(repository string) crossing {
	return func(t *testing.T, api fakeecr.API) error {
		_, err := api.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RegistryId: aws.String(faces.Other), RepositoryName: &repository})
		return err
	}
}

func describeRepositories(names ...string) crossing {
	return func(t *testing.T, api fakeecr.API) error {
		out, err := api.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RegistryId: aws.String(faces.Other), RepositoryNames: names})
		if err == nil {
			require.Equal(t, faces.OtherARN+"team/app", *out.Repositories[0].RepositoryArn)
		}
		return err
	}
}

func creating(repository string) crossing {
	return func(t *testing.T, api fakeecr.API) error {
		out, err := api.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RegistryId: aws.String(faces.Other), RepositoryName: &repository})
		if err == nil {
			require.Equal(t, faces.OtherARN+repository, *out.Repository.RepositoryArn)
		}
		return err
	}
}

func listTags(t *testing.T, api fakeecr.API) error {
	_, err := api.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: aws.String(faces.OtherARN + "team/app")})
	return err
}

func getTokens(t *testing.T, api fakeecr.API) error {
	out, err := api.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{RegistryIds: []string{faces.Other, "123456789012"}})
	if err == nil {
		require.Equal(t, "https://210987654321.dkr.ecr.us-east-1.amazonaws.com", *out.AuthorizationData[0].ProxyEndpoint)
		require.Len(t, out.AuthorizationData, 2)
	}
	return err
}

func TestCrossAccount(t *testing.T) {
	noPolicy := func(action, resource string) string {
		return faces.NotAllowed(faces.Caller, action, resource, "resource-based")
	}
	tests := []struct {
		name string
		// repository and registry are statements of the other account's policies.
		repository, registry []string
		call                 crossing
		// denied is the refusal, empty if the call goes through.
		denied string
	}{
		{name: "no policy", call: describeImages("team/app"), denied: noPolicy("DescribeImages", faces.OtherARN+"team/app")},
		{name: "no repository either", call: describeImages("team/none"), denied: noPolicy("DescribeImages", faces.OtherARN+"team/none")},
		{name: "no names", call: describeRepositories(), denied: noPolicy("DescribeRepositories", faces.OtherARN+"*")},
		{name: "by ARN", call: listTags, denied: noPolicy("ListTagsForResource", faces.OtherARN+"team/app")},
		{name: "a new repository", call: creating("team/new"), denied: noPolicy("CreateRepository", faces.OtherARN+"team/new")},
		{name: "a repository that is there", call: creating("team/app"), denied: noPolicy("CreateRepository", faces.OtherARN+"team/app")},
		{name: "tokens", call: getTokens},

		{name: "repository allows everyone", repository: []string{faces.AllowAll}, call: describeImages("team/app")},
		{name: "repository allows the account", repository: []string{allowOwner}, call: describeImages("team/app")},
		{name: "repository allows its names", repository: []string{faces.AllowAll}, call: describeRepositories("team/app")},
		{name: "repository allows the ARN", repository: []string{faces.AllowAll}, call: listTags},
		{name: "repository allows another action", repository: []string{allowOwner}, call: listTags, denied: noPolicy("ListTagsForResource", faces.OtherARN+"team/app")},
		{name: "repository allows another principal", repository: []string{strings.Replace(allowOwner, "123456789012", "998877665544", 1)},
			call: describeImages("team/app"), denied: noPolicy("DescribeImages", faces.OtherARN+"team/app")},
		{name: "one name of two", repository: []string{faces.AllowAll}, call: describeRepositories("team/app", "team/closed"), denied: noPolicy("DescribeRepositories", faces.OtherARN+"team/closed")},
		{name: "repository denies", repository: []string{faces.AllowAll, strings.Replace(allowOwner, "Allow", "Deny", 1)},
			call: describeImages("team/app"), denied: explicitlyDenied(faces.Caller, "DescribeImages", faces.OtherARN+"team/app", "a resource-based")},

		{name: "registry allows", registry: []string{onRegistry(faces.AllowAll, "*")}, call: describeImages("team/app")},
		{name: "registry allows a repository", registry: []string{onRegistry(faces.AllowAll, faces.OtherARN+"team/*")}, call: describeImages("team/app")},
		{name: "registry allows another repository", registry: []string{onRegistry(faces.AllowAll, faces.OtherARN+"base/*")},
			call: describeImages("team/app"), denied: noPolicy("DescribeImages", faces.OtherARN+"team/app")},
		{name: "registry allows all names", registry: []string{onRegistry(faces.AllowAll, "*")}, call: describeRepositories()},
		{name: "registry allows to create", registry: []string{onRegistry(faces.AllowAll, "*")}, call: creating("team/new")},
		{name: "registry denies", repository: []string{faces.AllowAll}, registry: []string{onRegistry(strings.Replace(faces.AllowAll, "Allow", "Deny", 1), faces.OtherARN+"team/app")},
			call: describeImages("team/app"), denied: explicitlyDenied(faces.Caller, "DescribeImages", faces.OtherARN+"team/app", "a resource-based")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				theirs := f.Account(faces.Other)
				faces.Create(t, theirs, "team/app")
				faces.Create(t, theirs, "team/closed")
				if test.repository != nil {
					faces.SetPolicy(t, theirs, "team/app", faces.Statements(test.repository...))
				}
				if test.registry != nil {
					putRegistryPolicy(t, theirs, faces.Statements(test.registry...))
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
	faces.RequireDenied(t, err, denied)
}

func putRegistryPolicy(t *testing.T, api fakeecr.API, text string) {
	t.Helper()
	_, err := api.PutRegistryPolicy(t.Context(), &ecr.PutRegistryPolicyInput{PolicyText: &text})
	require.NoError(t, err)
}

// Accounts have the same repository and keep apart what is done to it.
func TestAccountsAreIndependent(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		theirs := f.Account(faces.Other)
		faces.Create(t, f, "team/app")
		faces.Create(t, theirs, "team/app")
		faces.SetPolicy(t, theirs, "team/app", faces.Statements(faces.AllowAll))
		image := fakeecr.RandomImage(1, 100)
		f.Registry.MustPush("team/app:v1", image)

		err := describeImages("team/app")(t, f)
		require.NoError(t, err)
		out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RegistryId: aws.String(faces.Other), RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		require.Empty(t, out.ImageDetails, "the image is in the caller's own registry")
		_, err = f.TagResource(t.Context(), &ecr.TagResourceInput{ResourceArn: aws.String(faces.OtherARN + "team/app"), Tags: tags("by", "other")})
		require.NoError(t, err)
		requireTags(t, theirs, faces.OtherARN+"team/app", "by", "other")
		requireTags(t, f, appARN)
		_, err = f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RegistryId: aws.String(faces.Other), RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		_, err = theirs.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
		faces.RequireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'team/app' does not exist in the registry with id '210987654321'")
		_, err = f.GetRepositoryPolicy(t.Context(), &ecr.GetRepositoryPolicyInput{RepositoryName: aws.String("team/app")})
		faces.RequireError[*types.RepositoryPolicyNotFoundException](t, err, "Repository policy does not exist for the repository with name 'team/app' in the registry with id '123456789012'")

		putRegistryPolicy(t, theirs, faces.Statements(onRegistry(faces.AllowAll, "*")))
		faces.RequireError[*types.RepositoryNotFoundException](t, describeImages("team/app")(t, f),
			"The repository with name 'team/app' does not exist in the registry with id '210987654321'")
	})
}

// What is played comes before authorization, and the input is read after it.
func TestOrderOfAuthorization(t *testing.T) {
	rule := scenarios.On("DescribeImages").First(1).Fail(scenarios.Throttled())
	faces.Each(t, func(t *testing.T, f faces.Face) {
		err := describeImages("team/app")(t, f)
		require.ErrorContains(t, err, "ThrottlingException: Rate exceeded")
		faces.RequireDenied(t, describeImages("Team")(t, f), faces.NotAllowed(faces.Caller, "DescribeImages", faces.OtherARN+"Team", "resource-based"))
		_, err = f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RegistryId: aws.String("21098765432"), RepositoryName: aws.String("team/app")})
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'registryId' failed to satisfy constraint: 'must satisfy regular expression [0-9]{12}'")

		trace := f.Registry.Trace().For("DescribeImages")
		require.Len(t, trace, 3)
		require.Equal(t, faces.Other, trace[1].Account)
		require.ErrorContains(t, trace[1].Err, "AccessDeniedException")
	}, fakeecr.WithScenario(scenarios.Scenario{rule}))
}

func TestCallersOfTheOwnAccount(t *testing.T) {
	describeOwn := func(t *testing.T, api fakeecr.API) error {
		_, err := api.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
		return err
	}
	getToken := func(t *testing.T, api fakeecr.API) error {
		_, err := api.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
		return err
	}
	named := func(effect, principal string) string {
		return fmt.Sprintf(`{"Effect":%q,"Principal":{"AWS":%q},"Action":"ecr:DescribeImages"}`, effect, principal)
	}
	const nothing = "s3:*"
	identityDenies := explicitlyDenied(faces.Alice, "DescribeImages", faces.OwnARN+"team/app", "an identity-based")
	noIdentity := faces.NotAllowed(faces.Alice, "DescribeImages", faces.OwnARN+"team/app", "identity-based")
	tests := []struct {
		name       string
		arn        string
		policies   []string
		repository string
		call       crossing
		denied     string
	}{
		{name: "no policies", arn: faces.Alice, call: describeOwn},
		{name: "allowed", arn: faces.Alice, policies: []string{faces.Identity("Allow", "ecr:Describe*", faces.OwnARN+"team/*")}, call: describeOwn},
		{name: "not allowed", arn: faces.Alice, policies: []string{faces.Identity("Allow", nothing, "*")}, call: describeOwn, denied: noIdentity},
		{name: "not allowed here", arn: faces.Alice, policies: []string{faces.Identity("Allow", "ecr:*", faces.OwnARN+"base/*")}, call: describeOwn, denied: noIdentity},
		{name: "denied", arn: faces.Alice, policies: []string{faces.Identity("Allow", "ecr:*", "*"), faces.Identity("Deny", "ecr:DescribeImages", "*")}, call: describeOwn, denied: identityDenies},
		{name: "denied, whatever the repository allows", arn: faces.Alice, policies: []string{faces.Identity("Deny", "ecr:DescribeImages", "*")}, repository: named("Allow", faces.Alice), call: describeOwn, denied: identityDenies},
		{name: "nothing named", arn: faces.Alice, policies: []string{faces.Identity("Allow", nothing, "*")}, call: getToken, denied: faces.NotAllowed(faces.Alice, "GetAuthorizationToken", "*", "identity-based")},
		{name: "a session", arn: faces.Deployer, policies: []string{faces.Identity("Allow", nothing, "*")}, call: describeOwn, denied: faces.NotAllowed(faces.Deployer, "DescribeImages", faces.OwnARN+"team/app", "identity-based")},

		{name: "the repository allows the user", arn: faces.Alice, policies: []string{faces.Identity("Allow", nothing, "*")}, repository: named("Allow", faces.Alice), call: describeOwn},
		{name: "the repository allows everyone", arn: faces.Alice, policies: []string{faces.Identity("Allow", nothing, "*")}, repository: named("Allow", "*"), call: describeOwn},
		{name: "the repository allows the account", arn: faces.Alice, policies: []string{faces.Identity("Allow", nothing, "*")}, repository: named("Allow", "123456789012"), call: describeOwn, denied: noIdentity},
		{name: "the repository allows another", arn: faces.Alice, policies: []string{faces.Identity("Allow", nothing, "*")}, repository: named("Allow", faces.Deployer), call: describeOwn, denied: noIdentity},
		{name: "the repository allows the role", arn: faces.Deployer, policies: []string{faces.Identity("Allow", nothing, "*")}, repository: named("Allow", "arn:aws:iam::123456789012:role/path/deployer"), call: describeOwn},
		{name: "the repository denies", arn: faces.Alice, repository: named("Deny", faces.Alice), call: describeOwn, denied: explicitlyDenied(faces.Alice, "DescribeImages", faces.OwnARN+"team/app", "a resource-based")},
		{name: "the repository denies the account", arn: faces.Alice, policies: []string{faces.Identity("Allow", "*", "*")}, repository: named("Deny", "123456789012"), call: describeOwn, denied: explicitlyDenied(faces.Alice, "DescribeImages", faces.OwnARN+"team/app", "a resource-based")},
		{name: "the repository denies another", arn: faces.Alice, repository: named("Deny", faces.Deployer), call: describeOwn},
		{name: "the default caller", arn: faces.Caller, repository: named("Deny", faces.Caller), call: describeOwn, denied: explicitlyDenied(faces.Caller, "DescribeImages", faces.OwnARN+"team/app", "a resource-based")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.Create(t, f, "team/app")
				if test.repository != "" {
					faces.SetPolicy(t, f, "team/app", faces.Statements(test.repository))
				}
				as := f.As(test.arn, test.policies...)
				requireOutcome(t, test.call(t, as), test.denied)
				if test.repository == "" {
					require.NoError(t, describeOwn(t, f), "the account's own caller keeps its rights")
				}
			})
		})
	}
}

// From account to account the caller's policies and the other side's have to
// allow a call.
func TestCallersOfAnotherAccount(t *testing.T) {
	tests := []struct {
		name               string
		policies, attached []string
		denied             string
	}{
		{"both", []string{faces.Identity("Allow", "ecr:*", "*")}, []string{faces.AllowAll}, ""},
		{"neither", []string{faces.Identity("Allow", "s3:*", "*")}, nil, faces.NotAllowed(faces.Alice, "DescribeImages", faces.OtherARN+"team/app", "identity-based")},
		{"the caller's", []string{faces.Identity("Allow", "ecr:*", "*")}, nil, faces.NotAllowed(faces.Alice, "DescribeImages", faces.OtherARN+"team/app", "resource-based")},
		{"the other side's", []string{faces.Identity("Allow", "s3:*", "*")}, []string{faces.AllowAll}, faces.NotAllowed(faces.Alice, "DescribeImages", faces.OtherARN+"team/app", "identity-based")},
		{"both deny", []string{faces.Identity("Deny", "ecr:*", "*")}, []string{strings.Replace(allowOwner, "Allow", "Deny", 1)}, explicitlyDenied(faces.Alice, "DescribeImages", faces.OtherARN+"team/app", "an identity-based")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				theirs := f.Account(faces.Other)
				faces.Create(t, theirs, "team/app")
				if test.attached != nil {
					faces.SetPolicy(t, theirs, "team/app", faces.Statements(test.attached...))
				}
				requireOutcome(t, describeImages("team/app")(t, f.As(faces.Alice, test.policies...)), test.denied)
			})
		})
	}
}

// Whoever makes a repository with tags has to be allowed to tag it as well, and
// makes none otherwise.
func TestCreatingWithTagsNeedsTagResource(t *testing.T) {
	const onlyBlue = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:TagResource","Resource":"` + faces.OwnARN + `team/*","Condition":{"StringEquals":{"aws:RequestTag/team":"blue"}}}}`
	mayCreate, mayTag := faces.Identity("Allow", "ecr:CreateRepository", "*"), faces.Identity("Allow", "ecr:TagResource", faces.OwnARN+"team/*")
	notTag := faces.NotAllowed(faces.Alice, "TagResource", faces.OwnARN+"team/app", "identity-based")
	for name, test := range map[string]struct {
		policies []string
		registry string
		tags     []types.Tag
		denied   string
	}{
		"no tags":               {policies: []string{mayCreate}},
		"an empty list of tags": {policies: []string{mayCreate}, tags: []types.Tag{}},
		"both":                  {policies: []string{mayCreate, mayTag}, tags: tags("team", "blue")},
		"not to tag":            {policies: []string{mayCreate}, tags: tags("team", "blue"), denied: notTag},
		"not to create":         {policies: []string{mayTag}, tags: tags("team", "blue"), denied: faces.NotAllowed(faces.Alice, "CreateRepository", faces.OwnARN+"team/app", "identity-based")},
		"denied":                {policies: []string{mayCreate, mayTag, faces.Identity("Deny", "ecr:TagResource", "*")}, tags: tags("team", "blue"), denied: explicitlyDenied(faces.Alice, "TagResource", faces.OwnARN+"team/app", "an identity-based")},
		"this tag":              {policies: []string{mayCreate, onlyBlue}, tags: tags("team", "blue")},
		"not this tag":          {policies: []string{mayCreate, onlyBlue}, tags: tags("team", "red"), denied: notTag},
		"by the registry's policy": {policies: []string{mayCreate}, tags: tags("team", "blue"),
			registry: `{"Effect":"Allow","Principal":{"AWS":"` + faces.Alice + `"},"Action":"ecr:TagResource","Resource":"*"}`},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				if test.registry != "" {
					putRegistryPolicy(t, f, faces.Statements(test.registry))
				}
				_, err := f.As(faces.Alice, test.policies...).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app"), Tags: test.tags})
				requireOutcome(t, err, test.denied)
				require.Equal(t, test.denied == "", len(faces.Repositories(t, f)) == 1)
			})
		})
	}
}

// In another account its registry has to allow both.
func TestCreatingWithTagsInAnotherAccount(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		theirs := f.Account(faces.Other)
		allow := func(action string) string {
			return onRegistry(strings.Replace(faces.AllowAll, "ecr:*", action, 1), "*")
		}
		create := func() error {
			_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RegistryId: aws.String(faces.Other), RepositoryName: aws.String("team/app"), Tags: tags("team", "blue")})
			return err
		}
		putRegistryPolicy(t, theirs, faces.Statements(allow("ecr:CreateRepository")))
		faces.RequireDenied(t, create(), faces.NotAllowed(faces.Caller, "TagResource", faces.OtherARN+"team/app", "resource-based"))
		require.Empty(t, faces.Repositories(t, theirs))
		putRegistryPolicy(t, theirs, faces.Statements(allow("ecr:CreateRepository"), allow("ecr:TagResource")))
		require.NoError(t, create())
		requireTags(t, theirs, faces.OtherARN+"team/app", "team", "blue")
	})
}
