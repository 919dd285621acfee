package fakeecr_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// proxy is the proxy of a registry, at a URL.
type proxy struct {
	*fakeecr.Registry
	url string
}

// way is that of a client that has no endpoint.
func (p proxy) way(t *testing.T) *http.Transport {
	at, err := url.Parse(p.url)
	require.NoError(t, err)
	way := &http.Transport{Proxy: http.ProxyURL(at), TLSClientConfig: &tls.Config{RootCAs: p.RootCAs()}}
	t.Cleanup(way.CloseIdleConnections)
	return way
}

// client is the SDK's, which has no endpoint.
func (p proxy) client(t *testing.T) *ecr.Client {
	way := &http.Client{Transport: calm{p.way(t)}}
	return p.Client(faces.Once, func(o *ecr.Options) { o.HTTPClient = way })
}

// calm hides from net/http that the SDK's bodies can be written at once, as
// [fakeecr.Server.Client] does: it closes the connection of one that is closed meanwhile.
type calm struct{ *http.Transport }

// RoundTrip implements [http.RoundTripper].
func (c calm) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	sent.Body = struct {
		io.Reader
		io.Closer
	}{req.Body, req.Body}
	return c.Transport.RoundTrip(sent)
}

// dial opens a connection to the proxy itself.
func (p proxy) dial(t *testing.T) net.Conn {
	at, err := url.Parse(p.url)
	require.NoError(t, err)
	connection, err := net.Dial("tcp", at.Host)
	require.NoError(t, err)
	t.Cleanup(func() { connection.Close() })
	require.NoError(t, connection.SetDeadline(time.Now().Add(time.Minute)))
	if at.Scheme == "https" {
		return tls.Client(connection, &tls.Config{ServerName: at.Hostname(), RootCAs: p.RootCAs()})
	}
	return connection
}

// ask sends a request as it stands, and answers the answer with its body, unless a
// tunnel begins there.
func ask(t *testing.T, connection net.Conn, request string) (*http.Response, string) {
	_, err := io.WriteString(connection, request)
	require.NoError(t, err)
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	require.NoError(t, err)
	if method == http.MethodConnect && response.StatusCode == http.StatusOK {
		return response, ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

// proxies makes the listeners that are proxies, each of a world of its own.
var proxies = map[string]func(t *testing.T, options ...fakeecr.Option) proxy{
	"server": func(t *testing.T, options ...fakeecr.Option) proxy {
		s := fakeecr.NewServer(t, append(options, fakeecr.WithProxy())...)
		return proxy{s.Registry, s.URL}
	},
	"server by TLS": func(t *testing.T, options ...fakeecr.Option) proxy {
		s := fakeecr.NewServer(t, append(options, fakeecr.WithProxy(), fakeecr.WithTLS())...)
		return proxy{s.Registry, s.URL}
	},
	"fork": func(t *testing.T, options ...fakeecr.Option) proxy {
		s := fakeecr.New(t, append(options, fakeecr.WithProxy())...).Fork(t).Serve(t)
		return proxy{s.Registry, s.URL}
	},
	"handler": func(t *testing.T, options ...fakeecr.Option) proxy {
		r := fakeecr.New(t, append(options, fakeecr.WithProxy())...)
		s := httptest.NewServer(r.Handler())
		t.Cleanup(s.Close)
		return proxy{r, s.URL}
	},
}

func onAllProxies(t *testing.T, test func(t *testing.T, p proxy), options ...fakeecr.Option) {
	for name, start := range proxies {
		t.Run(name, func(t *testing.T) { test(t, start(t, options...)) })
	}
}

// Code that knows ECR by its own names alone finds the registries of the world there,
// and is told of no other name.
func TestProxy(t *testing.T) {
	onAllProxies(t, func(t *testing.T, p proxy) {
		image := fakeecr.RandomImage(1, 1<<20)
		for _, r := range []*fakeecr.Registry{p.Registry, p.In("eu-west-1"), p.Account("210987654321")} {
			r.MustPush(faces.App+":v1", image)
			of := proxy{r, p.url}
			api := of.client(t)
			repository, endpointURI := faces.URIs(t, api, "")
			require.Equal(t, r.AccountID()+".dkr.ecr."+r.Region()+".amazonaws.com/team/app", repository)
			require.Equal(t, "https://"+r.AccountID()+".dkr.ecr."+r.Region()+".amazonaws.com", endpointURI)
			layer := faces.DigestOf(image.Blobs[0])
			at, err := api.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String(faces.App), LayerDigest: &layer})
			require.NoError(t, err)
			store := "https://prod-" + r.Region() + "-starport-layer-bucket.s3." + r.Region() + ".amazonaws.com/"
			require.Contains(t, *at.DownloadUrl, store)

			e := &faces.Endpoint{Registry: r, Origin: endpointURI, Client: &http.Client{Transport: of.way(t), CheckRedirect: faces.Stay}}
			require.Equal(t, []string{`Basic realm="` + e.Origin + `/",service="ecr.amazonaws.com"`}, e.Do(t, "GET", "/v2/", "").Header["Www-Authenticate"])
			e.Authorization = "Basic " + faces.AuthorizationToken(t, api)
			require.Contains(t, e.Do(t, "POST", "/v2/team/app/blobs/uploads/", "").Header.Get("Location"), e.Origin+"/v2/team/app/blobs/uploads/")
			require.Contains(t, e.Do(t, "GET", "/v2/team/app/blobs/"+layer, "").Header.Get("Location"), store)
			e.Client.CheckRedirect = nil
			require.Equal(t, string(image.Blobs[0]), e.Follow(t, "/v2/team/app/blobs/"+layer))
		}
		out, err := sts.New(sts.Options{Region: "eu-west-1", Credentials: p.Client().Options().Credentials, HTTPClient: &http.Client{Transport: p.way(t)}}).GetCallerIdentity(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, p.AccountID(), *out.Account)
	}, fakeecr.WithSigV4(), fakeecr.WithSpecRegistry(), fakeecr.WithReachableURIs())
}

// Requests without TLS come in absolute form. The listener still answers those to itself.
func TestPlainRequestsThroughAProxy(t *testing.T) {
	onAllProxies(t, func(t *testing.T, p proxy) {
		image := fakeecr.RandomImage(1, 1000)
		p.MustPush(faces.App+":v1", image)
		api := p.Client(faces.Once, func(o *ecr.Options) {
			o.BaseEndpoint, o.HTTPClient = aws.String("http://api.ecr.us-east-1.amazonaws.com"), &http.Client{Transport: p.way(t)}
		})
		require.Equal(t, []string{faces.App}, faces.Repositories(t, api))
		e := &faces.Endpoint{Registry: p.Registry, Origin: "http://" + faces.RegistryHost, Client: &http.Client{Transport: p.way(t)}}
		require.Equal(t, []string{`Basic realm="http://` + faces.RegistryHost + `/",service="ecr.amazonaws.com"`}, e.Do(t, "GET", "/v2/", "").Header["Www-Authenticate"])
		e.Authorization = "Basic " + faces.AuthorizationToken(t, p)
		require.Equal(t, string(image.Blobs[0]), e.Follow(t, "/v2/team/app/blobs/"+faces.DigestOf(image.Blobs[0])))
		itself := p.Client(faces.Once, func(o *ecr.Options) {
			way := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.RootCAs()}}
			t.Cleanup(way.CloseIdleConnections)
			o.BaseEndpoint, o.HTTPClient = &p.url, &http.Client{Transport: way}
		})
		require.Equal(t, []string{faces.App}, faces.Repositories(t, itself))
	}, fakeecr.WithSigV4())
}

// What does not lead to ECR is refused, in the status that clients show, and never dialed.
func TestProxyRefuses(t *testing.T) {
	const toECR = "fakeecr's proxy leads to ECR with its store of layers, to STS and to the login of ECR Public, and not to "
	for line, reason := range map[string]string{
		"CONNECT example.com:443":                                 toECR + `"example.com:443"`,
		"CONNECT s3.us-east-1.amazonaws.com:443":                  toECR + `"s3.us-east-1.amazonaws.com:443"`,
		"CONNECT api.ecr.us-east-1.amazonaws.com.example.com:443": toECR + `"api.ecr.us-east-1.amazonaws.com.example.com:443"`,
		"CONNECT public.ecr.aws:443":                              toECR + `"public.ecr.aws:443"`,
		"CONNECT user@api.ecr.us-east-1.amazonaws.com:443":        toECR + `"user@api.ecr.us-east-1.amazonaws.com:443"`,
		"CONNECT /": toECR + `"/"`,
		"CONNECT api.ecr.us-east-1.amazonaws.com:443/":                      `fakeecr's proxy leads to port 443 of api.ecr.us-east-1.amazonaws.com, and not to "api.ecr.us-east-1.amazonaws.com:443/"`,
		"CONNECT 127.0.0.1:443":                                             toECR + `"127.0.0.1:443"`,
		"CONNECT [::1]:443":                                                 toECR + `"[::1]:443"`,
		"CONNECT 123456789012.dkr.ecr.us-east-1.localhost:443":              toECR + `"123456789012.dkr.ecr.us-east-1.localhost:443"`,
		"CONNECT api.ecr.us-east-1.amazonaws.com:80":                        `fakeecr's proxy leads to port 443 of api.ecr.us-east-1.amazonaws.com, and not to "api.ecr.us-east-1.amazonaws.com:80"`,
		"GET http://example.com/v2/":                                        toECR + `"example.com"`,
		"POST http://example.com/":                                          toECR + `"example.com"`,
		"GET http://127.0.0.1/_fakeecr/trace":                               toECR + `"127.0.0.1"`,
		"GET http://api.ecr.us-east-1.amazonaws.com:443/":                   `fakeecr's proxy leads to port 80 of api.ecr.us-east-1.amazonaws.com, and not to "api.ecr.us-east-1.amazonaws.com:443"`,
		"GET https://user:secret@api.ecr.us-east-1.amazonaws.com/_fakeecr/": `fakeecr's proxy takes a URL of http alone in a request, and CONNECT for others, not "https://api.ecr.us-east-1.amazonaws.com"`,
		"GET ftp://api.ecr.us-east-1.amazonaws.com/":                        `fakeecr's proxy takes a URL of http alone in a request, and CONNECT for others, not "ftp://api.ecr.us-east-1.amazonaws.com"`,
	} {
		t.Run(line, func(t *testing.T) {
			onAllProxies(t, func(t *testing.T, p proxy) {
				response, body := ask(t, p.dial(t), line+" HTTP/1.1\r\nHost: api.ecr.us-east-1.amazonaws.com\r\nContent-Length: 0\r\n\r\n")
				require.Equal(t, http.StatusForbidden, response.StatusCode)
				require.Equal(t, reason+"\n", body)
				if strings.HasPrefix(line, "CONNECT") {
					require.Equal(t, "403 "+reason, response.Status)
				}
			})
		})
	}
	p := proxies["server"](t)
	_, err := (&http.Client{Transport: p.way(t)}).Get("https://example.com/")
	require.EqualError(t, err, `Get "https://example.com/": `+toECR+`"example.com:443"`)
}

// The log of a failed test says what was refused, and why the fake was not reached.
func TestLogOfAProxy(t *testing.T) {
	var tb faces.RecordingTB
	server := fakeecr.NewServer(&tb, fakeecr.WithSeed(42), fakeecr.WithProxy())
	p := proxy{server.Registry, server.URL}
	client := &http.Client{Transport: p.way(t)}
	for range 2 {
		_, err := client.Get("https://example.com/")
		require.Error(t, err)
	}
	_, err := client.Get("http://127.0.0.2/")
	require.NoError(t, err, "the refusal is the answer")
	distrustful := &http.Transport{Proxy: client.Transport.(*http.Transport).Proxy, TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}
	_, err = (&http.Client{Transport: distrustful}).Get("https://" + faces.RegistryHost + "/v2/")
	require.ErrorAs(t, err, new(x509.UnknownAuthorityError))
	tb.Fail()
	const refused = `
refused: fakeecr's proxy leads to ECR with its store of layers, to STS and to the login of ECR Public, and not to "example.com:443" (2 times)
refused: fakeecr's proxy leads to ECR with its store of layers, to STS and to the login of ECR Public, and not to "127.0.0.2"`
	require.Equal(t, "fakeecr: seed 42, no calls: the code never reached the fake\n"+
		"tunnels without a call: 1, as clients leave them that do not trust RootCAs"+refused, tb.End())

	tb = faces.RecordingTB{}
	server = fakeecr.NewServer(&tb, fakeecr.WithProxy())
	p = proxy{server.Registry, server.URL}
	require.Empty(t, faces.Repositories(t, p.client(t)))
	_, err = (&http.Client{Transport: p.way(t)}).Get("https://example.com/")
	require.Error(t, err)
	tb.Fail()
	log := tb.End()
	require.Contains(t, log, "DescribeRepositories")
	require.Contains(t, log, "\nrefused: fakeecr's proxy leads to ECR")
	require.NotContains(t, log, "without a call")
}

// Without a test it is the standard logger that says what was refused, once.
func TestLogOfAProxyWithoutATest(t *testing.T) {
	var said bytes.Buffer
	log.SetOutput(&said)
	defer log.SetOutput(os.Stderr)
	server := fakeecr.NewServer(nil, fakeecr.WithProxy())
	client := &http.Client{Transport: proxy{server.Registry, server.URL}.way(t)}
	for range 2 {
		_, err := client.Get("https://example.com/")
		require.Error(t, err)
	}
	server.Close()
	require.Equal(t, 1, strings.Count(said.String(), `and not to "example.com:443"`), said.String())
}

// The failures of connections are in a tunnel what they are without.
func TestFaultsInATunnel(t *testing.T) {
	plain := fakeecr.NewServer(t)
	failure := func(r *fakeecr.Registry, api fakeecr.API, rule *scenarios.Rule) error {
		playing := r.Play(scenarios.Scenario{rule})
		defer playing.Stop()
		_, err := api.DescribeRepositories(t.Context(), nil)
		return err
	}
	onAllProxies(t, func(t *testing.T, p proxy) {
		for name, rule := range map[string]func(*scenarios.Rule) *scenarios.Rule{
			"dropped": func(r *scenarios.Rule) *scenarios.Rule { return r.Drop() },
			"refused": func(r *scenarios.Rule) *scenarios.Rule { return r.Fail(scenarios.ErrConnectionRefused) },
			"reset":   func(r *scenarios.Rule) *scenarios.Rule { return r.Fail(scenarios.ErrConnectionReset) },
			"cut":     func(r *scenarios.Rule) *scenarios.Rule { return r.ResetAfter(3) },
		} {
			tunneled := failure(p.Registry, p.client(t), rule(scenarios.On("DescribeRepositories")))
			direct := failure(plain.Registry, plain.Client(faces.Once), rule(scenarios.On("DescribeRepositories")))
			require.Equal(t, faces.Chain(direct), faces.Chain(tunneled), "%s: %v, %v", name, direct, tunneled)
			require.Equal(t, errors.Is(direct, syscall.ECONNRESET), errors.Is(tunneled, syscall.ECONNRESET), "%s: %v, %v", name, direct, tunneled)
		}
	})
}

// A call that a rule holds ends with its client, and with its server.
func TestHeldInATunnel(t *testing.T) {
	held := scenarios.Scenario{scenarios.On("DescribeRepositories").Hold()}
	t.Run("client", func(t *testing.T) {
		onAllProxies(t, func(t *testing.T, p proxy) {
			playing := p.Play(held)
			ctx, cancel := context.WithCancel(t.Context())
			answered := make(chan string)
			go func() { answered <- faces.Outcomes(ctx, p.client(t), 1) }()
			require.NoError(t, playing.WaitHeld(t.Context(), 1))
			cancel()
			require.NotEqual(t, ".", <-answered)
			trace, err := p.TraceAfter(t.Context(), 0)
			require.NoError(t, err)
			require.Len(t, trace, 1, "the call ends as well")
		})
	})
	t.Run("server", func(t *testing.T) {
		server := fakeecr.NewServer(nil, fakeecr.WithProxy())
		playing := server.Play(held)
		answered := make(chan string)
		api := proxy{server.Registry, server.URL}.client(t)
		go func() { answered <- faces.Outcomes(t.Context(), api, 1) }()
		require.NoError(t, playing.WaitHeld(t.Context(), 1))
		server.Close()
		require.Equal(t, ".", <-answered)
	})
}

// A client that keeps its tunnels keeps nothing of the server's.
func TestTunnelsEndWithTheirServer(t *testing.T) {
	world := fakeecr.New(t, fakeecr.WithProxy())
	started := func(t *testing.T, end func(*http.Server) error) (url string, stop func() error) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		server := &http.Server{Handler: world.Handler()}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		return "http://" + listener.Addr().String(), func() error {
			defer func() { <-served }()
			return end(server)
		}
	}
	for name, start := range map[string]func(t *testing.T) (url string, stop func() error){
		"Server": func(t *testing.T) (string, func() error) {
			server := world.Serve(nil)
			return server.URL, func() error { server.Close(); return nil }
		},
		"httptest": func(t *testing.T) (string, func() error) {
			server := httptest.NewServer(world.Handler())
			return server.URL, func() error { server.Close(); return nil }
		},
		"http.Server closed": func(t *testing.T) (string, func() error) { return started(t, (*http.Server).Close) },
		"http.Server shut down": func(t *testing.T) (string, func() error) {
			return started(t, func(s *http.Server) error { return s.Shutdown(t.Context()) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			leaks := goleak.IgnoreCurrent()
			at, stop := start(t)
			p := proxy{world, at}
			used := p.client(t)
			require.Empty(t, faces.Repositories(t, used))
			var idle []net.Conn
			if name != "http.Server shut down" { // which waits for connections that are new
				shaken := tls.Client(tunnel(t, p), &tls.Config{ServerName: faces.RegistryHost, RootCAs: p.RootCAs()})
				require.NoError(t, shaken.Handshake())
				idle = []net.Conn{shaken, tunnel(t, p)}
			}
			require.NoError(t, stop())
			for _, connection := range idle {
				_, err := connection.Read(make([]byte, 1))
				require.Error(t, err)
				require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
			}
			used.Options().HTTPClient.(*http.Client).CloseIdleConnections()
			require.NoError(t, goleak.Find(leaks))
		})
	}
}

// tunnel opens a tunnel and says nothing in it.
func tunnel(t *testing.T, p proxy) net.Conn {
	connection := p.dial(t)
	response, _ := ask(t, connection, "CONNECT "+faces.RegistryHost+":443 HTTP/1.1\r\nHost: "+faces.RegistryHost+":443\r\n\r\n")
	require.Equal(t, http.StatusOK, response.StatusCode)
	return connection
}

// A client may speak before it is answered.
func TestTunnelOfAHastyClient(t *testing.T) {
	onAllProxies(t, func(t *testing.T, p proxy) {
		connection := p.dial(t)
		hasty := tls.Client(&hastyConn{Conn: connection, first: "CONNECT " + faces.RegistryHost + ":443 HTTP/1.1\r\nHost: " + faces.RegistryHost + ":443\r\n\r\n"},
			&tls.Config{ServerName: faces.RegistryHost, RootCAs: p.RootCAs()})
		response, _ := ask(t, hasty, "GET /v2/ HTTP/1.1\r\nHost: "+faces.RegistryHost+"\r\n\r\n")
		require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	})
}

// hastyConn sends something in front of the first bytes, and reads no answer to it.
type hastyConn struct {
	net.Conn
	first  string
	answer *bufio.Reader
}

func (h *hastyConn) Write(p []byte) (int, error) {
	sent := append([]byte(h.first), p...)
	n, err := h.Conn.Write(sent)
	n -= len(h.first)
	h.first = ""
	return n, err
}

func (h *hastyConn) Read(p []byte) (int, error) {
	if h.answer == nil {
		h.answer = bufio.NewReader(h.Conn)
		if response, err := http.ReadResponse(h.answer, &http.Request{Method: http.MethodConnect}); err != nil || response.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("no tunnel: %v, %w", response, err)
		}
	}
	return h.answer.Read(p)
}

// Where there is no connection to make a tunnel of, that is said.
func TestProxyWithoutConnections(t *testing.T) {
	const says = "a connection of HTTP/1.1 to a server of net/http"
	handler := fakeecr.New(t, fakeecr.WithProxy()).Handler()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodConnect, "https://"+faces.RegistryHost, nil))
	require.Equal(t, http.StatusNotImplemented, recorder.Code)
	require.Contains(t, recorder.Body.String(), says)

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		handler.ServeHTTP(struct{ http.ResponseWriter }{w}, req)
	}))
	defer server.Close()
	response, body := ask(t, proxy{url: server.URL}.dial(t), "CONNECT "+faces.RegistryHost+":443 HTTP/1.1\r\nHost: "+faces.RegistryHost+":443\r\n\r\n")
	require.Equal(t, http.StatusNotImplemented, response.StatusCode)
	require.Contains(t, body, says)
}

// Without the option a listener is no proxy.
func TestNoProxy(t *testing.T) {
	server := fakeecr.NewServer(t)
	response, _ := ask(t, proxy{server.Registry, server.URL}.dial(t), "CONNECT "+faces.RegistryHost+":443 HTTP/1.1\r\nHost: "+faces.RegistryHost+":443\r\n\r\n")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}

// A process reads its proxy once, so none is set in one that is running.
func TestSetenvOfAProxy(t *testing.T) {
	var tb faces.RecordingTB
	server := fakeecr.NewServer(&tb, fakeecr.WithProxy())
	require.PanicsWithError(t, "fatal", func() { server.Setenv(t) })
	require.Contains(t, tb.End(), "Go reads HTTPS_PROXY once, when it first needs it: give a child process Env, and code in this one the Registry's Client or Transport")
}

// The environment leads to the proxy, and names no endpoint.
func TestEnvOfAProxy(t *testing.T) {
	t.Setenv("NO_PROXY", "*")
	t.Setenv("no_proxy", ".amazonaws.com")
	server := fakeecr.NewServer(t, fakeecr.WithProxy())
	bundle := t.TempDir() + "/ca.pem"
	elsewhere, err := server.EnvAt("http://ecr.test:4510", bundle)
	require.NoError(t, err)
	here, err := server.EnvAt("http://localhost:4510", bundle)
	require.NoError(t, err)
	for at, pairs := range map[string][]string{server.URL: server.Env(), "http://localhost:4510": here, "http://ecr.test:4510": elsewhere} {
		direct := "localhost,::1,127.0.0.1"
		if strings.Contains(at, "ecr.test") {
			direct += ",ecr.test"
		}
		require.Subset(t, pairs, []string{
			"HTTPS_PROXY=" + at, "https_proxy=" + at, "HTTP_PROXY=" + at, "http_proxy=" + at, "NO_PROXY=" + direct, "no_proxy=" + direct,
			"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "NODE_USE_ENV_PROXY=1",
		})
		require.NotContains(t, strings.Join(pairs, "\n"), "AWS_ENDPOINT_URL")
	}
	require.Contains(t, elsewhere, "SSL_CERT_FILE="+bundle)
}

// Code that gives the SDK a client of its own finds the proxy, and no bundle for which
// the SDK would refuse that client.
func TestEnvOfAProxyForAClientOfItsOwn(t *testing.T) {
	switch runtime.GOOS {
	case "darwin", "ios", "windows":
		t.Skip("Go asks the system whom to trust")
	}
	noBundleGiven(t)
	server := fakeecr.NewServer(t, fakeecr.WithProxy(), fakeecr.WithSigV4())
	environment := append(os.Environ(), append(server.Env(), "FAKEECR_TEST_CLIENT=own")...)
	require.Equal(t, faces.RegistryHost+"/team/child", inChild(t, "https://"+faces.RegistryHost+"/v2/", environment))
	require.Equal(t, []string{"team/child"}, faces.Repositories(t, server))

	t.Setenv("AWS_CA_BUNDLE", "/nowhere")
	environment = append(os.Environ(), append(server.Account("210987654321").Env(), "FAKEECR_TEST_CLIENT=own", "AWS_CA_BUNDLE=")...)
	require.Equal(t, "210987654321.dkr.ecr.us-east-1.amazonaws.com/team/child", inChild(t, "https://"+faces.RegistryHost+"/v2/", environment))
}
