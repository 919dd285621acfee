package registry

import (
	"iter"

	"github.com/tidwall/btree"
)

// tree is an ordered map that is copied on write: a copied struct shares it with
// the original until one of them changes it. The zero value is empty.
type tree[V any] struct {
	items *btree.Map[string, V]
	// generation is that of the transaction which may change items in place.
	generation uint64
}

func (t *tree[V]) get(key string) (V, bool) {
	if t.items == nil {
		var none V
		return none, false
	}
	return t.items.Get(key)
}

func (t *tree[V]) has(key string) bool {
	_, found := t.get(key)
	return found
}

func (t *tree[V]) len() int {
	if t.items == nil {
		return 0
	}
	return t.items.Len()
}

func (t *tree[V]) min() (string, V, bool) {
	if t.items == nil {
		var none V
		return "", none, false
	}
	return t.items.Min()
}

func (t *tree[V]) set(generation uint64, key string, value V) {
	t.own(generation)
	t.items.Set(key, value)
}

func (t *tree[V]) delete(generation uint64, key string) {
	if !t.has(key) {
		return
	}
	t.own(generation)
	t.items.Delete(key)
}

// degree is half of what a node has at most. A change copies the nodes on its way:
// small ones cost the many short trees, and each push, less than they cost reads.
const degree = 12

// own makes the tree the transaction's. Map.Copy writes its source, which forks
// may be reading, so it is a copy of the source's header that is copied.
func (t *tree[V]) own(generation uint64) {
	switch {
	case t.items == nil:
		t.items = btree.NewMap[string, V](degree)
	case t.generation != generation:
		header := *t.items
		t.items = header.Copy()
	}
	t.generation = generation
}

// from walks the entries whose key is at or after pivot, in order of keys.
func (t *tree[V]) from(pivot string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		if t.items != nil {
			t.items.Ascend(pivot, yield)
		}
	}
}

func (t *tree[V]) all() iter.Seq2[string, V] { return t.from("") }

// under walks the entries whose key begins with prefix.
func (t *tree[V]) under(prefix string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for key, value := range t.from(prefix) {
			if len(key) < len(prefix) || key[:len(prefix)] != prefix || !yield(key, value) {
				return
			}
		}
	}
}
