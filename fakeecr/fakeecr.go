// Package fakeecr is Amazon ECR inside a Go test: in process, in memory, with
// ECR's own errors.
//
//	registry := fakeecr.New(t)
//	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<20))
//	err := release.Publish(ctx, registry, "team/app") // the code under test
//
// # Ways to call
//
// A [Registry] is passed where an *ecr.Client would be: it has all of its
// methods. [Registry.Client] is the SDK's client over a registry without a
// socket, and [Registry.Transport] leads any HTTP client there by ECR's own host
// names. [NewServer] serves the same state over HTTP to any AWS SDK or CLI
// ([Server.Setenv], [Server.Env]), and at /v2/ to what pushes and pulls images;
// [WithProxy] leads programs there that know ECR by its own names alone.
// The command fakeecr/cmd/fakeecr is such a server for programs in other
// languages.
//
// # The world
//
// A registry is that of one account in one region. [Registry.In],
// [Registry.Account] and [Registry.As] are its neighbours, and itself for another
// caller, in one world with one clock. Time passes by [Registry.Advance], or by
// itself; what is due then happens: scans complete, lifecycle policies run, images
// arrive in other regions. [Registry.Fork] copies a world at no cost.
//
// What is outside ECR, a test says: images ([Registry.MustPush]), what scans find
// ([Registry.SetScanFindings], [WithScanner]), upstreams of a pull-through cache
// ([WithUpstream]), keys and secrets ([WithKMSKey], [WithSecret]), limits
// ([WithQuota]).
//
// # What goes wrong, and what happened
//
// Faults are said with package scenarios and played by [WithScenario] or
// [Registry.Play]. Package explore tries every fault at every call by itself.
// [Registry.Trace] is what was called, [Registry.Inspect] what the registries hold, and
// [Registry.Snapshot] the same as data, to be compared. The log of a failed test ends
// with the trace and the seed; under go test -artifacts it is left as a page, too. How close all of it is to ECR,
// operation by operation, is said in FIDELITY.md beside the code.
package fakeecr

//go:generate go run ./internal/generate api_gen.go

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/direct"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// TB is what a registry needs of a test. *testing.T, *testing.B and *testing.F
// satisfy it.
type TB interface {
	Helper()
	Cleanup(func())
	Failed() bool
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Registry is the ECR of one account in one region, with its neighbours in
// reach: [Registry.In] and [Registry.Account]. Its methods may be called from
// many goroutines.
//
// The 62 operations are methods with the signatures of *ecr.Client. A direct
// call is one attempt, equal to the SDK's client with aws.NopRetryer{}: retries
// belong to the client, so a throttled direct call fails and a throttled call of
// [Registry.Client] is tried again. A call's options are those of [API]: Region
// selects the neighbour, Credentials are retrieved and name the caller.
type Registry struct {
	// instance is an *instance; see instanceOf.
	instance any
	caller   stage.Caller
	// seeds tells that direct calls are those of a fixture, which rules and the
	// trace do not see.
	seeds bool
}

// invoke is a direct call.
func invoke[Out, In any](ctx context.Context, r *Registry, name string, method func(*ecr.Client, context.Context, *In, ...func(*ecr.Options)) (*Out, error), in *In, optFns []func(*ecr.Options)) (*Out, error) {
	if len(optFns) > 0 && !ofPaginator(optFns) {
		client, stay := r.inPlace()
		return method(client, ctx, in, append(slices.Clip(optFns), stay)...)
	}
	if in == nil {
		in = new(In)
	}
	out, err := call(ctx, r, name, in)
	if err != nil {
		return nil, err
	}
	return out.(*Out), nil
}

func call(ctx context.Context, r *Registry, name string, in any) (any, error) {
	return direct.Call{Stage: instanceOf(r).stage, Caller: r.caller, Seeds: r.seeds}.Do(ctx, name, in)
}

// New makes an empty registry for a test. It starts nothing, so it needs no
// Close, and it works inside testing/synctest, where waiting takes no time. Calls
// take none either, but for the polls of the SDK's waiters, a millisecond each:
// a waiter that runs out of time would otherwise poll for ever there.
//
// When the test fails, its log ends with the trace and the seed; with go test
// -artifacts it leaves them, and what the world holds, as a page. The test fails
// when a rule of a scenario never fired, unless the rule is optional. Without a
// test (examples, main) t is nil, and a mistake in the options panics.
func New(t TB, options ...Option) *Registry {
	t = orNil(t)
	if t != nil {
		t.Helper()
	}
	s := newSetup(t, options)
	i := newInstance(t, registry.NewWorld(s.seed, s.config), s)
	return i.begin(registry.Place{Account: s.account, Region: s.region}, s.scenarios)
}

// orNil turns a typed nil, as a nil *testing.T in a TB, into nil.
func orNil(t TB) TB {
	if v := reflect.ValueOf(t); t == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	return t
}

// In is the registry of the same account in another region of the same world,
// called by the same principal.
func (r *Registry) In(region string) *Registry {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	instanceOf(r).must(checkRegion(region))
	neighbour := *r
	neighbour.caller = r.caller.At(registry.Place{Account: r.caller.Account, Region: region})
	return &neighbour
}

// Account is the registry of another account, by its 12 digits, in the same
// region of the same world, called by that account's own principal.
func (r *Registry) Account(id string) *Registry {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	instanceOf(r).must(checkAccount(id))
	return &Registry{instance: instanceOf(r), caller: r.caller.As(stage.Own(registry.Place{Account: id, Region: r.caller.Region})), seeds: r.seeds}
}

// Actor is the same registry, called by the same principal, whose calls carry a name:
// in the trace, for the condition scenarios.Actor, and for a function of [Registry.Watch].
// So a test tells apart what several do at once. Over a socket [Registry.Serve] of it
// carries the name.
func (r *Registry) Actor(name string) *Registry {
	actor := *r
	actor.caller.Actor = name
	return &actor
}

// Watch shows each call to a function before any rule meets it, until stop is called:
// what [scenarios.Rule.Ask] does, but ahead of all rules, counted by none and without a
// word in the trace. The call's context comes with it. An error refuses the call as one
// of [scenarios.Rule.Fail] does. The function may call the registry, may wait, and runs
// in the goroutine of a direct call, or of one of [Registry.Client], itself. It sees
// what callers ask, and not what the world does by itself. A fork is not watched.
func (r *Registry) Watch(f func(ctx context.Context, call *scenarios.Call) error) (stop func()) {
	return instanceOf(r).stage.Watch(f)
}

// unobserved is the registry for a test's fixtures.
func (r *Registry) unobserved() *Registry {
	return &Registry{instance: instanceOf(r), caller: stage.Own(r.caller.Place), seeds: true}
}

// AccountID is the account that the registry belongs to.
func (r *Registry) AccountID() string { return r.caller.Account }

// Region is the region that the registry is in.
func (r *Registry) Region() string { return r.caller.Region }

// Fork is an independent copy of the registry's world as it is now, in constant
// time, for a test of its own: a hundred parallel subtests share one seeded
// fixture and cannot see each other. The copy has an empty trace and no
// scenario but those in its options; account, region and seed stay as they are.
// Its time goes on from the original's at the moment of the fork. In a synctest
// bubble, whose time begins in the year 2000, the time of an original from outside
// stands still, and that of the fork passes with the bubble's:
//
//	time.Sleep(time.Until(fixture.Now())) // takes no time in a bubble
//	registry := fixture.Fork(t)           // registry.Now() is time.Now() from here on
//
// What a rule of the original still delays or holds, such as a scan that does not
// complete, has happened in the copy when it was due.
func (r *Registry) Fork(t TB, options ...Option) *Registry {
	t = orNil(t)
	if t != nil {
		t.Helper()
	}
	s := instanceOf(r).setup
	s.scenarios, s.declared = nil, nil
	s.apply(t, options)
	instanceOf(r).forked.Store(true)
	i := newInstance(t, instanceOf(r).stage.World.Fork(s.config), s)
	fork := i.begin(r.caller.Place, s.scenarios)
	fork.caller = r.caller
	return fork
}

// Now is the time on the world's clock: the machine's plus what was advanced. A
// world from outside of a synctest bubble has the bubble's time pass from its first
// call there on.
func (r *Registry) Now() time.Time { return instanceOf(r).stage.World.Peek() }

// Advance moves the world's clock forward by d: what falls due has happened when
// it returns, and calls that a rule delays go on. It moves the clock of this world
// and not the machine's: time.Now in the code under test stays where it is. In
// testing/synctest, time.Sleep moves both.
//
// A negative d ends the test, because the clock never runs backwards. So does one
// that leads beyond the year 2261: the SDK's clients hold times in nanoseconds
// since 1970, which end in 2262.
func (r *Registry) Advance(d time.Duration) {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	instanceOf(r).must(instanceOf(r).stage.World.Advance(d))
}

// RunLifecycle runs the lifecycle policy of a repository at once. The world's
// clock runs it too: 24 hours after it was put, and every 24 hours from then on.
// An image exactly N days old is not yet older than N days. As in ECR, an image
// of an index and an artifact about a subject go in a run after the one that
// takes the index or the subject.
//
// The error is a *types.RepositoryNotFoundException, or a
// *types.LifecyclePolicyNotFoundException for a repository without a policy.
// Rules do not see the run; the trace shows it, as it does daily ones, as a call of
// scenarios.RunLifecyclePolicy.
func (r *Registry) RunLifecycle(repository string) error {
	return instanceOf(r).stage.World.RunLifecycle(r.caller.Place, repository)
}

// Trace is the calls that the world has answered, whichever way they came in, and
// what it did by itself (scenarios.World): the last 10,000, or all with
// [WithFullTrace].
func (r *Registry) Trace() scenarios.Trace { return instanceOf(r).stage.Trace() }

// Calls is the calls of one operation in the [Registry.Trace], or of a group of them
// such as scenarios.Writes. The name of an operation that ECR does not have ends the
// test.
func (r *Registry) Calls(operation string) scenarios.Trace {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	if scenarios.Operations(operation) == nil {
		instanceOf(r).must(fmt.Errorf("ECR has no operation %q", operation))
	}
	return r.Trace().For(operation)
}

// Count is how many calls of an operation, or of a group of them, there were, refused
// ones included, as far back as the trace goes; see [Registry.Calls].
func (r *Registry) Count(operation string) int {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	return len(r.Calls(operation))
}

// Seed is the seed that ids and tokens follow from; see [WithSeed].
//
//go:noinline
func (r *Registry) Seed() uint64 { return instanceOf(r).setup.seed }

// Wait returns when d has passed on the world's clock, because time passed or
// because the clock was advanced, or with the context's error.
func (r *Registry) Wait(ctx context.Context, d time.Duration) error {
	return instanceOf(r).stage.World.Wait(ctx, d, nil)
}
