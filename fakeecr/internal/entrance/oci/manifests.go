package oci

import (
	"mime"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
)

// getManifest answers the bytes that were pushed. ECR tells their digest to HEAD
// alone, and converts nothing for those who accept another type.
func getManifest(r *request) (*exchange.Answer, error) {
	call := r.newCall("BatchGetImage", &ecr.BatchGetImageInput{
		RegistryId:         &r.registry.Account,
		RepositoryName:     &r.repository,
		ImageIds:           []types.ImageIdentifier{r.imageID()},
		AcceptedMediaTypes: r.accepted(),
	})
	out, err := do[ecr.BatchGetImageOutput](r, call)
	switch {
	case err != nil:
		return nil, err
	case len(out.Images) == 0:
		return nil, imageRefused(out.Failures)
	}
	image := out.Images[0]
	text := aws.ToString(image.ImageManifest)
	answer := exchange.New(http.StatusOK, aws.ToString(image.ImageManifestMediaType), []byte(text))
	if r.Method == http.MethodHead || r.Spec {
		answer.Header.Set("Docker-Content-Digest", manifest.Digest(text))
	}
	return answer, nil
}

// imageID is the image that the path names.
func (r *request) imageID() types.ImageIdentifier {
	if isDigest(r.reference) {
		return types.ImageIdentifier{ImageDigest: &r.reference}
	}
	return types.ImageIdentifier{ImageTag: &r.reference}
}

// mostAccepted is how many media types BatchGetImage takes.
const mostAccepted = 100

// accepted are the media types of manifests that the client accepts, nil for any.
func (r *request) accepted() []string {
	var accepted []string
	for _, header := range r.Header.Values("Accept") {
		for _, word := range strings.Split(header, ",") {
			mediaType, _, err := mime.ParseMediaType(word)
			if err == nil && !strings.Contains(mediaType, "*") && len(accepted) < mostAccepted {
				accepted = append(accepted, mediaType)
			}
		}
	}
	return accepted
}
