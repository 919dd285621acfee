package naming

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAccountOf(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:iam::123456789012:user/people/bob":       "123456789012",
		"arn:aws:iam::123456789012:role/R":                "123456789012",
		"arn:aws:iam::123456789012:root":                  "123456789012",
		"arn:aws:sts::123456789012:assumed-role/R/S":      "123456789012",
		"arn:aws:sts::123456789012:federated-user/bob":    "123456789012",
		"arn:aws-cn:iam::123456789012:user/bob":           "123456789012",
		"arn:aws:iam::123456789012:group/g":               "",
		"arn:aws:iam::123456789012:user/":                 "",
		"arn:aws:iam::12345678901:user/bob":               "",
		"arn:aws:ecr:us-east-1:123456789012:repository/a": "",
		"123456789012": "",
		"*":            "",
		"":             "",
	} {
		require.Equal(t, want, AccountOf(arn), arn)
	}
}

func TestKindsOfPrincipals(t *testing.T) {
	for arn, want := range map[string]struct {
		kind       Kind
		name, role string
	}{
		"arn:aws:iam::123456789012:root":                  {Root, "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root"},
		"arn:aws:iam::123456789012:user/people/bob":       {User, "bob", "arn:aws:iam::123456789012:user/people/bob"},
		"arn:aws:iam::123456789012:role/path/R":           {Role, "R", "arn:aws:iam::123456789012:role/path/R"},
		"arn:aws-cn:sts::123456789012:assumed-role/R/S":   {Session, "S", "arn:aws-cn:iam::123456789012:role/R"},
		"arn:aws:sts::123456789012:federated-user/bob":    {FederatedUser, "bob", "arn:aws:sts::123456789012:federated-user/bob"},
		"arn:aws:iam::123456789012:assumed-role/R/S":      {"", "S", "arn:aws:iam::123456789012:role/R"},
		"arn:aws:sts::123456789012:user/bob":              {"", "bob", "arn:aws:sts::123456789012:user/bob"},
		"arn:aws:iam::123456789012:root/x":                {"", "x", "arn:aws:iam::123456789012:root/x"},
		"arn:aws:ecr:us-east-1:123456789012:repository/a": {"", "a", "arn:aws:ecr:us-east-1:123456789012:repository/a"},
		"ec2.amazonaws.com":                               {"", "ec2.amazonaws.com", "ec2.amazonaws.com"},
	} {
		require.Equal(t, want.kind, KindOf(arn), arn)
		require.Equal(t, want.name, NameOf(arn), arn)
		require.Equal(t, want.role, RoleOf(arn), arn)
	}
	const role = "arn:aws-cn:iam::123456789012:role/path/R"
	require.Equal(t, "arn:aws-cn:sts::123456789012:assumed-role/R/", SessionsOf(role))
	account, ok := ParseRoleARN(role)
	require.True(t, ok)
	require.Equal(t, "123456789012", account)
	provider := OIDCProviderOf("arn:aws:iam::123456789012:role/R", "token.actions.githubusercontent.com")
	require.Equal(t, "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com", provider)
	require.True(t, IsProvider(provider))
	for _, arn := range []string{"", role, "arn:aws:iam::123456789012:oidc-provider/", "arn:aws:iam::1234:saml-provider/x", "arn:aws:iam::123456789012:saml-provider/*"} {
		require.False(t, IsProvider(arn), arn)
	}
}
