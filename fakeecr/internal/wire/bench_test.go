package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

func BenchmarkRead(b *testing.B) {
	body := []byte(`{"maxResults":100,"registryId":"123456789012","repositoryNames":["team/app","team/api"]}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := Read(bytes.NewReader(body), int64(len(body)), &ecr.DescribeRepositoriesInput{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	b.Run("one id", func(b *testing.B) {
		benchmarkWrite(b, &ecr.BatchDeleteImageOutput{
			Failures: []types.ImageFailure{},
			ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}},
		})
	})
	b.Run("100 images", func(b *testing.B) {
		at := time.UnixMilli(1787109743563)
		out := &ecr.DescribeImagesOutput{}
		for i := range 100 {
			out.ImageDetails = append(out.ImageDetails, types.ImageDetail{
				ArtifactMediaType:      aws.String("application/vnd.oci.image.config.v1+json"),
				ImageDigest:            aws.String(fmt.Sprintf("sha256:%064x", i)),
				ImageManifestMediaType: aws.String("application/vnd.oci.image.manifest.v1+json"),
				ImagePushedAt:          &at,
				ImageSizeInBytes:       aws.Int64(12345678),
				ImageStatus:            types.ImageStatusActive,
				ImageTags:              []string{fmt.Sprintf("v%d", i)},
				LastRecordedPullTime:   &at,
				RegistryId:             aws.String("123456789012"),
				RepositoryName:         aws.String("team/app"),
			})
		}
		benchmarkWrite(b, out)
	})
}

func benchmarkWrite(b *testing.B, out shape) {
	for name, write := range map[string]func(shape) []byte{
		"ours": func(out shape) []byte { return Write(out, nil) },
		"SDK":  func(out shape) []byte { return sdkWrite(b, out) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(write(out))))
			for b.Loop() {
				write(out)
			}
		})
	}
}

// BenchmarkReadPart reads a part of the size that InitiateLayerUpload asks for. Beside it stand what could not be
// left out, finding the string and decoding it into memory that is there, and the plain way to do it.
func BenchmarkReadPart(b *testing.B) {
	part := bytes.Repeat([]byte("0123456789abcdef"), 10<<20/16)
	body := Write(&ecr.UploadLayerPartInput{
		LayerPartBlob:  part,
		PartFirstByte:  aws.Int64(0),
		PartLastByte:   aws.Int64(int64(len(part)) - 1),
		RepositoryName: aws.String("team/app"),
		UploadId:       aws.String("0d2ff6b5-2b58-4a4d-9e1c-6b4a3f3f7d11"),
	}, nil)
	const start = len(`{"layerPartBlob":"`)

	b.Run("floor", func(b *testing.B) {
		blob := make([]byte, len(part)+2)
		b.SetBytes(int64(len(part)))
		for b.Loop() {
			end := start + bytes.IndexByte(body[start:], '"')
			n, err := base64.StdEncoding.Decode(blob, body[start:end])
			require.NoError(b, err)
			require.Equal(b, len(part), n)
		}
	})
	b.Run("whole body", func(b *testing.B) {
		b.SetBytes(int64(len(part)))
		b.ReportAllocs()
		for b.Loop() {
			text := make([]byte, len(body))
			_, err := io.ReadFull(bytes.NewReader(body), text)
			require.NoError(b, err)
			end := start + bytes.IndexByte(text[start:], '"')
			blob := make([]byte, base64.StdEncoding.DecodedLen(end-start))
			_, err = base64.StdEncoding.Decode(blob, text[start:end])
			require.NoError(b, err)
		}
	})
	b.Run("Read", func(b *testing.B) {
		b.SetBytes(int64(len(part)))
		b.ReportAllocs()
		for b.Loop() {
			var in ecr.UploadLayerPartInput
			require.NoError(b, Read(bytes.NewReader(body), int64(len(body)), &in, nil))
			require.Len(b, in.LayerPartBlob, len(part))
		}
	})
}
