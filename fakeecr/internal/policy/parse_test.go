package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const pull = `"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"`

func TestParseRepository(t *testing.T) {
	for name, text := range map[string]string{
		"recorded from ECR":     `{"Version":"2008-10-17","Statement":[{"Sid":"allow public pull","Effect":"Allow","Principal":"*","Action":["ecr:BatchGetImage"]}]}`,
		"one statement":         `{"Version":"2012-10-17","Id":"x","Statement":{` + pull + `}}`,
		"no version":            `{"Statement":[{` + pull + `}]}`,
		"the same Sid twice":    `{"Statement":[{"Sid":"a",` + pull + `},{"Sid":"a",` + pull + `}]}`,
		"Not elements":          `{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"123456789012"},"NotAction":["ecr:GetAuthorizationToken"]}}`,
		"empty Condition":       `{"Statement":{` + pull + `,"Condition":{}}}`,
		"bare condition values": `{"Statement":{` + pull + `,"Condition":{"Bool":{"aws:SecureTransport":true},"NumericLessThan":{"aws:MultiFactorAuthAge":[3600]}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ParseRepository(text, "aws")
			require.NoError(t, err, "%v", errors.Unwrap(err))
			require.NotEmpty(t, d.String())
		})
	}
}

func TestParseRepositoryRefuses(t *testing.T) {
	in := func(elements string) string { return `{"Statement":{` + elements + `}}` }
	for name, test := range map[string]struct{ text, reason string }{
		"nothing":             {"", "JSON"},
		"not JSON":            {"{Version}", "JSON"},
		"two documents":       {in(pull) + in(pull), "JSON"},
		"an array":            {"[" + in(pull) + "]", "not an object"},
		"null":                {"null", "not an object"},
		"too deep":            {strings.Repeat("[", 1001) + strings.Repeat("]", 1001), "levels"},
		"no Statement":        {`{"Version":"2012-10-17"}`, "no Statement"},
		"empty Statement":     {`{"Statement":[]}`, "no Statement"},
		"Statement of a text": {`{"Statement":"x"}`, "not an object"},
		"Statement of texts":  {`{"Statement":["x"]}`, "not an object"},
		"empty statement":     {`{"Statement":{}}`, "Effect"},
		"second statement":    {`{"Statement":[{` + pull + `},{}]}`, "statement 2"},
		"Version":             {`{"Version":"2020-01-01","Statement":{` + pull + `}}`, "Version"},
		"Version empty":       {`{"Version":"","Statement":{` + pull + `}}`, "Version"},
		"Version a number":    {`{"Version":2012,"Statement":{` + pull + `}}`, "Version"},
		"Id a number":         {`{"Id":1,"Statement":{` + pull + `}}`, "Id"},
		"Sid a number":        {in(`"Sid":1,` + pull), "Sid"},
		"unknown top key":     {`{"Statements":[],"Statement":{` + pull + `}}`, `"Statements"`},
		"unknown key":         {in(`"Resources":"*",` + pull), `"Resources"`},
		"key in lower case":   {in(`"action":"*",` + pull), `"action"`},
		"key twice":           {in(`"Action":"ecr:*",` + pull), "twice"},
		"top key twice":       {`{"Statement":{` + pull + `},"Statement":{` + pull + `}}`, "twice"},
		"Resource":            {in(`"Resource":"*",` + pull), "Resource"},
		"NotResource":         {in(`"NotResource":"*",` + pull), "Resource"},
		"no Effect":           {in(`"Principal":"*","Action":"ecr:*"`), "Effect"},
		"Effect":              {in(`"Effect":"allow","Principal":"*","Action":"ecr:*"`), "Effect"},
		"Effect a list":       {in(`"Effect":["Allow"],"Principal":"*","Action":"ecr:*"`), "Effect"},
		"no Principal":        {in(`"Effect":"Allow","Action":"ecr:*"`), "Principal"},
		"both Principals":     {in(`"NotPrincipal":"*",` + pull), "Principal"},
		"no Action":           {in(`"Effect":"Allow","Principal":"*"`), "Action"},
		"both Actions":        {in(`"NotAction":"ecr:*",` + pull), "Action"},
		"Action empty":        {in(`"Effect":"Allow","Principal":"*","Action":[]`), "empty"},
		"Action a number":     {in(`"Effect":"Allow","Principal":"*","Action":[1]`), "value"},
		"Action unknown":      {in(`"Effect":"Allow","Principal":"*","Action":"ecr:PullImage"`), "ecr:PullImage"},
		"another service":     {in(`"Effect":"Allow","Principal":"*","Action":["ecr:*","s3:*"]`), "s3:*"},
		"Condition a list":    {in(`"Condition":[],` + pull), "Condition"},
		"Condition null":      {in(`"Condition":null,` + pull), "Condition"},
		"operator":            {in(`"Condition":{"StringMatches":{"a:b":"c"}},` + pull), "unsupported"},
		"operator empty":      {in(`"Condition":{"StringEquals":{}},` + pull), "no condition key"},
		"operator of a text":  {in(`"Condition":{"StringEquals":"a:b"},` + pull), "not an object"},
		"operator twice":      {in(`"Condition":{"Bool":{"a:b":"true"},"Bool":{"a:c":"true"}},` + pull), "twice"},
		"condition value":     {in(`"Condition":{"StringEquals":{"a:b":{}}},` + pull), "value"},
		"no condition value":  {in(`"Condition":{"StringEquals":{"a:b":[]}},` + pull), "empty"},
		"null value":          {in(`"Condition":{"StringEquals":{"a:b":null}},` + pull), "value"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ParseRepository(test.text, "aws")
			require.Nil(t, d)
			require.EqualError(t, err, "Invalid repository policy provided")
			require.ErrorContains(t, errors.Unwrap(err), test.reason)
		})
	}
}

func TestParseRegistry(t *testing.T) {
	for name, test := range map[string]struct {
		elements string
		v1, v2   bool
	}{
		"replication":      {`"Action":["ecr:CreateRepository","ecr:ReplicateImage"],"Resource":["arn:aws:ecr:us-west-2:123456789012:repository/*"]`, true, true},
		"pull through":     {`"Action":"ecr:BatchImportUpstreamImage","Resource":"*"`, true, true},
		"push":             {`"Action":["ecr:ReplicateImage","ecr:PutImage"],"Resource":"*"`, false, true},
		"everything":       {`"Action":"ecr:*","Resource":"*"`, false, true},
		"NotAction":        {`"NotAction":"ecr:ReplicateImage","Resource":"*"`, false, true},
		"NotResource":      {`"Action":"ecr:ReplicateImage","NotResource":"arn:aws:ecr:*"`, true, true},
		"no Resource":      {`"Action":"ecr:ReplicateImage"`, false, false},
		"both Resources":   {`"Action":"ecr:ReplicateImage","Resource":"*","NotResource":"*"`, false, false},
		"Resource empty":   {`"Action":"ecr:ReplicateImage","Resource":[]`, false, false},
		"Resource no ARN":  {`"Action":"ecr:ReplicateImage","Resource":"repository/*"`, false, false},
		"Resource no arn":  {`"Action":"ecr:ReplicateImage","Resource":"urn:aws:ecr:us-west-2:123456789012:repository/*"`, false, false},
		"Resource of S3":   {`"Action":"ecr:ReplicateImage","Resource":"arn:aws:s3:::bucket"`, true, true},
		"no service":       {`"Action":"ecr:ReplicateImage","Resource":"arn:aws:us-east-1:210987654321:repository/*"`, true, true},
		"an ARN at most":   {`"Action":"ecr:ReplicateImage","Resource":["*","arn:"]`, true, true},
		"copy status":      {`"Action":"ecr:GetImageCopyStatus","Resource":"*"`, false, true},
		"another service":  {`"Action":"s3:GetObject","Resource":"*"`, false, false},
		"unknown variable": {`"Action":"ecr:ReplicateImage","Resource":"arn:aws:ecr:us-west-2:123456789012:repository/${"`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:root"},` + test.elements + `}]}`
			for scope, ok := range map[Scope]bool{V1: test.v1, V2: test.v2} {
				d, err := ParseRegistry(text, "aws", scope)
				if ok {
					require.NoError(t, err, "%s: %v", scope, errors.Unwrap(err))
					require.NotNil(t, d)
				} else {
					require.EqualError(t, err, "Invalid registry policy provided", scope)
				}
			}
		})
	}
	_, err := ParseRegistry(`{"Statement":{"Effect":"Allow","Action":"ecr:ReplicateImage","Resource":"*"}}`, "aws", V2)
	require.EqualError(t, err, "Invalid registry policy provided", "no Principal")
}

func TestParseIdentity(t *testing.T) {
	for _, text := range []string{
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["ecr:*","s3:GetObject","kms:BrandNew"],"Resource":"*"}}`,
		`{"Statement":[{"Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:s3:::bucket/*"}]}`,
	} {
		_, err := ParseIdentity(text)
		require.NoError(t, err)
	}
	for text, reason := range map[string]string{
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`: "Principal has no place here",
		`{"Statement":{"Effect":"Allow","Action":"*"}}`:                                "no Resource",
		`{"Statement":{"Effect":"Allow","Action":"PutImage","Resource":"*"}}`:          "service:name",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"repository/*"}}`:      "malformed resource",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:ecr"}}`:       "malformed resource",
		`{`: "not valid JSON",
	} {
		_, err := ParseIdentity(text)
		require.ErrorContains(t, err, "invalid identity policy: ")
		require.ErrorContains(t, err, reason)
	}
}
