package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// start runs the program and answers its URL and a function that stops it.
func start(t *testing.T, args ...string) (url string, stop func() error) {
	return startTelling(t, io.Discard, args...)
}

// startTelling is start, with what the program says besides.
func startTelling(t *testing.T, stderr io.Writer, args ...string) (url string, stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	output, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, args, stdout, stderr)
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
		Retryer:      aws.NopRetryer{},
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
	post(t, url+"/_fakeecr/reset", "", http.StatusNoContent)
	_, err = api.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/new"}})
	var missing *types.RepositoryNotFoundException
	require.ErrorAs(t, err, &missing)

	token, err := api.GetAuthorizationToken(t.Context(), nil)
	require.NoError(t, err)
	post(t, url+"/_fakeecr/advance?duration=12h", "", http.StatusNoContent)
	later, err := api.GetAuthorizationToken(t.Context(), nil)
	require.NoError(t, err)
	require.GreaterOrEqual(t, later.AuthorizationData[0].ExpiresAt.Sub(*token.AuthorizationData[0].ExpiresAt).Hours(), 12.0)
	post(t, url+"/_fakeecr/advance?duration=-1h", "", http.StatusBadRequest)
	post(t, url+"/_fakeecr/advance?duration=2500000h", "", http.StatusBadRequest)
	post(t, url+"/_fakeecr/advance", "", http.StatusBadRequest)

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

// post is what is answered with a status.
func post(t *testing.T, url, body string, status int) string {
	t.Helper()
	response, err := http.Post(url, "", strings.NewReader(body))
	require.NoError(t, err)
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, status, response.StatusCode)
	return string(answer)
}

const (
	someKey   = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	hubSecret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf"
)

// TestRunIsToldOfTheWorld: what a Go test says by options is said by flags and
// requests.
func TestRunIsToldOfTheWorld(t *testing.T) {
	url, _ := start(t, "-region", "eu-west-1", "-repository", "team/app",
		"-quota", "repositories per registry=1", "-kms-key", someKey+",DisabledException", "-secret", hubSecret+",access denied")
	api := client(url)

	_, err := api.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/db")})
	require.ErrorContains(t, err, "LimitExceededException: The limit of 1 repositories per registry has been exceeded")
	_, err = api.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/db"),
		EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms, KmsKey: aws.String(someKey)}})
	var disabled *types.KmsException
	require.ErrorAs(t, err, &disabled)
	require.Equal(t, "DisabledException", *disabled.KmsError)
	_, err = api.CreatePullThroughCacheRule(t.Context(), &ecr.CreatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub"),
		UpstreamRegistryUrl: aws.String("registry-1.docker.io"), CredentialArn: aws.String(hubSecret)})
	var denied *types.UnableToAccessSecretException
	require.ErrorAs(t, err, &denied)
}

func TestRunIsToldOfFindings(t *testing.T) {
	url, _ := start(t, "-region", "eu-west-1", "-repository", "team/app", "-scan-duration", "720h")
	api := client(url)
	image := fakeecr.RandomImage(1, 100)
	push(t, api, "team/app", "v1", image)
	for name, c := range map[string]struct {
		image, body string
		status      int
	}{
		"no reference":   {"team", `{"findings":[]}`, http.StatusBadRequest},
		"no findings":    {"team/app:v1", `{}`, http.StatusBadRequest},
		"no JSON":        {"team/app:v1", `name`, http.StatusBadRequest},
		"unknown member": {"team/app:v1", `{"vulnerabilities":[]}`, http.StatusBadRequest},
		"two documents":  {"team/app:v1", `{"findings":[]}{}`, http.StatusBadRequest},
		"no tag":         {"team/app:" + strings.Repeat("v", 301), `{"findings":[]}`, http.StatusBadRequest},
		"no severity":    {"team/app:v1", `{"findings":[{"severity":"SEVERE"}]}`, http.StatusBadRequest},
		"one is wrong":   {"team/app:v2", `{"findings":[],"enhancedFindings":[{"severity":"SEVERE"}]}`, http.StatusBadRequest},
		"two answers":    {"team/app:v1", `{"findings":[],"status":"FAILED"}`, http.StatusBadRequest},
		"no status":      {"team/app:v1", `{"status":"COMPLETE"}`, http.StatusBadRequest},
		"too large":      {"team/app:v1", `{"findings":[]}` + strings.Repeat(" ", 1<<20), http.StatusRequestEntityTooLarge},
		"largest":        {"team/app:v0", `{"findings":[]}` + strings.Repeat(" ", 1<<20-15), http.StatusNoContent},
		// As version 1 and version 2 of the AWS CLI print them.
		"times in seconds": {"team/app:v0", `{"imageScanCompletedAt":1767323045.125,"findings":[],"enhancedFindings":[{"firstObservedAt":1767323045}]}`, http.StatusNoContent},
		"times as texts": {"team/app:v1", `{"imageScanCompletedAt":"2026-01-02T03:04:05+00:00","findingSeverityCounts":{"HIGH":1},
			"findings":[{"name":"CVE-2026-1","severity":"HIGH","attributes":[{"key":"package_name","value":"openssl"}]}],
			"enhancedFindings":[{"title":"CVE-2026-2","severity":"LOW","firstObservedAt":"2026-01-02T03:04:05+00:00","score":2.5}]}`, http.StatusNoContent},
	} {
		t.Run(name, func(t *testing.T) {
			post(t, url+"/_fakeecr/findings?image="+c.image, c.body, c.status)
		})
	}
	id := &types.ImageIdentifier{ImageDigest: aws.String(image.Digest())}
	_, err := api.StartImageScan(t.Context(), &ecr.StartImageScanInput{RepositoryName: aws.String("team/app"), ImageId: id})
	require.NoError(t, err)
	post(t, url+"/_fakeecr/advance?duration=1m", "", http.StatusNoContent)
	out, err := api.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("team/app"), ImageId: id})
	require.NoError(t, err)
	require.Len(t, out.ImageScanFindings.Findings, 1)
	require.Equal(t, "CVE-2026-1", *out.ImageScanFindings.Findings[0].Name)
	require.Equal(t, "openssl", *out.ImageScanFindings.Findings[0].Attributes[0].Value)
	require.Equal(t, map[string]int32{"HIGH": 1}, out.ImageScanFindings.FindingSeverityCounts)

	_, err = api.PutRegistryScanningConfiguration(t.Context(), &ecr.PutRegistryScanningConfigurationInput{
		ScanType: types.ScanTypeEnhanced,
		Rules: []types.RegistryScanningRule{{
			ScanFrequency:     types.ScanFrequencyContinuousScan,
			RepositoryFilters: []types.ScanningRepositoryFilter{{Filter: aws.String("*"), FilterType: types.ScanningRepositoryFilterTypeWildcard}},
		}},
	})
	require.NoError(t, err)
	post(t, url+"/_fakeecr/advance?duration=1m", "", http.StatusNoContent)
	out, err = api.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("team/app"), ImageId: id})
	require.NoError(t, err)
	require.Len(t, out.ImageScanFindings.EnhancedFindings, 1)
	require.Equal(t, "CVE-2026-2", *out.ImageScanFindings.EnhancedFindings[0].Title)
	require.Equal(t, 2.5, out.ImageScanFindings.EnhancedFindings[0].Score)

	status := func() (string, string) {
		out, err := api.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("team/app"), ImageId: id})
		require.NoError(t, err)
		return string(out.ImageScanStatus.Status), aws.ToString(out.ImageScanStatus.Description)
	}
	post(t, url+"/_fakeecr/findings?image=team/app:v1", `{"status":"UNSUPPORTED_IMAGE","description":"from scratch"}`, http.StatusNoContent)
	said, why := status()
	require.Equal(t, "UNSUPPORTED_IMAGE: from scratch", said+": "+why)
	post(t, url+"/_fakeecr/findings?image=team/app:v1", `{"enhancedFindings":[]}`, http.StatusNoContent)
	for _, c := range []struct{ after, want string }{{"1h", "ACTIVE"}, {"718h", "ACTIVE"}, {"2h", "SCAN_ELIGIBILITY_EXPIRED"}} {
		post(t, url+"/_fakeecr/advance?duration="+c.after, "", http.StatusNoContent)
		said, _ = status()
		require.Equal(t, c.want, said)
	}
}

func TestMistakesInFindingsAreNamed(t *testing.T) {
	url, _ := start(t)
	for body, says := range map[string]string{
		`{"findings":[]}{}`:                            "something follows the imageScanFindings: they are one document\n",
		`{"findings":[],"status":"FAILED"}`:            "findings beside the status FAILED: a scan has one or the other\n",
		`{"status":"COMPLETE"}`:                        `a scan without findings ends as one of ["FAILED" "FINDINGS_UNAVAILABLE" "IMAGE_SIZE_EXCEEDED" "LIMIT_EXCEEDED" "UNSUPPORTED_IMAGE"], not as "COMPLETE"` + "\n",
		`{"findings":[]`:                               "no imageScanFindings: unexpected EOF\n",
		`{"findings":[{"severity":"SEVERE"}]}`:         `a finding's severity is one of ["INFORMATIONAL" "LOW" "MEDIUM" "HIGH" "CRITICAL" "UNDEFINED"] or none, not "SEVERE"` + "\n",
		`{"findings":[]}` + strings.Repeat(" ", 1<<20): "the body has more than 1048576 bytes\n",
	} {
		status := http.StatusBadRequest
		if len(body) > 1<<20 {
			status = http.StatusRequestEntityTooLarge
		}
		require.Equal(t, says, post(t, url+"/_fakeecr/findings?image=team/app:v1", body, status))
	}
}

func TestWrittenOut(t *testing.T) {
	seen := time.Date(2026, 1, 2, 3, 4, 5, 125_000_000, time.UTC)
	require.Equal(t,
		map[string]any{"findings": []any{map[string]any{"seenAt": seen, "score": 2.5}}, "updatedAt": "2026-01-02T03:04:05Z"},
		writtenOut("", map[string]any{"findings": []any{map[string]any{"seenAt": 1767323045.125, "score": 2.5}}, "updatedAt": "2026-01-02T03:04:05Z"}))
}

// push pushes an image over the API, as a program in another language does.
func push(t *testing.T, api *ecr.Client, repository, tag string, image fakeecr.Image) {
	t.Helper()
	for _, blob := range image.Blobs {
		begun, err := api.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: &repository})
		require.NoError(t, err)
		_, err = api.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{RepositoryName: &repository, UploadId: begun.UploadId,
			LayerPartBlob: blob, PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(blob) - 1))})
		require.NoError(t, err)
		_, err = api.CompleteLayerUpload(t.Context(), &ecr.CompleteLayerUploadInput{RepositoryName: &repository, UploadId: begun.UploadId,
			LayerDigests: []string{digest.FromBytes(blob).String()}})
		require.NoError(t, err)
	}
	_, err := api.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: &repository, ImageManifest: aws.String(string(image.Manifest)), ImageTag: &tag})
	require.NoError(t, err)
}

func TestRunVerifiesSignatures(t *testing.T) {
	url, _ := start(t, "-sigv4", "any:any", "-sigv4", "session:any:token")
	_, err := client(url).DescribeRepositories(t.Context(), nil)
	require.NoError(t, err)
	signedBy := func(key, token string) error {
		api := ecr.New(ecr.Options{BaseEndpoint: &url, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(key, "any", token)})
		_, err := api.DescribeRepositories(t.Context(), nil)
		return err
	}
	require.NoError(t, signedBy("session", "token"))
	require.ErrorContains(t, signedBy("session", "another"), "UnrecognizedClientException")
	require.ErrorContains(t, signedBy("session", ""), "UnrecognizedClientException")
	require.ErrorContains(t, signedBy("other", ""), "UnrecognizedClientException")
}

// The authority that the program writes is believed, also after a reset, and URIs
// lead to the program.
func TestRunServesTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	url, _ := start(t, "-tls", "-tls-ca", file, "-reachable-uris", "-region", "eu-west-1", "-repository", "team/app")
	host, found := strings.CutPrefix(url, "https://")
	require.True(t, found, url)
	pem, err := os.ReadFile(file)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	api := client(url)
	for range 2 {
		out, err := api.DescribeRepositories(t.Context(), nil, func(o *ecr.Options) { o.HTTPClient = &http.Client{Transport: transport} })
		require.NoError(t, err)
		require.Equal(t, host+"/team/app", *out.Repositories[0].RepositoryUri)
		response, err := (&http.Client{Transport: transport}).Post(url+prefix+"reset", "", nil)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		transport.CloseIdleConnections()
	}
	require.ErrorContains(t, run(t.Context(), []string{"-tls", "-tls-ca", filepath.Dir(file)}, io.Discard, io.Discard), "is a directory")
}

// A page in a browser may call the API, but not steer the program.
func TestRunRegistryEndpoint(t *testing.T) {
	status := func(url, path, user string) (int, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		require.NoError(t, err)
		if user != "" {
			req.SetBasicAuth(user, "any")
		}
		response, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode, response.Header
	}
	ecrs, _ := start(t, "-repository", "team/app", "-registry", "ecr")
	got, header := status(ecrs, "/v2/team/app/tags/list", "AWS")
	require.Equal(t, 401, got)
	require.Equal(t, `Basic realm="`+ecrs+`/",service="ecr.amazonaws.com"`, header.Get("Www-Authenticate"))

	open, _ := start(t, "-repository", "team/app", "-open-registry")
	got, header = status(open, "/v2/team/app/tags/list", "")
	require.Equal(t, 200, got)
	require.Equal(t, "text/plain; charset=utf-8", header.Get("Content-Type"))

	spec, _ := start(t, "-repository", "team/app", "-open-registry", "-registry", "spec")
	got, header = status(spec, "/v2/team/app/tags/list", "")
	require.Equal(t, 200, got)
	require.Equal(t, "application/json", header.Get("Content-Type"))
}

func TestRunOwnRequestsAreNotShared(t *testing.T) {
	url, _ := start(t)
	for path, shared := range map[string]string{"/": "*", prefix + "reset": "", prefix + "trace": "", prefix + "nothing": ""} {
		for _, method := range []string{http.MethodOptions, http.MethodGet} {
			request, err := http.NewRequestWithContext(t.Context(), method, url+path, nil)
			require.NoError(t, err)
			request.Header.Set("Origin", "https://example.com")
			request.Header.Set("Access-Control-Request-Method", http.MethodPost)
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, shared, response.Header.Get("Access-Control-Allow-Origin"), "%s %s", method, path)
		}
	}
}

func TestRunChecksItsArguments(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"account":        {[]string{"-account", "12"}, "12 digits"},
		"region":         {[]string{"-region", "moon"}, "no region"},
		"seed":           {[]string{"-seed", "-1"}, "natural number"},
		"repository":     {[]string{"-repository", "Team"}, "repositoryName"},
		"addr":           {[]string{"-addr", "127.0.0.1"}, "missing port"},
		"registry":       {[]string{"-registry", "docker"}, `as ecr or as spec, not as "docker"`},
		"quota":          {[]string{"-quota", "images=2"}, "no quota"},
		"limit":          {[]string{"-quota", "images per repository"}, "an equals sign"},
		"key":            {[]string{"-kms-key", "alias/mine"}, "no ARN of a KMS key"},
		"secret":         {[]string{"-secret", "hub"}, "no ARN of a secret"},
		"key's state":    {[]string{"-kms-key", someKey + ",Disabled"}, `no state "Disabled", but in one of ["DisabledException" "KMSInvalidStateException" "AccessDeniedException" "NotFoundException"] or enabled`},
		"secret's state": {[]string{"-secret", hubSecret + ",gone"}, `no state "gone", but in one of ["access denied" "undecryptable" "not found"] or readable`},
		"signature":      {[]string{"-sigv4", "key"}, "with colons between them"},
		"token":          {[]string{"-sigv4", "key:secret:"}, "with colons between them"},
		"authority":      {[]string{"-tls-ca", "ca.pem"}, "-tls-ca needs -tls or -proxy"},
		"scan duration":  {[]string{"-scan-duration", "30 days"}, "such as 720h"},
		"no duration":    {[]string{"-scan-duration", "-1h"}, "not scanned for -1h"},
		"toggle":         {[]string{"-reachable-uris=perhaps"}, "invalid boolean value"},
		"host":           {[]string{"-host", "ecr.test:80"}, "without a port"},
		"no host":        {[]string{"-host", ""}, "without a port"},
		"argument":       {[]string{"serve"}, "unexpected arguments"},
		"flag":           {[]string{"-port", "1"}, "not defined"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), c.args, io.Discard, io.Discard)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// The help names the states that a key and a secret may have.
func TestHelp(t *testing.T) {
	var help strings.Builder
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, io.Discard, &help), flag.ErrHelp)
	for _, state := range []fakeecr.KMSKeyState{fakeecr.KeyDisabled, fakeecr.KeyPendingDeletion, fakeecr.KeyAccessDenied, fakeecr.KeyNotFound} {
		require.Contains(t, help.String(), string(state))
	}
	for _, state := range []fakeecr.SecretState{fakeecr.SecretAccessDenied, fakeecr.SecretUndecryptable, fakeecr.SecretNotFound} {
		require.Contains(t, help.String(), string(state))
	}
}
