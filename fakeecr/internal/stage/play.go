package stage

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/engine"
	"github.com/fakeecr/ecr/scenarios"
)

// inPlay is the scenarios in play on a stage.
type inPlay struct {
	mu     sync.Mutex
	played []*PlayedScenario
	// concerned are the rules in play that concern an operation, in their order.
	concerned atomic.Pointer[map[string][]*playedRule]
	// over tells that the test has ended: nothing waits from then on.
	over bool
	// begun counts the scenarios that were ever in play.
	begun int
}

// PlayedScenario is a scenario in play.
type PlayedScenario struct {
	stage *Stage
	rules []*playedRule
	gate  gate
	begun time.Time
	// history is what stale answers are taken from, nil without a rule for them.
	history *engine.History

	mu    sync.Mutex
	state string
	// came is how many tokens there were when the scenario last came to a state.
	came    map[string]int64
	budgets map[*scenarios.Budget]int
}

// Play plays a scenario on all calls, behind those in play already. The error
// says what is wrong with the scenario; nothing of it is in play then.
func (s *Stage) Play(scenario scenarios.Scenario) (*PlayedScenario, error) {
	if err := scenario.Check(); err != nil {
		return nil, err
	}
	s.World.Settle() // what was due before has happened without it
	p := &PlayedScenario{stage: s, begun: s.World.Now(), budgets: map[*scenarios.Budget]int{}, came: map[string]int64{"": s.World.Tokens()}}
	s.scenarios.mu.Lock()
	defer s.scenarios.mu.Unlock()
	s.scenarios.begun++
	for i, rule := range scenario {
		p.rules = append(p.rules, &playedRule{scenario: p, rule: rule, effects: rule.Parts().Effects(), certain: certain(rule.Parts().Effects()), dice: [2]int{s.scenarios.begun, i}})
		if rule.Parts().Effects().Stale != nil && p.history == nil {
			p.history = s.World.Remember()
		}
	}
	if s.scenarios.over {
		p.gate.letGo(true)
	}
	s.scenarios.set(append(slices.Clone(s.scenarios.played), p))
	return p, nil
}

// set makes scenarios those in play.
func (in *inPlay) set(played []*PlayedScenario) {
	in.played = played
	concerned := map[string][]*playedRule{}
	for _, scenario := range played {
		for _, rule := range scenario.rules {
			for _, operation := range rule.rule.Parts().Operations() {
				concerned[operation] = append(concerned[operation], rule)
			}
		}
	}
	in.concerned.Store(&concerned)
}

// concerning are the rules in play that concern an operation.
func (in *inPlay) concerning(operation string) []*playedRule {
	concerned := in.concerned.Load()
	if concerned == nil {
		return nil
	}
	return (*concerned)[operation]
}

// Played are the scenarios in play, in their order.
func (s *Stage) Played() []*PlayedScenario {
	s.scenarios.mu.Lock()
	defer s.scenarios.mu.Unlock()
	return s.scenarios.played
}

// LetGo ends all waiting: calls that rules keep go on, and from now on no rule
// keeps a call.
func (s *Stage) LetGo() {
	s.scenarios.mu.Lock()
	defer s.scenarios.mu.Unlock()
	s.scenarios.over = true
	for _, p := range s.scenarios.played {
		p.gate.letGo(true)
	}
}

// Release lets go of the calls and replies that the scenario keeps now. What the world
// does by itself happens then.
func (p *PlayedScenario) Release() { p.gate.letGo(false) }

// WaitHeld returns when the scenario holds n calls or more, or with the context's
// error, or with an error when the scenario has ended. What it may hold of what the
// world does by itself happens meanwhile.
func (p *PlayedScenario) WaitHeld(ctx context.Context, n int) error {
	reached := p.gate.watch(n)
	defer p.gate.unwatch(reached)
	return p.stage.World.Await(ctx, reached, p.postpones())
}

// postpones are the operations of the world that rules of the scenario hold or
// delay.
func (p *PlayedScenario) postpones() (operations []string) {
	for _, played := range p.rules {
		if played.effects.Hold || played.effects.Delay > 0 {
			operations = append(operations, played.rule.Parts().Operations()...)
		}
	}
	return slices.DeleteFunc(operations, func(name string) bool { return !slices.Contains(scenarios.Operations(scenarios.World), name) })
}

// Held is how many calls the scenario holds.
func (p *PlayedScenario) Held() int { return p.gate.keeps() }

// Stop ends the scenario and lets go of its calls. It tells whether it had not ended
// before.
func (p *PlayedScenario) Stop() bool {
	p.stage.World.Settle() // what is due has met its rules
	p.gate.letGo(true)
	in := &p.stage.scenarios
	in.mu.Lock()
	defer in.mu.Unlock()
	i := slices.Index(in.played, p)
	if i < 0 {
		return false
	}
	if p.history != nil {
		p.history.Forget()
	}
	in.set(slices.Delete(slices.Clone(in.played), i, i+1))
	return true
}

// Rules are those of the scenario, in order.
func (p *PlayedScenario) Rules() []*scenarios.Rule {
	rules := make([]*scenarios.Rule, len(p.rules))
	for i, played := range p.rules {
		rules[i] = played.rule
	}
	return rules
}

// Count is how often a rule of the scenario has matched and fired. The error is that
// of a rule which is not one of the scenario.
func (p *PlayedScenario) Count(rule *scenarios.Rule) (matched, fired int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := false
	for _, played := range p.rules {
		if played.rule == rule {
			found = true
			matched += played.matched
			fired += played.fired
		}
	}
	if !found {
		err = fmt.Errorf("the rule %q is not one of the scenario's, which Rules answers: another was made of it by a method", rule)
	}
	return matched, fired, err
}

// State is the state that the rules have moved the scenario to, "" at first.
func (p *PlayedScenario) State() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// later are the states that the scenario last came to after a token was issued, in
// order.
func (p *PlayedScenario) later(token int64) (states []string) {
	if token == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for state, tokens := range p.came {
		if token <= tokens {
			states = append(states, state)
		}
	}
	slices.Sort(states)
	return states
}

// move moves the scenario to a state. Its mutex is locked.
func (p *PlayedScenario) move(state string) {
	if p.state != state {
		p.state, p.came[state] = state, p.stage.World.Tokens()
	}
}

// Silent is a rule that never fired though it should have.
type Silent struct {
	Rule    *scenarios.Rule
	Matched int
	// Near are the first calls that came near to firing it.
	Near []Near
}

// Silent are the rules that never fired and are not optional.
func (p *PlayedScenario) Silent() (silent []Silent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, played := range p.rules {
		if played.fired == 0 && !played.rule.Parts().IsOptional() {
			silent = append(silent, Silent{played.rule, played.matched, slices.Clone(played.near)})
		}
	}
	return silent
}

// play passes a call through the rules in play. A call that one rule fails is
// not seen by the rules behind it.
func (s *Stage) play(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		concerned := s.scenarios.concerning(call.Name)
		if len(concerned) == 0 {
			return next(ctx, call)
		}
		call.Shown = true
		ruling := new(ruling)
		call.Ruling = ruling
		out, err := ruling.pass(ctx, call, concerned, next)
		if ruling.lost && !Unanswered(ctx, err) {
			ruling.refused, err = err, scenarios.ErrReplyLost
		}
		return out, err
	}
}
