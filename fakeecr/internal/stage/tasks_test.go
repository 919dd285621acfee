package stage_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// A task is what a caller does whom a fault meets.
type task struct {
	// world is what its world has besides. It may be nil.
	world func(t *testing.T) []fakeecr.Option
	// prepare comes before the fault is in play, and besides while it is, once
	// others are to have called.
	prepare func(t *testing.T, on faces.Face)
	besides func(t *testing.T, on faces.Face, playing *fakeecr.Playing)
	do      func(ctx context.Context, t *testing.T, on faces.Face) (saw string, err error)
	// request is the same task at the registry endpoint; nil for one that a client of
	// registries has no request for.
	request func(ctx context.Context, t *testing.T, e *faces.Endpoint) (saw string, err error)
	// advances is for a task that lets time pass by itself.
	advances bool
	// done is how often the task was done, as the world shows it; nil for one that
	// changes nothing.
	done func(t *testing.T, on faces.Face) int
}

var (
	faultImage = fakeecr.RandomImage(1, 100)
	faultLayer = digest.FromBytes(faultImage.Blobs[0]).String()
	faultIndex = faces.IndexOf(faultImage)
	child      = faultImage.Digest()
)

func seeded(t *testing.T, on faces.Face) { on.Registry.MustPush("team/app:v1", faultImage) }

// putting tags an image that is there.
var putting = task{
	prepare: seeded,
	do: func(ctx context.Context, _ *testing.T, on faces.Face) (string, error) {
		return "ok", put(ctx, on, "v2")
	},
	request: requestPut,
	done:    func(t *testing.T, on faces.Face) int { return taggedV2(t, on) },
}

// put tags the image of the faults.
func put(ctx context.Context, on fakeecr.API, tag string) error {
	_, err := on.PutImage(ctx, &ecr.PutImageInput{RepositoryName: aws.String("team/app"), ImageManifest: aws.String(string(faultImage.Manifest)), ImageTag: &tag})
	return err
}

func taggedV2(t *testing.T, on faces.Face) int {
	out, err := on.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app"), ImageIds: faces.Tagged("v2")})
	if missing := new(types.ImageNotFoundException); errors.As(err, &missing) {
		return 0
	}
	require.NoError(t, err)
	return len(out.ImageDetails)
}

// putBesides is a put while another waits for it.
var putBesides = task{
	prepare: seeded,
	besides: func(t *testing.T, on faces.Face, playing *fakeecr.Playing) {
		done, end := context.WithCancel(context.Background())
		go func() {
			defer end()
			put(t.Context(), on.Registry, "v3")
		}()
		t.Cleanup(func() { <-done.Done() })
		require.NoError(t, playing.WaitHeld(done, 1), "it waits")
	},
	do: putting.do, request: putting.request, done: putting.done,
}

// putAfter is a put just after another.
var putAfter = task{
	prepare: seeded,
	besides: func(t *testing.T, on faces.Face, _ *fakeecr.Playing) {
		require.NoError(t, put(t.Context(), on.Registry, "v3"))
	},
	do: putting.do, request: putting.request, done: putting.done,
}

var deletion = task{
	prepare: seeded,
	request: requestDelete,
	do: func(ctx context.Context, t *testing.T, on faces.Face) (string, error) {
		out, err := on.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}})
		if err == nil && len(out.Failures) > 0 {
			return fmt.Sprintf("the failure %s", out.Failures[0].FailureCode), nil
		}
		return "ok", err
	},
	done: func(t *testing.T, on faces.Face) int {
		left, err := on.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		return 1 - len(left.ImageIds)
	},
}

// tagList reads a page of tags, and those behind it.
var tagList = task{
	prepare: func(t *testing.T, on faces.Face) {
		for _, tag := range []string{"v1", "v2", "v3"} {
			on.Registry.MustPush("team/app:"+tag, faultImage)
		}
	},
	request: requestTags,
	do: func(ctx context.Context, t *testing.T, on faces.Face) (string, error) {
		first, err := on.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
		if err != nil {
			return "", err
		}
		if first.NextToken == nil {
			return fmt.Sprintf("%d of 3 tags", len(first.ImageIds)), nil
		}
		rest, err := on.Registry.Fork(nil).ListImages(ctx, &ecr.ListImagesInput{RepositoryName: aws.String("team/app"), NextToken: first.NextToken})
		require.NoError(t, err)
		require.Nil(t, rest.NextToken)
		require.Equal(t, 3, len(first.ImageIds)+len(rest.ImageIds))
		return fmt.Sprintf("%d of 3 tags, and more", len(first.ImageIds)), nil
	},
}

var authorization = task{
	do: func(ctx context.Context, t *testing.T, on faces.Face) (string, error) {
		out, err := on.GetAuthorizationToken(ctx, nil)
		if err != nil {
			return "", err
		}
		if out == nil || len(out.AuthorizationData) == 0 {
			return "an empty output", nil
		}
		if _, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken); err != nil {
			return "a token that is no base64", nil
		}
		return "ok", nil
	},
}

var uploading = task{
	prepare: func(t *testing.T, on faces.Face) { faces.Create(t, on, "team/app") },
	request: requestUpload,
	do: func(ctx context.Context, t *testing.T, on faces.Face) (string, error) {
		begun, err := on.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		blob := slices.Clone(faultImage.Blobs[0])
		if _, err := on.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{RepositoryName: aws.String("team/app"), UploadId: begun.UploadId,
			PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(99), LayerPartBlob: blob}); err != nil {
			return "", err
		}
		require.Equal(t, faultImage.Blobs[0], blob, "the caller's own bytes")
		_, err = on.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{RepositoryName: aws.String("team/app"), UploadId: begun.UploadId, LayerDigests: []string{faultLayer}})
		return "ok", err
	},
	done: func(t *testing.T, on faces.Face) int {
		out, err := on.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String("team/app"), LayerDigests: []string{faultLayer}})
		require.NoError(t, err)
		n := 0
		for _, layer := range out.Layers {
			if layer.LayerAvailability == types.LayerAvailabilityAvailable {
				n++
			}
		}
		return n
	},
}

var manifest = task{
	prepare: seeded,
	request: requestManifest,
	do: func(ctx context.Context, t *testing.T, on faces.Face) (string, error) {
		out, err := on.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}})
		if err != nil {
			return "", err
		}
		if len(out.Failures) > 0 {
			return fmt.Sprintf("the failure %s", out.Failures[0].FailureCode), nil
		}
		require.JSONEq(t, string(faultImage.Manifest), *out.Images[0].ImageManifest)
		if digest.FromString(*out.Images[0].ImageManifest).String() != faultImage.Digest() {
			return "a manifest with another digest", nil
		}
		return "ok", nil
	},
}

// children pulls an index by its tag, and then its one child.
var children = task{
	prepare: func(t *testing.T, on faces.Face) { on.Registry.MustPush("team/app:all", faultIndex) },
	request: func(ctx context.Context, t *testing.T, e *faces.Endpoint) (string, error) {
		require.Equal(t, 200, e.Do(t, "GET", faces.ManifestsOf+"all", "").Status)
		got, err := e.SendWithin(ctx, t, "GET", faces.ManifestsOf+child, "")
		return told(got), err
	},
	do: func(ctx context.Context, t *testing.T, on faces.Face) (string, error) {
		for _, id := range []types.ImageIdentifier{{ImageTag: aws.String("all")}, {ImageDigest: &child}} {
			out, err := on.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{id}})
			switch {
			case err != nil:
				return "", err
			case len(out.Failures) > 0:
				return fmt.Sprintf("the failure %s", out.Failures[0].FailureCode), nil
			}
		}
		return "ok", nil
	},
}

var download = task{
	prepare: seeded,
	request: requestDownload,
	do: func(ctx context.Context, t *testing.T, on faces.Face) (string, error) {
		url, err := on.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("team/app"), LayerDigest: &faultLayer})
		require.NoError(t, err)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, *url.DownloadUrl, nil)
		require.NoError(t, err)
		client := &http.Client{}
		if on.Name != "loopback" {
			client.Transport = on.Registry.Transport()
		}
		response, err := client.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		switch {
		case err != nil:
			return "", err
		case response.StatusCode != http.StatusOK:
			answer := faces.Reply{Status: response.StatusCode, Body: string(content)}
			return "status " + told(answer), nil
		case len(content) != len(faultImage.Blobs[0]):
			return fmt.Sprintf("%d bytes of %d", len(content), len(faultImage.Blobs[0])), nil
		case digest.FromBytes(content).String() != faultLayer:
			return "a layer with another digest", nil
		}
		return "ok", nil
	},
}

// tagging looks for a tag that was put just now.
var tagging = task{
	prepare: seeded,
	do: func(ctx context.Context, t *testing.T, on faces.Face) (string, error) {
		require.NoError(t, put(ctx, on, "v2"))
		out, err := on.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: aws.String("team/app"), ImageIds: faces.Tagged("v2")})
		if err == nil && len(out.Failures) > 0 {
			return fmt.Sprintf("the failure %s", out.Failures[0].FailureCode), nil
		}
		return "ok", err
	},
	request: requestTag,
	done:    putting.done,
}

// What somebody sees who looks an hour later at what the world has done by itself.
var (
	scanning    = lookAtEvent(scenarios.CompleteScan, "the scan")
	previewing  = lookAtEvent(scenarios.CompleteLifecyclePolicyPreview, "the preview")
	expiry      = lookAtEvent(scenarios.RunLifecyclePolicy, "the old image")
	replicating = lookAtEvent(scenarios.ReceiveReplica, "the replica")
	activation  = lookAtEvent(scenarios.ActivateImage, "the image")
	signature   = lookAtEvent(scenarios.SignImage, "the signature")
)

func lookAtEvent(operation, what string) *task {
	for _, event := range faces.Events {
		if event.Operation == operation {
			var digest string
			return &task{
				// The fault is in play before the event can be due.
				besides: func(t *testing.T, on faces.Face, _ *fakeecr.Playing) { digest = event.Prepare(t, on) },
				do: func(_ context.Context, t *testing.T, on faces.Face) (string, error) {
					on.Registry.Advance(time.Hour)
					return what + ": " + strings.TrimSpace(event.See(t, on, digest)), nil
				},
				advances: true,
			}
		}
	}
	panic(operation)
}

// looking pulls an image through a cache.
var looking = task{
	world: func(t *testing.T) []fakeecr.Option {
		hub := fakeecr.New(t)
		hub.MustPush("team/app:v1", faultImage)
		return []fakeecr.Option{fakeecr.WithUpstream("quay.io", hub.Upstream())}
	},
	prepare: func(t *testing.T, on faces.Face) { faces.CreateRule(t, on, faces.Cached("quay", "quay.io")) },
	request: requestThrough,
	do: func(ctx context.Context, t *testing.T, on faces.Face) (string, error) {
		out, err := on.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: aws.String("quay/team/app"), ImageIds: faces.Tagged("v1")})
		if err == nil && len(out.Failures) > 0 {
			return fmt.Sprintf("the failure %s", out.Failures[0].FailureCode), nil
		}
		return "ok", err
	},
}
