package transcript

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// whole is a transcript around a few lines.
func whole(lines string) string { return "# A claim.\n# chosen: a reason\n" + lines }

func parsed(t testing.TB, lines string) *Transcript {
	t.Helper()
	file, err := Parse("section.txt", whole(lines))
	require.NoError(t, err)
	require.Len(t, file.Transcripts, 1)
	return file.Transcripts[0]
}

func TestParse(t *testing.T) {
	file, err := Parse("images.txt", `# The first claim.
# It is about nothing
#   in particular.
# recorded: gh:owner/repo#123, 2021-03

> CreateRepository {"repositoryName": "$repo",
    "tags": [{"Key": "a", "Value": "$$5"}]}
> again In eu-west-1 ListImages
< {"imageIds": ["<any order>", {"imageDigest": "$first"}, ...], ...}
# Prose may stand between the steps.
> wait 30d
> push $repo:v1 image1
> PUT /v2/$repo/manifests/v2 image1
> Accept: a/b
> X-Empty:
< 201
<? Location: /v2/$repo/$upload
< no Docker-Content-Digest

# The second claim.
# model: nothing
> DescribeRegistry
< 400 SomeException "a \"message\"" | {"lastByte": 5}
`)
	require.NoError(t, err)
	require.Len(t, file.Transcripts, 2)
	first, second := file.Transcripts[0], file.Transcripts[1]
	require.Equal(t, "images/The first claim.", first.Name())
	require.Equal(t, Recorded, first.Status)
	require.Equal(t, "gh:owner/repo#123, 2021-03", first.Source)
	require.Equal(t, []string{"It is about nothing", "in particular.", "Prose may stand between the steps."}, first.Prose)
	require.Len(t, first.Steps, 5)
	require.Equal(t, Needs{Clock: true, Registry: true, Region: "eu-west-1"}, first.Needs())
	require.True(t, first.IsChosen(), "an answer is")

	list := first.Steps[1]
	require.True(t, list.Again)
	require.Equal(t, "eu-west-1", list.Region.source())
	require.Equal(t, `{"imageIds": ["<any order>", {"imageDigest": "$first"}, ...], ...}`, list.Answer.Main.Body.Value.written())
	require.Equal(t, 30*24*time.Hour, first.Steps[2].Wait)
	put := first.Steps[4]
	require.Equal(t, "image1", put.Body.Content)
	require.Len(t, put.Header, 2)
	require.Equal(t, 201, put.Answer.Main.Status)
	require.Len(t, put.Answer.Headers, 2)
	require.True(t, put.Answer.Headers[1].Absent)

	require.False(t, second.IsChosen())
	failed := second.Steps[0].Answer.Main
	require.Equal(t, 400, failed.Status)
	require.Equal(t, "SomeException", failed.Code)
	require.Equal(t, `a "message"`, failed.Message.source())
	require.Equal(t, `{"lastByte": 5}`, failed.Body.Value.written())
}

// A mistake says where it is and what would be right.
func TestMistakes(t *testing.T) {
	const step = "> DescribeRegistry\n"
	for text, mistake := range map[string]string{
		"> DescribeRegistry":                          `f.txt:1: at "DescribeRegistry": a transcript begins with its claim`,
		"hello":                                       `f.txt:1: at "hello": a line begins with #, >, < or <?`,
		"  hello":                                     `f.txt:1: at "hello": a line that begins with a blank goes on with the one before it`,
		"# A claim.\n" + step + "< 200":               `f.txt:1: at "A": the transcript has no status`,
		"# A claim.\n# recoded: x\n" + step:           `f.txt:1: at "A": the transcript has no status`,
		"# recorded: x\n" + step:                      `f.txt:1: at "recorded:": this is a status: the claim goes before it`,
		"#\n# chosen: x":                              `f.txt:1: at the end of the line: a transcript begins with its claim`,
		"# A\n# chosen: x\n# model: y\n":              `f.txt:3: at "model:": the transcript has a status already, "chosen"`,
		"# A\n# chosen:\n":                            `f.txt:2: at the end of the line: a status says whence it is known`,
		"# A\n# chosen: x":                            `f.txt:1: at "A": the transcript has no steps`,
		whole(step):                                   `f.txt:1: at "A": the transcript claims nothing`,
		whole(step+"< 200\n\n") + whole(step):         `f.txt:6: at "A": another transcript of this file has the same claim`,
		whole("< 200"):                                `f.txt:3: at "200": an answer needs a step before it`,
		whole("> X-Header: x"):                        `f.txt:3: at "X-Header:": a header needs a request before it`,
		whole(step + "> X-Header: x"):                 `f.txt:4: at "X-Header:": only requests to the registry endpoint have headers`,
		whole("> GET /v2/\n< 200\n> Accept: x"):       `f.txt:5: at "Accept:": the headers of a request stand before its answer`,
		whole("> MakeRepository"):                     `f.txt:3: at "MakeRepository": ECR has no operation of this name`,
		whole("> TRACE /v2/"):                         `f.txt:3: at "TRACE": ECR has no operation of this name`,
		whole("> get /v2/"):                           `f.txt:3: at "get": a step is an operation of ECR, GET`,
		whole(">"):                                    `f.txt:3: at the end of the line: a step is an operation`,
		whole("> again"):                              `f.txt:3: at the end of the line: a step is an operation`,
		whole("> In"):                                 `f.txt:3: at the end of the line: here goes a region`,
		whole("> GET"):                                `f.txt:3: at the end of the line: here goes a path`,
		whole("> wait long"):                          `f.txt:3: at "long": this is no time to wait`,
		whole("> wait -1h"):                           `f.txt:3: at "-1h": this is no time to wait`,
		whole("> again wait 1h"):                      `f.txt:3: at "again": time passes everywhere, and once`,
		whole("> wait 1h\n< 200"):                     `f.txt:4: at "200": waiting is not answered`,
		whole("> push"):                               `f.txt:3: at the end of the line: push takes NAME:TAG`,
		whole("> push $repo: image1"):                 `f.txt:3: at "$repo:": push takes NAME:TAG`,
		whole("> push $repo:v1 image0"):               `f.txt:3: at "image0": what is pushed is image1`,
		whole("> push $repo:v1 blob1"):                `f.txt:3: at "blob1": a layer has no tag`,
		whole("> push $repo:v1 image1 now"):           `f.txt:3: at "now": the line was to end here`,
		whole(step[:18] + ` []`):                      `f.txt:3: at "[]": the input of an operation is an object`,
		whole(step[:18] + ` {"a": }`):                 `f.txt:3: at "}": this is no value of JSON`,
		whole(step[:18] + ` {"a" 1}`):                 `f.txt:3: at "1}": after the name of a member goes a colon`,
		whole(step[:18] + ` {"a": 1 "b": 2}`):         `f.txt:3: at "\"b\":": here goes a comma or }`,
		whole(step[:18] + ` {"a": 1,}`):               `f.txt:3: at "}": here goes the name of a member`,
		whole(step[:18] + ` {"a": 1,` + "\n  b}"):     `f.txt:4: at "b}": here goes the name of a member`,
		whole(step[:18] + ` {"a": 1, "a": 2}`):        `f.txt:3: at "\"a\":": the object has this member already`,
		whole(step[:18] + ` {...}`):                   `f.txt:3: at "...}": only what is claimed may be left open`,
		whole(step[:18] + ` {"a": {{"b": 1}}`):        `f.txt:3: at the end of the line: here goes a comma or }`,
		whole(step[:18] + ` {"a": "b}`):               `f.txt:3: at "\"b}": the text has no closing quote`,
		whole(step[:18] + ` {"a": "\x"}`):             `f.txt:3: at "\"\\x\"}": this is no text of JSON`,
		whole(step[:18] + ` {"a": "\ud800"}`):         `f.txt:3: at "\"\\ud800\"}": this is no text of JSON`,
		whole(step[:18] + ` {"a": "$upload"}`):        `f.txt:3: at "\"$upload\"}": $upload: nothing before it binds this name`,
		whole(step[:18] + ` {"a": "5$"}`):             `f.txt:3: at "\"5$\"}": a dollar begins the name of a value; $$ is a dollar`,
		whole(step[:18] + ` {"a": "$image1.mad"}`):    `f.txt:3: at "\"$image1.mad\"}": image1 has no mad, but config, configSize, layer`,
		whole(step + "< Hello there"):                 `f.txt:4: at "Hello": an answer is a status such as 400`,
		whole(step + "<"):                             `f.txt:4: at the end of the line: an answer is a status`,
		whole(step + "< 200\n< 201"):                  `f.txt:5: at "201": the step has an answer already`,
		whole(step + "< no Location here"):            `f.txt:4: at "here": the line was to end here`,
		whole(step + `< {..., "a": 1}`):               `f.txt:4: at ",": ... is the last member`,
		whole(step + `< 400 Code "a" 5`):              `f.txt:4: at "400": after the code of an error come its message`,
		whole("> GET /v2/\n< 404 NAME_UNKNOWN \"a\""): `f.txt:4: at "NAME_UNKNOWN": the errors of the registry endpoint are written as they are`,
		whole(step + "< {\"a\": \"\xff\"}"):           `f.txt:4: at "<": this is not UTF-8`,
	} {
		_, err := Parse("f.txt", text)
		require.ErrorContains(t, err, mistake, "%s", text)
		require.IsType(t, &Mistake{}, err)
	}
}

// JSON inside of a text may stand between doubled braces, too.
func TestBracesAround(t *testing.T) {
	for written, value := range map[string]string{
		`{"a": {{ {"b": 1} }}}`:        `{"a": {{"b": 1}}}`,
		`{"a": {{ "b": 1 }}}`:          `{"a": {{"b": 1}}}`,
		`{"a": {{}}}`:                  `{"a": {{}}}`,
		`[1, "<any order>", 2]`:        `["<any order>", 1, 2]`,
		`{"a": "$image1.digest", ...}`: `{"a": "$image1.digest", ...}`,
	} {
		s := &scanner{line: &line{text: written}, names: newScope().inAnswer, answer: true}
		v, err := s.value(0)
		require.NoError(t, err, written)
		require.Equal(t, value, v.written())
		require.NoError(t, s.end())
	}
}

// Values survive being written.
func TestWritten(t *testing.T) {
	for _, value := range []string{
		`{}`, `[]`, `{...}`, `[...]`, `["<any order>"]`, `["<any order>", ...]`,
		`{"a": null, "b": [true, -1.5e3, "x$$y <time>"], "c": {{"d": "$repo", ...}}, ...}`,
		`{"a": {{[1, {"b": 2}]}}}`, `{"a": "$blob1.base64", "b": "$image1.manifestSize"}`,
	} {
		s := &scanner{line: &line{text: value}, names: newScope().inAnswer, answer: true}
		v, err := s.value(0)
		require.NoError(t, err, value)
		require.Equal(t, value, v.written())
	}
}

func FuzzParse(f *testing.F) {
	files, err := All()
	require.NoError(f, err)
	for _, file := range files {
		for _, part := range strings.SplitAfter(file.Text, "\n\n") {
			f.Add(part)
		}
	}
	f.Add(whole(`> GET /v2/ {"a": {{"b": ["\ud83d\ude00", 1e5]}}}` + "\n<? no X"))
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("f.txt", text)
		if err != nil {
			mistake, is := err.(*Mistake)
			require.True(t, is)
			require.Equal(t, "f.txt", mistake.File)
			require.True(t, 1 <= mistake.Line && mistake.Line <= strings.Count(text, "\n")+1)
			return
		}
		for _, transcript := range file.Transcripts {
			for _, step := range transcript.Steps {
				fuzzStep(t, step)
			}
		}
	})
}

// fuzzStep compares an answer that nobody gave.
func fuzzStep(t *testing.T, step *Step) {
	bound := bindings{"repo": "a", "account": "1"}
	if step.Input != nil {
		if sent, err := step.Input.send(bound); err == nil {
			_, err := decode(sent)
			require.NoError(t, err, "%s", sent)
		}
	}
	for _, body := range []string{"", "{}", `{"a":[{"b":1}],"imageIds":[],"__type":"A","message":"b"}`} {
		for _, d := range step.compare(&Reply{Status: 200, Body: []byte(body)}, bound) {
			require.NotEmpty(t, d.Path+d.Want+d.Got)
		}
	}
}
