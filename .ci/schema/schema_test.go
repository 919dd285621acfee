// Package schema tests scenario.schema.json with a validator of JSON schemas. It is in a
// module of its own, because what a module's tests require becomes a requirement of its
// users.
package schema

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

// texts are what the tests of package scenarios write and read, by kind: rules, ready-made
// scenarios, answers, scenarios that were drawn, and mistakes.
func texts(t require.TestingT) map[string][]string {
	file, err := os.ReadFile("../../scenarios/testdata/texts.json")
	require.NoError(t, err)
	var kinds map[string][]string
	require.NoError(t, json.Unmarshal(file, &kinds))
	for _, kind := range []string{"rules", "ready", "answers", "drawn", "mistakes"} {
		require.NotEmpty(t, kinds[kind], kind)
	}
	return kinds
}

func compiled(t require.TestingT) *jsonschema.Schema {
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("scenario.schema.json", decoded(t, scenarios.Schema())))
	schema, err := compiler.Compile("scenario.schema.json")
	require.NoError(t, err)
	return schema
}

func decoded(t require.TestingT, text []byte) any {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return v
}

// What the schema says holds for what Parse reads.
func TestSchema(t *testing.T) {
	schema, kinds := compiled(t), texts(t)
	for _, text := range slices.Concat(kinds["rules"], kinds["answers"]) {
		require.NoError(t, schema.Validate(decoded(t, []byte(`[{"rules":[`+text+`],"within":5}]`))), text)
	}
	for _, text := range slices.Concat(kinds["ready"], kinds["drawn"]) {
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
	schema, kinds := compiled(t), texts(t)
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
	valid := kinds["ready"]
	for _, text := range kinds["rules"] {
		valid = append(valid, `{"rules":[`+text+`]}`)
	}
	n := 0
	for _, text := range valid {
		for changed := range changes(decoded(t, []byte(text))) {
			text, err := json.Marshal(changed)
			require.NoError(t, err)
			agree(changed, string(text))
			n++
		}
	}
	require.Greater(t, n, 10_000)
	for _, text := range kinds["mistakes"] {
		if v, err := jsonschema.UnmarshalJSON(strings.NewReader(text)); err == nil {
			agree(v, text)
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

// FuzzSchema: what Parse reads, the schema takes.
func FuzzSchema(f *testing.F) {
	schema, kinds := compiled(f), texts(f)
	for _, text := range kinds["rules"] {
		f.Add([]byte(`{"rules":[` + text + `],"within":2}`))
	}
	for _, text := range slices.Concat(kinds["ready"], kinds["drawn"], kinds["mistakes"]) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := scenarios.Parse(text); err == nil {
			require.NoError(t, schema.Validate(decoded(t, text)))
		}
	})
}
