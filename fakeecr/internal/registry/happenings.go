package registry

import (
	"context"
	"time"

	"github.com/fakeecr/ecr/scenarios"
)

// Stage is what a world is played on: it knows the rules and keeps the trace. The
// world is not locked when it calls Ask, Look, Guard or Neighbour.
type Stage interface {
	// Concerns tells whether a rule in play is about an operation.
	Concerns(operation string) bool
	// Ask asks the rules about something that is due. They may postpone it; the error
	// is what it fails with, when it comes to that.
	Ask(call *scenarios.Call, postponed *Postponement) error
	// Tell puts something that happened in the trace.
	Tell(call *scenarios.Call)
	// Look carries out a look at an upstream registry, as rules and the trace see it.
	Look(ctx context.Context, call *scenarios.Call, look func(context.Context) error) error
	// Guard runs a function of the user's. If it panics the test fails, and the error
	// says so.
	Guard(what string, f func()) error
	// Neighbour is a registry of the world as the upstream of another, which a
	// principal pulls from, without a trace.
	Neighbour(source Key, caller string) Upstream
}

func (w *World) guard(what string, f func()) error {
	if w.Stage == nil {
		f()
		return nil
	}
	return w.Stage.Guard(what, f)
}

// happening is an event that is also a call.
type happening interface {
	event
	// call is what rules and the trace see of it, nil if there is nothing left to
	// happen.
	call(tx *Tx) *scenarios.Call
	// fail lets it end with a failure.
	fail(tx *Tx, failure error)
}

// happeningIn is the call of something that happens in a repository.
func happeningIn(key Key, repository, operation string, in any) *scenarios.Call {
	return &scenarios.Call{Operation: operation, Account: key.Account, Region: key.Region, Repository: repository, Input: in}
}

// Postponement is what rules make of an event. All but failure and rules is under
// the world's mutex.
type Postponement struct {
	world *World
	// asking tells that the rules are being asked.
	asking bool
	// until is when the event happens, unless it is held.
	until time.Time
	holds int
	// failure is what it fails with, and rules are those that fired.
	failure error
	rules   []string
	// ended is told when the event has happened or is gone.
	ended []func()
}

// Postpone lets the event happen later by d, and with held not before letGo was
// called, which may be called once: then what is left of d is no longer waited for.
func (p *Postponement) Postpone(d time.Duration, held bool) (letGo func()) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.until = p.until.Add(d)
	if held {
		p.holds++
	}
	return func() {
		p.world.mu.Lock()
		defer p.world.mu.Unlock()
		p.until = p.until.Add(-d)
		if held {
			p.holds--
		}
		if now := p.world.clock.now(); p.until.Before(now) {
			p.until = now
		}
	}
}

// Ended has a function called once the event has happened or is gone. The world is
// locked when it is.
func (p *Postponement) Ended(f func()) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.ended = append(p.ended, f)
}

// nextEvent is the event that happens next, and when: never if there is none. What
// is held or being asked about is passed over.
func (w *World) nextEvent(root *root) (key string, due time.Time) {
	if len(w.postponed) == 0 {
		if key, _, found := root.events.Min(); found {
			return key, dueTime(key)
		}
		return "", never
	}
	due = never
	for k := range root.events.All() {
		if w.postponed[k] == nil {
			key, due = k, dueTime(k)
			break
		}
	}
	for k, p := range w.postponed {
		switch {
		case p.asking || p.holds > 0 && root.events.Has(k):
		case !root.events.Has(k):
			w.forget(k)
		case p.until.Before(due) || p.until.Equal(due) && k < key:
			key, due = k, p.until
		}
	}
	return key, due
}

// forget ends the postponement of an event, if it has one.
func (w *World) forget(key string) *Postponement {
	p := w.postponed[key]
	if p != nil {
		delete(w.postponed, key)
		for _, end := range p.ended {
			end()
		}
	}
	return p
}

// callOf is the call that an event is, nil for one that is none or that has nothing
// left to happen.
func (w *World) callOf(root *root, key string) *scenarios.Call {
	e, _ := root.events.Get(key)
	h, is := e.(happening)
	if !is {
		return nil
	}
	call := h.call(&Tx{World: w, root: root})
	if call != nil {
		call.Time = dueTime(key)
	}
	return call
}

// mustAsk tells whether rules have yet to be asked about an event.
func (w *World) mustAsk(key string, call *scenarios.Call) bool {
	return call != nil && w.Stage != nil && w.postponed[key] == nil && w.Stage.Concerns(call.Operation)
}

// ask asks the rules about an event, meanwhile without the world's lock.
func (w *World) ask(key string, call *scenarios.Call) {
	p := &Postponement{world: w, asking: true, until: call.Time}
	w.postponed[key] = p
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		p.asking = false
	}()
	p.failure = w.Stage.Ask(call, p)
	p.rules = call.Rules
}

// occur lets an event happen at tx.now, or fail where rules want that. The call is
// that of the event, or nil.
func (tx *Tx) occur(key string, call *scenarios.Call) {
	e, _ := tx.root.events.Get(key)
	p := tx.World.forget(key)
	tx.unschedule(key)
	h, is := e.(happening)
	switch {
	case !is:
		_, _ = e.happen(tx)
		return
	case call == nil:
		return
	case p != nil:
		call.Err, call.Rules = p.failure, p.rules
	}
	if call.Err != nil {
		h.fail(tx, call.Err)
	} else {
		call.Output, call.Err = h.happen(tx)
	}
	tx.tell(call)
}

func (tx *Tx) tell(call *scenarios.Call) {
	if tx.World.Stage != nil {
		tx.World.Stage.Tell(call)
	}
}
