package registry

import (
	"slices"
	"time"
)

// History remembers the states that a world goes through, for answers from an
// earlier one.
type History struct {
	world *World
	// states are in order of time. The first is the one at the beginning.
	states []moment
}

type moment struct {
	since time.Time
	root  *root
}

// View is the state as it was at some time.
type View struct{ root *root }

// Remember begins a history with the state as it is.
func (w *World) Remember() *History {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := &History{world: w, states: []moment{{w.clock.now(), w.root}}}
	w.histories = append(w.histories, h)
	return h
}

// Forget ends the history.
func (h *History) Forget() {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.world.histories = slices.DeleteFunc(h.world.histories, func(other *History) bool { return other == h })
}

// publish makes a root the world's. The world is locked.
func (w *World) publish(next *root, now time.Time) {
	w.root = next
	for watcher := range w.watching {
		close(watcher)
	}
	w.watching = nil
	for _, h := range w.histories {
		if last := h.states[len(h.states)-1].since; now.Before(last) {
			now = last // an event that was due before, but of which a rule was asked
		}
		h.states = append(h.states, moment{now, next})
	}
}

// Ago is the state as it was age before now, but not before the history began.
func (h *History) Ago(age time.Duration) View {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	then := h.world.clock.now().Add(-age)
	i, found := slices.BinarySearchFunc(h.states, then, func(m moment, t time.Time) int { return m.since.Compare(t) })
	for found && i+1 < len(h.states) && h.states[i+1].since.Equal(then) {
		i++
	}
	if !found {
		i = max(i-1, 0)
	}
	return View{h.states[i].root}
}

// Before is the state as it was n writes before, but not before the history
// began.
func (h *History) Before(n int) View {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return View{h.states[max(len(h.states)-1-n, 0)].root}
}

// Beginning is the state as it was when the history began.
func (h *History) Beginning() View { return View{h.states[0].root} }
