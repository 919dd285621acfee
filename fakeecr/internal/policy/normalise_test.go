package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// kinds are the kinds of policies, as each is read.
var kinds = map[string]func(text string) (*Document, error){
	"repository":  func(text string) (*Document, error) { return ParseRepository(text, "aws") },
	"registry":    func(text string) (*Document, error) { return ParseRegistry(text, "aws", V2) },
	"registry V1": func(text string) (*Document, error) { return ParseRegistry(text, "aws", V1) },
	"identity":    ParseIdentity,
}

func TestNormalised(t *testing.T) {
	const head = "{\n  \"Version\" : \"2012-10-17\",\n  \"Statement\" : [ {\n    \"Effect\" : \"Allow\",\n"
	for name, test := range map[string]struct{ kind, text, want string }{
		"the sample of SetRepositoryPolicy": {"repository",
			`{"Version":"2008-10-17","Statement":[{"Sid":"new statement","Effect":"Allow","Action":["ecr:BatchGetImage","ecr:PutImage"],"Principal":{"AWS":"arn:aws:iam::210987654321:root"}}]}`,
			"{\n  \"Version\" : \"2008-10-17\",\n  \"Statement\" : [ {\n    \"Sid\" : \"new statement\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n" +
				"      \"AWS\" : \"arn:aws:iam::210987654321:root\"\n    },\n    \"Action\" : [ \"ecr:BatchGetImage\", \"ecr:PutImage\" ]\n  } ]\n}"},
		"alphabetical order": {"repository",
			`{"Id":"x","Statement":[{"Action":["ecr:PutImage"],"Condition":{"Bool":{"aws:SecureTransport":[true]}},"Effect":"Deny","Principal":"*","Sid":"s"}],"Version":"2012-10-17"}`,
			"{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"x\",\n  \"Statement\" : [ {\n    \"Sid\" : \"s\",\n    \"Effect\" : \"Deny\",\n    \"Principal\" : \"*\",\n" +
				"    \"Action\" : \"ecr:PutImage\",\n    \"Condition\" : {\n      \"Bool\" : {\n        \"aws:SecureTransport\" : true\n      }\n    }\n  } ]\n}"},
		"Not elements": {"registry",
			`{"Version":"2012-10-17","Statement":[{"NotResource":["arn:aws:ecr:*:*:*"],"NotAction":["ecr:PutImage"],"NotPrincipal":{"AWS":["123456789012"]},"Effect":"Allow"}]}`,
			head + "    \"NotPrincipal\" : {\n      \"AWS\" : \"arn:aws:iam::123456789012:root\"\n    },\n    \"NotAction\" : \"ecr:PutImage\",\n    \"NotResource\" : \"arn:aws:ecr:*:*:*\"\n  } ]\n}"},
		"no version": {"repository",
			`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:*"}],"Id":"x"}`,
			"{\n  \"Version\" : \"2008-10-17\",\n  \"Id\" : \"x\",\n  \"Statement\" : [ {\n    \"Effect\" : \"Allow\",\n    \"Principal\" : \"*\",\n    \"Action\" : \"ecr:*\"\n  } ]\n}"},
		"one statement": {"repository",
			`{"Version":"2012-10-17","Statement":{"Action":"ecr:*","Principal":"*","Effect":"Allow"}}`,
			head + "    \"Principal\" : \"*\",\n    \"Action\" : \"ecr:*\"\n  } ]\n}"},
		"principals in their order": {"repository",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["codebuild.amazonaws.com"],"AWS":["210987654321","arn:aws:iam::123456789012:role/R","123456789012"]},"Action":"ecr:*"}]}`,
			head + "    \"Principal\" : {\n      \"Service\" : \"codebuild.amazonaws.com\",\n" +
				"      \"AWS\" : [ \"arn:aws:iam::210987654321:root\", \"arn:aws:iam::123456789012:role/R\", \"arn:aws:iam::123456789012:root\" ]\n    },\n    \"Action\" : \"ecr:*\"\n  } ]\n}"},
		"a principal twice": {"repository",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["210987654321","arn:aws:iam::210987654321:root"]},"Action":"ecr:*"}]}`,
			head + "    \"Principal\" : {\n      \"AWS\" : [ \"arn:aws:iam::210987654321:root\", \"arn:aws:iam::210987654321:root\" ]\n    },\n    \"Action\" : \"ecr:*\"\n  } ]\n}"},
		"an account's id elsewhere": {"repository",
			`{"Version":"2012-10-17","Statement":[{"Sid":"123456789012","Effect":"Allow","Principal":"*","Action":"ecr:*","Condition":{"StringEquals":{"aws:PrincipalAccount":["123456789012"]}}}]}`,
			strings.Replace(head, "    \"Effect\"", "    \"Sid\" : \"123456789012\",\n    \"Effect\"", 1) + "    \"Principal\" : \"*\",\n    \"Action\" : \"ecr:*\",\n" +
				"    \"Condition\" : {\n      \"StringEquals\" : {\n        \"aws:PrincipalAccount\" : \"123456789012\"\n      }\n    }\n  } ]\n}"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := kinds[test.kind](test.text)
			require.Equal(t, test.want, parsed(t, d, err).String())
		})
	}
}

func TestNormalisedInOtherPartitions(t *testing.T) {
	text := withPrincipal("Allow", "Principal", `{"AWS":["123456789012","arn:aws:iam::210987654321:root"]}`)
	d, err := ParseRepository(text, "aws-cn")
	require.Contains(t, parsed(t, d, err).String(), `[ "arn:aws-cn:iam::123456789012:root", "arn:aws:iam::210987654321:root" ]`)
}

// requests ask about every side of the policies that drawPolicy makes.
func requests() []Request {
	var all []Request
	for _, caller := range []Request{bob, session, {Service: "codebuild.amazonaws.com"}, {Account: "210987654321", Principal: "arn:aws:iam::210987654321:root"}} {
		for _, action := range []string{"ecr:PutImage", "ecr:BatchGetImage"} {
			for _, resource := range []string{repositoryARN, "arn:aws:ecr:us-east-1:123456789012:repository/bob"} {
				for _, secure := range []string{"true", "false"} {
					caller.Action, caller.Resource = action, resource
					caller.Context = func(key string) ([]string, bool) {
						value, ok := map[string]string{"aws:securetransport": secure, "aws:username": "bob", "aws:principalaccount": caller.Account}[key]
						return []string{value}, ok
					}
					all = append(all, caller)
				}
			}
		}
	}
	return all
}

// element draws a member with one of the texts, or a list of them.
func element(t *rapid.T, name string, texts ...string) string {
	drawn := rapid.SliceOfN(rapid.SampledFrom(texts), 1, 3).Draw(t, name)
	if len(drawn) == 1 && rapid.Bool().Draw(t, name+" alone") {
		return `"` + name + `":"` + drawn[0] + `"`
	}
	list, _ := json.Marshal(drawn)
	return `"` + name + `":` + string(list)
}

func not(t *rapid.T, name string) string {
	return rapid.SampledFrom([]string{"", "", "Not"}).Draw(t, "not") + name
}

func drawStatement(t *rapid.T, kind string) string {
	members := []string{
		`"Effect":"` + rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect") + `"`,
		element(t, not(t, "Action"), "ecr:PutImage", "ecr:*", "ecr:batchget*", "ecr:GetImageCopyStatus"),
	}
	if kind != "identity" {
		accounts := element(t, "AWS", "123456789012", "210987654321", "arn:aws:iam::123456789012:root", bob.Principal, session.Principal, "*")
		principal := rapid.SampledFrom([]string{`"*"`, `{` + accounts + `}`, `{` + element(t, "Service", "codebuild.amazonaws.com", "lambda.amazonaws.com") + `,` + accounts + `}`}).Draw(t, "principal")
		members = append(members, `"`+not(t, "Principal")+`":`+principal)
	}
	if kind != "repository" {
		members = append(members, element(t, not(t, "Resource"), "*", repositoryARN, "arn:aws:ecr:*", "arn:aws:ecr:*:*:repository/${aws:username}"))
	}
	if rapid.Bool().Draw(t, "conditional") {
		members = append(members, `"Condition":{"Bool":{`+element(t, "aws:SecureTransport", "true", "false")+`},"StringEquals":{`+element(t, "aws:PrincipalAccount", "123456789012", "${aws:PrincipalAccount}")+`}}`)
	}
	if rapid.Bool().Draw(t, "named") {
		members = append(members, `"Sid":"123456789012"`)
	}
	return "{" + strings.Join(rapid.Permutation(members).Draw(t, "order"), ",") + "}"
}

func drawPolicy(t *rapid.T, kind string) string {
	var statements []string
	for range rapid.IntRange(1, 3).Draw(t, "statements") {
		statements = append(statements, drawStatement(t, kind))
	}
	list := "[" + strings.Join(statements, ",") + "]"
	if len(statements) == 1 && rapid.Bool().Draw(t, "no list") {
		list = statements[0]
	}
	members := []string{`"Statement":` + list}
	if version := rapid.SampledFrom([]string{"", "2008-10-17", "2012-10-17"}).Draw(t, "version"); version != "" {
		members = append(members, `"Version":"`+version+`"`)
	}
	return "{" + strings.Join(rapid.Permutation(members).Draw(t, "order"), ",") + "}"
}

// What ECR gives back is a policy that decides as the one that was sent, and comes back as it is.
func TestNormalisedDecidesTheSame(t *testing.T) {
	decisions := map[Decision]int{}
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"repository", "registry", "identity"}).Draw(t, "kind")
		text := drawPolicy(t, kind)
		d, err := kinds[kind](text)
		require.NoError(t, err, text)
		again, err := kinds[kind](d.String())
		require.NoError(t, err, d.String())
		require.Equal(t, d.String(), again.String())
		for _, request := range requests() {
			require.Equal(t, d.Decide(request), again.Decide(request), "%s\n%s", text, d)
			decisions[d.Decide(request)]++
		}
	})
	require.Len(t, decisions, 3, "not every decision was met")
}
