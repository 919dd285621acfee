package clients

import (
	"testing"

	ecrlogin "github.com/awslabs/amazon-ecr-credential-helper/ecr-login"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// Amazon's credential helper for Docker finds the server in its environment, and
// gets a password for ECR's own names that the registry endpoint takes under them.
func TestCredentialHelper(t *testing.T) {
	t.Setenv("AWS_ECR_DISABLE_CACHE", "true")
	for scheme, options := range map[string][]fakeecr.Option{"http": nil, "https": {fakeecr.WithTLS()}} {
		server := fakeecr.NewServer(t, options...)
		server.Setenv(t)
		for _, host := range []string{registryHost, registryHost + ":443", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "123456789012.dkr-ecr.us-east-1.on.aws"} {
			user, password, err := ecrlogin.NewECRHelper().Get(host)
			require.NoError(t, err, "%s %s", scheme, host)
			require.Equal(t, "AWS", user)

			image, err := random.Image(1000, 2)
			require.NoError(t, err)
			tag, err := name.NewTag(host + "/team/app:v1")
			require.NoError(t, err)
			server.MustPush("team/app", fakeecr.RandomImage(1, 10)) // makes the repository
			with := []remote.Option{
				remote.WithAuth(authn.FromConfig(authn.AuthConfig{Username: user, Password: password})),
				remote.WithTransport(server.Transport()),
			}
			require.NoError(t, remote.Write(tag, image, with...), host)
			pulled, err := remote.Image(tag, with...)
			require.NoError(t, err)
			want, err := image.Digest()
			require.NoError(t, err)
			got, err := pulled.Digest()
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
}

// A name that the helper does not know, as that of a reachable URI, gets no
// password from it.
func TestCredentialHelperOfReachableURIs(t *testing.T) {
	t.Setenv("AWS_ECR_DISABLE_CACHE", "true")
	server := fakeecr.NewServer(t, fakeecr.WithReachableURIs())
	server.Setenv(t)
	for _, host := range []string{server.Host, registryHost} {
		_, _, err := ecrlogin.NewECRHelper().Get(host)
		require.ErrorContains(t, err, "credentials not found")
	}
}
