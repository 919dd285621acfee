package fakeecr_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// resolver pushes and pulls by the API as ECR's resolver for containerd does:
// every call names the registry, and what is missing is told from what is wrong.
type resolver struct {
	faces.Face
	account, repository *string
}

var resolvedTypes = []string{
	faces.OCIIndex, faces.OCIManifest,
	"application/vnd.docker.distribution.manifest.v2+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.docker.distribution.manifest.v1+prettyjws",
}

// resolve is the image of an id, or the failure.
func (r resolver) resolve(t *testing.T, id types.ImageIdentifier, accepted ...string) (*types.Image, types.ImageFailureCode) {
	out, err := r.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{
		RegistryId: r.account, RepositoryName: r.repository, ImageIds: []types.ImageIdentifier{id}, AcceptedMediaTypes: accepted,
	})
	require.NoError(t, err)
	if len(out.Images) == 0 {
		require.Len(t, out.Failures, 1)
		return nil, out.Failures[0].FailureCode
	}
	return &out.Images[0], ""
}

// pushBlob uploads a blob unless it is there, and tells whether it did.
func (r resolver) pushBlob(t *testing.T, blob []byte) bool {
	digest := faces.DigestOf(blob)
	checked, err := r.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{
		RegistryId: r.account, RepositoryName: r.repository, LayerDigests: []string{digest},
	})
	require.NoError(t, err)
	require.Len(t, checked.Layers, 1, "an empty answer is an error to the resolver")
	if checked.Layers[0].LayerAvailability == types.LayerAvailabilityAvailable {
		return false
	}
	r.upload(t, blob)
	return true
}

func (r resolver) upload(t *testing.T, blob []byte) error {
	begun, err := r.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RegistryId: r.account, RepositoryName: r.repository})
	require.NoError(t, err)
	require.Positive(t, *begun.PartSize)
	for first := int64(0); first < int64(len(blob)); first += *begun.PartSize {
		last := min(first+*begun.PartSize, int64(len(blob))) - 1
		_, err := r.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{
			RegistryId: r.account, RepositoryName: r.repository, UploadId: begun.UploadId,
			PartFirstByte: &first, PartLastByte: &last, LayerPartBlob: blob[first : last+1],
		})
		require.NoError(t, err)
	}
	done, err := r.CompleteLayerUpload(t.Context(), &ecr.CompleteLayerUploadInput{
		RegistryId: r.account, RepositoryName: r.repository, UploadId: begun.UploadId, LayerDigests: []string{faces.DigestOf(blob)},
	})
	if err == nil {
		require.Equal(t, faces.DigestOf(blob), *done.LayerDigest)
	}
	return err
}

func (r resolver) pushManifest(t *testing.T, image fakeecr.Image, tag *string) {
	out, err := r.PutImage(t.Context(), &ecr.PutImageInput{
		RegistryId: r.account, RepositoryName: r.repository, ImageTag: tag, ImageDigest: aws.String(image.Digest()),
		ImageManifest: aws.String(string(image.Manifest)), ImageManifestMediaType: &image.MediaType,
	})
	require.NoError(t, err)
	require.Equal(t, image.Digest(), *out.Image.ImageId.ImageDigest)
}

func TestContainerdResolver(t *testing.T) {
	large := faces.Repeated([]byte("0123456789abcdef"), 10_485_760+100)
	image := faces.ImageOf([]byte("{}"), large, []byte("small"))
	index := faces.IndexOf(image)
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		r := resolver{f, aws.String("123456789012"), aws.String(faces.App)}

		_, failure := r.resolve(t, faces.ByTag("v1"), resolvedTypes...)
		require.Equal(t, types.ImageFailureCodeImageNotFound, failure)
		for _, blob := range image.Blobs {
			require.True(t, r.pushBlob(t, blob))
			require.False(t, r.pushBlob(t, blob))
			require.True(t, faces.IsA[*types.LayerAlreadyExistsException](r.upload(t, blob)), "which the resolver takes for success")
		}
		r.pushManifest(t, image, nil)
		r.pushManifest(t, index, aws.String("v1"))

		root, _ := r.resolve(t, faces.ByTag("v1"), resolvedTypes...)
		require.Equal(t, []string{index.Digest(), faces.OCIIndex, string(index.Manifest)}, []string{*root.ImageId.ImageDigest, *root.ImageManifestMediaType, *root.ImageManifest})
		root, _ = r.resolve(t, faces.ByBoth(index.Digest(), "v1"), faces.OCIIndex)
		require.Equal(t, string(index.Manifest), *root.ImageManifest)
		child, _ := r.resolve(t, faces.ByDigest(image.Digest()), faces.OCIManifest)
		require.Equal(t, string(image.Manifest), *child.ImageManifest)
		_, failure = r.resolve(t, faces.ByBoth(image.Digest(), "v1"), faces.OCIManifest)
		require.Equal(t, types.ImageFailureCodeImageTagDoesNotMatchDigest, failure)

		// Layers are fetched without credentials, large ones by ranges.
		at := r.DownloadURL(t, faces.DigestOf(large))
		var got string
		for first := 0; first < len(large); first += 4 << 20 {
			part := r.Fetch(t, http.MethodGet, at, "Range", fmt.Sprintf("bytes=%d-%d", first, first+4<<20-1))
			require.Equal(t, http.StatusPartialContent, part.Status)
			got += part.Body
		}
		require.True(t, got == string(large))
	})
}
