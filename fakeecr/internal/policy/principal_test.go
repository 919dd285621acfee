package policy

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func withPrincipal(effect, element, principal string) string {
	return `{"Statement":{"Effect":"` + effect + `","` + element + `":` + principal + `,"Action":"ecr:*"}}`
}

func TestPrincipalsThatAreValid(t *testing.T) {
	for principal, named := range map[string][]string{
		`"*"`:                    nil,
		`{"AWS":"*"}`:            nil,
		`{"AWS":["*"]}`:          nil,
		`{"AWS":"123456789012"}`: {"123456789012"},
		`{"AWS":["arn:aws:iam::123456789012:root","210987654321","arn:aws:iam::123456789012:root"]}`:                                                {"arn:aws:iam::123456789012:root", "210987654321"},
		`{"AWS":"arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/R_+=,.@-1"}`:                                                       {"arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/R_+=,.@-1"},
		`{"AWS":"arn:aws:iam::123456789012:user/bob"}`:                                                                                              {"arn:aws:iam::123456789012:user/bob"},
		`{"AWS":"arn:aws:sts::123456789012:assumed-role/R/S"}`:                                                                                      {"arn:aws:sts::123456789012:assumed-role/R/S"},
		`{"AWS":"arn:aws:sts::123456789012:federated-user/bob"}`:                                                                                    {"arn:aws:sts::123456789012:federated-user/bob"},
		`{"AWS":"arn:aws-cn:iam::123456789012:role/R"}`:                                                                                             {"arn:aws-cn:iam::123456789012:role/R"},
		`{"Service":"codebuild.amazonaws.com"}`:                                                                                                     nil,
		`{"Service":["lambda.amazonaws.com","states.cn-north-1.amazonaws.com.cn"],"AWS":"123456789012"}`:                                            {"123456789012"},
		`{"Federated":"cognito-identity.amazonaws.com"}`:                                                                                            nil,
		`{"Federated":["arn:aws:iam::123456789012:saml-provider/p","arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"]}`: nil,
	} {
		for _, element := range []string{"Principal", "NotPrincipal"} {
			d, err := ParseRepository(withPrincipal("Deny", element, principal), "aws")
			require.NoError(t, err, "%s: %v", principal, errors.Unwrap(err))
			require.Equal(t, named, d.Principals(), principal)
		}
	}
}

func TestPrincipalsThatAreMalformed(t *testing.T) {
	for _, principal := range []string{
		`""`, `"123456789012"`, `["*"]`, `null`, `{}`, `{"AWS":[]}`, `{"AWS":1}`, `{"AWS":{}}`, `{"aws":"*"}`,
		`{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`,
		`{"AWS":"*","AWS":"123456789012"}`,
		`{"AWS":""}`, `{"AWS":"12345678901"}`, `{"AWS":"1234567890123"}`, `{"AWS":"12345678901a"}`, `{"AWS":"bob"}`,
		`{"AWS":"AROAEXAMPLEID"}`,
		`{"AWS":["123456789012","bob"]}`,
		`{"AWS":"arn:aws:iam::123456789012"}`,
		`{"AWS":"arn:aws:iam::*:root"}`,
		`{"AWS":"arn:aws:iam:us-east-1:123456789012:root"}`,
		`{"AWS":"arn:azure:iam::123456789012:root"}`,
		`{"AWS":"arn:aws:sts::123456789012:root"}`,
		`{"AWS":"arn:aws:iam::123456789012:role"}`,
		`{"AWS":"arn:aws:iam::123456789012:role/"}`,
		`{"AWS":"arn:aws:iam::123456789012:role/*"}`,
		`{"AWS":"arn:aws:iam::123456789012:role/a//b"}`,
		`{"AWS":"arn:aws:iam::123456789012:role//b"}`,
		`{"AWS":"arn:aws:iam::123456789012:role/a/"}`,
		`{"AWS":"arn:aws:iam::123456789012:group/g"}`,
		`{"AWS":"arn:aws:iam::123456789012:assumed-role/R/S"}`,
		`{"AWS":"arn:aws:iam::123456789012:user/${aws:username}"}`,
		`{"AWS":"arn:aws:sts::123456789012:assumed-role/R"}`,
		`{"AWS":"arn:aws:sts::123456789012:assumed-role/R/S/T"}`,
		`{"AWS":"arn:aws:s3:::bucket"}`,
		`{"Service":"*"}`, `{"Service":"codebuild"}`, `{"Service":".amazonaws.com"}`, `{"Service":"CodeBuild.amazonaws.com"}`,
		`{"Federated":"*"}`, `{"Federated":"example.com"}`, `{"Federated":"arn:aws:iam::123456789012:role/R"}`,
		`{"Federated":"arn:aws:iam::123456789012:saml-provider/"}`,
	} {
		_, err := ParseRepository(withPrincipal("Allow", "Principal", principal), "aws")
		require.EqualError(t, err, "Invalid repository policy provided", principal)
	}
}

var (
	root    = Request{Principal: "arn:aws:iam::123456789012:root", Account: "123456789012"}
	alice   = Request{Principal: "arn:aws:iam::123456789012:user/Alice", Account: "123456789012"}
	bob     = Request{Principal: "arn:aws:iam::123456789012:user/Bob", Account: "123456789012"}
	session = Request{Principal: "arn:aws:sts::123456789012:assumed-role/R/S", Account: "123456789012"}
	foreign = Request{Principal: "arn:aws:sts::210987654321:assumed-role/R/S", Account: "210987654321"}
	service = Request{Service: "codebuild.amazonaws.com"}
	nobody  = Request{}
)

func TestPrincipal(t *testing.T) {
	everyone := []Request{root, alice, bob, session, foreign, service, nobody}
	for principal, matched := range map[string][]Request{
		`"*"`:                          everyone,
		`{"AWS":"*"}`:                  everyone,
		`{"AWS":["210987654321","*"]}`: everyone,
		`{"AWS":"123456789012"}`:       {root, alice, bob, session},
		`{"AWS":"arn:aws:iam::123456789012:root"}`:                     {root, alice, bob, session},
		`{"AWS":"arn:aws:iam::123456789012:user/Bob"}`:                 {bob},
		`{"AWS":"arn:aws:iam::123456789012:role/R"}`:                   {session},
		`{"AWS":"arn:aws:iam::123456789012:role/some/path/R"}`:         {session},
		`{"AWS":"arn:aws:iam::123456789012:role/R/other"}`:             nil,
		`{"AWS":"arn:aws-cn:iam::123456789012:role/R"}`:                nil,
		`{"AWS":"arn:aws:sts::123456789012:assumed-role/R/S"}`:         {session},
		`{"AWS":"arn:aws:sts::123456789012:assumed-role/R/T"}`:         nil,
		`{"AWS":["210987654321"],"Service":"codebuild.amazonaws.com"}`: {foreign, service},
		`{"Service":"lambda.amazonaws.com"}`:                           nil,
		`{"Federated":"arn:aws:iam::123456789012:saml-provider/p"}`:    nil,
	} {
		d, err := ParseRepository(withPrincipal("Allow", "Principal", principal), "aws")
		require.NoError(t, err, principal)
		require.Equal(t, matched, matching(d, everyone), principal)
	}
}

// IAM documents that a NotPrincipal has to list every name of a principal whom it shall spare.
func TestNotPrincipal(t *testing.T) {
	for principal, spared := range map[string][]Request{
		`"*"`: {root, alice, bob, session, foreign, service, nobody},
		`{"AWS":["arn:aws:iam::123456789012:user/Bob","arn:aws:iam::123456789012:root"]}`:                                            {root, bob},
		`{"AWS":"arn:aws:iam::123456789012:user/Bob"}`:                                                                               nil,
		`{"AWS":["arn:aws:sts::123456789012:assumed-role/R/S","arn:aws:iam::123456789012:role/R","arn:aws:iam::123456789012:root"]}`: {root, session},
		`{"AWS":["arn:aws:iam::123456789012:role/R","123456789012"]}`:                                                                {root},
		`{"Service":"codebuild.amazonaws.com"}`:                                                                                      {service},
		`{"Federated":"arn:aws:iam::123456789012:saml-provider/p"}`:                                                                  nil,
	} {
		d, err := ParseRepository(withPrincipal("Deny", "NotPrincipal", principal), "aws")
		require.NoError(t, err, principal)
		for _, r := range []Request{root, alice, bob, session, foreign, service, nobody} {
			want := Deny
			for _, s := range spared {
				if s.Principal == r.Principal && s.Service == r.Service {
					want = NoMatch
				}
			}
			r.Action = "ecr:PutImage"
			require.Equal(t, want, d.Decide(r), "%s: %s%s", principal, r.Principal, r.Service)
		}
	}
}

func matching(d *Document, requests []Request) []Request {
	var matched []Request
	for _, r := range requests {
		asked := r
		asked.Action = "ecr:PutImage"
		if d.Decide(asked) == Allow {
			matched = append(matched, r)
		}
	}
	return matched
}
