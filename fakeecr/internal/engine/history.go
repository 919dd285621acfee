package engine

import (
	"slices"
	"time"
)

// History remembers the states that an engine goes through, for answers from an
// earlier one.
type History struct {
	engine *Engine
	// states are in order of time. The first is the one at the beginning.
	states []moment
}

type moment struct {
	since time.Time
	state State
}

// View is the state as it was at some time.
type View struct{ state State }

// Remember begins a history with the state as it is.
func (e *Engine) Remember() *History {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := &History{engine: e, states: []moment{{e.clock.now(), e.state}}}
	e.histories = append(e.histories, h)
	return h
}

// Forget ends the history.
func (h *History) Forget() {
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	h.engine.histories = slices.DeleteFunc(h.engine.histories, func(other *History) bool { return other == h })
}

// publish makes a state the one that is read. The engine is locked.
func (e *Engine) publish(next State, now time.Time) {
	e.state = next
	for watcher := range e.watching {
		close(watcher)
	}
	e.watching = nil
	for _, h := range e.histories {
		if last := h.states[len(h.states)-1].since; now.Before(last) {
			now = last // an event that was due before, but of which a rule was asked
		}
		h.states = append(h.states, moment{now, next})
	}
}

// Ago is the state as it was age before now, but not before the history began.
func (h *History) Ago(age time.Duration) View {
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	then := h.engine.settle().Add(-age)
	i, found := slices.BinarySearchFunc(h.states, then, func(m moment, t time.Time) int { return m.since.Compare(t) })
	for found && i+1 < len(h.states) && h.states[i+1].since.Equal(then) {
		i++
	}
	if !found {
		i = max(i-1, 0)
	}
	return View{h.states[i].state}
}

// Before is the state as it was n writes before, but not before the history
// began.
func (h *History) Before(n int) View {
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	h.engine.settle()
	return View{h.states[max(len(h.states)-1-n, 0)].state}
}

// Beginning is the state as it was when the history began.
func (h *History) Beginning() View {
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	return View{h.states[0].state}
}
