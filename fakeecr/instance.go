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
}

// instanceOf is the instance of a registry, which holds it as an any. The compiler compiles
// in a package of a user's, again, the methods of generic types that the fields, the
// methods and the inlined functions of what it imports lead to. From the public types
// none leads to the state: whatever needs it asks here, and neither this nor what
// would be inlined with it is.
//
//go:noinline
func instanceOf(r *Registry) *instance { return r.instance.(*instance) }

func newInstance(t TB, state *registry.World, s setup) *instance {
	if t != nil {
		t.Helper()
	}
	w := &instance{t: t, setup: s}
	w.stage = stage.New(state, stage.Config{Seed: s.seed, FullTrace: s.fullTrace, Report: w.reporter()})
	w.authority = sync.OnceValues(func() (*entrance.Authority, error) { return entrance.NewAuthority(s.region) })
	if t != nil {
		t.Cleanup(w.end)
		// The context of a test ends before its first clean-up, which may wait for
		// a call that a rule keeps.
		if test, ok := t.(interface{ Context() context.Context }); ok {
			context.AfterFunc(test.Context(), w.stage.LetGo)
		}
	}
	return w
}

func (w *instance) reporter() func(string) {
	if w.t == nil {
		return nil
	}
	return func(mistake string) {
		if test, ok := w.t.(interface{ Skipped() bool }); !ok || !test.Skipped() {
			w.fail(mistake)
		}
	}
}

// fail fails the test for a reason, which its report repeats.
func (w *instance) fail(reason string) {
	w.t.Helper()
	w.noteReason(reason)
	w.t.Errorf("fakeecr: %s", reason)
}

func (w *instance) noteReason(reason string) {
	w.reasonsMu.Lock()
	defer w.reasonsMu.Unlock()
	w.reasons = append(w.reasons, reason)
}

// begin is the first registry of the world, told what was declared and with its
// scenarios in play.
func (w *instance) begin(place registry.Place, played []scenarios.Scenario) *Registry {
	if w.t != nil {
		w.t.Helper()
	}
	r := &Registry{instance: w, caller: stage.Own(place)}
	w.first = r
	for _, tell := range w.setup.declared {
		tell(r)
	}
	for _, scenario := range played {
		r.Play(scenario)
	}
	return r
}

func (w *instance) must(err error) {
	if w.t != nil {
		w.t.Helper()
	}
	if err != nil {
		w.misused.Store(true)
		w.noteReason(err.Error())
	}
	must(w.t, err)
}

// loggedCalls is how much of the trace the log of a failed test ends with.
const loggedCalls = 100

// end lets go of waiting calls, reports rules that never fired and, if the test
// has failed, tells what was called.
func (w *instance) end() {
	w.t.Helper()
	w.stage.LetGo()
	w.stage.World.Settle() // what is due has met its rules
	played := w.stage.Played()
	for _, p := range played {
		w.stop(p)
	}
	if !w.t.Failed() {
		return
	}
	defer w.leaveReport(played)
	trace := w.stage.Trace()
	last := trace[max(0, len(trace)-loggedCalls):]
	switch {
	case len(trace) == 0 && (w.misused.Load() || w.forked.Load()):
		return // the mistake says it all, or the calls are those of a fork
	case len(trace) == 0:
		w.t.Logf("fakeecr: seed %d, no calls: the code never reached the fake", w.setup.seed)
		return
	}
	w.t.Logf("fakeecr: seed %d, the last %d of %d calls:\n%s", w.setup.seed, len(last), report.Made(trace), last)
}

// stop ends a playing and reports its rules that never fired.
func (w *instance) stop(p *stage.PlayedScenario) {
	if !p.Stop() || w.t == nil {
		return
	}
	w.t.Helper()
	for _, rule := range silent(p) {
		var near strings.Builder
		for _, call := range rule.Near {
			near.WriteString("\n    " + call.String())
		}
		w.fail(fmt.Sprintf("%v (Optional allows it to stay silent)%s", rule, &near))
	}
}
