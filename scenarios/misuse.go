package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// misuse is a mistake in how a rule was made, in the words of Go and of JSON.
type misuse struct {
	// call is what was said in Go, as in First(0), and member what JSON calls it.
	call, member string
	// why says what is wrong with it, behind either name; whyJSON does where JSON
	// says it otherwise.
	why, whyJSON string
}

func (m *misuse) Error() string { return m.call + m.why }

// inJSON is the mistake by JSON's names.
func (m *misuse) inJSON() string {
	if m.whyJSON != "" {
		return m.member + m.whyJSON
	}
	return m.member + m.why
}

// refuse keeps that what was said by a call cannot be.
func (r *Rule) refuse(member, call, format string, args ...any) {
	r.mistakes = append(r.mistakes, &misuse{call: call, member: member, why: ": " + fmt.Sprintf(format, args...)})
}

// clash keeps that what was said by a call does not go together with what another
// said.
func (r *Rule) clash(member, call, other, why string) {
	r.mistakes = append(r.mistakes, &misuse{call: call, member: member, why: " beside " + other + ": " + why})
}

// inJSON is mistakes by JSON's names, and the member that the first of them is
// about, if it is about one.
func inJSON(mistakes []error) (text, member string) {
	var said []string
	for _, err := range mistakes {
		var m *misuse
		if !errors.As(err, &m) {
			said = append(said, err.Error())
			continue
		}
		said = append(said, m.inJSON())
		if member == "" {
			member = m.member
		}
	}
	return strings.Join(said, "; "), member
}

// effect is one that a rule may have: its name in JSON, and how it is called in Go.
type effectName struct {
	member string
	has    func(Effects) bool
	call   func(Effects) string
}

// effectNames are those that cannot be put everywhere or beside any other.
var effectNames = []effectName{
	{"together", func(e Effects) bool { return e.Together > 0 }, func(e Effects) string { return fmt.Sprintf("Together(%d)", e.Together) }},
	{"rate", func(e Effects) bool { return e.Rate != nil }, func(e Effects) string { return fmt.Sprintf("AtMost(%v, %d)", e.Rate.PerSecond, e.Rate.Burst) }},
	{"fail", func(e Effects) bool { return e.Err != nil }, func(e Effects) string { return fmt.Sprintf("Fail(%s)", short(e.Err)) }},
	{"sequence", func(e Effects) bool { return e.Sequence != nil }, func(e Effects) string { return fmt.Sprintf("Sequence(%s)", sequenceWords(e.Sequence)) }},
	{"notThereFor", func(e Effects) bool { return e.NotThereFor > 0 }, func(e Effects) string { return fmt.Sprintf("NotThereFor(%v)", e.NotThereFor) }},
	{"answer", func(e Effects) bool { return e.Answer != nil }, func(Effects) string { return "Answer" }},
	{"stale", func(e Effects) bool { return e.Stale != nil }, func(e Effects) string { return e.Stale.call() }},
	{"garble", func(e Effects) bool { return e.Garble != nil }, func(e Effects) string { return fmt.Sprintf("Garble(%d)", *e.Garble) }},
	{"twice", func(e Effects) bool { return e.Twice }, func(Effects) string { return "Twice" }},
	{"around", func(e Effects) bool { return e.around != nil }, func(Effects) string { return "Around" }},
	{"failItem", func(e Effects) bool { return e.Item != nil }, func(e Effects) string { return fmt.Sprintf("FailItem(%d, %q)", e.Item.Nth, e.Item.Code) }},
	{"shortPage", func(e Effects) bool { return e.Page != nil && *e.Page > 0 }, func(e Effects) string { return fmt.Sprintf("ShortPage(%d)", *e.Page) }},
	{"emptyPage", func(e Effects) bool { return e.Page != nil && *e.Page == 0 }, func(Effects) string { return "EmptyPage" }},
	{"change", func(e Effects) bool { return e.change != nil }, func(Effects) string { return "Change" }},
	{"reserialise", func(e Effects) bool { return e.Reserialise }, func(Effects) string { return "Reserialise" }},
	{"flip", func(e Effects) bool { return e.Flip != nil }, func(e Effects) string { return fmt.Sprintf("Flip(%d)", *e.Flip) }},
	{"keep", func(e Effects) bool { return e.Keep != nil }, func(e Effects) string { return fmt.Sprintf("Keep(%d)", *e.Keep) }},
	{"stall", func(e Effects) bool { return e.Reply.Wait > 0 }, func(e Effects) string { return fmt.Sprintf("Stall(%v)", e.Reply.Wait) }},
	{"trickle", func(e Effects) bool { return e.Reply.BytesPerSecond > 0 }, func(e Effects) string { return fmt.Sprintf("Trickle(%d)", e.Reply.BytesPerSecond) }},
	{"cutAfter", func(e Effects) bool { return e.Reply.Cut != nil && !e.Reply.Reset }, func(e Effects) string { return fmt.Sprintf("CutAfter(%d)", *e.Reply.Cut) }},
	{"resetAfter", func(e Effects) bool { return e.Reply.Cut != nil && e.Reply.Reset }, func(e Effects) string { return fmt.Sprintf("ResetAfter(%d)", *e.Reply.Cut) }},
	{"drop", func(e Effects) bool { return e.Reply.Lost }, func(Effects) string { return "Drop" }},
}

// call is how the effect of a JSON name was said in Go, if the effects have it.
func (e Effects) call(member string) (call string, has bool) {
	for _, name := range effectNames {
		if name.member == member && name.has(e) {
			return name.call(e), true
		}
	}
	return "", false
}

func (s Stale) call() string {
	switch {
	case s.Age > 0:
		return fmt.Sprintf("Stale(%v)", s.Age)
	case s.Writes > 0:
		return fmt.Sprintf("StaleBy(%d)", s.Writes)
	default:
		return "Frozen"
	}
}

// apart are effects by their JSON names of which a rule has one at most, with the
// reason.
var apart = []struct {
	members []string
	why     string
}{
	{[]string{"answer", "stale"}, "nothing is read for an answer"},
	{[]string{"answer", "garble"}, "nothing is received for an answer"},
	{[]string{"answer", "twice"}, "nothing is carried out for an answer"},
	{[]string{"answer", "failItem"}, "nothing is carried out for an answer"},
	{[]string{"fail", "sequence", "rate", "notThereFor", "answer"}, "one thing happens in the operation's place"},
	{[]string{"cutAfter", "resetAfter"}, "a reply ends once"},
	{[]string{"shortPage", "emptyPage"}, "a page is of one length"},
	{[]string{"drop", "cutAfter"}, "of a reply that is lost nothing arrives"},
	{[]string{"drop", "resetAfter"}, "of a reply that is lost nothing arrives"},
	{[]string{"drop", "trickle"}, "of a reply that is lost nothing arrives"},
	{[]string{"drop", "stall"}, "of a reply that is lost nothing arrives"},
}

// together is what is wrong with effects that do not go together.
func (e Effects) together() (mistakes []error) {
	for _, group := range apart {
		var members, calls []string
		for _, member := range group.members {
			if call, has := e.call(member); has {
				members, calls = append(members, member), append(calls, call)
			}
		}
		if len(members) > 1 {
			mistakes = append(mistakes, &misuse{
				call: calls[1], member: members[1],
				why:     " beside " + calls[0] + ": " + group.why,
				whyJSON: " beside " + members[0] + ": " + group.why,
			})
		}
	}
	return mistakes
}

// unreached is the first rule of a scenario, and its condition, that holds for a state
// only that no rule leads to.
func (s Scenario) unreached() (rule *Rule, lacks *Condition) {
	reached := map[string]bool{"": true}
	within := func(r *Rule) *Condition {
		for i, c := range r.conditions {
			if (c.kind == "while" || c.kind == "tokenBefore") && !reached[c.value] {
				return &r.conditions[i]
			}
		}
		return nil
	}
	for range s { // each round at least one rule's state is new, or none is any more
		for _, r := range s {
			if within(r) == nil && r.effects.Then != nil {
				reached[*r.effects.Then] = true
			}
		}
	}
	for _, r := range s {
		if lacks := within(r); lacks != nil {
			return r, lacks
		}
	}
	return nil, nil
}

// unreachable is the mistake of a condition on a state that no rule leads to.
func (c *Condition) unreachable() *misuse {
	return &misuse{
		call: fmt.Sprintf("%s(%q)", capital(c.kind), c.value), member: c.kind,
		why:     fmt.Sprintf(": no rule leads to this state, as one with Then(%q) does", c.value),
		whyJSON: fmt.Sprintf(": no rule leads to the state %q, as one does by its then", c.value),
	}
}

// capital is what JSON's name of a condition is called in Go.
func capital(member string) string { return strings.ToUpper(member[:1]) + member[1:] }

// states are the states in which a rule holds.
func (r *Rule) states() (states []string) {
	for _, c := range r.conditions {
		if c.kind == "while" && !slices.Contains(states, c.value) {
			states = append(states, c.value)
		}
	}
	return states
}
