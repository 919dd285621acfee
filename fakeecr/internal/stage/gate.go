package stage

import "sync"

// gate keeps calls waiting. Each waits on a channel of its own, because a channel
// belongs to the synctest bubble that it was made in and a playing need not.
type gate struct {
	mu      sync.Mutex
	open    bool
	waiting map[chan struct{}]struct{}
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
	return released, true
}

func (g *gate) leave(released chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, released)
}

// letGo ends the waiting of all who wait now and, with forGood, of all who come.
func (g *gate) letGo(forGood bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = g.open || forGood
	for released := range g.waiting {
		close(released)
	}
	clear(g.waiting)
}
