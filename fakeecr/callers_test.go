package fakeecr_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

const (
	alice    = "arn:aws:iam::123456789012:user/alice"
	deployer = "arn:aws:sts::123456789012:assumed-role/deployer/ci"
	ownARN   = "arn:aws:ecr:us-east-1:123456789012:repository/"
)

// identity is an identity policy of one statement.
func identity(effect, action, resource string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":%q,"Action":%q,"Resource":%q}}`, effect, action, resource)
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
	identityDenies := explicitlyDenied(alice, "DescribeImages", ownARN+"team/app", "an identity-based")
	noIdentity := notAllowed(alice, "DescribeImages", ownARN+"team/app", "identity-based")
	tests := []struct {
		name       string
		arn        string
		policies   []string
		repository string
		call       crossing
		denied     string
	}{
		{name: "no policies", arn: alice, call: describeOwn},
		{name: "allowed", arn: alice, policies: []string{identity("Allow", "ecr:Describe*", ownARN+"team/*")}, call: describeOwn},
		{name: "not allowed", arn: alice, policies: []string{identity("Allow", nothing, "*")}, call: describeOwn, denied: noIdentity},
		{name: "not allowed here", arn: alice, policies: []string{identity("Allow", "ecr:*", ownARN+"base/*")}, call: describeOwn, denied: noIdentity},
		{name: "denied", arn: alice, policies: []string{identity("Allow", "ecr:*", "*"), identity("Deny", "ecr:DescribeImages", "*")}, call: describeOwn, denied: identityDenies},
		{name: "denied, whatever the repository allows", arn: alice, policies: []string{identity("Deny", "ecr:DescribeImages", "*")}, repository: named("Allow", alice), call: describeOwn, denied: identityDenies},
		{name: "nothing named", arn: alice, policies: []string{identity("Allow", nothing, "*")}, call: getToken, denied: notAllowed(alice, "GetAuthorizationToken", "*", "identity-based")},
		{name: "a session", arn: deployer, policies: []string{identity("Allow", nothing, "*")}, call: describeOwn, denied: notAllowed(deployer, "DescribeImages", ownARN+"team/app", "identity-based")},

		{name: "the repository allows the user", arn: alice, policies: []string{identity("Allow", nothing, "*")}, repository: named("Allow", alice), call: describeOwn},
		{name: "the repository allows everyone", arn: alice, policies: []string{identity("Allow", nothing, "*")}, repository: named("Allow", "*"), call: describeOwn},
		{name: "the repository allows the account", arn: alice, policies: []string{identity("Allow", nothing, "*")}, repository: named("Allow", "123456789012"), call: describeOwn, denied: noIdentity},
		{name: "the repository allows another", arn: alice, policies: []string{identity("Allow", nothing, "*")}, repository: named("Allow", deployer), call: describeOwn, denied: noIdentity},
		{name: "the repository allows the role", arn: deployer, policies: []string{identity("Allow", nothing, "*")}, repository: named("Allow", "arn:aws:iam::123456789012:role/path/deployer"), call: describeOwn},
		{name: "the repository denies", arn: alice, repository: named("Deny", alice), call: describeOwn, denied: explicitlyDenied(alice, "DescribeImages", ownARN+"team/app", "a resource-based")},
		{name: "the repository denies the account", arn: alice, policies: []string{identity("Allow", "*", "*")}, repository: named("Deny", "123456789012"), call: describeOwn, denied: explicitlyDenied(alice, "DescribeImages", ownARN+"team/app", "a resource-based")},
		{name: "the repository denies another", arn: alice, repository: named("Deny", deployer), call: describeOwn},
		{name: "the default caller", arn: caller, repository: named("Deny", caller), call: describeOwn, denied: explicitlyDenied(caller, "DescribeImages", ownARN+"team/app", "a resource-based")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				create(t, f, "team/app")
				if test.repository != "" {
					setPolicy(t, f, "team/app", statements(test.repository))
				}
				as := f.as(test.arn, test.policies...)
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
		{"both", []string{identity("Allow", "ecr:*", "*")}, []string{allowAll}, ""},
		{"neither", []string{identity("Allow", "s3:*", "*")}, nil, notAllowed(alice, "DescribeImages", otherARN+"team/app", "identity-based")},
		{"the caller's", []string{identity("Allow", "ecr:*", "*")}, nil, notAllowed(alice, "DescribeImages", otherARN+"team/app", "resource-based")},
		{"the other side's", []string{identity("Allow", "s3:*", "*")}, []string{allowAll}, notAllowed(alice, "DescribeImages", otherARN+"team/app", "identity-based")},
		{"both deny", []string{identity("Deny", "ecr:*", "*")}, []string{strings.Replace(allowOwner, "Allow", "Deny", 1)}, explicitlyDenied(alice, "DescribeImages", otherARN+"team/app", "an identity-based")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				theirs := f.account(other)
				create(t, theirs, "team/app")
				if test.attached != nil {
					setPolicy(t, theirs, "team/app", statements(test.attached...))
				}
				requireOutcome(t, describeImages("team/app")(t, f.as(alice, test.policies...)), test.denied)
			})
		})
	}
}

// Whoever makes a repository with tags has to be allowed to tag it as well, and
// makes none otherwise.
func TestCreatingWithTagsNeedsTagResource(t *testing.T) {
	const onlyBlue = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:TagResource","Resource":"` + ownARN + `team/*","Condition":{"StringEquals":{"aws:RequestTag/team":"blue"}}}}`
	mayCreate, mayTag := identity("Allow", "ecr:CreateRepository", "*"), identity("Allow", "ecr:TagResource", ownARN+"team/*")
	notTag := notAllowed(alice, "TagResource", ownARN+"team/app", "identity-based")
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
		"not to create":         {policies: []string{mayTag}, tags: tags("team", "blue"), denied: notAllowed(alice, "CreateRepository", ownARN+"team/app", "identity-based")},
		"denied":                {policies: []string{mayCreate, mayTag, identity("Deny", "ecr:TagResource", "*")}, tags: tags("team", "blue"), denied: explicitlyDenied(alice, "TagResource", ownARN+"team/app", "an identity-based")},
		"this tag":              {policies: []string{mayCreate, onlyBlue}, tags: tags("team", "blue")},
		"not this tag":          {policies: []string{mayCreate, onlyBlue}, tags: tags("team", "red"), denied: notTag},
		"by the registry's policy": {policies: []string{mayCreate}, tags: tags("team", "blue"),
			registry: `{"Effect":"Allow","Principal":{"AWS":"` + alice + `"},"Action":"ecr:TagResource","Resource":"*"}`},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				if test.registry != "" {
					putRegistryPolicy(t, f, statements(test.registry))
				}
				_, err := f.as(alice, test.policies...).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app"), Tags: test.tags})
				requireOutcome(t, err, test.denied)
				require.Equal(t, test.denied == "", len(repositories(t, f)) == 1)
			})
		})
	}
}

// In another account its registry has to allow both.
func TestCreatingWithTagsInAnotherAccount(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		theirs := f.account(other)
		allow := func(action string) string { return onRegistry(strings.Replace(allowAll, "ecr:*", action, 1), "*") }
		create := func() error {
			_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RegistryId: aws.String(other), RepositoryName: aws.String("team/app"), Tags: tags("team", "blue")})
			return err
		}
		putRegistryPolicy(t, theirs, statements(allow("ecr:CreateRepository")))
		requireDenied(t, create(), notAllowed(caller, "TagResource", otherARN+"team/app", "resource-based"))
		require.Empty(t, repositories(t, theirs))
		putRegistryPolicy(t, theirs, statements(allow("ecr:CreateRepository"), allow("ecr:TagResource")))
		require.NoError(t, create())
		requireTags(t, theirs, otherARN+"team/app", "team", "blue")
	})
}

func TestAs(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		stranger := f.as("arn:aws:iam::210987654321:role/path/ci", identity("Allow", "ecr:Describe*", "*"))
		require.Equal(t, other, stranger.registry.AccountID())
		require.Equal(t, "us-east-1", stranger.registry.Region())
		create(t, f.account(other), "team/app")
		create(t, f.in("eu-west-1").account(other), "team/europe")

		out, err := stranger.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
		require.NoError(t, err)
		require.Equal(t, otherARN+"team/app", *out.Repositories[0].RepositoryArn, "its own registry is its account's")
		out, err = stranger.in("eu-west-1").DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
		require.NoError(t, err)
		require.Equal(t, "team/europe", *out.Repositories[0].RepositoryName)

		_, err = stranger.in("eu-west-1").CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/new")})
		requireDenied(t, err, notAllowed("arn:aws:iam::210987654321:role/path/ci", "CreateRepository", "arn:aws:ecr:eu-west-1:210987654321:repository/team/new", "identity-based"))
		create(t, stranger.account(other), "team/new")

		again := f.as("arn:aws:iam::210987654321:role/path/ci")
		_, err = again.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/newer")})
		require.Error(t, err, "without policies the rights stay")
		f.as("arn:aws:iam::210987654321:role/path/ci", identity("Allow", "ecr:*", "*"))
		create(t, stranger, "team/newer")

		f.as(caller, identity("Allow", "ecr:Describe*", "*"))
		_, err = f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/own")})
		requireDenied(t, err, notAllowed(caller, "CreateRepository", ownARN+"team/own", "identity-based"))
	})
}

func TestAsRefuses(t *testing.T) {
	for _, test := range []struct{ arn, policy, message string }{
		{"alice", identity("Allow", "*", "*"), `fakeecr: "alice" is not the ARN of a user, a role, a session or a root`},
		{"123456789012", identity("Allow", "*", "*"), `fakeecr: "123456789012" is not the ARN of a user, a role, a session or a root`},
		{alice, statements(allowAll), "fakeecr: invalid identity policy: statement 1: Principal has no place here"},
	} {
		require.PanicsWithValue(t, test.message, func() { fakeecr.New(nil).As(test.arn, test.policy) })
	}
	require.PanicsWithValue(t, `fakeecr: "alice" is not the ARN of a user, a role, a session or a root`, func() {
		fakeecr.New(nil, fakeecr.WithPrincipals("alice"))
	})
}

// A fork keeps the principals and who calls, and then goes its own way.
func TestForkOfCallers(t *testing.T) {
	original := fakeecr.New(t).As(alice, identity("Allow", "ecr:Describe*", "*"))
	fork := original.Fork(t)
	for _, f := range []face{direct(fork), socketless(fork)} {
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
		requireDenied(t, err, notAllowed(alice, "CreateRepository", ownARN+"team/app", "identity-based"))
	}
	fork.As(alice, identity("Allow", "ecr:*", "*"))
	create(t, fork, "team/app")
	_, err := original.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
	require.Error(t, err)
}

// The environment of a server carries the principal.
func TestEnvironmentOfACaller(t *testing.T) {
	server := fakeecr.NewServer(t)
	reader := server.As(alice, identity("Allow", "ecr:Describe*", "*"))
	environment := map[string]string{}
	for _, pair := range reader.Env() {
		name, value, _ := strings.Cut(pair, "=")
		environment[name] = value
	}
	require.Regexp(t, "^AKIA[A-Z2-7]{16}$", environment["AWS_ACCESS_KEY_ID"])
	require.Equal(t, environment["AWS_ACCESS_KEY_ID"], accessKeyID(t, fakeecr.New(t).As(alice).Client()), "the key follows from the ARN")

	client := ecr.New(ecr.Options{
		BaseEndpoint: aws.String(environment["AWS_ENDPOINT_URL_ECR"]), Region: environment["AWS_REGION"],
	}, once, signedBy(aws.Credentials{AccessKeyID: environment["AWS_ACCESS_KEY_ID"], SecretAccessKey: environment["AWS_SECRET_ACCESS_KEY"]}))
	_, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
	requireDenied(t, err, notAllowed(alice, "CreateRepository", ownARN+"team/app", "identity-based"))
}

func accessKeyID(t *testing.T, client *ecr.Client) string {
	t.Helper()
	found, err := client.Options().Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	return found.AccessKeyID
}

// A transport stands for its principal where a key says nothing, and only there.
func TestTransportOfACaller(t *testing.T) {
	registry := fakeecr.New(t, fakeecr.WithSigV4(developer, aws.Credentials{AccessKeyID: "AKIAI44QH8DHBEXAMPLE", SecretAccessKey: "fakeecr", AccountID: "123456789012"}))
	reader := registry.As(alice, identity("Allow", "ecr:Describe*", "*"))
	create := func(credentials aws.Credentials, name string) error {
		client := ecr.New(ecr.Options{Region: "us-east-1", HTTPClient: &http.Client{Transport: reader.Transport()}}, once, signedBy(credentials))
		_, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name})
		return err
	}
	requireDenied(t, create(developer, "team/app"), notAllowed(alice, "CreateRepository", ownARN+"team/app", "identity-based"))
	require.NoError(t, create(aws.Credentials{AccessKeyID: "123456789012", SecretAccessKey: "fakeecr"}, "team/app"), "the account's own caller")
	require.NoError(t, create(aws.Credentials{AccessKeyID: "AKIAI44QH8DHBEXAMPLE", SecretAccessKey: "fakeecr"}, "team/accepted"), "as it was told")
	require.NoError(t, create(aws.Credentials{AccessKeyID: other, SecretAccessKey: "fakeecr"}, "team/app"), "another account's")
	_, err := registry.Account(other).DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/app"}})
	require.NoError(t, err)
}
