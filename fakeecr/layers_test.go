package fakeecr_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

const (
	noUpload       = "01234567-89ab-4cde-8f01-23456789abcd"
	uploadNotInApp = "The upload with id '%s' in the repository with name 'team/app' in registry with id '123456789012' does not exist"
	minPart        = 5_242_880
)

// availability is what BatchCheckLayerAvailability says of one layer.
func (f face) availability(t *testing.T, digest string) types.LayerAvailability {
	t.Helper()
	out, err := f.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String(app), LayerDigests: []string{digest}})
	require.NoError(t, err)
	require.Empty(t, out.Failures)
	require.Len(t, out.Layers, 1)
	return out.Layers[0].LayerAvailability
}

// What does not follow the last part, or has not the length that its range
// says, is refused, and the upload stays as it was.
func TestInvalidLayerPart(t *testing.T) {
	const gap = "First byte of the layer part is %d instead of %d"
	for name, c := range map[string]struct {
		received    int // bytes that were uploaded before
		first, last int64
		content     string
		want        string
	}{
		"a first part that is not the first": {0, 1, 4, "part", fmt.Sprintf(gap, 1, 0)},
		"a gap":                              {10, 11, 14, "part", fmt.Sprintf(gap, 11, 10)},
		"an overlap":                         {10, 9, 12, "part", fmt.Sprintf(gap, 9, 10)},
		"a part again":                       {4, 0, 3, "part", fmt.Sprintf(gap, 0, 4)},
		"fewer bytes than the range":         {10, 10, 14, "part", "Size of the layer part is 4 instead of 5"},
		"more bytes than the range":          {10, 10, 12, "part", "Size of the layer part is 4 instead of 3"},
		"a range that ends before its begin": {10, 10, 9, "part", "Size of the layer part is 4 instead of 0"},
		"no bytes":                           {10, 10, 10, "", "Size of the layer part is 0"},
		"no bytes of an empty range":         {10, 10, 9, "", "Size of the layer part is 0"},
		"no bytes at first":                  {0, 0, 0, "", "Size of the layer part is 0"},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				create(t, f, app)
				upload := f.beginUpload(t, app)
				content := bytes.Repeat([]byte("x"), c.received)
				if c.received > 0 {
					_, err := f.sendPart(t, app, upload, 0, content)
					require.NoError(t, err)
				}
				_, err := f.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{
					RepositoryName: aws.String(app), UploadId: upload, LayerPartBlob: []byte(c.content),
					PartFirstByte: &c.first, PartLastByte: &c.last,
				})
				refused := requireError[*types.InvalidLayerPartException](t, err, c.want)
				require.Equal(t, []string{"123456789012", app, *upload}, []string{*refused.RegistryId, *refused.RepositoryName, *refused.UploadId})
				if c.received > 0 {
					require.Equal(t, int64(c.received-1), *refused.LastValidByteReceived)
				} else {
					require.Nil(t, refused.LastValidByteReceived)
				}
				if c.received == 0 {
					content = []byte("y")
					_, err = f.sendPart(t, app, upload, 0, content)
					require.NoError(t, err)
				}
				_, err = f.completeUpload(t, app, upload, digestOf(content))
				require.NoError(t, err)
			})
		})
	}
}

func TestUploadExpires(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		upload := f.beginUpload(t, app)
		f.registry.Advance(23*time.Hour + 59*time.Minute)
		_, err := f.sendPart(t, app, upload, 0, []byte("part"))
		require.NoError(t, err)
		later := f.beginUpload(t, app)
		f.registry.Advance(time.Minute)
		_, err = f.completeUpload(t, app, upload, digestOf([]byte("part")))
		requireError[*types.UploadNotFoundException](t, err, fmt.Sprintf(uploadNotInApp, *upload))
		_, err = f.sendPart(t, app, later, 0, []byte("part"))
		require.NoError(t, err, "each upload has a day of its own")
	})
}

// Any part may turn out to be the last, so the minimum is checked at the end.
func TestSizeOfParts(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), minPart/8)
	for name, c := range map[string]struct {
		parts    []int
		tooSmall bool
	}{
		"the least":                 {parts: []int{minPart, minPart, 1}},
		"a byte less":               {parts: []int{minPart - 1, 1}, tooSmall: true},
		"a small one in the middle": {parts: []int{minPart, 1, 1}, tooSmall: true},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				create(t, f, app)
				upload, sent := f.beginUpload(t, app), 0
				for _, size := range c.parts {
					_, err := f.sendPart(t, app, upload, sent, content[sent%16:][:size])
					require.NoError(t, err)
					sent += size
				}
				if c.tooSmall {
					for _, digest := range []string{digestOf(repeated(content, sent)), digestNotThere} {
						_, err := f.completeUpload(t, app, upload, digest)
						requireError[*types.LayerPartTooSmallException](t, err, "All layer parts except the last part should be at least 5MB")
					}
					return
				}
				out, err := f.completeUpload(t, app, upload, digestOf(repeated(content, sent)))
				require.NoError(t, err)
				require.Equal(t, digestOf(repeated(content, sent)), *out.LayerDigest)
			})
		})
	}
}

// repeated is n bytes of a pattern of 16.
func repeated(pattern []byte, n int) []byte {
	return bytes.Repeat(pattern[:16], n/16+1)[:n]
}

func TestLargestPart(t *testing.T) {
	f := direct(fakeecr.New(t))
	create(t, f, app)
	upload := f.beginUpload(t, app)
	_, err := f.sendPart(t, app, upload, 0, make([]byte, 20_971_521))
	requireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "layerPartBlob", "Member must have length less than or equal to 20971520"))
	_, err = f.sendPart(t, app, upload, 0, make([]byte, 20_971_520))
	require.NoError(t, err)
}

func TestPartsPerLayer(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		upload := f.beginUpload(t, app)
		for i := range 2 {
			_, err := f.sendPart(t, app, upload, i, []byte("x"))
			require.NoError(t, err)
		}
		_, err := f.sendPart(t, app, upload, 2, []byte("x"))
		requireError[*types.LimitExceededException](t, err, "The limit of 2 parts per layer has been exceeded")
	}, fakeecr.WithQuota(fakeecr.PartsPerLayer, 2))
}

func TestBytesPerLayer(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		upload := f.beginUpload(t, app)
		_, err := f.sendPart(t, app, upload, 0, []byte("0123456789"))
		require.NoError(t, err)
		_, err = f.sendPart(t, app, upload, 10, []byte("0"))
		requireError[*types.LimitExceededException](t, err, "The limit of 10 bytes per layer has been exceeded")
	}, fakeecr.WithQuota(fakeecr.BytesPerLayer, 10))
}

// Of parts that come in at once for the same place one is taken, whole.
func TestPartsAtOnce(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		const senders, rounds = 8, 20
		create(t, f, app)
		upload := f.beginUpload(t, app)
		var layer []byte
		for range rounds {
			taken := make(chan []byte, senders)
			var all sync.WaitGroup
			for i := range senders {
				all.Go(func() {
					part := bytes.Repeat([]byte{byte('a' + i)}, 100)
					_, err := f.sendPart(t, app, upload, len(layer), part)
					if err == nil {
						taken <- part
						return
					}
					var refused *types.InvalidLayerPartException
					if !assertAs(t, err, &refused) {
						return
					}
					if *refused.LastValidByteReceived != int64(len(layer)+99) {
						t.Errorf("the last byte received is %d", *refused.LastValidByteReceived)
					}
				})
			}
			all.Wait()
			require.Len(t, taken, 1)
			layer = append(layer, <-taken...)
		}
		_, err := f.completeUpload(t, app, upload, digestOf(layer))
		requireError[*types.LayerPartTooSmallException](t, err, "All layer parts except the last part should be at least 5MB")
	})
}

// A layer's media type is what the images that refer to it say; one whose images are
// gone has none.
func TestMediaTypeOfALayer(t *testing.T) {
	const docker = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		image := imageOf([]byte(`{"os":"linux"}`), []byte("layer"))
		layer := digestOf(image.Blobs[0])
		f.pushBlobs(t, image)
		mediaType := func() string {
			out, err := f.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String(app), LayerDigests: []string{layer}})
			require.NoError(t, err)
			require.Equal(t, types.LayerAvailabilityAvailable, out.Layers[0].LayerAvailability)
			return aws.ToString(out.Layers[0].MediaType)
		}
		require.Empty(t, mediaType())
		_, err := f.putImage(t, app, image, "v1")
		require.NoError(t, err)
		require.Equal(t, "application/vnd.oci.image.layer.v1.tar", mediaType())
		updateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
		_, err = f.putImage(t, app, image, "v1")
		require.NoError(t, err)
		require.Equal(t, "application/vnd.oci.image.layer.v1.tar", mediaType(), "after the archive")

		_, err = f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String(app), ImageIds: digested(image.Digest())})
		require.NoError(t, err)
		require.Empty(t, mediaType())
		image.Manifest = []byte(strings.Replace(string(image.Manifest), "application/vnd.oci.image.layer.v1.tar", docker, 1))
		_, err = f.putImage(t, app, image, "v1")
		require.NoError(t, err)
		require.Equal(t, docker, mediaType())
	})
}
