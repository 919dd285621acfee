package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// principals is the Principal or NotPrincipal of a statement, as the names under which callers go; see
// identities. The zero value of an identity policy includes everyone.
type principals struct {
	required bool
	negated  bool
	everyone bool
	names    []string
}

// identities lists the names of a caller: its account, its ARN, the role behind a session (the
// session's ARN without the session), and a service.
func identities(ids []string, r Request) []string {
	if r.Account != "" {
		ids = append(ids, r.Account)
	}
	if r.Service != "" {
		ids = append(ids, r.Service)
	}
	if r.Principal == "" || strings.HasSuffix(r.Principal, ":root") {
		return ids
	}
	ids = append(ids, r.Principal)
	if strings.Contains(r.Principal, ":assumed-role/") {
		ids = append(ids, r.Principal[:strings.LastIndexByte(r.Principal, '/')])
	}
	return ids
}

// include reports whether the statement is about a caller with these names. One listed name suffices
// for Principal. A NotPrincipal exempts only whom it lists under every name, as IAM documents it: a user
// together with the account, a session together with its role and the account.
func (p *principals) include(ids []string) bool {
	if !p.required {
		return true
	}
	if !p.negated {
		return p.everyone || slices.ContainsFunc(ids, p.lists)
	}
	exempt := len(ids) > 0
	for _, id := range ids {
		exempt = exempt && p.lists(id)
	}
	return !p.everyone && !exempt
}

func (p *principals) lists(id string) bool { return slices.Contains(p.names, id) }

// read takes a Principal element and returns the AWS principals it names, as written.
func (p *principals) read(v value) ([]string, error) {
	p.required = true
	if v.kind == str && v.text == "*" {
		p.everyone = true
		return nil, nil
	}
	if v.kind != object || len(v.items) == 0 {
		return nil, errors.New(`a principal is "*" or an object`)
	}
	if err := v.allow("AWS", "Service", "Federated"); err != nil {
		return nil, err
	}
	var named []string
	for i, kind := range v.keys {
		texts, err := v.items[i].strings()
		if err != nil {
			return nil, fmt.Errorf("principal %s: %w", kind, err)
		}
		for _, text := range texts {
			if err := p.add(kind, text); err != nil {
				return nil, err
			}
			if kind == "AWS" && text != "*" {
				named = append(named, text)
			}
		}
	}
	return named, nil
}

func (p *principals) add(kind, text string) error {
	var names []string
	ok := false
	switch kind {
	case "AWS":
		if text == "*" {
			p.everyone = true
			return nil
		}
		names, ok = awsNames(text)
	case "Service":
		names, ok = []string{text}, isService(text)
	case "Federated":
		ok = isProvider(text) // nobody calls ECR under the name of a provider
	}
	if !ok {
		return fmt.Errorf("malformed %s principal %q", kind, text)
	}
	p.names = append(p.names, names...)
	return nil
}

// AccountOf returns the account of a principal that calls, by its ARN: a user, a role, a session or the
// account's root. It is empty for everything else.
func AccountOf(arn string) string {
	if _, ok := awsNames(arn); !ok {
		return ""
	}
	split, _ := splitARN(arn) // nothing of an account id, which calls under no name
	return split.account
}

// awsNames returns the names under which the callers go that an account id or an ARN stands for.
func awsNames(text string) ([]string, bool) {
	if isAccount(text) {
		return []string{text}, true
	}
	arn, ok := splitARN(text)
	if !ok {
		return nil, false
	}
	kind, path, _ := strings.Cut(arn.resource, "/")
	if arn.resource == "root" && arn.service == "iam" {
		return []string{arn.account}, true
	}
	if !isPath(path) {
		return nil, false
	}
	switch arn.service + ":" + kind {
	case "iam:user", "sts:federated-user":
		return []string{text}, true
	case "iam:role":
		// A session does not show the path of its role.
		role := path[strings.LastIndexByte(path, '/')+1:]
		session := "arn:" + arn.partition + ":sts::" + arn.account + ":assumed-role/" + role
		return []string{text, session}, true
	case "sts:assumed-role":
		return []string{text}, strings.Count(path, "/") == 1
	}
	return nil, false
}

type principalARN struct{ partition, service, account, resource string }

// splitARN takes ARNs of IAM and STS apart, which have no region.
func splitARN(text string) (principalARN, bool) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[3] != "" {
		return principalARN{}, false
	}
	arn := principalARN{partition: parts[1], service: parts[2], account: parts[4], resource: parts[5]}
	return arn, strings.HasPrefix(arn.partition, "aws") && isAccount(arn.account)
}

func isAccount(s string) bool {
	return len(s) == 12 && only(s, "0123456789")
}

const (
	lower    = "abcdefghijklmnopqrstuvwxyz"
	alphabet = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// isPath reports whether s is a name of IAM with its path before it; wildcards are no part of one.
func isPath(s string) bool {
	return s != "" && !strings.HasPrefix(s, "/") && !strings.HasSuffix(s, "/") &&
		!strings.Contains(s, "//") && only(s, alphabet+"_+=,.@-/")
}

func isService(s string) bool {
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal"} {
		if name, ok := strings.CutSuffix(s, suffix); ok && name != "" {
			return only(name, lower+"0123456789.-")
		}
	}
	return false
}

func isProvider(s string) bool {
	switch s {
	case "cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com":
		return true
	}
	arn, ok := splitARN(s)
	kind, name, _ := strings.Cut(arn.resource, "/")
	return ok && arn.service == "iam" && (kind == "saml-provider" || kind == "oidc-provider") &&
		name != "" && only(name, alphabet+"_.:/-")
}

func only(s, set string) bool {
	return strings.Trim(s, set) == ""
}
