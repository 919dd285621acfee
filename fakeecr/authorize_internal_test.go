package fakeecr

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
)

// Most tests have no policies, and must not pay for them.
func TestAuthorizeCostsNothingWithoutPolicies(t *testing.T) {
	registry := New(t)
	call := registry.world.newCall("DescribeImages", registry.key, "")
	call.Input = &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")}
	operation(call, operations["DescribeImages"])
	handler := registry.world.authorize(func(context.Context, *dispatch.Call) (any, error) { return nil, nil })
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = handler(t.Context(), call) }))
}

func BenchmarkDirectRead(b *testing.B) {
	registry := New(b)
	registry.MustPush("team/app:v1", RandomImage(1, 100))
	in := &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")}
	const deny = `{"Statement":{"Effect":"Deny","Principal":{"AWS":"210987654321"},"Action":"ecr:*"}}`
	for _, name := range []string{"no policy", "policy"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := registry.DescribeImages(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
		_, err := registry.SetRepositoryPolicy(b.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("team/app"), PolicyText: aws.String(deny)})
		require.NoError(b, err)
	}
}
