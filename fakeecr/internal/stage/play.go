package stage

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/scenarios"
)

// inPlay is the playings of a stage.
type inPlay struct {
	mu       sync.Mutex
	playings []*Playing
	// over is set once the test has ended: nothing waits from then on.
	over bool
}

// Playing is a scenario in play.
type Playing struct {
	stage *Stage
	parts []*part
	gate  gate
}

// part is a rule in play: how many calls it matched and fired on.
type part struct {
	rule           *scenarios.Rule
	matched, fired atomic.Int64
}

// Play plays a scenario on all calls, behind those in play already. The error
// says what is wrong with the scenario; nothing of it is in play then.
func (s *Stage) Play(scenario scenarios.Scenario) (*Playing, error) {
	if err := scenario.Check(Operations.Has); err != nil {
		return nil, err
	}
	p := &Playing{stage: s}
	for _, rule := range scenario {
		p.parts = append(p.parts, &part{rule: rule})
	}
	s.scenarios.mu.Lock()
	defer s.scenarios.mu.Unlock()
	if s.scenarios.over {
		p.gate.letGo(true)
	}
	// A new slice, because calls walk the old one.
	s.scenarios.playings = append(slices.Clip(s.scenarios.playings), p)
	return p, nil
}

// Playings are the scenarios in play, in their order.
func (s *Stage) Playings() []*Playing {
	s.scenarios.mu.Lock()
	defer s.scenarios.mu.Unlock()
	return s.scenarios.playings
}

// LetGo ends all waiting: calls that rules hold or delay go on, and from now on
// no rule keeps a call.
func (s *Stage) LetGo() {
	s.scenarios.mu.Lock()
	defer s.scenarios.mu.Unlock()
	s.scenarios.over = true
	for _, p := range s.scenarios.playings {
		p.gate.letGo(true)
	}
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
func (p *Playing) Release() { p.gate.letGo(false) }

// Stop ends the playing and lets go of its calls. It tells whether the playing had
// not ended before.
func (p *Playing) Stop() bool {
	p.gate.letGo(true)
	in := &p.stage.scenarios
	in.mu.Lock()
	defer in.mu.Unlock()
	i := slices.Index(in.playings, p)
	if i < 0 {
		return false
	}
	in.playings = slices.Delete(slices.Clone(in.playings), i, i+1)
	return true
}

// Silent is a rule that never fired though it should have.
type Silent struct {
	Rule    *scenarios.Rule
	Matched int
}

// Silent are the rules that never fired and are not optional.
func (p *Playing) Silent() (silent []Silent) {
	for _, part := range p.parts {
		if part.fired.Load() == 0 && !part.rule.IsOptional() {
			silent = append(silent, Silent{part.rule, int(part.matched.Load())})
		}
	}
	return silent
}

// play passes a call through the rules in play. A call that one rule fails is
// not seen by the rules behind it.
func (s *Stage) play(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		drop := false
		for _, p := range s.Playings() {
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
	if effects.Delay > 0 {
		err := p.gate.wait(func(released <-chan struct{}) error {
			return p.stage.State.Wait(ctx, effects.Delay, released)
		})
		if err != nil {
			return err
		}
	}
	if effects.Hold {
		err := p.gate.wait(func(released <-chan struct{}) error {
			select {
			case <-released:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return err
		}
	}
	return effects.Err
}
