package fakeecr_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"testing"

	"github.com/fakeecr/ecr/fakeecr"
)

// wire is what a client of registries is told of a world.
type wire struct {
	registry *fakeecr.Registry
	host     string
	way      http.RoundTripper
	password string
	// plain tells that it is no HTTPS.
	plain bool
}

// onAllWires runs a test on a fresh world in this process, over loopback, and over
// loopback with TLS. It has ECR's host name but for the second.
func onAllWires(t *testing.T, test func(t *testing.T, w wire), options ...fakeecr.Option) {
	t.Helper()
	run := func(name string, w wire) {
		w.password = password(t, authorizationToken(t, w.registry))
		t.Run(name, func(t *testing.T) { test(t, w) })
	}
	r := fakeecr.New(t, options...)
	run("transport", wire{registry: r, host: registryHost, way: r.Transport()})

	s := fakeecr.NewServer(t, options...)
	way := &http.Transport{}
	defer way.CloseIdleConnections()
	run("loopback", wire{registry: s.Registry, host: s.Host, way: way, plain: true})

	encrypted := fakeecr.NewServer(t, append(options, fakeecr.WithTLS())...)
	there := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, encrypted.Host)
		},
		TLSClientConfig: &tls.Config{RootCAs: encrypted.RootCAs()},
	}
	defer there.CloseIdleConnections()
	run("TLS", wire{registry: encrypted.Registry, host: registryHost, way: there})
}
