package stage

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// TestTraceWatchersLeave: who waits for a call and gives up is forgotten, though no call
// comes.
func TestTraceWatchersLeave(t *testing.T) {
	s := New(registry.NewWorld(1, registry.Config{}), Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		_, err := s.TraceAfter(ctx, 0)
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Empty(t, s.recorder.watching)
}
