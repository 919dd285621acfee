package fakeecr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// The repository of most tests, and sentences about it that many calls share.
const (
	app            = "team/app"
	appNotFound    = "The repository with name 'team/app' does not exist in the registry with id '123456789012'"
	imageNotInApp  = "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name 'team/app' in the registry with id '123456789012'"
	invalidAt      = "Invalid parameter at '%s' failed to satisfy constraint: '%s'"
	notAsIn        = "This option cannot be used when you specify %s"
	digestNotThere = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
)

func (f face) create(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(name)})
		require.NoError(t, err)
	}
}

func (f face) beginUpload(t *testing.T, repository string) (upload *string) {
	t.Helper()
	begun, err := f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: &repository})
	require.NoError(t, err)
	return begun.UploadId
}

func (f face) sendPart(t *testing.T, repository string, upload *string, first int, content []byte) (*ecr.UploadLayerPartOutput, error) {
	return f.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{
		RepositoryName: &repository, UploadId: upload, LayerPartBlob: content,
		PartFirstByte: aws.Int64(int64(first)), PartLastByte: aws.Int64(int64(first + len(content) - 1)),
	})
}

func (f face) completeUpload(t *testing.T, repository string, upload *string, digests ...string) (*ecr.CompleteLayerUploadOutput, error) {
	return f.CompleteLayerUpload(t.Context(), &ecr.CompleteLayerUploadInput{RepositoryName: &repository, UploadId: upload, LayerDigests: digests})
}

// pushLayer uploads a layer in parts of at most partSize bytes.
func (f face) pushLayer(t *testing.T, repository string, content []byte, partSize int) (digest string) {
	t.Helper()
	upload := f.beginUpload(t, repository)
	for first := 0; first < len(content); first += partSize {
		_, err := f.sendPart(t, repository, upload, first, content[first:min(first+partSize, len(content))])
		require.NoError(t, err)
	}
	out, err := f.completeUpload(t, repository, upload, digestOf(content))
	require.NoError(t, err)
	return *out.LayerDigest
}

// putImage puts a manifest whose blobs are there; no tag is "".
func (f face) putImage(t *testing.T, repository string, image fakeecr.Image, tag string) (*ecr.PutImageOutput, error) {
	in := &ecr.PutImageInput{RepositoryName: &repository, ImageManifest: aws.String(string(image.Manifest)), ImageManifestMediaType: &image.MediaType}
	if tag != "" {
		in.ImageTag = &tag
	}
	return f.PutImage(t.Context(), in)
}

// imageIDs is a repository's list of images, as digest@tag or digest.
func (f face) imageIDs(t *testing.T, repository string) []string {
	t.Helper()
	out, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: &repository})
	require.NoError(t, err)
	require.Nil(t, out.NextToken)
	return joined(out.ImageIds)
}

func joined(ids []types.ImageIdentifier) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = aws.ToString(id.ImageDigest)
		if id.ImageTag != nil {
			list[i] += "@" + *id.ImageTag
		}
	}
	return list
}

// assertAs is for goroutines of a test, which must not end it.
func assertAs[E error](t *testing.T, err error, target *E) bool {
	t.Helper()
	if errors.As(err, target) {
		return true
	}
	t.Errorf("%v is no %T", err, *target)
	return false
}

// imageOf is an image of a config and layers.
func imageOf(config []byte, layers ...[]byte) fakeecr.Image {
	var list []string
	for _, layer := range layers {
		list = append(list, descriptorOf("application/vnd.oci.image.layer.v1.tar", layer))
	}
	text := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`,
		ociManifest, descriptorOf("application/vnd.oci.image.config.v1+json", config), strings.Join(list, ","))
	return fakeecr.Image{Manifest: []byte(text), MediaType: ociManifest, Blobs: append(layers, config)}
}

// indexOf is an index of images.
func indexOf(images ...fakeecr.Image) fakeecr.Image {
	var list []string
	for _, image := range images {
		list = append(list, descriptorOf(image.MediaType, image.Manifest))
	}
	text := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, ociIndex, strings.Join(list, ","))
	return fakeecr.Image{Manifest: []byte(text), MediaType: ociIndex, Images: images}
}

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
)

func descriptorOf(mediaType string, content []byte) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, digestOf(content), len(content))
}

func isA[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}
