package main

import (
	"slices"
	"strconv"
	"sync"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// playings are the scenarios in play, by their names, which are never used again.
type playings struct {
	mu    sync.Mutex
	named []named
	last  int
}

type named struct {
	id string
	*fakeecr.Playing
}

// begin stops all that is played and plays scenarios on another registry, which
// swap puts in place.
func (p *playings) begin(registry *fakeecr.Registry, swap func(), played []scenarios.Scenario) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.named
	p.named = nil
	for _, scenario := range played {
		p.add(registry.Play(scenario))
	}
	swap()
	for _, playing := range before {
		playing.Stop()
	}
}

func (p *playings) add(playing *fakeecr.Playing) (id string) {
	p.last++
	id = strconv.Itoa(p.last)
	p.named = append(p.named, named{id, playing})
	return id
}

// play plays a scenario on the registry that is in place.
func (p *playings) play(registry func() *fakeecr.Registry, scenario scenarios.Scenario) (id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.add(registry().Play(scenario))
}

// all are the playings in their order.
func (p *playings) all() []named {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.named)
}

func (p *playings) find(id string) (named, bool) {
	for _, playing := range p.all() {
		if playing.id == id {
			return playing, true
		}
	}
	return named{}, false
}

// end stops the playings that are among some, and answers them; all without any.
func (p *playings) end(ids ...string) (stopped []named) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var kept []named
	for _, playing := range p.named {
		if len(ids) > 0 && !slices.Contains(ids, playing.id) {
			kept = append(kept, playing)
			continue
		}
		playing.Stop()
		stopped = append(stopped, playing)
	}
	p.named = kept
	return stopped
}
