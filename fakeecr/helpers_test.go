package fakeecr_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

func digestOf(content []byte) string { return digest.FromBytes(content).String() }

// pushThrough pushes an image of small blobs by the calls of a client.
func pushThrough(ctx context.Context, api fakeecr.API, repository, tag string, image fakeecr.Image) error {
	name := aws.String(repository)
	for _, blob := range image.Blobs {
		begun, err := api.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: name})
		if err != nil {
			return err
		}
		if _, err := api.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{
			RepositoryName: name, UploadId: begun.UploadId, LayerPartBlob: blob,
			PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(blob)) - 1),
		}); err != nil {
			return err
		}
		if _, err := api.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{
			RepositoryName: name, UploadId: begun.UploadId, LayerDigests: []string{digestOf(blob)},
		}); err != nil {
			return err
		}
	}
	_, err := api.PutImage(ctx, &ecr.PutImageInput{
		RepositoryName: name, ImageManifest: aws.String(string(image.Manifest)), ImageTag: aws.String(tag),
	})
	return err
}

// fetch gets a URL without credentials.
func fetch(t testing.TB, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(content)
}
