package exploration

import (
	"context"
	"time"

	"github.com/fakeecr/ecr/fakeecr"
)

// LetPass moves the world's clock on when rules in play delay a call, for runs in
// real time, until the context ends; then the channel is closed.
func LetPass(ctx context.Context, world *fakeecr.Registry, played *fakeecr.Playing) (stopped <-chan struct{}) {
	done := make(chan struct{})
	var longest time.Duration
	for _, rule := range played.Rules() {
		longest = max(longest, rule.Parts().Effects().Delay, rule.Parts().Effects().Reply.Wait)
	}
	if longest == 0 {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		for played.WaitHeld(ctx, 1) == nil {
			world.Advance(longest)
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return done
}
