package registry

import (
	"slices"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/cow"
)

// Still is a copy of the world as it is now, in constant time, in which nothing
// happens by itself and nobody asks an upstream: what was held or not yet due stays
// so. It is for those who look, whom the world does not notice.
func (w *World) Still() *World {
	w.Settle()
	still := w.Fork(w.config)
	still.root = still.root.next()
	still.root.events = cow.Map[event]{}
	still.still = true
	return still
}

// Keys are the registries that something was put in, in order.
func (w *World) Keys() (keys []Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, reg := range w.root.registries.All() {
		keys = append(keys, reg.Key)
	}
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
