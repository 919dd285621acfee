package stage

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/scenarios"
)

// part is a rule in play. Its numbers are under the playing's mutex.
type part struct {
	playing *Playing
	rule    *scenarios.Rule
	effects scenarios.Effects
	// dice are the numbers of the playing and of the rule, which the dice follow
	// from.
	dice [2]int

	matched, fired int
	// chosen counts the calls that the rule chose, the first of which came at since.
	chosen int
	since  time.Time
	// near are the first calls of the rule's operations that it did not match.
	near []scenarios.Call
	// tokens are what a rate has left, as of a time.
	tokens float64
	asOf   time.Time
}

// fewNear is how many calls a rule remembers that it did not match.
const fewNear = 3

// passage is a call on its way through the rules in play. All rules of a playing
// meet it in one state, also those behind a rule that moved the playing on.
type passage struct {
	states map[*Playing]moment
}

// moment is what a call meets a playing in: its state, and the states that it last
// came to after the call's token was issued.
type moment struct {
	state string
	later []string
}

// meet is part.meet for the next rule on the way.
func (w *passage) meet(p *part, call *dispatch.Call, now time.Time) (fires bool, outcome error) {
	at, moved := w.states[p.playing]
	if !moved {
		at = moment{p.playing.State(), p.playing.later(call.Token)}
	}
	if fires, outcome = p.meet(call, now, at); !fires {
		return false, nil
	}
	if p.effects.Then != nil && !moved {
		if w.states == nil {
			w.states = map[*Playing]moment{}
		}
		w.states[p.playing] = at
	}
	call.Record.Rules = append(call.Record.Rules, p.rule.String())
	return true, outcome
}

// meet counts a call that comes now, at a moment of the playing, and tells whether
// the rule fires on it, and with which outcome of a sequence or a rate.
func (p *part) meet(call *dispatch.Call, now time.Time, at moment) (fires bool, outcome error) {
	holds := false
	if err := p.guard(func() { holds = p.rule.Holds(&call.Record, at.state, at.later...) }); err != nil {
		return true, err
	}
	p.playing.mu.Lock()
	defer p.playing.mu.Unlock()
	turn := p.rule.Turn()
	if !holds || !turn.Covers(now.Sub(p.playing.begun)) {
		if len(p.near) < fewNear {
			p.near = append(p.near, call.Record)
		}
		return false, nil
	}
	p.matched++
	if !turn.Chooses(p.matched, p.throw) || !p.affordable() {
		return false, nil
	}
	if p.chosen == 0 {
		p.since = now
	}
	if !turn.Lasts(now.Sub(p.since)) {
		return false, nil
	}
	p.chosen++
	if outcome, fires = p.outcome(now); !fires {
		return false, nil
	}
	p.fired++
	if budget := p.rule.Budget(); budget != nil {
		p.playing.budgets[budget]++
	}
	if p.effects.Then != nil {
		p.playing.move(*p.effects.Then)
	}
	if errors.Is(outcome, scenarios.ErrReplyLost) {
		call.Reply.Lost, outcome = true, nil
	}
	return true, outcome
}

func (p *part) affordable() bool {
	budget := p.rule.Budget()
	return budget == nil || p.playing.budgets[budget] < budget.Most
}

// outcome is what a sequence or a rate has for a call; neither fires on one that
// it lets pass.
func (p *part) outcome(now time.Time) (outcome error, fires bool) {
	switch {
	case p.effects.Sequence != nil:
		if p.chosen > len(p.effects.Sequence) || p.effects.Sequence[p.chosen-1] == nil {
			return nil, false
		}
		return p.effects.Sequence[p.chosen-1], true
	case p.effects.Rate != nil:
		if p.passes(now) {
			return nil, false
		}
		return scenarios.Throttled(), true
	default:
		return nil, true
	}
}

// passes takes a token of the rate, which fill up as time passes.
func (p *part) passes(now time.Time) bool {
	burst := float64(p.effects.Rate.Burst)
	if p.asOf.IsZero() {
		p.tokens = burst
	} else {
		p.tokens = min(burst, p.tokens+now.Sub(p.asOf).Seconds()*p.effects.Rate.PerSecond)
	}
	p.asOf = now
	if p.tokens < 1 {
		return false
	}
	p.tokens--
	return true
}

// throw is the number that the dice show for the call that was matched last.
func (p *part) throw() float64 {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], p.playing.stage.seed)
	for i, n := range []int{p.dice[0], p.dice[1], p.matched} {
		binary.BigEndian.PutUint64(key[8*(i+1):], uint64(n))
	}
	return rand.New(rand.NewChaCha8(key)).Float64()
}

// before does what comes before the operation: waiting, then refusing.
func (p *part) before(ctx context.Context, call *dispatch.Call) error {
	if err := p.wait(ctx); err != nil {
		return err
	}
	if err := p.ask(call); err != nil {
		return err
	}
	if errors.Is(p.effects.Err, scenarios.ErrNoAnswer) {
		if err := hold(ctx, p.playing.gate.keep); err != nil {
			return err
		}
	}
	if errors.Is(p.effects.Err, scenarios.ErrReplyLost) {
		call.Reply.Lost = true
		return nil
	}
	return p.effects.Err
}

// ask shows the call to the rule's function, which may refuse it.
func (p *part) ask(call *dispatch.Call) (refused error) {
	if hook := p.effects.Hook; hook != nil {
		record := call.Record
		if mistake := p.guard(func() { refused = hook(&record) }); mistake != nil {
			return mistake
		}
	}
	return refused
}

func (p *part) wait(ctx context.Context) error {
	if d := p.effects.Delay; d > 0 {
		err := wait(p.playing.gate.keep, func(released <-chan struct{}) error {
			return p.playing.stage.State.Wait(ctx, d, released)
		})
		if err != nil {
			return err
		}
	}
	if p.effects.Hold {
		if err := hold(ctx, p.playing.gate.keep); err != nil {
			return err
		}
	}
	if n := p.effects.Together; n > 0 {
		return hold(ctx, func(letGo func()) (func(), bool) { return p.playing.gate.join(p, n, letGo) })
	}
	return nil
}

func hold(ctx context.Context, keep func(letGo func()) (leave func(), keeps bool)) error {
	return wait(keep, func(released <-chan struct{}) error {
		select {
		case <-released:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}
