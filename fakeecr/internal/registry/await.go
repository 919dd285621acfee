package registry

import (
	"context"
	"slices"
	"time"
)

// Await answers what it is told, or the context's error. What falls due meanwhile
// happens as soon as it does, if it is one of some operations.
func (w *World) Await(ctx context.Context, told <-chan error, operations []string) error {
	for {
		if len(operations) > 0 {
			w.Settle()
		}
		due, changed := w.watch(operations)
		ended, err := w.awaitUntil(ctx, due, changed, told)
		w.unwatch(changed)
		if ended {
			return err
		}
	}
}

// awaitUntil waits until a time has come or something has changed, or to the end of
// Await.
func (w *World) awaitUntil(ctx context.Context, due time.Time, changed <-chan struct{}, told <-chan error) (ended bool, err error) {
	remaining, advanced := w.clock.watch(due)
	defer w.clock.forget(advanced)
	var timer <-chan time.Time
	if due != never {
		t := time.NewTimer(remaining)
		defer t.Stop()
		timer = t.C
	}
	select {
	case err := <-told:
		return true, err
	case <-ctx.Done():
		return true, ctx.Err()
	case <-timer:
	case <-advanced:
	case <-changed:
	}
	return false, nil
}

// watch answers when the next of some operations is due that no rule was asked
// about, never if there is none, and what is closed when that may be another.
func (w *World) watch(operations []string) (due time.Time, changed chan struct{}) {
	if len(operations) == 0 {
		return never, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	changed = make(chan struct{})
	if w.watching == nil {
		w.watching = map[chan struct{}]struct{}{}
	}
	w.watching[changed] = struct{}{}
	for key := range w.root.events.All() {
		if w.postponed[key] != nil {
			continue
		}
		if call := w.callOf(w.root, key); call != nil && slices.Contains(operations, call.Operation) {
			return call.Time, changed
		}
	}
	return never, changed
}

func (w *World) unwatch(changed chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.watching, changed)
}
