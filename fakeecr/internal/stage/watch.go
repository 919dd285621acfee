package stage

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/scenarios"
)

// watcher sees a call before rules do, and may refuse it.
type watcher struct {
	see func(context.Context, *scenarios.Call) error
}

// String is what the function is called when it panics.
func (*watcher) String() string { return "a function of Watch" }

// watchers are those who watch a stage.
type watchers struct {
	mu  sync.Mutex
	all atomic.Pointer[[]*watcher]
}

func (w *watchers) change(change func([]*watcher) []*watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var before []*watcher
	if all := w.all.Load(); all != nil {
		before = *all
	}
	after := change(slices.Clone(before))
	if len(after) == 0 {
		w.all.Store(nil)
		return
	}
	w.all.Store(&after)
}

// Watch shows calls to a function, before any rule meets them, until stop is called.
func (s *Stage) Watch(see func(context.Context, *scenarios.Call) error) (stop func()) {
	added := &watcher{see}
	s.watchers.change(func(all []*watcher) []*watcher { return append(all, added) })
	return func() {
		s.watchers.change(func(all []*watcher) []*watcher {
			return slices.DeleteFunc(all, func(w *watcher) bool { return w == added })
		})
	}
}

// watch shows a call to those who watch. The first who refuses it ends it.
func (s *Stage) watch(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		watching := s.watchers.all.Load()
		if watching == nil {
			return next(ctx, call)
		}
		call.Shown = true
		for _, w := range *watching {
			record := call.Record
			var refused error
			if mistake := s.callUser(w, func() { refused = w.see(ctx, &record) }); mistake != nil {
				refused = mistake
			}
			if refused != nil {
				return nil, refused
			}
		}
		return next(ctx, call)
	}
}
