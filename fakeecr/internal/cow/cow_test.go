package cow

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// version is a map together with what it should hold.
type version struct {
	entries Map[int]
	want    map[string]int
}

func (v *version) check(t require.TestingT) {
	keys := slices.Sorted(maps.Keys(v.want))
	require.Equal(t, len(keys), v.entries.Len())
	require.Equal(t, keys, collect(v.entries.All()))
	for _, key := range keys {
		value, found := v.entries.Get(key)
		require.True(t, found && v.entries.Has(key))
		require.Equal(t, v.want[key], value)
	}
	first, value, found := v.entries.Min()
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

// Every version of a map stays as it was, however often copies of it change.
func TestMapKeepsItsVersions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[ab]{0,2}[a-z]`)
		versions := []version{{want: map[string]int{}}}
		for generation := uint64(1); generation <= 20; generation++ {
			from := rapid.IntRange(0, len(versions)-1).Draw(t, "from")
			next := version{versions[from].entries, maps.Clone(versions[from].want)}
			for range rapid.IntRange(0, 50).Draw(t, "changes") {
				k := key.Draw(t, "key")
				if rapid.Bool().Draw(t, "set") {
					next.entries.Set(generation, k, int(generation))
					next.want[k] = int(generation)
				} else {
					next.entries.Delete(generation, k)
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

func TestMapWalks(t *testing.T) {
	var m Map[int]
	for i, key := range []string{"b@2", "a@1", "b", "b@1", "c", "ab"} {
		m.Set(1, key, i)
	}
	for name, c := range map[string]struct {
		walk func(func(string, int) bool)
		want []string
	}{
		"from a key":            {m.From("b@1"), []string{"b@1", "b@2", "c"}},
		"from between two keys": {m.From("b\x00"), []string{"b@1", "b@2", "c"}},
		"from beyond the last":  {m.From("d"), nil},
		"under a prefix":        {m.Under("b@"), []string{"b@1", "b@2"}},
		"under nothing":         {m.Under("bb"), nil},
		"all":                   {m.Under(""), []string{"a@1", "ab", "b", "b@1", "b@2", "c"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, collect(c.walk)) })
	}
	for key := range m.All() {
		require.Equal(t, "a@1", key)
		break
	}
}

// The source of a copy is written by nobody, also while many copy it at once:
// the race detector sees to that.
func TestMapIsCopiedByManyAtOnce(t *testing.T) {
	var source Map[int]
	for _, key := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		source.Set(1, key, 1)
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			own := source
			own.Set(2, "a", i)
			own.Delete(2, "z")
			_, found := source.Get("z")
			value, _ := own.Get("a")
			if !found || value != i || own.Len() != 25 {
				t.Errorf("copy %d: a is %d, z found in the source: %v", i, value, found)
			}
		})
	}
	all.Wait()
	require.Equal(t, 26, source.Len())
}
