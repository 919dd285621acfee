package fakeecr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// pushBlobs uploads what an image needs, but not its manifest.
func (f face) pushBlobs(t *testing.T, image fakeecr.Image) {
	t.Helper()
	for _, blob := range image.Blobs {
		f.pushLayer(t, app, blob, len(blob))
	}
}

func TestPutImage(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		image := imageOf([]byte("{}"), []byte("layer"))
		f.pushBlobs(t, image)
		// The manifest is stored byte for byte, whatever its form.
		odd := strings.ReplaceAll(string(image.Manifest), ",", " ,\n\t") + "\n"
		want := digestOf([]byte(odd))

		before := f.registry.Now()
		out, err := f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(app), ImageManifest: &odd, ImageTag: aws.String("v1"), ImageDigest: &want})
		require.NoError(t, err)
		require.Equal(t, &types.Image{
			ImageId:                &types.ImageIdentifier{ImageDigest: &want, ImageTag: aws.String("v1")},
			ImageManifest:          &odd,
			ImageManifestMediaType: aws.String(ociManifest),
			RegistryId:             aws.String("123456789012"),
			RepositoryName:         aws.String(app),
		}, out.Image)

		got, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String(app), ImageIds: []types.ImageIdentifier{byTag("v1")}})
		require.NoError(t, err)
		require.Equal(t, []types.Image{*out.Image}, got.Images)
		require.Equal(t, []types.ImageFailure{}, got.Failures)

		described, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		pushed := *described.ImageDetails[0].ImagePushedAt
		require.False(t, pushed.Before(before) || pushed.After(f.registry.Now()))
	})
}

// A manifest without a usable media type is refused for its JSON, which is fine.
func TestMediaTypeOfAManifest(t *testing.T) {
	const (
		docker = "application/vnd.docker.distribution.manifest.v2+json"
		list   = "application/vnd.docker.distribution.manifest.list.v2+json"
	)
	oci := string(imageOf([]byte("{}"), []byte("layer")).Manifest)
	bare := strings.Replace(oci, fmt.Sprintf(`"mediaType":%q,`, ociManifest), "", 1)
	for name, c := range map[string]struct {
		manifest, mediaType string
		want                string // the media type, "" if the manifest is refused
	}{
		"of the request and the manifest": {oci, ociManifest, ociManifest},
		"of the manifest":                 {oci, "", ociManifest},
		"of Docker, in the request":       {bare, docker, docker},
		"of an SBOM":                      {strings.Replace(oci, ociManifest, "application/spdx+json", 1), "", ""},
		"of an index, for an image":       {bare, ociIndex, ""},
		"of a list, for an image":         {bare, list, ""},
		"of a child with os.features": {strings.Replace(string(indexOf(imageOf([]byte("{}"), []byte("layer"))).Manifest), `"digest"`,
			`"platform":{"architecture":"amd64","os":"windows","os.features":["win32k"]},"digest"`, 1), ociIndex, ""},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				create(t, f, app)
				f.pushBlobs(t, imageOf([]byte("{}"), []byte("layer")))
				in := &ecr.PutImageInput{RepositoryName: aws.String(app), ImageManifest: &c.manifest}
				if c.mediaType != "" {
					in.ImageManifestMediaType = &c.mediaType
				}
				out, err := f.PutImage(t.Context(), in)
				if c.want == "" {
					requireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "ImageManifest", "Invalid JSON syntax"))
					require.Empty(t, f.imageIDs(t, app))
					return
				}
				require.NoError(t, err)
				require.Equal(t, c.want, *out.Image.ImageManifestMediaType)
			})
		})
	}
}

func TestPutImageRefusals(t *testing.T) {
	config, one, two := []byte("{}"), []byte("one"), []byte("two")
	image := imageOf(config, one, two)
	const required = "%s with digests '[%s]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist"
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		create(t, f, "team/other")
		f.pushLayer(t, "team/other", config, 100)
		f.pushLayer(t, app, one, 100)

		_, err := f.putImage(t, app, image, "v1")
		requireError[*types.LayersNotFoundException](t, err, fmt.Sprintf(required, "Layers", digestOf(config)+", "+digestOf(two)))
		_, err = f.putImage(t, app, indexOf(image), "v1")
		requireError[*types.ReferencedImagesNotFoundException](t, err, fmt.Sprintf(required, "Images", image.Digest()))
		// What buildkit wrote as a cache: an index of layers, one of which is there.
		layers := indexOf(fakeecr.Image{MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Manifest: one})
		_, err = f.putImage(t, app, layers, "cache")
		requireError[*types.ReferencedImagesNotFoundException](t, err, fmt.Sprintf(required, "Images", digestOf(one)))
		require.Empty(t, f.imageIDs(t, app))

		f.pushLayer(t, app, config, 100)
		f.pushLayer(t, app, two, 100)
		_, err = f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(app), ImageManifest: aws.String(string(image.Manifest)), ImageDigest: aws.String(digestNotThere)})
		requireError[*types.ImageDigestDoesNotMatchException](t, err,
			"The image with digest '"+digestNotThere+"' in repository 'team/app' and registry ID '123456789012' does not match the image digest that Amazon ECR has calculated.")
		require.Empty(t, f.imageIDs(t, app))

		for tag, want := range map[string]string{
			"":                       "must have length greater than or equal to 1",
			strings.Repeat("t", 301): "must have length less than or equal to 300",
			"a tag":                  "must satisfy regular expression '[a-zA-Z0-9-_.]+'",
		} {
			_, err = f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(app), ImageManifest: aws.String(string(image.Manifest)), ImageTag: &tag})
			requireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "imageTag", want))
		}
		_, err = f.putImage(t, app, image, ".-_"+strings.Repeat("t", 297))
		require.NoError(t, err, "ECR's tags are looser than OCI's")
	})
}

// The images of an index may be named twice, and an index may hold indexes.
func TestPutIndex(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		child := imageOf([]byte("{}"), []byte("layer"))
		inner := indexOf(child, child)
		outer := indexOf(inner, child)
		f.registry.MustPush(app+":v1", outer)
		require.ElementsMatch(t, []string{outer.Digest() + "@v1", inner.Digest(), child.Digest()}, f.imageIDs(t, app))
	})
}

// A tag is put on the image that has it, then on the other one.
func TestTagsOfImages(t *testing.T) {
	for name, c := range map[string]struct {
		mode    types.ImageTagMutability
		filters []types.ImageTagMutabilityExclusionFilter
		tag     string
		moves   bool
	}{
		"a filter is for the tag's end too":        {types.ImageTagMutabilityImmutableWithExclusion, wildcards("*-dev"), "v1-dev.1", false},
		"a wildcard at the end":                    {types.ImageTagMutabilityImmutableWithExclusion, wildcards("dev-*"), "dev-", true},
		"a wildcard at the beginning":              {types.ImageTagMutabilityImmutableWithExclusion, wildcards("*-dev"), "v1-dev", true},
		"a wildcard in the middle":                 {types.ImageTagMutabilityImmutableWithExclusion, wildcards("a*c"), "abbc", true},
		"two wildcards":                            {types.ImageTagMutabilityImmutableWithExclusion, wildcards("*b*"), "abc", true},
		"two wildcards around what is not there":   {types.ImageTagMutabilityImmutableWithExclusion, wildcards("*b*"), "acd", false},
		"a wildcard does not match a letter twice": {types.ImageTagMutabilityImmutableWithExclusion, wildcards("ab*ba"), "aba", false},
		"a dot in a filter is a dot":               {types.ImageTagMutabilityImmutableWithExclusion, wildcards("v.1"), "vx1", false},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{
					RepositoryName: aws.String(app), ImageTagMutability: c.mode, ImageTagMutabilityExclusionFilters: c.filters,
				})
				require.NoError(t, err)
				first, second := imageOf([]byte("{}"), []byte("first")), imageOf([]byte("{}"), []byte("second"))
				f.registry.MustPush(app, second)
				f.registry.MustPush(app+":"+c.tag, first)

				_, err = f.putImage(t, app, first, c.tag)
				requireError[*types.ImageAlreadyExistsException](t, err, fmt.Sprintf(
					"Image with digest '%s' and tag '%s' already exists in the repository with name 'team/app' in registry with id '123456789012'", first.Digest(), c.tag))
				_, err = f.putImage(t, app, first, c.tag+"-more")
				require.NoError(t, err, "an image takes another tag, also where tags are immutable")

				for _, image := range []fakeecr.Image{second, imageOf([]byte("{}"), []byte("first"), []byte("second"))} {
					_, err = f.putImage(t, app, image, c.tag)
					if !c.moves {
						requireError[*types.ImageTagAlreadyExistsException](t, err, fmt.Sprintf(
							"The image tag '%s' already exists in the 'team/app' repository and cannot be overwritten because the tag is immutable.", c.tag))
						require.ElementsMatch(t, []string{first.Digest() + "@" + c.tag, first.Digest() + "@" + c.tag + "-more", second.Digest()}, f.imageIDs(t, app))
						continue
					}
					require.NoError(t, err)
					ids := f.imageIDs(t, app)
					require.Contains(t, ids, image.Digest()+"@"+c.tag)
					require.Contains(t, ids, first.Digest()+"@"+c.tag+"-more")
					require.NotContains(t, ids, first.Digest()+"@"+c.tag)
				}
			})
		})
	}
}

// fullOfImages is the refusal of an image beyond the quota of a repository.
func fullOfImages(repository string, most int) string {
	return fmt.Sprintf("The repository with name '%s' in registry with id '123456789012' already has the maximum allowed number of images which is '%d'", repository, most)
}

func TestImageQuotas(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		image := imageOf([]byte("{}"), []byte("layer"))
		f.registry.MustPush(app+":v1", image)
		_, err := f.putImage(t, app, image, "v2")
		require.NoError(t, err)
		_, err = f.putImage(t, app, image, "v3")
		requireError[*types.LimitExceededException](t, err, "Adding tag 'v3' to an image in the repository with name 'team/app' in registry with id '123456789012' "+
			"exceeds the maximum allowed number of tags per image which is '2'")
		other := imageOf([]byte("{}"), []byte("layer"), []byte("{}"))
		f.registry.MustPush(app+":v1", other)
		_, err = f.putImage(t, app, imageOf([]byte("layer"), []byte("layer")), "v3")
		requireError[*types.LimitExceededException](t, err, fullOfImages(app, 2))
		require.ElementsMatch(t, []string{image.Digest() + "@v2", other.Digest() + "@v1"}, f.imageIDs(t, app))
	}, fakeecr.WithQuota(fakeecr.TagsPerImage, 2), fakeecr.WithQuota(fakeecr.ImagesPerRepository, 2))
}
