package registry_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// FuzzUploadRanges sends parts with any ranges. A part is taken if it follows
// the last byte and its range has its length; another one changes nothing.
func FuzzUploadRanges(f *testing.F) {
	f.Add([]byte{0, 3, 4, 4, 7, 4})
	f.Add([]byte{0, 3, 4, 0, 3, 4, 8, 9, 2, 4, 4, 1})
	f.Add([]byte{0, 0, 0, 1, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		registry := fakeecr.New(t, fakeecr.WithSeed(1))
		name := aws.String("team/app")
		_, err := registry.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: name})
		require.NoError(t, err)
		begun, err := registry.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: name})
		require.NoError(t, err)
		var received []byte
		for ; len(script) >= 3; script = script[3:] {
			first, last, part := int64(script[0]), int64(script[1]), make([]byte, script[2])
			follows := first == int64(len(received)) && len(part) > 0 && last-first+1 == int64(len(part))
			out, err := registry.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{
				RepositoryName: name, UploadId: begun.UploadId, LayerPartBlob: part, PartFirstByte: &first, PartLastByte: &last})
			if follows {
				require.NoError(t, err)
				require.Equal(t, last, *out.LastByteReceived)
				received = append(received, part...)
				continue
			}
			var invalid *types.InvalidLayerPartException
			require.ErrorAs(t, err, &invalid)
			if len(received) == 0 {
				require.Nil(t, invalid.LastValidByteReceived)
			} else {
				require.Equal(t, int64(len(received))-1, *invalid.LastValidByteReceived)
			}
		}
		_, err = registry.CompleteLayerUpload(t.Context(), &ecr.CompleteLayerUploadInput{
			RepositoryName: name, UploadId: begun.UploadId, LayerDigests: []string{faces.DigestOf(received)}})
		if err != nil {
			var empty *types.EmptyUploadException
			var small *types.LayerPartTooSmallException
			if len(received) == 0 {
				require.ErrorAs(t, err, &empty)
			} else {
				require.ErrorAs(t, err, &small)
			}
		}
	})
}
