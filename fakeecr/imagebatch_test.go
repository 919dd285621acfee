package fakeecr_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

func (f face) batchGet(t *testing.T, ids ...types.ImageIdentifier) *ecr.BatchGetImageOutput {
	t.Helper()
	out, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String(app), ImageIds: ids})
	require.NoError(t, err)
	return out
}

func (f face) batchDelete(t *testing.T, ids ...types.ImageIdentifier) *ecr.BatchDeleteImageOutput {
	t.Helper()
	out, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String(app), ImageIds: ids})
	require.NoError(t, err)
	return out
}

// push puts images, each under its tags; without a tag it is untagged.
func (f face) push(t *testing.T, image fakeecr.Image, tags ...string) {
	t.Helper()
	f.registry.MustPush(app, image)
	for _, tag := range tags {
		_, err := f.putImage(t, app, image, tag)
		require.NoError(t, err)
	}
}

var (
	imageA = imageOf([]byte("{}"), []byte("layer a"))
	imageB = imageOf([]byte("{}"), []byte("layer b"))
)

// A failure is in the answer and not in its status, and echoes the id as it was
// asked for. Getting and deleting share codes and reasons.
func TestImageFailures(t *testing.T) {
	digestA := imageA.Digest()
	for name, c := range map[string]struct {
		id     types.ImageIdentifier
		code   types.ImageFailureCode
		reason string
	}{
		"neither tag nor digest":                {types.ImageIdentifier{}, types.ImageFailureCodeMissingDigestAndTag, "Invalid request parameters: both tag and digest cannot be null"},
		"a digest without its algorithm":        {byDigest("ffff"), types.ImageFailureCodeInvalidImageDigest, "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"},
		"an empty digest":                       {byDigest(""), types.ImageFailureCodeInvalidImageDigest, "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"},
		"a malformed digest beside a tag":       {byBoth("sha256:xyz", "v1"), types.ImageFailureCodeInvalidImageDigest, "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"},
		"a malformed tag":                       {byTag("a tag"), types.ImageFailureCodeInvalidImageTag, "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9-_.]+'"},
		"a tag that is not there":               {byTag("v9"), types.ImageFailureCodeImageNotFound, "Requested image not found"},
		"a digest that is not there":            {byDigest(digestNotThere), types.ImageFailureCodeImageNotFound, "Requested image not found"},
		"a digest in capitals":                  {byDigest("sha256:" + strings.ToUpper(digestA[7:])), types.ImageFailureCodeImageNotFound, "Requested image not found"},
		"a tag of another image":                {byBoth(digestA, "other"), types.ImageFailureCodeImageTagDoesNotMatchDigest, "Invalid request parameters: given tag does not map to the given digest"},
		"a tag of an image, beside no image":    {byBoth(digestNotThere, "v1"), types.ImageFailureCodeImageTagDoesNotMatchDigest, "Invalid request parameters: given tag does not map to the given digest"},
		"a tag that is not there, and an image": {byBoth(digestA, "v9"), types.ImageFailureCodeImageNotFound, "Requested image not found"},
		"neither is there":                      {byBoth(digestNotThere, "v9"), types.ImageFailureCodeImageNotFound, "Requested image not found"},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				f.push(t, imageA, "v1", "v2")
				f.push(t, imageB, "other")
				before := f.imageIDs(t, app)
				want := []types.ImageFailure{{FailureCode: c.code, FailureReason: &c.reason, ImageId: &c.id}}

				got := f.batchGet(t, c.id)
				require.Equal(t, want, got.Failures)
				require.Equal(t, []types.Image{}, got.Images)
				deleted := f.batchDelete(t, c.id)
				require.Equal(t, want, deleted.Failures)
				require.Equal(t, []types.ImageIdentifier{}, deleted.ImageIds)
				require.Equal(t, before, f.imageIDs(t, app))
			})
		})
	}
}

func TestBatchLimits(t *testing.T) {
	many := make([]types.ImageIdentifier, 101)
	for i := range many {
		many[i] = byTag(fmt.Sprint("v", i))
	}
	long := byTag(strings.Repeat("t", 301))
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		for text, ids := range map[string][]types.ImageIdentifier{
			"Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length greater than or equal to 1'":                  {},
			"Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length less than or equal to 100'":                   many,
			"Invalid parameter at 'imageIds.1.member.imageTag' failed to satisfy constraint: 'Member must have length less than or equal to 300'": {long},
		} {
			_, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String(app), ImageIds: ids})
			requireError[*types.InvalidParameterException](t, err, text)
			_, err = f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String(app), ImageIds: ids})
			requireError[*types.InvalidParameterException](t, err, text)
			_, err = f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app), ImageIds: ids})
			requireError[*types.InvalidParameterException](t, err, text)
		}
		require.Len(t, f.batchGet(t, many[:100]...).Failures, 100)
	})
}

func TestPullTime(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		f.push(t, imageA, "v1")
		f.push(t, imageB, "v2")
		pulledAt := func(image fakeecr.Image) *time.Time {
			out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app), ImageIds: []types.ImageIdentifier{byDigest(image.Digest())}})
			require.NoError(t, err)
			return out.ImageDetails[0].LastRecordedPullTime
		}
		f.batchGet(t, byTag("v9"), byBoth(imageB.Digest(), "v1"), byBoth("", "v1"))
		require.Nil(t, pulledAt(imageA), "absent until the first pull")

		before := f.registry.Now()
		f.batchGet(t, byTag("v1"))
		first := pulledAt(imageA)
		require.False(t, first.Before(before) || first.After(f.registry.Now()))
		require.Nil(t, pulledAt(imageB))

		f.registry.Advance(24 * time.Hour)
		before = f.registry.Now()
		f.batchGet(t, byDigest(imageA.Digest()))
		second := pulledAt(imageA)
		require.False(t, second.Before(before) || second.After(f.registry.Now()), "a daily pull is recorded exactly")
		f.registry.Advance(time.Minute)
		f.batchGet(t, byTag("v1"))
		require.Equal(t, second, pulledAt(imageA), "a pull a minute later is not")
	})
}

func TestBatchDeleteImage(t *testing.T) {
	a, b := imageA.Digest(), imageB.Digest()
	all := []string{a + "@v1", a + "@v2", b}
	for name, c := range map[string]struct {
		ids           []types.ImageIdentifier
		deleted, left []string
	}{
		"a digest, with all its tags":          {[]types.ImageIdentifier{byDigest(a)}, []string{a + "@v1", a + "@v2"}, []string{b}},
		"each tag, the last with the image":    {[]types.ImageIdentifier{byTag("v2"), byTag("v1")}, []string{a + "@v2", a + "@v1"}, []string{b}},
		"a tag twice":                          {[]types.ImageIdentifier{byTag("v1"), byTag("v1")}, []string{a + "@v1"}, []string{a + "@v2", b}},
		"a tag with and without its digest":    {[]types.ImageIdentifier{byTag("v1"), byBoth(a, "v1")}, []string{a + "@v1"}, []string{a + "@v2", b}},
		"a digest and one of its tags":         {[]types.ImageIdentifier{byDigest(a), byTag("v2")}, []string{a + "@v1", a + "@v2"}, []string{b}},
		"one of its tags and a digest":         {[]types.ImageIdentifier{byTag("v2"), byDigest(a)}, []string{a + "@v2", a + "@v1"}, []string{b}},
		"an untagged image twice":              {[]types.ImageIdentifier{byDigest(b), byDigest(b)}, []string{b}, []string{a + "@v1", a + "@v2"}},
		"everything, in one call":              {[]types.ImageIdentifier{byDigest(b), byDigest(a)}, []string{b, a + "@v1", a + "@v2"}, []string{}},
		"each tag twice, and the digest twice": {[]types.ImageIdentifier{byTag("v1"), byTag("v1"), byTag("v2"), byTag("v2"), byDigest(a), byDigest(a)}, []string{a + "@v1", a + "@v2"}, []string{b}},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				f.push(t, imageA, "v1", "v2")
				f.push(t, imageB)
				require.ElementsMatch(t, all, f.imageIDs(t, app))
				out := f.batchDelete(t, c.ids...)
				require.Equal(t, c.deleted, joined(out.ImageIds))
				require.Equal(t, []types.ImageFailure{}, out.Failures)
				require.ElementsMatch(t, c.left, f.imageIDs(t, app))
				f.push(t, imageA, "v3")
				require.Contains(t, f.imageIDs(t, app), a+"@v3", "what was deleted may be pushed again")
			})
		})
	}
}

// An image of an index goes only after the index, in a call of its own.
func TestImagesOfAnIndexAreKept(t *testing.T) {
	index, second := indexOf(imageA, imageB), indexOf(imageA)
	a, b := imageA.Digest(), imageB.Digest()
	referenced := func(id types.ImageIdentifier, by ...string) types.ImageFailure {
		return types.ImageFailure{FailureCode: types.ImageFailureCodeImageReferencedByManifestList, ImageId: &id,
			FailureReason: aws.String("Requested image referenced by manifest list: [" + strings.Join(by, ", ") + "]")}
	}
	both := []string{index.Digest(), second.Digest()}
	if both[0] > both[1] {
		both[0], both[1] = both[1], both[0]
	}
	onAllFaces(t, func(t *testing.T, f face) {
		f.push(t, index, "all")
		f.push(t, second, "one")
		f.push(t, imageA, "a1", "a2")

		out := f.batchDelete(t, byDigest(a), byDigest(b), byBoth(a, "a1"), byTag("a2"))
		require.Equal(t, []types.ImageFailure{referenced(byDigest(a), both...), referenced(byDigest(b), index.Digest()), referenced(byTag("a2"), both...)}, out.Failures)
		require.Equal(t, []string{a + "@a1"}, joined(out.ImageIds), "a tag that is not the last may go")

		out = f.batchDelete(t, byTag("all"), byDigest(b), byTag("one"), byDigest(a))
		require.Equal(t, []string{index.Digest() + "@all", second.Digest() + "@one"}, joined(out.ImageIds))
		require.Equal(t, []types.ImageFailure{referenced(byDigest(b), index.Digest()), referenced(byDigest(a), both...)}, out.Failures, "also if the index goes in the same call")
		require.ElementsMatch(t, []string{a + "@a2", b}, f.imageIDs(t, app), "an index leaves its images behind")

		out = f.batchDelete(t, byDigest(b), byDigest(a))
		require.Empty(t, out.Failures)
		require.Equal(t, []string{b, a + "@a2"}, joined(out.ImageIds))
	})
}
