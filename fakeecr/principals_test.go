package fakeecr_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func TestAs(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		stranger := f.As("arn:aws:iam::210987654321:role/path/ci", faces.Identity("Allow", "ecr:Describe*", "*"))
		require.Equal(t, faces.Other, stranger.Registry.AccountID())
		require.Equal(t, "us-east-1", stranger.Registry.Region())
		faces.Create(t, f.Account(faces.Other), "team/app")
		faces.Create(t, f.In("eu-west-1").Account(faces.Other), "team/europe")

		out, err := stranger.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
		require.NoError(t, err)
		require.Equal(t, faces.OtherARN+"team/app", *out.Repositories[0].RepositoryArn, "its own registry is its account's")
		out, err = stranger.In("eu-west-1").DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
		require.NoError(t, err)
		require.Equal(t, "team/europe", *out.Repositories[0].RepositoryName)

		_, err = stranger.In("eu-west-1").CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/new")})
		faces.RequireDenied(t, err, faces.NotAllowed("arn:aws:iam::210987654321:role/path/ci", "CreateRepository", "arn:aws:ecr:eu-west-1:210987654321:repository/team/new", "identity-based"))
		faces.Create(t, stranger.Account(faces.Other), "team/new")

		again := f.As("arn:aws:iam::210987654321:role/path/ci")
		_, err = again.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/newer")})
		require.Error(t, err, "without policies the rights stay")
		f.As("arn:aws:iam::210987654321:role/path/ci", faces.Identity("Allow", "ecr:*", "*"))
		faces.Create(t, stranger, "team/newer")

		f.As(faces.Caller, faces.Identity("Allow", "ecr:Describe*", "*"))
		_, err = f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/own")})
		faces.RequireDenied(t, err, faces.NotAllowed(faces.Caller, "CreateRepository", faces.OwnARN+"team/own", "identity-based"))
	})
}

func TestTheOwnCallerInAnotherPartition(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		for region, want := range map[string]string{
			"cn-north-1": "arn:aws-cn:iam::123456789012:user/fakeecr", "us-gov-west-1": "arn:aws-us-gov:iam::123456789012:user/fakeecr", "us-east-1": faces.Caller,
		} {
			there := f.In(region)
			faces.Create(t, there, "team/app")
			faces.SetPolicy(t, there, "team/app", faces.Statements(`{"Effect":"Deny","Principal":{"AWS":"`+want+`"},"Action":"ecr:DescribeImages"}`))
			_, err := there.In("eu-west-1").In(region).DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
			require.ErrorContains(t, err, want+" is not authorized")
			calls := f.Registry.Trace().For("DescribeImages")
			require.Equal(t, want, calls[len(calls)-1].Caller)
		}
	})
}

func TestAsRefuses(t *testing.T) {
	for _, test := range []struct{ arn, policy, message string }{
		{"alice", faces.Identity("Allow", "*", "*"), `fakeecr: "alice" is not the ARN of a user, a role, a session or a root`},
		{"123456789012", faces.Identity("Allow", "*", "*"), `fakeecr: "123456789012" is not the ARN of a user, a role, a session or a root`},
		{faces.Alice, faces.Statements(faces.AllowAll), "fakeecr: invalid identity policy: statement 1: Principal has no place here"},
	} {
		require.PanicsWithValue(t, test.message, func() { fakeecr.New(nil).As(test.arn, test.policy) })
	}
	require.PanicsWithValue(t, `fakeecr: "alice" is not the ARN of a user, a role, a session or a root`, func() {
		fakeecr.New(nil, fakeecr.WithPrincipals("alice"))
	})
}

// A fork keeps the principals and who calls, and then goes its own way.
func TestForkOfCallers(t *testing.T) {
	original := fakeecr.New(t).As(faces.Alice, faces.Identity("Allow", "ecr:Describe*", "*"))
	fork := original.Fork(t)
	for _, f := range []faces.Face{faces.Direct(fork), faces.Socketless(fork)} {
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
		faces.RequireDenied(t, err, faces.NotAllowed(faces.Alice, "CreateRepository", faces.OwnARN+"team/app", "identity-based"))
	}
	fork.As(faces.Alice, faces.Identity("Allow", "ecr:*", "*"))
	faces.Create(t, fork, "team/app")
	_, err := original.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
	require.Error(t, err)
}

// The environment of a server carries the principal.
func TestEnvironmentOfACaller(t *testing.T) {
	server := fakeecr.NewServer(t)
	reader := server.As(faces.Alice, faces.Identity("Allow", "ecr:Describe*", "*"))
	environment := map[string]string{}
	for _, pair := range reader.Env() {
		name, value, _ := strings.Cut(pair, "=")
		environment[name] = value
	}
	require.Regexp(t, "^AKIA[A-Z2-7]{16}$", environment["AWS_ACCESS_KEY_ID"])
	require.Equal(t, environment["AWS_ACCESS_KEY_ID"], accessKeyID(t, fakeecr.New(t).As(faces.Alice).Client()), "the key follows from the ARN")

	client := ecr.New(ecr.Options{
		BaseEndpoint: aws.String(environment["AWS_ENDPOINT_URL_ECR"]), Region: environment["AWS_REGION"],
	}, faces.Once, faces.SignedBy(aws.Credentials{AccessKeyID: environment["AWS_ACCESS_KEY_ID"], SecretAccessKey: environment["AWS_SECRET_ACCESS_KEY"]}))
	_, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
	faces.RequireDenied(t, err, faces.NotAllowed(faces.Alice, "CreateRepository", faces.OwnARN+"team/app", "identity-based"))
}

func accessKeyID(t *testing.T, client *ecr.Client) string {
	t.Helper()
	found, err := client.Options().Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	return found.AccessKeyID
}

// A transport stands for its principal where a key says nothing, and only there.
func TestTransportOfACaller(t *testing.T) {
	registry := fakeecr.New(t, fakeecr.WithSigV4(faces.Developer, aws.Credentials{AccessKeyID: "AKIAI44QH8DHBEXAMPLE", SecretAccessKey: "fakeecr", AccountID: "123456789012"}))
	reader := registry.As(faces.Alice, faces.Identity("Allow", "ecr:Describe*", "*"))
	create := func(credentials aws.Credentials, name string) error {
		client := ecr.New(ecr.Options{Region: "us-east-1", HTTPClient: &http.Client{Transport: reader.Transport()}}, faces.Once, faces.SignedBy(credentials))
		_, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name})
		return err
	}
	faces.RequireDenied(t, create(faces.Developer, "team/app"), faces.NotAllowed(faces.Alice, "CreateRepository", faces.OwnARN+"team/app", "identity-based"))
	require.NoError(t, create(aws.Credentials{AccessKeyID: "123456789012", SecretAccessKey: "fakeecr"}, "team/app"), "the account's own caller")
	require.NoError(t, create(aws.Credentials{AccessKeyID: "AKIAI44QH8DHBEXAMPLE", SecretAccessKey: "fakeecr"}, "team/accepted"), "as it was told")
	require.NoError(t, create(aws.Credentials{AccessKeyID: faces.Other, SecretAccessKey: "fakeecr"}, "team/app"), "another account's")
	_, err := registry.Account(faces.Other).DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/app"}})
	require.NoError(t, err)
}
