package entrance_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// onECRsNames runs a test on a fresh world of each way to ECR's own names, with a
// client that any port leads to the fake.
func onECRsNames(t *testing.T, test func(t *testing.T, r *fakeecr.Registry, scheme string, way http.RoundTripper), options ...fakeecr.Option) {
	t.Helper()
	dialed := func(t *testing.T, options []fakeecr.Option) (*fakeecr.Server, *http.Transport) {
		server := fakeecr.NewServer(t, options...)
		way := &http.Transport{DialContext: faces.Dialing(server.Host), TLSClientConfig: &tls.Config{RootCAs: server.RootCAs()}}
		t.Cleanup(way.CloseIdleConnections)
		return server, way
	}
	t.Run("transport", func(t *testing.T) {
		r := fakeecr.New(t, options...)
		test(t, r, "https", r.Transport())
	})
	t.Run("handler", func(t *testing.T) {
		r := fakeecr.New(t, options...)
		test(t, r, "http", faces.Handled{Handler: r.Handler()})
	})
	t.Run("loopback", func(t *testing.T) {
		server, way := dialed(t, options)
		test(t, server.Registry, "http", way)
	})
	t.Run("loopback by TLS", func(t *testing.T) {
		server, way := dialed(t, append(options, fakeecr.WithTLS()))
		test(t, server.Registry, "https", way)
	})
}

// A client that comes by ECR's own name and a port of its own stays there: nothing
// that it is told leads to the real ECR.
func TestAnotherPort(t *testing.T) {
	onECRsNames(t, func(t *testing.T, r *fakeecr.Registry, scheme string, way http.RoundTripper) {
		image := fakeecr.RandomImage(1, 1000)
		r.MustPush(faces.App+":v1", image)
		r.MustPush(faces.App+":v2", fakeecr.RandomImage(2, 1000))
		layer := faces.DigestOf(image.Blobs[0])
		e := &faces.Endpoint{Registry: r, Origin: scheme + "://" + faces.RegistryHost + ":4511", Client: &http.Client{Transport: way, CheckRedirect: faces.Stay}}
		require.Equal(t, []string{`Basic realm="` + e.Origin + `/",service="ecr.amazonaws.com"`}, e.Do(t, "GET", "/v2/", "").Header["Www-Authenticate"])
		e.Authorization = "Basic " + faces.AuthorizationToken(t, r)

		require.Contains(t, e.Do(t, "POST", "/v2/team/app/blobs/uploads/", "").Header.Get("Location"), e.Origin+"/v2/team/app/blobs/uploads/")
		require.Contains(t, e.Do(t, "GET", "/v2/team/app/tags/list?n=1", "").Header.Get("Link"), "<"+e.Origin+"/v2/team/app/tags/list?")
		redirected := e.Do(t, "GET", "/v2/team/app/blobs/"+layer, "")
		require.Equal(t, 307, redirected.Status)
		require.Contains(t, redirected.Header.Get("Location"), e.Origin+"/starport-layer-bucket/")
		e.Client.CheckRedirect = nil
		require.Equal(t, string(image.Blobs[0]), e.Follow(t, "/v2/team/app/blobs/"+layer))

		api := r.Client(func(o *ecr.Options) {
			o.BaseEndpoint, o.HTTPClient = aws.String(scheme+"://api.ecr.us-east-1.amazonaws.com:4511"), &http.Client{Transport: way}
		})
		out, err := api.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String(faces.App), LayerDigest: &layer})
		require.NoError(t, err)
		require.Contains(t, *out.DownloadUrl, scheme+"://api.ecr.us-east-1.amazonaws.com:4511/starport-layer-bucket/")
		response, err := (&http.Client{Transport: way}).Get(*out.DownloadUrl)
		require.NoError(t, err)
		require.Equal(t, image.Blobs[0], faces.Read(t, response))
		repository, proxy := faces.URIs(t, api, "")
		require.Equal(t, faces.RegistryHost+"/team/app", repository, "which keep the names that clients read account and region from")
		require.Equal(t, "https://"+faces.RegistryHost, proxy)
	})
}

// On a socket a name of ECR's without a port is one that a client was led here by, and
// the store's need not be another.
func TestTheStoreOfANameWithoutAPort(t *testing.T) {
	onECRsNames(t, func(t *testing.T, r *fakeecr.Registry, scheme string, way http.RoundTripper) {
		image := fakeecr.RandomImage(1, 1000)
		r.MustPush(faces.App+":v1", image)
		path := "/v2/team/app/blobs/" + faces.DigestOf(image.Blobs[0])
		e := &faces.Endpoint{Registry: r, Origin: scheme + "://" + faces.RegistryHost, Client: &http.Client{Transport: way, CheckRedirect: faces.Stay}}
		at := e.Do(t, "GET", path, "").Header.Get("Location")
		if _, onSocket := way.(*http.Transport); onSocket || scheme == "http" {
			require.Contains(t, at, e.Origin+"/starport-layer-bucket/")
		} else {
			require.Contains(t, at, "https://prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com/")
		}
		e.Client.CheckRedirect = nil
		require.Equal(t, string(image.Blobs[0]), e.Follow(t, path))
	}, fakeecr.WithOpenRegistry())
}
