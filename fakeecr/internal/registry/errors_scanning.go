package registry

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// featureDisabled is what the operations of basic scanning answer while the
// registry has enhanced scanning.
func featureDisabled() error {
	return &types.ValidationException{Message: aws.String("This feature is disabled")}
}

func scanNotFound(repo *repository, id types.ImageIdentifier) error {
	return &types.ScanNotFoundException{Message: text("Image scan does not exist for the image with '{imageDigest:'%s', imageTag:'%s'}' in the repository with name '%s' in the registry with id '%s'",
		orNull(id.ImageDigest), orNull(id.ImageTag), repo.name, repo.Account)}
}

func imageScanQuotaExceeded() error {
	return limitExceeded("The scan quota per image has been exceeded. Wait and try again.")
}

// imageArchived is chosen.
func imageArchived(repo *repository, digest string) error {
	return &types.ImageArchivedException{Message: text("The image with digest '%s' in the repository with name '%s' in the registry with id '%s' is archived. Restore it and try again.",
		digest, repo.name, repo.Account)}
}

// unsupportedImageType has a text that is recorded for an index; that another
// artifact goes by its own media type is chosen.
func unsupportedImageType(img *image) error {
	mediaType := img.artifactMediaType
	if mediaType == "" {
		mediaType = img.mediaType
	}
	return &types.UnsupportedImageTypeException{Message: text("An artifact with media type '%s' cannot be scanned. For more information, see the Amazon ECR documentation.", mediaType)}
}

// invalidScanFrequency is recorded for CONTINUOUS_SCAN in BASIC, and chosen for
// MANUAL in ENHANCED.
func invalidScanFrequency(kind types.ScanType, frequency types.ScanFrequency) error {
	return &types.InvalidParameterException{Message: text("Invalid parameter failed to satisfy constraint: 'Invalid scan frequency for scanType %s: %s'", kind, frequency)}
}

// duplicateScanFrequencies has a recorded text; the exception is chosen.
func duplicateScanFrequencies(frequency types.ScanFrequency) error {
	return &types.ValidationException{Message: text("Invalid input. Contains duplicate scan frequencies: [%s]", frequency)}
}

// errNoFindings is the fake's own, in the description of a failed scan: a result
// that nobody asked for would be invented.
var errNoFindings = errors.New("fakeecr was not told what this scan finds: use SetScanFindings or WithScanner, or for enhanced scanning SetEnhancedScanFindings or WithEnhancedScanner; of the program, POST /_fakeecr/findings?image=repository:tag")
