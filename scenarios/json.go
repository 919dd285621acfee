package scenarios

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
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
	v, err := scan(text)
	if err != nil {
		return nil, place(text, err)
	}
	all, err := oneOrMore(form[Scenario]{read: forms().readScenario}).read(v)
	if err != nil {
		return nil, place(text, err)
	}
	scenario := slices.Concat(all...)
	if rule, lacks := scenario.unreached(); rule != nil {
		state, _ := v.saysOf(lacks)
		return nil, place(text, state.wrong("rule %q: %s", rule, lacks.unreachable().inJSON()))
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
		one, err := forms().scenario.write(rest[:n])
		if err != nil {
			return nil, err
		}
		written, rest = append(written, one), rest[n:]
	}
	switch len(written) {
	case 0:
		return []byte(`{"rules":[]}`), nil
	case 1:
		return readable(written[0])
	default:
		return readable(written)
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
	return readable(written)
}

// UnmarshalJSON reads a rule as it stands in a scenario. The rule stays as it was
// if there is an error.
func (r *Rule) UnmarshalJSON(text []byte) error {
	v, err := scan(text)
	if err != nil {
		return place(text, err)
	}
	parsed, err := forms().readRule(v)
	if err != nil {
		return place(text, err)
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
	scenario              object[Scenario]
	rule, where, when, do object[*Rule]
	operations            form[[]string]
	rate                  object[Rate]
	stale                 object[Stale]
	item                  object[ItemFailure]
	failure, orNone       form[error]
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
	t := &table{failure: outcomes(false), orNone: outcomes(true), operations: oneOrMore(operationNames())}
	t.rate = object[Rate]{members: []property[Rate]{
		of("perSecond", "How many calls pass in a second of the world's clock.", number(math.MaxFloat64),
			func(r Rate) (float64, bool) { return r.PerSecond, true }, func(r Rate, f float64) Rate { r.PerSecond = f; return r }).needed(),
		of("burst", "How many calls may come at once.", whole(1),
			func(r Rate) (int, bool) { return r.Burst, true }, func(r Rate, n int) Rate { r.Burst = n; return r }).needed(),
	}}
	t.stale = object[Stale]{either: [][]string{{"age", "writes"}}, members: []property[Stale]{
		of("age", "How old the state is.", positive, func(s Stale) (time.Duration, bool) { return s.Age, s.Age > 0 }, func(s Stale, d time.Duration) Stale { s.Age = d; return s }),
		of("writes", "How many writes the state is behind.", whole(1), func(s Stale) (int, bool) { return s.Writes, s.Writes > 0 }, func(s Stale, n int) Stale { s.Writes = n; return s }),
	}}
	t.item = object[ItemFailure]{members: []property[ItemFailure]{
		of("nth", "Which item, counted from 1.", whole(1), func(f ItemFailure) (int, bool) { return f.Nth, true }, func(f ItemFailure, n int) ItemFailure { f.Nth = n; return f }).needed(),
		of("code", "The code of the failure, such as ImageNotFound.", word, func(f ItemFailure) (string, bool) { return f.Code, true }, func(f ItemFailure, s string) ItemFailure { f.Code = s; return f }).needed(),
		of("reason", "The reason of the failure.", str, func(f ItemFailure) (string, bool) { return f.Reason, f.Reason != "" }, func(f ItemFailure, s string) ItemFailure { f.Reason = s; return f }),
	}}
	t.where = object[*Rule]{check: mistaken}
	for _, kind := range conditionKinds {
		f := word
		switch kind.name {
		case "face":
			f = oneOf(string(FaceGo), string(FaceAPI), string(FaceRegistry))
		case "while", "tokenBefore":
			f = str
		}
		t.where.members = append(t.where.members, of(kind.name, kind.says, f, nil, func(r *Rule, s string) *Rule { return r.meeting(kind.of(s)) }))
	}
	t.when = object[*Rule]{check: mistaken, either: [][]string{{"nth", "for"}}, members: turnMembers()}
	t.do = object[*Rule]{check: mistaken, members: t.effectMembers()}
	for _, group := range apart {
		t.do.either = append(t.do.either, group.members)
	}
	t.rule = object[*Rule]{members: t.ruleMembers()}
	t.scenario = object[Scenario]{members: scenarioMembers(form[*Rule]{schema: t.ruleSchema(), read: t.readRule, write: t.writeRule})}
	t.ready = t.readyMade()
	return t
})

// operationNames is a form of the names of operations and of groups of them.
func operationNames() form[string] {
	f := str
	f.schema = defined("operation")
	f.read = func(v value) (string, error) {
		if err := v.is("a text"); err != nil {
			return "", err
		}
		if Operations(v.text) == nil {
			return "", v.wrong("ECR has no operation %q", v.text)
		}
		return v.text, nil
	}
	return f
}

// callNames is operationNames without what the world does by itself.
func callNames() form[string] {
	f := operationNames()
	f.schema = defined("call")
	read := f.read
	f.read = func(v value) (string, error) {
		name, err := read(v)
		if err == nil && !slices.Contains(namesWithin(Operations(Any)), name) {
			err = v.wrong("%q is what the world does by itself", name)
		}
		return name, err
	}
	return f
}

func scenarioMembers(rule form[*Rule]) []property[Scenario] {
	return []property[Scenario]{
		of("rules", "The rules, in the order in which a call passes them.", list(rule, 0),
			func(s Scenario) ([]*Rule, bool) { return s, true },
			func(s Scenario, rules []*Rule) Scenario {
				if len(s) > 0 { // a budget that was read before its rules
					return Scenario(rules).Within(s[0].budget.Most)
				}
				return rules
			}).needed(),
		of("within", "How often the rules fire in all.", whole(1),
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
func (t *table) readRule(v value) (*Rule, error) {
	r, err := t.rule.read(&Rule{}, v)
	if err == nil && r.answer != nil {
		r, err = r.readAnswer()
	}
	if err != nil {
		return nil, err
	}
	if mistakes := r.wrongs(); len(mistakes) > 0 {
		text, member := inJSON(mistakes)
		return nil, named{&mistake{v.saying(member).at, fmt.Sprintf("rule %q: %s", r, text)}}
	}
	return r, nil
}

// saying is the member of a name in one of the objects of a rule, or else what the
// rule does.
func (v value) saying(member string) (found value) {
	found = v
	for i, key := range v.keys {
		if at := slices.IndexFunc(v.items[i].keys, func(key value) bool { return key.text == member }); at >= 0 {
			return v.items[i].items[at]
		}
		if key.text == "do" {
			found = v.items[i]
		}
	}
	return found
}

// saysOf is the place of a condition.
func (v value) saysOf(c *Condition) (place value, found bool) {
	for i, item := range v.items {
		if len(v.keys) > 0 && v.keys[i].text == c.kind && item.kind == "a text" && item.text == c.value {
			return item, true
		}
		if place, found = item.saysOf(c); found {
			return place, true
		}
	}
	return v, false
}

func (t *table) writeRule(r *Rule) (any, error) {
	written, err := t.rule.write(r)
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", r, err)
	}
	return written, nil
}
