package stage

import (
	"context"
	"sync"
)

// gate keeps calls waiting. Each waits on a channel of its own, because a channel
// belongs to the synctest bubble that it was made in and a playing need not.
type gate struct {
	mu      sync.Mutex
	open    bool
	waiting map[chan struct{}]struct{}
	// watching are those who wait for a number of calls to be kept.
	watching map[chan struct{}]int
}

// wait runs a function that waits until its channel is closed, or for something
// else. At an open gate nothing waits.
func (g *gate) wait(until func(released <-chan struct{}) error) error {
	released, keeps := g.enter()
	if !keeps {
		return nil
	}
	defer g.leave(released)
	return until(released)
}

func (g *gate) enter() (released chan struct{}, keeps bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return nil, false
	}
	if g.waiting == nil {
		g.waiting = map[chan struct{}]struct{}{}
	}
	released = make(chan struct{})
	g.waiting[released] = struct{}{}
	for watcher, n := range g.watching {
		if len(g.waiting) >= n {
			close(watcher)
			delete(g.watching, watcher)
		}
	}
	return released, true
}

func (g *gate) leave(released chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, released)
}

// keeps is how many wait now.
func (g *gate) keeps() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// letGo ends the waiting of all who wait now and, with forGood, of all who come.
func (g *gate) letGo(forGood bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = g.open || forGood
	g.release()
}

func (g *gate) release() {
	for released := range g.waiting {
		close(released)
	}
	clear(g.waiting)
}

// full tells whether the one who asks is the nth, and then lets go of those who
// wait.
func (g *gate) full(n int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting)+1 < n {
		return false
	}
	g.release()
	return true
}

// waitFor returns when the gate keeps n calls or more, or with the context's
// error.
func (g *gate) waitFor(ctx context.Context, n int) error {
	reached, wait := g.watch(n)
	if !wait {
		return nil
	}
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.watching, reached)
		return ctx.Err()
	}
}

func (g *gate) watch(n int) (reached chan struct{}, wait bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) >= n {
		return nil, false
	}
	if g.watching == nil {
		g.watching = map[chan struct{}]int{}
	}
	reached = make(chan struct{})
	g.watching[reached] = n
	return reached, true
}
