package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A published record keeps its tags, whatever becomes of copies of it.
func TestImageKeepsItsTags(t *testing.T) {
	both := (&image{}).withTag("v2").withTag("v1").withTag("v2")
	require.Equal(t, []string{"v1", "v2"}, both.tags)
	one := both.withoutTag("v1")
	for _, tag := range []string{"v0", "v1", "v3"} {
		one.withTag(tag)
		both.withoutTag(tag)
		both.withoutTag(tag).withTag(tag)
		require.Equal(t, []string{"v1", "v2"}, both.tags)
		require.Equal(t, []string{"v2"}, one.tags)
	}
}
