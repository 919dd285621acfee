// Package clients holds tests of the registry endpoint by the clients that people have.
// They are in a module of their own, because what a module's tests require becomes a
// requirement of its users.
package clients

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// The repository of most tests, and sentences about it.
const (
	registryHost = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
	app          = "team/app"
	appNotFound  = "The repository with name 'team/app' does not exist in the registry with id '123456789012'"
	tagIsThere   = "The image tag 'v1' already exists in the 'team/app' repository and cannot be overwritten because the tag is immutable."
	// minPart is the least that ECR takes of a part that is not the last, in bytes.
	minPart = 5 << 20
)

// modes are the endpoint as ECR has it and as the specification wants it.
var modes = map[string][]fakeecr.Option{"ECR": nil, "spec": {fakeecr.WithSpecRegistry()}}

// wire is what a client of registries is told of a world.
type wire struct {
	registry *fakeecr.Registry
	host     string
	way      http.RoundTripper
	password string
	// plain tells that it is no HTTPS.
	plain bool
}

// onAllWires runs a test on a fresh world in this process, over loopback, over loopback
// with TLS, and through a proxy. It has ECR's host name but for the second.
func onAllWires(t *testing.T, test func(t *testing.T, w wire), options ...fakeecr.Option) {
	t.Helper()
	run := func(name string, w wire) {
		t.Run(name, func(t *testing.T) {
			w.password = password(t, w.registry)
			test(t, w)
		})
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

	proxy := fakeecr.NewServer(t, append(options, fakeecr.WithProxy())...)
	through := &http.Transport{
		Proxy:           func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) },
		TLSClientConfig: &tls.Config{RootCAs: proxy.RootCAs()},
	}
	defer through.CloseIdleConnections()
	run("proxy", wire{registry: proxy.Registry, host: registryHost, way: through})
}

// password is that of a new token.
func password(t *testing.T, api fakeecr.API) string {
	t.Helper()
	out, err := api.GetAuthorizationToken(t.Context(), nil)
	require.NoError(t, err)
	text, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	require.NoError(t, err)
	return strings.TrimPrefix(string(text), "AWS:")
}

// create makes a repository, with what is set in its input besides the name.
func create(t *testing.T, api fakeecr.API, name string, with ...func(*ecr.CreateRepositoryInput)) {
	t.Helper()
	in := &ecr.CreateRepositoryInput{RepositoryName: &name}
	for _, set := range with {
		set(in)
	}
	_, err := api.CreateRepository(t.Context(), in)
	require.NoError(t, err)
}

func immutable(in *ecr.CreateRepositoryInput) {
	in.ImageTagMutability = types.ImageTagMutabilityImmutable
}

// imageDetails is the images of a repository by digest.
func imageDetails(t *testing.T, api fakeecr.API, repository string) map[string]types.ImageDetail {
	t.Helper()
	out, err := api.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: &repository})
	require.NoError(t, err)
	require.Nil(t, out.NextToken)
	details := map[string]types.ImageDetail{}
	for _, detail := range out.ImageDetails {
		details[*detail.ImageDigest] = detail
	}
	return details
}

func digestOf(content []byte) string { return digest.FromBytes(content).String() }
