package fakeecr_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr"
)

// Quay limits the rate of pulls.
func ExampleUpstreamFunc() {
	ctx := context.Background()
	registry := fakeecr.New(nil, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamFunc(
		func(ctx context.Context, repository, reference string) (mediaType string, content []byte, err error) {
			return "", nil, fakeecr.ErrUpstreamTooManyRequests
		})))
	if _, err := registry.CreatePullThroughCacheRule(ctx, &ecr.CreatePullThroughCacheRuleInput{
		EcrRepositoryPrefix: aws.String("quay"), UpstreamRegistryUrl: aws.String("quay.io"),
	}); err != nil {
		fmt.Println(err)
		return
	}
	out, err := registry.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RepositoryName: aws.String("quay/coreos/etcd"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v3")}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out.Failures[0].FailureCode)
	// Output: UpstreamTooManyRequests
}

// A registry in another world stands for Quay; a pull of what is under the
// rule's prefix brings the image from there.
func ExampleWithUpstream() {
	ctx := context.Background()
	quay := fakeecr.New(nil)
	quay.MustPush("coreos/etcd:v3", fakeecr.RandomImage(1, 1<<20))

	registry := fakeecr.New(nil, fakeecr.WithUpstream("quay.io", quay.Upstream()))
	if _, err := registry.CreatePullThroughCacheRule(ctx, &ecr.CreatePullThroughCacheRuleInput{
		EcrRepositoryPrefix: aws.String("quay"), UpstreamRegistryUrl: aws.String("quay.io"),
	}); err != nil {
		fmt.Println(err)
		return
	}
	out, err := registry.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RepositoryName: aws.String("quay/coreos/etcd"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v3")}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*out.Images[0].RepositoryName, *out.Images[0].ImageId.ImageTag)
	// Output: quay/coreos/etcd v3
}
