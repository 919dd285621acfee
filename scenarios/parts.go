package scenarios

import "slices"

// Parts is what a rule consists of, for what plays it.
type Parts struct{ rule *Rule }

// Parts is for a player of rules, as package fakeecr has one, and for what writes rules
// down: it takes the rule apart. A test has no need of it. What it leads to changes as
// there are other effects, and with any version.
func (r *Rule) Parts() Parts { return Parts{r} }

// Operations are those that the rule concerns, each once.
func (p Parts) Operations() []string { return p.rule.operations() }

func (r *Rule) operations() (operations []string) {
	for _, name := range r.named {
		operations = append(operations, Operations(name)...)
	}
	slices.Sort(operations)
	return slices.Compact(operations)
}

// Turn chooses among the calls that the rule matches.
func (p Parts) Turn() Turn { return p.rule.turn }

// Effects is what the rule does to the calls that it chooses.
func (p Parts) Effects() Effects { return p.rule.effects }

// Budget is what the rule shares with others of its scenario, or nil.
func (p Parts) Budget() *Budget { return p.rule.budget }

// IsOptional tells whether the rule may stay silent.
func (p Parts) IsOptional() bool { return p.rule.optional }

// Matches tells whether a call counts for the rule, in a state of the playing.
func (p Parts) Matches(call *Call, state string) bool {
	return slices.Contains(p.Operations(), call.Operation) && p.Unmet(call, state) == nil
}

// Unmet is the first condition of the rule that does not hold for a call of one of its
// operations, nil if all hold. Later are the states that the playing last came to after
// the call's token was issued.
func (p Parts) Unmet(call *Call, state string, later ...string) *Condition {
	call.state, call.later = state, later
	for i := range p.rule.conditions {
		if !p.rule.conditions[i].matches(call) {
			return &p.rule.conditions[i]
		}
	}
	return nil
}
