package fakeecr

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance"
)

// WithProxy has [NewServer], and whatever serves the [Registry.Handler], be an HTTP
// proxy besides, for code that has ECR's own host names and a transport of its own, such
// as skopeo, crane, Amazon's credential helper for Docker and controllers: [Server.Env]
// leads a child process with it there, by HTTPS_PROXY, and says nothing of endpoints.
// Code that takes an endpoint, a client or a transport needs none of it.
//
// It takes CONNECT to port 443 of the hosts that [Registry.Transport] knows, speaks TLS
// there with the certificates of [WithTLS], and answers as ECR does at its own port: the
// URIs and download URLs have ECR's and S3's names. It takes plain requests to them too,
// at port 80. It is nobody's way out: every other host is refused with 403 and a reason,
// which the log of a failed test repeats, and so is every other port.
//
// Clients must trust the world's authority, [Registry.RootCAsPEM]. On Linux and BSD the
// environment tells most of them. On macOS and Windows, programs that ask the system whom
// to trust (those in Go, .NET and Swift, curl on Windows) do not read SSL_CERT_FILE. They
// are told by the program's own flag if there is one, or the system is, for as long as the
// test takes; the authority is another one for each world:
//
//	security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db ca.pem
//	certutil -user -addstore Root ca.pem
//
// Java reads a store of its own on every system: keytool -importcert -noprompt -alias
// fakeecr -file ca.pem -keystore trust.p12 -storepass changeit, and then
// -Djavax.net.ssl.trustStore=trust.p12. It reads no proxy from the environment either, but
// -Dhttps.proxyHost and -Dhttps.proxyPort, as the SDKs of AWS for it do besides HTTPS_PROXY.
//
// With [WithTLS] the proxy itself is spoken to over TLS, https://127.0.0.1:PORT.
//
// In a server of your own, let the Handler have all requests: a http.ServeMux has no
// pattern that CONNECT matches. It must be a server of net/http that speaks HTTP/1.1, whose
// connections tunnels are: they end as these do.
func WithProxy() Option {
	return func(s *setup) error {
		s.proxy = true
		return nil
	}
}

// handler is how the registry is served: by its entrance, behind a proxy if there is one.
func (r *Registry) handler() http.Handler {
	direct := entranceOf(r)
	i := instanceOf(r)
	if !i.setup.proxy {
		return direct
	}
	proxied := *direct
	proxied.Proxied = true
	return &entrance.Proxy{Direct: direct, Proxied: &proxied, TLS: sync.OnceValue(r.TLSConfig), Opened: i.proxied.open, Refused: i.proxied.refuse}
}

// errSetenvOfProxy is what Setenv of a proxy says.
var errSetenvOfProxy = errors.New("Setenv sets no proxy in this process, because Go reads HTTPS_PROXY once, when it first needs it: " +
	"give a child process Env, and code in this one the Registry's Client or Transport")

// proxyLog is what the log of a failed test tells of a proxy.
type proxyLog struct {
	mu      sync.Mutex
	tunnels int
	// refused are the reasons, and times how often each was one.
	refused []string
	times   map[string]int
}

// mostRefused is how many reasons are kept.
const mostRefused = 100

func (l *proxyLog) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tunnels++
}

func (l *proxyLog) refuse(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times[reason] == 0 {
		if len(l.refused) == mostRefused {
			return
		}
		l.refused = append(l.refused, reason)
	}
	if l.times == nil {
		l.times = map[string]int{}
	}
	l.times[reason]++
}

// text is what was refused, a line each, and what became of tunnels if there were no
// calls.
func (l *proxyLog) text(calls bool) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var text strings.Builder
	if l.tunnels > 0 && !calls {
		fmt.Fprintf(&text, "\n%d tunnels were opened and nothing was asked in them: a client that does not trust RootCAs ends them so", l.tunnels)
	}
	for _, reason := range l.refused {
		fmt.Fprintf(&text, "\nrefused: %s", reason)
		if n := l.times[reason]; n > 1 {
			fmt.Fprintf(&text, " (%d times)", n)
		}
	}
	return text.String()
}
