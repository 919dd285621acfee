package entrance

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// Proxy is the handler of a listener that is a proxy as well, to the hosts that the
// fake stands in for and to no other: it dials nobody, so nothing leads outside.
type Proxy struct {
	// Direct answers what comes to the listener itself, and Proxied what comes through
	// it to a host of ECR's.
	Direct, Proxied http.Handler
	// TLS is what tunnels speak.
	TLS func() *tls.Config
	// Opened is told of a tunnel, and Refused of the reason why something was refused.
	Opened  func()
	Refused func(reason string)
}

// ServeHTTP implements [http.Handler].
func (p *Proxy) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch {
	case inTunnel(req):
		p.Proxied.ServeHTTP(w, req)
	case req.Method == http.MethodConnect:
		p.connect(w, req)
	case !req.URL.IsAbs():
		p.Direct.ServeHTTP(w, req)
	case req.URL.Scheme != "http":
		p.refuse(w, fmt.Sprintf("fakeecr's proxy takes a URL of http alone in a request, and CONNECT for others, not %+q", req.URL.Scheme+"://"+req.URL.Host))
	default:
		if reason := against(req.URL.Host, "80"); reason != "" {
			p.refuse(w, reason)
			return
		}
		plain := *req
		plain.TLS = nil // which is the proxy's
		p.Proxied.ServeHTTP(w, &plain)
	}
}

// against is why the proxy leads to no such host, or "". Without a port it is the
// scheme's.
func against(host, port string) string {
	name, given, _ := strings.Cut(host, ":")
	switch {
	case !naming.ParseHost(host).OfAWS:
		return fmt.Sprintf("fakeecr's proxy leads to ECR with its store of layers, to STS and to the login of ECR Public, and not to %+q", host)
	case given != "" && given != port:
		return fmt.Sprintf("fakeecr's proxy leads to port %s of %s, and not to %+q", port, name, host)
	}
	return ""
}

func (p *Proxy) refuse(w http.ResponseWriter, reason string) {
	p.Refused(reason)
	http.Error(w, reason, http.StatusForbidden)
}

const noConnection = "fakeecr's proxy makes a tunnel of a connection of HTTP/1.1 to a server of net/http, and this is none"

// connect makes a connection a tunnel, or refuses to. Some clients show nothing of a
// refusal but the text behind its status, which net/http has no way to write.
//
// To its server a tunnel is a connection that has come, which ends when and as others do.
// It is one before the client's own is none any more, because a server that is closed
// waits for those that there are, and must not be given one when there are none.
func (p *Proxy) connect(w http.ResponseWriter, req *http.Request) {
	server, served := req.Context().Value(http.ServerContextKey).(*http.Server)
	if !served {
		http.Error(w, noConnection, http.StatusNotImplemented)
		return
	}
	reason := against(req.RequestURI, "443") // as it was asked for: Host may be a header's
	t := newTunnel(req)
	if reason == "" {
		server.Serve(listenerOf(tls.Server(t, p.TLS())))
	}
	connection, buffered, err := http.NewResponseController(w).Hijack()
	switch {
	case err != nil:
		none, _ := net.Pipe()
		none.Close()
		t.begin(none, none)
		http.Error(w, noConnection, http.StatusNotImplemented)
	case reason != "":
		p.Refused(reason)
		fmt.Fprintf(connection, "HTTP/1.1 403 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%[1]s\n", reason, len(reason)+1)
		connection.Close()
	default:
		io.WriteString(connection, "HTTP/1.1 200 Connection established\r\n\r\n") // an error is the client's, who has gone
		p.Opened()
		sent, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
		t.begin(connection, io.MultiReader(bytes.NewReader(bytes.Clone(sent)), connection))
	}
}

// tunnel is a connection that CONNECT makes of the client's own, and waits for that.
type tunnel struct {
	local, remote net.Addr

	begun chan struct{}
	below net.Conn
	// received is what the client sends: perhaps it did not wait for the answer.
	received io.Reader

	mu     sync.Mutex
	closed bool
}

func newTunnel(req *http.Request) *tunnel {
	t := &tunnel{begun: make(chan struct{})}
	local, _ := req.Context().Value(http.LocalAddrContextKey).(net.Addr)
	t.local = tunnelAddr{local}
	if remote, err := netip.ParseAddrPort(req.RemoteAddr); err == nil {
		t.remote = net.TCPAddrFromAddrPort(remote)
	}
	return t
}

// begin gives the tunnel its connection, which ends if the tunnel has ended.
func (t *tunnel) begin(below net.Conn, received io.Reader) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.below, t.received = below, received
	close(t.begun)
	if t.closed {
		below.Close()
	}
}

// Close implements [net.Conn]. It waits for nothing.
func (t *tunnel) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.below == nil {
		return nil
	}
	return t.below.Close()
}

// NetConn is the connection below, as that of a [tls.Conn] is.
func (t *tunnel) NetConn() net.Conn {
	<-t.begun
	return t.below
}

// Read implements [net.Conn].
func (t *tunnel) Read(p []byte) (int, error) {
	<-t.begun
	return t.received.Read(p)
}

// Write implements [net.Conn].
func (t *tunnel) Write(p []byte) (int, error) { return t.NetConn().Write(p) }

// LocalAddr implements [net.Conn].
func (t *tunnel) LocalAddr() net.Addr { return t.local }

// RemoteAddr implements [net.Conn].
func (t *tunnel) RemoteAddr() net.Addr { return t.remote }

// SetDeadline implements [net.Conn].
func (t *tunnel) SetDeadline(at time.Time) error { return t.NetConn().SetDeadline(at) }

// SetReadDeadline implements [net.Conn].
func (t *tunnel) SetReadDeadline(at time.Time) error { return t.NetConn().SetReadDeadline(at) }

// SetWriteDeadline implements [net.Conn].
func (t *tunnel) SetWriteDeadline(at time.Time) error { return t.NetConn().SetWriteDeadline(at) }

// tunnelAddr is the address that a tunnel leads to, by which its requests are known.
type tunnelAddr struct{ net.Addr }

// inTunnel tells whether a request came in a tunnel.
func inTunnel(req *http.Request) bool {
	_, is := req.Context().Value(http.LocalAddrContextKey).(tunnelAddr)
	return is
}

// oneConnection is a listener to which a connection comes that is there.
type oneConnection struct {
	connection chan net.Conn
	addr       net.Addr
}

func listenerOf(connection net.Conn) oneConnection {
	l := oneConnection{make(chan net.Conn, 1), connection.LocalAddr()}
	l.connection <- connection
	return l
}

// Accept implements [net.Listener].
func (l oneConnection) Accept() (net.Conn, error) {
	select {
	case connection := <-l.connection:
		return connection, nil
	default:
		return nil, io.EOF
	}
}

// Close implements [net.Listener]. A server that has been stopped accepts nothing.
func (l oneConnection) Close() error {
	if connection, err := l.Accept(); err == nil {
		return connection.Close()
	}
	return nil
}

// Addr implements [net.Listener].
func (l oneConnection) Addr() net.Addr { return l.addr }
