package engine

import (
	"iter"

	"github.com/fakeecr/ecr/fakeecr/internal/cow"
)

// State is a state of the domain, a pointer to a struct that has a [Root] in it. A
// published state never changes.
type State interface {
	// Copy is a state of its own, which shares what it holds.
	Copy() State
	root() *Root
}

// Root is what a state has of the engine's.
type Root struct {
	// generation counts the transactions that changed the state.
	generation uint64
	events     events
	// sequence keeps events of one time in the order in which they were made.
	sequence uint64
}

// events are what is yet to happen, by keys in the order of time.
type events = cow.Map[any]

// Generation is that of the transaction which may change the state and all that is
// copied in it.
func (r *Root) Generation() uint64 { return r.generation }

// Events are what is yet to happen by their keys, in the order of time.
func (r *Root) Events() iter.Seq2[string, any] { return r.events.All() }

func (r *Root) root() *Root { return r }

// next is a copy of a state that its transaction may change.
func next(s State) State {
	next := s.Copy()
	next.root().generation++
	return next
}
