package registry_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// untagged is n images without a tag, by digest.
func pushUntagged(t *testing.T, f faces.Face, n int) (digests []string) {
	t.Helper()
	for i := range n {
		image := faces.ImageOf([]byte("{}"), fmt.Appendf(nil, "layer %d", i))
		pushAll(t, f, image)
		digests = append(digests, image.Digest())
	}
	slices.Sort(digests)
	return digests
}

func TestSizeOfAnIndexIsThatOfItsLargestImage(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		index := faces.IndexOf(faces.ImageOf([]byte("{}"), []byte("layer")), faces.ImageOf([]byte("{}"), make([]byte, 100)), faces.ImageOf([]byte("{}"), make([]byte, 50)))
		pushAll(t, f, index)
		require.Equal(t, int64(102), *faces.ImageDetails(t, f, faces.App)[index.Digest()].ImageSizeInBytes)
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
	faces.Each(t, func(t *testing.T, f faces.Face) {
		want := pushUntagged(t, f, 101)
		listed, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(faces.App)})
		require.NoError(t, err)
		require.Len(t, listed.ImageIds, 100)
		described, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App)})
		require.NoError(t, err)
		require.Len(t, described.ImageDetails, 100)

		var ids, details []string
		for pages := ecr.NewListImagesPaginator(f, &ecr.ListImagesInput{RepositoryName: aws.String(faces.App), MaxResults: aws.Int32(34)}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.ImageIds), 34)
			ids = append(ids, faces.Joined(page.ImageIds)...)
		}
		require.Equal(t, want, ids)
		for pages := ecr.NewDescribeImagesPaginator(f, &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App), MaxResults: aws.Int32(34)}); pages.HasMorePages(); {
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
	faces.Each(t, func(t *testing.T, f faces.Face) {
		pushAll(t, f, imageOne, "v1", "v2", "v3")
		a := imageOne.Digest()
		page := &ecr.ListImagesInput{RepositoryName: aws.String(faces.App), MaxResults: aws.Int32(2)}
		first, err := f.ListImages(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{a + "@v1", a + "@v2"}, faces.Joined(first.ImageIds))

		_, err = f.Put(t, faces.App, imageOne, "v0")
		require.NoError(t, err)
		_, err = f.Put(t, faces.App, imageOne, "v2.5")
		require.NoError(t, err)
		f.BatchDelete(t, faces.ByTag("v2"), faces.ByTag("v3"))
		page.NextToken = first.NextToken
		second, err := f.ListImages(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{a + "@v2.5"}, faces.Joined(second.ImageIds))
		require.Nil(t, second.NextToken)

		f.BatchDelete(t, faces.ByDigest(a))
		last, err := f.ListImages(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{}, faces.Joined(last.ImageIds))
	})
}

// A filter chooses before pages are cut, and there is no token without more.
func TestPagesOfFilteredImages(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		untagged := pushUntagged(t, f, 4)
		pushAll(t, f, imageOne, "v1")
		pushAll(t, f, imageTwo, "v2")
		in := &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App), MaxResults: aws.Int32(2), Filter: &types.DescribeImagesFilter{TagStatus: types.TagStatusUntagged}}
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
	faces.Each(t, func(t *testing.T, f faces.Face) {
		pushUntagged(t, f, 2)
		f.Registry.MustPush("team/other:v1", imageOne)
		f.Registry.MustPush("team/other:v2", imageTwo)
		neighbour := f.In("eu-west-1")
		pushUntagged(t, neighbour, 2)
		abroad, err := neighbour.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App), MaxResults: aws.Int32(1)})
		require.NoError(t, err)
		abroadListed, err := neighbour.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(faces.App), MaxResults: aws.Int32(1)})
		require.NoError(t, err)
		list := func(repository string, token *string) (*ecr.ListImagesOutput, error) {
			return f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: &repository, MaxResults: aws.Int32(1), NextToken: token})
		}
		describe := func(repository string, token *string) (*ecr.DescribeImagesOutput, error) {
			return f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: &repository, MaxResults: aws.Int32(1), NextToken: token})
		}
		listed, err := list(faces.App, nil)
		require.NoError(t, err)
		otherListed, err := list("team/other", nil)
		require.NoError(t, err)
		described, err := describe(faces.App, nil)
		require.NoError(t, err)
		otherDescribed, err := describe("team/other", nil)
		require.NoError(t, err)

		want := fmt.Sprintf(invalidAt, "nextToken", "Invalid token")
		for _, token := range map[string]*string{"of another operation": described.NextToken, "of another repository": otherListed.NextToken, "of another region": abroadListed.NextToken, "made up": aws.String("bm8gdG9rZW4=")} {
			_, err := list(faces.App, token)
			faces.RequireError[*types.InvalidParameterException](t, err, want)
		}
		for _, token := range map[string]*string{"of another operation": listed.NextToken, "of another repository": otherDescribed.NextToken, "of another region": abroad.NextToken, "made up": aws.String("bm8gdG9rZW4=")} {
			_, err := describe(faces.App, token)
			faces.RequireError[*types.InvalidParameterException](t, err, want)
		}
		again, err := list(faces.App, listed.NextToken)
		require.NoError(t, err)
		require.Len(t, again.ImageIds, 1)
		require.Nil(t, again.NextToken)
	})
}
