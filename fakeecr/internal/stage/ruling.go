package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/scenarios"
)

// ruling is what the rules in play make of a call. All rules of a scenario
// meet it in one state, also those behind a rule that moved the scenario on.
type ruling struct {
	states map[*PlayedScenario]moment
	// fired are the rules that fired on the call, in their order, and missed those
	// that it did not match.
	fired  []*firing
	missed []miss
	// lost tells that nobody is to hear what the call came to: what it was refused with,
	// if it was.
	lost    bool
	refused error
}

// moment is what a call meets a scenario in: its state, and the states that it last
// came to after the call's token was issued.
type moment struct {
	state string
	later []string
}

// firing is a rule that fires on a call.
type firing struct {
	*playedRule
	ruling *ruling
	// turn is the number of the call among those that the rule counts.
	turn int
	// did tells that the rule did something. Where it finds nothing to do, idle says
	// why, and the turn is given back.
	did  bool
	idle string
}

// miss is a rule that did not match a call, and what the call had instead.
type miss struct {
	*playedRule
	why string
}

// rulingOf is the ruling on a call, nil for one that met no rule.
func rulingOf(call *dispatch.Call) *ruling {
	ruling, _ := call.Ruling.(*ruling)
	return ruling
}

// meet lets the next rule meet the call. Without a firing it lets the call
// pass, unless there is an error: that of a function which the rule cannot do without.
func (r *ruling) meet(p *playedRule, call *dispatch.Call, now time.Time) (fires *firing, outcome, mistake error) {
	at, moved := r.states[p.scenario]
	if !moved {
		at = moment{p.scenario.State(), p.scenario.later(call.Token)}
	}
	fires, outcome, mistake = p.meet(r, call, now, at)
	if fires == nil {
		return nil, nil, mistake
	}
	if p.effects.Then != nil && !moved {
		if r.states == nil {
			r.states = map[*PlayedScenario]moment{}
		}
		r.states[p.scenario] = at
	}
	r.fired = append(r.fired, fires)
	call.Record.Rules = append(call.Record.Rules, p.rule.String())
	return fires, outcome, nil
}

// pass carries a call through rules and, if none refuses it, to its operation.
func (r *ruling) pass(ctx context.Context, call *dispatch.Call, rules []*playedRule, next dispatch.Handler) (any, error) {
	for _, played := range rules {
		fires, outcome, err := r.meet(played, call, played.scenario.stage.World.Now())
		if fires != nil {
			err = fires.before(ctx, call, outcome)
		}
		if err != nil {
			return r.after(nil, err)
		}
	}
	for _, firing := range slices.Backward(r.fired) {
		next = firing.instead(next)
	}
	return r.after(next(ctx, call))
}

// after has the rules change an answer.
func (r *ruling) after(out any, err error) (any, error) {
	for _, firing := range r.fired {
		out, err = firing.after(out, err)
	}
	return out, err
}

// refuse is what it means that a rule has an error for a call, whichever of its
// effects has it: what the call is refused with, nil if it is carried out.
func (f *firing) refuse(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, scenarios.ErrReplyLost):
		f.ruling.lost = true
		return nil
	case errors.Is(err, scenarios.ErrNoAnswer):
		if gone := hold(ctx, f.scenario.gate.keep); gone != nil {
			return gone
		}
	}
	return err
}

// toTell is what the trace says of a call that its caller sees end with err.
func (r *ruling) toTell(err error) error {
	if r == nil || r.refused == nil {
		return err
	}
	return fmt.Errorf("%w: it was %w", err, r.refused)
}

// onReply tells whether rules do something to the reply on its way.
func (r *ruling) onReply() bool {
	return r != nil && slices.ContainsFunc(r.fired, func(f *firing) bool {
		reply := f.effects.Reply
		return reply.Cut != nil || reply.Wait > 0 || reply.BytesPerSecond > 0
	})
}

// conclude puts a call in the trace when all is known of it.
func (s *Stage) conclude(call *dispatch.Call) {
	ruling := rulingOf(call)
	call.Ruling = nil
	if ruling == nil {
		s.recorder.add(&call.Record)
		return
	}
	call.Record.Rules = nil
	for _, firing := range ruling.fired {
		if firing.did {
			call.Record.Rules = append(call.Record.Rules, firing.rule.String())
		} else {
			firing.giveBack()
		}
	}
	s.recorder.add(&call.Record)
	ruling.tell(&call.Record)
}

// tell tells the rules that the call could have fired of what it came to.
func (r *ruling) tell(record *scenarios.Call) {
	for _, firing := range r.fired {
		if !firing.did {
			firing.remember(Near{*record, firing.idle, true})
		}
	}
	for _, missed := range r.missed {
		missed.remember(Near{*record, missed.why, false})
	}
}
