package scenarios_test

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

func compiled(t *testing.T) *jsonschema.Schema {
	file, err := os.ReadFile("scenario.schema.json")
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("scenario.schema.json", decoded(t, file)))
	schema, err := compiler.Compile("scenario.schema.json")
	require.NoError(t, err)
	return schema
}

func decoded(t failer, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return v
}

func TestSchemaIsUpToDate(t *testing.T) {
	file, err := os.ReadFile("scenario.schema.json")
	require.NoError(t, err)
	require.Equal(t, string(scenarios.Schema()), string(file), "go generate ./scenarios writes it anew")
}

// What the schema says holds for what Parse reads.
func TestSchema(t *testing.T) {
	schema := compiled(t)
	for text := range written() {
		require.NoError(t, schema.Validate(decoded(t, []byte(`[{"rules":[`+text+`],"within":5}]`))), text)
	}
	for text := range readyMade() {
		require.NoError(t, schema.Validate(decoded(t, []byte(text))), text)
	}
	for _, text := range []string{
		`{}`, `[]`, `{"rules":[{"on":"PutImage"}]}`, `{"rules":[],"once":true}`,
		`{"rules":[{"on":"PutImages","do":{"hold":true}}]}`,
		`{"rules":[{"on":"PutImage","do":{"delay":"1 minute"}}]}`,
		`{"rules":[{"on":"PutImage","do":{"cutAfter":1,"resetAfter":1}}]}`,
		`{"rules":[{"on":"PutImage","do":{"fail":{}}}]}`,
		`{"rules":[{"on":"PutImage","do":{"fail":"ok"}}]}`,
		`{"rules":[{"on":"PutImage","when":{"chance":2},"do":{"hold":true}}]}`,
		`{"rules":[{"on":"PutImage","where":{"face":"http"},"do":{"hold":true}}]}`,
	} {
		require.Error(t, schema.Validate(decoded(t, []byte(text))), text)
		_, err := scenarios.Parse([]byte(text))
		require.Error(t, err, text)
	}
}

// unsaid are the mistakes that a schema cannot see.
var unsaid = regexp.MustCompile(`stands here twice|to: \S+ is not after|"9999999h" is no duration|"0.1ns" is no time at all|1e-400 is not above 0|(nth|first): .* chooses no call|no rule leads to the state|a playing is in one state`)

// What the schema takes is what Parse reads, but for what is unsaid.
func TestSchemaAgreesWithParse(t *testing.T) {
	schema := compiled(t)
	agree := func(v any, text string) {
		_, mistake := scenarios.Parse([]byte(text))
		invalid := schema.Validate(v)
		switch {
		case mistake == nil:
			require.NoError(t, invalid, text)
		case !unsaid.MatchString(mistake.Error()):
			require.Error(t, invalid, "%s\n%v", text, mistake)
		}
	}
	texts := slices.Collect(maps.Keys(readyMade()))
	for text := range written() {
		texts = append(texts, `{"rules":[`+text+`]}`)
	}
	n := 0
	for _, text := range texts {
		for changed := range changes(decoded(t, []byte(text))) {
			text, err := json.Marshal(changed)
			require.NoError(t, err)
			agree(changed, string(text))
			n++
		}
	}
	require.Greater(t, n, 10_000)
	for _, m := range parseMistakes {
		if v, err := jsonschema.UnmarshalJSON(strings.NewReader(m.text)); err == nil {
			agree(v, m.text)
		}
	}
}

// changes are all that comes of a value when one thing in it is replaced or left
// out.
func changes(v any) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, other := range anyValue {
			if !yield(other) {
				return
			}
		}
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				less := maps.Clone(v)
				delete(less, name)
				if !yield(less) {
					return
				}
				for changed := range changes(member) {
					other := maps.Clone(v)
					other[name] = changed
					if !yield(other) {
						return
					}
				}
			}
		case []any:
			for i, item := range v {
				for changed := range changes(item) {
					other := slices.Clone(v)
					other[i] = changed
					if !yield(other) {
						return
					}
				}
			}
		}
	}
}

var anyValue = func() (values []any) {
	for _, text := range []string{
		`null`, `true`, `false`, `[]`, `{}`, `[[]]`, `""`, `"v*"`, `"API"`, `"ok"`, `"no answer"`, `"reply lost"`, `"connection reset"`, `"server"`, `"1h"`, `"0"`, `"0s"`, `"0.0h"`, `".5h"`,
		`"-1h"`, `"0.1ns"`, `"9999999h"`, `"1h 1m"`, `"PutImage"`, `"PutImages"`, `"DownloadLayer"`, `"UploadLayerPart"`, `"BatchGetImage"`, `"ListImages"`, `"reads"`, `"layers"`, `"*"`,
		`"world"`, `"CompleteScan"`, `"PullFromUpstream"`, `["reads","DownloadLayer"]`, `"KmsException"`, `"ServerException"`, `"InvalidLayerPartException"`, `"Odd"`, `"Throttle"`, `"ClockSkew"`, `"LostReply"`,
		`-1`, `0`, `-0`, `1`, `2`, `2.0`, `1.5`, `0.5`, `1e3`, `1e18`, `1e19`, `1e-400`, `1e400`, `9223372036854775807`, `9223372036854775808`, `199`, `200`, `399`, `400`, `599`, `600`,
		`{"code":"Odd"}`, `{"message":"no"}`, `{"status":503}`, `{"age":"1h"}`, `{"kmsError":"a"}`, `{"Via":["a"]}`, `{"hold":true}`, `{"drop":false}`,
		`{"on":"*","do":{"hold":true}}`, `{"nth":1,"code":"ImageNotFound"}`, `{"perSecond":1,"burst":1}`,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			panic(err)
		}
		values = append(values, v)
	}
	return values
}()
