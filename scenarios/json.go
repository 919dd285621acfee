package scenarios

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fakeecr/ecr/scenarios/internal/form"
)

//go:generate go run ./internal/generate scenario.schema.json
//go:generate go test . -run ^TestTextsAreUpToDate$ -update

// Parse reads a scenario from its JSON, which names in words what the methods of
// [Rule] name:
//
//	{"rules": [{
//		"on": "PutImage",
//		"where": {"repository": "team/*"},
//		"when": {"nth": 2},
//		"do": {"drop": true}
//	}]}
//
// A ready-made scenario stands under its name in Go, with its arguments by name:
//
//	{"ready": "Throttle", "operation": "PutImage", "times": 2}
//
// [Schema] describes all of it. Scenarios in a list are joined, each with the
// budget ("within") of its own. An error begins with the line and the column of
// what is wrong: a member that is unknown or stands twice, a wrong type, a rule
// that [Rule.Check] refuses.
func Parse(text []byte) (Scenario, error) {
	v, err := form.Scan(text)
	if err != nil {
		return nil, form.Place(text, err)
	}
	all, err := form.OneOrMore(form.Of[Scenario]{Read: forms().readScenario}).Read(v)
	if err != nil {
		return nil, form.Place(text, err)
	}
	scenario := slices.Concat(all...)
	if rule, lacks := scenario.unreached(); rule != nil {
		state, _ := saysOf(v, lacks)
		return nil, form.Place(text, state.Wrong("rule %q: %s", rule, lacks.unreachable().inJSON()))
	}
	return scenario, nil
}

// MarshalJSON is the scenario as [Parse] reads it, a ready-made one as its rules.
// The error names a rule that has no JSON, because it has a function, or that
// [Rule.Check] refuses.
func (s Scenario) MarshalJSON() ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	var written []any
	var budgets []*Budget
	for rest := s; len(rest) > 0; {
		budget := rest[0].budget
		if budget != nil && slices.Contains(budgets, budget) {
			return nil, fmt.Errorf("rule %q: it shares a budget with rules that do not stand beside it, which has no JSON", rest[0])
		}
		budgets = append(budgets, budget)
		n := slices.IndexFunc(rest, func(r *Rule) bool { return r.budget != budget })
		if n < 0 {
			n = len(rest)
		}
		one, err := forms().scenario.Write(rest[:n])
		if err != nil {
			return nil, err
		}
		written, rest = append(written, one), rest[n:]
	}
	switch len(written) {
	case 0:
		return []byte(`{"rules":[]}`), nil
	case 1:
		return form.Readable(written[0])
	default:
		return form.Readable(written)
	}
}

// UnmarshalJSON is [Parse]. The scenario stays as it was if there is an error.
func (s *Scenario) UnmarshalJSON(text []byte) error {
	parsed, err := Parse(text)
	if err == nil {
		*s = parsed
	}
	return err
}

// MarshalJSON is the rule as it stands among the rules of a scenario's JSON. A
// rule with a function has none, nor has one by itself with a budget of
// [Scenario.Within].
func (r *Rule) MarshalJSON() ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if r.budget != nil {
		return nil, fmt.Errorf("rule %q: its budget is its scenario's, which has JSON", r)
	}
	written, err := forms().writeRule(r)
	if err != nil {
		return nil, err
	}
	return form.Readable(written)
}

// UnmarshalJSON reads a rule as it stands in a scenario. The rule stays as it was
// if there is an error.
func (r *Rule) UnmarshalJSON(text []byte) error {
	v, err := form.Scan(text)
	if err != nil {
		return form.Place(text, err)
	}
	parsed, err := forms().readRule(v)
	if err != nil {
		return form.Place(text, err)
	}
	*r = *parsed
	return nil
}

// ParseCondition is a condition by its name and value in the JSON form, such as
// "repository" and "team/*".
func ParseCondition(name, value string) (Condition, error) {
	for _, kind := range conditionKinds {
		if kind.name == name {
			c := kind.of(value)
			if c.mistake == nil {
				return c, nil
			}
			text, _ := inJSON([]error{c.mistake})
			return c, errors.New(text)
		}
	}
	var names []string
	for _, kind := range conditionKinds {
		names = append(names, kind.name)
	}
	return Condition{}, fmt.Errorf("there is no condition %q, but %s", name, strings.Join(names, ", "))
}

// conditionKinds are the conditions that need no function.
var conditionKinds = []struct {
	name, says string
	of         func(string) Condition
}{
	{"repository", "The call names this repository; * stands for any characters.", Repository},
	{"tag", "The call names this tag; * stands for any characters.", Tag},
	{"digest", "The call names this digest of an image or a layer; * stands for any characters.", Digest},
	{"account", "The call is to the registry of this account; * stands for any characters.", Account},
	{"region", "The call is to a registry in this region; * stands for any characters.", Region},
	{"caller", "The ARN of the caller; * stands for any characters.", Caller},
	{"face", "How the call comes in: Go, API or registry.", func(s string) Condition { return Through(Face(s)) }},
	{"actor", "The name of the actor that calls; * stands for any characters.", Actor},
	{"same", "The call is this one, by its identity: its operation, registry, repository and input.", Same},
	{"while", "The playing is in this state, to which a rule's then has moved it.", While},
	{"tokenBefore", "The call came with a token of the registry endpoint from before the playing last came to this state.", TokenBefore},
}

// table is the JSON form: what reads it, writes it and describes it.
type table struct {
	scenario              form.Object[Scenario]
	rule, where, when, do form.Object[*Rule]
	operations            form.Of[[]string]
	rate                  form.Object[Rate]
	stale                 form.Object[Stale]
	item                  form.Object[ItemFailure]
	failure, orNone       form.Of[error]
	ready                 []ready
}

// mistaken is the mistakes that a rule has by now.
func mistaken(r *Rule) error {
	if len(r.mistakes) == 0 {
		return nil
	}
	text, _ := inJSON(r.mistakes)
	return errors.New(text)
}

var forms = sync.OnceValue(func() *table {
	t := &table{failure: outcomes(false), orNone: outcomes(true), operations: form.OneOrMore(operationNames())}
	t.rate = form.Object[Rate]{Members: []form.Property[Rate]{
		form.Member("perSecond", "How many calls pass in a second of the world's clock.", form.Number(math.MaxFloat64),
			func(r Rate) (float64, bool) { return r.PerSecond, true }, func(r Rate, f float64) Rate { r.PerSecond = f; return r }).Needed(),
		form.Member("burst", "How many calls may come at once.", form.Whole(1),
			func(r Rate) (int, bool) { return r.Burst, true }, func(r Rate, n int) Rate { r.Burst = n; return r }).Needed(),
	}}
	t.stale = form.Object[Stale]{Either: [][]string{{"age", "writes"}}, Members: []form.Property[Stale]{
		form.Member("age", "How old the state is.", form.Positive, func(s Stale) (time.Duration, bool) { return s.Age, s.Age > 0 }, func(s Stale, d time.Duration) Stale { s.Age = d; return s }),
		form.Member("writes", "How many writes the state is behind.", form.Whole(1), func(s Stale) (int, bool) { return s.Writes, s.Writes > 0 }, func(s Stale, n int) Stale { s.Writes = n; return s }),
	}}
	t.item = form.Object[ItemFailure]{Members: []form.Property[ItemFailure]{
		form.Member("nth", "Which item, counted from 1.", form.Whole(1), func(f ItemFailure) (int, bool) { return f.Nth, true }, func(f ItemFailure, n int) ItemFailure { f.Nth = n; return f }).Needed(),
		form.Member("code", "The code of the failure, such as ImageNotFound.", form.Word, func(f ItemFailure) (string, bool) { return f.Code, true }, func(f ItemFailure, s string) ItemFailure { f.Code = s; return f }).Needed(),
		form.Member("reason", "The reason of the failure.", form.Text, func(f ItemFailure) (string, bool) { return f.Reason, f.Reason != "" }, func(f ItemFailure, s string) ItemFailure { f.Reason = s; return f }),
	}}
	t.where = form.Object[*Rule]{Check: mistaken}
	for _, kind := range conditionKinds {
		f := form.Word
		switch kind.name {
		case "face":
			f = form.OneOf(string(FaceGo), string(FaceAPI), string(FaceRegistry))
		case "while", "tokenBefore":
			f = form.Text
		}
		t.where.Members = append(t.where.Members, form.Member(kind.name, kind.says, f, nil, func(r *Rule, s string) *Rule { return r.meeting(kind.of(s)) }))
	}
	t.when = form.Object[*Rule]{Check: mistaken, Either: [][]string{{"nth", "for"}}, Members: turnMembers()}
	t.do = form.Object[*Rule]{Check: mistaken, Members: t.effectMembers()}
	for _, group := range apart {
		t.do.Either = append(t.do.Either, group.members)
	}
	t.rule = form.Object[*Rule]{Members: t.ruleMembers()}
	t.scenario = form.Object[Scenario]{Members: scenarioMembers(form.Of[*Rule]{Schema: t.ruleSchema(), Read: t.readRule, Write: t.writeRule})}
	t.ready = t.readyMade()
	return t
})

// operationNames is a form of the names of operations and of groups of them.
func operationNames() form.Of[string] {
	f := form.Text
	f.Schema = defined("operation")
	f.Read = func(v form.Value) (string, error) {
		if err := v.Is("a text"); err != nil {
			return "", err
		}
		if Operations(v.Text) == nil {
			return "", v.Wrong("ECR has no operation %q", v.Text)
		}
		return v.Text, nil
	}
	return f
}

// callNames is operationNames without what the world does by itself.
func callNames() form.Of[string] {
	f := operationNames()
	f.Schema = defined("call")
	read := f.Read
	f.Read = func(v form.Value) (string, error) {
		name, err := read(v)
		if err == nil && !slices.Contains(namesWithin(Operations(Any)), name) {
			err = v.Wrong("%q is what the world does by itself", name)
		}
		return name, err
	}
	return f
}

func scenarioMembers(rule form.Of[*Rule]) []form.Property[Scenario] {
	return []form.Property[Scenario]{
		form.Member("rules", "The rules, in the order in which a call passes them.", form.List(rule, 0),
			func(s Scenario) ([]*Rule, bool) { return s, true },
			func(s Scenario, rules []*Rule) Scenario {
				if len(s) > 0 { // a budget that was read before its rules
					return Scenario(rules).Within(s[0].budget.Most)
				}
				return rules
			}).Needed(),
		form.Member("within", "How often the rules fire in all.", form.Whole(1),
			func(s Scenario) (int, bool) {
				if s[0].budget == nil {
					return 0, false
				}
				return s[0].budget.Most, true
			},
			func(s Scenario, n int) Scenario {
				if s == nil {
					s = Scenario{{}}
				}
				return s.Within(n)
			}),
	}
}

// readRule reads a whole rule, which must be one that can be played.
func (t *table) readRule(v form.Value) (*Rule, error) {
	r, err := t.rule.Read(&Rule{}, v)
	if err == nil && r.answer != nil {
		r, err = r.readAnswer()
	}
	if err != nil {
		return nil, err
	}
	if mistakes := r.wrongs(); len(mistakes) > 0 {
		text, member := inJSON(mistakes)
		return nil, saying(v, member).WrongInside("rule %q: %s", r, text)
	}
	return r, nil
}

// saying is the member of a name in one of the objects of a rule, or else what the
// rule does.
func saying(v form.Value, member string) (found form.Value) {
	found = v
	for i, key := range v.Keys {
		if at := slices.IndexFunc(v.Items[i].Keys, func(key form.Value) bool { return key.Text == member }); at >= 0 {
			return v.Items[i].Items[at]
		}
		if key.Text == "do" {
			found = v.Items[i]
		}
	}
	return found
}

// saysOf is the place of a condition.
func saysOf(v form.Value, c *Condition) (place form.Value, found bool) {
	for i, item := range v.Items {
		if len(v.Keys) > 0 && v.Keys[i].Text == c.kind && item.Kind == "a text" && item.Text == c.value {
			return item, true
		}
		if place, found = saysOf(item, c); found {
			return place, true
		}
	}
	return v, false
}

func (t *table) writeRule(r *Rule) (any, error) {
	written, err := t.rule.Write(r)
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", r, err)
	}
	return written, nil
}
