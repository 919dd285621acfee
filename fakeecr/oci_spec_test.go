package fakeecr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

func TestSpecRegistryDeletesLayers(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		image := fakeecr.RandomImage(1, 10)
		e.registry.MustPush(app+":v1", image)
		e.registry.MustPush("other/app:v1", image)
		layer := digestOf(image.Blobs[len(image.Blobs)-1])
		e.requireRefused(t, 405, "UNSUPPORTED", "The operation is unsupported.", "DELETE", blobsOf+layer, "")
		require.Equal(t, 202, e.do(t, "DELETE", manifestsOf+image.Digest(), "").status)
		require.Equal(t, 200, e.do(t, "HEAD", blobsOf+layer, "").status)
		require.Equal(t, 202, e.do(t, "DELETE", blobsOf+layer, "").status)
		const gone = "' does not exist within the repository with name 'team/app' in the registry with id '123456789012'"
		for _, method := range []string{"GET", "HEAD", "DELETE"} {
			e.requireRefused(t, 404, "BLOB_UNKNOWN", "The layer with digest '"+layer+gone, method, blobsOf+layer, "")
		}
		require.Equal(t, 200, e.do(t, "HEAD", "/v2/other/app/blobs/"+layer, "").status, "another repository has its own")

		deleted := e.registry.Trace().For(scenarios.DeleteLayer)
		require.Len(t, deleted, 3)
		require.Equal(t, layer, *deleted[1].Input.(*scenarios.DeleteLayerInput).LayerDigest)
		require.Contains(t, deleted[1].String(), "DeleteLayer team/app "+layer+" -> ok")
		e.registry.Play(scenarios.Scenario{scenarios.On(scenarios.DeleteLayer).Fail(scenarios.Throttled())})
		e.requireRefused(t, 429, "TOOMANYREQUESTS", "Rate exceeded", "DELETE", blobsOf+layer, "")
	}, fakeecr.WithSpecRegistry())
}

func TestSpecRegistryDeniesDeletion(t *testing.T) {
	const ci = "arn:aws:iam::123456789012:role/ci"
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		layer := direct(e.registry).pushLayer(t, app, []byte("layer"), 5)
		e.authorization = "Basic " + authorizationToken(t, e.registry.As(ci, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:GetAuthorizationToken","Resource":"*"}]}`))
		e.requireRefused(t, 403, "DENIED", "User: "+ci+" is not authorized to perform: ecr:BatchDeleteImage on resource: arn:aws:ecr:us-east-1:123456789012:repository/team/app "+
			"because no identity-based policy allows the ecr:BatchDeleteImage action", "DELETE", blobsOf+layer, "")
	}, fakeecr.WithSpecRegistry())
}

// The specification knows no condition of a mount but that the layer is there.
func TestSpecRegistryMounts(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		create(t, e.registry, "other/app")
		layer := direct(e.registry).pushLayer(t, "other/app", []byte("layer"), 5)
		got := e.do(t, "POST", uploadsOf+"?mount="+layer+"&from=other/app", "")
		require.Equal(t, 201, got.status, got.body)
		require.Equal(t, e.origin+blobsOf+layer, got.header.Get("Location"))
		got = e.layerOf(t, layer)
		require.Equal(t, "layer", got.body)
		require.Equal(t, layer, got.header.Get("Docker-Content-Digest"))
		require.Equal(t, 202, e.do(t, "POST", uploadsOf+"?mount="+digestOf([]byte("absent"))+"&from=other/app", "").status)
	}, fakeecr.WithSpecRegistry())
}
