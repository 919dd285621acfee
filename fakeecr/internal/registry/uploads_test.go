package registry_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

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
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.Create(t, f, faces.App)
				upload := f.BeginUpload(t, faces.App)
				content := bytes.Repeat([]byte("x"), c.received)
				if c.received > 0 {
					_, err := f.SendPart(t, faces.App, upload, 0, content)
					require.NoError(t, err)
				}
				_, err := f.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{
					RepositoryName: aws.String(faces.App), UploadId: upload, LayerPartBlob: []byte(c.content),
					PartFirstByte: &c.first, PartLastByte: &c.last,
				})
				refused := faces.RequireError[*types.InvalidLayerPartException](t, err, c.want)
				require.Equal(t, []string{"123456789012", faces.App, *upload}, []string{*refused.RegistryId, *refused.RepositoryName, *refused.UploadId})
				if c.received > 0 {
					require.Equal(t, int64(c.received-1), *refused.LastValidByteReceived)
				} else {
					require.Nil(t, refused.LastValidByteReceived)
				}
				if c.received == 0 {
					content = []byte("y")
					_, err = f.SendPart(t, faces.App, upload, 0, content)
					require.NoError(t, err)
				}
				_, err = f.CompleteUpload(t, faces.App, upload, faces.DigestOf(content))
				require.NoError(t, err)
			})
		})
	}
}

func TestUploadExpires(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		upload := f.BeginUpload(t, faces.App)
		f.Registry.Advance(23*time.Hour + 59*time.Minute)
		_, err := f.SendPart(t, faces.App, upload, 0, []byte("part"))
		require.NoError(t, err)
		later := f.BeginUpload(t, faces.App)
		f.Registry.Advance(time.Minute)
		_, err = f.CompleteUpload(t, faces.App, upload, faces.DigestOf([]byte("part")))
		faces.RequireError[*types.UploadNotFoundException](t, err, fmt.Sprintf(faces.UploadNotInApp, *upload))
		_, err = f.SendPart(t, faces.App, later, 0, []byte("part"))
		require.NoError(t, err, "each upload has a day of its own")
	})
}

// Any part may turn out to be the last, so the minimum is checked at the end.
func TestSizeOfParts(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), faces.MinPart/8)
	for name, c := range map[string]struct {
		parts    []int
		tooSmall bool
	}{
		"the least":                 {parts: []int{faces.MinPart, faces.MinPart, 1}},
		"a byte less":               {parts: []int{faces.MinPart - 1, 1}, tooSmall: true},
		"a small one in the middle": {parts: []int{faces.MinPart, 1, 1}, tooSmall: true},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.Create(t, f, faces.App)
				upload, sent := f.BeginUpload(t, faces.App), 0
				for _, size := range c.parts {
					_, err := f.SendPart(t, faces.App, upload, sent, content[sent%16:][:size])
					require.NoError(t, err)
					sent += size
				}
				if c.tooSmall {
					for _, digest := range []string{faces.DigestOf(faces.Repeated(content, sent)), faces.DigestNotThere} {
						_, err := f.CompleteUpload(t, faces.App, upload, digest)
						faces.RequireError[*types.LayerPartTooSmallException](t, err, "All layer parts except the last part should be at least 5MB")
					}
					return
				}
				out, err := f.CompleteUpload(t, faces.App, upload, faces.DigestOf(faces.Repeated(content, sent)))
				require.NoError(t, err)
				require.Equal(t, faces.DigestOf(faces.Repeated(content, sent)), *out.LayerDigest)
			})
		})
	}
}

func TestLargestPart(t *testing.T) {
	f := faces.Direct(fakeecr.New(t))
	faces.Create(t, f, faces.App)
	upload := f.BeginUpload(t, faces.App)
	_, err := f.SendPart(t, faces.App, upload, 0, make([]byte, 20_971_521))
	faces.RequireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "layerPartBlob", "Member must have length less than or equal to 20971520"))
	_, err = f.SendPart(t, faces.App, upload, 0, make([]byte, 20_971_520))
	require.NoError(t, err)
}

func TestPartsPerLayer(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		upload := f.BeginUpload(t, faces.App)
		for i := range 2 {
			_, err := f.SendPart(t, faces.App, upload, i, []byte("x"))
			require.NoError(t, err)
		}
		_, err := f.SendPart(t, faces.App, upload, 2, []byte("x"))
		faces.RequireError[*types.LimitExceededException](t, err, "The limit of 2 parts per layer has been exceeded")
	}, fakeecr.WithQuota(fakeecr.PartsPerLayer, 2))
}

func TestBytesPerLayer(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		upload := f.BeginUpload(t, faces.App)
		_, err := f.SendPart(t, faces.App, upload, 0, []byte("0123456789"))
		require.NoError(t, err)
		_, err = f.SendPart(t, faces.App, upload, 10, []byte("0"))
		faces.RequireError[*types.LimitExceededException](t, err, "The limit of 10 bytes per layer has been exceeded")
	}, fakeecr.WithQuota(fakeecr.BytesPerLayer, 10))
}

// Of parts that come in at once for the same place one is taken, whole.
func TestPartsAtOnce(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		const senders, rounds = 8, 20
		faces.Create(t, f, faces.App)
		upload := f.BeginUpload(t, faces.App)
		var layer []byte
		for range rounds {
			taken := make(chan []byte, senders)
			var all sync.WaitGroup
			for i := range senders {
				all.Go(func() {
					part := bytes.Repeat([]byte{byte('a' + i)}, 100)
					_, err := f.SendPart(t, faces.App, upload, len(layer), part)
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
		_, err := f.CompleteUpload(t, faces.App, upload, faces.DigestOf(layer))
		faces.RequireError[*types.LayerPartTooSmallException](t, err, "All layer parts except the last part should be at least 5MB")
	})
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
