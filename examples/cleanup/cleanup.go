// Package cleanup is what a project has that takes an *ecr.Client: it deletes
// images that lost their tag long ago.
package cleanup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// atOnce is how many images a BatchGetImage or a BatchDeleteImage takes.
const atOnce = 100

// Untagged deletes the images without a tag that were pushed before a time, and
// answers how many there were. Images of an index stay as long as the index does.
//
// ECR deletes an image by its digest whatever tags it has by then. So each image is
// tagged first, and it is that tag which is deleted: an image goes with its last tag,
// and stays if somebody has tagged it meanwhile. What is left with such a tag, because
// the program was ended in between, goes the next time.
func Untagged(ctx context.Context, client *ecr.Client, repository string, before time.Time) (int, error) {
	old, err := list(ctx, client, repository, before)
	if err != nil {
		return 0, err
	}
	for some := range slices.Chunk(old, atOnce) {
		if err := remove(ctx, client, repository, some); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

// mark is the tag by which an image is deleted.
func mark(digest string) string { return "unused-" + strings.TrimPrefix(digest, "sha256:") }

// list is the images that are old, have no tag but their mark, and are in no index.
func list(ctx context.Context, client *ecr.Client, repository string, before time.Time) (old []types.ImageIdentifier, err error) {
	var indexes []types.ImageIdentifier
	pages := ecr.NewDescribeImagesPaginator(client, &ecr.DescribeImagesInput{RepositoryName: &repository})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, image := range page.ImageDetails {
			id := types.ImageIdentifier{ImageDigest: image.ImageDigest}
			if media := aws.ToString(image.ImageManifestMediaType); strings.HasSuffix(media, "image.index.v1+json") || strings.HasSuffix(media, "manifest.list.v2+json") {
				indexes = append(indexes, id)
			}
			inUse := slices.ContainsFunc(image.ImageTags, func(tag string) bool { return tag != mark(*image.ImageDigest) })
			if !inUse && image.ImagePushedAt.Before(before) {
				old = append(old, id)
			}
		}
	}
	held := map[string]bool{}
	for some := range slices.Chunk(indexes, atOnce) {
		images, err := read(ctx, client, repository, some)
		if err != nil {
			return nil, err
		}
		for _, image := range images {
			var index struct{ Manifests []struct{ Digest string } }
			if err := json.Unmarshal([]byte(*image.ImageManifest), &index); err != nil {
				return nil, err
			}
			for _, child := range index.Manifests {
				held[child.Digest] = true
			}
		}
	}
	return slices.DeleteFunc(old, func(id types.ImageIdentifier) bool { return held[*id.ImageDigest] }), nil
}

// read is those of some images that are still there.
func read(ctx context.Context, client *ecr.Client, repository string, ids []types.ImageIdentifier) ([]types.Image, error) {
	out, err := client.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: &repository, ImageIds: ids})
	if err != nil {
		return nil, err
	}
	return out.Images, failed("read", repository, out.Failures)
}

func remove(ctx context.Context, client *ecr.Client, repository string, ids []types.ImageIdentifier) error {
	images, err := read(ctx, client, repository, ids)
	if err != nil || len(images) == 0 {
		return err
	}
	var marks []types.ImageIdentifier
	for _, image := range images {
		tag := mark(*image.ImageId.ImageDigest)
		_, err := client.PutImage(ctx, &ecr.PutImageInput{
			RepositoryName: &repository, ImageManifest: image.ImageManifest, ImageManifestMediaType: image.ImageManifestMediaType, ImageTag: &tag,
		})
		if there := new(types.ImageAlreadyExistsException); err != nil && !errors.As(err, &there) {
			return err
		}
		if id := (types.ImageIdentifier{ImageTag: &tag}); !slices.ContainsFunc(marks, func(other types.ImageIdentifier) bool { return *other.ImageTag == tag }) {
			marks = append(marks, id)
		}
	}
	deleted, err := client.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: &repository, ImageIds: marks})
	if err != nil {
		return err
	}
	return failed("delete", repository, deleted.Failures)
}

// failed is what failed of a batch. What is not there was deleted by somebody else, or
// by an attempt whose reply was lost.
func failed(what, repository string, failures []types.ImageFailure) error {
	for _, failure := range failures {
		if failure.FailureCode != types.ImageFailureCodeImageNotFound {
			return fmt.Errorf("%s %s: %s %s: %s", what, repository, aws.ToString(failure.ImageId.ImageDigest), aws.ToString(failure.ImageId.ImageTag), aws.ToString(failure.FailureReason))
		}
	}
	return nil
}
