package fakeecr

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/report"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// instance is what the registries that New made, or a fork, share: their world on its
// stage, and the test that they are for.
type instance struct {
	t     TB
	setup setup
	stage *stage.Stage
	// authority signs the certificates of the world's listeners.
	authority func() (*entrance.Authority, error)
	// first is the registry that the world was made with.
	first *Registry
	// forked is set once the world is the source of another, and needs no calls itself.
	forked atomic.Bool
	// misused is set once a mistake in how the fake is used has ended the test.
	misused atomic.Bool
	// reasons are those for which the fake has failed the test.
	reasonsMu sync.Mutex
	reasons   []string
	// proxied is what its proxy was asked for.
	proxied proxyLog
}

// instanceOf is the instance of a registry, which holds it as an any. The compiler compiles
// in a package of a user's, again, the methods of generic types that the fields, the
// methods and the inlined functions of what it imports lead to. From the public types
// none leads to the state: whatever needs it asks here, and neither this nor what
// would be inlined with it is.
//
//go:noinline
func instanceOf(r *Registry) *instance { return r.instance.(*instance) }

func newInstance(t TB, world *registry.World, s setup) *instance {
	if t != nil {
		t.Helper()
	}
	i := &instance{t: t, setup: s}
	i.stage = stage.New(world, stage.Config{Seed: s.seed, FullTrace: s.fullTrace, Report: i.reporter()})
	i.authority = sync.OnceValues(func() (*entrance.Authority, error) { return entrance.NewAuthority(s.region) })
	if t != nil {
		t.Cleanup(i.end)
		// The context of a test ends before its first clean-up, which may wait for
		// a call that a rule keeps.
		if test, ok := t.(interface{ Context() context.Context }); ok {
			context.AfterFunc(test.Context(), i.stage.LetGo)
		}
	}
	return i
}

func (i *instance) reporter() func(string) {
	if i.t == nil {
		return nil
	}
	return func(mistake string) {
		if test, ok := i.t.(interface{ Skipped() bool }); !ok || !test.Skipped() {
			i.fail(mistake)
		}
	}
}

// fail fails the test for a reason, which its report repeats.
func (i *instance) fail(reason string) {
	i.t.Helper()
	i.noteReason(reason)
	i.t.Errorf("fakeecr: %s", reason)
}

func (i *instance) noteReason(reason string) {
	i.reasonsMu.Lock()
	defer i.reasonsMu.Unlock()
	i.reasons = append(i.reasons, reason)
}

// begin is the first registry of the world, told what was declared and with its
// scenarios in play.
func (i *instance) begin(place registry.Place, played []scenarios.Scenario) *Registry {
	if i.t != nil {
		i.t.Helper()
	}
	r := &Registry{instance: i, caller: stage.Own(place)}
	i.first = r
	for _, tell := range i.setup.declared {
		tell(r)
	}
	for _, scenario := range played {
		r.Play(scenario)
	}
	return r
}

func (i *instance) must(err error) {
	if i.t != nil {
		i.t.Helper()
	}
	if err != nil {
		i.misused.Store(true)
		i.noteReason(err.Error())
	}
	must(i.t, err)
}

// loggedCalls is how much of the trace the log of a failed test ends with.
const loggedCalls = 100

// end lets go of waiting calls, reports rules that never fired and, if the test
// has failed, tells what was called.
func (i *instance) end() {
	i.t.Helper()
	i.stage.LetGo()
	i.stage.World.Settle() // what is due has met its rules
	played := i.stage.Played()
	for _, p := range played {
		i.stop(p)
	}
	if !i.t.Failed() {
		return
	}
	defer i.leaveReport(played)
	trace := i.stage.Trace()
	last := trace[max(0, len(trace)-loggedCalls):]
	switch {
	case len(trace) == 0 && (i.misused.Load() || i.forked.Load()):
		return // the mistake says it all, or the calls are those of a fork
	case len(trace) == 0:
		i.t.Logf("fakeecr: seed %d, no calls: the code never reached the fake%s", i.setup.seed, i.proxied.text(false))
		return
	}
	i.t.Logf("fakeecr: seed %d, the last %d of %d calls:\n%s%s", i.setup.seed, len(last), report.Made(trace), last, i.proxied.text(true))
}

// stop ends a scenario in play and reports its rules that never fired.
func (i *instance) stop(p *stage.PlayedScenario) {
	if !p.Stop() || i.t == nil {
		return
	}
	i.t.Helper()
	for _, rule := range silent(p) {
		var near strings.Builder
		for _, call := range rule.Near {
			near.WriteString("\n    " + call.String())
		}
		i.fail(fmt.Sprintf("%v (Optional allows it to stay silent)%s", rule, &near))
	}
}
