package fakeecr_test

import (
	"flag"
	"html"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestArtifacts runs tests that fail in a process of its own, with and without
// -artifacts.
func TestArtifacts(t *testing.T) {
	const child = "FAKEECR_LEAVES_ARTIFACTS"
	if os.Getenv(child) != "" {
		t.Run("fails", failsWithCalls)
		t.Run("passes", func(t *testing.T) { faces.Create(t, fakeecr.New(t), faces.App) })
		t.Run("has two worlds", func(t *testing.T) {
			faces.Create(t, fakeecr.New(t), faces.App)
			fakeecr.New(t)
			t.Fail()
		})
		t.Run("has a silent rule", func(t *testing.T) {
			faces.Create(t, fakeecr.New(t, fakeecr.WithScenario(scenarios.Throttle("PutImage", 1))), faces.App)
		})
		return
	}
	if flag.Lookup("test.artifacts") == nil {
		t.Skip("tests leave artifacts from Go 1.26 on")
	}
	run := func(t *testing.T, flags ...string) (log string, reports map[string]string) {
		directory := t.TempDir()
		cmd := exec.Command(os.Args[0], append([]string{"-test.run", "^TestArtifacts$", "-test.outputdir", directory}, flags...)...)
		cmd.Env = append(os.Environ(), child+"=1")
		output, err := cmd.CombinedOutput()
		require.Error(t, err)
		reports = map[string]string{}
		require.NoError(t, filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			reports[path] = string(text)
			return err
		}))
		return string(output), reports
	}
	t.Run("not asked for", func(t *testing.T) {
		log, reports := run(t)
		require.Empty(t, reports)
		require.Contains(t, log, "fakeecr: seed 42, the last 3 of 3 calls")
		require.NotContains(t, log, ".html")
	})
	t.Run("asked for", func(t *testing.T) {
		log, reports := run(t, "-test.artifacts")
		require.Contains(t, log, "fakeecr: seed 42, the last 3 of 3 calls")
		var names []string
		for path, text := range reports {
			names = append(names, filepath.Base(path))
			require.Contains(t, log, path)
			require.NotContains(t, text, "<script")
			require.NotRegexp(t, regexp.MustCompile(`(src|href|url\()\s*[=(]`), text, "it needs no other file")
		}
		require.ElementsMatch(t, []string{"fakeecr.html", "fakeecr.html", "fakeecr-2.html", "fakeecr.html"}, names)
		requireReport(t, reports)
		requireReasons(t, log, reports)
	})
}

// failsWithCalls is a test that fails after a throttled push.
func failsWithCalls(t *testing.T) {
	registry := fakeecr.New(t, fakeecr.WithSeed(42), fakeecr.WithScenario(scenarios.Throttle("PutImage", 1)))
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 3000))
	faces.UpdateStorage(t, registry, registry.MustPush("team/app:old", fakeecr.RandomImage(2, 100)), types.TargetStorageClassArchive)
	registry.PutImage(t.Context(), &ecr.PutImageInput{
		RepositoryName: aws.String("team/app"), ImageManifest: aws.String(`{"note":"</pre><script>"}`), ImageTag: aws.String("v2"),
	})
	_, err := registry.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{
		RepositoryName: aws.String("team/app"), PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}`),
	})
	if err == nil {
		t.Fail()
	}
}

// requireReport holds that one of the reports tells of failsWithCalls.
func requireReport(t *testing.T, reports map[string]string) {
	t.Helper()
	for _, text := range reports {
		if !strings.Contains(text, "TestArtifacts/fails") {
			continue
		}
		text = html.UnescapeString(text)
		for _, says := range []string{
			"<dd>42</dd>", "ThrottlingException", "Rate exceeded", "throttle PutImage 1 times",
			"{\n  \"imageManifest\": {\n    \"note\": \"</pre><script>\"\n  },", // the input of PutImage
			`"Action": "ecr:BatchGetImage"`, "team/app", "2 images, 1 archived", "v1", fakeecr.RandomImage(1, 3000).Digest(), "SetRepositoryPolicy",
		} {
			require.Contains(t, text, says)
		}
		return
	}
	require.Fail(t, "no report of the test that fails")
}

// requireReasons holds that a report begins with what the log says of a rule that never
// fired, and that others give no reasons.
func requireReasons(t *testing.T, log string, reports map[string]string) {
	t.Helper()
	const reason = `the rule "throttle PutImage 1 times" never fired: it matched 0 calls`
	require.Contains(t, log, "fakeecr: "+reason)
	told := 0
	for _, text := range reports {
		text = html.UnescapeString(text)
		if !strings.Contains(text, "TestArtifacts/has_a_silent_rule") {
			require.NotContains(t, text, "Why it failed")
			require.NotContains(t, text, "never fired")
			continue
		}
		told++
		require.Less(t, strings.Index(text, reason), strings.Index(text, "<dt>Seed</dt>"), "it comes first")
		require.Regexp(t, `throttle PutImage 1 times *<span class="mark bad">never fired</span>`, text)
		require.Contains(t, text, "<dt>Failed calls</dt><dd>0</dd>")
	}
	require.Equal(t, 1, told)
}
