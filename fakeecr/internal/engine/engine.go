package engine

import (
	"context"
	"sync"
	"time"

	"github.com/fakeecr/ecr/scenarios"
)

// Engine runs one domain: it has its state, its clock and its source of ids. It
// starts no goroutine.
type Engine struct {
	mu     sync.Mutex
	domain Domain
	// state is the published one.
	state State
	clock clock
	ids   ids
	// stage is what the domain is played on, nil for none.
	stage Stage
	// asked are the events that rules were asked about, by their keys. They are
	// no part of the state: in a fork, which has no rules yet, they happen.
	asked map[string]*AskedEvent
	// histories are those that remember now.
	histories []*History
	// watching are told of the next change.
	watching map[chan struct{}]struct{}
}

// Domain is what a state is about: it makes the transactions and knows its events.
type Domain interface {
	// Begin is a transaction of the domain's.
	Begin() Transaction
	// Call is what rules and the trace see of an event, nil if there is nothing left
	// to happen. It is not seen if the event is none that is a call.
	Call(tx Transaction, event any) (call *scenarios.Call, seen bool)
	// Happen lets an event change the state at the transaction's time. What it
	// answers is for the trace: an error takes nothing back.
	Happen(tx Transaction, event any) (output any, err error)
	// Fail lets an event end with a failure instead.
	Fail(tx Transaction, event any, failure error)
}

// Stage knows the rules and keeps the trace. The engine is not locked when it calls
// Ask.
type Stage interface {
	// Concerns tells whether a rule in play is about an operation.
	Concerns(operation string) bool
	// Ask asks the rules about something that is due. They may postpone it; the error
	// is what it fails with, when it comes to that, and told is called with what is in
	// the trace then, unless it is nil.
	Ask(call *scenarios.Call, event *AskedEvent) (told func(*scenarios.Call), failure error)
	// Tell puts something that happened in the trace.
	Tell(call *scenarios.Call)
}

// New is an engine for a domain in its first state. Its ids follow from the seed.
func New(domain Domain, first State, seed uint64) *Engine {
	e := &Engine{domain: domain, state: first}
	e.clock.now() // from here on it is a time outside of bubbles, or inside one
	e.ids.seed(seed)
	return e
}

// Fork is an independent engine for another domain that goes on from this one's
// state, time and ids as they are now. It takes constant time.
func (e *Engine) Fork(domain Domain) *Engine {
	e.mu.Lock()
	defer e.mu.Unlock()
	fork := &Engine{domain: domain, state: e.state}
	e.clock.fork(&fork.clock)
	e.ids.fork(&fork.ids)
	return fork
}

// Still is a Fork in which nothing happens by itself: what was held or not yet due
// stays so.
func (e *Engine) Still(domain Domain) *Engine {
	e.Settle()
	still := e.Fork(domain)
	still.state = next(still.state)
	still.state.root().events = events{}
	return still
}

// PlayOn sets the stage, before the first call.
func (e *Engine) PlayOn(stage Stage) { e.stage = stage }

// NewID is the next id, a UUID.
func (e *Engine) NewID() string { return e.ids.uuid() }

// Now is the time on the clock.
func (e *Engine) Now() time.Time { return e.clock.now() }

// Peek is Now for those whom the clock does not notice: inside a synctest bubble, a
// world that nothing was asked of there yet shows the time that it had outside.
func (e *Engine) Peek() time.Time { return e.clock.peek() }

// Advance moves the clock by d and lets happen what falls due. The error is that of
// a d which is negative or leads beyond the year 2261; then the clock stays as it
// is.
func (e *Engine) Advance(d time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.clock.advance(d); err != nil {
		return err
	}
	e.settle()
	return nil
}

// Wait returns once the clock has moved on by d, because time passed or because it
// was advanced, or when released is closed; or with the context's error.
func (e *Engine) Wait(ctx context.Context, d time.Duration, released <-chan struct{}) error {
	return e.WaitUntil(ctx, e.Now().Add(d), released)
}

// WaitUntil is Wait for a time of the clock.
func (e *Engine) WaitUntil(ctx context.Context, until time.Time, released <-chan struct{}) error {
	return e.clock.wait(ctx, until, released)
}

// Settle lets happen what is due, as each transaction does before it looks at the
// state.
func (e *Engine) Settle() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle()
}
