package fakeecr

import (
	"context"

	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// Inspect is the world as it is now: this registry first, then those of other
// accounts and regions that something was ever put in. They are copies, made in no
// time, for a test or a page that looks at what is there: rules do not meet what
// they are asked, the trace does not show it, policies do not refuse it, and nothing
// happens in them, not even what falls due.
func (r *Registry) Inspect() []*Registry {
	still := instanceOf(r).stage.World.Still()
	i := &instance{t: instanceOf(r).t, setup: instanceOf(r).setup, authority: instanceOf(r).authority, stage: stage.New(still, stage.Config{Seed: instanceOf(r).setup.seed})}
	registries := []*Registry{{instance: i, caller: stage.Own(r.caller.Place), seeds: true}}
	for _, place := range still.Places() {
		if place != r.caller.Place {
			registries = append(registries, &Registry{instance: i, caller: stage.Own(place), seeds: true})
		}
	}
	return registries
}

// TraceAfter is the calls whose numbers are above one, oldest first, as soon as
// there are any: who has seen call 7 waits for what follows with TraceAfter(ctx, 7),
// without sleeping. The error is the context's. Of what the world does by itself it
// has what was due when it was called, or was noticed by a call since.
func (r *Registry) TraceAfter(ctx context.Context, number int) (scenarios.Trace, error) {
	return instanceOf(r).stage.TraceAfter(ctx, number)
}
