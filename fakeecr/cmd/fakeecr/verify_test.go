package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/transcript"
	"github.com/fakeecr/ecr/scenarios"
)

// answeredWith is what came of verify.
type answeredWith struct {
	status   int
	out, err string
}

// asking is verify in an environment that would lead a client of AWS elsewhere: no
// variable of it may be heeded but credentials and region, and those by -endpoint aws
// alone.
func asking(t *testing.T) (*verification, *bytes.Buffer, *bytes.Buffer) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:1", "AWS_PROFILE": "production",
		"AWS_ACCESS_KEY_ID": "AKIAHOSTILE", "AWS_SECRET_ACCESS_KEY": "hostile", "AWS_SESSION_TOKEN": "hostile",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_CA_BUNDLE": "/nowhere",
	} {
		t.Setenv(name, value)
	}
	var out, errs bytes.Buffer
	return &verification{
		console:     console{in: strings.NewReader(""), out: &out, err: &errs},
		environment: os.Getenv,
		run: func(context.Context, []string, string, ...string) ([]byte, error) {
			return nil, errors.New("no program is run")
		},
		transport: onlyLoopback{overSockets()},
		pause:     func(ctx context.Context, d time.Duration) error { return ctx.Err() },
	}, &out, &errs
}

// onlyLoopback carries requests to this machine, and fails a test that sends others.
type onlyLoopback struct{ next http.RoundTripper }

func (o onlyLoopback) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Hostname() != "127.0.0.1" || req.URL.Port() == "1" {
		panic("a request to " + req.URL.String())
	}
	return o.next.RoundTrip(req)
}

// verified runs verify, whose statements are those of a text if there is one.
func verified(t *testing.T, text string, set func(*verification), args ...string) answeredWith {
	t.Helper()
	v, out, errs := asking(t)
	if text != "" {
		file, err := transcript.Parse("statements.txt", text)
		require.NoError(t, err)
		v.files = []*transcript.File{file}
	}
	if set != nil {
		set(v)
	}
	status := v.main(t.Context(), args)
	return answeredWith{status, out.String(), errs.String()}
}

// Without an endpoint the fake itself is asked, and all holds.
func TestVerifyItself(t *testing.T) {
	a := verified(t, "", nil)
	require.Equal(t, allHeld, a.status, a.out+a.err)
	require.Regexp(t, `(?m)^ +all +(\d+) +0 +0 +0 +0 +(\d+)$`, a.out)
}

func TestVerifyFlags(t *testing.T) {
	for args, mistake := range map[string]string{
		"-endpoint aws": "-endpoint aws needs -account",
		"-account 12":   `an account is 12 digits, not "12"`,
		"-region mars":  `"mars" is no region`,
		"-region eu-west-1 -second-region eu-west-1": "the second region is another one",
		"-second-region us-east-1":                   "the second region is another one",
		"-status guessed":                            `-status is recorded, documented, model or chosen, not "guessed"`,
		"-run (":                                     "-run: error parsing regexp",
		"-run nothing/nowhere":                       "no statement is asked for",
		"-sweep":                                     "-sweep and -record need -endpoint",
		"-v2 http://127.0.0.1:1":                     "-v2 needs -endpoint",
		"more":                                       "unexpected arguments: more",
		"-endpoint localhost:4510":                   `-endpoint: "localhost:4510" is no URL`,
		"-endpoint http://127.0.0.1:9/ecr":           `has a path`,
		"-endpoint https://api.ecr.us-east-1.amazonaws.com":     "this is Amazon ECR, which is asked by -endpoint aws and -account",
		"-endpoint https://ecr.us-east-1.api.aws":               "this is Amazon ECR, which is asked by -endpoint aws and -account",
		"-endpoint https://api.ecr.cn-north-1.amazonaws.com.cn": "this is Amazon ECR, which is asked by -endpoint aws and -account",
	} {
		a := verified(t, "", func(v *verification) { v.transport = nil }, strings.Fields(args)...)
		require.Equal(t, notDone, a.status, args)
		require.Contains(t, a.err, mistake, args)
	}
	require.Equal(t, allHeld, verified(t, "", nil, "-help").status)
}

func TestVerifyLists(t *testing.T) {
	a := verified(t, mixed, func(v *verification) { v.transport = nil }, "-list", "-endpoint", "aws", "-account", "123456789012")
	require.Equal(t, allHeld, a.status, a.err)
	require.Equal(t, `statements/A repository is made. (model: CreateRepository)
statements/Its name is another. (chosen: nothing is known)
statements/A day passes. (documented: a page); needs a clock that can be moved, -settings, the registry endpoint, -second-region

3 statements: about 10 calls, 3 repositories, 0 images of some KB, 0 rules and templates
`, a.out)
	a = verified(t, mixed, nil, "-list", "-status", "chosen,documented", "-run", "name|clock")
	require.Contains(t, a.out, "1 statements:")
}

// mixed is three statements, one of which does not hold.
const mixed = `# A repository is made.
# model: CreateRepository
> CreateRepository {"repositoryName": "$repo"}
< {"repository": {"repositoryName": "$repo", ...}}

# Its name is another.
# chosen: nothing is known
> CreateRepository {"repositoryName": "$repo", "imageTagMutability": "IMMUTABLE"}
< {"repository": {"repositoryName": "$repo2", "createdAt": "<time>", "imageTagMutability": "IMMUTABLE",
    "repositoryArn": "arn:aws:ecr:$region:$account:repository/$repo2", ...}}
> DescribeRepositories {"repositoryNames": ["$repo2"]}
< 400 RepositoryNotFoundException "It is away"

# A day passes.
# documented: a page
> CreateRepository {"repositoryName": "$repo"}
> PutAccountSetting {"name": "BLOB_MOUNTING", "value": "ENABLED"}
> In $region2 DescribeRegistry
> wait 24h
> GET /v2/
< 200
`

func TestVerifySays(t *testing.T) {
	url, _ := start(t)
	a := verified(t, mixed, nil, "-endpoint", url)
	require.Equal(t, somethingDiffers, a.status, a.err)
	require.Regexp(t, regexp.MustCompile(`^differs: statements/Its name is another. \(chosen: nothing is known\)
  statements.txt:9: repository.repositoryName: want "fakeecr-verify/(\w{5})/2/app2", got "fakeecr-verify/\w{5}/2/app"
  statements.txt:9: repository.repositoryArn: want "arn:aws:ecr:us-east-1:123456789012:repository/fakeecr-verify/\w{5}/2/app2", got "arn:aws:ecr:us-east-1:123456789012:repository/fakeecr-verify/\w{5}/2/app"
  statements.txt:12: message: want "It is away", got "The repository with name 'fakeecr-verify/\w{5}/2/app2' does not exist in the registry with id '123456789012'"

      status  held  differs  broken  not there  skipped  all
    recorded     0        0       0          0        0    0
  documented     0        0       0          0        1    1
       model     1        0       0          0        0    1
      chosen     0        1       0          0        0    1
         all     1        1       0          0        1    3
skipped 1: it needs a clock that can be moved
5 calls
$`), a.out)
	require.Regexp(t, `account 123456789012, us-east-1: 2 statements: about 5 calls, 2 repositories, 0 images of some KB, 0 rules and templates; 1 are skipped.\n.*fakeecr-verify/\w{5}/ and is taken away`, a.err)
	require.Equal(t, allHeld, verified(t, mixed, nil, "-endpoint", url, "-status", "model").status)
	a = verified(t, mixed, nil, "-endpoint", url, "-status", "model", "-v")
	require.Regexp(t, `> CreateRepository \{"repositoryName":"fakeecr-verify/\w{5}/1/app"\}\n< 200 `, a.out)
}

// The registry endpoint may be elsewhere, or nowhere; a token is not printed.
func TestVerifyAsksTheRegistryEndpoint(t *testing.T) {
	const text = "# Its check is answered.\n# model: x\n> GetAuthorizationToken\n> GET /v2/\n< 200\n"
	url, _ := start(t)
	elsewhere, _ := start(t, "-open-registry")
	a := verified(t, text, nil, "-endpoint", url, "-v2", elsewhere, "-v")
	require.Equal(t, allHeld, a.status, a.out+a.err)
	require.Contains(t, a.out, "> GetAuthorizationToken {}\n< 200, and a token\n")
	nowhere := httptest.NewServer(http.NotFoundHandler())
	defer nowhere.Close()
	a = verified(t, text, nil, "-endpoint", url, "-v2", nowhere.URL)
	require.Equal(t, somethingDiffers, a.status, a.err)
	require.Contains(t, a.out, "not there: statements/Its check is answered. (model)\n  the registry endpoint: GET /v2/ is answered 404 404 page not found\n")
}

// On a terminal a line says how far it is, and is taken away again.
func TestVerifyProgress(t *testing.T) {
	a := verified(t, mixed, func(v *verification) { v.live = true }, "-status", "model,chosen")
	require.Equal(t, "\r\x1b[K0 played, 2 left: statements/A repository is made.\r\x1b[K\r\x1b[K1 played, 1 left: statements/Its name is another.\r\x1b[K", a.err)
}

// What was answered is written in the place of what was claimed, and nothing that
// nobody allowed.
func TestVerifyRecords(t *testing.T) {
	url, _ := start(t)
	directory := t.TempDir()
	a := verified(t, mixed, nil, "-endpoint", url, "-record", directory)
	require.Equal(t, somethingDiffers, a.status, a.err)
	require.Contains(t, a.out, "; 2 texts that nobody allowed are <any> there\n")
	read := func() string {
		text, err := os.ReadFile(filepath.Join(directory, "statements.txt"))
		require.NoError(t, err)
		return string(text)
	}
	today := time.Now().UTC().Format(time.DateOnly)
	expected := strings.NewReplacer(
		"# model: CreateRepository", "# recorded: "+url+" in us-east-1, "+today+"; it was model: CreateRepository",
		"# chosen: nothing is known", "# recorded: "+url+" in us-east-1, "+today+"; it was chosen: nothing is known",
		`"repositoryName": "$repo2", "createdAt": "<time>", "imageTagMutability": "IMMUTABLE",
    "repositoryArn": "arn:aws:ecr:$region:$account:repository/$repo2"`, `"repositoryName": "$repo", "createdAt": "<time>", "imageTagMutability": "IMMUTABLE", "repositoryArn": "<any>"`,
		"It is away", "<any>",
	).Replace(mixed)
	require.Equal(t, expected, read())

	a = verified(t, mixed, func(v *verification) {
		v.asks, v.in = true, strings.NewReader("y\ny\ny\n")
	}, "-endpoint", url, "-record", directory)
	require.Contains(t, a.err, "message is a text that is in no statement yet:\n  \"The repository with name '$repo2' does not exist in the registry with id '$account'\"")
	require.Contains(t, read(), `< 400 RepositoryNotFoundException "The repository with name '$repo2' does not exist in the registry with id '$account'"`)
	require.NotContains(t, a.out, "nobody allowed")

	recorded := read()
	a = verified(t, recorded, nil, "-endpoint", url)
	require.Equal(t, allHeld, a.status, a.out+a.err)
}

// bystanders is a registry with somebody's things in it.
func bystanders(t *testing.T, api fakeecr.API) {
	ctx := t.Context()
	_, err := api.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("prod/app"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
	require.NoError(t, err)
	_, err = api.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("prod/app"), PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}`)})
	require.NoError(t, err)
	_, err = api.PutRegistryPolicy(ctx, &ecr.PutRegistryPolicyInput{PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Action":["ecr:ReplicateImage"],"Resource":["arn:aws:ecr:us-east-1:123456789012:repository/*"]}]}`)})
	require.NoError(t, err)
	_, err = api.PutReplicationConfiguration(ctx, &ecr.PutReplicationConfigurationInput{ReplicationConfiguration: &types.ReplicationConfiguration{Rules: []types.ReplicationRule{{Destinations: []types.ReplicationDestination{{Region: aws.String("us-west-2"), RegistryId: aws.String("123456789012")}}}}}})
	require.NoError(t, err)
	_, err = api.PutAccountSetting(ctx, &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("ENABLED")})
	require.NoError(t, err)
	_, err = api.CreatePullThroughCacheRule(ctx, &ecr.CreatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("mirror"), UpstreamRegistryUrl: aws.String("public.ecr.aws")})
	require.NoError(t, err)
}

// whatLies is all that a registry shows, as one text.
func whatLies(t *testing.T, api fakeecr.API) string {
	var all strings.Builder
	ctx := context.Background()
	show := func(out any, err error) {
		if err != nil {
			var refused smithy.APIError
			require.ErrorAs(t, err, &refused)
			all.WriteString(refused.ErrorCode() + "\n")
			return
		}
		reflect.ValueOf(out).Elem().FieldByName("ResultMetadata").SetZero()
		text, err := json.MarshalIndent(out, "", " ")
		require.NoError(t, err)
		all.Write(append(text, '\n'))
	}
	name := aws.String("prod/app")
	show(api.DescribeRepositories(ctx, nil))
	show(api.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: name}))
	show(api.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: name}))
	show(api.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecr:us-east-1:123456789012:repository/prod/app")}))
	show(api.GetRegistryPolicy(ctx, nil))
	show(api.DescribeRegistry(ctx, nil))
	show(api.GetRegistryScanningConfiguration(ctx, nil))
	show(api.GetSigningConfiguration(ctx, nil))
	for _, name := range []string{"BASIC_SCAN_TYPE_VERSION", "REGISTRY_POLICY_SCOPE", "BLOB_MOUNTING"} {
		show(api.GetAccountSetting(ctx, &ecr.GetAccountSettingInput{Name: aws.String(name)}))
	}
	show(api.ListPullTimeUpdateExclusions(ctx, nil))
	show(api.DescribePullThroughCacheRules(ctx, nil))
	show(api.DescribeRepositoryCreationTemplates(ctx, nil))
	return all.String()
}

// All statements that come with the program are played against the program as if it
// were ECR. What lies there lies there afterwards: undisturbed, with answers lost, and
// interrupted.
func TestVerifyLeavesWhatLiesThere(t *testing.T) {
	url, _ := start(t)
	api := ecr.New(ecr.Options{BaseEndpoint: aws.String(url), Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "123456789012", SecretAccessKey: "any"}, nil
	})})
	bystanders(t, api)
	was := whatLies(t, api)
	arguments := []string{"-endpoint", url, "-settings", "-second-region", "eu-west-1"}

	passes := func(v *verification) {
		v.pause = func(ctx context.Context, d time.Duration) error {
			post(t, url+"/_fakeecr/advance?duration="+d.String(), "", http.StatusNoContent)
			return ctx.Err()
		}
	}
	a := verified(t, "", passes, arguments...)
	require.NotEqual(t, notDone, a.status, a.out+a.err)
	require.Regexp(t, `(?m)^ +all +\d+ +0 +0 +0 +\d+ +\d+$`, a.out)
	require.Equal(t, was, whatLies(t, api))

	post(t, url+"/_fakeecr/scenario", `{"rules": [{"on": "*", "when": {"every": 7}, "do": {"drop": true}}]}`, http.StatusCreated)
	a = verified(t, "", nil, arguments...)
	require.Equal(t, somethingDiffers, a.status, a.out+a.err)
	require.Contains(t, a.out, "was not answered")
	response, err := http.DefaultClient.Do(must(http.NewRequest(http.MethodDelete, url+"/_fakeecr/scenario/1", nil)))
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, was, whatLies(t, api))

	for _, after := range []int{1, 10, 50, 100, 150} {
		v, out, errs := asking(t)
		ctx, interrupt := context.WithCancel(t.Context())
		calls := 0
		v.transport = counted{v.transport, func() {
			if calls++; calls == after {
				interrupt()
			}
		}}
		require.Equal(t, notDone, v.main(ctx, arguments), out.String()+errs.String())
		require.Contains(t, errs.String(), "nothing was left behind")
		require.Equal(t, was, whatLies(t, api), "interrupted after %d calls", after)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// counted tells of each request that is answered.
type counted struct {
	next http.RoundTripper
	told func()
}

func (c counted) RoundTrip(req *http.Request) (*http.Response, error) {
	defer c.told()
	return c.next.RoundTrip(req)
}

// asECR has verify find a registry where ECR is.
func asECR(r *fakeecr.Registry) func(*verification) {
	return func(v *verification) {
		v.transport = r.Transport()
		v.pause = func(ctx context.Context, d time.Duration) error {
			r.Advance(d)
			return ctx.Err()
		}
	}
}

// ECR is asked by its own names and by signatures of the caller's, and only for the
// account that was named.
func TestVerifyAWS(t *testing.T) {
	callers := aws.Credentials{AccessKeyID: "AKIAHOSTILE", SecretAccessKey: "hostile", SessionToken: "hostile", AccountID: "210987654321"}
	registry := fakeecr.New(t, fakeecr.WithAccount("210987654321"), fakeecr.WithRegion("eu-central-1"), fakeecr.WithSigV4(callers))
	bystanders(t, registry)
	was := whatLies(t, registry.Inspect()[0])
	arguments := []string{"-endpoint", "aws", "-region", "eu-central-1", "-account", "210987654321", "-settings", "-second-region", "eu-west-1"}

	a := verified(t, "", asECR(registry), arguments...)
	require.NotEqual(t, notDone, a.status, a.out+a.err)
	require.Regexp(t, `(?m)^ +all +\d+ +0 +0 +0 +\d+ +\d+$`, a.out)
	require.Contains(t, a.err, "Cost: ")
	require.Equal(t, was, whatLies(t, registry.Inspect()[0]))
	for _, call := range registry.Trace() {
		if call.Face == scenarios.FaceAPI {
			require.Equal(t, "arn:aws:iam::210987654321:user/fakeecr", call.Caller, call.Operation)
		}
	}

	before := len(registry.Trace())
	a = verified(t, "", asECR(registry), "-endpoint", "aws", "-region", "eu-central-1", "-account", "123456789012")
	require.Equal(t, notDone, a.status)
	require.Contains(t, a.err, "the registry is that of account 210987654321, and not of 123456789012: nothing was asked of it")
	require.Equal(t, []string{"DescribeRegistry"}, operations(registry.Trace()[before:]))
}

func operations(trace scenarios.Trace) (names []string) {
	for _, call := range trace {
		names = append(names, call.Operation)
	}
	return names
}

// Credentials are asked for once -account is there, and of nobody but the environment
// and the CLI, which is kept from metadata addresses.
func TestVerifyCredentials(t *testing.T) {
	registry := fakeecr.New(t, fakeecr.WithSigV4(aws.Credentials{AccessKeyID: "AKIACLI", SecretAccessKey: "secret"}))
	var ran []string
	a := verified(t, mixed, func(v *verification) {
		asECR(registry)(v)
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		v.run = func(_ context.Context, environment []string, name string, args ...string) ([]byte, error) {
			ran = append(ran, name+" "+strings.Join(args, " "))
			require.Contains(t, environment, "AWS_EC2_METADATA_DISABLED=true")
			require.NotContains(t, strings.Join(environment, "\n"), "AWS_CONTAINER_")
			return []byte(`{"Version": 1, "AccessKeyId": "AKIACLI", "SecretAccessKey": "secret"}`), nil
		}
	}, "-endpoint", "aws", "-account", "123456789012", "-status", "model")
	require.Equal(t, allHeld, a.status, a.err)
	require.Equal(t, []string{"aws configure export-credentials --format process"}, ran)

	a = verified(t, mixed, func(v *verification) {
		asECR(registry)(v)
		t.Setenv("AWS_ACCESS_KEY_ID", "")
	}, "-endpoint", "aws", "-account", "123456789012")
	require.Equal(t, notDone, a.status)
	require.Contains(t, a.err, "no credentials")

	// Those of the environment go to no emulator.
	url, _ := start(t)
	a = verified(t, mixed, func(v *verification) {
		v.transport = counted{withoutKey{t, v.transport}, func() {}}
	}, "-endpoint", url, "-status", "model")
	require.Equal(t, allHeld, a.status, a.err)
}

// withoutKey fails a test whose request has the environment's key.
type withoutKey struct {
	t    *testing.T
	next http.RoundTripper
}

func (w withoutKey) RoundTrip(req *http.Request) (*http.Response, error) {
	require.NotContains(w.t, req.Header.Get("Authorization"), "HOSTILE")
	require.Empty(w.t, req.Header.Get("X-Amz-Security-Token"))
	return w.next.RoundTrip(req)
}

// No metadata address is asked, not even if an answer names one.
func TestMetadataIsNotAsked(t *testing.T) {
	for _, address := range []string{"169.254.169.254:80", "169.254.170.2:80", "[fd00:ec2::254]:80", "[fe80::1%lo]:80", "[::ffff:169.254.169.254]:80"} {
		require.ErrorContains(t, refuseMetadata("tcp", address, nil), "which is not asked", address)
	}
	require.NoError(t, refuseMetadata("tcp", "127.0.0.1:4510", nil))
	t.Setenv("HTTP_PROXY", "http://169.254.169.254")
	_, err := overSockets().RoundTrip(must(http.NewRequest(http.MethodGet, "http://169.254.169.254/latest/meta-data/", nil)))
	require.ErrorContains(t, err, "which is not asked")
}

// A run that was killed while settings were others keeps the next from beginning, until
// they are put back.
func TestVerifySweeps(t *testing.T) {
	registry := fakeecr.New(t)
	bystanders(t, registry)
	was := whatLies(t, registry.Inspect()[0])
	arguments := []string{"-endpoint", "aws", "-account", "123456789012"}
	cache := t.TempDir()
	here := func(v *verification) {
		asECR(registry)(v)
		t.Setenv("XDG_CACHE_HOME", cache)
	}
	killed := `# All is put.
# model: x
> CreateRepository {"repositoryName": "$repo"}
> CreatePullThroughCacheRule {"ecrRepositoryPrefix": "$base", "upstreamRegistryUrl": "public.ecr.aws"}
> PutAccountSetting {"name": "BLOB_MOUNTING", "value": "DISABLED"}
> DeleteRegistryPolicy
> DescribeRegistry
< {...}
`
	v, _, _ := asking(t)
	here(v)
	file, err := transcript.Parse("a.txt", killed)
	require.NoError(t, err)
	v.files = []*transcript.File{file}
	calls := 0
	v.transport = counted{v.transport, func() {
		if calls++; calls == 7 {
			panic("killed")
		}
	}}
	require.PanicsWithValue(t, "killed", func() { v.main(t.Context(), append(arguments, "-settings")) })
	require.NotEqual(t, was, whatLies(t, registry.Inspect()[0]))

	a := verified(t, killed, here, arguments...)
	require.Equal(t, notDone, a.status)
	require.Contains(t, a.err, "an earlier run was killed while settings were others")
	a = verified(t, "", here, append(arguments, "-sweep")...)
	require.Equal(t, allHeld, a.status, a.err)
	require.Regexp(t, `^settings were put back as they were\ntaken away in us-east-1: fakeecr-verify/\w{5}/1\ntaken away in us-east-1: fakeecr-verify/\w{5}/1/app\n$`, a.out)
	require.Equal(t, was, whatLies(t, registry.Inspect()[0]))
	require.Equal(t, allHeld, verified(t, killed, here, append(arguments, "-settings")...).status)
}
