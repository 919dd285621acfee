package engine

import (
	"context"
	"slices"
	"time"
)

// Await answers what it is told, or the context's error. What falls due meanwhile
// happens as soon as it does, if it is one of some operations.
func (e *Engine) Await(ctx context.Context, told <-chan error, operations []string) error {
	for {
		if len(operations) > 0 {
			e.Settle()
		}
		due, changed := e.watch(operations)
		ended, err := e.awaitUntil(ctx, due, changed, told)
		e.unwatch(changed)
		if ended {
			return err
		}
	}
}

// awaitUntil waits until a time has come or something has changed, or to the end of
// Await.
func (e *Engine) awaitUntil(ctx context.Context, due time.Time, changed <-chan struct{}, told <-chan error) (ended bool, err error) {
	remaining, advanced := e.clock.watch(due)
	defer e.clock.forget(advanced)
	var timer <-chan time.Time
	if due != Never {
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
// about, Never if there is none, and what is closed when that may be another.
func (e *Engine) watch(operations []string) (due time.Time, changed chan struct{}) {
	if len(operations) == 0 {
		return Never, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	changed = make(chan struct{})
	if e.watching == nil {
		e.watching = map[chan struct{}]struct{}{}
	}
	e.watching[changed] = struct{}{}
	for key := range e.state.root().events.All() {
		if e.asked[key] != nil {
			continue
		}
		if call := e.dueEvent(e.state, key).call; call != nil && slices.Contains(operations, call.Operation) {
			return call.Time, changed
		}
	}
	return Never, changed
}

func (e *Engine) unwatch(changed chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.watching, changed)
}
