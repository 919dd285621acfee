// Package cleanup is what a project has that takes an *ecr.Client: it deletes
// images that lost their tag long ago.
package cleanup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// atOnce is how many images a BatchDeleteImage takes.
const atOnce = 100

// Untagged deletes the images without a tag that were pushed before a time, and
// answers how many there were.
func Untagged(ctx context.Context, client *ecr.Client, repository string, before time.Time) (int, error) {
	var old []types.ImageIdentifier
	pages := ecr.NewDescribeImagesPaginator(client, &ecr.DescribeImagesInput{
		RepositoryName: &repository,
		Filter:         &types.DescribeImagesFilter{TagStatus: types.TagStatusUntagged},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		for _, image := range page.ImageDetails {
			if image.ImagePushedAt.Before(before) {
				old = append(old, types.ImageIdentifier{ImageDigest: image.ImageDigest})
			}
		}
	}
	for some := range slices.Chunk(old, atOnce) {
		if err := remove(ctx, client, repository, some); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

func remove(ctx context.Context, client *ecr.Client, repository string, images []types.ImageIdentifier) error {
	deleted, err := client.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: &repository, ImageIds: images})
	if err != nil {
		return err
	}
	for _, failure := range deleted.Failures {
		// An attempt whose reply was lost has deleted it.
		if failure.FailureCode != types.ImageFailureCodeImageNotFound {
			return fmt.Errorf("delete %s@%s: %s", repository, *failure.ImageId.ImageDigest, *failure.FailureReason)
		}
	}
	return nil
}
