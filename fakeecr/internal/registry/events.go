package registry

import (
	"context"

	"github.com/fakeecr/ecr/fakeecr/internal/engine"
	"github.com/fakeecr/ecr/scenarios"
)

// event is something that happens to the state at a later time, without a call:
// an upload expires, a scan completes.
type event interface {
	// happen changes the state; tx.Now is the time of the event. No registry was
	// called, so the event knows its own. What it answers is for the trace: an error
	// takes nothing back.
	happen(tx *Tx) (output any, err error)
}

// callEvent is an event that is also a call.
type callEvent interface {
	event
	// call is what rules and the trace see of it, nil if there is nothing left to
	// happen.
	call(tx *Tx) *scenarios.Call
	// fail lets it end with a failure.
	fail(tx *Tx, failure error)
}

// eventCall is the call of something that happens in a repository.
func eventCall(place Place, repository, operation string, in any) *scenarios.Call {
	return &scenarios.Call{Operation: operation, Account: place.Account, Region: place.Region, Repository: repository, Input: in}
}

// domain is ECR as its engine sees it.
type domain struct{ *World }

// Begin implements [engine.Domain].
func (d domain) Begin() engine.Transaction {
	tx := d.NewTx(Place{}, "")
	return &tx
}

// Call implements [engine.Domain].
func (domain) Call(tx engine.Transaction, e any) (call *scenarios.Call, seen bool) {
	c, seen := e.(callEvent)
	if !seen {
		return nil, false
	}
	return c.call(tx.(*Tx)), true
}

// Happen implements [engine.Domain].
func (domain) Happen(tx engine.Transaction, e any) (output any, err error) {
	return e.(event).happen(tx.(*Tx))
}

// Fail implements [engine.Domain].
func (domain) Fail(tx engine.Transaction, e any, failure error) {
	e.(callEvent).fail(tx.(*Tx), failure)
}

// Stage is what a world is played on. The world is not locked when it calls Look,
// CallUser or Neighbour.
type Stage interface {
	engine.Stage
	// Look carries out a look at an upstream registry, as rules and the trace see it.
	Look(ctx context.Context, call *scenarios.Call, look func(context.Context) error) error
	// CallUser runs a function of the user's. If it panics the test fails, and the error
	// says so.
	CallUser(what string, f func()) error
	// Neighbour is a registry of the world as the upstream of another, which a
	// principal pulls from, without a trace.
	Neighbour(source Place, caller string) Upstream
}

func (w *World) callUser(what string, f func()) error {
	if w.stage == nil {
		f()
		return nil
	}
	return w.stage.CallUser(what, f)
}
