// Package policy reads, prints and evaluates IAM policies as ECR uses them: the policy of a repository,
// the policy of a registry, and the identity policies of a caller. A document is checked when it is
// put; what cannot be evaluated is refused then, so that Decide never has to guess.
package policy

import (
	"slices"
	"strings"
)

// A Document is a valid policy. It does not change and may be shared. A nil Document has no statements.
type Document struct {
	text       string
	statements []statement
	named      []string
}

// String returns the policy as ECR gives it back, whatever order and spelling it was put in.
func (d *Document) String() string {
	if d == nil {
		return ""
	}
	return d.text
}

// Principals returns the account ids and ARNs that the AWS principals of the policy name, as written,
// each once; "*", services and federated providers are left out. ECR refuses a role or user that does
// not exist with 'Principal not found'; whether one exists is the caller's knowledge.
func (d *Document) Principals() []string {
	if d == nil {
		return nil
	}
	return slices.Clone(d.named)
}

// A Request is one call that a policy is asked about.
type Request struct {
	// Principal is the caller's ARN: a user, a role, a session (arn:aws:sts::…:assumed-role/role/session) or
	// an account's root. It is empty when a service calls for itself.
	Principal string
	// Account is the 12-digit account of Principal.
	Account string
	// Service is the name of a service that calls for itself, such as codebuild.amazonaws.com.
	Service string
	// Action is the permission asked for, such as ecr:PutImage; case does not matter.
	Action string
	// Resource is the ARN acted upon.
	Resource string
	// Context gives the values of a condition key, and false for a key that the request does not carry.
	// Keys do not depend on case in IAM: it is asked in lower case ("aws:principalorgid",
	// "ecr:resourcetag/team"). Nil carries nothing.
	Context func(key string) ([]string, bool)
}

// A Decision is what one document says of one request.
type Decision int

// An explicit Deny wins over any Allow, in this document and in every other one.
const (
	NoMatch Decision = iota
	Allow
	Deny
)

// String returns the decision's name.
func (d Decision) String() string {
	switch d {
	case Allow:
		return "Allow"
	case Deny:
		return "Deny"
	default:
		return "NoMatch"
	}
}

// Decide returns Deny when a Deny statement applies to the request, else Allow when an Allow statement
// does, else NoMatch. How documents combine (an identity's with a repository's) is the caller's matter.
func (d *Document) Decide(r Request) Decision {
	if d == nil {
		return NoMatch
	}
	ids := identities(make([]string, 0, 4), r)
	r.Action = strings.ToLower(r.Action)
	decision := NoMatch
	for i := range d.statements {
		s := &d.statements[i]
		if decision == Allow && !s.deny {
			continue
		}
		if !s.applies(r, ids) {
			continue
		}
		if s.deny {
			return Deny
		}
		decision = Allow
	}
	return decision
}

type statement struct {
	deny        bool
	principals  principals
	actions     []string // lower-case patterns
	notAction   bool
	resources   []template // none: whatever the policy is attached to
	notResource bool
	conditions  []condition
}

func (s *statement) applies(r Request, ids []string) bool {
	if s.matchesAction(r.Action) == s.notAction || !s.principals.include(ids) {
		return false
	}
	if len(s.resources) > 0 && s.matchesResource(r) == s.notResource {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r.Context) {
			return false
		}
	}
	return true
}

func (s *statement) matchesAction(action string) bool {
	for _, pattern := range s.actions {
		if match(pattern, action) {
			return true
		}
	}
	return false
}

func (s *statement) matchesResource(r Request) bool {
	for i := range s.resources {
		if pattern, ok := s.resources[i].expand(r.Context); ok && match(pattern, r.Resource) {
			return true
		}
	}
	return false
}
