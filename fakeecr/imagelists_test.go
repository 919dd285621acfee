package fakeecr_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

// untagged is n images without a tag, by digest.
func (f face) pushUntagged(t *testing.T, n int) (digests []string) {
	t.Helper()
	for i := range n {
		image := imageOf([]byte("{}"), fmt.Appendf(nil, "layer %d", i))
		f.push(t, image)
		digests = append(digests, image.Digest())
	}
	slices.Sort(digests)
	return digests
}

func TestSizeOfAnIndexIsThatOfItsLargestImage(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		index := indexOf(imageOf([]byte("{}"), []byte("layer")), imageOf([]byte("{}"), make([]byte, 100)), imageOf([]byte("{}"), make([]byte, 50)))
		f.push(t, index)
		require.Equal(t, int64(102), *imageDetails(t, f, app)[index.Digest()].ImageSizeInBytes)
	})
}

func digests(details []types.ImageDetail) []string {
	list := make([]string, len(details))
	for i, detail := range details {
		list[i] = *detail.ImageDigest
	}
	return list
}

func TestPagesOfImages(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		want := f.pushUntagged(t, 101)
		listed, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		require.Len(t, listed.ImageIds, 100)
		described, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		require.Len(t, described.ImageDetails, 100)

		var ids, details []string
		for pages := ecr.NewListImagesPaginator(f, &ecr.ListImagesInput{RepositoryName: aws.String(app), MaxResults: aws.Int32(34)}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.ImageIds), 34)
			ids = append(ids, joined(page.ImageIds)...)
		}
		require.Equal(t, want, ids)
		for pages := ecr.NewDescribeImagesPaginator(f, &ecr.DescribeImagesInput{RepositoryName: aws.String(app), MaxResults: aws.Int32(34)}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.ImageDetails), 34)
			details = append(details, digests(page.ImageDetails)...)
		}
		require.Equal(t, want, details)
	})
}

// A page may end between two tags of one image. What is put behind the page's end
// is seen, what is put before it is not, and what is deleted is gone.
func TestPageOfImagesAfterChanges(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		f.push(t, imageA, "v1", "v2", "v3")
		a := imageA.Digest()
		page := &ecr.ListImagesInput{RepositoryName: aws.String(app), MaxResults: aws.Int32(2)}
		first, err := f.ListImages(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{a + "@v1", a + "@v2"}, joined(first.ImageIds))

		_, err = f.putImage(t, app, imageA, "v0")
		require.NoError(t, err)
		_, err = f.putImage(t, app, imageA, "v2.5")
		require.NoError(t, err)
		f.batchDelete(t, byTag("v2"), byTag("v3"))
		page.NextToken = first.NextToken
		second, err := f.ListImages(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{a + "@v2.5"}, joined(second.ImageIds))
		require.Nil(t, second.NextToken)

		f.batchDelete(t, byDigest(a))
		last, err := f.ListImages(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{}, joined(last.ImageIds))
	})
}

// A filter chooses before pages are cut, and there is no token without more.
func TestPagesOfFilteredImages(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		untagged := f.pushUntagged(t, 4)
		f.push(t, imageA, "v1")
		f.push(t, imageB, "v2")
		in := &ecr.DescribeImagesInput{RepositoryName: aws.String(app), MaxResults: aws.Int32(2), Filter: &types.DescribeImagesFilter{TagStatus: types.TagStatusUntagged}}
		first, err := f.DescribeImages(t.Context(), in)
		require.NoError(t, err)
		in.NextToken = first.NextToken
		second, err := f.DescribeImages(t.Context(), in)
		require.NoError(t, err)
		require.Nil(t, second.NextToken)
		require.Equal(t, untagged, append(digests(first.ImageDetails), digests(second.ImageDetails)...))
	})
}

func TestTokensOfImages(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		f.pushUntagged(t, 2)
		f.registry.MustPush("team/other:v1", imageA)
		f.registry.MustPush("team/other:v2", imageB)
		neighbour := f.in("eu-west-1")
		neighbour.pushUntagged(t, 2)
		abroad, err := neighbour.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app), MaxResults: aws.Int32(1)})
		require.NoError(t, err)
		abroadListed, err := neighbour.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(app), MaxResults: aws.Int32(1)})
		require.NoError(t, err)
		list := func(repository string, token *string) (*ecr.ListImagesOutput, error) {
			return f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: &repository, MaxResults: aws.Int32(1), NextToken: token})
		}
		describe := func(repository string, token *string) (*ecr.DescribeImagesOutput, error) {
			return f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: &repository, MaxResults: aws.Int32(1), NextToken: token})
		}
		listed, err := list(app, nil)
		require.NoError(t, err)
		otherListed, err := list("team/other", nil)
		require.NoError(t, err)
		described, err := describe(app, nil)
		require.NoError(t, err)
		otherDescribed, err := describe("team/other", nil)
		require.NoError(t, err)

		want := fmt.Sprintf(invalidAt, "nextToken", "Invalid token")
		for _, token := range map[string]*string{"of another operation": described.NextToken, "of another repository": otherListed.NextToken, "of another region": abroadListed.NextToken, "made up": aws.String("bm8gdG9rZW4=")} {
			_, err := list(app, token)
			requireError[*types.InvalidParameterException](t, err, want)
		}
		for _, token := range map[string]*string{"of another operation": listed.NextToken, "of another repository": otherDescribed.NextToken, "of another region": abroad.NextToken, "made up": aws.String("bm8gdG9rZW4=")} {
			_, err := describe(app, token)
			requireError[*types.InvalidParameterException](t, err, want)
		}
		again, err := list(app, listed.NextToken)
		require.NoError(t, err)
		require.Len(t, again.ImageIds, 1)
		require.Nil(t, again.NextToken)
	})
}
