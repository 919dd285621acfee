package registry

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
)

func cacheRuleNotFound(key Key, prefix string) error {
	return &types.PullThroughCacheRuleNotFoundException{Message: text("The pull through cache rule with Amazon ECR repository prefix '%s' does not exist in the registry with id '%s'", prefix, key.Account)}
}

func cacheRuleAlreadyExists(key Key, prefix string) error {
	return &types.PullThroughCacheRuleAlreadyExistsException{Message: text("The pull through cache rule with Amazon ECR repository prefix '%s' already exists in the registry with id '%s'", prefix, key.Account)}
}

func nothingToUpdate() error {
	return &types.InvalidParameterException{Message: aws.String("Invalid input: Please set either credential arn or role arn to update the credentials")}
}

func upstreamNeedsCredentials() error {
	return &types.UnsupportedUpstreamRegistryException{Message: aws.String("The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN containing the upstream registry credentials and try again.")}
}

// upstreamURLInvalid has a recorded text; its code is chosen.
func upstreamURLInvalid(url string) error {
	return &types.UnsupportedUpstreamRegistryException{Message: text("The upstream registry URL %s is invalid. Specify a valid upstream registry URL and try again", url)}
}

// upstreamRegistryDoesNotMatch has a recorded text; its code is chosen.
func upstreamRegistryDoesNotMatch() error {
	return validationFailed("Invalid input: Upstream registry URL and entered upstream registry do not match. Please verify input and try again.")
}

// upstreamPrefixIsNotRoot is chosen.
func upstreamPrefixIsNotRoot() error {
	return validationFailed("Invalid input: Upstream repository prefix must be ROOT where the Amazon ECR repository prefix is ROOT. Please verify input and try again.")
}

// Of the next four texts only the beginning is recorded; their ends and codes
// are chosen.

func upstreamNeedsNoCredentials() error {
	return validationFailed("The specified upstream registry doesn't require authentication. Remove the Secrets Manager ARN and try again.")
}

func upstreamCredentialsDoNotMatch() error {
	return validationFailed("Upstream registry URL and provided credential type do not match. Please verify input and try again.")
}

func upstreamIsCache() error {
	return validationFailed("Upstream registry URL cannot be the same as the cache registry. Please verify input and try again.")
}

func secretElsewhere() error {
	return &types.SecretNotFoundException{Message: aws.String("Please verify the secret exists in the same region and account that the pullthrough cache rule will be created in and try again.")}
}

// The texts of the next three are the service model's descriptions of their
// exceptions, which for the first is recorded and for the others chosen.

func secretNotFound() error {
	return &types.SecretNotFoundException{Message: aws.String("The ARN of the secret specified in the pull through cache rule was not found. Update the pull through cache rule with a valid secret ARN and try again.")}
}

func unableToAccessSecret() error {
	return &types.UnableToAccessSecretException{Message: aws.String("The secret is unable to be accessed. Verify the resource permissions for the secret and try again.")}
}

func unableToDecryptSecret() error {
	return &types.UnableToDecryptSecretValueException{Message: aws.String("The secret is accessible but is unable to be decrypted. Verify the resource permissions and try again.")}
}

// authenticationFailed is what every pull with a bad credential answers.
const authenticationFailed = "The authentication to the upstream registry failed. Verify that the credentials provided in the pull through cache rule are correct, and try again."

func unableToGetUpstreamImage(sentence string) error {
	return &types.UnableToGetUpstreamImageException{Message: &sentence}
}

func unableToGetUpstreamLayer(sentence string) error {
	return &types.UnableToGetUpstreamLayerException{Message: &sentence}
}

func unableToListReferrers(sentence string) error {
	return &types.UnableToListUpstreamImageReferrersException{Message: &sentence}
}

// What upstream may answer instead of an image or a layer.
var (
	ErrUpstreamNotFound        = errors.New("not found upstream")
	ErrUpstreamAccessDenied    = errors.New("the upstream registry denied access")
	ErrUpstreamTooManyRequests = errors.New("the upstream registry received too many requests")
	ErrUpstreamUnavailable     = errors.New("the upstream registry is unavailable")
)

// upstreamFailure is the failure of one image that upstream did not answer.
// Their reasons are chosen.
func upstreamFailure(id types.ImageIdentifier, url string, err error) *types.ImageFailure {
	code := types.ImageFailureCodeUpstreamUnavailable
	var kms *types.KmsException
	switch {
	case errors.Is(err, ErrUpstreamNotFound):
		return imageFailure(id, types.ImageFailureCodeImageNotFound, "Requested image not found")
	case errors.As(err, &kms):
		return imageFailure(id, types.ImageFailureCodeKmsError, sentence(err))
	case errors.Is(err, ErrUpstreamAccessDenied):
		code = types.ImageFailureCodeUpstreamAccessDenied
	case errors.Is(err, ErrUpstreamTooManyRequests):
		code = types.ImageFailureCodeUpstreamTooManyRequests
	}
	return imageFailure(id, code, upstreamReason(url, err))
}

func upstreamReason(url string, err error) string {
	return fmt.Sprintf("Unable to pull from the upstream registry %s: %v", url, err)
}

// sentence is an error's own message, without the code of an exception.
func sentence(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}
