package fakeecr

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/scenarios"
)

// Playing is a scenario in play on a world.
type Playing struct {
	world *world
	parts []*part
	once  sync.Once

	mu       sync.Mutex
	released chan struct{}
	stopped  bool
}

// part is a rule in play: how many calls it matched and fired on.
type part struct {
	rule           *scenarios.Rule
	matched, fired atomic.Int64
}

// Play plays a scenario on all calls of the world, behind those in play already.
// A rule for an operation that ECR does not have, or without an effect, fails
// the test at once; one that never fired fails it at the end or at Stop.
func (r *Registry) Play(scenario scenarios.Scenario) *Playing {
	w := r.world
	if w.t != nil {
		w.t.Helper()
	}
	w.must(scenario.Check(operations.Has))
	p := &Playing{world: w, released: make(chan struct{})}
	for _, rule := range scenario {
		p.parts = append(p.parts, &part{rule: rule})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	// A new slice, because calls walk the old one.
	w.playings = append(w.playings[:len(w.playings):len(w.playings)], p)
	return p
}

// Fired is how often a rule of the scenario has fired.
func (p *Playing) Fired(rule *scenarios.Rule) int {
	for _, part := range p.parts {
		if part.rule == rule {
			return int(part.fired.Load())
		}
	}
	return 0
}

// Release lets go of the calls that the scenario holds or delays now.
func (p *Playing) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		close(p.released)
		p.released = make(chan struct{})
	}
}

// Stop ends the playing and lets go of its calls. With a test, it reports rules
// that never fired and are not optional.
func (p *Playing) Stop() {
	p.once.Do(func() {
		p.mu.Lock()
		p.stopped = true
		close(p.released)
		p.mu.Unlock()
		w := p.world
		w.mu.Lock()
		w.playings = slices.DeleteFunc(slices.Clone(w.playings), func(other *Playing) bool { return other == p })
		w.mu.Unlock()
		p.report()
	})
}

func (p *Playing) report() {
	t := p.world.t
	if t == nil {
		return
	}
	t.Helper()
	for _, part := range p.parts {
		if part.fired.Load() == 0 && !part.rule.IsOptional() {
			t.Errorf("fakeecr: the rule %q never fired: it matched %d calls (Optional allows it to stay silent)", part.rule, part.matched.Load())
		}
	}
}

// play passes a call through the rules in play. A call that one rule fails is
// not seen by the rules behind it.
func (w *world) play(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		w.mu.Lock()
		playings := w.playings
		w.mu.Unlock()
		drop := false
		for _, p := range playings {
			for _, part := range p.parts {
				effects, fires := part.meet(call)
				if !fires {
					continue
				}
				if err := p.apply(ctx, effects); err != nil {
					return nil, err
				}
				drop = drop || effects.Drop
			}
		}
		out, err := next(ctx, call)
		if drop {
			err = scenarios.ErrReplyLost
		}
		return out, err
	}
}

// meet counts a call and answers what the rule does to it.
func (p *part) meet(call *dispatch.Call) (scenarios.Effects, bool) {
	if !p.rule.Matches(&call.Record) || !p.rule.Chooses(int(p.matched.Add(1))) {
		return scenarios.Effects{}, false
	}
	p.fired.Add(1)
	call.Record.Rules = append(call.Record.Rules, p.rule.String())
	return p.rule.Effects(), true
}

// apply does what comes before the operation: waiting, then refusing.
func (p *Playing) apply(ctx context.Context, effects scenarios.Effects) error {
	p.mu.Lock()
	released := p.released
	p.mu.Unlock()
	if effects.Delay > 0 {
		if err := p.world.state.Wait(ctx, effects.Delay, released); err != nil {
			return err
		}
	}
	if effects.Hold {
		select {
		case <-released:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return effects.Err
}
