package report

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

func TestPretty(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 200_000) + "1" + strings.Repeat("}", 200_000)
	for name, c := range map[string]struct{ text, want string }{
		"nothing":             {"", ""},
		"no JSON":             {"{not", "{not"},
		"two values":          {"{} {}", "{} {}"},
		"order":               {`{"b":1,"a":[true,null,"x"]}`, "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null,\n    \"x\"\n  ]\n}"},
		"empty":               {`{"a":{},"b":[]}`, "{\n  \"a\": {},\n  \"b\": []\n}"},
		"numbers as they are": {`[1e400,12345678901234567890,1.50]`, "[\n  1e400,\n  12345678901234567890,\n  1.50\n]"},
		"a document in it":    {`{"policyText":"{\"Version\":\"1\"}"}`, "{\n  \"policyText\": {\n    \"Version\": \"1\"\n  }\n}"},
		"no document in it":   {`{"a":"{","b":"[1]"}`, "{\n  \"a\": \"{\",\n  \"b\": \"[1]\"\n}"},
		"characters":          {`["<&>é"]`, "[\n  \"<&>é\"\n]"},
		"too deep":            {deep, deep},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, Pretty(c.text)) })
	}
}

func TestCut(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		most int
		want Text
	}{
		"short":   {"abc", 3, Text{"abc", 0}},
		"lines":   {"ab\ncd\nef", 7, Text{"ab\ncd\n", 2}},
		"a line":  {"abcdef", 4, Text{"abcd", 2}},
		"nothing": {"", 0, Text{"", 0}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, cut(c.text, c.most)) })
	}
}

func TestOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		err           error
		code, message string
	}{
		"ok":         {nil, "", ""},
		"exception":  {&types.RepositoryNotFoundException{Message: aws.String("no such")}, "RepositoryNotFoundException", "no such"},
		"reply lost": {scenarios.ErrReplyLost, "no answer", scenarios.ErrReplyLost.Error()},
		"cancelled":  {context.Canceled, "failed", "context canceled"},
		"other":      {errors.New("no findings"), "failed", "no findings"},
	} {
		t.Run(name, func(t *testing.T) {
			call := NewCall(&scenarios.Call{Operation: "ListImages", Input: &ecr.ListImagesInput{}, Err: c.err})
			require.Equal(t, c.code, call.Code)
			require.Equal(t, c.message, call.Message)
		})
	}
}

func TestWords(t *testing.T) {
	require.Equal(t, "0 B", size(0))
	require.Equal(t, "1023 B", size(1023))
	require.Equal(t, "1.0 KiB", size(1024))
	require.Equal(t, "1.5 MiB", size(3<<19))
	require.Equal(t, "2048.0 TiB", size(1<<51))
	require.Equal(t, "0", Count(0))
	require.Equal(t, "999", Count(999))
	require.Equal(t, "1,000", Count(1000))
	require.Equal(t, "12,345,678", Count(12_345_678))
	require.Equal(t, "sha256:0123456789ab", short("sha256:0123456789abcdef"))
	require.Equal(t, "v1", short("v1"))
	require.Equal(t, "2 critical, 1 low", findingsIn(map[string]int32{"LOW": 1, "CRITICAL": 2, "HIGH": 0}))
}

func TestPagesOfImages(t *testing.T) {
	for name, c := range map[string]struct {
		n, from             int
		before, after, want int
	}{
		"none":   {0, 0, -1, -1, 0},
		"one":    {10, 0, -1, -1, 0},
		"first":  {11, 0, -1, 10, 0},
		"second": {25, 10, 0, 20, 10},
		"last":   {25, 20, 10, -1, 20},
		"beyond": {25, 99, 15, -1, 25},
		"wrong":  {25, -5, -1, 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var r Repository
			r.page(c.n, Choice{From: c.from, Most: 10})
			require.Equal(t, []int{c.want, c.before, c.after}, []int{r.From, r.Before, r.After})
		})
	}
}

// A trace that keeps the last calls says how many there were.
func TestCallsThatAreNoLongerKept(t *testing.T) {
	kept := scenarios.Trace{{Number: 12_344, Operation: "ListImages", Input: &ecr.ListImagesInput{}}, {Number: 12_345, Operation: "ListImages", Input: &ecr.ListImagesInput{}}}
	require.Equal(t, 12_345, Made(kept))
	require.Zero(t, Made(nil))
	var text strings.Builder
	require.NoError(t, Report{Name: "A test", Trace: kept}.Write(&text))
	require.Contains(t, text.String(), "<dt>Calls</dt><dd>12,345</dd>")
	require.Contains(t, text.String(), "<dt>Failed calls, of the last 2</dt><dd>0</dd>")
	require.Contains(t, text.String(), "The last 2 of 12,345 calls.")
}
