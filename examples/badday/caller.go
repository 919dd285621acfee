package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr"
)

var repository = aws.String("team/app")

// attempts is how often the caller begins a thing anew that the SDK does not try
// again by itself.
const attempts = 3

// caller is code that survives: the SDK tries throttled calls again, and what is
// left is here.
type caller struct {
	report    io.Writer
	client    *ecr.Client
	downloads http.RoundTripper
}

func (c *caller) push(ctx context.Context, image fakeecr.Image) error {
	if _, err := c.client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: repository}); err != nil {
		return err
	}
	for _, blob := range image.Blobs {
		if err := c.pushBlob(ctx, blob); err != nil {
			return err
		}
	}
	_, err := c.client.PutImage(ctx, &ecr.PutImageInput{RepositoryName: repository, ImageManifest: aws.String(string(image.Manifest)), ImageTag: aws.String("v1")})
	if there := (*types.ImageAlreadyExistsException)(nil); errors.As(err, &there) {
		fmt.Fprintln(c.report, "the image is there already: an earlier attempt came through and its reply did not")
		err = nil
	}
	return err
}

// pushBlob begins an upload anew, with a new token, where a session ended.
func (c *caller) pushBlob(ctx context.Context, blob []byte) (err error) {
	for range attempts {
		var expired smithy.APIError
		if err = c.upload(ctx, blob); !errors.As(err, &expired) || expired.ErrorCode() != "ExpiredTokenException" {
			return err
		}
		fmt.Fprintln(c.report, "the session ended in the middle of a layer: a new token, and the layer from its beginning")
		if _, err := c.client.GetAuthorizationToken(ctx, nil); err != nil {
			return err
		}
	}
	return err
}

func (c *caller) upload(ctx context.Context, blob []byte) error {
	begun, err := c.client.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: repository})
	if err != nil {
		return err
	}
	for first, end := 0, 0; first < len(blob); first = end {
		end = min(first+int(*begun.PartSize), len(blob))
		if _, err := c.client.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{RepositoryName: repository, UploadId: begun.UploadId,
			PartFirstByte: aws.Int64(int64(first)), PartLastByte: aws.Int64(int64(end) - 1), LayerPartBlob: blob[first:end]}); err != nil {
			return err
		}
	}
	_, err = c.client.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{RepositoryName: repository, UploadId: begun.UploadId, LayerDigests: []string{digest(blob)}})
	return err
}

// pull trusts no byte that it has not hashed.
func (c *caller) pull(ctx context.Context, image fakeecr.Image) error {
	got, err := c.client.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: repository, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}})
	if err != nil {
		return err
	}
	if len(got.Images) != 1 || digest([]byte(*got.Images[0].ImageManifest)) != image.Digest() {
		return errors.New("the manifest is not what was pushed")
	}
	for _, blob := range image.Blobs {
		if err := c.pullBlob(ctx, digest(blob)); err != nil {
			return err
		}
	}
	fmt.Fprintln(c.report, "pushed and pulled, every byte as it should be")
	return nil
}

func (c *caller) pullBlob(ctx context.Context, want string) error {
	for range attempts {
		content, err := c.download(ctx, want)
		if err != nil {
			return err
		}
		if digest(content) == want {
			return nil
		}
		fmt.Fprintln(c.report, "a layer is damaged: once more")
	}
	return fmt.Errorf("%s is damaged, however often it is pulled", want)
}

func (c *caller) download(ctx context.Context, layer string) ([]byte, error) {
	url, err := c.client.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{RepositoryName: repository, LayerDigest: &layer})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, *url.DownloadUrl, nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: c.downloads}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("download: %s", response.Status)
	}
	return io.ReadAll(response.Body)
}

func digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }
