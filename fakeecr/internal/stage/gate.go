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
	waiting map[*kept]struct{}
	// watching are those who wait for a number of calls to be kept.
	watching map[chan struct{}]int
}

// kept is one that a gate keeps, by what lets go of it.
type kept struct{ letGo func() }

// wait runs a function that waits until its channel is closed, or for something
// else. At an open gate nothing waits.
func (g *gate) wait(until func(released <-chan struct{}) error) error {
	released := make(chan struct{})
	leave, keeps := g.keep(func() { close(released) })
	if !keeps {
		return nil
	}
	defer leave()
	return until(released)
}

// keep keeps one until it is let go, which the gate does once, or leaves by itself.
// An open gate keeps nobody.
func (g *gate) keep(letGo func()) (leave func(), keeps bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return nil, false
	}
	if g.waiting == nil {
		g.waiting = map[*kept]struct{}{}
	}
	k := &kept{letGo}
	g.waiting[k] = struct{}{}
	for watcher, n := range g.watching {
		if len(g.waiting) >= n {
			close(watcher)
			delete(g.watching, watcher)
		}
	}
	return func() { g.leave(k) }, true
}

func (g *gate) leave(k *kept) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, k)
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
	g.open = g.open || forGood
	waiting := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	release(waiting)
}

// release lets go of those whom a gate kept, which must not be locked: the world
// calls a gate while it is locked itself.
func release(waiting map[*kept]struct{}) {
	for k := range waiting {
		k.letGo()
	}
}

// full tells whether the one who asks is the nth, and then lets go of those who
// wait.
func (g *gate) full(n int) bool {
	g.mu.Lock()
	if len(g.waiting)+1 < n {
		g.mu.Unlock()
		return false
	}
	waiting := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	release(waiting)
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
