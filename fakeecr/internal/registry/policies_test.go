package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

const (
	pullPolicy = `{"Version":"2008-10-17","Statement":[{"Sid":"allow public pull","Effect":"Allow","Principal":"*","Action":["ecr:BatchGetImage"]}]}`

	registryPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Action":"ecr:CreateRepository","Resource":"*"}]}`
)

// What is sent comes back as ECR writes it, whichever operation answers it.
func TestPoliciesAreNormalised(t *testing.T) {
	// As json.dumps(sort_keys=True) and Terraform send it.
	const sent = `{"Statement": [{"Action": ["ecr:GetImageCopyStatus"], "Effect": "Allow", "Principal": {"AWS": ["123456789012", "210987654321"]}%s, "Sid": "one"}, ` +
		`{"Condition": {"Bool": {"aws:SecureTransport": ["false"]}}, "Effect": "Deny", "NotAction": ["ecr:Get*", "ecr:PutImage"], "NotPrincipal": {"AWS": "123456789012"}%[1]s}]}`
	const printed = `{
  "Version" : "2008-10-17",
  "Statement" : [ {
    "Sid" : "one",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : [ "arn:PARTITION:iam::123456789012:root", "arn:PARTITION:iam::210987654321:root" ]
    },
    "Action" : "ecr:GetImageCopyStatus"%s
  }, {
    "Effect" : "Deny",
    "NotPrincipal" : {
      "AWS" : "arn:PARTITION:iam::123456789012:root"
    },
    "NotAction" : [ "ecr:Get*", "ecr:PutImage" ]%[1]s,
    "Condition" : {
      "Bool" : {
        "aws:SecureTransport" : "false"
      }
    }
  } ]
}`
	ofRepository, ofRegistry := fmt.Sprintf(sent, ""), fmt.Sprintf(sent, `, "Resource": ["arn:aws:us-east-1:210987654321:repository/*"]`)
	for region, partition := range map[string]string{"us-east-1": "aws", "cn-north-1": "aws-cn"} {
		print := strings.NewReplacer("PARTITION", partition).Replace(printed)
		wantRepository, wantRegistry := fmt.Sprintf(print, ""), fmt.Sprintf(print, ",\n    \"Resource\" : \"arn:aws:us-east-1:210987654321:repository/*\"")
		faces.Each(t, func(t *testing.T, f faces.Face) {
			f = f.In(region)
			faces.Create(t, f, "team/app")
			name := aws.String("team/app")
			set, err := f.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: name, PolicyText: &ofRepository, Force: true})
			require.NoError(t, err)
			got, err := f.GetRepositoryPolicy(t.Context(), &ecr.GetRepositoryPolicyInput{RepositoryName: name})
			require.NoError(t, err)
			deleted, err := f.DeleteRepositoryPolicy(t.Context(), &ecr.DeleteRepositoryPolicyInput{RepositoryName: name})
			require.NoError(t, err)
			require.Equal(t, slices.Repeat([]string{wantRepository}, 3), []string{*set.PolicyText, *got.PolicyText, *deleted.PolicyText})

			put, err := f.PutRegistryPolicy(t.Context(), &ecr.PutRegistryPolicyInput{PolicyText: &ofRegistry})
			require.NoError(t, err)
			registry, err := f.GetRegistryPolicy(t.Context(), nil)
			require.NoError(t, err)
			removed, err := f.DeleteRegistryPolicy(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, slices.Repeat([]string{wantRegistry}, 3), []string{*put.PolicyText, *registry.PolicyText, *removed.PolicyText})

			template := forEverything("prod")
			template.RepositoryPolicy = &ofRepository
			made, err := f.CreateRepositoryCreationTemplate(t.Context(), template)
			require.NoError(t, err)
			described, err := f.DescribeRepositoryCreationTemplates(t.Context(), &ecr.DescribeRepositoryCreationTemplatesInput{})
			require.NoError(t, err)
			updated, err := f.UpdateRepositoryCreationTemplate(t.Context(), &ecr.UpdateRepositoryCreationTemplateInput{Prefix: template.Prefix, RepositoryPolicy: &wantRepository})
			require.NoError(t, err, "what comes back may be sent")
			for _, template := range []*types.RepositoryCreationTemplate{made.RepositoryCreationTemplate, &described.RepositoryCreationTemplates[0], updated.RepositoryCreationTemplate} {
				require.Equal(t, wantRepository, *template.RepositoryPolicy)
			}
		})
	}
}

// A resource that is an ARN, but none of ECR's, is taken and allows nothing.
func TestRegistryPolicyOnNothing(t *testing.T) {
	for _, resource := range []string{"arn:aws:us-east-1:210987654321:repository/*", "arn:aws:*:us-east-1:210987654321:repository/*", "arn:*"} {
		faces.Each(t, func(t *testing.T, f faces.Face) {
			theirs := f.Account(faces.Other)
			faces.Create(t, theirs, "team/app")
			putRegistryPolicy(t, theirs, faces.Statements(onRegistry(faces.AllowAll, resource)))
			faces.RequireDenied(t, describeImages("team/app")(t, f), faces.NotAllowed(faces.Caller, "DescribeImages", faces.OtherARN+"team/app", "resource-based"))
			putRegistryPolicy(t, theirs, faces.Statements(onRegistry(faces.AllowAll, faces.OtherARN+"*")))
			require.NoError(t, describeImages("team/app")(t, f))
		})
	}
}

func TestRepositoryPolicyRefused(t *testing.T) {
	const invalid = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"
	allow := func(members string) string { return `{"Statement":[{"Effect":"Allow",` + members + `}]}` }
	tests := map[string]struct{ text, refusal string }{
		"not JSON":          {"allow everything", invalid},
		"empty":             {"", invalid},
		"resource":          {allow(`"Principal":"*","Action":"ecr:*","Resource":"*"`), invalid},
		"no principal":      {allow(`"Action":"ecr:*"`), invalid},
		"another service":   {allow(`"Principal":"*","Action":"s3:GetObject"`), invalid},
		"malformed account": {allow(`"Principal":{"AWS":"12345"},"Action":"ecr:*"`), invalid},
		"unknown role":      {allow(`"Principal":{"AWS":"arn:aws:iam::210987654321:role/ghost"},"Action":"ecr:*"`), "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'"},
		"unknown user":      {allow(`"Principal":{"AWS":["arn:aws:iam::210987654321:role/ci","arn:aws:iam::210987654321:user/ghost"]},"Action":"ecr:*"`), "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'"},
		"more than 10,240":  {allow(`"Sid":"` + strings.Repeat("s", 10_240) + `","Principal":"*","Action":"ecr:*"`), "Invalid parameter at 'policyText' failed to satisfy constraint: 'Member must have length less than or equal to 10240'"},
		"locks the caller out": {`{"Statement":[{"Effect":"Deny","Principal":"*","Action":"ecr:*"}]}`,
			"Invalid parameter at 'PolicyText' failed to satisfy constraint: 'The repository policy would prevent you from setting another policy in the future'"},
	}
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "team/app")
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				_, err := f.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("team/app"), PolicyText: aws.String(test.text)})
				faces.RequireError[*types.InvalidParameterException](t, err, test.refusal)
				_, err = f.GetRepositoryPolicy(t.Context(), &ecr.GetRepositoryPolicyInput{RepositoryName: aws.String("team/app")})
				require.ErrorAs(t, err, new(*types.RepositoryPolicyNotFoundException))
			})
		}
	}, fakeecr.WithPrincipals("arn:aws:iam::210987654321:role/ci"))
}

func TestPrincipalsThatExist(t *testing.T) {
	tests := []struct {
		name, principal string
		options         []fakeecr.Option
	}{
		{"all, unless told otherwise", "arn:aws:iam::210987654321:role/anyone", nil},
		{"those named", "arn:aws:iam::210987654321:user/alice", []fakeecr.Option{
			fakeecr.WithPrincipals("arn:aws:iam::210987654321:role/ci"), fakeecr.WithPrincipals("arn:aws:iam::210987654321:user/alice")}},
		{"those that call", "arn:aws:iam::210987654321:role/caller", []fakeecr.Option{fakeecr.WithPrincipals()}},
		{"accounts", "998877665544", []fakeecr.Option{fakeecr.WithPrincipals()}},
		{"roots of accounts", "arn:aws:iam::998877665544:root", []fakeecr.Option{fakeecr.WithPrincipals()}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.Create(t, f, "team/app")
				f.As("arn:aws:iam::210987654321:role/caller")
				faces.SetPolicy(t, f, "team/app", strings.Replace(pullPolicy, `"*"`, `{"AWS":"`+test.principal+`"}`, 1))
			}, test.options...)
		})
	}
}

func TestForcedLockOut(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "team/app")
		in := &ecr.SetRepositoryPolicyInput{
			RepositoryName: aws.String("team/app"), Force: true,
			PolicyText: aws.String(`{"Statement":{"Effect":"Deny","Principal":"*","Action":"ecr:*"}}`),
		}
		_, err := f.SetRepositoryPolicy(t.Context(), in)
		require.NoError(t, err)
		_, err = f.SetRepositoryPolicy(t.Context(), in)
		faces.RequireDenied(t, err, "User: arn:aws:iam::123456789012:user/fakeecr is not authorized to perform: ecr:SetRepositoryPolicy on resource: "+
			"arn:aws:ecr:us-east-1:123456789012:repository/team/app with an explicit deny in a resource-based policy")
	})
}

// Who may set a policy by what another account allows does not give that up
// unawares.
func TestLockOutAcrossAccounts(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f.Account(faces.Other), "team/app")
		faces.SetPolicy(t, f.Account(faces.Other), "team/app", faces.Statements(faces.AllowAll))
		set := func(text string, force bool) error {
			_, err := f.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{
				RegistryId: aws.String(faces.Other), RepositoryName: aws.String("team/app"), PolicyText: &text, Force: force})
			return err
		}
		require.NoError(t, set(faces.Statements(strings.Replace(faces.AllowAll, "ecr:*", "ecr:Set*", 1)), false))
		faces.RequireError[*types.InvalidParameterException](t, set(faces.Statements(allowOwner), false),
			"Invalid parameter at 'PolicyText' failed to satisfy constraint: 'The repository policy would prevent you from setting another policy in the future'")
		require.NoError(t, set(faces.Statements(allowOwner), true))
		faces.RequireDenied(t, set(faces.Statements(faces.AllowAll), true), faces.NotAllowed(faces.Caller, "SetRepositoryPolicy", faces.OtherARN+"team/app", "resource-based"))
	})
}

func TestRegistryPolicyIsOfOneRegistry(t *testing.T) {
	const none = "Registry policy does not exist in the registry with id '%s'"
	faces.Each(t, func(t *testing.T, f faces.Face) {
		putRegistryPolicy(t, f, registryPolicy)
		_, err := f.In("eu-west-1").GetRegistryPolicy(t.Context(), nil)
		faces.RequireError[*types.RegistryPolicyNotFoundException](t, err, fmt.Sprintf(none, "123456789012"))
		_, err = f.Account("210987654321").GetRegistryPolicy(t.Context(), nil)
		faces.RequireError[*types.RegistryPolicyNotFoundException](t, err, fmt.Sprintf(none, "210987654321"))
	})
}

func TestRegistryPolicyRefused(t *testing.T) {
	const invalid = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'"
	tests := map[string]struct{ text, refusal string }{
		"not JSON":         {"allow everything", invalid},
		"no resource":      {pullPolicy, invalid},
		"another service":  {strings.Replace(registryPolicy, "ecr:", "s3:", 1), invalid},
		"unknown role":     {strings.Replace(registryPolicy, ":root", ":role/ghost", 1), "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'"},
		"more than 10,240": {registryPolicy + strings.Repeat(" ", 10_240), "Invalid parameter at 'policyText' failed to satisfy constraint: 'Member must have length less than or equal to 10240'"},
	}
	faces.Each(t, func(t *testing.T, f faces.Face) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				_, err := f.PutRegistryPolicy(t.Context(), &ecr.PutRegistryPolicyInput{PolicyText: aws.String(test.text)})
				faces.RequireError[*types.InvalidParameterException](t, err, test.refusal)
				_, err = f.GetRegistryPolicy(t.Context(), nil)
				require.ErrorAs(t, err, new(*types.RegistryPolicyNotFoundException))
			})
		}
	}, fakeecr.WithPrincipals())
}
