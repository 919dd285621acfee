package registry_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func TestPutImage(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		image := faces.ImageOf([]byte("{}"), []byte("layer"))
		f.PushBlobs(t, image)
		// The manifest is stored byte for byte, whatever its form.
		odd := strings.ReplaceAll(string(image.Manifest), ",", " ,\n\t") + "\n"
		want := faces.DigestOf([]byte(odd))

		before := f.Registry.Now()
		out, err := f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(faces.App), ImageManifest: &odd, ImageTag: aws.String("v1"), ImageDigest: &want})
		require.NoError(t, err)
		require.Equal(t, &types.Image{
			ImageId:                &types.ImageIdentifier{ImageDigest: &want, ImageTag: aws.String("v1")},
			ImageManifest:          &odd,
			ImageManifestMediaType: aws.String(faces.OCIManifest),
			RegistryId:             aws.String("123456789012"),
			RepositoryName:         aws.String(faces.App),
		}, out.Image)

		got, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String(faces.App), ImageIds: []types.ImageIdentifier{faces.ByTag("v1")}})
		require.NoError(t, err)
		require.Equal(t, []types.Image{*out.Image}, got.Images)
		require.Equal(t, []types.ImageFailure{}, got.Failures)

		described, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App)})
		require.NoError(t, err)
		pushed := *described.ImageDetails[0].ImagePushedAt
		require.False(t, pushed.Before(before) || pushed.After(f.Registry.Now()))
	})
}

// A manifest without a usable media type is refused for its JSON, which is fine.
func TestMediaTypeOfAManifest(t *testing.T) {
	const (
		docker = "application/vnd.docker.distribution.manifest.v2+json"
		list   = "application/vnd.docker.distribution.manifest.list.v2+json"
	)
	oci := string(faces.ImageOf([]byte("{}"), []byte("layer")).Manifest)
	bare := strings.Replace(oci, fmt.Sprintf(`"mediaType":%q,`, faces.OCIManifest), "", 1)
	for name, c := range map[string]struct {
		manifest, mediaType string
		want                string // the media type, "" if the manifest is refused
	}{
		"of the request and the manifest": {oci, faces.OCIManifest, faces.OCIManifest},
		"of the manifest":                 {oci, "", faces.OCIManifest},
		"of Docker, in the request":       {bare, docker, docker},
		"of an SBOM":                      {strings.Replace(oci, faces.OCIManifest, "application/spdx+json", 1), "", ""},
		"of an index, for an image":       {bare, faces.OCIIndex, ""},
		"of a list, for an image":         {bare, list, ""},
		"of a child with os.features": {strings.Replace(string(faces.IndexOf(faces.ImageOf([]byte("{}"), []byte("layer"))).Manifest), `"digest"`,
			`"platform":{"architecture":"amd64","os":"windows","os.features":["win32k"]},"digest"`, 1), faces.OCIIndex, ""},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.Create(t, f, faces.App)
				f.PushBlobs(t, faces.ImageOf([]byte("{}"), []byte("layer")))
				in := &ecr.PutImageInput{RepositoryName: aws.String(faces.App), ImageManifest: &c.manifest}
				if c.mediaType != "" {
					in.ImageManifestMediaType = &c.mediaType
				}
				out, err := f.PutImage(t.Context(), in)
				if c.want == "" {
					faces.RequireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "ImageManifest", "Invalid JSON syntax"))
					require.Empty(t, f.ImageIDs(t, faces.App))
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
	image := faces.ImageOf(config, one, two)
	const required = "%s with digests '[%s]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist"
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		faces.Create(t, f, "team/other")
		f.PushLayer(t, "team/other", config, 100)
		f.PushLayer(t, faces.App, one, 100)

		_, err := f.Put(t, faces.App, image, "v1")
		faces.RequireError[*types.LayersNotFoundException](t, err, fmt.Sprintf(required, "Layers", faces.DigestOf(config)+", "+faces.DigestOf(two)))
		_, err = f.Put(t, faces.App, faces.IndexOf(image), "v1")
		faces.RequireError[*types.ReferencedImagesNotFoundException](t, err, fmt.Sprintf(required, "Images", image.Digest()))
		// What buildkit wrote as a cache: an index of layers, one of which is there.
		layers := faces.IndexOf(fakeecr.Image{MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Manifest: one})
		_, err = f.Put(t, faces.App, layers, "cache")
		faces.RequireError[*types.ReferencedImagesNotFoundException](t, err, fmt.Sprintf(required, "Images", faces.DigestOf(one)))
		require.Empty(t, f.ImageIDs(t, faces.App))

		f.PushLayer(t, faces.App, config, 100)
		f.PushLayer(t, faces.App, two, 100)
		_, err = f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(faces.App), ImageManifest: aws.String(string(image.Manifest)), ImageDigest: aws.String(faces.DigestNotThere)})
		faces.RequireError[*types.ImageDigestDoesNotMatchException](t, err,
			"The image with digest '"+faces.DigestNotThere+"' in repository 'team/app' and registry ID '123456789012' does not match the image digest that Amazon ECR has calculated.")
		require.Empty(t, f.ImageIDs(t, faces.App))

		for tag, want := range map[string]string{
			"":                       "must have length greater than or equal to 1",
			strings.Repeat("t", 301): "must have length less than or equal to 300",
			"a tag":                  "must satisfy regular expression '[a-zA-Z0-9-_.]+'",
		} {
			_, err = f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(faces.App), ImageManifest: aws.String(string(image.Manifest)), ImageTag: &tag})
			faces.RequireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "imageTag", want))
		}
		_, err = f.Put(t, faces.App, image, ".-_"+strings.Repeat("t", 297))
		require.NoError(t, err, "ECR's tags are looser than OCI's")
	})
}

// The images of an index may be named twice, and an index may hold indexes.
func TestPutIndex(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		child := faces.ImageOf([]byte("{}"), []byte("layer"))
		inner := faces.IndexOf(child, child)
		outer := faces.IndexOf(inner, child)
		f.Registry.MustPush(faces.App+":v1", outer)
		require.ElementsMatch(t, []string{outer.Digest() + "@v1", inner.Digest(), child.Digest()}, f.ImageIDs(t, faces.App))
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
			faces.Each(t, func(t *testing.T, f faces.Face) {
				_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{
					RepositoryName: aws.String(faces.App), ImageTagMutability: c.mode, ImageTagMutabilityExclusionFilters: c.filters,
				})
				require.NoError(t, err)
				first, second := faces.ImageOf([]byte("{}"), []byte("first")), faces.ImageOf([]byte("{}"), []byte("second"))
				f.Registry.MustPush(faces.App, second)
				f.Registry.MustPush(faces.App+":"+c.tag, first)

				_, err = f.Put(t, faces.App, first, c.tag)
				faces.RequireError[*types.ImageAlreadyExistsException](t, err, fmt.Sprintf(
					"Image with digest '%s' and tag '%s' already exists in the repository with name 'team/app' in registry with id '123456789012'", first.Digest(), c.tag))
				_, err = f.Put(t, faces.App, first, c.tag+"-more")
				require.NoError(t, err, "an image takes another tag, also where tags are immutable")

				for _, image := range []fakeecr.Image{second, faces.ImageOf([]byte("{}"), []byte("first"), []byte("second"))} {
					_, err = f.Put(t, faces.App, image, c.tag)
					if !c.moves {
						faces.RequireError[*types.ImageTagAlreadyExistsException](t, err, fmt.Sprintf(
							"The image tag '%s' already exists in the 'team/app' repository and cannot be overwritten because the tag is immutable.", c.tag))
						require.ElementsMatch(t, []string{first.Digest() + "@" + c.tag, first.Digest() + "@" + c.tag + "-more", second.Digest()}, f.ImageIDs(t, faces.App))
						continue
					}
					require.NoError(t, err)
					ids := f.ImageIDs(t, faces.App)
					require.Contains(t, ids, image.Digest()+"@"+c.tag)
					require.Contains(t, ids, first.Digest()+"@"+c.tag+"-more")
					require.NotContains(t, ids, first.Digest()+"@"+c.tag)
				}
			})
		})
	}
}

func TestImageQuotas(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := faces.ImageOf([]byte("{}"), []byte("layer"))
		f.Registry.MustPush(faces.App+":v1", image)
		_, err := f.Put(t, faces.App, image, "v2")
		require.NoError(t, err)
		_, err = f.Put(t, faces.App, image, "v3")
		faces.RequireError[*types.LimitExceededException](t, err, "Adding tag 'v3' to an image in the repository with name 'team/app' in registry with id '123456789012' "+
			"exceeds the maximum allowed number of tags per image which is '2'")
		other := faces.ImageOf([]byte("{}"), []byte("layer"), []byte("{}"))
		f.Registry.MustPush(faces.App+":v1", other)
		_, err = f.Put(t, faces.App, faces.ImageOf([]byte("layer"), []byte("layer")), "v3")
		faces.RequireError[*types.LimitExceededException](t, err, faces.FullOfImages(faces.App, 2))
		require.ElementsMatch(t, []string{image.Digest() + "@v2", other.Digest() + "@v1"}, f.ImageIDs(t, faces.App))
	}, fakeecr.WithQuota(fakeecr.TagsPerImage, 2), fakeecr.WithQuota(fakeecr.ImagesPerRepository, 2))
}
