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
package scenarios

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Rule says what goes wrong on which calls. Make one with [On], choose its
// turns (by default every one) and its effects; each method answers a new rule
// and leaves the old one as it was.
type Rule struct {
	name       string
	operation  string
	conditions []Condition
	turn       turn
	effects    Effects
	optional   bool
	mistakes   []error
}

// turn chooses among the calls that a rule matches, counted from 1.
type turn struct {
	after int
	first int
	nth   int
	every int
}

// Effects is what a rule does to a call. They come in the order of the fields.
type Effects struct {
	// Delay is how long the call waits on the world's clock.
	Delay time.Duration
	// Hold keeps the call waiting until the playing is released or stopped.
	Hold bool
	// Err refuses the call: nothing is read or changed.
	Err error
	// Drop loses the reply of a call that was carried out.
	Drop bool
}

// Any is the operation of a rule that concerns every operation, layer
// downloads included.
const Any = "*"

// On begins a rule for an operation, by its name in the API ("PutImage"),
// [DownloadLayer] or [Any]. All conditions must hold for a call to count. A
// scenario with the name of an operation that does not exist is refused when it
// is played.
func On(operation string, conditions ...Condition) *Rule {
	r := &Rule{operation: operation, conditions: slices.Clone(conditions)}
	for _, c := range conditions {
		if c.matches == nil {
			r.mistakes = append(r.mistakes, errors.New("an empty condition"))
		}
		if c.input != "" && c.input != operation {
			r.mistakes = append(r.mistakes, fmt.Errorf("a condition on the input of %s", c.input))
		}
	}
	return r
}

// First chooses the first n calls.
func (r *Rule) First(n int) *Rule { return r.choose(n, func(t *turn) { t.first = n }) }

// Nth chooses the nth call alone.
func (r *Rule) Nth(n int) *Rule { return r.choose(n, func(t *turn) { t.nth = n }) }

// Every chooses each nth call.
func (r *Rule) Every(n int) *Rule { return r.choose(n, func(t *turn) { t.every = n }) }

// After leaves the first n calls alone; what else is chosen counts from there:
// After(3).First(2) is the fourth and the fifth call.
func (r *Rule) After(n int) *Rule { return r.choose(n, func(t *turn) { t.after = n }) }

// Always chooses every call, which is also what a rule does that chooses none.
func (r *Rule) Always() *Rule { return r.with(func(r *Rule) { r.turn = turn{} }) }

// Fail refuses the call with err before anything happens. An exception of the
// SDK's types, or any smithy.APIError, reaches the caller as the service would
// send it; any other error as an InternalFailure with status 500.
func (r *Rule) Fail(err error) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Err = err
		if err == nil {
			r.mistakes = append(r.mistakes, errors.New("Fail(nil)"))
		}
	})
}

// Delay keeps the call waiting for d on the world's clock before anything else
// happens: until time passes or the test advances it.
func (r *Rule) Delay(d time.Duration) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Delay = d
		if d <= 0 {
			r.mistakes = append(r.mistakes, fmt.Errorf("Delay(%v)", d))
		}
	})
}

// Hold keeps the call waiting until the test releases or stops the playing.
func (r *Rule) Hold() *Rule { return r.with(func(r *Rule) { r.effects.Hold = true }) }

// Drop lets the call be carried out and loses its reply: the caller sees a
// connection that ends without one.
func (r *Rule) Drop() *Rule { return r.with(func(r *Rule) { r.effects.Drop = true }) }

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

func (r *Rule) choose(n int, set func(*turn)) *Rule {
	return r.with(func(r *Rule) {
		set(&r.turn)
		if n < 1 {
			r.mistakes = append(r.mistakes, fmt.Errorf("a turn of %d: turns count from 1", n))
		}
	})
}

// Operation is the operation that the rule concerns, or [Any].
func (r *Rule) Operation() string { return r.operation }

// Effects is what the rule does to the calls that it chooses.
func (r *Rule) Effects() Effects { return r.effects }

// IsOptional tells whether the rule may stay silent.
func (r *Rule) IsOptional() bool { return r.optional }

// Matches tells whether a call counts for the rule.
func (r *Rule) Matches(call *Call) bool {
	if r.operation != Any && r.operation != call.Operation {
		return false
	}
	for _, c := range r.conditions {
		if !c.matches(call) {
			return false
		}
	}
	return true
}

// Chooses tells whether the rule fires on the nth call that it matches,
// counted from 1.
func (r *Rule) Chooses(n int) bool {
	n -= r.turn.after
	return n > 0 &&
		(r.turn.first == 0 || n <= r.turn.first) &&
		(r.turn.nth == 0 || n == r.turn.nth) &&
		(r.turn.every == 0 || n%r.turn.every == 0)
}

// Check answers what is wrong with the rule itself: a turn or a delay that can
// never be, an effect that is missing.
func (r *Rule) Check() error {
	mistakes := r.mistakes
	if r.effects == (Effects{}) && len(mistakes) == 0 {
		mistakes = []error{errors.New("it has no effect: add Fail, Delay, Hold or Drop")}
	}
	if len(mistakes) == 0 {
		return nil
	}
	return fmt.Errorf("rule %q: %w", r, errors.Join(mistakes...))
}

// String is the rule's name or, without one, what it does.
func (r *Rule) String() string {
	if r.name != "" {
		return r.name
	}
	words := []string{r.operation}
	for _, part := range []struct {
		word string
		n    int
	}{{"after", r.turn.after}, {"first", r.turn.first}, {"nth", r.turn.nth}, {"every", r.turn.every}} {
		if part.n > 0 {
			words = append(words, fmt.Sprintf("%s %d", part.word, part.n))
		}
	}
	if r.effects.Delay > 0 {
		words = append(words, "delayed "+r.effects.Delay.String())
	}
	if r.effects.Hold {
		words = append(words, "held")
	}
	if r.effects.Err != nil {
		words = append(words, "fails")
	}
	if r.effects.Drop {
		words = append(words, "loses its reply")
	}
	return strings.Join(words, " ")
}

// Condition narrows a rule to some calls of its operation.
type Condition struct {
	input   string
	matches func(*Call) bool
}

// When holds for calls whose input the function accepts, which it must not
// change or keep. The input's type names the operation:
//
//	scenarios.When(func(in *ecr.UploadLayerPartInput) bool { return *in.PartFirstByte > 0 })
func When[In any](accepts func(*In) bool) Condition {
	operation, _ := strings.CutSuffix(reflect.TypeFor[In]().Name(), "Input")
	c := Condition{input: operation}
	if accepts != nil {
		c.matches = func(call *Call) bool {
			in, ok := call.Input.(*In)
			return ok && accepts(in)
		}
	}
	return c
}

// Repository holds for calls that name this repository.
func Repository(name string) Condition {
	return Condition{matches: func(call *Call) bool { return call.Repository == name }}
}

// Account holds for calls to the registry of this account.
func Account(id string) Condition {
	return Condition{matches: func(call *Call) bool { return call.Account == id }}
}

// Region holds for calls to a registry in this region.
func Region(name string) Condition {
	return Condition{matches: func(call *Call) bool { return call.Region == name }}
}
