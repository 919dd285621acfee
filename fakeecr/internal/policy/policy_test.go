package policy

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

const repositoryARN = "arn:aws:ecr:us-east-1:123456789012:repository/team/app"

func parsed(t testing.TB, d *Document, err error) *Document {
	t.Helper()
	require.NoError(t, err, "%v", errors.Unwrap(err))
	return d
}

func TestDecide(t *testing.T) {
	allow := `{"Effect":"Allow","Principal":"*","Action":"ecr:*"}`
	deny := `{"Effect":"Deny","Principal":"*","Action":["ecr:Delete*","ecr:BatchDeleteImage"]}`
	for name, test := range map[string]struct {
		statements, action string
		want               Decision
	}{
		"allowed":                {allow, "ecr:PutImage", Allow},
		"no case in actions":     {`{"Effect":"Allow","Principal":"*","Action":"ECR:putIMAGE"}`, "ecr:PutImage", Allow},
		"everything":             {`{"Effect":"Allow","Principal":"*","Action":"*"}`, "ecr:PutImage", Allow},
		"another action":         {`{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGet*"}`, "ecr:PutImage", NoMatch},
		"another service":        {allow, "ecr-public:PutImage", NoMatch},
		"Deny after Allow":       {allow + "," + deny, "ecr:DeleteRepository", Deny},
		"Deny before Allow":      {deny + "," + allow, "ecr:BatchDeleteImage", Deny},
		"Deny of another":        {deny + "," + allow, "ecr:PutImage", Allow},
		"Deny alone":             {deny, "ecr:PutImage", NoMatch},
		"NotAction spares":       {`{"Effect":"Allow","Principal":"*","NotAction":["ecr:Delete*","ecr:PutImage"]}`, "ecr:PutImage", NoMatch},
		"NotAction":              {`{"Effect":"Allow","Principal":"*","NotAction":"ecr:Delete*"}`, "ecr:PutImage", Allow},
		"one of many suffices":   {`{"Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":"ecr:*"},` + allow, "ecr:PutImage", Allow},
		"principal not meant":    {`{"Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":"ecr:*"}`, "ecr:PutImage", NoMatch},
		"condition not met":      {`{"Effect":"Deny","Principal":"*","Action":"ecr:*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, "ecr:PutImage", NoMatch},
		"negated and no context": {`{"Effect":"Deny","Principal":"*","Action":"ecr:*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}}`, "ecr:PutImage", Deny},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ParseRepository(`{"Version":"2012-10-17","Statement":[`+test.statements+`]}`, "aws")
			request := bob
			request.Action, request.Resource = test.action, repositoryARN
			require.Equal(t, test.want, parsed(t, d, err).Decide(request))
		})
	}
}

func TestDecideOnResources(t *testing.T) {
	context := func(key string) ([]string, bool) { return []string{"team"}, key == "aws:principaltag/team" }
	for resources, want := range map[string]Decision{
		`"Resource":"*"`:                     Allow,
		`"Resource":"` + repositoryARN + `"`: Allow,
		`"Resource":["arn:aws:ecr:eu-west-1:*","arn:aws:ecr:*:*:repository/team/*"]`:               Allow,
		`"Resource":"arn:aws:ecr:us-east-1:123456789012:repository/team"`:                          NoMatch,
		`"Resource":"arn:aws:ecr:us-east-1:123456789012:repository/TEAM/app"`:                      NoMatch,
		`"Resource":"arn:aws:ecr:us-east-1:123456789012:repository/${aws:PrincipalTag/team}/a?p"`:  Allow,
		`"Resource":"arn:aws:ecr:us-east-1:123456789012:repository/${aws:PrincipalTag/other}*"`:    NoMatch,
		`"NotResource":"arn:aws:ecr:us-east-1:123456789012:repository/other"`:                      Allow,
		`"NotResource":["arn:aws:ecr:*:*:repository/team/*"]`:                                      NoMatch,
		`"NotResource":"arn:aws:ecr:us-east-1:123456789012:repository/${aws:PrincipalTag/other}*"`: Allow,
	} {
		request := session
		request.Action, request.Resource, request.Context = "ecr:PutImage", repositoryARN, context

		d, err := ParseIdentity(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:PutImage",` + resources + `}}`)
		require.Equal(t, want, parsed(t, d, err).Decide(request), resources)

		d, err = ParseRegistry(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"ecr:PutImage",`+resources+`}}`, "aws", V2)
		require.Equal(t, want, parsed(t, d, err).Decide(request), resources)
	}
}

// What is no ARN of ECR's is taken and stands for nothing, whatever its wildcards would match.
func TestDecideOnMalformedResources(t *testing.T) {
	for resources, want := range map[string]Decision{
		`"Resource":"arn:aws:us-east-1:123456789012:repository/*"`:      NoMatch,
		`"Resource":"arn:aws:*:*:*:*"`:                                  NoMatch,
		`"Resource":"arn:*"`:                                            NoMatch,
		`"Resource":["arn:*","` + repositoryARN + `"]`:                  Allow,
		`"NotResource":"arn:*"`:                                         Allow,
		`"NotResource":["arn:aws:s3:::bucket","` + repositoryARN + `"]`: NoMatch,
	} {
		request := bob
		request.Action, request.Resource = "ecr:PutImage", repositoryARN
		d, err := ParseRegistry(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"ecr:PutImage",`+resources+`}}`, "aws", V2)
		require.Equal(t, want, parsed(t, d, err).Decide(request), resources)
	}
}

func TestNilDocument(t *testing.T) {
	var d *Document
	require.Equal(t, NoMatch, d.Decide(bob))
	require.Empty(t, d.String())
	require.Empty(t, d.Principals())
}

func TestDecisionNames(t *testing.T) {
	for decision, name := range map[Decision]string{NoMatch: "NoMatch", Allow: "Allow", Deny: "Deny"} {
		require.Equal(t, name, decision.String())
	}
}

func TestDocumentIsNotShared(t *testing.T) {
	d, err := ParseRepository(withPrincipal("Allow", "Principal", `{"AWS":"123456789012"}`), "aws")
	parsed(t, d, err).Principals()[0] = "x"
	require.Equal(t, []string{"123456789012"}, d.Principals())
}

const small = `{"Version":"2012-10-17","Statement":[
	{"Sid":"pull","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::210987654321:root","arn:aws:iam::123456789012:role/ci/R"]},
	 "Action":["ecr:GetDownloadUrlForLayer","ecr:BatchGetImage","ecr:BatchCheckLayerAvailability","ecr:PutImage"],
	 "Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}},
	{"Effect":"Deny","Principal":"*","Action":"ecr:Delete*"}]}`

func BenchmarkDecide(b *testing.B) {
	d, err := ParseRepository(small, "aws")
	parsed(b, d, err)
	org := []string{"o-1"}
	request := session
	request.Action, request.Resource = "ecr:PutImage", repositoryARN
	request.Context = func(string) ([]string, bool) { return org, true }
	b.ReportAllocs()
	for b.Loop() {
		if d.Decide(request) != Allow {
			b.Fatal("not allowed")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseRepository(small, "aws"); err != nil {
			b.Fatal(err)
		}
	}
}
