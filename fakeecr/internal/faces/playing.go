package faces

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr"
)

// ErrNo is an error of ECR for rules to fail with.
var ErrNo = &types.ServerException{Message: aws.String("no")}

// Outcomes calls DescribeRepositories n times and draws a dot for each success,
// an F for each failure.
func Outcomes(ctx context.Context, api fakeecr.API, n int) string {
	var drawn strings.Builder
	for range n {
		if _, err := api.DescribeRepositories(ctx, nil); err != nil {
			drawn.WriteByte('F')
		} else {
			drawn.WriteByte('.')
		}
	}
	return drawn.String()
}

// UntilHeld is a context whose deadline passes once a playing keeps a call, however
// long the call takes to come so far: a machine under load delays it, a timeout does not.
func UntilHeld(ctx context.Context, playing *fakeecr.Playing) context.Context {
	until := untilHeld{ctx, make(chan struct{})}
	go func() {
		defer close(until.passed)
		playing.WaitHeld(ctx, 1)
	}()
	return until
}

type untilHeld struct {
	context.Context
	passed chan struct{}
}

func (u untilHeld) Done() <-chan struct{} { return u.passed }

func (u untilHeld) Err() error {
	select {
	case <-u.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
