package policy

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pretty reads a JSON text and prints it.
func pretty(text string) (string, error) {
	v, err := parse(text)
	if err != nil {
		return "", err
	}
	return v.pretty(), nil
}

func TestPretty(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"recorded from ECR": {
			`{"Version":"2008-10-17","Statement":[{"Sid":"allow public pull","Effect":"Allow","Principal":"*","Action":["ecr:BatchGetImage"]}]}`,
			"{\n  \"Version\" : \"2008-10-17\",\n  \"Statement\" : [ {\n    \"Sid\" : \"allow public pull\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : \"*\",\n    \"Action\" : [ \"ecr:BatchGetImage\" ]\n  } ]\n}",
		},
		"nested objects": {
			`{"Statement":{"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}}`,
			"{\n  \"Statement\" : {\n    \"Condition\" : {\n      \"StringEquals\" : {\n        \"aws:PrincipalOrgID\" : \"o-1\"\n      }\n    }\n  }\n}",
		},
		"several objects in an array": {`[{"a":1},{"b":2}]`, "[ {\n  \"a\" : 1\n}, {\n  \"b\" : 2\n} ]"},
		"several values in an array":  {`["a","b"]`, `[ "a", "b" ]`},
		"array in array":              {`[[1],[]]`, `[ [ 1 ], [ ] ]`},
		"empty array":                 {`[]`, `[ ]`},
		"empty object":                {`{"a":{}}`, "{\n  \"a\" : { }\n}"},
		"order of keys":               {`{"b":1,"a":2}`, "{\n  \"b\" : 1,\n  \"a\" : 2\n}"},
		"literals":                    {` [ true,false , null ] `, `[ true, false, null ]`},
		"numbers as written":          {`[1.0,-1e+2,12345678901234567890]`, `[ 1.0, -1e+2, 12345678901234567890 ]`},
		"short escapes":               {`"\u0022\u005c\u0008\u000c\u000a\u000d\u0009\/"`, `"\"\\\b\f\n\r\t/"`},
		"control characters":          {`"\u001f\u0000\u007f"`, `"\u001F\u0000` + "\x7f\""},
		"beyond ASCII":                {`"\u00e9\ud83d\ude00\u2028<&>"`, "\"é😀\u2028<&>\""},
		"an escaped key":              {`{"\u0001\u0061":1}`, "{\n  \"\\u0001a\" : 1\n}"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pretty(test.text)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestPrettyRefuses(t *testing.T) {
	for _, text := range []string{
		"", "{", `{"a":1,}`, `{"a" 1}`, `{} {}`, `[1]]`, `{a:1}`, `"\x"`, "'a'", "NaN", "\ufeff{}",
		strings.Repeat("[", 1001) + strings.Repeat("]", 1001),
	} {
		_, err := pretty(text)
		require.Error(t, err, text)
	}
	_, err := pretty(strings.Repeat("[", 1000) + strings.Repeat("]", 1000))
	require.NoError(t, err)
}

// tokens lists what a JSON text says: the values, and the keys in their order.
func tokens(t *testing.T, text string) []json.Token {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var all []json.Token
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		all = append(all, token)
	}
}

func FuzzPretty(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["123456789012"]},"Action":"ecr:*","Condition":{"StringLike":{"aws:PrincipalArn":"${a:b}"}}}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","NotAction":"*","NotResource":"arn:aws:ecr:*:*:*","Condition":{"DateLessThan":{"a:b":["2020-01-01",5]}}}}`)
	f.Add(`{"a":[],"a":{},"\u001f\ud800":[1.50,-0,true,null]}`)
	f.Add("\"\xff\"")
	f.Fuzz(func(t *testing.T, text string) {
		for kind, parse := range kinds {
			d, err := parse(text)
			require.Equal(t, err == nil, d != nil)
			if d == nil {
				continue
			}
			again, err := parse(d.String())
			require.NoError(t, err, kind)
			require.Equal(t, d.String(), again.String(), kind)
			for _, request := range requests() {
				require.Equal(t, d.Decide(request), again.Decide(request), kind)
			}
		}
		printed, err := pretty(text)
		if err != nil {
			require.Empty(t, printed)
			return
		}
		require.Equal(t, tokens(t, text), tokens(t, printed))
		again, err := pretty(printed)
		require.NoError(t, err)
		require.Equal(t, printed, again)
	})
}
