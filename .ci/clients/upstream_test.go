package clients

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
	peer "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// A registry of another implementation is an upstream, whether it lists referrers or
// its clients keep them under a tag.
func TestUpstreamOfAnotherImplementation(t *testing.T) {
	for _, lists := range []bool{true, false} {
		server := httptest.NewServer(peer.New(peer.WithReferrersSupport(lists), peer.Logger(log.New(io.Discard, "", 0))))
		defer server.Close()
		tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://")+"/coreos/etcd:v3", name.Insecure)
		require.NoError(t, err)
		image, err := random.Image(1000, 2)
		require.NoError(t, err)
		require.NoError(t, remote.Write(tag, image))
		subject, err := remote.Head(tag)
		require.NoError(t, err)
		bom, err := random.Image(100, 1)
		require.NoError(t, err)
		about := mutate.Subject(bom, *subject).(v1.Image)
		named, err := about.Digest()
		require.NoError(t, err)
		require.NoError(t, remote.Write(tag.Context().Digest(named.String()), about))

		registry := fakeecr.New(t, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamRegistry{URL: server.URL, Transport: server.Client().Transport}))
		_, err = registry.CreatePullThroughCacheRule(t.Context(), &ecr.CreatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("quay"), UpstreamRegistryUrl: aws.String("quay.io")})
		require.NoError(t, err)
		pulled, err := registry.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("quay/coreos/etcd"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v3")}}})
		require.NoError(t, err)
		require.Empty(t, pulled.Failures)
		manifest, err := image.RawManifest()
		require.NoError(t, err)
		require.Equal(t, string(manifest), *pulled.Images[0].ImageManifest)
		referrers, err := registry.ListImageReferrers(t.Context(), &ecr.ListImageReferrersInput{
			RepositoryName: aws.String("quay/coreos/etcd"), SubjectId: &types.SubjectIdentifier{ImageDigest: pulled.Images[0].ImageId.ImageDigest},
		})
		require.NoError(t, err)
		require.Len(t, referrers.Referrers, 1)
		require.Equal(t, named.String(), *referrers.Referrers[0].Digest)
	}
}
