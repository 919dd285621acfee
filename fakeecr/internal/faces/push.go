package faces

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// PushThrough pushes an image of small blobs by the calls of a client.
func PushThrough(ctx context.Context, api fakeecr.API, repository, tag string, image fakeecr.Image) error {
	name := aws.String(repository)
	for _, blob := range image.Blobs {
		begun, err := api.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: name})
		if err != nil {
			return err
		}
		if _, err := api.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{
			RepositoryName: name, UploadId: begun.UploadId, LayerPartBlob: blob,
			PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(blob)) - 1),
		}); err != nil {
			return err
		}
		if _, err := api.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{
			RepositoryName: name, UploadId: begun.UploadId, LayerDigests: []string{DigestOf(blob)},
		}); err != nil {
			return err
		}
	}
	_, err := api.PutImage(ctx, &ecr.PutImageInput{
		RepositoryName: name, ImageManifest: aws.String(string(image.Manifest)), ImageTag: aws.String(tag),
	})
	return err
}

// BeginUpload begins the upload of a layer.
func (f Face) BeginUpload(t *testing.T, repository string) (upload *string) {
	t.Helper()
	begun, err := f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: &repository})
	require.NoError(t, err)
	return begun.UploadId
}

// SendPart uploads a part of a layer, from a byte on.
func (f Face) SendPart(t *testing.T, repository string, upload *string, first int, content []byte) (*ecr.UploadLayerPartOutput, error) {
	return f.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{
		RepositoryName: &repository, UploadId: upload, LayerPartBlob: content,
		PartFirstByte: aws.Int64(int64(first)), PartLastByte: aws.Int64(int64(first + len(content) - 1)),
	})
}

// CompleteUpload completes the upload of a layer.
func (f Face) CompleteUpload(t *testing.T, repository string, upload *string, digests ...string) (*ecr.CompleteLayerUploadOutput, error) {
	return f.CompleteLayerUpload(t.Context(), &ecr.CompleteLayerUploadInput{RepositoryName: &repository, UploadId: upload, LayerDigests: digests})
}

// PushLayer uploads a layer in parts of at most partSize bytes.
func (f Face) PushLayer(t *testing.T, repository string, content []byte, partSize int) (digest string) {
	t.Helper()
	upload := f.BeginUpload(t, repository)
	for first := 0; first < len(content); first += partSize {
		_, err := f.SendPart(t, repository, upload, first, content[first:min(first+partSize, len(content))])
		require.NoError(t, err)
	}
	out, err := f.CompleteUpload(t, repository, upload, DigestOf(content))
	require.NoError(t, err)
	return *out.LayerDigest
}

// Put puts a manifest whose blobs are there; no tag is "".
func (f Face) Put(t *testing.T, repository string, image fakeecr.Image, tag string) (*ecr.PutImageOutput, error) {
	in := &ecr.PutImageInput{RepositoryName: &repository, ImageManifest: aws.String(string(image.Manifest)), ImageManifestMediaType: &image.MediaType}
	if tag != "" {
		in.ImageTag = &tag
	}
	return f.PutImage(t.Context(), in)
}

// ImageOf is an image of a config and layers.
func ImageOf(config []byte, layers ...[]byte) fakeecr.Image {
	var list []string
	for _, layer := range layers {
		list = append(list, descriptorOf("application/vnd.oci.image.layer.v1.tar", layer))
	}
	text := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`,
		OCIManifest, descriptorOf("application/vnd.oci.image.config.v1+json", config), strings.Join(list, ","))
	return fakeecr.Image{Manifest: []byte(text), MediaType: OCIManifest, Blobs: append(layers, config)}
}

// IndexOf is an index of images.
func IndexOf(images ...fakeecr.Image) fakeecr.Image {
	var list []string
	for _, image := range images {
		list = append(list, descriptorOf(image.MediaType, image.Manifest))
	}
	text := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, OCIIndex, strings.Join(list, ","))
	return fakeecr.Image{Manifest: []byte(text), MediaType: OCIIndex, Images: images}
}

// The media types of OCI.
const (
	OCIManifest = "application/vnd.oci.image.manifest.v1+json"
	OCIIndex    = "application/vnd.oci.image.index.v1+json"
)

func descriptorOf(mediaType string, content []byte) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, DigestOf(content), len(content))
}

// PushBlobs uploads what an image needs, but not its manifest.
func (f Face) PushBlobs(t *testing.T, image fakeecr.Image) {
	t.Helper()
	for _, blob := range image.Blobs {
		f.PushLayer(t, App, blob, len(blob))
	}
}
