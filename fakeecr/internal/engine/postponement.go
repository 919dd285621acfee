package engine

import (
	"errors"
	"time"

	"github.com/fakeecr/ecr/scenarios"
)

// ErrNotEnded is what becomes of something whose function ended its goroutine, as
// t.FailNow does.
var ErrNotEnded = errors.New("a function of the test's did not end")

// Postponement is what rules make of an event. All but failure and rules is under
// the engine's mutex.
type Postponement struct {
	engine *Engine
	// asking tells that the rules are being asked.
	asking bool
	// until is when the event happens, unless it is held.
	until time.Time
	holds int
	// failure is what it fails with, rules are those that fired, and told is told of
	// the call.
	failure error
	rules   []string
	told    func(*scenarios.Call)
	// ended is told when the event has happened or is gone.
	ended []func()
}

// Postpone lets the event happen later by d, and with held not before letGo was
// called, which may be called once: then what is left of d is no longer waited for.
func (p *Postponement) Postpone(d time.Duration, held bool) (letGo func()) {
	p.engine.mu.Lock()
	defer p.engine.mu.Unlock()
	p.until = p.until.Add(d)
	if held {
		p.holds++
	}
	return func() {
		p.engine.mu.Lock()
		defer p.engine.mu.Unlock()
		p.until = p.until.Add(-d)
		if held {
			p.holds--
		}
		if now := p.engine.clock.now(); p.until.Before(now) {
			p.until = now
		}
	}
}

// Ended has a function called once the event has happened or is gone. The engine is
// locked when it is.
func (p *Postponement) Ended(f func()) {
	p.engine.mu.Lock()
	defer p.engine.mu.Unlock()
	p.ended = append(p.ended, f)
}

// nextEvent is the event that happens next, and when: Never if there is none. What
// is held or being asked about is passed over.
func (e *Engine) nextEvent(root *Root) (key string, due time.Time) {
	if len(e.postponed) == 0 {
		if key, _, found := root.events.Min(); found {
			return key, Due(key)
		}
		return "", Never
	}
	due = Never
	for k := range root.events.All() {
		if e.postponed[k] == nil {
			key, due = k, Due(k)
			break
		}
	}
	for k, p := range e.postponed {
		switch {
		case p.asking || p.holds > 0 && root.events.Has(k):
		case !root.events.Has(k):
			e.forget(k)
		case p.until.Before(due) || p.until.Equal(due) && k < key:
			key, due = k, p.until
		}
	}
	return key, due
}

// forget ends the postponement of an event, if it has one.
func (e *Engine) forget(key string) *Postponement {
	p := e.postponed[key]
	if p != nil {
		delete(e.postponed, key)
		for _, end := range p.ended {
			end()
		}
	}
	return p
}

// mustAsk tells whether rules have yet to be asked about an event.
func (e *Engine) mustAsk(o dueEvent) bool {
	return o.call != nil && e.stage != nil && e.postponed[o.key] == nil && e.stage.Concerns(o.call.Operation)
}

// ask asks the rules about an event, meanwhile without the engine's lock.
func (e *Engine) ask(o dueEvent) {
	p := &Postponement{engine: e, asking: true, until: o.call.Time, failure: ErrNotEnded}
	if e.postponed == nil {
		e.postponed = map[string]*Postponement{}
	}
	e.postponed[o.key] = p
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		p.asking = false
	}()
	p.told, p.failure = e.stage.Ask(o.call, p)
	p.rules = o.call.Rules
}
