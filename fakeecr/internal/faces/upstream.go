package faces

import (
	"context"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// Switched is an upstream that a test exchanges.
type Switched struct{ fakeecr.Upstream }

// EachWithHub runs a test on a fresh world of each face, which has a rule for
// what is under "hub" and another world for Docker Hub.
func EachWithHub(t *testing.T, test func(t *testing.T, f Face, hub *fakeecr.Registry, upstream *Switched), options ...fakeecr.Option) {
	t.Helper()
	upstream := new(Switched)
	Each(t, func(t *testing.T, f Face) {
		hub := fakeecr.New(t)
		upstream.Upstream = hub.Upstream()
		CreateRule(t, f, CachedWithSecret("hub", "registry-1.docker.io", HubSecret))
		test(t, f, hub, upstream)
	}, append(options, fakeecr.WithUpstream("registry-1.docker.io", upstream))...)
}

// RequirePulled holds that a pull finds one image, and that image.
func RequirePulled(t *testing.T, api fakeecr.API, repository string, ids []types.ImageIdentifier, image fakeecr.Image) types.Image {
	t.Helper()
	out := Get(t, api, repository, ids)
	require.Empty(t, out.Failures)
	require.Len(t, out.Images, 1)
	require.Equal(t, image.Digest(), *out.Images[0].ImageId.ImageDigest)
	require.Equal(t, string(image.Manifest), *out.Images[0].ImageManifest)
	require.Equal(t, image.MediaType, *out.Images[0].ImageManifestMediaType)
	return out.Images[0]
}

// RequireFailure holds that a pull fails for its only image.
func RequireFailure(t *testing.T, api fakeecr.API, repository string, ids []types.ImageIdentifier, code types.ImageFailureCode, reason string) {
	t.Helper()
	out := Get(t, api, repository, ids)
	require.Empty(t, out.Images)
	require.Equal(t, []types.ImageFailure{{FailureCode: code, FailureReason: &reason, ImageId: &ids[0]}}, out.Failures)
}

// HubSecret is a secret with the credentials for Docker Hub.
const HubSecret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf"

// Cached is a rule for an upstream registry.
func Cached(prefix, url string) *ecr.CreatePullThroughCacheRuleInput {
	return &ecr.CreatePullThroughCacheRuleInput{EcrRepositoryPrefix: &prefix, UpstreamRegistryUrl: &url}
}

// CachedWithSecret is Cached for an upstream that wants credentials.
func CachedWithSecret(prefix, url, secret string) *ecr.CreatePullThroughCacheRuleInput {
	in := Cached(prefix, url)
	in.CredentialArn = &secret
	return in
}

// CreateRule creates a pull through cache rule.
func CreateRule(t *testing.T, api fakeecr.API, in *ecr.CreatePullThroughCacheRuleInput) {
	t.Helper()
	_, err := api.CreatePullThroughCacheRule(t.Context(), in)
	require.NoError(t, err)
}

// Failing is an upstream that answers errors.
type Failing struct{ Err error }

func (f Failing) Manifest(context.Context, string, string) (string, []byte, error) {
	return "", nil, f.Err
}

func (f Failing) Blob(context.Context, string, string) (io.ReadCloser, error) { return nil, f.Err }
