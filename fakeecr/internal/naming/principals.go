package naming

import (
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
)

// Kind is what a principal is, as its ARN says it.
type Kind string

// The kinds of principals that call.
const (
	Root          Kind = "root"
	User          Kind = "user"
	Role          Kind = "role"
	Session       Kind = "assumed-role"
	FederatedUser Kind = "federated-user"
)

// parsePrincipal is the kind of the principal that an ARN is of, "" if it is of none,
// its account, and what follows the kind: its name with the path to it.
func parsePrincipal(arn string) (kind Kind, account, path string) {
	parts, ok := split(arn)
	if !ok || !strings.HasPrefix(parts[1], "aws") || parts[3] != "" || !constraint.ValidRegistryID(parts[4]) {
		return "", "", ""
	}
	named, path, _ := strings.Cut(parts[5], "/")
	switch kind = Kind(named); {
	case parts[2] == "iam" && (parts[5] == string(Root) || kind == User || kind == Role):
	case parts[2] == "sts" && (kind == Session || kind == FederatedUser):
	default:
		return "", "", ""
	}
	return kind, parts[4], path
}

// KindOf is the kind of the principal that an ARN is of, "" if it is of none.
func KindOf(arn string) Kind {
	kind, _, _ := parsePrincipal(arn)
	return kind
}

// AccountOf is the account of a principal, "" of what is no ARN of one.
func AccountOf(arn string) string {
	kind, account, path := parsePrincipal(arn)
	if kind != Root && !isPath(path) || kind == Session && strings.Count(path, "/") != 1 {
		return ""
	}
	return account
}

// NameOf is a principal's name without its path, that of a session without its role.
func NameOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// RoleOf is the ARN of the role behind a session, which does not show the role's path,
// and that of any other principal as it is.
func RoleOf(arn string) string {
	before, session, found := strings.Cut(arn, ":assumed-role/")
	if !found {
		return arn
	}
	role, _, _ := strings.Cut(session, "/")
	return strings.Replace(before, ":sts:", ":iam:", 1) + ":role/" + role
}

// SessionsOf is what the ARNs of a role's sessions begin with, up to their names.
func SessionsOf(role string) string {
	before, _, _ := strings.Cut(role, ":role/")
	return strings.Replace(before, ":iam:", ":sts:", 1) + ":assumed-role/" + NameOf(role) + "/"
}

// OIDCProviderOf is the ARN of an identity provider in a role's account.
func OIDCProviderOf(role, issuer string) string {
	before, _, _ := strings.Cut(role, ":role/")
	return before + ":oidc-provider/" + issuer
}

// IsProvider tells whether an ARN is that of an identity provider in an account.
func IsProvider(arn string) bool {
	parts, ok := split(arn)
	kind, name, _ := strings.Cut(parts[5], "/")
	return ok && strings.HasPrefix(parts[1], "aws") && parts[2] == "iam" && parts[3] == "" && constraint.ValidRegistryID(parts[4]) &&
		(kind == "saml-provider" || kind == "oidc-provider") && name != "" && only(name, alphabet+"_.:/-")
}

const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// isPath tells whether s is a name of IAM with its path before it; wildcards are no
// part of one.
func isPath(s string) bool {
	return s != "" && !strings.HasPrefix(s, "/") && !strings.HasSuffix(s, "/") &&
		!strings.Contains(s, "//") && only(s, alphabet+"_+=,.@-/")
}

func only(s, set string) bool { return strings.Trim(s, set) == "" }
