// Package cow is an ordered map that is copied on write.
package cow

import (
	"iter"
	"strings"

	"github.com/tidwall/btree"
)

// Map is an ordered map that is copied on write: a copied struct shares it with the
// original until one of them changes it. The zero value is empty.
//
// Changes name a generation: those of the same one change what the first of them
// copied in place, so a generation is that of one owner, which nobody reads before
// it is done.
type Map[V any] struct{ tree tree }

// Get is the value of a key.
func (m *Map[V]) Get(key string) (value V, found bool) {
	held, found := m.tree.get(key)
	value, _ = held.(V)
	return value, found
}

// Has tells whether there is a key.
func (m *Map[V]) Has(key string) bool {
	_, found := m.tree.get(key)
	return found
}

// Len counts the keys.
func (m *Map[V]) Len() int { return m.tree.len() }

// Min is the first entry in the order of keys.
func (m *Map[V]) Min() (key string, value V, found bool) {
	key, held, found := m.tree.min()
	value, _ = held.(V)
	return key, value, found
}

// Set gives a key a value.
func (m *Map[V]) Set(generation uint64, key string, value V) { m.tree.set(generation, key, value) }

// Delete takes a key away, if it is there.
func (m *Map[V]) Delete(generation uint64, key string) { m.tree.delete(generation, key) }

// All walks the entries in the order of keys.
func (m *Map[V]) All() iter.Seq2[string, V] { return m.Under("") }

// From walks the entries whose key is at or after pivot, in the order of keys.
func (m *Map[V]) From(pivot string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		m.tree.ascend(pivot, func(key string, held any) bool {
			value, _ := held.(V)
			return yield(key, value)
		})
	}
}

// Under walks the entries whose key begins with prefix, in the order of keys.
func (m *Map[V]) Under(prefix string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		m.tree.ascend(prefix, func(key string, held any) bool {
			value, _ := held.(V)
			return strings.HasPrefix(key, prefix) && yield(key, value)
		})
	}
}

// tree is the map without the type of its values: the compiler makes one of it and
// not one for each type, in each package that the type comes to.
type tree struct {
	// items is a *btree.Map[string, any], or nil while there are none. The compiler does
	// not look through it, or it would make that, too, in each of these packages.
	items any
	// generation is the one that may change items in place.
	generation uint64
}

// itemsOf answers nil for a tree without items.
//
//go:noinline
func itemsOf(t *tree) *btree.Map[string, any] {
	items, _ := t.items.(*btree.Map[string, any])
	return items
}

func (t *tree) get(key string) (any, bool) {
	if t.items == nil {
		return nil, false
	}
	return itemsOf(t).Get(key)
}

func (t *tree) len() int {
	if t.items == nil {
		return 0
	}
	return itemsOf(t).Len()
}

func (t *tree) min() (string, any, bool) {
	if t.items == nil {
		return "", nil, false
	}
	return itemsOf(t).Min()
}

func (t *tree) ascend(pivot string, yield func(string, any) bool) {
	if t.items != nil {
		itemsOf(t).Ascend(pivot, yield)
	}
}

func (t *tree) set(generation uint64, key string, value any) {
	t.copyFor(generation)
	itemsOf(t).Set(key, value)
}

func (t *tree) delete(generation uint64, key string) {
	if _, found := t.get(key); !found {
		return
	}
	t.copyFor(generation)
	itemsOf(t).Delete(key)
}

// degree is half of what a node has at most. A change copies the nodes on its way:
// small ones cost the many short trees, and each push, less than they cost reads.
const degree = 12

// copyFor makes the tree one that the generation may change. Map.Copy writes its
// source, which others may be reading, so it is a copy of the source's header that is
// copied.
func (t *tree) copyFor(generation uint64) {
	switch {
	case t.items == nil:
		t.items = btree.NewMap[string, any](degree)
	case t.generation != generation:
		header := *itemsOf(t)
		t.items = header.Copy()
	}
	t.generation = generation
}
