package fakeecr_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// The API, the layers and the faults are over TLS what they are without.
func TestTLS(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithTLS())
	require.Equal(t, "https://"+server.Host, server.URL)
	image := fakeecr.RandomImage(1, 3<<20)
	server.MustPush("team/app:v1", image)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.RootCAs()}}}
	defer client.CloseIdleConnections()
	url, err := server.Client(faces.Once).GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{
		RepositoryName: aws.String(faces.App), LayerDigest: aws.String(faces.DigestOf(image.Blobs[0])),
	})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(*url.DownloadUrl, server.URL+"/"), *url.DownloadUrl)
	response, err := client.Get(*url.DownloadUrl)
	require.NoError(t, err)
	require.Equal(t, faces.DigestOf(image.Blobs[0]), faces.DigestOf(faces.Read(t, response)))

	e := &faces.Endpoint{Client: client, Origin: server.URL, Authorization: "Basic " + faces.AuthorizationToken(t, server)}
	begun := e.Do(t, http.MethodPost, "/v2/team/app/blobs/uploads/", "")
	require.True(t, strings.HasPrefix(begun.Header.Get("Location"), server.URL+"/v2/team/app/blobs/uploads/"), begun.Header)

	plain := fakeecr.NewServer(t)
	for name, rule := range map[string]func() *scenarios.Rule{
		"dropped": func() *scenarios.Rule { return scenarios.On("DescribeRepositories").Drop() },
		"refused": func() *scenarios.Rule {
			return scenarios.On("DescribeRepositories").Fail(scenarios.ErrConnectionRefused)
		},
		"reset": func() *scenarios.Rule { return scenarios.On("DescribeRepositories").Fail(scenarios.ErrConnectionReset) },
		"cut":   func() *scenarios.Rule { return scenarios.On("DescribeRepositories").ResetAfter(3) },
	} {
		failure := func(s *fakeecr.Server) error {
			playing := s.Play(scenarios.Scenario{rule()})
			defer playing.Stop()
			_, err := s.Client(faces.Once).DescribeRepositories(t.Context(), nil)
			return err
		}
		encrypted, unencrypted := failure(server), failure(plain)
		require.Equal(t, faces.Chain(unencrypted), faces.Chain(encrypted), name)
		require.Equal(t, errors.Is(unencrypted, syscall.ECONNRESET), errors.Is(encrypted, syscall.ECONNRESET), "%s: %v, %v", name, unencrypted, encrypted)
	}
}

// A client believes the server by whatever name of ECR it dials it, and no other
// server.
func TestCertificates(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithTLS(), fakeecr.WithRegion("eu-west-1"))
	other := fakeecr.NewServer(t, fakeecr.WithTLS(), fakeecr.WithSeed(server.Seed()))
	shake := func(name string, roots *x509.CertPool) (tls.ConnectionState, error) {
		connection, err := tls.Dial("tcp", server.Host, &tls.Config{ServerName: name, RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			return tls.ConnectionState{}, err
		}
		defer connection.Close()
		return connection.ConnectionState(), nil
	}
	for _, name := range []string{
		"127.0.0.1", "::1", "localhost", "ecr", "host.docker.internal",
		"210987654321.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr.ecr.us-east-1.amazonaws.com", "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "123456789012.dkr-ecr.us-east-1.on.aws", "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov",
		"210987654321.dkr.ecr.us-east-1.localhost",
		"api.ecr.eu-west-1.amazonaws.com", "api.ecr.us-east-1.amazonaws.com", "ecr-fips.us-east-1.amazonaws.com", "ecr.us-east-1.api.aws", "api.ecr.cn-north-1.amazonaws.com.cn",
		"prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com", "prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com",
	} {
		state, err := shake(name, server.RootCAs())
		require.NoError(t, err, name)
		require.Equal(t, "http/1.1", state.NegotiatedProtocol)
		leaf := state.PeerCertificates[0]
		again, err := shake(name, server.RootCAs())
		require.NoError(t, err, name)
		require.Equal(t, leaf.Raw, again.PeerCertificates[0].Raw, "a browser trusts the one that it was told to")
		require.NotEqual(t, leaf.Issuer, leaf.Subject, "OpenSSL would take it for self-signed")
		require.WithinRange(t, time.Now(), leaf.NotBefore, leaf.NotAfter)
		require.Less(t, leaf.NotAfter.Sub(leaf.NotBefore), 825*24*time.Hour, "some clients take none that is good for longer")
		for _, covered := range []string{"127.0.0.1", "::1", "localhost", "210987654321.dkr.ecr.eu-west-1.amazonaws.com", "api.ecr.eu-west-1.amazonaws.com"} {
			require.NoError(t, leaf.VerifyHostname(covered), name)
		}
	}
	_, err := shake("localhost", other.RootCAs())
	require.ErrorAs(t, err, new(x509.UnknownAuthorityError), "a seed makes no authority")
	state, err := shake("api.ecr.ap-south-1.amazonaws.com", server.RootCAs())
	require.NoError(t, err)
	require.NoError(t, state.PeerCertificates[0].VerifyHostname("210987654321.dkr.ecr.ap-south-1.amazonaws.com"))
}

// A client that dials the server in the place of ECR is none the wiser.
func TestTLSUnderTheNamesOfECR(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithTLS(), fakeecr.WithReachableURIs())
	image := fakeecr.RandomImage(1, 1000)
	server.In("eu-west-1").MustPush("team/app:v1", image)
	transport := &http.Transport{DialContext: faces.Dialing(server.Host), TLSClientConfig: &tls.Config{RootCAs: server.RootCAs()}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	api := server.In("eu-west-1").Client(func(o *ecr.Options) { o.BaseEndpoint, o.HTTPClient = nil, client })
	repository, proxy := faces.URIs(t, api, "")
	require.Equal(t, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app", repository)
	require.Equal(t, "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com", proxy)
	url, err := api.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String(faces.App), LayerDigest: aws.String(faces.DigestOf(image.Blobs[0]))})
	require.NoError(t, err)
	require.Contains(t, *url.DownloadUrl, "https://api.ecr.eu-west-1.amazonaws.com/", "nobody knows where the store's name leads")
	response, err := client.Get(*url.DownloadUrl)
	require.NoError(t, err)
	require.Equal(t, image.Blobs[0], faces.Read(t, response))
}

// A listener of the user's has the same certificates, httptest's as well as one of
// net/http.
func TestTLSConfig(t *testing.T) {
	registry := fakeecr.New(t)
	faces.Create(t, registry, faces.App)
	server := httptest.NewUnstartedServer(registry.Handler())
	server.TLS = registry.TLSConfig()
	server.StartTLS()
	defer server.Close()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: registry.RootCAs()}}
	defer transport.CloseIdleConnections()
	api := registry.Client(faces.Once, func(o *ecr.Options) { o.BaseEndpoint, o.HTTPClient = &server.URL, &http.Client{Transport: transport} })
	require.Equal(t, []string{faces.App}, faces.Repositories(t, api))
}

// The file that the environment names has the server's authority and what the
// machine trusts besides.
func TestEnvOfTLS(t *testing.T) {
	machine := fakeecr.New(t)
	path := filepath.Join(t.TempDir(), "machine.pem")
	require.NoError(t, os.WriteFile(path, machine.RootCAsPEM()[:len(machine.RootCAsPEM())-1], 0o600), "without a newline at its end")
	t.Setenv("SSL_CERT_FILE", path)
	server := fakeecr.NewServer(t, fakeecr.WithTLS())
	environment := map[string]string{}
	for _, pair := range server.In("eu-west-1").Env() {
		name, value, _ := strings.Cut(pair, "=")
		environment[name] = value
	}
	require.Equal(t, server.URL, environment["AWS_ENDPOINT_URL_ECR"])
	for _, name := range []string{"AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"} {
		content, err := os.ReadFile(environment[name])
		require.NoError(t, err, name)
		trusted, want := x509.NewCertPool(), server.RootCAs()
		require.True(t, trusted.AppendCertsFromPEM(content))
		require.True(t, want.AppendCertsFromPEM(machine.RootCAsPEM()))
		require.True(t, trusted.Equal(want), name)
		require.True(t, bytes.HasPrefix(content, server.RootCAsPEM()), "keytool and its like take the first one alone")
	}
	server.Close()
	_, err := os.Stat(environment["AWS_CA_BUNDLE"])
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, pair := range fakeecr.NewServer(t).Env() {
		require.NotRegexp(t, "^(SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS)=", pair, "the machine's stay where there is no TLS")
	}
}
