package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/opencontainers/go-digest"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

var (
	ctx        = context.Background()
	repository = aws.String("team/app")
	image      = fakeecr.RandomImage(1, 1000)
	layer      = digest.FromBytes(image.Blobs[0]).String()
)

// stored is a registry with an image, and the SDK's client for it, which retries
// as ever but does not pause.
func stored(scenario scenarios.Scenario) (*fakeecr.Registry, *ecr.Client) {
	registry := fakeecr.New(nil, fakeecr.WithSeed(1))
	registry.MustPush("team/app:v1", image)
	registry.Play(scenario)
	return registry, registry.Client(func(o *ecr.Options) {
		o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
			s.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	})
}

// tag gives the image one more tag.
func tag(api fakeecr.API, name string) error {
	_, err := api.PutImage(ctx, &ecr.PutImageInput{RepositoryName: repository, ImageManifest: aws.String(string(image.Manifest)), ImageTag: &name})
	return err
}

// upload begins an upload and sends a layer to it in parts of 5 MiB.
func upload(api fakeecr.API, parts int) error {
	begun, err := api.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: repository})
	const size = 5 << 20
	for n := int64(0); n < int64(parts) && err == nil; n++ {
		_, err = api.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{RepositoryName: repository, UploadId: begun.UploadId,
			PartFirstByte: aws.Int64(n * size), PartLastByte: aws.Int64((n+1)*size - 1), LayerPartBlob: make([]byte, size)})
	}
	return err
}

// pull downloads the layer.
func pull(registry *fakeecr.Registry) ([]byte, error) {
	url, err := registry.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{RepositoryName: repository, LayerDigest: &layer})
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: registry.Transport()}).Get(*url.DownloadUrl)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// played prints what became of each call.
func played(registry *fakeecr.Registry) {
	for _, call := range registry.Trace() {
		outcome := "ok"
		var api smithy.APIError
		switch {
		case errors.As(call.Err, &api):
			outcome = api.ErrorCode()
		case call.Err != nil:
			outcome = call.Err.Error()
		}
		fmt.Println(call.Operation, outcome)
	}
}

// A client that calls at once what ECR takes at ten a second.
func ExampleRealQuotas() {
	registry, client := stored(scenarios.RealQuotas())
	refused := 0
	for n := range 25 {
		if err := tag(registry, fmt.Sprint("build-", n)); err != nil { // a direct call is one attempt
			refused++
		}
	}
	fmt.Println("all taken:", refused == 0)
	registry.Advance(time.Second)
	fmt.Println("a second later:", tag(client, "build-25"))
	// Output:
	// all taken: false
	// a second later: <nil>
}

// A client that begins anew where a layer broke off.
func ExampleFlakyPull() {
	registry, _ := stored(scenarios.FlakyPull("team/app"))
	for range 3 {
		content, err := pull(registry)
		fmt.Println(len(content), err != nil)
	}
	// Output:
	// 1000 false
	// 100 true
	// 1000 false
}

// A push that begins its upload anew.
func ExampleLostUpload() {
	registry, client := stored(scenarios.LostUpload("team/app"))
	var lost *types.UploadNotFoundException
	if err := upload(client, 2); errors.As(err, &lost) {
		fmt.Println("begun anew:", upload(client, 2))
	}
	played(registry)
	// Output:
	// begun anew: <nil>
	// InitiateLayerUpload ok
	// UploadLayerPart UploadNotFoundException
	// InitiateLayerUpload ok
	// UploadLayerPart ok
	// UploadLayerPart ok
}

// Two builds that push one tag in the same moment.
func ExampleTagRace() {
	registry, client := stored(scenarios.TagRace("team/app", "latest"))
	registry.PutImageTagMutability(ctx, &ecr.PutImageTagMutabilityInput{RepositoryName: repository, ImageTagMutability: types.ImageTagMutabilityImmutable})
	refusals := make(chan error, 2)
	var builds sync.WaitGroup
	for range 2 {
		builds.Go(func() { refusals <- tag(client, "latest") })
	}
	builds.Wait()
	first, second := <-refusals, <-refusals
	fmt.Println("one of the two is there:", (first == nil) != (second == nil))
	// Output:
	// one of the two is there: true
}

// A push whose retry is told that the image is there already, which is success.
func ExampleKilled() {
	registry, client := stored(scenarios.Killed("PutImage"))
	fmt.Println(tag(client, "v2") != nil)
	playing := registry.Trace().Operations()
	fmt.Println(playing)
	again := registry.Fork(nil) // the process that is started anew
	var there *types.ImageAlreadyExistsException
	fmt.Println(errors.As(tag(again.Client(), "v2"), &there))

	// Output:
	// true
	// [PutImage PutImage PutImage]
	// true
}

func ExampleLostReply() {
	registry, client := stored(scenarios.LostReply("PutImage"))
	err := tag(client, "v2")
	var there *types.ImageAlreadyExistsException
	fmt.Println("the image is there:", err == nil || errors.As(err, &there))
	played(registry)
	// Output:
	// the image is there: true
	// PutImage the reply was lost
	// PutImage ImageAlreadyExistsException
}

// A push that gets a new token and begins its layer anew.
func ExampleTokenExpires() {
	registry, client := stored(scenarios.TokenExpires(1))
	if err := upload(client, 3); err != nil {
		client.GetAuthorizationToken(ctx, nil)
		fmt.Println("with a new token:", upload(client, 3))
	}
	played(registry)
	// Output:
	// with a new token: <nil>
	// InitiateLayerUpload ok
	// UploadLayerPart ok
	// UploadLayerPart ExpiredTokenException
	// GetAuthorizationToken ok
	// InitiateLayerUpload ok
	// UploadLayerPart ok
	// UploadLayerPart ok
	// UploadLayerPart ok
}

// A program that outlives its credentials.
func ExampleCredentialsExpired() {
	_, client := stored(scenarios.CredentialsExpired(1))
	for range 2 {
		_, err := client.DescribeRepositories(ctx, nil)
		var api smithy.APIError
		fmt.Println(errors.As(err, &api) && api.ErrorCode() == "ExpiredTokenException")
	}
	// Output:
	// false
	// true
}

// A pipeline that makes a repository and uses it at once.
func ExampleNotThereYet() {
	registry, client := stored(scenarios.NotThereYet("team/new", 5*time.Second))
	name := aws.String("team/new")
	_, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: name})
	fmt.Println("made:", err == nil)
	begin := func() error {
		_, err := client.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: name})
		return err
	}
	var missing *types.RepositoryNotFoundException
	fmt.Println("not there:", errors.As(begin(), &missing))
	registry.Advance(5 * time.Second)
	fmt.Println("there:", begin() == nil)
	// Output:
	// made: true
	// not there: true
	// there: true
}

// A row of a mock: what a call answers, whatever the registry holds.
func ExampleRule_Answer() {
	_, client := stored(scenarios.Scenario{
		scenarios.On("ListImages").Answer(&ecr.ListImagesOutput{ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v7")}}}),
	})
	out, err := client.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: repository})
	fmt.Println(*out.ImageIds[0].ImageTag, err)
	// Output:
	// v7 <nil>
}

// A deployment that looks for an image as soon as it was put.
func ExampleEventualConsistency() {
	registry, client := stored(scenarios.EventualConsistency("team/app", 5*time.Second))
	if err := tag(client, "v2"); err != nil {
		fmt.Println(err)
	}
	for second := range 3 {
		_, err := client.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: repository, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v2")}}})
		fmt.Println("after", 3*second, "seconds it is there:", err == nil)
		registry.Advance(3 * time.Second)
	}
	// Output:
	// after 0 seconds it is there: false
	// after 3 seconds it is there: false
	// after 6 seconds it is there: true
}

// A pull that hashes what it got and asks again.
func ExampleCorruptLayer() {
	registry, _ := stored(scenarios.CorruptLayer(layer))
	for range 2 {
		content, _ := pull(registry)
		fmt.Println(len(content), "bytes, as they should be:", digest.FromBytes(content).String() == layer)
	}
	// Output:
	// 1000 bytes, as they should be: false
	// 1000 bytes, as they should be: true
}

// A program that goes to the other region.
func ExampleRegionOutage() {
	registry, client := stored(scenarios.RegionOutage("us-east-1"))
	_, err := client.DescribeRepositories(ctx, nil)
	fmt.Println("here:", err != nil, "after", len(registry.Trace()), "attempts")
	_, err = client.DescribeRepositories(ctx, nil, func(o *ecr.Options) { o.Region = "eu-west-1" })
	fmt.Println("there:", err != nil)
	// Output:
	// here: true after 3 attempts
	// there: false
}

// A program that gives up after a second.
func ExampleSlowRegistry() {
	registry, client := stored(scenarios.SlowRegistry(30 * time.Second))
	hurried, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	_, err := client.DescribeRepositories(hurried, nil)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	done := make(chan error)
	go func() { done <- tag(client, "v2") }()
	for { // the time of the world passes as fast as a program likes
		select {
		case err := <-done:
			fmt.Println(err)
			return
		default:
			registry.Advance(time.Second)
		}
	}
	// Output:
	// true
	// <nil>
}

// A push to a repository that is full: the SDK tries three times, in vain.
func ExampleQuotaReached() {
	registry, client := stored(scenarios.QuotaReached("PutImage"))
	var full *types.LimitExceededException
	fmt.Println(errors.As(tag(client, "v2"), &full))
	played(registry)
	// Output:
	// true
	// PutImage LimitExceededException
	// PutImage LimitExceededException
	// PutImage LimitExceededException
}

// A caller whose clock is a quarter of an hour slow.
func ExampleClockSkew() {
	registry, client := stored(scenarios.ClockSkew(15 * time.Minute))
	_, err := client.DescribeRepositories(ctx, nil)
	fmt.Println(err)
	played(registry)
	// Output:
	// <nil>
	// DescribeRepositories HTTP 400 Bad Request
	// DescribeRepositories ok
}

// An operation that is throttled once more than the SDK tries.
func ExampleThrottle() {
	registry, client := stored(scenarios.Throttle("PutImage", 3))
	fmt.Println(strings.HasSuffix(fmt.Sprint(tag(client, "v2")), "ThrottlingException: Rate exceeded"))
	fmt.Println(registry.Trace().Count("PutImage"))
	// Output:
	// true
	// 3
}

// A service that has a problem of its own, and gets over it.
func ExampleFault() {
	registry, client := stored(scenarios.Fault("PutImage", 2))
	fmt.Println(tag(client, "v2"), registry.Trace().Count("PutImage"))
	// Output:
	// <nil> 3
}

// A set-up program in an account of an organization.
func ExampleBlockedByOrganization() {
	_, client := stored(scenarios.BlockedByOrganization())
	_, err := client.PutRegistryScanningConfiguration(ctx, &ecr.PutRegistryScanningConfigurationInput{ScanType: types.ScanTypeEnhanced})
	var blocked *types.BlockedByOrganizationPolicyException
	fmt.Println(errors.As(err, &blocked))
	// Output:
	// true
}

// A verifier that must not take 'cannot say' for 'has no signature'.
func ExampleReferrersUnavailable() {
	_, client := stored(scenarios.ReferrersUnavailable("team/app"))
	_, err := client.ListImageReferrers(ctx, &ecr.ListImageReferrersInput{RepositoryName: repository, SubjectId: &types.SubjectIdentifier{ImageDigest: aws.String(image.Digest())}})
	var unavailable *types.UnableToListUpstreamImageReferrersException
	fmt.Println(errors.As(err, &unavailable))
	// Output:
	// true
}
