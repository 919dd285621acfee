package direct

import (
	"context"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/api"
)

// Options is what the options of a call make of a region, and whether they are
// those of a waiter.
func Options(region string, optFns []func(*ecr.Options)) (selected string, polls bool) {
	if len(optFns) == 0 {
		return region, false
	}
	options := ecr.Options{Region: region}
	for _, fn := range optFns {
		fn(&options)
	}
	return options.Region, len(options.APIOptions) > 0 && api.IsWaiter(userAgent(options.APIOptions))
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
