package stage

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Old states are kept only while a stale rule is in play.
func TestStopForgetsOldStates(t *testing.T) {
	s := New(registry.NewWorld(1, registry.Config{}), Config{})
	stale := scenarios.Scenario{scenarios.On("ListImages").Frozen()}
	playing, err := s.Play(stale)
	require.NoError(t, err)
	require.True(t, s.State.Remembers())
	require.True(t, playing.Stop())
	require.False(t, s.State.Remembers())
	require.False(t, playing.Stop())
}

// Once a test has ended, no rule keeps a call.
func TestNothingIsHeldInTheEnd(t *testing.T) {
	s := New(registry.NewWorld(1, registry.Config{}), Config{})
	s.LetGo()
	playing, err := s.Play(scenarios.Scenario{scenarios.On("ListImages").Hold(), scenarios.On("ListImages").Together(2)})
	require.NoError(t, err)
	play := s.play(func(context.Context, *dispatch.Call) (any, error) { return nil, nil })
	_, err = play(t.Context(), &dispatch.Call{Name: "ListImages"})
	require.NoError(t, err)
	require.Equal(t, errOpen, playing.WaitHeld(t.Context(), 1))
}

// One who waits in vain for calls to be held leaves nothing behind.
func TestWatchersLeave(t *testing.T) {
	var g gate
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, g.waitFor(ctx, 1), context.Canceled)
	require.Empty(t, g.watching)
	leave, keeps := g.keep(func() {})
	require.True(t, keeps)
	require.NoError(t, g.waitFor(t.Context(), 1))
	leave()
	require.Zero(t, g.keeps())
	g.letGo(true)
	g.letGo(false)
	require.ErrorIs(t, g.waitFor(t.Context(), 1), errOpen, "open for good")
}

// BenchmarkRules is what a call pays for passing the rules in play, and nothing
// else: without a rule 50 ns at most, for a thousand rules for other operations
// 200 ns at most.
func BenchmarkRules(b *testing.B) {
	others := make(scenarios.Scenario, 1000)
	for i := range others {
		others[i] = scenarios.On("PutImage").Nth(i + 1).Drop().Optional()
	}
	for _, c := range []struct {
		name     string
		scenario scenarios.Scenario
	}{
		{"none", nil},
		{"thousand for others", others},
		{"one for another repository", scenarios.Scenario{scenarios.On("ListImages", scenarios.Repository("team/*")).Drop().Optional()}},
		{"one for another turn", scenarios.Scenario{scenarios.On("ListImages").Nth(1 << 40).Drop().Optional()}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := New(registry.NewWorld(1, registry.Config{}), Config{})
			_, err := s.Play(c.scenario)
			require.NoError(b, err)
			play := s.play(func(context.Context, *dispatch.Call) (any, error) { return nil, nil })
			call := &dispatch.Call{Name: "ListImages", Record: scenarios.Call{Operation: "ListImages", Repository: "other"}}
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				play(ctx, call)
			}
		})
	}
}
