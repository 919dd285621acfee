package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Scope is the account setting REGISTRY_POLICY_SCOPE: which actions a registry policy may name.
type Scope string

// Registries have scope V2 today; V1 knows replication, import from upstream and the creation of
// repositories only.
const (
	V1 Scope = "V1"
	V2 Scope = "V2"
)

// An invalidError speaks as ECR does, which does not say why; the reason is wrapped in it.
type invalidError struct {
	text   string
	reason error
}

func (e *invalidError) Error() string { return e.text }
func (e *invalidError) Unwrap() error { return e.reason }

// ParseRepository reads the policy of a repository. It names principals and no resource, and actions of
// ECR only. Accounts are shown as roots of the partition. The error's text is ECR's constraint, 'Invalid
// repository policy provided'; it wraps the reason.
func ParseRepository(text, partition string) (*Document, error) {
	d, err := grammar{principal: true, notAction: true, action: checkECRAction}.parse(text, partition)
	if err != nil {
		return nil, &invalidError{"Invalid repository policy provided", err}
	}
	return d, nil
}

// ParseRegistry reads the policy of a registry. It names principals and resources, and those actions of
// ECR that the scope has. An ARN that is none of ECR's stands for nothing. Accounts are shown as roots of
// the partition. The error's text is ECR's constraint, 'Invalid registry policy provided'; it wraps the
// reason.
func ParseRegistry(text, partition string, scope Scope) (*Document, error) {
	g := grammar{principal: true, resource: true, notAction: true, action: checkECRAction, vendor: "ecr"}
	if scope == V1 {
		g.action, g.notAction = checkV1Action, false
	}
	d, err := g.parse(text, partition)
	if err != nil {
		return nil, &invalidError{"Invalid registry policy provided", err}
	}
	return d, nil
}

// ParseIdentity reads a policy that is attached to a caller: it names resources and no principal, and
// actions of any service. The error says what is wrong.
func ParseIdentity(text string) (*Document, error) {
	d, err := grammar{resource: true, notAction: true, action: checkAnyAction}.parse(text, "")
	if err != nil {
		return nil, fmt.Errorf("invalid identity policy: %w", err)
	}
	return d, nil
}

// A grammar is what sets one kind of policy apart from the others.
type grammar struct {
	principal bool // needed; else there must be none
	resource  bool // needed; else there must be none
	notAction bool
	action    func(text string) error
	vendor    string // the service whose resources it speaks of; empty: any
}

func (g grammar) parse(text, partition string) (*Document, error) {
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	d := new(Document)
	if err := g.document(d, v); err != nil {
		return nil, err
	}
	d.text = v.normalised(partition).pretty()
	return d, nil
}

func (g grammar) document(d *Document, v value) error {
	if err := v.allow(documentMembers...); err != nil {
		return err
	}
	version, err := v.optional("Version")
	if err != nil {
		return err
	}
	if _, ok := v.get("Version"); ok && version != firstVersion && version != "2012-10-17" {
		return fmt.Errorf("unknown Version %q", version)
	}
	if _, err := v.optional("Id"); err != nil {
		return err
	}
	list, ok := v.get("Statement")
	statements := []value{list}
	if list.kind == array {
		statements = list.items
	}
	if !ok || len(statements) == 0 {
		return errors.New("no Statement")
	}
	for i, item := range statements {
		if err := g.statement(d, item, version == "2012-10-17"); err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	return nil
}

func (g grammar) statement(d *Document, v value, variables bool) error {
	if err := v.allow(statementMembers...); err != nil {
		return err
	}
	if _, err := v.optional("Sid"); err != nil {
		return err
	}
	var s statement
	effect, err := v.optional("Effect")
	if err != nil {
		return err
	}
	if effect != "Allow" && effect != "Deny" {
		return errors.New("Effect is neither Allow nor Deny")
	}
	s.deny = effect == "Deny"
	if err := g.principals(d, &s, v); err != nil {
		return err
	}
	if err := g.actions(&s, v); err != nil {
		return err
	}
	if err := g.resources(&s, v, variables); err != nil {
		return err
	}
	if block, ok := v.get("Condition"); ok {
		if s.conditions, err = readConditions(block, variables); err != nil {
			return fmt.Errorf("Condition: %w", err)
		}
	}
	d.statements = append(d.statements, s)
	return nil
}

func (g grammar) principals(d *Document, s *statement, v value) error {
	element, negated, err := v.either("Principal", g.principal)
	if err != nil || !g.principal {
		return err
	}
	s.principals.negated = negated
	named, err := s.principals.read(element)
	for _, name := range named {
		if !slices.Contains(d.named, name) {
			d.named = append(d.named, name)
		}
	}
	return err
}

func (g grammar) actions(s *statement, v value) error {
	element, negated, err := v.either("Action", true)
	if err != nil {
		return err
	}
	if negated && !g.notAction {
		return errors.New("NotAction reaches outside scope V1")
	}
	s.notAction = negated
	texts, err := element.strings()
	for _, text := range texts {
		if err := g.action(text); err != nil {
			return err
		}
		s.actions = append(s.actions, actionPattern(text))
	}
	return err
}

func (g grammar) resources(s *statement, v value, variables bool) error {
	element, negated, err := v.either("Resource", g.resource)
	if err != nil || !g.resource {
		return err
	}
	s.notResource = negated
	texts, err := element.strings()
	for _, text := range texts {
		t, err := compile(text, variables, true)
		switch {
		case err != nil:
			return err
		case g.isResource(text):
		case g.vendor != "" && strings.HasPrefix(text, "arn:"):
			t = template{} // ECR takes it, and it stands for nothing
		default:
			return fmt.Errorf("malformed resource %q", text)
		}
		s.resources = append(s.resources, t)
	}
	return err
}

func (g grammar) isResource(text string) bool {
	parts := strings.SplitN(text, ":", 4)
	return text == "*" || len(parts) == 4 && parts[0] == "arn" && (g.vendor == "" || parts[2] == g.vendor)
}

// either returns the element of a name or the one of Not and the name, of which a statement has one, or
// none where the kind of policy has no place for it.
func (v value) either(name string, wanted bool) (element value, negated bool, err error) {
	element, ok := v.get(name)
	not, negated := v.get("Not" + name)
	switch {
	case ok && negated:
		err = fmt.Errorf("both %s and Not%s", name, name)
	case wanted && !ok && !negated:
		err = fmt.Errorf("no %s", name)
	case !wanted && (ok || negated):
		err = fmt.Errorf("%s has no place here", name)
	}
	if negated {
		element = not
	}
	return element, negated, err
}
