package faces

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// RegistryHost is the default registry's name.
const RegistryHost = "123456789012.dkr.ecr.us-east-1.amazonaws.com"

// Endpoint is the registry endpoint of a world, by one of the ways to it.
type Endpoint struct {
	Registry *fakeecr.Registry
	// Origin is where the answers say that they come from.
	Origin string
	Client *http.Client
	// Authorization is sent with each request, if it is not empty.
	Authorization string
}

// EachEndpoint runs a test on a fresh world of each way to the registry endpoint.
func EachEndpoint(t *testing.T, test func(t *testing.T, e *Endpoint), options ...fakeecr.Option) {
	t.Helper()
	t.Run("transport", func(t *testing.T) { test(t, InProcess(t, fakeecr.New(t, options...))) })
	t.Run("handler", func(t *testing.T) {
		r := fakeecr.New(t, options...)
		test(t, By(t, Handled{r.Handler()}, r, "http://"+RegistryHost))
	})
	t.Run("loopback", func(t *testing.T) {
		s := fakeecr.NewServer(t, options...)
		test(t, By(t, http.DefaultTransport, s.Registry, s.URL))
	})
}

// InProcess is the registry endpoint that is reached without a socket.
func InProcess(t *testing.T, r *fakeecr.Registry) *Endpoint {
	return By(t, r.Transport(), r, "https://"+RegistryHost)
}

// By is the registry endpoint that is reached by a transport. Its redirections are
// answers.
func By(t *testing.T, way http.RoundTripper, r *fakeecr.Registry, origin string) *Endpoint {
	return &Endpoint{Registry: r, Origin: origin, Client: &http.Client{Transport: way, CheckRedirect: Stay},
		Authorization: "Basic " + AuthorizationToken(t, r)}
}

// AuthorizationToken is what GetAuthorizationToken gives a caller for registries,
// or for its own.
func AuthorizationToken(t *testing.T, api fakeecr.API, registries ...string) string {
	t.Helper()
	out, err := api.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{RegistryIds: registries})
	require.NoError(t, err)
	return *out.AuthorizationData[0].AuthorizationToken
}

// Password is the part of a token behind AWS:.
func Password(t *testing.T, token string) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(token)
	require.NoError(t, err)
	user, password, _ := strings.Cut(string(text), ":")
	require.Equal(t, "AWS", user)
	return password
}

// Send sends a request with headers in pairs. An error is the connection's.
func (e *Endpoint) Send(t *testing.T, method, path, body string, headers ...string) (Reply, error) {
	t.Helper()
	return e.SendWithin(t.Context(), t, method, path, body, headers...)
}

// SendWithin is Send for as long as a context lasts.
func (e *Endpoint) SendWithin(ctx context.Context, t *testing.T, method, path, body string, headers ...string) (Reply, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, e.Origin+path, strings.NewReader(body))
	require.NoError(t, err)
	if e.Authorization != "" {
		req.Header.Set("Authorization", e.Authorization)
	}
	return replyTo(e.Client, req, headers)
}

// Do is Send to a connection that does not fail. Every answer names the API of
// Docker.
func (e *Endpoint) Do(t *testing.T, method, path, body string, headers ...string) Reply {
	t.Helper()
	got, err := e.Send(t, method, path, body, headers...)
	require.NoError(t, err)
	require.Equal(t, "registry/2.0", got.Header.Get("Docker-Distribution-Api-Version"))
	return got
}

// Follow is the body of what a path leads to.
func (e *Endpoint) Follow(t *testing.T, path string) string {
	t.Helper()
	got, err := e.Send(t, "GET", path, "")
	require.NoError(t, err)
	require.Equal(t, 200, got.Status, got.Body)
	return got.Body
}

// RequireRefused holds that the endpoint refuses a request in its own form, and
// HEAD without a body.
func (e *Endpoint) RequireRefused(t *testing.T, status int, code, message, method, path, body string, headers ...string) {
	t.Helper()
	got := e.Do(t, method, path, body, headers...)
	require.Equal(t, status, got.Status, got.Body)
	require.Equal(t, "application/json; charset=utf-8", got.Header.Get("Content-Type"))
	want := `{"errors":[{"code":"` + code + `","message":"` + message + `"}]}` + "\n"
	if method == http.MethodHead {
		want = ""
	}
	require.Equal(t, want, got.Body)
}

// The paths of App at the registry endpoint.
const (
	ManifestsOf = "/v2/" + App + "/manifests/"
	BlobsOf     = "/v2/" + App + "/blobs/"
	UploadsOf   = BlobsOf + "uploads/"
)

// Begin opens an upload and answers the path that the endpoint gives it.
func (e *Endpoint) Begin(t *testing.T) string {
	t.Helper()
	got := e.Do(t, "POST", UploadsOf, "")
	require.Equal(t, 202, got.Status, got.Body)
	return e.Path(t, got)
}

// Path is the path of an answer's Location, which is a URL of the endpoint.
func (e *Endpoint) Path(t *testing.T, r Reply) string {
	t.Helper()
	path, ours := strings.CutPrefix(r.Header.Get("Location"), e.Origin)
	require.True(t, ours, r.Header.Get("Location"))
	return path
}

// URIs are the repositoryUri and the proxyEndpoint that a client is answered of a
// registry, its own if no account is given.
func URIs(t *testing.T, api fakeecr.API, account string) (repository, proxy string) {
	t.Helper()
	in := &ecr.DescribeRepositoriesInput{RepositoryNames: []string{App}}
	token := &ecr.GetAuthorizationTokenInput{}
	if account != "" {
		in.RegistryId, token.RegistryIds = &account, []string{account}
	}
	described, err := api.DescribeRepositories(t.Context(), in)
	require.NoError(t, err)
	authorized, err := api.GetAuthorizationToken(t.Context(), token)
	require.NoError(t, err)
	return *described.Repositories[0].RepositoryUri, *authorized.AuthorizationData[0].ProxyEndpoint
}
