package stage

import (
	"context"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
)

// pollTime is how long a poll of one of the SDK's waiters takes on the world's
// clock. A waiter that has just its least pause left polls again without one,
// which would go on for ever in testing/synctest if a poll took no time.
const pollTime = time.Millisecond

// pace makes the polls of waiters take their time.
func (s *Stage) pace(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		if call.Polls {
			if err := s.World.Wait(ctx, pollTime, nil); err != nil {
				return nil, err
			}
		}
		return next(ctx, call)
	}
}
