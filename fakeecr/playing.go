package fakeecr

import (
	"context"
	"fmt"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// Playing is a scenario in play on a world.
type Playing struct{ played any }

type playedScenario struct {
	instance *instance
	*stage.PlayedScenario
}

// playedOf is what a playing holds; see [instanceOf].
//
//go:noinline
func playedOf(p *Playing) *playedScenario { return p.played.(*playedScenario) }

// Play plays a scenario on all calls of the world, behind those in play already.
// A rule for an operation that ECR does not have, or without an effect, fails
// the test at once; one that never fired fails it at the end or at Stop.
func (r *Registry) Play(scenario scenarios.Scenario) *Playing {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	played, err := instanceOf(r).stage.Play(scenario)
	instanceOf(r).must(err)
	return &Playing{&playedScenario{instanceOf(r), played}}
}

// Rules are those of the scenario, in order.
func (p *Playing) Rules() []*scenarios.Rule { return playedOf(p).Rules() }

// Matched is how often a rule of the scenario has met a call that counts, whether
// it was chosen or not. A rule of another scenario fails the test.
func (p *Playing) Matched(rule *scenarios.Rule) int {
	if playedOf(p).instance.t != nil {
		playedOf(p).instance.t.Helper()
	}
	matched, _ := p.count(rule)
	return matched
}

// Fired is how often a rule of the scenario has fired. A rule of another scenario
// fails the test; so does one from before [scenarios.Scenario.Within], which makes
// new ones.
func (p *Playing) Fired(rule *scenarios.Rule) int {
	if playedOf(p).instance.t != nil {
		playedOf(p).instance.t.Helper()
	}
	_, fired := p.count(rule)
	return fired
}

func (p *Playing) count(rule *scenarios.Rule) (matched, fired int) {
	if playedOf(p).instance.t != nil {
		playedOf(p).instance.t.Helper()
	}
	matched, fired, err := playedOf(p).Count(rule)
	playedOf(p).instance.must(err)
	return matched, fired
}

// State is the state that a rule's Then has moved the playing to, "" at first.
func (p *Playing) State() string { return playedOf(p).State() }

// WaitHeld returns when the scenario keeps n calls or more waiting: held, delayed, for
// others at Together, without an answer, or with a reply that stalls or trickles. It
// ends with the context's error, or with one when the playing has stopped. What the
// world does by itself counts from when it is due: as time passes or, without waiting
// for that, once [Registry.Advance] has moved the clock so far.
func (p *Playing) WaitHeld(ctx context.Context, n int) error { return playedOf(p).WaitHeld(ctx, n) }

// Held is how many calls the scenario keeps waiting now, as WaitHeld counts them.
func (p *Playing) Held() int { return playedOf(p).Held() }

// Release lets go of the calls that the scenario keeps waiting now: a reply on its way
// comes at once, as far as no rule cuts it. What the world does by itself happens now,
// and not when it was due.
func (p *Playing) Release() { playedOf(p).Release() }

// Stop ends the playing and lets go of its calls. With a test, it reports rules
// that never fired and are not optional.
func (p *Playing) Stop() {
	if playedOf(p).instance.t != nil {
		playedOf(p).instance.t.Helper()
	}
	playedOf(p).instance.stop(playedOf(p).PlayedScenario)
}

// SilentRule is a rule that never fired though it is not optional.
type SilentRule struct {
	Rule *scenarios.Rule
	// Matched is how many calls counted for the rule, none of which it fired on.
	Matched int
	// Near are the first calls that came near to firing it. In them a mistake in the
	// rule is found.
	Near []NearCall
}

// String is the rule in words, and how many calls it matched.
func (s SilentRule) String() string {
	calls := "calls"
	if s.Matched == 1 {
		calls = "call"
	}
	return fmt.Sprintf("the rule %q never fired: it matched %d %s", s.Rule, s.Matched, calls)
}

// NearCall is a call of a rule's operations that did not fire it.
type NearCall struct {
	scenarios.Call
	// Why says what the call had instead of what the rule wants, such as
	// "in region us-east-1".
	Why string
	// Matched tells that the call counted for the rule, which found nothing to do: a
	// reply too short to be cut, a batch without the item.
	Matched bool
}

// String is the call in a line, and why it did not fire the rule.
func (n NearCall) String() string {
	line := strings.TrimSpace(n.Call.String())
	if n.Matched {
		return fmt.Sprintf("it found nothing to do in %s: %s", line, n.Why)
	}
	return fmt.Sprintf("it did not match %s: %s", line, n.Why)
}

// Silent are the rules that have not fired by now and are not optional: those that
// fail a test when it ends. Without a test it is for the caller to ask, before Stop
// or after it.
func (p *Playing) Silent() []SilentRule { return silent(playedOf(p).PlayedScenario) }

func silent(p *stage.PlayedScenario) (rules []SilentRule) {
	for _, s := range p.Silent() {
		rule := SilentRule{Rule: s.Rule, Matched: s.Matched}
		for _, near := range s.Near {
			rule.Near = append(rule.Near, NearCall(near))
		}
		rules = append(rules, rule)
	}
	return rules
}
