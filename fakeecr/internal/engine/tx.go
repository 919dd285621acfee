package engine

import (
	"time"

	"github.com/fakeecr/ecr/scenarios"
)

// Tx is a transaction: it reads a state as of one moment, and if it changes anything
// it makes the next one, which is published when it succeeds and forgotten when it
// fails. A domain's own transaction has one in it.
type Tx struct {
	// View is the earlier state that a read sees, or none.
	View View

	engine *Engine
	now    time.Time
	state  State
	// runs tells that it may change the state, locked that it does.
	runs, locked bool
	kept         bool
}

// Transaction is a domain's, a pointer to a struct that has a [Tx] in it.
type Transaction interface{ base() *Tx }

func (tx *Tx) base() *Tx { return tx }

// Begin is a transaction that was not opened yet.
func (e *Engine) Begin() Tx { return Tx{engine: e} }

// Run carries out one call as a transaction. What it changed is published if it
// answered no error, else forgotten.
func Run[Out any](tx *Tx, call func() (Out, error)) (out Out, err error) {
	committed := false
	tx.runs = true
	defer func() { tx.end(committed) }()
	out, err = call()
	committed = err == nil || tx.kept
	return out, err
}

func (tx *Tx) end(committed bool) {
	tx.runs = false
	if tx.locked {
		if committed {
			tx.engine.publish(tx.state, tx.now)
		}
		tx.locked = false
		tx.engine.mu.Unlock()
	}
}

// Read opens the transaction for reading, if it is not open. Nothing that happens
// later is seen.
func (tx *Tx) Read() State {
	if tx.state == nil {
		tx.engine.mu.Lock()
		defer tx.engine.mu.Unlock()
		tx.now = tx.engine.settle()
		tx.state = tx.engine.state
		if tx.View.state != nil {
			tx.state = tx.View.state
		}
	}
	return tx.state
}

// Write opens the transaction for changes, which only one that runs makes: until it
// ends no other changes the state. What was read before may be out of date.
func (tx *Tx) Write() State {
	switch {
	case tx.locked:
	case !tx.runs:
		panic("engine: a change outside of Run")
	default:
		tx.engine.mu.Lock()
		tx.locked = true
		tx.now = tx.engine.settle()
		tx.state = next(tx.engine.state)
	}
	return tx.state
}

// Attempt makes changes that are taken back if they fail, and those before them are
// kept. Records that were read before may be out of date after it.
func (tx *Tx) Attempt(change func() error) error {
	before := tx.Write()
	tx.state = next(before)
	err := change()
	if err != nil {
		tx.state = before
	}
	return err
}

// CommitRefusal has what the call changed published although it answers an error.
func (tx *Tx) CommitRefusal() { tx.kept = true }

// Now is the time as of which an open transaction sees the state; of an event, when
// it is due.
func (tx *Tx) Now() time.Time { return tx.now }

// NewID is the next id, a UUID.
func (tx *Tx) NewID() string { return tx.engine.NewID() }

// Tell puts something that happened in the trace.
func (tx *Tx) Tell(call *scenarios.Call) {
	if tx.engine.stage != nil {
		tx.engine.stage.Tell(call)
	}
}
