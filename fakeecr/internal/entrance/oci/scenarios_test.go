package oci_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// The exceptions of the API, as rules raise them, in the endpoint's form.
func TestRegistryErrors(t *testing.T) {
	message := aws.String("Sentence.")
	client := func(code string) error {
		return &smithy.GenericAPIError{Code: code, Message: "Sentence.", Fault: smithy.FaultClient}
	}
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{&types.RepositoryNotFoundException{Message: message}, 404, "NAME_UNKNOWN"},
		{&types.ImageNotFoundException{Message: message}, 404, "MANIFEST_UNKNOWN"},
		{&types.ImageTagAlreadyExistsException{Message: message}, 400, "TAG_INVALID"},
		{&types.InvalidParameterException{Message: message}, 405, "UNSUPPORTED"},
		{&types.InvalidLayerException{Message: message}, 400, "BLOB_UPLOAD_INVALID"},
		{&types.InvalidLayerPartException{Message: message}, 416, "BLOB_UPLOAD_INVALID"},
		{&types.LayerPartTooSmallException{Message: message}, 400, "BLOB_UPLOAD_INVALID"},
		{&types.EmptyUploadException{Message: message}, 400, "BLOB_UPLOAD_INVALID"},
		{&types.UploadNotFoundException{Message: message}, 404, "BLOB_UPLOAD_UNKNOWN"},
		{&types.LayersNotFoundException{Message: message}, 404, "BLOB_UNKNOWN"},
		{&types.LayerInaccessibleException{Message: message}, 404, "BLOB_UNKNOWN"},
		{&types.ReferencedImagesNotFoundException{Message: message}, 400, "MANIFEST_BLOB_UNKNOWN"},
		{&types.ImageDigestDoesNotMatchException{Message: message}, 400, "MANIFEST_INVALID"},
		{&types.LimitExceededException{Message: message}, 403, "DENIED"},
		{&types.KmsException{Message: message}, 403, "DENIED"},
		{&types.UnableToGetUpstreamImageException{Message: message}, 403, "DENIED"},
		{&types.UnableToGetUpstreamLayerException{Message: message}, 403, "DENIED"},
		{&types.UnableToListUpstreamImageReferrersException{Message: message}, 403, "DENIED"},
		{&types.ServerException{Message: message}, 500, "UNKNOWN"},
		{client("AccessDeniedException"), 403, "DENIED"},
		{client("ExpiredTokenException"), 403, "DENIED"},
		{client("ThrottlingException"), 429, "TOOMANYREQUESTS"},
		{client("OtherException"), 400, "UNKNOWN"},
		{errors.New("Sentence."), 500, "UNKNOWN"},
	} {
		r := fakeecr.New(t, fakeecr.WithScenario(scenarios.Scenario{scenarios.On("ListImages").Fail(c.err)}))
		e := &faces.Endpoint{Registry: r, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: r.Transport()}}
		e.Authorization = "Basic " + faces.AuthorizationToken(t, r)
		e.RequireRefused(t, c.status, c.code, "Sentence.", "GET", "/v2/team/app/tags/list", "")
	}
}

func TestRulesReachTheRegistry(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		image := stored(t, e, "{}", "layer")
		e.Registry.Play(scenarios.Throttle("PutImage", 2))
		for range 2 {
			e.RequireRefused(t, 429, "TOOMANYREQUESTS", "Rate exceeded", "PUT", faces.ManifestsOf+"v1", string(image.Manifest), "Content-Type", faces.OCIManifest)
		}
		require.Equal(t, 201, putManifest(t, e, "v1", image).Status)
		puts := e.Registry.Trace().For("PutImage")
		require.Len(t, puts, 3)
		require.Equal(t, []string{"throttle PutImage 2 times"}, puts[0].Rules)
		require.Equal(t, 3, len(e.Registry.Trace().Where(scenarios.Through(scenarios.FaceRegistry))))

		// One item of a batch, an answer in the service's place, and a call that is
		// answered with nothing.
		e.Registry.Play(scenarios.Scenario{scenarios.On("BatchGetImage").First(1).FailItem(1, string(types.ImageFailureCodeUpstreamTooManyRequests), "Slow down.")})
		e.RequireRefused(t, 429, "TOOMANYREQUESTS", "Slow down.", "GET", faces.ManifestsOf+"v1", "")
		e.Registry.Play(scenarios.Scenario{scenarios.On("BatchGetImage").First(1).Fail(&scenarios.Response{
			Status: 503, Header: http.Header{"Retry-After": {"7"}}, Body: "<html>",
		})})
		got := e.Do(t, "GET", faces.ManifestsOf+"v1", "")
		require.Equal(t, 503, got.Status)
		require.Equal(t, "7", got.Header.Get("Retry-After"))
		require.Equal(t, "<html>", got.Body)

		// A manifest that was damaged on its way has the digest of the one that was
		// not.
		e.Registry.Play(scenarios.Scenario{scenarios.On("BatchGetImage").First(1).Reserialise()})
		damaged := e.Do(t, "GET", faces.ManifestsOf+"v1", "")
		require.NotEqual(t, string(image.Manifest), damaged.Body)
		require.JSONEq(t, string(image.Manifest), damaged.Body)

		e.Registry.Play(scenarios.Scenario{scenarios.On("PutImage", scenarios.Through(scenarios.FaceAPI)).Fail(scenarios.Throttled()).Optional()})
		require.Equal(t, 201, putManifest(t, e, "v2", image).Status)
	})
}

// What becomes of a reply on its way becomes of the endpoint's.
func TestRegistryRepliesAreDamaged(t *testing.T) {
	image := fakeecr.RandomImage(1, 10)
	lost := func(err error) { require.ErrorIs(t, err, io.EOF) }
	for name, c := range map[string]struct {
		rule *scenarios.Rule
		want func(err error)
	}{
		"lost":    {scenarios.On("PutImage").Drop(), lost},
		"reset":   {scenarios.On("PutImage").Fail(scenarios.ErrConnectionReset), func(err error) { require.ErrorIs(t, err, syscall.ECONNRESET) }},
		"refused": {scenarios.On("PutImage").Fail(scenarios.ErrConnectionRefused), func(err error) { require.Error(t, err) }},
	} {
		t.Run(name, func(t *testing.T) {
			server := fakeecr.NewServer(t)
			for _, e := range []*faces.Endpoint{
				{Registry: server.Registry, Origin: server.URL, Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}},
				{Registry: server.Registry, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: server.Transport()}},
			} {
				server.MustPush(faces.App+":v1", image)
				e.Authorization = "Basic " + faces.AuthorizationToken(t, server)
				playing := server.Play(scenarios.Scenario{c.rule})
				_, err := e.Send(t, "PUT", faces.ManifestsOf+"v2", string(image.Manifest), "Content-Type", faces.OCIManifest)
				c.want(err)
				playing.Stop()
				put := name == "lost"
				require.Equal(t, put, e.Do(t, "HEAD", faces.ManifestsOf+"v2", "").Status == 200, "whether the image was put")
				require.Equal(t, 202, e.Do(t, "DELETE", faces.ManifestsOf+image.Digest(), "").Status)
			}
		})
	}
}

func TestRegistryRepliesAreCutAndSlow(t *testing.T) {
	image := fakeecr.RandomImage(1, 10)
	server := fakeecr.NewServer(t)
	server.MustPush(faces.App+":v1", image)
	for _, e := range []*faces.Endpoint{
		{Registry: server.Registry, Origin: server.URL, Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}},
		{Registry: server.Registry, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: server.Transport()}},
	} {
		e.Authorization = "Basic " + faces.AuthorizationToken(t, server)
		cut := server.Play(scenarios.Scenario{scenarios.On("BatchGetImage").CutAfter(100)})
		got, err := e.Send(t, "GET", faces.ManifestsOf+"v1", "")
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, string(image.Manifest[:100]), got.Body)
		cut.Stop()

		reset := server.Play(scenarios.Scenario{scenarios.On("BatchGetImage").ResetAfter(100)})
		_, err = e.Send(t, "GET", faces.ManifestsOf+"v1", "")
		require.ErrorIs(t, err, syscall.ECONNRESET)
		reset.Stop()

		held := server.Play(scenarios.Scenario{scenarios.On("BatchGetImage").Hold()})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		answered := make(chan int, 1)
		go func() {
			req, _ := http.NewRequestWithContext(ctx, "GET", e.Origin+faces.ManifestsOf+"v1", strings.NewReader(""))
			req.Header.Set("Authorization", e.Authorization)
			response, err := e.Client.Do(req)
			if err != nil {
				answered <- 0
				return
			}
			response.Body.Close()
			answered <- response.StatusCode
		}()
		require.NoError(t, held.WaitHeld(ctx, 1))
		held.Release()
		require.Equal(t, 200, <-answered)
		cancel()
		held.Stop()
	}
}

// A part that comes as a stream is met by rules and stands in the trace like one of
// the API.
func TestRulesOnStreamedParts(t *testing.T) {
	layer := strings.Repeat("layer", 40_000)
	digest := faces.DigestOf([]byte(layer))
	finish := "?digest=" + digest
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		push := func() faces.Reply {
			upload := e.Begin(t)
			if got := stream(t, e, "PATCH", upload, strings.NewReader(layer)); got.Status != 201 {
				return got
			}
			return e.Do(t, "PUT", upload+finish, "")
		}
		during := func(rule *scenarios.Rule) faces.Reply {
			playing := e.Registry.Play(scenarios.Scenario{rule})
			defer playing.Stop()
			return push()
		}
		part := scenarios.On("UploadLayerPart")
		got := during(part.First(1).Fail(scenarios.Throttled()))
		require.Equal(t, 429, got.Status)
		require.Contains(t, got.Body, "TOOMANYREQUESTS")
		require.Equal(t, 400, during(part.Garble(int64(len(layer)-1))).Status)
		require.Equal(t, 201, during(part.Garble(int64(len(layer))).Optional()).Status, "there is no such byte")
		require.Equal(t, 416, during(part.Twice()).Status)
		shown := 0
		require.Equal(t, 201, during(part.With(scenarios.Around(countBytes(&shown)))).Status)
		require.Equal(t, len(layer), shown)
		parts := e.Registry.Trace().For("UploadLayerPart")
		require.EqualValues(t, len(layer), parts[len(parts)-1].Bytes)
		require.Equal(t, 400, during(part.With(scenarios.Around(cutBytes))).Status)

		e.Registry.Play(scenarios.Scenario{scenarios.On("UploadLayerPart", scenarios.Through(scenarios.FaceAPI)).Fail(scenarios.Throttled()).Optional()})
		require.Equal(t, 201, push().Status)
		parts = e.Registry.Trace().For("UploadLayerPart")
		last := parts[len(parts)-1]
		require.EqualValues(t, len(layer), last.Bytes)
		require.Equal(t, digest, last.Digest)
		require.Equal(t, scenarios.FaceRegistry, last.Face)
		in := last.Input.(*ecr.UploadLayerPartInput)
		require.Equal(t, []int64{0, int64(len(layer) - 1)}, []int64{*in.PartFirstByte, *in.PartLastByte})
		require.Empty(t, in.LayerPartBlob)
	})

	full := fakeecr.New(t, fakeecr.WithFullTrace(), fakeecr.WithOpenRegistry())
	faces.Create(t, full, faces.App)
	e := &faces.Endpoint{Registry: full, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: full.Transport()}}
	require.Equal(t, 201, stream(t, e, "PATCH", e.Begin(t), strings.NewReader(layer)).Status)
	require.True(t, layer == string(full.Trace().For("UploadLayerPart")[0].Input.(*ecr.UploadLayerPartInput).LayerPartBlob))
}

// Rules meet what came of a body that broke off as they meet a whole one, and what they
// make of it stays. One that fails the call leaves the upload as it was.
func TestRulesOnBrokenParts(t *testing.T) {
	shown := 0
	part := scenarios.On("UploadLayerPart")
	for name, c := range map[string]struct {
		rule  *scenarios.Rule
		stays string
	}{
		"shown":   {part.With(scenarios.Around(countBytes(&shown))), "layer"},
		"garbled": {part.Garble(0), "\x93ayer"},
		"refused": {part.Fail(scenarios.Throttled()), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := fakeecr.New(t, fakeecr.WithOpenRegistry())
			faces.Create(t, r, faces.App)
			e := &faces.Endpoint{Registry: r, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: r.Transport()}}
			upload := e.Begin(t)
			r.Play(scenarios.Scenario{c.rule})
			req, err := http.NewRequestWithContext(t.Context(), "PATCH", e.Origin+upload, io.MultiReader(strings.NewReader("layer"), iotest.ErrReader(errNoMore)))
			require.NoError(t, err)
			_, err = r.Transport().RoundTrip(req)
			require.ErrorIs(t, err, errNoMore)
			parts := r.Trace().For("UploadLayerPart")
			require.Error(t, parts[len(parts)-1].Err)
			want := 201
			if c.stays == "" {
				want = 400
			}
			require.Equal(t, want, e.Do(t, "PUT", upload+"?digest="+faces.DigestOf([]byte(c.stays)), "").Status)
		})
	}
	require.Equal(t, 5, shown)
}

type uploadPart = func(context.Context, *ecr.UploadLayerPartInput) (*ecr.UploadLayerPartOutput, error)

func countBytes(n *int) func(context.Context, *ecr.UploadLayerPartInput, uploadPart) (*ecr.UploadLayerPartOutput, error) {
	return func(ctx context.Context, in *ecr.UploadLayerPartInput, next uploadPart) (*ecr.UploadLayerPartOutput, error) {
		*n = len(in.LayerPartBlob)
		return next(ctx, in)
	}
}

func cutBytes(ctx context.Context, in *ecr.UploadLayerPartInput, next uploadPart) (*ecr.UploadLayerPartOutput, error) {
	cut := *in
	cut.LayerPartBlob = in.LayerPartBlob[1:]
	cut.PartLastByte = aws.Int64(*in.PartLastByte - 1)
	return next(ctx, &cut)
}
