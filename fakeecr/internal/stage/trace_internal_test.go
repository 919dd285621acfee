package stage

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
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

// TestOutputsOfForgottenCalls: what calls listed that the trace has forgotten counts no more, and once.
func TestOutputsOfForgottenCalls(t *testing.T) {
	var r recorder
	list := func(n int) {
		r.add(&scenarios.Call{Output: &ecr.ListImagesOutput{ImageIds: make([]types.ImageIdentifier, n)}})
	}
	kept := func() (numbers []int) {
		for _, call := range r.trace() {
			if call.Output != nil {
				numbers = append(numbers, call.Number)
			}
		}
		return numbers
	}
	list(6000)
	list(6000)
	require.Equal(t, []int{2}, kept())
	for range traceLength {
		r.add(&scenarios.Call{})
	}
	require.Empty(t, kept())
	list(6000)
	list(4000)
	require.Equal(t, []int{traceLength + 3, traceLength + 4}, kept())
	list(1)
	require.Equal(t, []int{traceLength + 4, traceLength + 5}, kept())
}
