package constraint_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
)

var (
	digest   = "sha256:" + strings.Repeat("0123456789abcdef", 4)
	hotCalls = map[string]any{
		"PutImage": &ecr.PutImageInput{
			RegistryId:             aws.String("123456789012"),
			RepositoryName:         aws.String("team/service/component"),
			ImageManifest:          aws.String(strings.Repeat("a", 4<<20)),
			ImageManifestMediaType: aws.String("application/vnd.oci.image.manifest.v1+json"),
			ImageTag:               aws.String("release-1.25.3"),
			ImageDigest:            aws.String(digest),
		},
		"DescribeImages": &ecr.DescribeImagesInput{
			RepositoryName: aws.String("team/service/component"),
			MaxResults:     aws.Int32(100),
			Filter:         &types.DescribeImagesFilter{TagStatus: types.TagStatusTagged},
		},
		"BatchGetImage": &ecr.BatchGetImageInput{
			RepositoryName: aws.String("team/service/component"),
			ImageIds:       []types.ImageIdentifier{{ImageDigest: aws.String(digest), ImageTag: aws.String("v1")}},
		},
		"UploadLayerPart": &ecr.UploadLayerPartInput{
			RepositoryName: aws.String("team/service/component"),
			UploadId:       aws.String("8bb67b4e-2f5c-4e9a-9a4e-2b3a4c5d6e7f"),
			PartFirstByte:  aws.Int64(0),
			PartLastByte:   aws.Int64(10<<20 - 1),
			LayerPartBlob:  make([]byte, 10<<20),
		},
	}
)

func TestCheckDoesNotAllocate(t *testing.T) {
	for name, in := range hotCalls {
		t.Run(name, func(t *testing.T) {
			require.Zero(t, testing.AllocsPerRun(100, func() {
				if err := constraint.Check(in); err != nil {
					t.Fatal(err)
				}
			}))
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	for name, in := range hotCalls {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := constraint.Check(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
