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

// passage is a call on its way through the rules in play. All rules of a playing
// meet it in one state, also those behind a rule that moved the playing on.
type passage struct {
	states map[*Playing]moment
	// fired are the rules that fired on the call, in their order, and missed those
	// that it did not match.
	fired  []*firing
	missed []miss
	// lost tells that nobody is to hear what the call came to: what it was refused with,
	// if it was.
	lost    bool
	refused error
}

// moment is what a call meets a playing in: its state, and the states that it last
// came to after the call's token was issued.
type moment struct {
	state string
	later []string
}

// firing is a rule that fires on a call.
type firing struct {
	*part
	way *passage
	// turn is the number of the call among those that the rule counts.
	turn int
	// did tells that the rule did something. Where it finds nothing to do, idle says
	// why, and the turn is given back.
	did  bool
	idle string
}

// miss is a rule that did not match a call, and what the call had instead.
type miss struct {
	*part
	why string
}

// wayOf is the passage of a call, nil for one that met no rule.
func wayOf(call *dispatch.Call) *passage {
	way, _ := call.Way.(*passage)
	return way
}

// meet lets the next rule on the way meet the call. Without a firing it lets the call
// pass, unless there is an error: that of a function which the rule cannot do without.
func (w *passage) meet(p *part, call *dispatch.Call, now time.Time) (fires *firing, outcome, mistake error) {
	at, moved := w.states[p.playing]
	if !moved {
		at = moment{p.playing.State(), p.playing.later(call.Token)}
	}
	fires, outcome, mistake = p.meet(w, call, now, at)
	if fires == nil {
		return nil, nil, mistake
	}
	if p.effects.Then != nil && !moved {
		if w.states == nil {
			w.states = map[*Playing]moment{}
		}
		w.states[p.playing] = at
	}
	w.fired = append(w.fired, fires)
	call.Record.Rules = append(call.Record.Rules, p.rule.String())
	return fires, outcome, nil
}

// pass carries a call through rules and, if none refuses it, to its operation.
func (w *passage) pass(ctx context.Context, call *dispatch.Call, rules []*part, next dispatch.Handler) (any, error) {
	for _, part := range rules {
		fires, outcome, err := w.meet(part, call, part.playing.stage.State.Now())
		if fires != nil {
			err = fires.before(ctx, call, outcome)
		}
		if err != nil {
			return w.after(nil, err)
		}
	}
	for _, firing := range slices.Backward(w.fired) {
		next = firing.instead(next)
	}
	return w.after(next(ctx, call))
}

// after has the rules change an answer.
func (w *passage) after(out any, err error) (any, error) {
	for _, firing := range w.fired {
		out, err = firing.after(out, err)
	}
	return out, err
}

// refuse is what it means that a rule has an error for a call, whichever of its
// effects has it: what the call is refused with, nil if it is carried out.
func (f *firing) refuse(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, scenarios.ErrReplyLost):
		f.way.lost = true
		return nil
	case errors.Is(err, scenarios.ErrNoAnswer):
		if gone := hold(ctx, f.playing.gate.keep); gone != nil {
			return gone
		}
	}
	return err
}

// toTell is what the trace says of a call that its caller sees end with err.
func (w *passage) toTell(err error) error {
	if w == nil || w.refused == nil {
		return err
	}
	return fmt.Errorf("%w: it was %w", err, w.refused)
}

// onReply tells whether rules do something to the reply on its way.
func (w *passage) onReply() bool {
	return w != nil && slices.ContainsFunc(w.fired, func(f *firing) bool {
		reply := f.effects.Reply
		return reply.Cut != nil || reply.Wait > 0 || reply.BytesPerSecond > 0
	})
}

// conclude puts a call in the trace when all is known of it.
func (s *Stage) conclude(call *dispatch.Call) {
	way := wayOf(call)
	call.Way = nil
	if way == nil {
		s.recorder.add(&call.Record)
		return
	}
	call.Record.Rules = nil
	for _, firing := range way.fired {
		if firing.did {
			call.Record.Rules = append(call.Record.Rules, firing.rule.String())
		} else {
			firing.giveBack()
		}
	}
	s.recorder.add(&call.Record)
	way.tell(&call.Record)
}

// tell tells the rules that the call could have fired of what it came to.
func (w *passage) tell(call *scenarios.Call) {
	for _, firing := range w.fired {
		if !firing.did {
			firing.remember(Near{*call, firing.idle, true})
		}
	}
	for _, missed := range w.missed {
		missed.remember(Near{*call, missed.why, false})
	}
}
