package fakeecr_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
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

// create makes a repository, with what is set in its input besides the name.
func create(t *testing.T, api fakeecr.API, name string, with ...func(*ecr.CreateRepositoryInput)) *ecr.CreateRepositoryOutput {
	t.Helper()
	in := &ecr.CreateRepositoryInput{RepositoryName: &name}
	for _, set := range with {
		set(in)
	}
	out, err := api.CreateRepository(t.Context(), in)
	require.NoError(t, err)
	return out
}

func immutable(in *ecr.CreateRepositoryInput) {
	in.ImageTagMutability = types.ImageTagMutabilityImmutable
}

func scannedOnPush(in *ecr.CreateRepositoryInput) {
	in.ImageScanningConfiguration = &types.ImageScanningConfiguration{ScanOnPush: true}
}

func repositories(t *testing.T, api fakeecr.API) []string {
	t.Helper()
	out, err := api.DescribeRepositories(t.Context(), nil)
	require.NoError(t, err)
	names := []string{}
	for _, repository := range out.Repositories {
		names = append(names, *repository.RepositoryName)
	}
	return names
}

func describeRepository(t *testing.T, api fakeecr.API, name string) types.Repository {
	t.Helper()
	out, err := api.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	require.NoError(t, err)
	require.Len(t, out.Repositories, 1)
	return out.Repositories[0]
}

// imageDetails is the images of a repository by digest.
func imageDetails(t *testing.T, f fakeecr.API, repository string) map[string]types.ImageDetail {
	t.Helper()
	details := map[string]types.ImageDetail{}
	pages := ecr.NewDescribeImagesPaginator(f, &ecr.DescribeImagesInput{RepositoryName: &repository})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, detail := range out.ImageDetails {
			details[*detail.ImageDigest] = detail
		}
	}
	return details
}

func get(t *testing.T, api fakeecr.API, repository string, ids []types.ImageIdentifier) *ecr.BatchGetImageOutput {
	t.Helper()
	out, err := api.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: &repository, ImageIds: ids})
	require.NoError(t, err)
	return out
}

func byTag(tag string) types.ImageIdentifier { return types.ImageIdentifier{ImageTag: &tag} }

func byDigest(digest string) types.ImageIdentifier {
	return types.ImageIdentifier{ImageDigest: &digest}
}

func byBoth(digest, tag string) types.ImageIdentifier {
	return types.ImageIdentifier{ImageDigest: &digest, ImageTag: &tag}
}

func tagID(tag string) *types.ImageIdentifier { return &types.ImageIdentifier{ImageTag: &tag} }

func digestID(digest string) *types.ImageIdentifier {
	return &types.ImageIdentifier{ImageDigest: &digest}
}

func tagged(tags ...string) []types.ImageIdentifier {
	ids := make([]types.ImageIdentifier, len(tags))
	for i := range tags {
		ids[i].ImageTag = &tags[i]
	}
	return ids
}

func digested(digest string) []types.ImageIdentifier {
	return []types.ImageIdentifier{{ImageDigest: &digest}}
}

// paged is what a paginator's pages name, page by page.
func paged[Out any](t *testing.T, pages interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*ecr.Options)) (*Out, error)
}, names func(*Out) []string) (all [][]string) {
	t.Helper()
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		all = append(all, names(page))
	}
	return all
}
