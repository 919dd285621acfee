package clone

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

func finding() types.EnhancedImageScanFinding {
	return types.EnhancedImageScanFinding{
		Title:           aws.String("CVE-2026-1"),
		FirstObservedAt: aws.Time(time.UnixMilli(1787109743563).UTC()),
		Resources: []types.Resource{{
			Details: &types.ResourceDetails{AwsEcrContainerImage: &types.AwsEcrContainerImageDetails{ImageTags: []string{"v1"}}},
			Tags:    map[string]string{"team": "app"},
		}},
	}
}

func TestOfSharesNothing(t *testing.T) {
	original := finding()
	same := Of(original)
	require.Equal(t, original, same)

	*same.Title = "changed"
	*same.FirstObservedAt = time.Time{}
	same.Resources[0].Details.AwsEcrContainerImage.ImageTags[0] = "changed"
	same.Resources[0].Tags["team"] = "changed"
	same.Resources[0].Type = aws.String("changed")
	require.Equal(t, finding(), original)
}

func TestOfKeepsNilAndEmpty(t *testing.T) {
	for _, value := range []any{
		nil,
		(*ecr.PutImageInput)(nil),
		&ecr.PutImageInput{},
		&ecr.BatchGetImageInput{ImageIds: []types.ImageIdentifier{}},
		types.Resource{Tags: map[string]string{}},
	} {
		require.Equal(t, value, Of(value))
	}
}

func TestOfAnInterface(t *testing.T) {
	in := &ecr.UploadLayerPartInput{LayerPartBlob: []byte("part")}
	same := Of[any](in).(*ecr.UploadLayerPartInput)
	require.Equal(t, in, same)
	same.LayerPartBlob[0] = 'P'
	same.UploadId = aws.String("changed")
	require.Equal(t, &ecr.UploadLayerPartInput{LayerPartBlob: []byte("part")}, in)
}

// An input's texts are copied together and stay apart.
func TestOfTexts(t *testing.T) {
	ids := func() *ecr.BatchGetImageInput {
		in := &ecr.BatchGetImageInput{RepositoryName: aws.String("team/app"), AcceptedMediaTypes: []string{"a", "b"}}
		for _, tag := range []string{"v1", "v2", "v3", "v4", "v5"} {
			in.ImageIds = append(in.ImageIds, types.ImageIdentifier{ImageTag: aws.String(tag)})
		}
		return in
	}
	original := ids()
	same := Of(original)
	require.Equal(t, original, same)
	*original.RepositoryName, *original.ImageIds[4].ImageTag, original.AcceptedMediaTypes[0] = "changed", "changed", "changed"
	original.ImageIds[0] = types.ImageIdentifier{}
	require.Equal(t, ids(), same)
	*same.ImageIds[1].ImageTag = "changed"
	require.Equal(t, "v3", *same.ImageIds[2].ImageTag)
}
