// Package promote is what a project has that takes an interface of its own: it
// gives an image that passed its tests a second tag.
package promote

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Images is what Promote needs of ECR. *ecr.Client has it.
type Images interface {
	BatchGetImage(context.Context, *ecr.BatchGetImageInput, ...func(*ecr.Options)) (*ecr.BatchGetImageOutput, error)
	PutImage(context.Context, *ecr.PutImageInput, ...func(*ecr.Options)) (*ecr.PutImageOutput, error)
}

// Promote gives the image that has one tag another. It does nothing where the
// image has both, so it can be called again after a failure.
func Promote(ctx context.Context, images Images, repository, from, to string) error {
	found, err := images.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RepositoryName: &repository,
		ImageIds:       []types.ImageIdentifier{{ImageTag: &from}},
	})
	if err != nil {
		return err
	}
	if len(found.Failures) > 0 {
		return fmt.Errorf("promote %s:%s: %s", repository, from, *found.Failures[0].FailureReason)
	}
	image := found.Images[0]
	_, err = images.PutImage(ctx, &ecr.PutImageInput{
		RepositoryName:         &repository,
		ImageManifest:          image.ImageManifest,
		ImageManifestMediaType: image.ImageManifestMediaType,
		ImageTag:               &to,
	})
	var promoted *types.ImageAlreadyExistsException
	if errors.As(err, &promoted) {
		return nil
	}
	return err
}
