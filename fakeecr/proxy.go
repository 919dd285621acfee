package fakeecr

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"sync"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance"
)

// WithProxy has [NewServer], and whatever serves the [Registry.Handler], be an HTTP
// proxy besides, for a child process that has ECR's own host names in it: skopeo, crane,
// Amazon's credential helper for Docker, a controller. [Server.Env] leads it here by
// HTTPS_PROXY, and names no endpoint. Code that takes an endpoint, a client or a transport
// needs none of it.
//
// The proxy takes CONNECT to port 443 of the hosts that [Registry.Transport] knows, where
// it speaks TLS with the certificates of [WithTLS], and plain requests to their port 80.
// It answers as ECR does there: URIs and download URLs have ECR's and S3's names. It dials
// nobody: every other host or port is refused with 403 and a reason, which the log of a
// failed test repeats (the standard logger, where there is no test), as boto3 and the AWS
// CLI say only that the proxy failed. With WithTLS it is itself spoken to over TLS, for
// which curl wants --proxy-cacert, and which Java cannot.
//
// A client that reads no proxy from its environment asks AWS, which refuses the fake's
// keys. Java's own clients take -Dhttps.proxyHost and -Dhttps.proxyPort (its SDK 2 reads
// HTTPS_PROXY), and the SDK for JavaScript an agent:
//
//	new ECRClient({requestHandler: {httpsAgent: new HttpsProxyAgent(process.env.HTTPS_PROXY)}})
//
// Clients must trust [Registry.RootCAsPEM], which is another one for each world. On
// Linux and BSD the environment tells most of them. On macOS and Windows those that ask
// the system do not read SSL_CERT_FILE: programs in Go and .NET, and curl on Windows.
// Tell these by a flag of their own, or the system for as long as the test takes:
//
//	security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db ca.pem
//	security remove-trusted-cert ca.pem
//	certutil -user -addstore Root ca.pem
//	certutil -user -delstore Root "fakeecr authority"
//
// Java has a store of its own on every system. This makes one, of ca.pem or of the file
// that Env names, which a program takes with
// -Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit:
//
//	keytool -importcert -noprompt -alias fakeecr -file ca.pem -keystore trust.p12 -storepass changeit
//
// In a server of your own, which must be net/http's and speak HTTP/1.1, let the Handler
// have all requests: a http.ServeMux has no pattern for CONNECT. A tunnel is one of the
// server's connections, and ends as they do.
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
	return &entrance.Proxy{Direct: direct, Proxied: &proxied, TLS: sync.OnceValue(r.TLSConfig), Opened: i.proxied.open, Refused: func(reason string) {
		if first := i.proxied.refuse(reason); first && i.t == nil {
			log.Print(reason)
		}
	}}
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

// refuse notes a reason, and tells whether it is there for the first time.
func (l *proxyLog) refuse(reason string) (first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first = l.times[reason] == 0
	if first {
		if len(l.refused) == mostRefused {
			return false
		}
		l.refused = append(l.refused, reason)
	}
	if l.times == nil {
		l.times = map[string]int{}
	}
	l.times[reason]++
	return first
}

// text is what was refused, a line each, and how many tunnels were for nothing if there
// were no calls.
func (l *proxyLog) text(calls bool) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var text strings.Builder
	if l.tunnels > 0 && !calls {
		fmt.Fprintf(&text, "\ntunnels without a call: %d, as clients leave them that do not trust RootCAs", l.tunnels)
	}
	for _, reason := range l.refused {
		fmt.Fprintf(&text, "\nrefused: %s", reason)
		if n := l.times[reason]; n > 1 {
			fmt.Fprintf(&text, " (%d times)", n)
		}
	}
	return text.String()
}
