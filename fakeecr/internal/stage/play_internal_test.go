package stage

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/engine"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Old states are kept only while a stale rule is in play.
func TestStopForgetsOldStates(t *testing.T) {
	s := New(registry.NewWorld(1, registry.Config{}), Config{})
	stale := scenarios.Scenario{scenarios.On("ListImages").Frozen()}
	played, err := s.Play(stale)
	require.NoError(t, err)
	write := func(repository string) engine.View {
		call := s.NewCall("CreateRepository", Own(registry.Place{Account: "123456789012", Region: "us-east-1"}), scenarios.FaceGo)
		call.Input = &ecr.CreateRepositoryInput{RepositoryName: &repository}
		_, err := s.Do(t.Context(), call)
		require.NoError(t, err)
		return played.history.Before(0)
	}
	last := write("team/app")
	require.NotEqual(t, played.history.Beginning(), last)
	require.True(t, played.Stop())
	require.Equal(t, last, write("team/db"))
	require.False(t, played.Stop())
}

// What is written anew has other bytes, whatever it was written as.
func TestReserialise(t *testing.T) {
	text := aws.String(`{"schemaVersion":2}`)
	for range 3 {
		again := reserialise(text)
		require.JSONEq(t, *text, *again)
		require.NotEqual(t, *text, *again)
		text = again
	}
	require.Equal(t, "{", *reserialise(aws.String("{")))
	require.Nil(t, reserialise(nil))
}

// Once a test has ended, no rule keeps a call.
func TestNothingIsHeldInTheEnd(t *testing.T) {
	s := New(registry.NewWorld(1, registry.Config{}), Config{})
	s.LetGo()
	played, err := s.Play(scenarios.Scenario{scenarios.On("ListImages").Hold(), scenarios.On("ListImages").Together(2)})
	require.NoError(t, err)
	play := s.play(func(context.Context, *dispatch.Call) (any, error) { return nil, nil })
	_, err = play(t.Context(), &dispatch.Call{Name: "ListImages"})
	require.NoError(t, err)
	require.Equal(t, errOpen, played.WaitHeld(t.Context(), 1))
}

// One who waits in vain for calls to be held leaves nothing behind.
func TestWatchersLeave(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := New(registry.NewWorld(1, registry.Config{}), Config{})
	p, err := s.Play(scenarios.Scenario{scenarios.On("ListImages").Hold()})
	require.NoError(t, err)
	require.ErrorIs(t, p.WaitHeld(ctx, 1), context.Canceled)
	require.Empty(t, p.gate.watching)
	reached := p.gate.watch(1)
	leaveFirst, _ := p.gate.keep(func() {})
	leave, keeps := p.gate.keep(func() {})
	require.True(t, keeps)
	require.NoError(t, <-reached)
	leaveFirst()
	require.NoError(t, p.WaitHeld(t.Context(), 1))
	leave()
	require.Zero(t, p.Held())
	p.Stop()
	p.Release()
	require.ErrorIs(t, p.WaitHeld(t.Context(), 1), errOpen, "open for good")
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
