package fakeecr

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// Server is a registry that listens on a loopback port, for code that builds its
// own client and for programs in any language.
type Server struct {
	*Registry
	// URL is the endpoint and, with [WithProxy], the proxy: http://127.0.0.1:PORT or,
	// with [WithTLS], https://127.0.0.1:PORT, without a slash at its end.
	URL string
	// Host is the URL without its scheme.
	Host string

	server *httptest.Server
	files  *files
}

// NewServer makes an empty registry and serves it over HTTP until the test ends
// or [Server.Close]. It cannot work inside testing/synctest, where a goroutine
// that waits for a socket stops the clock, and fails there at once: use
// [Registry.Client] of [New].
func NewServer(t TB, options ...Option) *Server {
	t = orNil(t)
	if t != nil {
		t.Helper()
	}
	refuseBubble(t, "NewServer")
	return New(t, options...).Serve(t)
}

// Serve serves the registry's world, which may be a fork, over HTTP until the test
// ends or [Server.Close]; the registry is the one for whoever names no other. It cannot
// work inside testing/synctest either.
func (r *Registry) Serve(t TB) *Server {
	t = orNil(t)
	if t != nil {
		t.Helper()
	}
	refuseBubble(t, "Serve")
	server := httptest.NewUnstartedServer(r.Handler())
	s := &Server{Registry: r, Host: server.Listener.Addr().String(), server: server, files: &files{}}
	s.URL = "http://" + s.Host
	if instanceOf(r).setup.tls {
		s.URL = "https://" + s.Host
		server.Listener = tls.NewListener(server.Listener, r.TLSConfig())
	}
	instanceOf(r).stage.ServedAt(s.URL)
	server.Start()
	if instanceOf(r).setup.tls {
		server.Client().Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: r.RootCAs()}
	}
	if t != nil {
		t.Cleanup(s.Close)
	}
	return s
}

func refuseBubble(t TB, what string) {
	if t != nil {
		t.Helper()
	}
	if inBubble() {
		must(t, fmt.Errorf("%s cannot listen inside testing/synctest: use fakeecr.New and its Client, which need no socket", what))
	}
}

// inBubble tells whether the goroutine is in a synctest bubble, which nothing
// but its own stack trace says.
func inBubble() bool {
	var header [128]byte
	line, _, _ := bytes.Cut(header[:runtime.Stack(header[:], false)], []byte("\n"))
	return bytes.Contains(line, []byte("synctest bubble"))
}

// In is the registry in another region, behind the same URL.
func (s *Server) In(region string) *Server {
	if instanceOf(s.Registry).t != nil {
		instanceOf(s.Registry).t.Helper()
	}
	return s.with(s.Registry.In(region))
}

// Account is the registry of another account, behind the same URL.
func (s *Server) Account(id string) *Server {
	if instanceOf(s.Registry).t != nil {
		instanceOf(s.Registry).t.Helper()
	}
	return s.with(s.Registry.Account(id))
}

// As is the registry behind the same URL as another principal calls it; see
// [Registry.As].
func (s *Server) As(principalARN string, identityPolicies ...string) *Server {
	if instanceOf(s.Registry).t != nil {
		instanceOf(s.Registry).t.Helper()
	}
	return s.with(s.Registry.As(principalARN, identityPolicies...))
}

func (s *Server) with(r *Registry) *Server {
	neighbour := *s
	neighbour.Registry = r
	return &neighbour
}

// Close stops the server, after the requests that it is answering: those that a
// rule holds or delays go on at once, and from then on no rule keeps a call. It
// closes the connections of [Server.Client] and takes away the files of
// [Server.Env] too.
func (s *Server) Close() {
	instanceOf(s.Registry).stage.LetGo()
	s.server.Close()
	s.files.remove()
}

// Client is the SDK's own client of the server, over its socket.
func (s *Server) Client(optFns ...func(*ecr.Options)) *ecr.Client {
	options := ecr.Options{
		BaseEndpoint: aws.String(s.URL),
		HTTPClient:   &http.Client{Transport: calmBody{s.server.Client().Transport}},
	}
	return s.client(options, optFns)
}

// calmBody gives net/http a request body that it can end. The SDK closes a
// request's body as soon as the answer is there. If net/http looks for the end
// of the body just then, the body's WriteTo answers io.EOF, which passes for a
// failed write and drops the connection, and with it what is left of a large
// answer. Read answers io.EOF as well, where it means the end.
type calmBody struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (c calmBody) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return c.next.RoundTrip(req)
	}
	sent := req.Clone(req.Context())
	sent.Body = struct {
		io.Reader
		io.Closer
	}{req.Body, req.Body}
	return c.next.RoundTrip(sent)
}
