package engine

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/fakeecr/ecr/scenarios"
)

// Never is a due time that no clock comes to.
var Never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Schedule makes an event happen at a time; the key withdraws it (Unschedule).
func (tx *Tx) Schedule(due time.Time, event any) (key string) {
	key = tx.KeyAt(due)
	tx.set(key, event)
	return key
}

// Unschedule withdraws an event.
func (tx *Tx) Unschedule(key string) {
	root := tx.Write().root()
	root.events.Delete(root.generation, key)
}

// Reschedule moves an event, which may be happening, to another time. There it
// stands as if it had been scheduled when it first was.
func (tx *Tx) Reschedule(key string, due time.Time, event any) (moved string) {
	tx.Unschedule(key)
	moved = keyOf(due, binary.BigEndian.Uint64([]byte(key[8:])))
	tx.set(moved, event)
	return moved
}

// Asked tells that a rule was asked about an event, which is yet to happen.
func (tx *Tx) Asked(key string) bool { return tx.engine.asked[key] != nil }

func (tx *Tx) set(key string, event any) {
	root := tx.Write().root()
	root.events.Set(root.generation, key, event)
}

// KeyAt is a key for a time that no other has. Keys are in the order of times.
func (tx *Tx) KeyAt(t time.Time) string { return keyOf(t, tx.Number()) }

// Number is a number that no other has.
func (tx *Tx) Number() uint64 {
	root := tx.Write().root()
	root.sequence++
	return root.sequence
}

// LastKey is above all keys for a time.
func LastKey(t time.Time) string { return keyOf(t, math.MaxUint64) }

func keyOf(t time.Time, sequence uint64) string {
	var key [16]byte
	binary.BigEndian.PutUint64(key[:8], uint64(t.UnixMilli()))
	binary.BigEndian.PutUint64(key[8:], sequence)
	return string(key[:])
}

// Due is the time that a key is for.
func Due(key string) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(key[:8])))).UTC()
}

// settle lets happen what is due, in order of time, and answers up to when. The
// engine is locked, but not while rules are asked.
func (e *Engine) settle() time.Time {
	now := e.clock.now()
	var open Transaction
	for {
		state := e.state
		if open != nil {
			state = open.base().state
		}
		key, due := e.nextEvent(state.root())
		if due.After(now) {
			break
		}
		next := e.dueEvent(state, key)
		ask := e.mustAsk(next)
		between := len(e.histories) > 0 && open != nil && due.After(open.base().now)
		if open != nil && (ask || between) {
			e.publish(open.base().state, open.base().now)
			open = nil
		}
		if ask {
			e.ask(next)
			now = e.clock.now()
			continue
		}
		if open == nil {
			open = e.open()
		}
		open.base().now = due
		e.occur(open, next)
	}
	if open != nil {
		e.publish(open.base().state, open.base().now)
	}
	return now
}

// open is a transaction in which events happen.
func (e *Engine) open() Transaction {
	tx := e.domain.Begin()
	*tx.base() = Tx{engine: e, state: next(e.state), locked: true}
	return tx
}

// dueEvent is an event that is due.
type dueEvent struct {
	key   string
	event any
	// call is that of the event, nil for one that is none (then seen is false) or
	// that has nothing left to happen.
	call *scenarios.Call
	seen bool
}

func (e *Engine) dueEvent(state State, key string) dueEvent {
	d := dueEvent{key: key}
	d.event, _ = state.root().events.Get(key)
	tx := e.domain.Begin()
	*tx.base() = Tx{engine: e, state: state}
	if d.call, d.seen = e.domain.Call(tx, d.event); d.call != nil {
		d.call.Time = Due(key)
	}
	return d
}

// occur lets an event happen at the transaction's time, or fail where rules want
// that.
func (e *Engine) occur(tx Transaction, d dueEvent) {
	asked := e.forget(d.key)
	tx.base().Unschedule(d.key)
	switch {
	case !d.seen:
		_, _ = e.domain.Happen(tx, d.event)
		return
	case d.call == nil:
		return
	case asked != nil:
		d.call.Err, d.call.Rules = asked.failure, asked.rules
	}
	if d.call.Err != nil {
		e.domain.Fail(tx, d.event, d.call.Err)
	} else {
		d.call.Output, d.call.Err = e.domain.Happen(tx, d.event)
	}
	tx.base().Tell(d.call)
	if asked != nil && asked.told != nil {
		asked.told(d.call)
	}
}
