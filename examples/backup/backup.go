// Package backup is what a project has that brings an HTTP client of its own, as
// one does for a proxy, a certificate or its metrics: it reads an image with its
// layers.
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Image reads the image that has the tag and answers its manifest and its blobs by
// their digests. Calls to ECR and downloads go through one HTTP client. What does
// not have the digest that its name says is an error.
func Image(ctx context.Context, config aws.Config, client *http.Client, repository, tag string) (map[string][]byte, error) {
	config.HTTPClient = client
	images := ecr.NewFromConfig(config)
	found, err := images.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RepositoryName: &repository,
		ImageIds:       []types.ImageIdentifier{{ImageTag: &tag}},
	})
	if err != nil {
		return nil, err
	}
	if len(found.Failures) > 0 {
		return nil, fmt.Errorf("read %s:%s: %s", repository, tag, *found.Failures[0].FailureReason)
	}
	text := []byte(*found.Images[0].ImageManifest)
	saved := map[string][]byte{*found.Images[0].ImageId.ImageDigest: text}
	digests, err := blobs(text)
	if err != nil {
		return nil, err
	}
	for _, digest := range digests {
		if saved[digest], err = download(ctx, images, client, repository, digest); err != nil {
			return nil, err
		}
	}
	return saved, nil
}

// blobs are the digests of what a manifest needs.
func blobs(manifest []byte) (digests []string, err error) {
	type descriptor struct{ Digest string }
	var read struct {
		Config descriptor
		Layers []descriptor
	}
	if err := json.Unmarshal(manifest, &read); err != nil {
		return nil, err
	}
	for _, blob := range append(read.Layers, read.Config) {
		digests = append(digests, blob.Digest)
	}
	return digests, nil
}

func download(ctx context.Context, images *ecr.Client, client *http.Client, repository, digest string) ([]byte, error) {
	location, err := images.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{
		RepositoryName: &repository,
		LayerDigest:    &digest,
	})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, *location.DownloadUrl, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("download %s: %s", digest, response.Status)
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("download %s: %w", digest, err)
	}
	if actual := fmt.Sprintf("sha256:%x", sha256.Sum256(content)); actual != digest {
		return nil, fmt.Errorf("download %s: the content is %s", digest, actual)
	}
	return content, nil
}
