package fakeecr_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

const registryHost = "123456789012.dkr.ecr.us-east-1.amazonaws.com"

// endpoint is the registry endpoint of a world, by one of the ways to it.
type endpoint struct {
	registry *fakeecr.Registry
	// origin is where the answers say that they come from.
	origin string
	client *http.Client
	// authorization is sent with each request, if it is not empty.
	authorization string
}

// handled carries requests to a handler as net/http would.
type handled struct{ http.Handler }

func (h handled) RoundTrip(req *http.Request) (*http.Response, error) {
	served := httptest.NewRequestWithContext(req.Context(), req.Method, req.URL.RequestURI(), req.Body)
	served.Header, served.Host = req.Header, req.URL.Host
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, served)
	return recorder.Result(), nil
}

// stay follows no redirection.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// onAllEndpoints runs a test on a fresh world of each way to the registry endpoint.
func onAllEndpoints(t *testing.T, test func(t *testing.T, e *endpoint), options ...fakeecr.Option) {
	t.Helper()
	run := func(name string, r *fakeecr.Registry, origin string, way http.RoundTripper) {
		t.Run(name, func(t *testing.T) {
			e := &endpoint{registry: r, origin: origin, client: &http.Client{Transport: way, CheckRedirect: stay}}
			e.authorization = "Basic " + authorizationToken(t, r)
			test(t, e)
		})
	}
	for _, name := range []string{"transport", "handler", "loopback"} {
		switch name {
		case "transport":
			r := fakeecr.New(t, options...)
			run(name, r, "https://"+registryHost, r.Transport())
		case "handler":
			r := fakeecr.New(t, options...)
			run(name, r, "http://"+registryHost, handled{r.Handler()})
		case "loopback":
			s := fakeecr.NewServer(t, options...)
			run(name, s.Registry, s.URL, http.DefaultTransport)
		}
	}
}

// authorizationToken is what GetAuthorizationToken gives a caller for registries,
// or for its own.
func authorizationToken(t *testing.T, api fakeecr.API, registries ...string) string {
	t.Helper()
	out, err := api.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{RegistryIds: registries})
	require.NoError(t, err)
	return *out.AuthorizationData[0].AuthorizationToken
}

// password is the part of a token behind AWS:.
func password(t *testing.T, token string) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(token)
	require.NoError(t, err)
	user, password, _ := strings.Cut(string(text), ":")
	require.Equal(t, "AWS", user)
	return password
}

// reply is an answer of the registry endpoint.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a request with headers in pairs. An error is the connection's.
func (e *endpoint) send(t *testing.T, method, path, body string, headers ...string) (reply, error) {
	t.Helper()
	return e.sendWithin(t.Context(), t, method, path, body, headers...)
}

// sendWithin is send for as long as a context lasts.
func (e *endpoint) sendWithin(ctx context.Context, t *testing.T, method, path, body string, headers ...string) (reply, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, e.origin+path, strings.NewReader(body))
	require.NoError(t, err)
	if e.authorization != "" {
		req.Header.Set("Authorization", e.authorization)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	response, err := e.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(text)}, err
}

// do is send to a connection that does not fail. Every answer names the API of
// Docker.
func (e *endpoint) do(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	got, err := e.send(t, method, path, body, headers...)
	require.NoError(t, err)
	require.Equal(t, "registry/2.0", got.header.Get("Docker-Distribution-Api-Version"))
	return got
}

// requireRefused holds that the endpoint refuses a request in its own form, and
// HEAD without a body.
func (e *endpoint) requireRefused(t *testing.T, status int, code, message, method, path, body string, headers ...string) {
	t.Helper()
	got := e.do(t, method, path, body, headers...)
	require.Equal(t, status, got.status, got.body)
	require.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	want := `{"errors":[{"code":"` + code + `","message":"` + message + `"}]}` + "\n"
	if method == http.MethodHead {
		want = ""
	}
	require.Equal(t, want, got.body)
}

func TestRegistryPaths(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		e.registry.MustPush("manifests/tags/list:v1", fakeecr.RandomImage(1, 10))
		require.Equal(t, reply{200, http.Header{
			"Docker-Distribution-Api-Version": {"registry/2.0"},
			"Content-Length":                  {"0"},
		}, ""}, undated(e.do(t, "GET", "/v2/", "")))
		for _, unrouted := range []string{
			"GET /v2", "POST /v2/", "GET /v2/team", "GET /v2/team/app", "GET /v2/team/app/tags", "GET /v2/team/app/tags/lists",
			"GET /v2/tags/list", "GET /v2/manifests/v1", "GET /v2/team/app/manifests/", "GET /v2//manifests/v1", "DELETE /v2/team/app/tags/list",
			"PATCH /v2/team/app/manifests/v1", "GET /v2/_catalogs", "GET /v2/team/app/manifests/v1/v2", "GET /v2/team/app/manifests/..%2Fv1",
		} {
			method, path, _ := strings.Cut(unrouted, " ")
			got := e.do(t, method, path, "")
			require.Equal(t, 404, got.status, unrouted)
			require.Equal(t, "404 page not found\n", got.body, unrouted)
			require.Equal(t, "text/plain; charset=utf-8", got.header.Get("Content-Type"))
		}
		for path, names := range map[string]string{
			"/v2/manifests/tags/list/manifests/v1":     "manifests/tags/list",
			"/v2/manifests/tags/list/tags/list":        "manifests/tags/list",
			"/v2/manifests%2Ftags%2Flist/manifests/v1": "manifests/tags/list",
		} {
			got := e.do(t, "GET", path, "")
			require.Equal(t, 200, got.status, "%s: %s", path, got.body)
			trace := e.registry.Trace()
			require.Equal(t, names, trace[len(trace)-1].Repository)
		}
		e.requireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'manifests/tags' does not exist in the registry with id '123456789012'",
			"GET", "/v2/manifests/tags/tags/list", "")
		for _, outside := range []string{"/v2/../manifests/v1", "/v2/team/../app/manifests/v1", "/v2/%2e%2e/%2e%2e/manifests/v1", "/v2/Team/manifests/v1"} {
			got := e.do(t, "GET", outside, "")
			require.Contains(t, []int{404, 405}, got.status, outside)
		}
	})
}

// A request of HTTP/1.0 need not name a host. It is told paths, and as the realm where
// the listener is.
func TestRegistryWithoutAHost(t *testing.T) {
	server := fakeecr.NewServer(t)
	image := fakeecr.RandomImage(1, 10)
	server.MustPush(app+":v1", image)
	server.MustPush(app+":v2", image)
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

	known := "Authorization: Basic " + authorizationToken(t, server)
	got = ask("POST "+uploadsOf, known)
	require.Equal(t, 202, got.StatusCode)
	require.Regexp(t, "^"+uploadsOf+"[0-9a-f-]{36}$", got.Header.Get("Location"))
	got = ask("GET "+blobsOf+digestOf(image.Blobs[0]), known)
	require.Equal(t, 307, got.StatusCode)
	require.Regexp(t, `^/starport-layer-bucket/`, got.Header.Get("Location"))
	got = ask("GET " + got.Header.Get("Location"))
	require.Equal(t, 200, got.StatusCode)
	got = ask("GET /v2/"+app+"/tags/list?n=1", known)
	require.Regexp(t, `^</v2/team/app/tags/list\?last=`, got.Header.Get("Link"))
}

// undated is an answer without the headers that every server of net/http adds.
func undated(r reply) reply {
	r.header = r.header.Clone()
	r.header.Del("Date")
	return r
}
