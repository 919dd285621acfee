package engine

import (
	"errors"
	"time"

	"github.com/fakeecr/ecr/scenarios"
)

// ErrNotEnded is what becomes of something whose function ended its goroutine, as
// t.FailNow does.
var ErrNotEnded = errors.New("a function of the test's did not end")

// AskedEvent is a due event that the rules were asked about, and what they make of it.
// All but failure and rules is under the engine's mutex.
type AskedEvent struct {
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
func (a *AskedEvent) Postpone(d time.Duration, held bool) (letGo func()) {
	a.engine.mu.Lock()
	defer a.engine.mu.Unlock()
	a.until = a.until.Add(d)
	if held {
		a.holds++
	}
	return func() {
		a.engine.mu.Lock()
		defer a.engine.mu.Unlock()
		a.until = a.until.Add(-d)
		if held {
			a.holds--
		}
		if now := a.engine.clock.now(); a.until.Before(now) {
			a.until = now
		}
	}
}

// Ended has a function called once the event has happened or is gone. The engine is
// locked when it is.
func (a *AskedEvent) Ended(f func()) {
	a.engine.mu.Lock()
	defer a.engine.mu.Unlock()
	a.ended = append(a.ended, f)
}

// nextEvent is the event that happens next, and when: Never if there is none. What
// is held or being asked about is passed over.
func (e *Engine) nextEvent(root *Root) (key string, due time.Time) {
	if len(e.asked) == 0 {
		if key, _, found := root.events.Min(); found {
			return key, Due(key)
		}
		return "", Never
	}
	due = Never
	for k := range root.events.All() {
		if e.asked[k] == nil {
			key, due = k, Due(k)
			break
		}
	}
	for k, asked := range e.asked {
		switch {
		case asked.asking || asked.holds > 0 && root.events.Has(k):
		case !root.events.Has(k):
			e.forget(k)
		case asked.until.Before(due) || asked.until.Equal(due) && k < key:
			key, due = k, asked.until
		}
	}
	return key, due
}

// forget ends that an event was asked about, if it was.
func (e *Engine) forget(key string) *AskedEvent {
	asked := e.asked[key]
	if asked != nil {
		delete(e.asked, key)
		for _, end := range asked.ended {
			end()
		}
	}
	return asked
}

// mustAsk tells whether rules have yet to be asked about an event.
func (e *Engine) mustAsk(d dueEvent) bool {
	return d.call != nil && e.stage != nil && e.asked[d.key] == nil && e.stage.Concerns(d.call.Operation)
}

// ask asks the rules about an event, meanwhile without the engine's lock.
func (e *Engine) ask(d dueEvent) {
	asked := &AskedEvent{engine: e, asking: true, until: d.call.Time, failure: ErrNotEnded}
	if e.asked == nil {
		e.asked = map[string]*AskedEvent{}
	}
	e.asked[d.key] = asked
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		asked.asking = false
	}()
	asked.told, asked.failure = e.stage.Ask(d.call, asked)
	asked.rules = d.call.Rules
}
