package registry_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
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
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// requireStoreError holds that the store answered an error as S3 does.
func requireStoreError(t *testing.T, got faces.Reply, status int, code, message string) {
	t.Helper()
	require.Equal(t, status, got.Status)
	require.Equal(t, "application/xml", got.Header.Get("Content-Type"))
	var body struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}
	require.NoError(t, xml.Unmarshal([]byte(got.Body), &body))
	require.Equal(t, []string{code, message}, []string{body.Code, body.Message})
}

const (
	noSuchKey         = "The specified key does not exist."
	signatureMismatch = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)

func TestDownloadURL(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 100)
		f.Registry.MustPush(faces.App+":v1", image)
		at, err := url.Parse(f.DownloadURL(t, faces.DigestOf(image.Blobs[0])))
		require.NoError(t, err)
		if f.Name == "loopback" {
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
		require.WithinDuration(t, f.Registry.Now(), date, 2*time.Second)
	})
}

func TestDownloadLayer(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 10_000)
		content := image.Blobs[0]
		f.Registry.MustPush(faces.App+":v1", image)
		at := f.DownloadURL(t, faces.DigestOf(content))

		whole := f.Fetch(t, http.MethodGet, at, "Accept", "application/vnd.oci.image.layer.v1.tar, *")
		require.Equal(t, http.StatusOK, whole.Status)
		require.Equal(t, "10000", whole.Header.Get("Content-Length"))
		require.Equal(t, "bytes", whole.Header.Get("Accept-Ranges"))
		require.True(t, whole.Body == string(content))

		for span, want := range map[string]struct{ first, end int }{
			"bytes=0-0":                    {0, 1},
			"bytes=100-199":                {100, 200},
			"bytes=9990-":                  {9990, 10_000},
			"bytes=-10":                    {9990, 10_000},
			"bytes=9990-99999":             {9990, 10_000},
			"bytes=-20000":                 {0, 10_000},
			"bytes=5-99999999999999999999": {5, 10_000},
		} {
			part := f.Fetch(t, http.MethodGet, at, "Range", span)
			require.Equal(t, http.StatusPartialContent, part.Status, span)
			require.Equal(t, fmt.Sprintf("bytes %d-%d/10000", want.first, want.end-1), part.Header.Get("Content-Range"))
			require.True(t, part.Body == string(content[want.first:want.end]), span)
		}

		calls := f.Registry.Trace().For(scenarios.DownloadLayer)
		require.Len(t, calls, 8)
		require.Equal(t, []string{faces.App, faces.DigestOf(content)}, []string{calls[0].Repository, calls[0].Digest})
	})
}

// S3 passes over a range that it does not understand, and answers one range.
func TestDownloadOfOddRanges(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 100)
		content := image.Blobs[0]
		f.Registry.MustPush(faces.App+":v1", image)
		at := f.DownloadURL(t, faces.DigestOf(content))
		etag := f.Fetch(t, http.MethodHead, at).Header.Get("ETag")

		for _, span := range []string{"lines=0-9", "0-9", "bytes=", "bytes=-", "bytes=9", "bytes=a-b", "bytes=9-0", "bytes=200-100", "bytes=0-1,5-6", "bytes=-1,200-"} {
			whole := f.Fetch(t, http.MethodGet, at, "Range", span)
			require.Equal(t, http.StatusOK, whole.Status, span)
			require.Empty(t, whole.Header.Get("Content-Range"))
			require.True(t, whole.Body == string(content), span)
		}
		for _, span := range []string{"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"} {
			refused := f.Fetch(t, http.MethodGet, at, "Range", span)
			requireStoreError(t, refused, http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
			require.Contains(t, refused.Body, "<RangeRequested>"+span+"</RangeRequested><ActualObjectSize>100</ActualObjectSize><RequestId>"+refused.Header.Get("X-Amz-Request-Id")+"</RequestId></Error>")
			head := f.Fetch(t, http.MethodHead, at, "Range", span)
			require.Equal(t, http.StatusRequestedRangeNotSatisfiable, head.Status)
			require.Empty(t, head.Body)
		}
		require.ErrorContains(t, f.Registry.Trace()[len(f.Registry.Trace())-1].Err, "InvalidRange")

		require.Equal(t, http.StatusPartialContent, f.Fetch(t, http.MethodGet, at, "Range", "bytes=0-9", "If-Range", etag).Status)
		for _, span := range []string{"bytes=0-9", "bytes=100-"} {
			require.Equal(t, http.StatusOK, f.Fetch(t, http.MethodGet, at, "Range", span, "If-Range", `"another"`).Status)
		}
		require.Equal(t, http.StatusNotModified, f.Fetch(t, http.MethodGet, at, "If-None-Match", etag).Status)
		require.Equal(t, http.StatusPreconditionFailed, f.Fetch(t, http.MethodGet, at, "If-Match", `"another"`).Status)
	})
}

// A layer is served from the parts that it came in.
func TestDownloadAcrossParts(t *testing.T) {
	content := faces.Repeated([]byte("0123456789abcdef"), 2*faces.MinPart+100)
	image := faces.ImageOf([]byte("{}"), content)
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		f.PushLayer(t, faces.App, content, faces.MinPart)
		f.PushLayer(t, faces.App, []byte("{}"), 2)
		_, err := f.Put(t, faces.App, image, "v1")
		require.NoError(t, err)
		at := f.DownloadURL(t, faces.DigestOf(content))
		require.True(t, f.Fetch(t, http.MethodGet, at).Body == string(content))
		span := fmt.Sprintf("bytes=%d-%d", faces.MinPart-3, 2*faces.MinPart+2)
		require.True(t, f.Fetch(t, http.MethodGet, at, "Range", span).Body == string(content[faces.MinPart-3:2*faces.MinPart+3]))
	})
}

func TestDownloadRefusals(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 100, 200)
		f.Registry.MustPush(faces.App+":v1", image)
		layer, other := faces.DigestOf(image.Blobs[0]), faces.DigestOf(image.Blobs[1])
		at := f.DownloadURL(t, layer)

		world := faces.Direct(newWorldWith(t, image))
		for name, changed := range map[string]string{
			"of another layer":    strings.Replace(at, layer, other, 1),
			"of a later date":     strings.Replace(at, "X-Amz-Date=2", "X-Amz-Date=3", 1),
			"without a signature": at[:strings.IndexByte(at, '?')],
			"of another world":    downloadURLAt(t, world, layer, at),
		} {
			t.Run(name, func(t *testing.T) {
				require.NotEqual(t, at, changed)
				requireStoreError(t, f.Fetch(t, http.MethodGet, changed), http.StatusForbidden, "SignatureDoesNotMatch", signatureMismatch)
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
					requireStoreError(t, f.Fetch(t, http.MethodGet, changed.String()), http.StatusForbidden, "SignatureDoesNotMatch", signatureMismatch)
				})
			}
		}
		for _, more := range []string{"&response-content-type=text/html", "&x", "&a;b", "&%zz"} {
			requireStoreError(t, f.Fetch(t, http.MethodGet, at+more), http.StatusForbidden, "SignatureDoesNotMatch", signatureMismatch)
		}
		first, rest, _ := strings.Cut(parsed(t, at).RawQuery, "&")
		require.Equal(t, http.StatusOK, f.Fetch(t, http.MethodGet, strings.Replace(at, first+"&"+rest, rest+"&"+first, 1)).Status, "their order is free")

		head := f.Fetch(t, http.MethodHead, at)
		require.Equal(t, http.StatusOK, head.Status)
		require.Equal(t, "100", head.Header.Get("Content-Length"))
		require.Empty(t, head.Body)
		requireStoreError(t, f.Fetch(t, http.MethodPost, at), http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		origin := at[:strings.Index(at, "/starport-layer-bucket/")]
		for _, path := range []string{"/starport-layer-bucket/", "/starport-layer-bucket/123456789012"} {
			requireStoreError(t, f.Fetch(t, http.MethodGet, origin+path), http.StatusNotFound, "NoSuchKey", noSuchKey)
		}

		_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(faces.App), Force: true})
		require.NoError(t, err)
		requireStoreError(t, f.Fetch(t, http.MethodGet, at), http.StatusNotFound, "NoSuchKey", noSuchKey)
	})
}

// S3 refuses the registry's credentials beside those of its URL. Elsewhere than at its
// own host they are passed over, because clients keep them on one host.
func TestDownloadWithASecondAuth(t *testing.T) {
	const only = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 100)
		f.Registry.MustPush(faces.App+":v1", image)
		at := f.DownloadURL(t, faces.DigestOf(image.Blobs[0]))
		got := f.Fetch(t, http.MethodGet, at, "Authorization", "Basic QVdTOng=")
		if f.Name == "loopback" {
			require.Equal(t, http.StatusOK, got.Status)
			return
		}
		requireStoreError(t, got, http.StatusBadRequest, "InvalidArgument", only)
		require.Contains(t, got.Body, "<ArgumentName>Authorization</ArgumentName><ArgumentValue>Basic QVdTOng=</ArgumentValue>")
		calls := f.Registry.Trace().For(scenarios.DownloadLayer)
		require.ErrorContains(t, calls[len(calls)-1].Err, "InvalidArgument")
		require.Equal(t, http.StatusOK, f.Fetch(t, http.MethodGet, at).Status)
	})
}

// What a rule fails a download with S3 says in its own words, where it has some.
func TestDownloadRefusedByARule(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 100)
		f.Registry.MustPush(faces.App+":v1", image)
		at := f.DownloadURL(t, faces.DigestOf(image.Blobs[0]))
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
			playing := f.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.DownloadLayer).Fail(c.err)})
			requireStoreError(t, f.Fetch(t, http.MethodGet, at), c.status, c.code, c.message)
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
	registry.MustPush(faces.App+":v1", image)
	return registry
}

// downloadURLAt is the URL of this face's world at the origin of another URL.
func downloadURLAt(t *testing.T, f faces.Face, digest, other string) string {
	_, path, _ := strings.Cut(f.DownloadURL(t, digest), "/starport-layer-bucket/")
	origin, _, _ := strings.Cut(other, "/starport-layer-bucket/")
	return origin + "/starport-layer-bucket/" + path
}

func TestDownloadURLExpires(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 100)
		f.Registry.MustPush(faces.App+":v1", image)
		at := f.DownloadURL(t, faces.DigestOf(image.Blobs[0]))
		f.Registry.Advance(59 * time.Minute)
		require.True(t, f.Fetch(t, http.MethodGet, at).Body == string(image.Blobs[0]))
		f.Registry.Advance(time.Minute)
		requireStoreError(t, f.Fetch(t, http.MethodGet, at), http.StatusForbidden, "AccessDenied", "Request has expired")
	})
}

// A fork knows the URLs of the world that it was forked from, and serves them on
// its own.
func TestDownloadFromAFork(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	original := faces.Direct(newWorldWith(t, image))
	at := original.DownloadURL(t, faces.DigestOf(image.Blobs[0]))
	fork := faces.Direct(original.Registry.Fork(t))
	_, err := original.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(faces.App), Force: true})
	require.NoError(t, err)
	require.True(t, bytes.Equal([]byte(fork.Fetch(t, http.MethodGet, at).Body), image.Blobs[0]))
	require.Equal(t, http.StatusNotFound, original.Fetch(t, http.MethodGet, at).Status)
}
