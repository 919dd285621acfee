package fakeecr_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

func (f face) downloadURL(t *testing.T, digest string) string {
	t.Helper()
	out, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String(app), LayerDigest: &digest})
	require.NoError(t, err)
	require.Equal(t, digest, *out.LayerDigest)
	return *out.DownloadUrl
}

// answer is what an HTTP client without credentials sees.
type answer struct {
	status int
	header http.Header
	body   string
}

// fetch asks the host of a URL: over the socket if the face has one.
func (f face) fetch(t *testing.T, method, url string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	var transport http.RoundTripper = f.registry.Transport()
	if f.name == "loopback" {
		socket := &http.Transport{}
		defer socket.CloseIdleConnections()
		transport = socket
	}
	response, err := (&http.Client{Transport: transport}).Do(req)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(body)}
}

// requireStoreError holds that the store answered an error as S3 does.
func (a answer) requireStoreError(t *testing.T, status int, code, message string) {
	t.Helper()
	require.Equal(t, status, a.status)
	require.Equal(t, "application/xml", a.header.Get("Content-Type"))
	var body struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}
	require.NoError(t, xml.Unmarshal([]byte(a.body), &body))
	require.Equal(t, []string{code, message}, []string{body.Code, body.Message})
}

const (
	noSuchKey         = "The specified key does not exist."
	signatureMismatch = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)

func TestDownloadURL(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		image := fakeecr.RandomImage(1, 100)
		f.registry.MustPush(app+":v1", image)
		at, err := url.Parse(f.downloadURL(t, digestOf(image.Blobs[0])))
		require.NoError(t, err)
		if f.name == "loopback" {
			require.Equal(t, "http", at.Scheme)
			require.Regexp(t, `^127\.0\.0\.1:\d+$`, at.Host)
		} else {
			require.Equal(t, "https://prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com", at.Scheme+"://"+at.Host)
		}
		query := at.Query()
		require.Equal(t, "AWS4-HMAC-SHA256", query.Get("X-Amz-Algorithm"))
		require.Equal(t, "host", query.Get("X-Amz-SignedHeaders"))
		require.Equal(t, "3600", query.Get("X-Amz-Expires"))
		require.Regexp(t, `^[^/]+/\d{8}/us-east-1/s3/aws4_request$`, query.Get("X-Amz-Credential"))
		require.Regexp(t, `^[0-9a-f]{64}$`, query.Get("X-Amz-Signature"))
		date, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
		require.NoError(t, err)
		require.WithinDuration(t, f.registry.Now(), date, 2*time.Second)
	})
}

func TestDownloadLayer(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		image := fakeecr.RandomImage(1, 10_000)
		content := image.Blobs[0]
		f.registry.MustPush(app+":v1", image)
		at := f.downloadURL(t, digestOf(content))

		whole := f.fetch(t, http.MethodGet, at, "Accept", "application/vnd.oci.image.layer.v1.tar, *")
		require.Equal(t, http.StatusOK, whole.status)
		require.Equal(t, "10000", whole.header.Get("Content-Length"))
		require.Equal(t, "bytes", whole.header.Get("Accept-Ranges"))
		require.True(t, whole.body == string(content))

		for span, want := range map[string]struct{ first, end int }{
			"bytes=0-0":                    {0, 1},
			"bytes=100-199":                {100, 200},
			"bytes=9990-":                  {9990, 10_000},
			"bytes=-10":                    {9990, 10_000},
			"bytes=9990-99999":             {9990, 10_000},
			"bytes=-20000":                 {0, 10_000},
			"bytes=5-99999999999999999999": {5, 10_000},
		} {
			part := f.fetch(t, http.MethodGet, at, "Range", span)
			require.Equal(t, http.StatusPartialContent, part.status, span)
			require.Equal(t, fmt.Sprintf("bytes %d-%d/10000", want.first, want.end-1), part.header.Get("Content-Range"))
			require.True(t, part.body == string(content[want.first:want.end]), span)
		}

		calls := f.registry.Trace().For(scenarios.DownloadLayer)
		require.Len(t, calls, 8)
		require.Equal(t, []string{app, digestOf(content)}, []string{calls[0].Repository, calls[0].Digest})
	})
}

// S3 passes over a range that it does not understand, and answers one range.
func TestDownloadOfOddRanges(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		image := fakeecr.RandomImage(1, 100)
		content := image.Blobs[0]
		f.registry.MustPush(app+":v1", image)
		at := f.downloadURL(t, digestOf(content))
		etag := f.fetch(t, http.MethodHead, at).header.Get("ETag")

		for _, span := range []string{"lines=0-9", "0-9", "bytes=", "bytes=-", "bytes=9", "bytes=a-b", "bytes=9-0", "bytes=200-100", "bytes=0-1,5-6", "bytes=-1,200-"} {
			whole := f.fetch(t, http.MethodGet, at, "Range", span)
			require.Equal(t, http.StatusOK, whole.status, span)
			require.Empty(t, whole.header.Get("Content-Range"))
			require.True(t, whole.body == string(content), span)
		}
		for _, span := range []string{"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"} {
			refused := f.fetch(t, http.MethodGet, at, "Range", span)
			refused.requireStoreError(t, http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
			require.Contains(t, refused.body, "<RangeRequested>"+span+"</RangeRequested><ActualObjectSize>100</ActualObjectSize><RequestId>"+refused.header.Get("X-Amz-Request-Id")+"</RequestId></Error>")
			head := f.fetch(t, http.MethodHead, at, "Range", span)
			require.Equal(t, http.StatusRequestedRangeNotSatisfiable, head.status)
			require.Empty(t, head.body)
		}
		require.ErrorContains(t, f.registry.Trace()[len(f.registry.Trace())-1].Err, "InvalidRange")

		require.Equal(t, http.StatusPartialContent, f.fetch(t, http.MethodGet, at, "Range", "bytes=0-9", "If-Range", etag).status)
		for _, span := range []string{"bytes=0-9", "bytes=100-"} {
			require.Equal(t, http.StatusOK, f.fetch(t, http.MethodGet, at, "Range", span, "If-Range", `"another"`).status)
		}
		require.Equal(t, http.StatusNotModified, f.fetch(t, http.MethodGet, at, "If-None-Match", etag).status)
		require.Equal(t, http.StatusPreconditionFailed, f.fetch(t, http.MethodGet, at, "If-Match", `"another"`).status)
	})
}

// A layer is served from the parts that it came in.
func TestDownloadAcrossParts(t *testing.T) {
	content := repeated([]byte("0123456789abcdef"), 2*minPart+100)
	image := imageOf([]byte("{}"), content)
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		f.pushLayer(t, app, content, minPart)
		f.pushLayer(t, app, []byte("{}"), 2)
		_, err := f.putImage(t, app, image, "v1")
		require.NoError(t, err)
		at := f.downloadURL(t, digestOf(content))
		require.True(t, f.fetch(t, http.MethodGet, at).body == string(content))
		span := fmt.Sprintf("bytes=%d-%d", minPart-3, 2*minPart+2)
		require.True(t, f.fetch(t, http.MethodGet, at, "Range", span).body == string(content[minPart-3:2*minPart+3]))
	})
}

func TestDownloadRefusals(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		image := fakeecr.RandomImage(1, 100, 200)
		f.registry.MustPush(app+":v1", image)
		layer, other := digestOf(image.Blobs[0]), digestOf(image.Blobs[1])
		at := f.downloadURL(t, layer)

		for name, changed := range map[string]string{
			"of another layer":    strings.Replace(at, layer, other, 1),
			"of a later date":     strings.Replace(at, "X-Amz-Date=2", "X-Amz-Date=3", 1),
			"without a signature": at[:strings.IndexByte(at, '?')],
			"of another world":    direct(newWorldWith(t, image)).downloadURLAt(t, layer, at),
		} {
			t.Run(name, func(t *testing.T) {
				require.NotEqual(t, at, changed)
				f.fetch(t, http.MethodGet, changed).requireStoreError(t, http.StatusForbidden, "SignatureDoesNotMatch", signatureMismatch)
			})
		}
		query := parsed(t, at).Query()
		require.Len(t, query, 6)
		for name, values := range query {
			for how, change := range map[string]func(url.Values){
				"missing": func(q url.Values) { q.Del(name) },
				"changed": func(q url.Values) { q.Set(name, values[0]+"0") },
				"twice":   func(q url.Values) { q.Add(name, values[0]) },
				"renamed": func(q url.Values) { q.Del(name); q.Set(strings.ToLower(name), values[0]) },
			} {
				t.Run(name+" "+how, func(t *testing.T) {
					changed := parsed(t, at)
					q := changed.Query()
					change(q)
					changed.RawQuery = q.Encode()
					f.fetch(t, http.MethodGet, changed.String()).requireStoreError(t, http.StatusForbidden, "SignatureDoesNotMatch", signatureMismatch)
				})
			}
		}
		for _, more := range []string{"&response-content-type=text/html", "&x", "&a;b", "&%zz"} {
			f.fetch(t, http.MethodGet, at+more).requireStoreError(t, http.StatusForbidden, "SignatureDoesNotMatch", signatureMismatch)
		}
		first, rest, _ := strings.Cut(parsed(t, at).RawQuery, "&")
		require.Equal(t, http.StatusOK, f.fetch(t, http.MethodGet, strings.Replace(at, first+"&"+rest, rest+"&"+first, 1)).status, "their order is free")

		head := f.fetch(t, http.MethodHead, at)
		require.Equal(t, http.StatusOK, head.status)
		require.Equal(t, "100", head.header.Get("Content-Length"))
		require.Empty(t, head.body)
		f.fetch(t, http.MethodPost, at).requireStoreError(t, http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		origin := at[:strings.Index(at, "/starport-layer-bucket/")]
		for _, path := range []string{"/starport-layer-bucket/", "/starport-layer-bucket/123456789012"} {
			f.fetch(t, http.MethodGet, origin+path).requireStoreError(t, http.StatusNotFound, "NoSuchKey", noSuchKey)
		}

		_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(app), Force: true})
		require.NoError(t, err)
		f.fetch(t, http.MethodGet, at).requireStoreError(t, http.StatusNotFound, "NoSuchKey", noSuchKey)
	})
}

// S3 refuses the registry's credentials beside those of its URL. Elsewhere than at its
// own host they are passed over, because clients keep them on one host.
func TestDownloadWithASecondAuth(t *testing.T) {
	const only = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"
	onAllFaces(t, func(t *testing.T, f face) {
		image := fakeecr.RandomImage(1, 100)
		f.registry.MustPush(app+":v1", image)
		at := f.downloadURL(t, digestOf(image.Blobs[0]))
		got := f.fetch(t, http.MethodGet, at, "Authorization", "Basic QVdTOng=")
		if f.name == "loopback" {
			require.Equal(t, http.StatusOK, got.status)
			return
		}
		got.requireStoreError(t, http.StatusBadRequest, "InvalidArgument", only)
		require.Contains(t, got.body, "<ArgumentName>Authorization</ArgumentName><ArgumentValue>Basic QVdTOng=</ArgumentValue>")
		calls := f.registry.Trace().For(scenarios.DownloadLayer)
		require.ErrorContains(t, calls[len(calls)-1].Err, "InvalidArgument")
		require.Equal(t, http.StatusOK, f.fetch(t, http.MethodGet, at).status)
	})
}

// What a rule fails a download with S3 says in its own words, where it has some.
func TestDownloadRefusedByARule(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		image := fakeecr.RandomImage(1, 100)
		f.registry.MustPush(app+":v1", image)
		at := f.downloadURL(t, digestOf(image.Blobs[0]))
		for _, c := range []struct {
			err           error
			status        int
			code, message string
		}{
			{scenarios.Throttled(), 503, "SlowDown", "Please reduce your request rate."},
			{&types.ServerException{}, 500, "InternalError", "We encountered an internal error. Please try again."},
			{&smithy.GenericAPIError{Code: "AccessDenied", Message: "Access Denied"}, 400, "AccessDenied", "Access Denied"},
			{errors.New("boom"), 500, "InternalError", "boom"},
		} {
			playing := f.registry.Play(scenarios.Scenario{scenarios.On(scenarios.DownloadLayer).Fail(c.err)})
			f.fetch(t, http.MethodGet, at).requireStoreError(t, c.status, c.code, c.message)
			playing.Stop()
		}
	})
}

func parsed(t *testing.T, at string) *url.URL {
	t.Helper()
	u, err := url.Parse(at)
	require.NoError(t, err)
	return u
}

func newWorldWith(t *testing.T, image fakeecr.Image) *fakeecr.Registry {
	registry := fakeecr.New(t)
	registry.MustPush(app+":v1", image)
	return registry
}

// downloadURLAt is the URL of this face's world at the origin of another URL.
func (f face) downloadURLAt(t *testing.T, digest, other string) string {
	_, path, _ := strings.Cut(f.downloadURL(t, digest), "/starport-layer-bucket/")
	origin, _, _ := strings.Cut(other, "/starport-layer-bucket/")
	return origin + "/starport-layer-bucket/" + path
}

func TestDownloadURLExpires(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		image := fakeecr.RandomImage(1, 100)
		f.registry.MustPush(app+":v1", image)
		at := f.downloadURL(t, digestOf(image.Blobs[0]))
		f.registry.Advance(59 * time.Minute)
		require.True(t, f.fetch(t, http.MethodGet, at).body == string(image.Blobs[0]))
		f.registry.Advance(time.Minute)
		f.fetch(t, http.MethodGet, at).requireStoreError(t, http.StatusForbidden, "AccessDenied", "Request has expired")
	})
}

// A fork knows the URLs of the world that it was forked from, and serves them on
// its own.
func TestDownloadFromAFork(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	original := direct(newWorldWith(t, image))
	at := original.downloadURL(t, digestOf(image.Blobs[0]))
	fork := direct(original.registry.Fork(t))
	_, err := original.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(app), Force: true})
	require.NoError(t, err)
	require.True(t, bytes.Equal([]byte(fork.fetch(t, http.MethodGet, at).body), image.Blobs[0]))
	require.Equal(t, http.StatusNotFound, original.fetch(t, http.MethodGet, at).status)
}
