package fakeecr_test

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// step is one call of a script that is the same on every face.
type step struct {
	name string
	call func(ctx context.Context, api fakeecr.API) (any, error)
	// rule is in play during the step. With leaves the caller's deadline passes once it
	// keeps the call.
	rule   *scenarios.Rule
	leaves bool
}

func call[In, Out any](method func(fakeecr.API, context.Context, *In, ...func(*ecr.Options)) (*Out, error), in *In) func(context.Context, fakeecr.API) (any, error) {
	return func(ctx context.Context, api fakeecr.API) (any, error) { return method(api, ctx, in) }
}

func script() []step {
	app, image := aws.String("team/app"), fakeecr.RandomImage(1, 100)
	ids := []types.ImageIdentifier{{ImageTag: aws.String("v1")}, {}, {ImageDigest: aws.String("sha256")}}
	describe := call(fakeecr.API.DescribeRepositories, &ecr.DescribeRepositoriesInput{})
	get := call(fakeecr.API.BatchGetImage, &ecr.BatchGetImageInput{RepositoryName: app, ImageIds: ids})
	return []step{
		{name: "an output", call: call(fakeecr.API.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: app})},
		{name: "no input", call: call[ecr.DescribeRepositoriesInput](fakeecr.API.DescribeRepositories, nil)},
		{name: "a modelled exception", call: call(fakeecr.API.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: app})},
		{name: "a constraint", call: call(fakeecr.API.DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: aws.String("_")})},
		{name: "a missing required member", call: call(fakeecr.API.DeleteRepository, &ecr.DeleteRepositoryInput{})},
		{name: "a missing required member of a member", call: call(fakeecr.API.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: app, Tags: []types.Tag{{}}})},
		{name: "an exception with members", call: func(ctx context.Context, api fakeecr.API) (any, error) {
			begun, err := api.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: app})
			if err != nil {
				return nil, err
			}
			return api.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{
				RepositoryName: app, UploadId: begun.UploadId, LayerPartBlob: []byte("part"),
				PartFirstByte: aws.Int64(1), PartLastByte: aws.Int64(4),
			})
		}},
		{name: "bytes", call: func(ctx context.Context, api fakeecr.API) (any, error) {
			return nil, faces.PushThrough(ctx, api, "team/app", "v1", image)
		}},
		{name: "failures beside an output", call: get},
		{name: "a time", call: call(fakeecr.API.DescribeImages, &ecr.DescribeImagesInput{RepositoryName: app})},
		{name: "a download URL", call: call(fakeecr.API.GetDownloadUrlForLayer, &ecr.GetDownloadUrlForLayerInput{
			RepositoryName: app, LayerDigest: aws.String(faces.DigestOf(image.Blobs[0]))})},
		{name: "a token", call: call(fakeecr.API.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{})},
		{name: "a rule with an exception", call: describe, rule: scenarios.On("DescribeRepositories").
			Fail(&types.KmsException{Message: aws.String("no"), KmsError: aws.String("DisabledException")})},
		{name: "a rule with a throttled call", call: describe, rule: scenarios.On(scenarios.Any).Fail(scenarios.Throttled())},
		{name: "a rule with a fault", call: describe, rule: scenarios.On(scenarios.Any).Fail(&types.ServerException{Message: aws.String("on fire")})},
		{name: "a rule with any error", call: describe, rule: scenarios.On(scenarios.Any).Fail(errors.New("boom"))},
		{name: "a rule that loses a reply", call: call(fakeecr.API.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: aws.String("lost")}),
			rule: scenarios.On("CreateRepository").Drop()},
		{name: "what was done before the reply was lost", call: describe},
		{name: "a rule that delays past a deadline", call: describe, rule: scenarios.On(scenarios.Any).Delay(time.Hour), leaves: true},
		{name: "a context that has ended", call: func(ctx context.Context, api fakeecr.API) (any, error) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return api.DescribeRepositories(ctx, nil)
		}},
		{name: "another region", call: func(ctx context.Context, api fakeecr.API) (any, error) {
			return api.DescribeRepositories(ctx, nil, func(o *ecr.Options) { o.Region = "eu-west-1" })
		}},
		{name: "credentials that cannot be had", call: func(ctx context.Context, api fakeecr.API) (any, error) {
			return api.DescribeRepositories(ctx, nil, func(o *ecr.Options) { o.Credentials = unsound{} })
		}},
		{name: "a missing required member beside options", call: func(ctx context.Context, api fakeecr.API) (any, error) {
			return api.DeleteRepository(ctx, nil, func(o *ecr.Options) { o.Credentials = unsound{} })
		}},
	}
}

// result is what a caller sees of a step.
type result struct {
	Step, Text, Chain, RequestID string
	Status                       int
	Output                       any
}

func TestFacesAreEqual(t *testing.T) {
	all := faces.New(t)
	var results [][]result
	for _, f := range all {
		results = append(results, play(t, f))
	}
	for i, want := range results[0] {
		for j := range all[1:] {
			require.Equal(t, want, results[j+1][i], "%s: %s differs from %s", want.Step, all[j+1].Name, all[0].Name)
		}
	}
	want := neutral(all[0].Registry.Trace())
	require.NotEmpty(t, want)
	for _, f := range all[1:] {
		got := neutral(f.Registry.Trace())
		require.Len(t, got, len(want))
		for i := range want {
			require.Equal(t, want[i], got[i], "trace of %s", f.Name)
		}
	}
}

func play(t *testing.T, f faces.Face) []result {
	var results []result
	for _, s := range script() {
		var playing *fakeecr.Playing
		ctx := t.Context()
		if s.rule != nil {
			playing = f.Registry.Play(scenarios.Scenario{s.rule})
		}
		if s.leaves {
			ctx = faces.UntilHeld(ctx, playing)
		}
		calls := len(f.Registry.Trace())
		out, err := s.call(ctx, f.API)
		if playing != nil {
			// Over a socket the server learns a little later that its client has gone.
			_, left := f.Registry.TraceAfter(t.Context(), calls)
			require.NoError(t, left)
			playing.Stop()
		}
		results = append(results, resultOf(s.name, out, err))
	}
	return results
}

// origin is what differs between the faces by their nature: where they are.
var origin = regexp.MustCompile(`https?://[^/"]+`)

func resultOf(name string, out any, err error) result {
	r := result{Step: name, Chain: faces.Chain(err)}
	if err != nil {
		r.Text = origin.ReplaceAllString(err.Error(), "")
		var response *awshttp.ResponseError
		if errors.As(err, &response) {
			r.RequestID, r.Status = response.ServiceRequestID(), response.HTTPStatusCode()
		}
		return r
	}
	if out == nil {
		return r
	}
	value := reflect.ValueOf(out).Elem()
	metadata := value.FieldByName("ResultMetadata")
	r.RequestID, _ = awsmiddleware.GetRequestIDMetadata(metadata.Interface().(middleware.Metadata))
	metadata.SetZero()
	neutralize(value)
	r.Output = out
	return r
}

// neutralize removes times, and the place and signature of download URLs, which
// follow from the time.
func neutralize(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			neutralize(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			neutralize(v.Index(i))
		}
	case reflect.Struct:
		if _, isTime := v.Interface().(time.Time); isTime {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				neutralize(v.Field(i))
			}
		}
	case reflect.String:
		if at, err := url.Parse(v.String()); err == nil && strings.Contains(at.RawQuery, "X-Amz-Signature") {
			v.SetString(at.Path)
		}
		if len(v.String()) > 200 && !strings.Contains(v.String(), "{") {
			v.SetString("a token")
		}
	}
}

// neutral is a trace without its times and faces and without the caller's outputs, which
// are compared above.
func neutral(trace scenarios.Trace) scenarios.Trace {
	for i := range trace {
		call := &trace[i]
		call.Time, call.Output, call.Face = time.Time{}, nil, ""
		if call.Err != nil {
			var api smithy.APIError
			if errors.As(call.Err, &api) {
				call.Err = errors.New(api.ErrorCode() + ": " + api.ErrorMessage())
			}
			if errors.Is(call.Err, context.Canceled) {
				// Over a socket a deadline reaches the server as a client that has gone.
				call.Err = context.DeadlineExceeded
			}
		}
	}
	return trace
}
