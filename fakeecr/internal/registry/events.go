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
	// happen changes the state; tx.now is the time that the event was due. No
	// registry was called, so the event knows its own.
	happen(tx *Tx)
}

// schedule makes an event happen at a time; the key withdraws it (unschedule).
func (tx *Tx) schedule(due time.Time, e event) (key string) {
	root := tx.write()
	root.sequence++
	key = eventKey(due, root.sequence)
	root.events.set(root.generation, key, e)
	return key
}

func (tx *Tx) unschedule(key string) {
	root := tx.write()
	root.events.delete(root.generation, key)
}

// reschedule moves an event, which may be happening, to another time. There it
// stands as if it had been scheduled when it first was.
func (tx *Tx) reschedule(key string, due time.Time, e event) (moved string) {
	tx.unschedule(key)
	moved = eventKey(due, binary.BigEndian.Uint64([]byte(key[8:])))
	tx.root.events.set(tx.root.generation, moved, e)
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

// settle lets happen what is due, in order of time. The world is locked.
func (w *World) settle(now time.Time) {
	var tx *Tx
	for {
		root := w.root
		if tx != nil {
			root = tx.root
		}
		key, e, found := root.events.min()
		if !found || dueTime(key).After(now) {
			break
		}
		if tx == nil {
			tx = &Tx{World: w, root: root.next(), locked: true}
		}
		tx.now = dueTime(key)
		tx.unschedule(key)
		e.happen(tx)
	}
	if tx != nil {
		w.publish(tx.root, tx.now)
	}
}
