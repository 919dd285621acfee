package scenarios_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// flaky is what README shows.
var flaky = scenarios.Scenario{
	scenarios.On("PutImage").Nth(2).Drop(),                                             // carried out, but the reply is lost
	scenarios.On("UploadLayerPart").After(3).First(1).Fail(&types.ServerException{}),   // the fourth part
	scenarios.On("BatchGetImage", scenarios.Repository("team/app")).Delay(time.Minute), // on the world's clock
	scenarios.On("PutImage", scenarios.When(func(in *ecr.PutImageInput) bool { return in.ImageTag == nil })).Fail(scenarios.Throttled()),
}

func ExampleScenario() {
	for _, rule := range flaky {
		fmt.Println(rule)
	}
	// Output:
	// PutImage nth 2 loses its reply
	// UploadLayerPart after 3 first 1 fails with ServerException
	// BatchGetImage in team/app delayed 1m0s
	// PutImage whose input When accepts fails with ThrottlingException
}

func ExampleRule_Drop() {
	registry := fakeecr.New(nil, fakeecr.WithScenario(scenarios.Scenario{scenarios.On("CreateRepository").First(1).Drop()}))
	for range 2 {
		_, err := registry.CreateRepository(context.Background(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
		fmt.Println(err != nil)
	}
	for _, call := range registry.Trace() {
		fmt.Println(call.Err)
	}
	// The first call was carried out, so the second finds its repository there.

	// Output:
	// true
	// true
	// the reply was lost
	// RepositoryAlreadyExistsException: The repository with name 'team/app' already exists in the registry with id '123456789012'
}
