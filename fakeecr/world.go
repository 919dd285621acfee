package fakeecr

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// world is what the registries of one world share. Every call, whichever way it
// comes in, passes through calls or downloads.
type world struct {
	t        TB
	settings settings
	state    *registry.World
	recorder recorder
	// origin begins download URLs where the world has a server, else "".
	origin string

	calls, fixtures, imports, downloads dispatch.Handler

	mu       sync.Mutex
	playings []*Playing
}

func newWorld(t TB, state *registry.World, s settings) *world {
	w := &world{t: t, settings: s, state: state, recorder: recorder{full: s.fullTrace}}
	w.calls = dispatch.Chain(w.record, w.pace, w.play, w.authorize, constrain)
	w.fixtures = dispatch.Chain(constrain)
	w.imports = dispatch.Chain(w.authorize, constrain)
	w.downloads = dispatch.Chain(w.record, w.play)
	for _, tell := range s.declared {
		tell(state)
	}
	state.Neighbour = func(source registry.Key, caller string) registry.Upstream {
		key := registry.Key{Account: policy.AccountOf(caller), Region: source.Region}
		return upstream{&Registry{world: w, key: key, caller: caller, through: w.imports}, &source.Account}
	}
	if t != nil {
		t.Cleanup(w.end)
	}
	return w
}

// begin is the first registry of the world, with its scenarios in play.
func (w *world) begin(key registry.Key, played []scenarios.Scenario) *Registry {
	r := &Registry{world: w, key: key}
	for _, scenario := range played {
		r.Play(scenario)
	}
	return r
}

func (w *world) must(err error) {
	if w.t != nil {
		w.t.Helper()
	}
	must(w.t, err)
}

// loggedCalls is how much of the trace the log of a failed test ends with.
const loggedCalls = 100

// end reports rules that never fired, lets go of waiting calls and, if the test
// has failed, tells what was called.
func (w *world) end() {
	w.t.Helper()
	w.mu.Lock()
	playings := slices.Clone(w.playings)
	w.mu.Unlock()
	for _, p := range playings {
		p.Stop()
	}
	if w.t.Failed() {
		trace := w.recorder.trace()
		last := trace[max(0, len(trace)-loggedCalls):]
		w.t.Logf("fakeecr: seed %d, the last %d of %d calls:\n%s", w.settings.seed, len(last), len(trace), last)
	}
}

// constrain answers what could not be decoded, then the service model's
// constraints.
func constrain(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		if call.Unreadable != nil {
			return nil, call.Unreadable
		}
		if err := constraint.Check(call.Input); err != nil {
			return nil, err
		}
		return next(ctx, call)
	}
}

// newCall is a call of an operation on the registry of a key, by the principal
// with an ARN or else by the one that every account has.
func (w *world) newCall(name string, key registry.Key, caller string) *dispatch.Call {
	call := &dispatch.Call{Name: name}
	call.Tx.World, call.Tx.Key, call.Tx.Caller = w.state, key, caller
	if caller == "" {
		call.Tx.Caller = "arn:aws:iam::" + key.Account + ":user/fakeecr"
	}
	call.Record = scenarios.Call{
		Operation: name,
		Account:   key.Account,
		Region:    key.Region,
		RequestID: w.state.NewRequestID(),
	}
	return call
}

// operation makes the call run an operation of the table.
func operation(call *dispatch.Call, op *dispatch.Operation) {
	call.Run = op.Run
	target, repository := op.Target(call.Input, call.Tx.Key)
	call.Record.Account, call.Record.Repository = target.Account, repository
}

// ended tells whether a call ended without an answer: its reply was lost, or
// nobody waits for it any more.
func ended(ctx context.Context, err error) bool {
	return errors.Is(err, scenarios.ErrReplyLost) || err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err())
}
