// Package scenarios is the vocabulary in which a test says what goes wrong, and
// when:
//
//	scenarios.On("PutImage").Nth(2).Drop()
//
// reads: the second PutImage is carried out, but its reply is lost. A rule is a
// description and plays nothing by itself: package fakeecr plays it
// (fakeecr.WithScenario, Registry.Play), the same for a direct call, for a
// client without a socket and over HTTP. Rules never change once made, so one
// package-level scenario serves parallel tests.
//
// A rule has four parts, of which only the first and the last must be there:
//
//   - [On] says which operations it concerns: names, groups of them such as [Reads]
//     and [Writes], and what the world does by itself, such as [CompleteScan].
//   - Conditions choose among their calls: [Repository], [Tag], [Digest], [Account],
//     [Region], [Caller], [Actor], [Through] a face, [When] for an input, [Same] for one
//     call, [While] for a state, [TokenBefore] for the age of a token. They filter a
//     [Trace] as well.
//   - Turns choose among those that are left: First, Nth, Every, After, Between, For
//     and Sometimes.
//   - Effects say what happens: before the operation (Delay, Hold, Together, AtMost,
//     Ask), instead of it (Fail, Sequence, Answer, NotThereFor), to its input and output (Twice, FailItem,
//     ShortPage, EmptyPage, Garble, Flip, Keep, Reserialise, Stale), and to its reply on the way (Drop,
//     CutAfter, ResetAfter, Trickle, Stall).
//
// Ready-made scenarios, from [Throttle] to [RegionOutage], each tell the incident that
// they come from. [Parse] reads all of it as JSON, for other languages.
//
// What a client makes of each fault, and whether its call was carried out, is a table
// in FAULTS.md, beside this package's source; tests hold it.
package scenarios

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/fakeecr/ecr/scenarios/internal/form"
)

// Rule says what goes wrong on which calls. Make one with [On], choose its
// turns (by default every one) and its effects; each method answers a new rule
// and leaves the old one as it was.
//
// A mistake, such as a nil error for Fail or a nil function, is kept with the rule
// and refused when the rule is played, by the rule's words and the method's name:
// rules are often variables of a package, where a panic would end tests that play
// none of them.
type Rule struct {
	name string
	// named are the operations and groups as they were named.
	named      []string
	conditions []Condition
	turn       Turn
	effects    Effects
	// typed are the operations of functions and answers among the effects.
	typed []string
	// answer is what the rule answers, while it is read and its operation not known.
	answer   *form.Value
	budget   *Budget
	optional bool
	mistakes []error
}

// On begins a rule for an operation, by its name in the API ("PutImage"), a
// pseudo-operation such as [DownloadLayer], or a group such as [Reads]. All
// conditions must hold for a call to count. A scenario with the name of an
// operation that does not exist is refused when it is played.
func On(operation string, conditions ...Condition) *Rule {
	r := &Rule{named: []string{operation}}
	for _, c := range conditions {
		r = r.meeting(c)
	}
	return r
}

// meeting is the rule with one condition more.
func (r *Rule) meeting(c Condition) *Rule {
	return r.with(func(r *Rule) {
		if c.mistake != nil || c.matches != nil {
			r.conditions = append(slices.Clip(r.conditions), c)
		}
		switch {
		case c.mistake != nil:
			r.wrong("%w", c.mistake)
		case c.matches == nil:
			r.wrong("an empty condition")
		case c.kind == "failed":
			r.wrong("Failed is a condition on a trace: a call that a rule meets has not been answered")
		}
	})
}

// Or adds operations or groups to the rule's.
func (r *Rule) Or(operations ...string) *Rule {
	return r.with(func(r *Rule) { r.named = append(slices.Clip(r.named), operations...) })
}

// Named gives the rule the name that traces and failures print.
func (r *Rule) Named(name string) *Rule { return r.with(func(r *Rule) { r.name = name }) }

// Optional allows the rule to stay silent. A test fails when a rule that is not
// optional never fired, because a fault that never happened proves nothing.
func (r *Rule) Optional() *Rule { return r.with(func(r *Rule) { r.optional = true }) }

func (r *Rule) with(change func(*Rule)) *Rule {
	changed := *r
	changed.mistakes = slices.Clone(r.mistakes)
	change(&changed)
	return &changed
}

func (r *Rule) wrong(format string, args ...any) {
	r.mistakes = append(r.mistakes, fmt.Errorf(format, args...))
}

// Check answers what is wrong with the rule itself: an operation that does not
// exist, a turn or a delay that can never be, an effect that is missing, that cannot
// be put on the operation or that does not go together with another. It names the
// method, what it was given, and why that cannot be.
func (r *Rule) Check() error {
	if mistakes := r.wrongs(); len(mistakes) > 0 {
		return fmt.Errorf("rule %q: %w", r, errors.Join(mistakes...))
	}
	return nil
}

// wrongs are all mistakes in the rule.
func (r *Rule) wrongs() []error {
	mistakes := slices.Clone(r.mistakes)
	if len(r.named) == 0 {
		mistakes = append(mistakes, errors.New("it has no operation: begin it with On"))
	}
	for _, name := range r.named {
		if Operations(name) == nil {
			mistakes = append(mistakes, fmt.Errorf("ECR has no operation %q", name))
		}
	}
	for _, c := range r.conditions {
		if c.input != "" && !slices.Equal(r.named, []string{c.input}) {
			mistakes = append(mistakes, fmt.Errorf("When, a condition on the input of %s, in a rule that is not about that operation alone", c.input))
		}
	}
	for _, operation := range r.typed {
		if !slices.Equal(r.named, []string{operation}) {
			mistakes = append(mistakes, fmt.Errorf("With or Answer for %s, in a rule that is not about that operation alone", operation))
		}
	}
	if mistake := r.turn.check(); mistake != nil {
		mistakes = append(mistakes, mistake)
	}
	if states := r.states(); len(states) > 1 {
		mistakes = append(mistakes, &misuse{call: fmt.Sprintf("While(%q)", states[1]), member: "while",
			why:     fmt.Sprintf(" beside While(%q): a playing is in one state", states[0]),
			whyJSON: fmt.Sprintf(": %q beside %q: a playing is in one state", states[1], states[0])})
	}
	if reflect.ValueOf(r.effects).IsZero() && len(mistakes) == 0 {
		mistakes = append(mistakes, &misuse{call: "it", member: "it", why: " has no effect: add Fail, Delay, Hold, Drop or another",
			whyJSON: " has no effect: add fail, delay, hold, drop or another"})
	}
	return slices.Concat(mistakes, r.misplaced(), r.effects.together())
}

// String is the rule's name or, without one, what it does.
func (r *Rule) String() string {
	if r.name != "" {
		return r.name
	}
	words := []string{strings.Join(r.named, " or ")}
	for _, c := range r.conditions {
		words = append(words, c.String())
	}
	if turn := r.turn.String(); turn != "" {
		words = append(words, turn)
	}
	return strings.Join(append(words, r.effects.words()...), " ")
}

// words are the effects in words.
func (e Effects) words() (words []string) {
	say := func(is bool, format string, args ...any) {
		if is {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	say(e.Delay > 0, "delayed %v", e.Delay)
	say(e.Hold, "held")
	say(e.Together > 0, "%d together", e.Together)
	if e.Rate != nil {
		say(true, "at most %v a second, %d at once", e.Rate.PerSecond, e.Rate.Burst)
	}
	say(e.Hook != nil, "asks a function")
	if e.Err != nil {
		say(true, "fails with %s", short(e.Err))
	}
	if e.Sequence != nil {
		say(true, "in turn %s", sequenceWords(e.Sequence))
	}
	say(e.NotThereFor > 0, "finds no repository younger than %v", e.NotThereFor)
	say(e.Answer != nil, "answers as the rule says")
	say(e.Stale != nil, "answers from an earlier state")
	say(e.Garble != nil, "is received with a byte changed")
	say(e.Twice, "carried out twice")
	say(e.around != nil, "through a function")
	if e.Page != nil {
		say(*e.Page > 0, "with a page of %d at most", *e.Page)
		say(*e.Page == 0, "with an empty page")
	}
	if e.Item != nil {
		say(true, "fails item %d with %s", e.Item.Nth, e.Item.Code)
	}
	say(e.change != nil, "with its output changed")
	say(e.Reserialise, "with its manifests written anew")
	say(e.Flip != nil, "with a byte changed")
	if e.Keep != nil {
		say(true, "with its layer cut short after %d bytes", *e.Keep)
	}
	say(e.Reply.Wait > 0, "with its reply %v late", e.Reply.Wait)
	say(e.Reply.BytesPerSecond > 0, "at %d bytes a second", e.Reply.BytesPerSecond)
	if e.Reply.Cut != nil {
		say(!e.Reply.Reset, "with its reply cut after %d bytes", *e.Reply.Cut)
		say(e.Reply.Reset, "with its connection reset after %d bytes", *e.Reply.Cut)
	}
	say(e.Reply.Lost, "loses its reply")
	if e.Then != nil {
		say(true, "then %q", *e.Then)
	}
	return words
}

func sequenceWords(outcomes []error) string {
	words := make([]string, len(outcomes))
	for i, err := range outcomes {
		words[i] = "ok"
		if err != nil {
			words[i] = short(err)
		}
	}
	return strings.Join(words, ", ")
}

// Budget is how often the rules of a scenario may fire in all.
type Budget struct{ Most int }

// Within is the scenario with a budget: its rules fire n times in all.
func (s Scenario) Within(n int) Scenario {
	budget := &Budget{n}
	limited := make(Scenario, len(s))
	for i, r := range s {
		if r != nil {
			limited[i] = r.with(func(r *Rule) {
				r.budget = budget
				if n < 1 {
					r.refuse("within", fmt.Sprintf("Within(%d)", n), "a budget is 1 at least")
				}
			})
		}
	}
	return limited
}
