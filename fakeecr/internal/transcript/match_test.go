package transcript

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// answered compares an answer with a claim, and answers the differences and what was
// bound.
func answered(t *testing.T, claim string, reply Reply) (said []string, bound bindings) {
	t.Helper()
	transcript := parsed(t, "> GET /v2/ \n< "+claim)
	bound = bindings{"repo": "team/app", "account": "123456789012", "n": nil}
	delete(bound, "n")
	for _, d := range transcript.Steps[0].compare(&reply, bound) {
		require.Equal(t, 4, d.Line)
		said = append(said, d.String())
	}
	return said, bound
}

func TestCompare(t *testing.T) {
	const uuid = "0e9fa0ab-3663-495a-84a8-7f32489f2a03"
	for _, test := range []struct {
		claim, body string
		differences []string
	}{
		{claim: `{}`, body: `{}`},
		{claim: `{}`, body: `{"a":1}`, differences: []string{`a: want nothing, got 1`}},
		{claim: `{...}`, body: `{"a":1}`},
		{claim: `{"a": 1.0}`, body: `{"a":1}`},
		{claim: `{"a": 1e2}`, body: `{"a":100}`},
		{claim: `{"a": 1e999999999}`, body: `{"a":100}`, differences: []string{`a: want 1e999999999, got 100`}},
		{claim: `{"a": null}`, body: `{}`, differences: []string{`a: want null, got nothing`}},
		{claim: `{"a": null}`, body: `{"a":null}`},
		{claim: `{"a": false}`, body: `{"a":"false"}`, differences: []string{`a: want false, got "false"`}},
		{claim: `{"a": "<any>"}`, body: `{"a":{"b":[]}}`},
		{claim: `{"a": "<time>"}`, body: `{"a":1787109743.563}`},
		{claim: `{"a": "<time>"}`, body: `{"a":"2021-03-01T12:00:00Z"}`},
		{claim: `{"a": "<time>"}`, body: `{"a":5}`, differences: []string{`a: want "<time>", got 5`}},
		{claim: `{"a": "<number>"}`, body: `{"a":5}`},
		{claim: `{"a": "<number>"}`, body: `{"a":"5"}`, differences: []string{`a: want "<number>", got "5"`}},
		{claim: `{"a": "id <uuid>."}`, body: `{"a":"id ` + uuid + `."}`},
		{claim: `{"a": "<uuid>"}`, body: `{"a":"x"}`, differences: []string{`a: want "<uuid>", got "x"`}},
		{claim: `{"a": "User: <caller> may"}`, body: `{"a":"User: arn:aws:sts::123456789012:assumed-role/a/b may"}`},
		{claim: `{"a": "<url>"}`, body: `{"a":"ftp://x"}`, differences: []string{`a: want "<url>", got "ftp://x"`}},
		{claim: `{"a": "<other>"}`, body: `{"a":"<other>"}`},
		{claim: `{"a": "$repo in $account"}`, body: `{"a":"team/app in 123456789012"}`},
		{claim: `{"a": "$repo"}`, body: `{"a":"team/db"}`, differences: []string{`a: want "team/app", got "team/db"`}},
		{claim: `{"a": "$$repo"}`, body: `{"a":"$repo"}`},
		{claim: `{"a": "$x", "b": "$x"}`, body: `{"a":7,"b":7}`},
		{claim: `{"a": "$x", "b": "$x"}`, body: `{"a":7,"b":8}`, differences: []string{`b: want 7, got 8`}},
		{claim: `{"a": "$x/$x"}`, body: `{"a":"p/p"}`},
		{claim: `{"a": "$x/$x"}`, body: `{"a":"p/q"}`, differences: []string{`a: want "$x/$x", got "p/q"`}},
		{claim: `{"a": "$x"}`, body: `{"a":[]}`, differences: []string{`a: want "$x", got []`}},
		{claim: `{"a": [1, 2]}`, body: `{"a":[1,3,4]}`, differences: []string{`a[1]: want 2, got 3`, `a[2]: want nothing, got 4`}},
		{claim: `{"a": [1, 2]}`, body: `{"a":[1]}`, differences: []string{`a[1]: want 2, got nothing`}},
		{claim: `{"a": [1, ...]}`, body: `{"a":[1,2]}`},
		{claim: `{"a": ["<any order>", 1, "$x"]}`, body: `{"a":["y",1]}`},
		{claim: `{"a": ["<any order>", "$x", {"b": 1}, {"b": "$x"}]}`, body: `{"a":[{"b":2},2,{"b":1}]}`},
		{claim: `{"a": ["<any order>", 1, 2]}`, body: `{"a":[2,3]}`, differences: []string{`a[1]: want 1, got 3`}},
		{claim: `{"a": ["<any order>", 1, ...]}`, body: `{"a":[2,1,3]}`},
		{claim: `{"a": ["<any order>", 1, 2]}`, body: `{"a":[2]}`, differences: []string{`a[]: want 1, got nothing`}},
		{claim: `{"a": {{"b": "$repo"}}}`, body: `{"a":"{ \"b\" : \"team/app\" }"}`},
		{claim: `{"a": {{"b": 1}}}`, body: `{"a":"{\"b\":2}"}`, differences: []string{`a{}.b: want 1, got 2`}},
		{claim: `{"a": {{"b": 1}}}`, body: `{"a":{"b":1}}`, differences: []string{`a: want {{"b": 1}}, got {"b":1}`}},
		{claim: `{"imageManifest": "$absent"}`, body: `{"imageManifest":"nobody pushes this"}`},
		{claim: `{"a": {"b": []}}`, body: `{"a":{"b":{}}}`, differences: []string{`a.b: want [], got {}`}},
		{claim: `{}`, body: `no JSON`, differences: []string{`body: want {}, got "no JSON"`}},
		{claim: `{}`, body: `{} {}`, differences: []string{`body: want {}, got "{} {}"`}},
		{claim: `200 "a <any>\n"`, body: "a text\n"},
		{claim: `200 "a\n"`, body: "a", differences: []string{`body: want "a\n", got "a"`}},
		{claim: `200 absent`, body: "nobody pushes this"},
		{claim: `200 absent`, body: "", differences: []string{`body: want the bytes of absent, got ""`}},
		{claim: `201`, body: `{"a":1}`, differences: []string{`status: want 201, got 200 {"a":1}`}},
		{claim: `X-A: $repo`, body: ``},
		{claim: `X-A: other`, body: ``, differences: []string{`header X-A: want other, got team/app`}},
		{claim: `X-B: $b`, body: ``, differences: []string{`header X-B: want $b, got nothing`}},
		{claim: `no X-B`, body: ``},
		{claim: `no X-A`, body: ``, differences: []string{`header X-A: want nothing, got team/app`}},
	} {
		said, _ := answered(t, test.claim, Reply{Status: 200, Header: http.Header{"X-A": {"team/app"}}, Body: []byte(test.body)})
		require.Equal(t, test.differences, said, "%s of %s", test.claim, test.body)
	}
}

// An error of the API is its code, its message and, where they are claimed, its
// further members.
func TestCompareFailure(t *testing.T) {
	for claim, differences := range map[string][]string{
		`400 AException "a b"`:                  nil,
		`400 AException`:                        nil,
		`400 AException "a b" | {"last": "$n"}`: nil,
		`400 AException "a b" {...}`:            nil,
		`400 AException | {}`:                   {`last: want nothing, got 5`},
		`400 AException "a"`:                    {`message: want "a", got "a b"`},
		`400 BException "a b"`:                  {`__type: want "BException", got "AException"`},
		`500 AException "a b"`:                  {`status: want 500 AException, got 400 AException "a b"`},
		`{}`:                                    {`status: want success, got 400 AException "a b"`},
	} {
		step := parsed(t, "> DescribeRegistry\n< "+claim).Steps[0]
		var said []string
		for _, d := range step.compare(&Reply{Status: 400, Body: []byte(`{"__type":"AException","message":"a b","last":5}`)}, bindings{}) {
			said = append(said, d.String())
		}
		require.Equal(t, differences, said, claim)
	}
}

// What is made is the same on every machine: digests are part of what others record.
func TestMadeContent(t *testing.T) {
	require.Len(t, allMade(), 9*4+1)
	digests := map[string]bool{}
	for _, content := range allMade() {
		digests[content.digest()] = true
	}
	require.Len(t, digests, len(allMade()), "no two are the same")
	for name, digest := range map[string]string{
		"image1":    "sha256:a15491467c1ad68482d9d1411f3a80ce3e07bb694ddd796ed3d8aadbfdcd123b",
		"index1":    "sha256:135dc2d51aefdc7022fd4e685c3ddd52105443780cf937d0c935d3b69b12618d",
		"referrer1": "sha256:61660cd1f0b221e7a9bcda5c5e4b96af74fd4b7bc050a55f6200d0496259b1c4",
		"blob1":     "sha256:fc40a0fc559151d6f952ce33f49cf6b203d013a12cf51156181dd89a1eeaf849",
		"absent":    "sha256:4d34f495d62d7a19c567a939222c5d34fc5ae623ec1d2c7ec6231516b187da55",
	} {
		content, is := made(name)
		require.True(t, is)
		require.Equal(t, digest, content.digest(), name)
	}
}

func TestNames(t *testing.T) {
	for operation, op := range operations {
		require.NotEmpty(t, op.class, operation)
		require.Equal(t, op.class == below || op.class == tags, op.names != "", operation)
	}
}

// What does not know an operation is told from what refuses it.
func TestIsForeign(t *testing.T) {
	for body, statuses := range map[string][]int{
		`{"__type":"UnknownOperationException"}`:                   {400, 404},
		`{"__type":"InvalidAction","message":"Unknown action: X"}`: {400},
		`{"__type":"NotImplementedError"}`:                         {400},
		`{"__type":"InternalFailure","message":"not implemented"}`: {500, 501},
		`<html>`: {404, 500, 501},
		``:       {404, 405},
	} {
		for _, status := range statuses {
			require.True(t, (&Reply{Status: status, Body: []byte(body)}).isForeign(), "%d %s", status, body)
		}
	}
	for body, statuses := range map[string][]int{
		`{"__type":"RepositoryNotFoundException"}`:       {400, 404},
		`{"__type":"InternalFailure","message":"sorry"}`: {500},
		`{"__type":"ServerException"}`:                   {500},
		`{}`:                                             {200},
	} {
		for _, status := range statuses {
			require.False(t, (&Reply{Status: status, Body: []byte(body)}).isForeign(), "%d %s", status, body)
		}
	}
	require.Equal(t, "500 <html> a b", (&Reply{Status: 500, Body: []byte("<html>\n\ta  b\n")}).String())
}
