package fakeecr_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

const (
	anyKey = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	aURI   = faces.RegistryHost + "/team/app:v1"
)

// Findings of a severity that no scanner knows.
var (
	severe         = types.ImageScanFinding{Severity: "Severe"}
	enhancedSevere = types.EnhancedImageScanFinding{Severity: aws.String("Severe")}
)

// mistakes are those that a test makes in how it uses the fake, each in one line,
// and what the fake says of them.
var mistakes = map[string]struct {
	make func(fakeecr.TB)
	says string
}{
	"account":                {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithAccount("1")) }, "12 digits"},
	"region":                 {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithRegion("")) }, "no region"},
	"quota":                  {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithQuota("luck", 1)) }, `no quota of "luck", but of ["bytes per layer" "filters per`},
	"negative quota":         {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithQuota(fakeecr.TagsPerImage, -1)) }, "the quota of tags per image cannot be -1"},
	"quota beyond the model": {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithQuota(fakeecr.SigningRules, 11)) }, "the quota of signing rules cannot be 11"},
	"neighbour":              {func(tb fakeecr.TB) { fakeecr.New(tb).In("here") }, "no region"},
	"other account":          {func(tb fakeecr.TB) { fakeecr.New(tb).Account("me") }, "12 digits"},
	"rule":                   {func(tb fakeecr.TB) { fakeecr.New(tb).Play(neverPlayed.Within(1)).Fired(neverPlayed[0]) }, `the rule "PutImage loses its reply" is not one of the scenario's`},
	"clock":                  {func(tb fakeecr.TB) { fakeecr.New(tb).Advance(-time.Hour) }, "advance by -1h0m0s: the clock never runs backwards"},
	"end of time":            {func(tb fakeecr.TB) { fakeecr.New(tb).Advance(math.MaxInt64) }, "cannot pass the year 2261"},
	"option of a fork":       {func(tb fakeecr.TB) { fakeecr.New(tb).Fork(tb, fakeecr.WithAccount("")) }, "12 digits"},
	"url":                    {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithUpstream("docker.io", faces.Failing{})) }, `no upstream "docker.io"`},
	"function upstream":      {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamFunc(nil))) }, `WithUpstream of a nil upstream for "quay.io"`},
	"upstream":               {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithUpstream("quay.io", nil)) }, `WithUpstream of a nil upstream for "quay.io"`},
	"a registry's pointer":   {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithUpstream("quay.io", &fakeecr.UpstreamRegistry{})) }, `an UpstreamRegistry without a Transport for "quay.io"`},
	"registry upstream":      {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamRegistry{})) }, `an UpstreamRegistry without a Transport for "quay.io"`},
	"key":                    {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithKMSKey("1234", "")) }, "no ARN of a KMS key"},
	"a key":                  {func(tb fakeecr.TB) { fakeecr.New(tb).SetKMSKey("1234", "") }, "no ARN of a KMS key"},
	"secret":                 {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithSecret("hub", "")) }, "no ARN of a secret"},
	"a secret":               {func(tb fakeecr.TB) { fakeecr.New(tb).SetSecret("hub", "") }, "no ARN of a secret"},
	"state of a key":         {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithKMSKey(anyKey, "Disabled")) }, `a KMS key is in no state "Disabled", but in one of ["DisabledException" `},
	"a state of a key":       {func(tb fakeecr.TB) { fakeecr.New(tb).SetKMSKey(anyKey, "Disabled") }, `a KMS key is in no state "Disabled", but in one of ["DisabledException" `},
	"state of a secret":      {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithSecret(faces.HubSecret, "gone")) }, `a secret is in no state "gone", but in one of ["access denied" `},
	"a state of a secret":    {func(tb fakeecr.TB) { fakeecr.New(tb).SetSecret(faces.HubSecret, "gone") }, `a secret is in no state "gone", but in one of ["access denied" `},
	"calls":                  {func(tb fakeecr.TB) { fakeecr.New(tb).Calls("PutImages") }, `ECR has no operation "PutImages"`},
	"count":                  {func(tb fakeecr.TB) { fakeecr.New(tb).Count("putImage") }, `ECR has no operation "putImage"`},
	"count of a server":      {func(tb fakeecr.TB) { fakeecr.NewServer(tb).Count("") }, `ECR has no operation ""`},
	"option":                 {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithSeed(1), nil) }, "option 2 of 2 is nil"},
	"scan duration":          {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithScanDuration(-time.Hour)) }, "images are not scanned for -1h0m0s"},
	"scan status":            {func(tb fakeecr.TB) { fakeecr.New(tb).SetScanStatus("team/app:v1", "COMPLETE", "") }, `a scan without findings ends as one of ["FAILED" "FINDINGS_UNAVAILABLE" "IMAGE_SIZE_EXCEEDED" "LIMIT_EXCEEDED" "UNSUPPORTED_IMAGE"], not as "COMPLETE"`},
	"status of no image":     {func(tb fakeecr.TB) { fakeecr.New(tb).SetScanStatus("team/app", "FAILED", "") }, `not "team/app"`},
	"scanner":                {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithScanner(nil)) }, "WithScanner of a nil function"},
	"enhanced scanner":       {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithEnhancedScanner(nil)) }, "WithEnhancedScanner of a nil function"},
	"scenario":               {func(tb fakeecr.TB) { fakeecr.New(tb).Play(scenarios.Scenario{scenarios.On("PutLayer").Drop()}) }, `ECR has no operation "PutLayer"`},
	"scenario of an option":  {func(tb fakeecr.TB) { fakeecr.New(tb, fakeecr.WithScenario(scenarios.Throttle("PutLayer", 1))) }, `ECR has no operation "PutLayer"`},
	"scenario of a server":   {func(tb fakeecr.TB) { fakeecr.NewServer(tb, fakeecr.WithScenario(scenarios.Scenario{nil})) }, "rule 1 of the scenario is nil"},
	"scenario of a fork":     {func(tb fakeecr.TB) { fakeecr.New(tb).Fork(tb, fakeecr.WithScenario(scenarios.Throttle("PutImage", 0))) }, "turns count from 1"},
	"neighbour of a server":  {func(tb fakeecr.TB) { fakeecr.NewServer(tb).In("here") }, "no region"},
	"account of a server":    {func(tb fakeecr.TB) { fakeecr.NewServer(tb).Account("me") }, "12 digits"},
	"caller":                 {func(tb fakeecr.TB) { fakeecr.New(tb).As("me") }, "not the ARN of a user"},
	"caller of a server":     {func(tb fakeecr.TB) { fakeecr.NewServer(tb).As("me") }, "not the ARN of a user"},
	"push":                   {func(tb fakeecr.TB) { fakeecr.New(tb).MustPush("team/app:v1", fakeecr.Image{}) }, "push team/app:v1: "},
	"push to a server":       {func(tb fakeecr.TB) { fakeecr.NewServer(tb).MustPush("Team", fakeecr.RandomImage(1, 1)) }, "push Team: "},
	"push to a URI":          {func(tb fakeecr.TB) { fakeecr.New(tb).MustPush(aURI, fakeecr.RandomImage(1)) }, `a repository name is wanted, not a URI: "team/app:v1", not "` + aURI + `"`},
	"push to a local URI":    {func(tb fakeecr.TB) { fakeecr.New(tb).MustPush("127.0.0.1:4511/team/app", fakeecr.RandomImage(1)) }, `not a URI: "team/app", not`},
	"push to a URL":          {func(tb fakeecr.TB) { fakeecr.New(tb).MustPush("https://ecr/team/app:v1", fakeecr.RandomImage(1)) }, `not a URI: "team/app:v1", not`},
	"findings of a URI":      {func(tb fakeecr.TB) { fakeecr.New(tb).SetScanFindings(aURI) }, `not a URI: "team/app:v1", not`},
	"severity":               {func(tb fakeecr.TB) { fakeecr.New(tb).SetScanFindings("team/app:v1", severe) }, `a finding's severity is one of ["INFORMATIONAL"`},
	"enhanced severity":      {func(tb fakeecr.TB) { fakeecr.New(tb).SetEnhancedScanFindings("team/app:v1", enhancedSevere) }, `"UNTRIAGED"] or none, not "Severe"`},
}

func TestMistakes(t *testing.T) {
	for name, c := range mistakes {
		t.Run(name, func(t *testing.T) {
			var tb faces.RecordingTB
			require.PanicsWithError(t, "fatal", func() { c.make(&tb) })
			require.Contains(t, tb.End(), c.says)
			require.Panics(t, func() { c.make(nil) }, "without a test")
			var none *testing.T
			require.Panics(t, func() { c.make(none) }, "with a typed nil")
		})
	}
}

// A mistake ends the test at the line that makes it, as a run of the mistakes in
// a process of its own shows.
func TestMistakesAreReportedWhereTheyAreMade(t *testing.T) {
	const child = "FAKEECR_MAKES_MISTAKES"
	if os.Getenv(child) != "" {
		for name, c := range mistakes {
			t.Run(name, func(t *testing.T) { c.make(t) })
		}
		t.Run("silent rule", silentRule)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), child+"=1")
	output, err := cmd.CombinedOutput()
	require.Error(t, err)
	for _, c := range mistakes {
		require.Regexp(t, regexp.QuoteMeta(lineOf(c.make)+": fakeecr: ")+".*"+regexp.QuoteMeta(c.says), string(output))
	}
	require.Contains(t, string(output), lineOf(silentRule)+`: fakeecr: the rule "PutImage loses its reply" never fired`)
}

func silentRule(t *testing.T) { fakeecr.New(t, fakeecr.WithScenario(neverPlayed)) }

var neverPlayed = scenarios.Scenario{scenarios.On("PutImage").Drop()}

// lineOf is the file and the line of a function that takes one.
func lineOf(function any) string {
	pc := reflect.ValueOf(function).Pointer()
	file, line := runtime.FuncForPC(pc).FileLine(pc)
	return fmt.Sprintf("%s:%d", filepath.Base(file), line)
}

// A layer of a negative size is no mistake of a registry's, as it has none yet.
func TestRandomImageOfANegativeSize(t *testing.T) {
	require.PanicsWithValue(t, "fakeecr: RandomImage with a layer of -1 bytes", func() { fakeecr.RandomImage(1, 2, -1) })
}

func TestLogOfATestWithoutCalls(t *testing.T) {
	var tb faces.RecordingTB
	fakeecr.New(&tb, fakeecr.WithSeed(42)).MustPush("team/app:v1", fakeecr.RandomImage(1, 1))
	tb.Fail()
	require.Equal(t, "fakeecr: seed 42, no calls: the code never reached the fake", tb.End())

	// A mistake says itself why there were none.
	tb = faces.RecordingTB{}
	require.Panics(t, func() { fakeecr.New(&tb, fakeecr.WithScenario(scenarios.Scenario{scenarios.On("PutImages").Hold()})) })
	require.NotContains(t, tb.End(), "never reached")
}
