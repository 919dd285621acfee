package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

// start runs the program and answers its URL and a function that stops it.
func start(t *testing.T, args ...string) (url string, stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	output, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, args, stdout, io.Discard)
		stdout.Close()
	}()
	first, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	url, found := strings.CutPrefix(strings.TrimSpace(first), "fakeecr listening on ")
	require.True(t, found, first)
	stop = func() error {
		cancel()
		return <-ended
	}
	t.Cleanup(func() { cancel() })
	return url, stop
}

func client(url string) *ecr.Client {
	return ecr.New(ecr.Options{
		BaseEndpoint: aws.String(url),
		Region:       "eu-west-1",
		Credentials:  credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
}

func TestRun(t *testing.T) {
	url, stop := start(t, "-account", "210987654321", "-region", "eu-west-1", "-seed", "7", "-repository", "team/app", "-repository", "team/db")
	api := client(url)

	out, err := api.DescribeRepositories(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, out.Repositories, 2)
	require.Equal(t, "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/app", *out.Repositories[0].RepositoryUri)

	_, err = api.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/new")})
	require.NoError(t, err)
	post(t, url+"/_fakeecr/reset", http.StatusNoContent)
	_, err = api.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/new"}})
	var missing *types.RepositoryNotFoundException
	require.ErrorAs(t, err, &missing)

	token, err := api.GetAuthorizationToken(t.Context(), nil)
	require.NoError(t, err)
	post(t, url+"/_fakeecr/advance?duration=12h", http.StatusNoContent)
	later, err := api.GetAuthorizationToken(t.Context(), nil)
	require.NoError(t, err)
	require.GreaterOrEqual(t, later.AuthorizationData[0].ExpiresAt.Sub(*token.AuthorizationData[0].ExpiresAt).Hours(), 12.0)
	post(t, url+"/_fakeecr/advance?duration=-1h", http.StatusBadRequest)
	post(t, url+"/_fakeecr/advance", http.StatusBadRequest)

	trace, err := http.Get(url + "/_fakeecr/trace")
	require.NoError(t, err)
	text, err := io.ReadAll(trace.Body)
	require.NoError(t, err)
	require.NoError(t, trace.Body.Close())
	require.Equal(t, 2, strings.Count(string(text), "GetAuthorizationToken"))

	require.NoError(t, stop())
	_, err = http.Get(url)
	require.Error(t, err, "nobody listens any more")
}

func post(t *testing.T, url string, status int) {
	t.Helper()
	response, err := http.Post(url, "", nil)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, status, response.StatusCode)
}

func TestRunVerifiesSignatures(t *testing.T) {
	url, _ := start(t, "-sigv4", "any:any")
	_, err := client(url).DescribeRepositories(t.Context(), nil)
	require.NoError(t, err)
	other := ecr.New(ecr.Options{BaseEndpoint: &url, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("other", "any", "")})
	_, err = other.DescribeRepositories(t.Context(), nil)
	require.ErrorContains(t, err, "UnrecognizedClientException")
}

func TestRunChecksItsArguments(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"account":    {[]string{"-account", "12"}, "12 digits"},
		"region":     {[]string{"-region", "moon"}, "no region"},
		"seed":       {[]string{"-seed", "-1"}, "natural number"},
		"repository": {[]string{"-repository", "Team"}, "repositoryName"},
		"addr":       {[]string{"-addr", "127.0.0.1"}, "missing port"},
		"signature":  {[]string{"-sigv4", "key"}, "a colon"},
		"argument":   {[]string{"serve"}, "unexpected arguments"},
		"flag":       {[]string{"-port", "1"}, "not defined"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), c.args, io.Discard, io.Discard)
			require.ErrorContains(t, err, c.says)
		})
	}
}
