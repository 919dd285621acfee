package fakeecr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// misleading is what a machine may have in its environment that leads a client of
// one SDK or another away from the server.
var misleading = map[string]string{
	"AWS_ENDPOINT_URL":                    "http://127.0.0.1:1",
	"AWS_ENDPOINT_URL_ECR":                "http://127.0.0.1:1",
	"AWS_ENDPOINT_URL_STS":                "http://127.0.0.1:1",
	"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
	"AWS_USE_FIPS_ENDPOINT":               "true",
	"AWS_USE_DUALSTACK_ENDPOINT":          "true",
	"AWS_REGION":                          "ap-south-1",
	"AWS_DEFAULT_REGION":                  "ap-south-1",
	"AWS_ACCESS_KEY_ID":                   "999999999999",
	"AWS_SECRET_ACCESS_KEY":               "wrong",
	"AWS_SESSION_TOKEN":                   "token",
	"AWS_SECURITY_TOKEN":                  "token",
	"AWS_CREDENTIAL_EXPIRATION":           "2020-01-01T00:00:00Z",
	"AWS_PROFILE":                         "work",
	"AWS_DEFAULT_PROFILE":                 "work",
	"AWS_CONFIG_FILE":                     configFile,
	"AWS_SHARED_CREDENTIALS_FILE":         configFile,
	"AWS_WEB_IDENTITY_TOKEN_FILE":         "/nowhere",
	"AWS_ROLE_ARN":                        "arn:aws:iam::999999999999:role/work",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI":  "http://127.0.0.1:1",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT":   "http://127.0.0.1:1",
	"AWS_CA_BUNDLE":                       "/nowhere",
	"HTTP_PROXY":                          "http://127.0.0.1:1",
	"http_proxy":                          "http://127.0.0.1:1",
	"ALL_PROXY":                           "http://127.0.0.1:1",
	"NO_PROXY":                            ".amazonaws.com",
	"no_proxy":                            "*",
	"HOME":                                homeWithConfig,
}

// What stands in the table for paths to misleadingFile, and to a home with it.
const (
	configFile     = "config"
	homeWithConfig = "home"
)

// misleadingFile is such a machine's shared config.
const misleadingFile = `[default]
region = ap-south-1
endpoint_url = http://127.0.0.1:1
ignore_configured_endpoint_urls = true
use_fips_endpoint = true
use_dualstack_endpoint = true
ca_bundle = /nowhere
aws_access_key_id = 999999999999
aws_secret_access_key = wrong
aws_session_token = token
`

// mislead gives the machine these variables.
func mislead(t *testing.T, variables map[string]string) {
	home := t.TempDir()
	file := filepath.Join(home, ".aws", "config")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, []byte(misleadingFile), 0o600))
	t.Setenv("HOME", t.TempDir())
	for name, value := range variables {
		switch value {
		case configFile:
			value = file
		case homeWithConfig:
			value = home
		}
		t.Setenv(name, value)
	}
}

// A machine's environment and files lead no client elsewhere, in process or in a
// child: each variable alone, and all together.
func TestNothingLeadsElsewhere(t *testing.T) {
	machines := map[string]map[string]string{"all": misleading}
	for name, value := range misleading {
		machines[name] = map[string]string{name: value}
	}
	nothingLeadsElsewhere(t, machines)
}

// noBundleGiven is a machine without a bundle of certificates for AWS.
func noBundleGiven(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "")
	require.NoError(t, os.Unsetenv("AWS_CA_BUNDLE"))
}

// boto3 refuses a bundle of certificates by an empty name.
func TestNoBundleIsNamedWithoutTLS(t *testing.T) {
	noBundleGiven(t)
	for _, pair := range fakeecr.NewServer(t).Env() {
		require.NotRegexp(t, "^AWS_CA_BUNDLE=", pair)
	}
}

// Of these, two have to do with whom a client trusts.
func TestNothingLeadsElsewhereThanToTLS(t *testing.T) {
	machines := map[string]map[string]string{"all": misleading}
	for _, name := range []string{"AWS_CA_BUNDLE", "HOME"} {
		machines[name] = map[string]string{name: misleading[name]}
	}
	nothingLeadsElsewhere(t, machines, fakeecr.WithTLS())
}

// A proxy is for children alone.
func TestNothingLeadsElsewhereThanToAProxy(t *testing.T) {
	machines := map[string]map[string]string{"all": misleading}
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL_STS", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "AWS_CA_BUNDLE", "HOME"} {
		machines[name] = map[string]string{name: misleading[name]}
	}
	for name, variables := range machines {
		t.Run(name, func(t *testing.T) {
			mislead(t, variables)
			server := fakeecr.NewServer(t, fakeecr.WithProxy(), fakeecr.WithSigV4(), fakeecr.WithRegion("eu-west-1"))
			environment := append(os.Environ(), server.Account("210987654321").Env()...)
			require.Equal(t, "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/child", inChild(t, "https://"+faces.RegistryHost+"/v2/", environment))
			require.Len(t, server.Trace(), 3, "by ECR's own names, all of them here")
		})
	}
}

func nothingLeadsElsewhere(t *testing.T, machines map[string]map[string]string, options ...fakeecr.Option) {
	for name, variables := range machines {
		t.Run(name, func(t *testing.T) {
			mislead(t, variables)
			server := fakeecr.NewServer(t, append(options, fakeecr.WithSigV4(), fakeecr.WithRegion("eu-west-1"))...)
			require.Equal(t, "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/child", inChild(t, server.URL, append(os.Environ(), server.Account("210987654321").Env()...)))
			server.Setenv(t)
			uri, err := createFromEnvironment(t.Context(), "team/app")
			require.NoError(t, err)
			require.Equal(t, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app", uri)
			if name == "all" {
				require.Equal(t, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/child", inChild(t, server.URL, os.Environ()), "a child inherits it")
			}
		})
	}
}

// createFromEnvironment makes a repository as code does that builds its own client,
// asks STS who it is, and answers the repository's URI.
func createFromEnvironment(ctx context.Context, name string) (string, error) {
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return "", err
	}
	return createBy(ctx, loaded, name)
}

// createByAClientOfItsOwn does so as controllers do, which take but the keys from there.
func createByAClientOfItsOwn(ctx context.Context, name string) (string, error) {
	client := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	loaded, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(client))
	if err != nil {
		return "", err
	}
	return createBy(ctx, aws.Config{Region: loaded.Region, Credentials: loaded.Credentials, HTTPClient: client}, name)
}

func createBy(ctx context.Context, loaded aws.Config, name string) (string, error) {
	if _, err := sts.NewFromConfig(loaded, func(o *sts.Options) { o.Retryer = aws.NopRetryer{} }).GetCallerIdentity(ctx, nil); err != nil {
		return "", err
	}
	out, err := ecr.NewFromConfig(loaded, faces.Once).CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name})
	if err != nil {
		return "", err
	}
	return *out.Repository.RepositoryUri, nil
}

// TestMain runs this binary as the child of a test.
func TestMain(m *testing.M) {
	asked := os.Getenv("FAKEECR_TEST_CHILD")
	if asked == "" {
		os.Exit(m.Run())
	}
	create := createFromEnvironment
	if os.Getenv("FAKEECR_TEST_CLIENT") == "own" {
		create = createByAClientOfItsOwn
	}
	uri, err := create(context.Background(), "team/child")
	if err == nil {
		_, err = http.Get(asked) // by a client that is not of an SDK
	}
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(uri)
}

// inChild makes the repository team/child in a process with an environment, which asks
// for a URL too.
func inChild(t *testing.T, url string, environment []string) (uri string) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(environment, "FAKEECR_TEST_CHILD="+url)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	require.NoError(t, err, stderr.String())
	require.NoError(t, json.Unmarshal(output, &uri))
	return uri
}

// A child process with nothing but Env, on a clean HOME, finds the server, its
// region and its account.
func TestChildProcess(t *testing.T) {
	server := fakeecr.NewServer(t)
	neighbour := server.In("eu-west-1").Account("210987654321")
	uri := inChild(t, server.URL, append(neighbour.Env(), "HOME="+t.TempDir()))
	require.Equal(t, "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/child", uri)
	require.Equal(t, []string{"team/child"}, faces.Repositories(t, neighbour))
	require.Empty(t, faces.Repositories(t, server))
}

// So does one that takes a role by its web identity, as a pod does.
func TestChildProcessWithARole(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("any token"), 0o600))
	for way, options := range map[string][]fakeecr.Option{"endpoint": nil, "TLS": {fakeecr.WithTLS()}, "proxy": {fakeecr.WithProxy()}} {
		t.Run(way, func(t *testing.T) {
			server := fakeecr.NewServer(t, append(options, fakeecr.WithSigV4())...)
			environment := append(append(os.Environ(), server.Env()...), "AWS_ROLE_ARN=arn:aws:iam::123456789012:role/puller",
				"AWS_WEB_IDENTITY_TOKEN_FILE="+token, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
			inChild(t, server.URL, environment)
			calls := server.Calls("CreateRepository")
			require.Len(t, calls, 1)
			require.Contains(t, calls[0].Caller, ":assumed-role/puller/")
		})
	}
}

// What needs no proxy on the machine needs none still.
func TestEnvKeepsNoProxy(t *testing.T) {
	server := fakeecr.NewServer(t)
	for machine, want := range map[[2]string]string{
		{"", ""}:                 "127.0.0.1",
		{"corp", ""}:             "corp,127.0.0.1",
		{"", ".corp,10.0.0.0/8"}: ".corp,10.0.0.0/8,127.0.0.1",
		{"corp", "*"}:            "*",
	} {
		t.Setenv("NO_PROXY", machine[0])
		t.Setenv("no_proxy", machine[1])
		require.Subset(t, server.Env(), []string{"NO_PROXY=" + want, "no_proxy=" + want})
	}
}

// The files of Env go with the server.
func TestCloseRemovesTheFilesOfEnv(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	server := fakeecr.NewServer(nil)
	for _, s := range []*fakeecr.Server{server, server.In("eu-west-1"), server, server.As(faces.Alice)} {
		for _, pair := range s.Env() {
			if path, isFile := strings.CutPrefix(pair, "AWS_CONFIG_FILE="); isFile {
				content, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Contains(t, string(content), "region = "+s.Region())
			}
		}
	}
	left := func() []os.DirEntry {
		entries, err := os.ReadDir(os.TempDir())
		require.NoError(t, err)
		return entries
	}
	require.Len(t, left(), 1)
	server.In("eu-west-1").Close()
	require.Empty(t, left())
}
