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

func TestListImages(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		out, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		require.Equal(t, []types.ImageIdentifier{}, out.ImageIds)

		f.push(t, imageA, "v2", "v1")
		f.push(t, imageB)
		want := []string{imageA.Digest() + "@v1", imageA.Digest() + "@v2", imageB.Digest()}
		slices.Sort(want)
		require.Equal(t, want, f.imageIDs(t, app), "an entry for each tag, and one for an image without")
	})
}

func TestDescribeImages(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		require.Equal(t, []types.ImageDetail{}, out.ImageDetails)

		// The layer counts once, however often the manifest names it.
		image := imageOf([]byte("{}"), []byte("0123456789"), []byte("0123456789"), []byte("01234"))
		larger := imageOf([]byte("{}"), make([]byte, 100))
		index := indexOf(image, larger)
		f.push(t, index)
		f.push(t, image, "v2", "v1")
		out, err = f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{
			RepositoryName: aws.String(app), ImageIds: []types.ImageIdentifier{byTag("v1"), byDigest(index.Digest()), byDigest(larger.Digest())},
		})
		require.NoError(t, err)
		require.Len(t, out.ImageDetails, 3)
		require.Equal(t, types.ImageDetail{
			ArtifactMediaType:      aws.String("application/vnd.oci.image.config.v1+json"),
			ImageDigest:            aws.String(image.Digest()),
			ImageManifestMediaType: aws.String(ociManifest),
			ImagePushedAt:          out.ImageDetails[0].ImagePushedAt,
			ImageSizeInBytes:       aws.Int64(2 + 10 + 5),
			ImageStatus:            types.ImageStatusActive,
			ImageTags:              []string{"v1", "v2"},
			RegistryId:             aws.String("123456789012"),
			RepositoryName:         aws.String(app),
		}, out.ImageDetails[0])
		require.Equal(t, types.ImageDetail{
			ImageDigest:            aws.String(index.Digest()),
			ImageManifestMediaType: aws.String(ociIndex),
			ImagePushedAt:          out.ImageDetails[1].ImagePushedAt,
			ImageSizeInBytes:       aws.Int64(102), // of its largest image
			ImageStatus:            types.ImageStatusActive,
			ImageTags:              nil, // not empty: ECR leaves it out
			RegistryId:             aws.String("123456789012"),
			RepositoryName:         aws.String(app),
		}, out.ImageDetails[1])
	})
}

// One id that leads nowhere fails the whole call.
func TestDescribeImagesByID(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		f.push(t, imageA, "v1", "v2")
		f.push(t, imageB, "other")
		describe := func(ids ...types.ImageIdentifier) ([]types.ImageDetail, error) {
			out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app), ImageIds: ids})
			if err != nil {
				return nil, err
			}
			return out.ImageDetails, nil
		}
		details, err := describe(byTag("other"), byDigest(imageA.Digest()), byTag("v1"), byBoth(imageA.Digest(), "v2"))
		require.NoError(t, err)
		require.Equal(t, []string{imageB.Digest(), imageA.Digest()}, digests(details), "in order, each image once")

		for _, c := range []struct {
			id   types.ImageIdentifier
			want string
		}{
			{byTag("v9"), fmt.Sprintf(imageNotInApp, "null", "v9")},
			{byDigest(digestNotThere), fmt.Sprintf(imageNotInApp, digestNotThere, "null")},
			{byBoth(imageA.Digest(), "other"), fmt.Sprintf(imageNotInApp, imageA.Digest(), "other")},
		} {
			_, err := describe(byTag("v1"), c.id, byTag("v99"))
			requireError[*types.ImageNotFoundException](t, err, c.want)
		}
		for id, want := range map[types.ImageIdentifier]string{
			{}:                 fmt.Sprintf(invalidAt, "imageId", "both tag and digest cannot be null"),
			byDigest("sha256"): fmt.Sprintf(invalidAt, "imageDigest", "must satisfy regular expression '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"),
			byTag("a tag"):     fmt.Sprintf(invalidAt, "imageTag", "must satisfy regular expression '[a-zA-Z0-9-_.]+'"),
		} {
			_, err := describe(byTag("v1"), id)
			requireError[*types.InvalidParameterException](t, err, want)
		}
		for member, in := range map[string]*ecr.DescribeImagesInput{
			"maxResults": {MaxResults: aws.Int32(1)},
			"nextToken":  {NextToken: aws.String("token")},
		} {
			in.RepositoryName, in.ImageIds = aws.String(app), []types.ImageIdentifier{byTag("v1")}
			_, err := f.DescribeImages(t.Context(), in)
			requireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, member, fmt.Sprintf(notAsIn, "images with imageIds")))
		}
	})
}

func digests(details []types.ImageDetail) []string {
	list := make([]string, len(details))
	for i, detail := range details {
		list[i] = *detail.ImageDigest
	}
	return list
}

func TestImageFilters(t *testing.T) {
	a, b := imageA.Digest(), imageB.Digest()
	for name, c := range map[string]struct {
		tags   types.TagStatus
		status types.ImageStatusFilter
		want   []string // by digest@tag
	}{
		"none":               {"", "", []string{a + "@v1", a + "@v2", b}},
		"tagged":             {types.TagStatusTagged, "", []string{a + "@v1", a + "@v2"}},
		"untagged":           {types.TagStatusUntagged, "", []string{b}},
		"tagged or not":      {types.TagStatusAny, "", []string{a + "@v1", a + "@v2", b}},
		"active":             {"", types.ImageStatusFilterActive, []string{a + "@v1", a + "@v2", b}},
		"of any status":      {"", types.ImageStatusFilterAny, []string{a + "@v1", a + "@v2", b}},
		"archived":           {"", types.ImageStatusFilterArchived, []string{}},
		"activating":         {"", types.ImageStatusFilterActivating, []string{}},
		"active, untagged":   {types.TagStatusUntagged, types.ImageStatusFilterActive, []string{b}},
		"archived, untagged": {types.TagStatusUntagged, types.ImageStatusFilterArchived, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				f.push(t, imageA, "v1", "v2")
				f.push(t, imageB)
				listed, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(app), Filter: &types.ListImagesFilter{TagStatus: c.tags, ImageStatus: c.status}})
				require.NoError(t, err)
				require.ElementsMatch(t, c.want, joined(listed.ImageIds))
				described, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app), Filter: &types.DescribeImagesFilter{TagStatus: c.tags, ImageStatus: c.status}})
				require.NoError(t, err)
				require.Equal(t, slices.Contains(c.want, a+"@v1"), slices.Contains(digests(described.ImageDetails), a))
				require.Equal(t, slices.Contains(c.want, b), slices.Contains(digests(described.ImageDetails), b))
			})
		})
	}
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

		for member, value := range map[int32]string{0: "Member must have value greater than or equal to 1", 1001: "Member must have value less than or equal to 1000"} {
			_, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(app), MaxResults: &member})
			requireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "maxResults", value))
		}
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
