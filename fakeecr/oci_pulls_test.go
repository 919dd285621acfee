package fakeecr_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

func TestRegistryPullsThrough(t *testing.T) {
	upstream := new(switched)
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		hub := fakeecr.New(t)
		upstream.Upstream = hub.Upstream()
		createRule(t, e.registry, cachedWithSecret("hub", "registry-1.docker.io", hubSecret))
		image := fakeecr.RandomImage(1, 4096)
		hub.MustPush("library/nginx:1", image)

		// The first pull makes the repository, by HEAD as well.
		head := e.do(t, "HEAD", "/v2/hub/library/nginx/manifests/1", "")
		require.Equal(t, 200, head.status)
		require.Equal(t, image.Digest(), head.header.Get("Docker-Content-Digest"))
		require.Equal(t, string(image.Manifest), e.do(t, "GET", "/v2/hub/library/nginx/manifests/1", "").body)
		layer := digestOf(image.Blobs[0])
		require.Equal(t, 200, e.do(t, "HEAD", "/v2/hub/library/nginx/blobs/"+layer, "").status)
		e.requireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, "GET", "/v2/hub/library/nginx/manifests/2", "")

		for _, c := range []struct {
			err    error
			status int
			code   string
		}{
			{fakeecr.ErrUpstreamAccessDenied, 403, "DENIED"},
			{fakeecr.ErrUpstreamTooManyRequests, 429, "TOOMANYREQUESTS"},
			{http.ErrHandlerTimeout, 503, "UNAVAILABLE"},
		} {
			upstream.Upstream = failing{c.err}
			e.requireRefused(t, c.status, c.code, "Unable to pull from the upstream registry registry-1.docker.io: "+c.err.Error(), "GET", "/v2/hub/library/redis/manifests/1", "")
		}
	}, fakeecr.WithUpstream("registry-1.docker.io", upstream))
}

func TestRegistryPushesReplicate(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		_, err := e.registry.PutReplicationConfiguration(t.Context(), &ecr.PutReplicationConfigurationInput{ReplicationConfiguration: &types.ReplicationConfiguration{
			Rules: []types.ReplicationRule{{Destinations: []types.ReplicationDestination{{Region: aws.String("eu-west-1"), RegistryId: aws.String("123456789012")}}}},
		}})
		require.NoError(t, err)
		create(t, e.registry, app)
		image := e.stored(t, "{}", "layer")
		require.Equal(t, 201, e.put(t, "v1", image).status)
		e.registry.Advance(time.Hour)
		require.Equal(t, []string{"v1"}, imageDetails(t, e.registry.In("eu-west-1"), app)[image.Digest()].ImageTags)
	})
}
