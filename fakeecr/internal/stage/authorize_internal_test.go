package stage

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Most tests have no policies, and must not pay for them.
func TestAuthorizeCostsNothingWithoutPolicies(t *testing.T) {
	s := New(registry.NewWorld(1, registry.Config{}), Config{})
	call := s.NewCall("DescribeImages", Caller{Place: registry.Place{Account: "123456789012", Region: "us-east-1"}}, scenarios.FaceGo)
	call.Input = &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")}
	prepare(call)
	handler := s.authorize(func(context.Context, *dispatch.Call) (any, error) { return nil, nil })
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = handler(t.Context(), call) }))
}
