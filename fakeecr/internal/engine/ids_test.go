package engine

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestIDsFollowFromTheSeed(t *testing.T) {
	some := func(i *ids) (made []string) {
		for range 20 { // more than are made at a time
			made = append(made, i.uuid())
		}
		return made
	}
	var one, same, other ids
	one.seed(1)
	same.seed(1)
	other.seed(2)
	made := some(&one)
	require.Equal(t, made, some(&same))
	require.NotEqual(t, made, some(&other))

	var fork ids
	one.fork(&fork)
	next := some(&one)
	require.Equal(t, next, some(&fork), "a fork goes on where the original was")
	for i, id := range append(made, next...) {
		parsed, err := uuid.Parse(id)
		require.NoError(t, err)
		require.Equal(t, parsed.String(), id, "lower-case")
		require.NotContains(t, append(made, next...)[:i], id)
	}
}
