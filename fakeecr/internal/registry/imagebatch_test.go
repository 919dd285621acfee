package registry_test

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
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func batchGet(t *testing.T, f faces.Face, ids ...types.ImageIdentifier) *ecr.BatchGetImageOutput {
	t.Helper()
	out, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String(faces.App), ImageIds: ids})
	require.NoError(t, err)
	return out
}

// pushAll puts images, each under its tags; without a tag it is untagged.
func pushAll(t *testing.T, f faces.Face, image fakeecr.Image, tags ...string) {
	t.Helper()
	f.Registry.MustPush(faces.App, image)
	for _, tag := range tags {
		_, err := f.Put(t, faces.App, image, tag)
		require.NoError(t, err)
	}
}

var (
	imageOne = faces.ImageOf([]byte("{}"), []byte("layer a"))
	imageTwo = faces.ImageOf([]byte("{}"), []byte("layer b"))
)

// A failure is in the answer and not in its status, and echoes the id as it was
// asked for. Getting and deleting share codes and reasons.
func TestImageFailures(t *testing.T) {
	digestA := imageOne.Digest()
	for name, c := range map[string]struct {
		id     types.ImageIdentifier
		code   types.ImageFailureCode
		reason string
	}{
		"neither tag nor digest":                {types.ImageIdentifier{}, types.ImageFailureCodeMissingDigestAndTag, "Invalid request parameters: both tag and digest cannot be null"},
		"a digest without its algorithm":        {faces.ByDigest("ffff"), types.ImageFailureCodeInvalidImageDigest, "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"},
		"an empty digest":                       {faces.ByDigest(""), types.ImageFailureCodeInvalidImageDigest, "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"},
		"a malformed digest beside a tag":       {faces.ByBoth("sha256:xyz", "v1"), types.ImageFailureCodeInvalidImageDigest, "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"},
		"a malformed tag":                       {faces.ByTag("a tag"), types.ImageFailureCodeInvalidImageTag, "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9-_.]+'"},
		"a tag that is not there":               {faces.ByTag("v9"), types.ImageFailureCodeImageNotFound, "Requested image not found"},
		"a digest that is not there":            {faces.ByDigest(faces.DigestNotThere), types.ImageFailureCodeImageNotFound, "Requested image not found"},
		"a digest in capitals":                  {faces.ByDigest("sha256:" + strings.ToUpper(digestA[7:])), types.ImageFailureCodeImageNotFound, "Requested image not found"},
		"a tag of another image":                {faces.ByBoth(digestA, "other"), types.ImageFailureCodeImageTagDoesNotMatchDigest, "Invalid request parameters: given tag does not map to the given digest"},
		"a tag of an image, beside no image":    {faces.ByBoth(faces.DigestNotThere, "v1"), types.ImageFailureCodeImageTagDoesNotMatchDigest, "Invalid request parameters: given tag does not map to the given digest"},
		"a tag that is not there, and an image": {faces.ByBoth(digestA, "v9"), types.ImageFailureCodeImageNotFound, "Requested image not found"},
		"neither is there":                      {faces.ByBoth(faces.DigestNotThere, "v9"), types.ImageFailureCodeImageNotFound, "Requested image not found"},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				pushAll(t, f, imageOne, "v1", "v2")
				pushAll(t, f, imageTwo, "other")
				before := f.ImageIDs(t, faces.App)
				want := []types.ImageFailure{{FailureCode: c.code, FailureReason: &c.reason, ImageId: &c.id}}

				got := batchGet(t, f, c.id)
				require.Equal(t, want, got.Failures)
				require.Equal(t, []types.Image{}, got.Images)
				deleted := f.BatchDelete(t, c.id)
				require.Equal(t, want, deleted.Failures)
				require.Equal(t, []types.ImageIdentifier{}, deleted.ImageIds)
				require.Equal(t, before, f.ImageIDs(t, faces.App))
			})
		})
	}
}

func TestBatchLimits(t *testing.T) {
	many := make([]types.ImageIdentifier, 101)
	for i := range many {
		many[i] = faces.ByTag(fmt.Sprint("v", i))
	}
	long := faces.ByTag(strings.Repeat("t", 301))
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		for text, ids := range map[string][]types.ImageIdentifier{
			"Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length greater than or equal to 1'":                  {},
			"Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length less than or equal to 100'":                   many,
			"Invalid parameter at 'imageIds.1.member.imageTag' failed to satisfy constraint: 'Member must have length less than or equal to 300'": {long},
		} {
			_, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String(faces.App), ImageIds: ids})
			faces.RequireError[*types.InvalidParameterException](t, err, text)
			_, err = f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String(faces.App), ImageIds: ids})
			faces.RequireError[*types.InvalidParameterException](t, err, text)
			_, err = f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App), ImageIds: ids})
			faces.RequireError[*types.InvalidParameterException](t, err, text)
		}
		require.Len(t, batchGet(t, f, many[:100]...).Failures, 100)
	})
}

func TestPullTime(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		pushAll(t, f, imageOne, "v1")
		pushAll(t, f, imageTwo, "v2")
		pulledAt := func(image fakeecr.Image) *time.Time {
			out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App), ImageIds: []types.ImageIdentifier{faces.ByDigest(image.Digest())}})
			require.NoError(t, err)
			return out.ImageDetails[0].LastRecordedPullTime
		}
		batchGet(t, f, faces.ByTag("v9"), faces.ByBoth(imageTwo.Digest(), "v1"), faces.ByBoth("", "v1"))
		require.Nil(t, pulledAt(imageOne), "absent until the first pull")

		before := f.Registry.Now()
		batchGet(t, f, faces.ByTag("v1"))
		first := pulledAt(imageOne)
		require.False(t, first.Before(before) || first.After(f.Registry.Now()))
		require.Nil(t, pulledAt(imageTwo))

		f.Registry.Advance(24 * time.Hour)
		before = f.Registry.Now()
		batchGet(t, f, faces.ByDigest(imageOne.Digest()))
		second := pulledAt(imageOne)
		require.False(t, second.Before(before) || second.After(f.Registry.Now()), "a daily pull is recorded exactly")
		f.Registry.Advance(time.Minute)
		batchGet(t, f, faces.ByTag("v1"))
		require.Equal(t, second, pulledAt(imageOne), "a pull a minute later is not")
	})
}

func TestBatchDeleteImage(t *testing.T) {
	a, b := imageOne.Digest(), imageTwo.Digest()
	all := []string{a + "@v1", a + "@v2", b}
	for name, c := range map[string]struct {
		ids           []types.ImageIdentifier
		deleted, left []string
	}{
		"a digest, with all its tags":          {[]types.ImageIdentifier{faces.ByDigest(a)}, []string{a + "@v1", a + "@v2"}, []string{b}},
		"each tag, the last with the image":    {[]types.ImageIdentifier{faces.ByTag("v2"), faces.ByTag("v1")}, []string{a + "@v2", a + "@v1"}, []string{b}},
		"a tag twice":                          {[]types.ImageIdentifier{faces.ByTag("v1"), faces.ByTag("v1")}, []string{a + "@v1"}, []string{a + "@v2", b}},
		"a tag with and without its digest":    {[]types.ImageIdentifier{faces.ByTag("v1"), faces.ByBoth(a, "v1")}, []string{a + "@v1"}, []string{a + "@v2", b}},
		"a digest and one of its tags":         {[]types.ImageIdentifier{faces.ByDigest(a), faces.ByTag("v2")}, []string{a + "@v1", a + "@v2"}, []string{b}},
		"one of its tags and a digest":         {[]types.ImageIdentifier{faces.ByTag("v2"), faces.ByDigest(a)}, []string{a + "@v2", a + "@v1"}, []string{b}},
		"an untagged image twice":              {[]types.ImageIdentifier{faces.ByDigest(b), faces.ByDigest(b)}, []string{b}, []string{a + "@v1", a + "@v2"}},
		"everything, in one call":              {[]types.ImageIdentifier{faces.ByDigest(b), faces.ByDigest(a)}, []string{b, a + "@v1", a + "@v2"}, []string{}},
		"each tag twice, and the digest twice": {[]types.ImageIdentifier{faces.ByTag("v1"), faces.ByTag("v1"), faces.ByTag("v2"), faces.ByTag("v2"), faces.ByDigest(a), faces.ByDigest(a)}, []string{a + "@v1", a + "@v2"}, []string{b}},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				pushAll(t, f, imageOne, "v1", "v2")
				pushAll(t, f, imageTwo)
				require.ElementsMatch(t, all, f.ImageIDs(t, faces.App))
				out := f.BatchDelete(t, c.ids...)
				require.Equal(t, c.deleted, faces.Joined(out.ImageIds))
				require.Equal(t, []types.ImageFailure{}, out.Failures)
				require.ElementsMatch(t, c.left, f.ImageIDs(t, faces.App))
				pushAll(t, f, imageOne, "v3")
				require.Contains(t, f.ImageIDs(t, faces.App), a+"@v3", "what was deleted may be pushed again")
			})
		})
	}
}

// An image of an index goes only after the index, in a call of its own.
func TestImagesOfAnIndexAreKept(t *testing.T) {
	index, second := faces.IndexOf(imageOne, imageTwo), faces.IndexOf(imageOne)
	a, b := imageOne.Digest(), imageTwo.Digest()
	referenced := func(id types.ImageIdentifier, by ...string) types.ImageFailure {
		return types.ImageFailure{FailureCode: types.ImageFailureCodeImageReferencedByManifestList, ImageId: &id,
			FailureReason: aws.String("Requested image referenced by manifest list: [" + strings.Join(by, ", ") + "]")}
	}
	both := []string{index.Digest(), second.Digest()}
	if both[0] > both[1] {
		both[0], both[1] = both[1], both[0]
	}
	faces.Each(t, func(t *testing.T, f faces.Face) {
		pushAll(t, f, index, "all")
		pushAll(t, f, second, "one")
		pushAll(t, f, imageOne, "a1", "a2")

		out := f.BatchDelete(t, faces.ByDigest(a), faces.ByDigest(b), faces.ByBoth(a, "a1"), faces.ByTag("a2"))
		require.Equal(t, []types.ImageFailure{referenced(faces.ByDigest(a), both...), referenced(faces.ByDigest(b), index.Digest()), referenced(faces.ByTag("a2"), both...)}, out.Failures)
		require.Equal(t, []string{a + "@a1"}, faces.Joined(out.ImageIds), "a tag that is not the last may go")

		out = f.BatchDelete(t, faces.ByTag("all"), faces.ByDigest(b), faces.ByTag("one"), faces.ByDigest(a))
		require.Equal(t, []string{index.Digest() + "@all", second.Digest() + "@one"}, faces.Joined(out.ImageIds))
		require.Equal(t, []types.ImageFailure{referenced(faces.ByDigest(b), index.Digest()), referenced(faces.ByDigest(a), both...)}, out.Failures, "also if the index goes in the same call")
		require.ElementsMatch(t, []string{a + "@a2", b}, f.ImageIDs(t, faces.App), "an index leaves its images behind")

		out = f.BatchDelete(t, faces.ByDigest(b), faces.ByDigest(a))
		require.Empty(t, out.Failures)
		require.Equal(t, []string{b, a + "@a2"}, faces.Joined(out.ImageIds))
	})
}
