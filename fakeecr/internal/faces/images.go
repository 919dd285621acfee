package faces

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// The repository of most tests, and what is nowhere.
const (
	App            = "team/app"
	AppNotFound    = "The repository with name 'team/app' does not exist in the registry with id '123456789012'"
	DigestNotThere = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
)

// Create makes a repository, with what is set in its input besides the name.
func Create(t *testing.T, api fakeecr.API, name string, with ...func(*ecr.CreateRepositoryInput)) *ecr.CreateRepositoryOutput {
	t.Helper()
	in := &ecr.CreateRepositoryInput{RepositoryName: &name}
	for _, set := range with {
		set(in)
	}
	out, err := api.CreateRepository(t.Context(), in)
	require.NoError(t, err)
	return out
}

// Repositories are the names of all repositories.
func Repositories(t *testing.T, api fakeecr.API) []string {
	t.Helper()
	out, err := api.DescribeRepositories(t.Context(), nil)
	require.NoError(t, err)
	return RepositoryNames(out.Repositories)
}

// RepositoryNames are the names of repositories that a call answered.
func RepositoryNames(repositories []types.Repository) []string {
	names := make([]string, len(repositories))
	for i, repo := range repositories {
		names[i] = *repo.RepositoryName
	}
	return names
}

// ImageDetails is the images of a repository by digest, whatever their status.
func ImageDetails(t *testing.T, f fakeecr.API, repository string) map[string]types.ImageDetail {
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

// Get asks for images of a repository.
func Get(t *testing.T, api fakeecr.API, repository string, ids []types.ImageIdentifier) *ecr.BatchGetImageOutput {
	t.Helper()
	out, err := api.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: &repository, ImageIds: ids})
	require.NoError(t, err)
	return out
}

// ByTag is the id of an image by its tag.
func ByTag(tag string) types.ImageIdentifier { return types.ImageIdentifier{ImageTag: &tag} }

// ByDigest is the id of an image by its digest.
func ByDigest(digest string) types.ImageIdentifier {
	return types.ImageIdentifier{ImageDigest: &digest}
}

// ByBoth is the id of an image by its digest and a tag of it.
func ByBoth(digest, tag string) types.ImageIdentifier {
	return types.ImageIdentifier{ImageDigest: &digest, ImageTag: &tag}
}

// TagID is ByTag for inputs of one image.
func TagID(tag string) *types.ImageIdentifier { return &types.ImageIdentifier{ImageTag: &tag} }

// DigestID is ByDigest for inputs of one image.
func DigestID(digest string) *types.ImageIdentifier {
	return &types.ImageIdentifier{ImageDigest: &digest}
}

// Tagged are the ids of images by their tags.
func Tagged(tags ...string) []types.ImageIdentifier {
	ids := make([]types.ImageIdentifier, len(tags))
	for i := range tags {
		ids[i].ImageTag = &tags[i]
	}
	return ids
}

// Digested are the ids of images by their digests.
func Digested(digests ...string) []types.ImageIdentifier {
	ids := make([]types.ImageIdentifier, len(digests))
	for i := range digests {
		ids[i].ImageDigest = &digests[i]
	}
	return ids
}

// ImageIDs is a repository's list of images, as digest@tag or digest.
func (f Face) ImageIDs(t *testing.T, repository string) []string {
	t.Helper()
	out, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: &repository})
	require.NoError(t, err)
	require.Nil(t, out.NextToken)
	return Joined(out.ImageIds)
}

// Joined are ids as digest@tag or digest.
func Joined(ids []types.ImageIdentifier) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = aws.ToString(id.ImageDigest)
		if id.ImageTag != nil {
			list[i] += "@" + *id.ImageTag
		}
	}
	return list
}

// ReferrersOf asks for the referrers of an image.
func ReferrersOf(t *testing.T, api fakeecr.API, repository, subject string) (*ecr.ListImageReferrersOutput, error) {
	t.Helper()
	return api.ListImageReferrers(t.Context(), &ecr.ListImageReferrersInput{
		RepositoryName: &repository, SubjectId: &types.SubjectIdentifier{ImageDigest: &subject}, MaxResults: aws.Int32(50),
	})
}

// BatchDelete deletes images of App.
func (f Face) BatchDelete(t *testing.T, ids ...types.ImageIdentifier) *ecr.BatchDeleteImageOutput {
	t.Helper()
	out, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String(App), ImageIds: ids})
	require.NoError(t, err)
	return out
}

// RequireReferrers holds that an image has these referrers.
func RequireReferrers(t *testing.T, api fakeecr.API, repository, subject string, referrers ...fakeecr.Image) {
	t.Helper()
	out, err := ReferrersOf(t, api, repository, subject)
	require.NoError(t, err)
	want, got := []string{}, []string{}
	for _, referrer := range referrers {
		want = append(want, referrer.Digest())
	}
	for _, referrer := range out.Referrers {
		got = append(got, *referrer.Digest)
	}
	require.ElementsMatch(t, want, got)
}

// UpdateStorage archives or restores an image of App.
func UpdateStorage(t *testing.T, f fakeecr.API, digest string, target types.TargetStorageClass) types.ImageStatus {
	t.Helper()
	out, err := f.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{
		RepositoryName: aws.String(App), TargetStorageClass: target, ImageId: DigestID(digest),
	})
	require.NoError(t, err)
	require.Equal(t, DigestID(digest), out.ImageId)
	require.Equal(t, "123456789012", *out.RegistryId)
	require.Equal(t, App, *out.RepositoryName)
	return out.ImageStatus
}
