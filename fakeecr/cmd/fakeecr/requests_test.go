package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// All requests stand in README and in the help, which end a line with what they do.
func TestRequestsAreListed(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	var help strings.Builder
	require.Error(t, run(t.Context(), []string{"-help"}, &help, &help))
	for _, r := range requests() {
		require.Contains(t, string(readme), "| `"+r.String()+"` | "+r.does+" |")
		require.Regexp(t, `(?m)^  `+regexpOf(r.String())+` +`+regexpOf(r.does)+`$`, help.String())
	}
}

func regexpOf(text string) string {
	return strings.NewReplacer("?", `\?`, "{", `\{`, "}", `\}`).Replace(text)
}

func TestPrefixWithoutItsSlash(t *testing.T) {
	url, _ := start(t)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, to := range map[string]string{"/_fakeecr": "/_fakeecr/", "/_fakeecr?token=a%20b": "/_fakeecr/?token=a%20b"} {
		response, _ := send(t, client, "GET", url+path, "")
		require.Equal(t, http.StatusTemporaryRedirect, response.StatusCode)
		require.Equal(t, to, response.Header.Get("Location"))
	}
	response, body := send(t, http.DefaultClient, "GET", url+"/_fakeecr", "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Contains(t, body, "What was called")
}

// The first line is a URL by which this machine reaches the program, and the second
// leads to a page or says why to none.
func TestGreeting(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "localhost:0", "0.0.0.0:0", ":0"} {
		url, _ := start(t, "-addr", listen, "-token", "secret")
		response, body := send(t, http.DefaultClient, "GET", url+prefix+"trace", "", "Authorization", "Bearer secret")
		require.Equal(t, http.StatusOK, response.StatusCode, "%s: %s", url, body)
	}
	for name, c := range map[string]struct {
		exposed bool
		token   string
		want    string
	}{
		"loopback":      {false, "", "fakeecr shows its world at http://localhost:1/_fakeecr/"},
		"token":         {true, "secret", "fakeecr shows its world at http://localhost:1/_fakeecr/"},
		"without token": {true, "", "fakeecr shows its world to nobody: other machines can reach it, so that takes -token"},
	} {
		guard := newGuard(nil, c.token)
		guard.exposed = c.exposed
		require.Equal(t, "fakeecr listening on http://localhost:1\n"+c.want+"\n", greeting("http://localhost:1", guard.isShut()), name)
	}
}

func TestWhereTheTokenIs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("of a file\n"), 0o600))
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	for name, c := range map[string]struct {
		variable string
		args     []string
		want     string
		says     string
	}{
		"nowhere":             {"", nil, "", ""},
		"flag":                {"", []string{"-token", "of a flag"}, "of a flag", ""},
		"variable":            {"of a variable", nil, "of a variable", ""},
		"file":                {"", []string{"-token-file", file}, "of a file", ""},
		"flag over variable":  {"of a variable", []string{"-token", "of a flag"}, "of a flag", ""},
		"file over variable":  {"of a variable", []string{"-token-file", file}, "of a file", ""},
		"flag and file":       {"", []string{"-token", "of a flag", "-token-file", file}, "", "one too many"},
		"no file":             {"", []string{"-token-file", file + "s"}, "", "no such file"},
		"a file without text": {"of a variable", []string{"-token-file", empty}, "", "there is no token in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(tokenVariable, c.variable)
			var help strings.Builder
			got, err := parse(c.args, &help)
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got.token)
		})
	}
	t.Setenv(tokenVariable, "sesame")
	url, _ := start(t, "-addr", "0.0.0.0:0")
	for token, status := range map[string]int{"sesame": http.StatusOK, "other": http.StatusUnauthorized} {
		response, _ := send(t, http.DefaultClient, "GET", url+prefix+"trace", "", "Authorization", "Bearer "+token)
		require.Equal(t, status, response.StatusCode)
	}
	var help strings.Builder
	require.Error(t, run(t.Context(), []string{"-help"}, &help, &help))
	require.NotContains(t, help.String(), "sesame")
	require.Contains(t, help.String(), tokenVariable)
}

func TestVersion(t *testing.T) {
	var output strings.Builder
	require.NoError(t, run(t.Context(), []string{"-version"}, &output, &output))
	require.Regexp(t, `^fakeecr \S+, (service/ecr v[\d.]+, )?go1\.\d+.*\n$`, output.String())
}

// A scan of which nobody said what it finds tells which request says it.
func TestScanThatWasNotToldNamesTheRequest(t *testing.T) {
	url, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	api := client(url)
	push(t, api, "team/app", "v1", fakeecr.RandomImage(1, 100))
	id := &types.ImageIdentifier{ImageTag: aws.String("v1")}
	_, err := api.StartImageScan(t.Context(), &ecr.StartImageScanInput{RepositoryName: aws.String("team/app"), ImageId: id})
	require.NoError(t, err)
	post(t, url+"/_fakeecr/advance?duration=1m", "", http.StatusNoContent)
	out, err := api.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("team/app"), ImageId: id})
	require.NoError(t, err)
	require.Contains(t, *out.ImageScanStatus.Description, "POST /_fakeecr/findings?image=")
}
