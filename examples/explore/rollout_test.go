package rollout_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	rollout "github.com/fakeecr/ecr/examples/explore"
	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/explore"
)

// released is what each run begins with: the fixture is forked and stays as it is.
func released(t *testing.T) *fakeecr.Registry {
	fixture := fakeecr.New(t)
	for seed, tag := range []string{"v1", "v2", "v3", "production"} {
		fixture.MustPush("team/app:"+tag, fakeecr.RandomImage(uint64(seed%3), 1<<10))
	}
	return fixture
}

// Each fault at each call. It prints a table (go test -v), and leaves it as a page (go
// test -artifacts).
func TestRolloutExplored(t *testing.T) {
	explore.Run(t, released(t), func(ctx context.Context, registry *fakeecr.Registry) (string, error) {
		return rollout.Rollout(ctx, registry.Client(), "team/app", "v2")
	})
}

// Some faults, and an oracle of one's own besides: nothing is ever without a tag.
func TestRolloutKeepsTheImageBefore(t *testing.T) {
	report := explore.Run(t, released(t), func(ctx context.Context, registry *fakeecr.Registry) (string, error) {
		return rollout.Rollout(ctx, registry.Client(), "team/app", "v2")
	}, explore.Faults("reply_lost", "killed"), explore.Check(func(registry *fakeecr.Registry, digest string, err error) error {
		if tags := registry.Snapshot().Registries["123456789012/us-east-1"].Repositories["team/app"].Tags; tags["production"] == "" {
			return errors.New("nothing is in production")
		}
		return nil
	}))
	require.Len(t, report.Cells(), 4) // two faults at two calls that write
}

// Two roll out at once. What is previous is then a matter of luck, which is no order in
// which one comes after the other; but one of the two is in production.
func TestTwoRollouts(t *testing.T) {
	fixture := released(t)
	version := func(tag string) explore.Actor {
		return explore.Actor{Name: tag, Run: func(ctx context.Context, registry *fakeecr.Registry) error {
			_, err := rollout.Rollout(ctx, registry.Client(), "team/app", tag)
			return err
		}}
	}
	explore.Interleave(t, fixture, []explore.Actor{version("v2"), version("v3")},
		explore.Check(func(registry *fakeecr.Registry, errs map[string]error, _ error) error {
			tags := registry.Snapshot().Registries["123456789012/us-east-1"].Repositories["team/app"].Tags
			if now := tags["production"]; now != tags["v2"] && now != tags["v3"] {
				return errors.New("neither is in production")
			}
			return errors.Join(errs["v2"], errs["v3"])
		}))
}
