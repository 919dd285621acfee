package fakeecr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
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

// wildcards are the tags that a repository's mutability leaves out.
func wildcards(filters ...string) []types.ImageTagMutabilityExclusionFilter {
	list := []types.ImageTagMutabilityExclusionFilter{}
	for _, filter := range filters {
		list = append(list, types.ImageTagMutabilityExclusionFilter{Filter: aws.String(filter), FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard})
	}
	return list
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

// imageDetails is the images of a repository by digest, whatever their status.
func imageDetails(t *testing.T, f fakeecr.API, repository string) map[string]types.ImageDetail {
	t.Helper()
	details := map[string]types.ImageDetail{}
	pages := ecr.NewDescribeImagesPaginator(f, &ecr.DescribeImagesInput{
		RepositoryName: &repository, Filter: &types.DescribeImagesFilter{ImageStatus: types.ImageStatusFilterAny},
	})
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

// The repository of most tests, and sentences about it that many calls share.
const (
	app            = "team/app"
	appNotFound    = "The repository with name 'team/app' does not exist in the registry with id '123456789012'"
	imageNotInApp  = "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name 'team/app' in the registry with id '123456789012'"
	invalidAt      = "Invalid parameter at '%s' failed to satisfy constraint: '%s'"
	digestNotThere = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
)

func (f face) beginUpload(t *testing.T, repository string) (upload *string) {
	t.Helper()
	begun, err := f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: &repository})
	require.NoError(t, err)
	return begun.UploadId
}

func (f face) sendPart(t *testing.T, repository string, upload *string, first int, content []byte) (*ecr.UploadLayerPartOutput, error) {
	return f.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{
		RepositoryName: &repository, UploadId: upload, LayerPartBlob: content,
		PartFirstByte: aws.Int64(int64(first)), PartLastByte: aws.Int64(int64(first + len(content) - 1)),
	})
}

func (f face) completeUpload(t *testing.T, repository string, upload *string, digests ...string) (*ecr.CompleteLayerUploadOutput, error) {
	return f.CompleteLayerUpload(t.Context(), &ecr.CompleteLayerUploadInput{RepositoryName: &repository, UploadId: upload, LayerDigests: digests})
}

// pushLayer uploads a layer in parts of at most partSize bytes.
func (f face) pushLayer(t *testing.T, repository string, content []byte, partSize int) (digest string) {
	t.Helper()
	upload := f.beginUpload(t, repository)
	for first := 0; first < len(content); first += partSize {
		_, err := f.sendPart(t, repository, upload, first, content[first:min(first+partSize, len(content))])
		require.NoError(t, err)
	}
	out, err := f.completeUpload(t, repository, upload, digestOf(content))
	require.NoError(t, err)
	return *out.LayerDigest
}

// putImage puts a manifest whose blobs are there; no tag is "".
func (f face) putImage(t *testing.T, repository string, image fakeecr.Image, tag string) (*ecr.PutImageOutput, error) {
	in := &ecr.PutImageInput{RepositoryName: &repository, ImageManifest: aws.String(string(image.Manifest)), ImageManifestMediaType: &image.MediaType}
	if tag != "" {
		in.ImageTag = &tag
	}
	return f.PutImage(t.Context(), in)
}

// imageIDs is a repository's list of images, as digest@tag or digest.
func (f face) imageIDs(t *testing.T, repository string) []string {
	t.Helper()
	out, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: &repository})
	require.NoError(t, err)
	require.Nil(t, out.NextToken)
	return joined(out.ImageIds)
}

func joined(ids []types.ImageIdentifier) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = aws.ToString(id.ImageDigest)
		if id.ImageTag != nil {
			list[i] += "@" + *id.ImageTag
		}
	}
	return list
}

// assertAs is for goroutines of a test, which must not end it.
func assertAs[E error](t *testing.T, err error, target *E) bool {
	t.Helper()
	if errors.As(err, target) {
		return true
	}
	t.Errorf("%v is no %T", err, *target)
	return false
}

// imageOf is an image of a config and layers.
func imageOf(config []byte, layers ...[]byte) fakeecr.Image {
	var list []string
	for _, layer := range layers {
		list = append(list, descriptorOf("application/vnd.oci.image.layer.v1.tar", layer))
	}
	text := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`,
		ociManifest, descriptorOf("application/vnd.oci.image.config.v1+json", config), strings.Join(list, ","))
	return fakeecr.Image{Manifest: []byte(text), MediaType: ociManifest, Blobs: append(layers, config)}
}

// indexOf is an index of images.
func indexOf(images ...fakeecr.Image) fakeecr.Image {
	var list []string
	for _, image := range images {
		list = append(list, descriptorOf(image.MediaType, image.Manifest))
	}
	text := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, ociIndex, strings.Join(list, ","))
	return fakeecr.Image{Manifest: []byte(text), MediaType: ociIndex, Images: images}
}

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
)

func descriptorOf(mediaType string, content []byte) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, digestOf(content), len(content))
}

func isA[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

func referrersOf(t *testing.T, api fakeecr.API, repository, subject string) (*ecr.ListImageReferrersOutput, error) {
	t.Helper()
	return api.ListImageReferrers(t.Context(), &ecr.ListImageReferrersInput{
		RepositoryName: &repository, SubjectId: &types.SubjectIdentifier{ImageDigest: &subject}, MaxResults: aws.Int32(50),
	})
}
