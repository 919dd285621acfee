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
	"sync"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
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

	mu sync.Mutex
	// signed are the certificates by what clients came by. A browser that was told to
	// trust one trusts no other of the same name.
	signed map[listener]*tls.Certificate
}

// listener is what a client came by.
type listener struct{ name, address string }

// mostSigned is how many certificates are kept.
const mostSigned = 1000

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
	return &Authority{region: region, certificate: certificate, key: key, served: served, signed: map[listener]*tls.Certificate{}}, err
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
	served := &tls.Config{NextProtos: protocols, GetCertificate: a.certify}
	return &tls.Config{
		NextProtos:         protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return served, nil },
	}
}

// certify is the certificate of a handshake, which is that of the last one by the
// same name and address for as long as it is good.
func (a *Authority) certify(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	at := listener{name: hello.ServerName}
	local, ok := hello.Conn.LocalAddr().(*net.TCPAddr)
	if ok {
		at.address = local.IP.String()
	}
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.signed[at]; known != nil && now.After(known.Leaf.NotBefore) && now.Before(known.Leaf.NotAfter) {
		return known, nil
	}
	signed, err := a.sign(at.name, local, now)
	if err != nil {
		return nil, err
	}
	if len(a.signed) >= mostSigned {
		clear(a.signed)
	}
	a.signed[at] = signed
	return signed, nil
}

// sign makes a certificate for the machine's names, for those of ECR in a region, and
// for whatever name or address, which may be nil, a client came by. It is good on the
// day, and no longer than clients take.
func (a *Authority) sign(name string, local *net.TCPAddr, now time.Time) (*tls.Certificate, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "fakeecr"},
		NotBefore:   now.AddDate(0, -1, 0),
		NotAfter:    now.AddDate(1, 0, 0),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    append(naming.HostsIn(a.region), "localhost"),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if name != "" {
		template.DNSNames = append(template.DNSNames, name)
		if host := naming.ParseHost(name); host.OfECR() {
			template.DNSNames = append(template.DNSNames, naming.HostsIn(host.Place.Region)...)
		}
	}
	if local != nil {
		template.IPAddresses = append(template.IPAddresses, local.IP)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, a.served.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.served, Leaf: leaf}, err
}
