package fakeecr_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// onECRsNames runs a test on a fresh world of each way to ECR's own names, with a
// client that any port leads to the fake.
func onECRsNames(t *testing.T, test func(t *testing.T, r *fakeecr.Registry, scheme string, way http.RoundTripper), options ...fakeecr.Option) {
	t.Helper()
	dialed := func(t *testing.T, options []fakeecr.Option) (*fakeecr.Server, *http.Transport) {
		server := fakeecr.NewServer(t, options...)
		way := &http.Transport{DialContext: dialing(server.Host), TLSClientConfig: &tls.Config{RootCAs: server.RootCAs()}}
		t.Cleanup(way.CloseIdleConnections)
		return server, way
	}
	t.Run("transport", func(t *testing.T) {
		r := fakeecr.New(t, options...)
		test(t, r, "https", r.Transport())
	})
	t.Run("handler", func(t *testing.T) {
		r := fakeecr.New(t, options...)
		test(t, r, "http", handled{r.Handler()})
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
		r.MustPush(app+":v1", image)
		r.MustPush(app+":v2", fakeecr.RandomImage(2, 1000))
		layer := digestOf(image.Blobs[0])
		e := &endpoint{registry: r, origin: scheme + "://" + registryHost + ":4511", client: &http.Client{Transport: way, CheckRedirect: stay}}
		require.Equal(t, []string{`Basic realm="` + e.origin + `/",service="ecr.amazonaws.com"`}, e.do(t, "GET", "/v2/", "").header["Www-Authenticate"])
		e.authorization = "Basic " + authorizationToken(t, r)

		require.Contains(t, e.do(t, "POST", "/v2/team/app/blobs/uploads/", "").header.Get("Location"), e.origin+"/v2/team/app/blobs/uploads/")
		require.Contains(t, e.do(t, "GET", "/v2/team/app/tags/list?n=1", "").header.Get("Link"), "<"+e.origin+"/v2/team/app/tags/list?")
		redirected := e.do(t, "GET", "/v2/team/app/blobs/"+layer, "")
		require.Equal(t, 307, redirected.status)
		require.Contains(t, redirected.header.Get("Location"), e.origin+"/starport-layer-bucket/")
		e.client.CheckRedirect = nil
		require.Equal(t, string(image.Blobs[0]), e.follow(t, "/v2/team/app/blobs/"+layer))

		api := r.Client(func(o *ecr.Options) {
			o.BaseEndpoint, o.HTTPClient = aws.String(scheme+"://api.ecr.us-east-1.amazonaws.com:4511"), &http.Client{Transport: way}
		})
		out, err := api.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String(app), LayerDigest: &layer})
		require.NoError(t, err)
		require.Contains(t, *out.DownloadUrl, scheme+"://api.ecr.us-east-1.amazonaws.com:4511/starport-layer-bucket/")
		response, err := (&http.Client{Transport: way}).Get(*out.DownloadUrl)
		require.NoError(t, err)
		require.Equal(t, image.Blobs[0], read(t, response))
		repository, proxy := uris(t, api, "")
		require.Equal(t, registryHost+"/team/app", repository, "which keep the names that clients read account and region from")
		require.Equal(t, "https://"+registryHost, proxy)
	})
}

// On a socket a name of ECR's without a port is one that a client was led here by, and
// the store's need not be another.
func TestTheStoreOfANameWithoutAPort(t *testing.T) {
	onECRsNames(t, func(t *testing.T, r *fakeecr.Registry, scheme string, way http.RoundTripper) {
		image := fakeecr.RandomImage(1, 1000)
		r.MustPush(app+":v1", image)
		path := "/v2/team/app/blobs/" + digestOf(image.Blobs[0])
		e := &endpoint{registry: r, origin: scheme + "://" + registryHost, client: &http.Client{Transport: way, CheckRedirect: stay}}
		at := e.do(t, "GET", path, "").header.Get("Location")
		if _, onSocket := way.(*http.Transport); onSocket || scheme == "http" {
			require.Contains(t, at, e.origin+"/starport-layer-bucket/")
		} else {
			require.Contains(t, at, "https://prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com/")
		}
		e.client.CheckRedirect = nil
		require.Equal(t, string(image.Blobs[0]), e.follow(t, path))
	}, fakeecr.WithOpenRegistry())
}

// follow is the body of what a path leads to.
func (e *endpoint) follow(t *testing.T, path string) string {
	t.Helper()
	got, err := e.send(t, "GET", path, "")
	require.NoError(t, err)
	require.Equal(t, 200, got.status, got.body)
	return got.body
}
