package registry

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// version is a tree together with what it should hold.
type version struct {
	tree tree[int]
	want map[string]int
}

func (v *version) check(t require.TestingT) {
	keys := slices.Sorted(maps.Keys(v.want))
	require.Equal(t, len(keys), v.tree.len())
	require.Equal(t, keys, collect(v.tree.all()))
	for _, key := range keys {
		value, found := v.tree.get(key)
		require.True(t, found && v.tree.has(key))
		require.Equal(t, v.want[key], value)
	}
	first, value, found := v.tree.min()
	require.Equal(t, len(keys) > 0, found)
	if found {
		require.Equal(t, keys[0], first)
		require.Equal(t, v.want[first], value)
	}
}

func collect(entries func(func(string, int) bool)) []string {
	var keys []string
	for key := range entries {
		keys = append(keys, key)
	}
	return keys
}

// Every version of a tree stays as it was, however often copies of it change.
func TestTreeKeepsItsVersions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[ab]{0,2}[a-z]`)
		versions := []version{{want: map[string]int{}}}
		for generation := uint64(1); generation <= 20; generation++ {
			from := rapid.IntRange(0, len(versions)-1).Draw(t, "from")
			next := version{versions[from].tree, maps.Clone(versions[from].want)}
			for range rapid.IntRange(0, 50).Draw(t, "changes") {
				k := key.Draw(t, "key")
				if rapid.Bool().Draw(t, "set") {
					next.tree.set(generation, k, int(generation))
					next.want[k] = int(generation)
				} else {
					next.tree.delete(generation, k)
					delete(next.want, k)
				}
			}
			versions = append(versions, next)
		}
		for i := range versions {
			versions[i].check(t)
		}
	})
}

func TestTreeWalks(t *testing.T) {
	var tr tree[int]
	for i, key := range []string{"b@2", "a@1", "b", "b@1", "c", "ab"} {
		tr.set(1, key, i)
	}
	for name, c := range map[string]struct {
		walk func(func(string, int) bool)
		want []string
	}{
		"from a key":            {tr.from("b@1"), []string{"b@1", "b@2", "c"}},
		"from between two keys": {tr.from("b\x00"), []string{"b@1", "b@2", "c"}},
		"from beyond the last":  {tr.from("d"), nil},
		"under a prefix":        {tr.under("b@"), []string{"b@1", "b@2"}},
		"under nothing":         {tr.under("bb"), nil},
		"all":                   {tr.under(""), []string{"a@1", "ab", "b", "b@1", "b@2", "c"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, collect(c.walk)) })
	}
	for key := range tr.all() {
		require.Equal(t, "a@1", key)
		break
	}
}

// The source of a copy is written by nobody, also while many copy it at once:
// the race detector sees to that.
func TestTreeIsCopiedByManyAtOnce(t *testing.T) {
	var source tree[int]
	for _, key := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		source.set(1, key, 1)
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			own := source
			own.set(2, "a", i)
			own.delete(2, "z")
			_, found := source.get("z")
			value, _ := own.get("a")
			if !found || value != i || own.len() != 25 {
				t.Errorf("copy %d: a is %d, z found in the source: %v", i, value, found)
			}
		})
	}
	all.Wait()
	require.Equal(t, 26, source.len())
}
