package registry

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
	"github.com/fakeecr/ecr/scenarios"
)

// The bytes of a layer go with the last repository that has it.
func TestDeletedLayersLetGoOfTheirBytes(t *testing.T) {
	w := NewWorld(1, Config{})
	digest := manifest.Digest("layer")
	for _, name := range []string{"app", "other"} {
		create(t, w, name)
		upload := begin(t, w, name, "layer")
		_, err := do(w, (*Tx).CompleteLayerUpload, &ecr.CompleteLayerUploadInput{RepositoryName: &name, UploadId: upload, LayerDigests: []string{digest}})
		require.NoError(t, err)
	}
	require.NoError(t, deleteLayer(w, "app", digest))
	require.True(t, newTx(w).read().blobs.Has(digest))
	require.NoError(t, deleteLayer(w, "other", digest))
	require.False(t, newTx(w).read().blobs.Has(digest))
}

func deleteLayer(w *World, repository, digest string) error {
	return change(w, func(tx *Tx) error {
		return tx.DeleteLayer(context.Background(), &scenarios.DeleteLayerInput{RepositoryName: &repository, LayerDigest: &digest})
	})
}
