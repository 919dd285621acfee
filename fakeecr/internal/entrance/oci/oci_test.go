package oci_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func TestRegistryPaths(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		e.Registry.MustPush("manifests/tags/list:v1", fakeecr.RandomImage(1, 10))
		require.Equal(t, faces.Reply{Status: 200, Header: http.Header{
			"Docker-Distribution-Api-Version": {"registry/2.0"},
			"Content-Length":                  {"0"},
		}, Body: ""}, undated(e.Do(t, "GET", "/v2/", "")))
		for _, unrouted := range []string{
			"GET /v2", "POST /v2/", "GET /v2/team", "GET /v2/team/app", "GET /v2/team/app/tags", "GET /v2/team/app/tags/lists",
			"GET /v2/tags/list", "GET /v2/manifests/v1", "GET /v2/team/app/manifests/", "GET /v2//manifests/v1", "DELETE /v2/team/app/tags/list",
			"PATCH /v2/team/app/manifests/v1", "GET /v2/_catalogs", "GET /v2/team/app/manifests/v1/v2", "GET /v2/team/app/manifests/..%2Fv1",
		} {
			method, path, _ := strings.Cut(unrouted, " ")
			got := e.Do(t, method, path, "")
			require.Equal(t, 404, got.Status, unrouted)
			require.Equal(t, "404 page not found\n", got.Body, unrouted)
			require.Equal(t, "text/plain; charset=utf-8", got.Header.Get("Content-Type"))
		}
		for path, names := range map[string]string{
			"/v2/manifests/tags/list/manifests/v1":     "manifests/tags/list",
			"/v2/manifests/tags/list/tags/list":        "manifests/tags/list",
			"/v2/manifests%2Ftags%2Flist/manifests/v1": "manifests/tags/list",
		} {
			got := e.Do(t, "GET", path, "")
			require.Equal(t, 200, got.Status, "%s: %s", path, got.Body)
			trace := e.Registry.Trace()
			require.Equal(t, names, trace[len(trace)-1].Repository)
		}
		e.RequireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'manifests/tags' does not exist in the registry with id '123456789012'",
			"GET", "/v2/manifests/tags/tags/list", "")
		for _, outside := range []string{"/v2/../manifests/v1", "/v2/team/../app/manifests/v1", "/v2/%2e%2e/%2e%2e/manifests/v1", "/v2/Team/manifests/v1"} {
			got := e.Do(t, "GET", outside, "")
			require.Contains(t, []int{404, 405}, got.Status, outside)
		}
	})
}

// A request of HTTP/1.0 need not name a host. It is told paths, and as the realm where
// the listener is.
func TestRegistryWithoutAHost(t *testing.T) {
	server := fakeecr.NewServer(t)
	image := fakeecr.RandomImage(1, 10)
	server.MustPush(faces.App+":v1", image)
	server.MustPush(faces.App+":v2", image)
	ask := func(line string, headers ...string) *http.Response {
		connection, err := net.Dial("tcp", server.Host)
		require.NoError(t, err)
		t.Cleanup(func() { connection.Close() })
		_, err = fmt.Fprintf(connection, "%s HTTP/1.0\r\n%s\r\n\r\n", line, strings.Join(headers, "\r\n"))
		require.NoError(t, err)
		got, err := http.ReadResponse(bufio.NewReader(connection), nil)
		require.NoError(t, err)
		return got
	}
	got := ask("GET /v2/")
	require.Equal(t, 401, got.StatusCode)
	require.Equal(t, `Basic realm="`+server.URL+`/",service="ecr.amazonaws.com"`, got.Header.Get("Www-Authenticate"))

	known := "Authorization: Basic " + faces.AuthorizationToken(t, server)
	got = ask("POST "+faces.UploadsOf, known)
	require.Equal(t, 202, got.StatusCode)
	require.Regexp(t, "^"+faces.UploadsOf+"[0-9a-f-]{36}$", got.Header.Get("Location"))
	got = ask("GET "+faces.BlobsOf+faces.DigestOf(image.Blobs[0]), known)
	require.Equal(t, 307, got.StatusCode)
	require.Regexp(t, `^/starport-layer-bucket/`, got.Header.Get("Location"))
	got = ask("GET " + got.Header.Get("Location"))
	require.Equal(t, 200, got.StatusCode)
	got = ask("GET /v2/"+faces.App+"/tags/list?n=1", known)
	require.Regexp(t, `^</v2/team/app/tags/list\?last=`, got.Header.Get("Link"))
}

// undated is an answer without the headers that every server of net/http adds.
func undated(r faces.Reply) faces.Reply {
	r.Header = r.Header.Clone()
	r.Header.Del("Date")
	return r
}
