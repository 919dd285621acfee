package oci_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func TestRegistryPullsThrough(t *testing.T) {
	upstream := new(faces.Switched)
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		hub := fakeecr.New(t)
		upstream.Upstream = hub.Upstream()
		faces.CreateRule(t, e.Registry, faces.CachedWithSecret("hub", "registry-1.docker.io", faces.HubSecret))
		image := fakeecr.RandomImage(1, 4096)
		hub.MustPush("library/nginx:1", image)

		// The first pull makes the repository, by HEAD as well.
		head := e.Do(t, "HEAD", "/v2/hub/library/nginx/manifests/1", "")
		require.Equal(t, 200, head.Status)
		require.Equal(t, image.Digest(), head.Header.Get("Docker-Content-Digest"))
		require.Equal(t, string(image.Manifest), e.Do(t, "GET", "/v2/hub/library/nginx/manifests/1", "").Body)
		layer := faces.DigestOf(image.Blobs[0])
		require.Equal(t, 200, e.Do(t, "HEAD", "/v2/hub/library/nginx/blobs/"+layer, "").Status)
		e.RequireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, "GET", "/v2/hub/library/nginx/manifests/2", "")

		for _, c := range []struct {
			err    error
			status int
			code   string
		}{
			{fakeecr.ErrUpstreamAccessDenied, 403, "DENIED"},
			{fakeecr.ErrUpstreamTooManyRequests, 429, "TOOMANYREQUESTS"},
			{http.ErrHandlerTimeout, 503, "UNAVAILABLE"},
		} {
			upstream.Upstream = faces.Failing{Err: c.err}
			e.RequireRefused(t, c.status, c.code, "Unable to pull from the upstream registry registry-1.docker.io: "+c.err.Error(), "GET", "/v2/hub/library/redis/manifests/1", "")
		}
	}, fakeecr.WithUpstream("registry-1.docker.io", upstream))
}

func TestRegistryPushesReplicate(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		_, err := e.Registry.PutReplicationConfiguration(t.Context(), &ecr.PutReplicationConfigurationInput{ReplicationConfiguration: &types.ReplicationConfiguration{
			Rules: []types.ReplicationRule{{Destinations: []types.ReplicationDestination{{Region: aws.String("eu-west-1"), RegistryId: aws.String("123456789012")}}}},
		}})
		require.NoError(t, err)
		faces.Create(t, e.Registry, faces.App)
		image := stored(t, e, "{}", "layer")
		require.Equal(t, 201, putManifest(t, e, "v1", image).Status)
		e.Registry.Advance(time.Hour)
		require.Equal(t, []string{"v1"}, faces.ImageDetails(t, e.Registry.In("eu-west-1"), faces.App)[image.Digest()].ImageTags)
	})
}
