package registry

import (
	"encoding/binary"
	"time"
)

// never is a due time that no clock comes to.
var never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// event is something that happens to the state at a later time, without a call:
// an upload expires, a scan completes.
type event interface {
	// happen changes the state; tx.now is the time of the event. No registry was
	// called, so the event knows its own. What it answers is for the trace.
	happen(tx *Tx) (output any, err error)
}

// schedule makes an event happen at a time; the key withdraws it (unschedule).
func (tx *Tx) schedule(due time.Time, e event) (key string) {
	root := tx.write()
	root.sequence++
	key = eventKey(due, root.sequence)
	root.events.Set(root.generation, key, e)
	return key
}

func (tx *Tx) unschedule(key string) {
	root := tx.write()
	root.events.Delete(root.generation, key)
}

// reschedule moves an event, which may be happening, to another time. There it
// stands as if it had been scheduled when it first was.
func (tx *Tx) reschedule(key string, due time.Time, e event) (moved string) {
	tx.unschedule(key)
	moved = eventKey(due, binary.BigEndian.Uint64([]byte(key[8:])))
	tx.root.events.Set(tx.root.generation, moved, e)
	return moved
}

func eventKey(due time.Time, sequence uint64) string {
	var key [16]byte
	binary.BigEndian.PutUint64(key[:8], uint64(due.UnixMilli()))
	binary.BigEndian.PutUint64(key[8:], sequence)
	return string(key[:])
}

func dueTime(key string) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(key[:8])))).UTC()
}

// settle lets happen what is due, in order of time, and answers up to when. The
// world is locked, but not while rules are asked.
func (w *World) settle() time.Time {
	now := w.clock.now()
	var tx *Tx
	for {
		root := w.root
		if tx != nil {
			root = tx.root
		}
		key, due := w.nextEvent(root)
		if due.After(now) {
			break
		}
		call := w.callOf(root, key)
		if w.mustAsk(key, call) {
			if tx != nil {
				w.publish(tx.root, tx.now)
				tx = nil
			}
			w.ask(key, call)
			now = w.clock.now()
			continue
		}
		if tx == nil {
			tx = &Tx{World: w, root: root.next(), locked: true}
		}
		tx.now = due
		tx.occur(key, call)
	}
	if tx != nil {
		w.publish(tx.root, tx.now)
	}
	return now
}

// Settle lets happen what is due, as each call does before it looks at the state.
func (w *World) Settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
}
