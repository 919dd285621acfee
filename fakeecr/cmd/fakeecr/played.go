package main

import (
	"slices"
	"strconv"
	"sync"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// playedScenarios are those in play, by their names, which are never used again.
type playedScenarios struct {
	mu     sync.Mutex
	inPlay []playedScenario
	last   int
}

type playedScenario struct {
	id string
	*fakeecr.Playing
}

// begin stops all that is played and plays scenarios on another registry, which
// swap puts in place.
func (p *playedScenarios) begin(registry *fakeecr.Registry, swap func(), begun []scenarios.Scenario) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.inPlay
	p.inPlay = nil
	for _, scenario := range begun {
		p.add(registry.Play(scenario))
	}
	swap()
	for _, played := range before {
		played.Stop()
	}
}

func (p *playedScenarios) add(playing *fakeecr.Playing) (id string) {
	p.last++
	id = strconv.Itoa(p.last)
	p.inPlay = append(p.inPlay, playedScenario{id, playing})
	return id
}

// play plays a scenario on the registry that is in place.
func (p *playedScenarios) play(registry func() *fakeecr.Registry, scenario scenarios.Scenario) (id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.add(registry().Play(scenario))
}

// all are the scenarios in play, in their order.
func (p *playedScenarios) all() []playedScenario {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.inPlay)
}

func (p *playedScenarios) find(id string) (playedScenario, bool) {
	for _, played := range p.all() {
		if played.id == id {
			return played, true
		}
	}
	return playedScenario{}, false
}

// end stops the scenarios that are among some, and answers them; all without any.
func (p *playedScenarios) end(ids ...string) (stopped []playedScenario) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var kept []playedScenario
	for _, played := range p.inPlay {
		if len(ids) > 0 && !slices.Contains(ids, played.id) {
			kept = append(kept, played)
			continue
		}
		played.Stop()
		stopped = append(stopped, played)
	}
	p.inPlay = kept
	return stopped
}
