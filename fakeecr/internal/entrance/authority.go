package entrance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// Authority signs the certificates of a listener. Its key is in memory only, and
// follows from no seed: whoever trusts the authority would trust all who know the
// seed.
type Authority struct {
	// region is the one whose hosts a client means that names none.
	region      string
	certificate *x509.Certificate
	// key signs, and served is the key of all that is signed.
	key, served *ecdsa.PrivateKey
}

// NewAuthority is a new authority, of the listener whose default region is given.
func NewAuthority(region string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	served, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "fakeecr authority"}, // not as what it signs: OpenSSL would take that for self-signed
		NotBefore:             now.AddDate(-10, 0, 0),
		NotAfter:              now.AddDate(10, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &Authority{region: region, certificate: certificate, key: key, served: served}, err
}

// Pool is what a client trusts that trusts the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// PEM is the authority's certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// Config is a listener's. It speaks HTTP/1.1, as ECR does. It has no certificate of
// its own, so that nothing that takes it puts one in the place of those signed here.
func (a *Authority) Config() *tls.Config {
	protocols := []string{"http/1.1"}
	served := &tls.Config{NextProtos: protocols, GetCertificate: a.sign}
	return &tls.Config{
		NextProtos:         protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return served, nil },
	}
}

// sign makes a certificate for one handshake: for the machine's names, for those of
// ECR in a region, and for whatever name or address the client came by. It is good
// on the day, and no longer than clients take.
func (a *Authority) sign(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	now := time.Now()
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "fakeecr"},
		NotBefore:   now.AddDate(0, -1, 0),
		NotAfter:    now.AddDate(1, 0, 0),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    append(registry.HostsOf(a.region), "localhost"),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if name := hello.ServerName; name != "" {
		template.DNSNames = append(template.DNSNames, name)
		if names := ecrHost.FindStringSubmatch(hostname(name)); names != nil {
			template.DNSNames = append(template.DNSNames, registry.HostsOf(names[2])...)
		}
	}
	if local, ok := hello.Conn.LocalAddr().(*net.TCPAddr); ok {
		template.IPAddresses = append(template.IPAddresses, local.IP)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, a.served.Public(), a.key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.served}, err
}
