package fakeecr

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance"
)

// WithTLS has [NewServer] serve HTTPS, for clients that insist on it or whose TLS
// settings are under test. The certificate covers 127.0.0.1, ::1, localhost and
// ECR's own names in the region that the client asks for, so that a client which
// dials the server in the place of api.ecr.us-east-1.amazonaws.com believes it. It
// follows the machine's date, whatever was advanced. Clients trust [Registry.RootCAs];
// [Server.Client] does, and so do those that [Server.Env] leads.
func WithTLS() Option {
	return func(s *setup) error {
		s.tls = true
		return nil
	}
}

// TLSConfig is for a listener of your own that serves [Registry.Handler] over TLS.
// Its certificates are those of [WithTLS], and cover the name and the address by
// which a client comes as well. It speaks HTTP/1.1, as ECR does.
//
// With httptest, set it as the TLS of the server before StartTLS, and give clients
// the RootCAs: the server's own client trusts another certificate.
func (r *Registry) TLSConfig() *tls.Config { return r.authority().Config() }

// RootCAs is what clients of a [Server] with [WithTLS] or [WithProxy], or of a listener
// with [Registry.TLSConfig], trust: the authority that signs the certificates of this
// world and of no other. The pool is the caller's to change.
func (r *Registry) RootCAs() *x509.CertPool { return r.authority().Pool() }

// RootCAsPEM is [Registry.RootCAs] as a file has it, for what takes no pool, such as
// /etc/docker/certs.d/HOST:PORT/ca.crt. The key of the authority is never written,
// and another one is made for each world: a seed does not repeat it.
func (r *Registry) RootCAsPEM() []byte { return r.authority().PEM() }

func (r *Registry) authority() *entrance.Authority {
	authority, err := instanceOf(r).authority()
	instanceOf(r).must(err)
	return authority
}
