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

// badDay is what README shows.
var badDay = scenarios.Scenario{
	scenarios.On("PutImage").Nth(3).Drop(), // it is carried out, and its reply is lost
	scenarios.On("PutImage").First(2).Fail(scenarios.Throttled()),
	scenarios.On("UploadLayerPart", scenarios.Repository("team/*")).Every(4).Fail(&types.ServerException{}),
	scenarios.On("DownloadLayer").First(1).ResetAfter(1 << 19),
	scenarios.On("DescribeImages", scenarios.Tag("v*")).Stale(5 * time.Second),
	scenarios.On("*", scenarios.Region("eu-west-1")).Between(time.Hour, 2*time.Hour).Fail(&scenarios.Response{Status: 503}),
}

func ExampleScenario() {
	for _, rule := range badDay {
		fmt.Println(rule)
	}
	fmt.Println(badDay.Check())
	// Output:
	// PutImage nth 3 loses its reply
	// PutImage first 2 fails with ThrottlingException
	// UploadLayerPart in team/* every 4 fails with ServerException
	// DownloadLayer first 1 with its connection reset after 524288 bytes
	// DescribeImages tagged v* answers from an earlier state
	// * in region eu-west-1 between 1h0m0s and 2h0m0s fails with HTTP 503 Service Unavailable
	// <nil>
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

// The pushed image arrives in one region and not in the other.
func ExampleReplicationOutage() {
	ctx := context.Background()
	registry := fakeecr.New(nil, fakeecr.WithScenario(scenarios.ReplicationOutage("eu-west-1")))
	to := func(region string) types.ReplicationDestination {
		return types.ReplicationDestination{Region: &region, RegistryId: aws.String(registry.AccountID())}
	}
	_, err := registry.PutReplicationConfiguration(ctx, &ecr.PutReplicationConfigurationInput{
		ReplicationConfiguration: &types.ReplicationConfiguration{Rules: []types.ReplicationRule{{
			Destinations: []types.ReplicationDestination{to("eu-west-1"), to("us-west-2")},
		}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
	registry.Advance(time.Minute)

	out, err := registry.DescribeImageReplicationStatus(ctx, &ecr.DescribeImageReplicationStatusInput{
		RepositoryName: aws.String("team/app"), ImageId: &types.ImageIdentifier{ImageTag: aws.String("v1")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, status := range out.ReplicationStatuses {
		fmt.Println(*status.Region, status.Status, aws.ToString(status.FailureCode))
	}
	// Output:
	// eu-west-1 FAILED Server
	// us-west-2 COMPLETE
}

// The scan is still going on after an hour, and ends when the service recovers.
func ExampleEndlessScan() {
	ctx := context.Background()
	registry := fakeecr.New(nil)
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
	registry.SetScanFindings("team/app:v1", types.ImageScanFinding{Name: aws.String("CVE-2026-1"), Severity: types.FindingSeverityHigh})
	playing := registry.Play(scenarios.EndlessScan("team/app"))
	image := &types.ImageIdentifier{ImageTag: aws.String("v1")}
	if _, err := registry.StartImageScan(ctx, &ecr.StartImageScanInput{RepositoryName: aws.String("team/app"), ImageId: image}); err != nil {
		fmt.Println(err)
		return
	}
	show := func() {
		out, err := registry.DescribeImageScanFindings(ctx, &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("team/app"), ImageId: image})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(out.ImageScanStatus.Status)
	}
	registry.Advance(time.Hour)
	show()
	playing.Release()
	show()
	// Output:
	// IN_PROGRESS
	// COMPLETE
}
