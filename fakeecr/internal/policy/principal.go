package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
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
	kind := naming.KindOf(r.Principal)
	if r.Principal == "" || kind == naming.Root {
		return ids
	}
	ids = append(ids, r.Principal)
	if kind == naming.Session {
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

// awsNames returns the names under which the callers go that an account id or an ARN stands for.
func awsNames(text string) ([]string, bool) {
	if isAccount(text) {
		return []string{text}, true
	}
	account := naming.AccountOf(text)
	switch kind := naming.KindOf(text); {
	case account == "":
		return nil, false
	case kind == naming.Root:
		return []string{account}, true
	case kind == naming.Role:
		return []string{text, strings.TrimSuffix(naming.SessionsOf(text), "/")}, true
	default:
		return []string{text}, true
	}
}

func isAccount(s string) bool {
	return len(s) == 12 && only(s, "0123456789")
}

const (
	lower    = "abcdefghijklmnopqrstuvwxyz"
	alphabet = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

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
	return naming.IsProvider(s)
}

func only(s, set string) bool {
	return strings.Trim(s, set) == ""
}
