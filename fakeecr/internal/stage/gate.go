package stage

import (
	"errors"
	"sync"
)

// gate keeps calls waiting. Each waits on a channel of its own, because a channel
// belongs to the synctest bubble that it was made in and a scenario in play need not.
type gate struct {
	mu      sync.Mutex
	open    bool
	waiting map[*kept]struct{}
	// watching are those who wait for a number of calls to be kept.
	watching map[chan error]int
}

// kept is one that a gate keeps, by what lets go of it.
type kept struct {
	letGo func()
	// group is the rule whose calls go on together, nil for one that waits alone.
	group *playedRule
}

// wait runs a function that waits until its channel is closed, or for something
// else, unless keep keeps nobody.
func wait(keep func(letGo func()) (leave func(), keeps bool), until func(released <-chan struct{}) error) error {
	released := make(chan struct{})
	leave, keeps := keep(func() { close(released) })
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
	return g.add(&kept{letGo: letGo}), true
}

// join keeps one until n of a group are there. The last of them is not kept, and
// lets go of the others.
func (g *gate) join(group *playedRule, n int, letGo func()) (leave func(), keeps bool) {
	g.mu.Lock()
	if g.open {
		g.mu.Unlock()
		return nil, false
	}
	others := map[*kept]struct{}{}
	for k := range g.waiting {
		if k.group == group {
			others[k] = struct{}{}
		}
	}
	if len(others)+1 < n {
		defer g.mu.Unlock()
		return g.add(&kept{letGo, group}), true
	}
	for k := range others {
		delete(g.waiting, k)
	}
	g.mu.Unlock()
	release(others)
	return nil, false
}

// add keeps one. The gate is locked.
func (g *gate) add(k *kept) (leave func()) {
	if g.waiting == nil {
		g.waiting = map[*kept]struct{}{}
	}
	g.waiting[k] = struct{}{}
	for watcher, n := range g.watching {
		if len(g.waiting) >= n {
			watcher <- nil
			delete(g.watching, watcher)
		}
	}
	return func() { g.leave(k) }
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
	if g.open {
		for watcher := range g.watching {
			watcher <- errOpen
		}
		g.watching = nil
	}
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

// errOpen is what one is told who waits for calls that an open gate never keeps.
var errOpen = errors.New("the playing has ended and holds no calls")

// watch answers where it is told when the gate keeps n calls, or never will.
func (g *gate) watch(n int) (reached chan error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	reached = make(chan error, 1)
	switch {
	case len(g.waiting) >= n:
		reached <- nil
	case g.open:
		reached <- errOpen
	default:
		if g.watching == nil {
			g.watching = map[chan error]int{}
		}
		g.watching[reached] = n
	}
	return reached
}

// unwatch forgets one who watches.
func (g *gate) unwatch(reached chan error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.watching, reached)
}
