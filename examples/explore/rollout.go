// Package rollout moves the tag production to another image and keeps the image before
// it as previous, for whoever has to go back.
package rollout

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Rollout makes the image of a tag the one in production, and answers its digest. It may
// be run again, whatever became of the run before.
func Rollout(ctx context.Context, client *ecr.Client, repository, tag string) (string, error) {
	next, err := read(ctx, client, repository, tag)
	if err != nil {
		return "", err
	}
	if next == nil {
		return "", fmt.Errorf("%s has no image %s", repository, tag)
	}
	now, err := read(ctx, client, repository, "production")
	if err != nil {
		return "", err
	}
	if now != nil && *now.ImageId.ImageDigest != *next.ImageId.ImageDigest {
		if err := put(ctx, client, now, "previous"); err != nil {
			return "", err
		}
	}
	return *next.ImageId.ImageDigest, put(ctx, client, next, "production")
}

// read is the image of a tag, nil if there is none.
func read(ctx context.Context, client *ecr.Client, repository, tag string) (*types.Image, error) {
	out, err := client.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: &repository, ImageIds: []types.ImageIdentifier{{ImageTag: &tag}}})
	if err != nil {
		return nil, err
	}
	for _, failure := range out.Failures {
		if failure.FailureCode != types.ImageFailureCodeImageNotFound {
			return nil, fmt.Errorf("read %s:%s: %s", repository, tag, aws.ToString(failure.FailureReason))
		}
	}
	if len(out.Images) == 0 {
		return nil, nil
	}
	return &out.Images[0], nil
}

// put gives an image a tag, which it may have: an attempt whose reply was lost has put
// it.
func put(ctx context.Context, client *ecr.Client, image *types.Image, tag string) error {
	_, err := client.PutImage(ctx, &ecr.PutImageInput{
		RepositoryName: image.RepositoryName, ImageManifest: image.ImageManifest, ImageManifestMediaType: image.ImageManifestMediaType, ImageTag: &tag,
	})
	if there := new(types.ImageAlreadyExistsException); errors.As(err, &there) {
		return nil
	}
	return err
}
