package fakeecr

import (
	"context"

	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// Playing is a scenario in play on a world.
type Playing struct {
	world   *world
	playing *stage.Playing
}

// Play plays a scenario on all calls of the world, behind those in play already.
// A rule for an operation that ECR does not have, or without an effect, fails
// the test at once; one that never fired fails it at the end or at Stop.
func (r *Registry) Play(scenario scenarios.Scenario) *Playing {
	if r.world.t != nil {
		r.world.t.Helper()
	}
	playing, err := r.world.stage.Play(scenario)
	r.world.must(err)
	return &Playing{r.world, playing}
}

// Rules are those of the scenario, in order.
func (p *Playing) Rules() []*scenarios.Rule { return p.playing.Rules() }

// Matched is how often a rule of the scenario has met a call that counts, whether
// it was chosen or not. A rule of another scenario fails the test.
func (p *Playing) Matched(rule *scenarios.Rule) int {
	if p.world.t != nil {
		p.world.t.Helper()
	}
	matched, _ := p.count(rule)
	return matched
}

// Fired is how often a rule of the scenario has fired. A rule of another scenario
// fails the test; so does one from before [scenarios.Scenario.Within], which makes
// new ones.
func (p *Playing) Fired(rule *scenarios.Rule) int {
	if p.world.t != nil {
		p.world.t.Helper()
	}
	_, fired := p.count(rule)
	return fired
}

func (p *Playing) count(rule *scenarios.Rule) (matched, fired int) {
	if p.world.t != nil {
		p.world.t.Helper()
	}
	matched, fired, err := p.playing.Count(rule)
	p.world.must(err)
	return matched, fired
}

// State is the state that a rule's Then has moved the playing to, "" at first.
func (p *Playing) State() string { return p.playing.State() }

// WaitHeld returns when the scenario keeps n calls or more waiting: held, delayed or
// for others at Together. It ends with the context's error, or with one when the
// playing has stopped. What the world does by itself counts from when it is due: as
// time passes or, without waiting for that, once [Registry.Advance] has moved the
// clock so far.
func (p *Playing) WaitHeld(ctx context.Context, n int) error { return p.playing.WaitHeld(ctx, n) }

// Held is how many calls the scenario keeps waiting now, as WaitHeld counts them.
func (p *Playing) Held() int { return p.playing.Held() }

// Release lets go of the calls that the scenario holds or delays now, and of what
// the world does by itself: that happens now, and not when it was due.
func (p *Playing) Release() { p.playing.Release() }

// Stop ends the playing and lets go of its calls. With a test, it reports rules
// that never fired and are not optional.
func (p *Playing) Stop() {
	if p.world.t != nil {
		p.world.t.Helper()
	}
	p.world.stop(p.playing)
}

// SilentRule is a rule that never fired though it is not optional.
type SilentRule struct {
	Rule *scenarios.Rule
	// Matched is how many calls counted for the rule, of which it chose none.
	Matched int
	// Near are the first calls of the rule's operations that did not count for it,
	// as they came in: without an answer. In them a mistake in the rule is found.
	Near []scenarios.Call
}

// Silent are the rules that have not fired by now and are not optional: those that
// fail a test when it ends. Without a test it is for the caller to ask, before Stop
// or after it.
func (p *Playing) Silent() (silent []SilentRule) {
	for _, s := range p.playing.Silent() {
		silent = append(silent, SilentRule(s))
	}
	return silent
}
