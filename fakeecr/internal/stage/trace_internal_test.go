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

// list adds calls, of which each lists so many items or, for none, answers nothing.
func list(r *recorder, counts ...int) {
	for _, n := range counts {
		var call scenarios.Call
		if n > 0 {
			call.Output = &ecr.ListImagesOutput{ImageIds: make([]types.ImageIdentifier, n)}
		}
		r.add(&call)
	}
}

// listed are the numbers of the calls whose outputs are kept.
func listed(r *recorder) (numbers []int) {
	for _, call := range r.trace() {
		if call.Output != nil {
			numbers = append(numbers, call.Number)
		}
	}
	return numbers
}

// TestOutputsOfForgottenCalls: what calls listed that the trace has forgotten counts no more, and once.
func TestOutputsOfForgottenCalls(t *testing.T) {
	var r recorder
	list(&r, 6000, 6000)
	require.Equal(t, []int{2}, listed(&r))
	list(&r, make([]int, traceLength)...)
	require.Empty(t, listed(&r))
	list(&r, 6000, 4000)
	require.Equal(t, []int{traceLength + 3, traceLength + 4}, listed(&r))
	list(&r, 1)
	require.Equal(t, []int{traceLength + 4, traceLength + 5}, listed(&r))
}

// TestOldestOutputsGoFirst: also when the first that goes stands behind some that are
// newer, where forgotten ones stood.
func TestOldestOutputsGoFirst(t *testing.T) {
	var r recorder
	list(&r, make([]int, traceLength/2)...)
	list(&r, 4000)
	list(&r, make([]int, traceLength/2)...)
	list(&r, 6000)
	require.Equal(t, []int{traceLength/2 + 1, traceLength + 2}, listed(&r))
	list(&r, 1)
	require.Equal(t, []int{traceLength + 2, traceLength + 3}, listed(&r))
}
