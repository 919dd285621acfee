package fakeecr

import (
	"context"
	"slices"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
)

// pollTime is how long a poll of one of the SDK's waiters takes on the world's
// clock. A waiter that has just its least pause left polls again without one,
// which would go on for ever in testing/synctest if a poll took no time.
const pollTime = time.Millisecond

// pace makes the polls of waiters take their time.
func (w *world) pace(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		if call.Polls {
			if err := w.state.Wait(ctx, pollTime, nil); err != nil {
				return nil, err
			}
		}
		return next(ctx, call)
	}
}

// isWaiter tells whether a waiter is among the features of the SDK that a user
// agent lists.
func isWaiter(userAgent string) bool {
	for word := range strings.FieldsSeq(userAgent) {
		features, listed := strings.CutPrefix(word, "m/")
		if listed && slices.Contains(strings.Split(features, ","), awsmiddleware.UserAgentFeatureWaiter) {
			return true
		}
	}
	return false
}

// userAgent is what the API options of a call make the client say of itself, ""
// if they leave that alone.
func userAgent(apiOptions []func(*middleware.Stack) error) string {
	stack := middleware.NewStack("", smithyhttp.NewStackRequest)
	for _, option := range apiOptions {
		_ = option(stack) // one that wants the client's own stack does not matter here
	}
	agent, found := stack.Build.Get((*awsmiddleware.RequestUserAgent)(nil).ID())
	if !found {
		return ""
	}
	request := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	_, _, _ = agent.HandleBuild(context.Background(), middleware.BuildInput{Request: request},
		middleware.BuildHandlerFunc(func(context.Context, middleware.BuildInput) (out middleware.BuildOutput, metadata middleware.Metadata, err error) {
			return out, metadata, nil
		}))
	return request.Header.Get("User-Agent")
}
