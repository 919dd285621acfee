package registry

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// The texts of lifecycle policies and of the archive.

func lifecyclePolicyNotFound(repo *repository) error {
	return &types.LifecyclePolicyNotFoundException{Message: text("Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", repo.name, repo.Account)}
}

// previewNotFound is chosen.
func previewNotFound(repo *repository) error {
	return &types.LifecyclePolicyPreviewNotFoundException{Message: text("Lifecycle policy preview does not exist for the repository with name '%s' in the registry with id '%s'", repo.name, repo.Account)}
}

// previewInProgress is chosen: the service model's sentence about the exception.
func previewInProgress() error {
	return &types.LifecyclePolicyPreviewInProgressException{Message: aws.String("The previous lifecycle policy preview request has not completed. Wait and try again.")}
}

// storageClassUpdateNotSupported is chosen, with its reasons below.
func storageClassUpdateNotSupported(repo *repository, id types.ImageIdentifier, target types.TargetStorageClass, reason string) error {
	return &types.ImageStorageClassUpdateNotSupportedException{Message: text("The image with imageId {imageDigest:'%s', imageTag:'%s'} in the repository with name '%s' in the registry with id '%s' cannot be updated to storage class %s because %s",
		orNull(id.ImageDigest), orNull(id.ImageTag), repo.name, repo.Account, target, reason)}
}

func becauseOfStatus(img *image) string { return fmt.Sprintf("its status is %s", img.status()) }

func becauseOfSubject(img *image) string {
	return fmt.Sprintf("it follows its subject with digest '%s'", img.subject)
}

func becauseOfIndexes(indexes []string) string {
	return fmt.Sprintf("it is referenced by manifest list: [%s]", strings.Join(indexes, ", "))
}

// imageInaccessible has a text that is recorded from the registry endpoint.
func imageInaccessible(id types.ImageIdentifier) *types.ImageFailure {
	return imageFailure(id, types.ImageFailureCodeImageInaccessible, "The requested image is in an inaccessible state. Please restore if needed")
}

// layerArchived is chosen.
func layerArchived(repo *repository, digest string) error {
	return &types.LayerInaccessibleException{Message: text("The layer with digest '%s' within the repository with name '%s' in the registry with id '%s' is archived",
		digest, repo.name, repo.Account)}
}
