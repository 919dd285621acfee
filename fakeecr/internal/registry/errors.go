package registry

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// The texts of ECR's errors. Those marked "chosen" are recorded nowhere and
// follow their siblings; FIDELITY.md lists them.

func repositoryNotFound(key Key, name string) error {
	return &types.RepositoryNotFoundException{Message: text("The repository with name '%s' does not exist in the registry with id '%s'", name, key.Account)}
}

func repositoryAlreadyExists(key Key, name string) error {
	return &types.RepositoryAlreadyExistsException{Message: text("The repository with name '%s' already exists in the registry with id '%s'", name, key.Account)}
}

func repositoryNotEmpty(repo *repository) error {
	return &types.RepositoryNotEmptyException{Message: text("The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", repo.name, repo.Account)}
}

func invalidParameter(member, constraint string) error {
	return &types.InvalidParameterException{Message: text("Invalid parameter at '%s' failed to satisfy constraint: '%s'", member, constraint)}
}

// invalidTogether is chosen.
func invalidTogether(member, with string) error {
	return invalidParameter(member, fmt.Sprintf("This option cannot be used when you specify %s", with))
}

func invalidTags() error {
	return &types.InvalidTagParameterException{Message: aws.String("Tag parameters are invalid")}
}

// tooManyTags is chosen.
func tooManyTags(arn string, most int64) error {
	return &types.TooManyTagsException{Message: text("The resource with ARN '%s' cannot have more than %d tags", arn, most)}
}

func imageNotFound(repo *repository, id types.ImageIdentifier) error {
	return &types.ImageNotFoundException{Message: text("The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
		orNull(id.ImageDigest), orNull(id.ImageTag), repo.name, repo.Account)}
}

func imageAlreadyExists(repo *repository, digest string, tag *string) error {
	return &types.ImageAlreadyExistsException{Message: text("Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'",
		digest, orNull(tag), repo.name, repo.Account)}
}

func imageTagAlreadyExists(repo *repository, tag string) error {
	return &types.ImageTagAlreadyExistsException{Message: text("The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the tag is immutable.", tag, repo.name)}
}

func imageDigestDoesNotMatch(repo *repository, digest string) error {
	return &types.ImageDigestDoesNotMatchException{Message: text("The image with digest '%s' in repository '%s' and registry ID '%s' does not match the image digest that Amazon ECR has calculated.",
		digest, repo.name, repo.Account)}
}

func layersRequired(repo *repository, digests []string) error {
	return &types.LayersNotFoundException{Message: text("Layers with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist",
		strings.Join(digests, ", "), repo.name, repo.Account)}
}

func imagesRequired(repo *repository, digests []string) error {
	return &types.ReferencedImagesNotFoundException{Message: text("Images with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist",
		strings.Join(digests, ", "), repo.name, repo.Account)}
}

func layerNotFound(repo *repository, digest string) error {
	return &types.LayersNotFoundException{Message: text("The layer with digest '%s' does not exist within the repository with name '%s' in the registry with id '%s'", digest, repo.name, repo.Account)}
}

// layerInaccessible is chosen.
func layerInaccessible(repo *repository, digest string) error {
	return &types.LayerInaccessibleException{Message: text("The layer with digest '%s' within the repository with name '%s' in the registry with id '%s' is not associated with an image",
		digest, repo.name, repo.Account)}
}

// layerAlreadyExists is chosen.
func layerAlreadyExists(repo *repository, digest string) error {
	return &types.LayerAlreadyExistsException{Message: text("The layer with digest '%s' already exists in the repository with name '%s' in registry with id '%s'", digest, repo.name, repo.Account)}
}

func invalidLayer() error {
	return &types.InvalidLayerException{Message: aws.String("None of the provided layer digests match the calculated layer digest")}
}

func layerPartTooSmall() error {
	return &types.LayerPartTooSmallException{Message: aws.String("All layer parts except the last part should be at least 5MB")}
}

func emptyUpload(repo *repository, upload string) error {
	return &types.EmptyUploadException{Message: text("The upload with id '%s' in the repository with name '%s' in registry with id '%s' cannot be completed because it does not have any parts", upload, repo.name, repo.Account)}
}

// uploadNotFound has a recorded text, but for the registry in it.
func uploadNotFound(repo *repository, upload string) error {
	return &types.UploadNotFoundException{Message: text("The upload with id '%s' in the repository with name '%s' in registry with id '%s' does not exist", upload, repo.name, repo.Account)}
}

// invalidLayerPart takes a sentence: that of a gap is recorded from the registry
// endpoint, that of a wrong length is chosen.
func invalidLayerPart(repo *repository, u *upload, sentence string) error {
	err := &types.InvalidLayerPartException{
		Message:        &sentence,
		RegistryId:     aws.String(repo.Account),
		RepositoryName: aws.String(repo.name),
		UploadId:       aws.String(u.id),
	}
	if u.size > 0 {
		err.LastValidByteReceived = aws.Int64(u.size - 1)
	}
	return err
}

func tooManyTagsOnImage(repo *repository, tag string, most int64) error {
	return limitExceeded("Adding tag '%s' to an image in the repository with name '%s' in registry with id '%s' exceeds the maximum allowed number of tags per image which is '%d'",
		tag, repo.name, repo.Account, most)
}

func tooManyImages(repo *repository, most int64) error {
	return limitExceeded("The repository with name '%s' in registry with id '%s' already has the maximum allowed number of images which is '%d'", repo.name, repo.Account, most)
}

// quotaExceeded is chosen.
func quotaExceeded(q Quota, most int64) error {
	return limitExceeded("The limit of %d %s has been exceeded", most, q)
}

func limitExceeded(sentence string, args ...any) error {
	return &types.LimitExceededException{Message: text(sentence, args...)}
}

func text(format string, args ...any) *string { return aws.String(fmt.Sprintf(format, args...)) }

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}
