package fakeecr_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// A registry is passed where code takes the methods of an *ecr.Client. A test gives
// New its t.
func ExampleNew() {
	ctx := context.Background()
	registry := fakeecr.New(nil, fakeecr.WithAccount("210987654321"), fakeecr.WithRegion("eu-west-1"))
	out, err := registry.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*out.Repository.RepositoryUri)
	// Output: 210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/app
}

// Code that builds its own client is led to the server by its endpoint; in a test,
// Setenv does so for the whole process.
func ExampleNewServer() {
	ctx := context.Background()
	server := fakeecr.NewServer(nil)
	defer server.Close()
	server.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<20))

	client := ecr.NewFromConfig(aws.Config{
		BaseEndpoint: aws.String(server.URL), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
	out, err := client.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*out.ImageIds[0].ImageTag)
	// Output: v1
}

// A rule that holds a call lets something happen in between.
func ExampleRegistry_Play() {
	ctx := context.Background()
	registry := fakeecr.New(nil)
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 1000))
	playing := registry.Play(scenarios.Scenario{scenarios.On("DescribeImages").Hold()})
	answered := make(chan error)
	go func() {
		_, err := registry.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
		answered <- err
	}()
	if err := playing.WaitHeld(ctx, 1); err != nil { // the call has begun, and waits
		fmt.Println(err)
		return
	}
	if _, err := registry.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: aws.String("team/app"), Force: true}); err != nil {
		fmt.Println(err)
		return
	}
	playing.Release()
	fmt.Println(<-answered != nil)
	// Output: true
}

// What took long to make is copied in no time, once for each subtest; none sees what
// another does.
func ExampleRegistry_Fork() {
	ctx := context.Background()
	fixture := fakeecr.New(nil)
	fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<20))

	fork := fixture.Fork(nil)
	if _, err := fork.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{
		RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}},
	}); err != nil {
		fmt.Println(err)
		return
	}
	for _, registry := range []*fakeecr.Registry{fixture, fork} {
		out, err := registry.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(out.ImageIds))
	}
	// Output:
	// 1
	// 0
}

// A token is good for twelve hours, which pass at once.
func ExampleRegistry_Advance() {
	ctx := context.Background()
	registry := fakeecr.New(nil)
	token, err := registry.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		fmt.Println(err)
		return
	}
	expiresAt := *token.AuthorizationData[0].ExpiresAt
	fmt.Println(registry.Now().Before(expiresAt))
	registry.Advance(12 * time.Hour)
	fmt.Println(registry.Now().Before(expiresAt))
	// Output:
	// true
	// false
}

// The trace is what was called, refused calls included.
func ExampleRegistry_Trace() {
	ctx := context.Background()
	registry := fakeecr.New(nil)
	for range 2 {
		// The second is refused: the repository is there.
		_, _ = registry.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
	}
	fmt.Println(registry.Trace().Operations())
	for _, call := range registry.Trace().Where(scenarios.Failed()) {
		fmt.Println(call.Number, call.Repository, call.Outcome())
	}
	// Output:
	// [CreateRepository CreateRepository]
	// 2 team/app RepositoryAlreadyExistsException: The repository with name 'team/app' already exists in the registry with id '123456789012'
}

// What the registries of the world hold is looked at without a trace of it.
func ExampleRegistry_Inspect() {
	ctx := context.Background()
	registry := fakeecr.New(nil)
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 1000))
	registry.In("eu-west-1").MustPush("team/copy:v1", fakeecr.RandomImage(1, 1000))
	before := len(registry.Trace())
	for _, seen := range registry.Inspect() {
		out, err := seen.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(seen.Region(), *out.Repositories[0].RepositoryName)
	}
	fmt.Println(len(registry.Trace()) == before)
	// Output:
	// us-east-1 team/app
	// eu-west-1 team/copy
	// true
}
