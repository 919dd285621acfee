package oci

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// headBlob answers the size of a layer, whether an image refers to it or not.
func headBlob(r *request) (*exchange.Answer, error) {
	out, err := do[ecr.BatchCheckLayerAvailabilityOutput](r, r.newCall("BatchCheckLayerAvailability", &ecr.BatchCheckLayerAvailabilityInput{
		RegistryId:     &r.registry.Account,
		RepositoryName: &r.repository,
		LayerDigests:   []string{r.reference},
	}))
	switch {
	case err != nil:
		return nil, err
	case len(out.Layers) == 0 || out.Layers[0].LayerSize == nil:
		return nil, blobUnknown(r)
	}
	answer := exchange.New(http.StatusOK, "application/octet-stream", nil)
	answer.Header.Set("Content-Length", strconv.FormatInt(*out.Layers[0].LayerSize, 10))
	answer.Header.Set("Docker-Content-Digest", r.reference)
	return answer, nil
}

// getBlob sends the client to the layer's download URL.
func getBlob(r *request) (*exchange.Answer, error) {
	call := r.newCall("GetDownloadUrlForLayer", &ecr.GetDownloadUrlForLayerInput{
		RegistryId:     &r.registry.Account,
		RepositoryName: &r.repository,
		LayerDigest:    &r.reference,
	})
	downloads := r.downloads(r.Request)
	call.Tx.Downloads = downloads
	out, err := do[ecr.GetDownloadUrlForLayerOutput](r, call)
	if err != nil {
		return nil, err
	}
	location := aws.ToString(out.DownloadUrl)
	if r.Host == "" {
		location = strings.TrimPrefix(location, downloads)
	}
	answer := empty(http.StatusTemporaryRedirect)
	answer.Header.Set("Location", location)
	answer.Header.Set("Docker-Content-Digest", r.reference)
	return answer, nil
}

// deleteBlob removes a layer that no image refers to. ECR refuses: its layers go
// with their repository.
func deleteBlob(r *request) (*exchange.Answer, error) {
	if !r.Spec {
		return nil, blobStays
	}
	call := r.newCall(scenarios.DeleteLayer, &scenarios.DeleteLayerInput{
		RegistryId: &r.registry.Account, RepositoryName: &r.repository, LayerDigest: &r.reference,
	})
	err := r.Stage.DeleteLayer(r.Context(), call)
	switch {
	case errors.Is(err, registry.ErrLayerInUse):
		return nil, blobStays
	case err != nil:
		return nil, err
	}
	return empty(http.StatusAccepted), nil
}

// blobURL is where a layer of the repository is.
func (r *request) blobURL(digest string) string {
	return r.at(root+r.repository+"/blobs/"+digest, nil)
}
