package stage

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

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
