package entrance

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A tunnel that is asked for while its server stops ends at once.
func TestTunnelOfAServerThatStops(t *testing.T) {
	for name, stops := range map[string]func(p *Proxy, server *http.Server){
		"closed": func(p *Proxy, server *http.Server) { p.Opened = func() { server.Close() } },
		"shut down": func(p *Proxy, server *http.Server) {
			p.TLS = func() *tls.Config {
				begun := make(chan struct{})
				server.RegisterOnShutdown(func() { close(begun) })
				go server.Shutdown(context.WithoutCancel(t.Context()))
				<-begun
				return &tls.Config{}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := &http.Server{}
			proxy := &Proxy{Opened: func() {}, TLS: func() *tls.Config { return &tls.Config{} }}
			stops(proxy, server)
			server.Handler = proxy
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			served := make(chan error, 1)
			go func() { served <- server.Serve(listener) }()
			connection, err := net.Dial("tcp", listener.Addr().String())
			require.NoError(t, err)
			defer connection.Close()
			require.NoError(t, connection.SetDeadline(time.Now().Add(time.Minute)))
			fmt.Fprint(connection, "CONNECT api.ecr.us-east-1.amazonaws.com:443 HTTP/1.1\r\nHost: api.ecr.us-east-1.amazonaws.com:443\r\n\r\n")
			reader := bufio.NewReader(connection)
			response, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, response.StatusCode)
			_, err = reader.ReadByte()
			require.ErrorIs(t, err, io.EOF)
			require.ErrorIs(t, <-served, http.ErrServerClosed)
		})
	}
}
