package exploration

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Who accepts a finding accepts its cause, for one reason.
func TestAcceptedCauseHasItsReason(t *testing.T) {
	var r Report
	for _, name := range []string{"first", "second"} {
		cell := Cell{Variation: Variation{Name: name}}
		cell.fails(SuccessBut, "a tag is missing", "a tag")
		if name == "first" {
			cell.Accepted, cell.Why = true, "nobody reads it"
		}
		added := r.Add(cell)
		require.True(t, added.Accepted, name)
		require.Equal(t, "nobody reads it", added.Why, name)
	}
	require.Equal(t, "first", r.Cells[1].As)
	require.Empty(t, r.Findings())
	require.Contains(t, r.String(), "first: SUCCESS BUT, 2 times, accepted: nobody reads it\n2 variations of 0 calls, 0 findings\n")
}
