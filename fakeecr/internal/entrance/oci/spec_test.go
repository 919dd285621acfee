package oci_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

func TestSpecRegistryDeletesLayers(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		image := fakeecr.RandomImage(1, 10)
		e.Registry.MustPush(faces.App+":v1", image)
		e.Registry.MustPush("other/app:v1", image)
		layer := faces.DigestOf(image.Blobs[len(image.Blobs)-1])
		e.RequireRefused(t, 405, "UNSUPPORTED", "The operation is unsupported.", "DELETE", faces.BlobsOf+layer, "")
		require.Equal(t, 202, e.Do(t, "DELETE", faces.ManifestsOf+image.Digest(), "").Status)
		require.Equal(t, 200, e.Do(t, "HEAD", faces.BlobsOf+layer, "").Status)
		require.Equal(t, 202, e.Do(t, "DELETE", faces.BlobsOf+layer, "").Status)
		const gone = "' does not exist within the repository with name 'team/app' in the registry with id '123456789012'"
		for _, method := range []string{"GET", "HEAD", "DELETE"} {
			e.RequireRefused(t, 404, "BLOB_UNKNOWN", "The layer with digest '"+layer+gone, method, faces.BlobsOf+layer, "")
		}
		require.Equal(t, 200, e.Do(t, "HEAD", "/v2/other/app/blobs/"+layer, "").Status, "another repository has its own")

		deleted := e.Registry.Trace().For(scenarios.DeleteLayer)
		require.Len(t, deleted, 3)
		require.Equal(t, layer, *deleted[1].Input.(*scenarios.DeleteLayerInput).LayerDigest)
		require.Contains(t, deleted[1].String(), "DeleteLayer team/app "+layer+" -> ok")
		e.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.DeleteLayer).Fail(scenarios.Throttled())})
		e.RequireRefused(t, 429, "TOOMANYREQUESTS", "Rate exceeded", "DELETE", faces.BlobsOf+layer, "")
	}, fakeecr.WithSpecRegistry())
}

func TestSpecRegistryDeniesDeletion(t *testing.T) {
	const ci = "arn:aws:iam::123456789012:role/ci"
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		layer := faces.Direct(e.Registry).PushLayer(t, faces.App, []byte("layer"), 5)
		e.Authorization = "Basic " + faces.AuthorizationToken(t, e.Registry.As(ci, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:GetAuthorizationToken","Resource":"*"}]}`))
		e.RequireRefused(t, 403, "DENIED", "User: "+ci+" is not authorized to perform: ecr:BatchDeleteImage on resource: arn:aws:ecr:us-east-1:123456789012:repository/team/app "+
			"because no identity-based policy allows the ecr:BatchDeleteImage action", "DELETE", faces.BlobsOf+layer, "")
	}, fakeecr.WithSpecRegistry())
}

// The specification knows no condition of a mount but that the layer is there.
func TestSpecRegistryMounts(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		faces.Create(t, e.Registry, "other/app")
		layer := faces.Direct(e.Registry).PushLayer(t, "other/app", []byte("layer"), 5)
		got := e.Do(t, "POST", faces.UploadsOf+"?mount="+layer+"&from=other/app", "")
		require.Equal(t, 201, got.Status, got.Body)
		require.Equal(t, e.Origin+faces.BlobsOf+layer, got.Header.Get("Location"))
		got = getBlob(t, e, layer)
		require.Equal(t, "layer", got.Body)
		require.Equal(t, layer, got.Header.Get("Docker-Content-Digest"))
		require.Equal(t, 202, e.Do(t, "POST", faces.UploadsOf+"?mount="+faces.DigestOf([]byte("absent"))+"&from=other/app", "").Status)
	}, fakeecr.WithSpecRegistry())
}
