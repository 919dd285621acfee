package registry_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// A layer's media type is what the images that refer to it say; one whose images are
// gone has none.
func TestMediaTypeOfALayer(t *testing.T) {
	const docker = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		image := faces.ImageOf([]byte(`{"os":"linux"}`), []byte("layer"))
		layer := faces.DigestOf(image.Blobs[0])
		f.PushBlobs(t, image)
		mediaType := func() string {
			out, err := f.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String(faces.App), LayerDigests: []string{layer}})
			require.NoError(t, err)
			require.Equal(t, types.LayerAvailabilityAvailable, out.Layers[0].LayerAvailability)
			return aws.ToString(out.Layers[0].MediaType)
		}
		require.Empty(t, mediaType())
		_, err := f.Put(t, faces.App, image, "v1")
		require.NoError(t, err)
		require.Equal(t, "application/vnd.oci.image.layer.v1.tar", mediaType())
		faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
		_, err = f.Put(t, faces.App, image, "v1")
		require.NoError(t, err)
		require.Equal(t, "application/vnd.oci.image.layer.v1.tar", mediaType(), "after the archive")

		_, err = f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String(faces.App), ImageIds: faces.Digested(image.Digest())})
		require.NoError(t, err)
		require.Empty(t, mediaType())
		image.Manifest = []byte(strings.Replace(string(image.Manifest), "application/vnd.oci.image.layer.v1.tar", docker, 1))
		_, err = f.Put(t, faces.App, image, "v1")
		require.NoError(t, err)
		require.Equal(t, docker, mediaType())
	})
}
