package fakeecr_test

import (
	"crypto/sha512"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

const (
	manifestsOf   = "/v2/" + app + "/manifests/"
	notFoundHere  = "Requested image not found"
	inaccessible  = "The requested image is in an inaccessible state. Please restore if needed"
	invalidSyntax = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'"
)

// stored is an image whose blobs alone are in the repository.
func (e *endpoint) stored(t *testing.T, blobs ...string) fakeecr.Image {
	t.Helper()
	content := make([][]byte, len(blobs))
	for i := range blobs {
		content[i] = []byte(blobs[i])
	}
	image := imageOf(content[0], content[1:]...)
	direct(e.registry).pushBlobs(t, image)
	return image
}

// put puts a manifest under its media type.
func (e *endpoint) put(t *testing.T, reference string, image fakeecr.Image) reply {
	t.Helper()
	return e.do(t, "PUT", manifestsOf+reference, string(image.Manifest), "Content-Type", image.MediaType)
}

func TestRegistryGetManifest(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		image := fakeecr.RandomImage(1, 10)
		e.registry.MustPush(app+":v1", image)
		want := http.Header{
			"Content-Length":                  {fmt.Sprint(len(image.Manifest))},
			"Content-Type":                    {image.MediaType},
			"Docker-Distribution-Api-Version": {"registry/2.0"},
		}
		for _, reference := range []string{"v1", image.Digest()} {
			require.Equal(t, reply{200, want, string(image.Manifest)}, undated(e.do(t, "GET", manifestsOf+reference, "")))
			head := want.Clone()
			head.Set("Docker-Content-Digest", image.Digest())
			require.Equal(t, reply{200, head, ""}, undated(e.do(t, "HEAD", manifestsOf+reference, "")))
		}

		e.do(t, "GET", manifestsOf+"v1", "", "Accept", ociIndex+", "+ociManifest+";q=0.5, */*")
		trace := e.registry.Trace()
		require.Equal(t, []string{ociIndex, ociManifest}, trace[len(trace)-1].Input.(*ecr.BatchGetImageInput).AcceptedMediaTypes)
		details := imageDetails(t, e.registry, app)[image.Digest()]
		require.NotNil(t, details.LastRecordedPullTime)
	})
}

func TestRegistryGetManifestRefused(t *testing.T) {
	absent := digestOf([]byte("absent"))
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		image := fakeecr.RandomImage(1, 10)
		e.registry.MustPush(app+":v1", image)
		for _, method := range []string{"GET", "HEAD"} {
			e.requireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, method, manifestsOf+"v2", "")
			e.requireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, method, manifestsOf+absent, "")
			e.requireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'team/none' does not exist in the registry with id '123456789012'",
				method, "/v2/team/none/manifests/v1", "")
			e.requireRefused(t, 400, "TAG_INVALID", "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9-_.]+'", method, manifestsOf+"v1+2", "")
			e.requireRefused(t, 400, "DIGEST_INVALID", "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'", method, manifestsOf+"sha256:xyz", "")
		}
		updateStorage(t, e.registry, image.Digest(), types.TargetStorageClassArchive)
		e.requireRefused(t, 404, "UNKNOWN", inaccessible, "GET", manifestsOf+"v1", "")
	})
}

func TestRegistryPutManifest(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		image := e.stored(t, "{}", "layer")
		want := http.Header{
			"Content-Length":                  {"0"},
			"Docker-Content-Digest":           {image.Digest()},
			"Docker-Distribution-Api-Version": {"registry/2.0"},
		}
		// Once more is as good.
		for _, reference := range []string{"v1", "v1", image.Digest(), image.Digest() + "?tag=v2"} {
			require.Equal(t, reply{201, want, ""}, undated(e.put(t, reference, image)), reference)
		}
		details := imageDetails(t, e.registry, app)
		require.Equal(t, []string{"v1"}, details[image.Digest()].ImageTags)
		require.Equal(t, image.MediaType, *details[image.Digest()].ImageManifestMediaType)

		// The header gives the type that the document lacks.
		helm := strings.Replace(string(image.Manifest), `"mediaType":"`+ociManifest+`",`, "", 1)
		require.NotEqual(t, string(image.Manifest), helm)
		e.requireRefused(t, 405, "UNSUPPORTED", invalidSyntax, "PUT", manifestsOf+"helm", helm)
		got := e.do(t, "PUT", manifestsOf+"helm", helm, "Content-Type", ociManifest+"; charset=utf-8")
		require.Equal(t, 201, got.status, got.body)
		require.Equal(t, ociManifest, e.do(t, "HEAD", manifestsOf+"helm", "").header.Get("Content-Type"))

		// The digest of the subject is told, also of one that is not there.
		referrer := fakeecr.Referrer(fakeecr.RandomImage(9, 10), "application/spdx+json", []byte("layer"))
		got = e.put(t, referrer.Digest(), referrer)
		require.Equal(t, 201, got.status, got.body)
		require.Equal(t, []string{fakeecr.RandomImage(9, 10).Digest()}, got.header.Values("OCI-Subject"))

		index := indexOf(image)
		require.Equal(t, 201, e.put(t, "all", index).status)
		require.Equal(t, string(index.Manifest), e.do(t, "GET", manifestsOf+"all", "").body)
	})
}

func TestRegistryPutManifestRefused(t *testing.T) {
	absent := digestOf([]byte("absent"))
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		image := e.stored(t, "{}", "layer")
		lacking := imageOf([]byte("{}"), []byte("absent"))
		orphan := indexOf(lacking)
		platformOfSubject := strings.Replace(string(fakeecr.Referrer(image, "application/spdx+json", []byte("layer")).Manifest),
			`"digest":"`+image.Digest()+`"`, `"digest":"`+image.Digest()+`","platform":{"architecture":"amd64","os":"linux"}`, 1)
		osFeatures := strings.Replace(string(indexOf(image).Manifest), `"digest":`, `"platform":{"architecture":"amd64","os":"windows","os.features":["win32k"]},"digest":`, 1)
		ofLayers := strings.NewReplacer(image.Digest(), digestOf([]byte("layer")), ociManifest, "application/vnd.oci.image.layer.v1.tar+gzip").Replace(string(indexOf(image).Manifest))
		for name, c := range map[string]struct {
			status              int
			code, message, path string
			body, mediaType     string
		}{
			"no JSON":              {405, "UNSUPPORTED", invalidSyntax, manifestsOf + "v1", `{"schemaVersion"`, ociManifest},
			"no layers":            {405, "UNSUPPORTED", invalidSyntax, manifestsOf + "v1", string(imageOf([]byte("{}")).Manifest), ociManifest},
			"no type of manifests": {405, "UNSUPPORTED", invalidSyntax, manifestsOf + "v1", string(image.Manifest), "application/json"},
			"nothing": {405, "UNSUPPORTED", "Invalid parameter at 'imageManifest' failed to satisfy constraint: 'Member must have length greater than or equal to 1'",
				manifestsOf + "v1", "", ociManifest},
			"a tag that is none": {405, "UNSUPPORTED", "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression '[a-zA-Z0-9-_.]+''",
				manifestsOf + "v1+2", string(image.Manifest), ociManifest},
			"another digest": {400, "MANIFEST_INVALID", "The image with digest '" + absent + "' in repository 'team/app' and registry ID '123456789012' does not match the image digest that Amazon ECR has calculated.",
				manifestsOf + absent, string(image.Manifest), ociManifest},
			"no digest": {400, "DIGEST_INVALID", "Invalid digest 'sha256:xyz'", manifestsOf + "sha256:xyz", string(image.Manifest), ociManifest},
			"a layer that is missing": {404, "BLOB_UPLOAD_UNKNOWN", "Layers with digests '[" + absent + "]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist",
				manifestsOf + "v1", string(lacking.Manifest), ociManifest},
			"an image that is missing": {400, "MANIFEST_BLOB_UNKNOWN", "Images with digests '[" + lacking.Digest() + "]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist",
				manifestsOf + "v1", string(orphan.Manifest), ociIndex},
			"a subject with a platform, of buildkit's": {405, "UNSUPPORTED", invalidSyntax, manifestsOf + "v1", platformOfSubject, ociManifest},
			"os.features of a child":                   {405, "UNSUPPORTED", invalidSyntax, manifestsOf + "all", osFeatures, ociIndex},
			"an index of layers, buildkit's old cache": {400, "MANIFEST_BLOB_UNKNOWN", "Images with digests '[" + digestOf([]byte("layer")) + "]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist",
				manifestsOf + "cache", ofLayers, ociIndex},
			"no repository": {404, "NAME_UNKNOWN", "The repository with name 'team/none' does not exist in the registry with id '123456789012'",
				"/v2/team/none/manifests/v1", string(image.Manifest), ociManifest},
			"too large": {413, "SIZE_INVALID", "The manifest has more than 4194304 bytes", manifestsOf + "v1", strings.Repeat(" ", 4194305), ociManifest},
		} {
			t.Run(name, func(t *testing.T) {
				e.requireRefused(t, c.status, c.code, c.message, "PUT", c.path, c.body, "Content-Type", c.mediaType)
			})
		}
		require.Empty(t, imageDetails(t, e.registry, app))
	})
}

func TestRegistryTagsAreImmutable(t *testing.T) {
	const taken = "The image tag 'v1' already exists in the 'team/app' repository and cannot be overwritten because the tag is immutable."
	for _, options := range [][]fakeecr.Option{nil, {fakeecr.WithSpecRegistry()}} {
		onAllEndpoints(t, func(t *testing.T, e *endpoint) {
			create(t, e.registry, app, func(in *ecr.CreateRepositoryInput) { in.ImageTagMutability = types.ImageTagMutabilityImmutable })
			image, other := e.stored(t, "{}", "layer"), e.stored(t, "{ }", "other")
			require.Equal(t, 201, e.put(t, "v1", image).status)
			e.requireRefused(t, 400, "TAG_INVALID", taken, "PUT", manifestsOf+"v1", string(other.Manifest), "Content-Type", ociManifest)
			// Unlike the API the endpoint refuses the image that has the tag.
			e.requireRefused(t, 400, "TAG_INVALID", taken, "PUT", manifestsOf+"v1", string(image.Manifest), "Content-Type", ociManifest)
			require.Equal(t, 201, e.put(t, image.Digest(), image).status)
			_, err := direct(e.registry).putImage(t, app, image, "v1")
			requireError[*types.ImageAlreadyExistsException](t, err, "Image with digest '"+image.Digest()+"' and tag 'v1' already exists in the repository with name 'team/app' in registry with id '123456789012'")
		}, options...)
	}
}

func TestRegistryQuotas(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		e.registry.MustPush(app+":v1", fakeecr.RandomImage(1, 10))
		image := e.stored(t, "{}", "layer")
		e.requireRefused(t, 403, "DENIED", fullOfImages(app, 1), "PUT", manifestsOf+"v2", string(image.Manifest), "Content-Type", ociManifest)
	}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 1))
}

func TestRegistryDeleteManifest(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		index := fakeecr.RandomIndex(1, "linux/amd64")
		e.registry.MustPush(app+":all", index)
		image := fakeecr.RandomImage(2, 10)
		e.registry.MustPush(app+":v1", image)
		_, err := direct(e.registry).putImage(t, app, image, "v2")
		require.NoError(t, err)

		deletes := func(reference string) {
			t.Helper()
			require.Equal(t, reply{202, http.Header{"Content-Length": {"0"}, "Docker-Distribution-Api-Version": {"registry/2.0"}}, ""},
				undated(e.do(t, "DELETE", manifestsOf+reference, "")))
		}
		deletes("v1")
		require.Equal(t, []string{"v2"}, imageDetails(t, e.registry, app)[image.Digest()].ImageTags)
		deletes("v2") // and the image, which has no other
		e.requireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, "DELETE", manifestsOf+image.Digest(), "")
		e.requireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, "DELETE", manifestsOf+"v2", "")
		child := index.Images[0].Digest()
		e.requireRefused(t, 405, "UNSUPPORTED", "Requested image referenced by manifest list: ["+index.Digest()+"]", "DELETE", manifestsOf+child, "")
		deletes(index.Digest())
		deletes(child)
		require.Empty(t, imageDetails(t, e.registry, app))
	})
}

// The specification has less tags than the API, and takes any number of layers.
func TestTagsAndLayersOfTheSpecification(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			onAllEndpoints(t, func(t *testing.T, e *endpoint) {
				create(t, e.registry, app)
				image := e.stored(t, "{}", "layer")
				many := imageOf([]byte("{}"), slices.Repeat([][]byte{[]byte("layer")}, 128)...)
				put := func(reference string) reply { return e.put(t, reference, image) }
				require.Equal(t, 201, put(long(128)).status)
				for _, bad := range []string{"-bad", ".x", long(129)} {
					if mode == "ECR" {
						require.Equal(t, 201, put(bad).status, "the API takes it")
						require.Equal(t, 200, e.do(t, "GET", manifestsOf+bad, "").status)
						continue
					}
					e.requireRefused(t, 400, "MANIFEST_INVALID", "Invalid tag '"+bad+"'", "PUT", manifestsOf+bad, string(image.Manifest), "Content-Type", ociManifest)
					e.requireRefused(t, 400, "MANIFEST_INVALID", "Invalid tag '"+bad+"'", "PUT", manifestsOf+image.Digest()+"?tag=good&tag="+bad, string(image.Manifest), "Content-Type", ociManifest)
					e.requireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, "GET", manifestsOf+"good", "")
					e.requireRefused(t, 400, "TAG_INVALID", "Invalid tag '"+bad+"'", "GET", manifestsOf+bad, "")
					_, err := direct(e.registry).putImage(t, app, image, bad)
					require.NoError(t, err, "the API is ECR's")
					require.Equal(t, 200, e.do(t, "GET", manifestsOf+bad, "").status)
				}
				for _, bad := range []string{long(300), long(301)} {
					for _, method := range []string{"GET", "HEAD", "DELETE"} {
						e.requireRefused(t, 400, "TAG_INVALID", "Invalid tag '"+bad+"'", method, manifestsOf+bad, "")
					}
				}
				got := e.put(t, "many", many)
				if mode == "ECR" {
					require.Equal(t, 405, got.status)
					require.Contains(t, got.body, "Limit on number of layers per image exceeded")
				} else {
					require.Equal(t, 201, got.status, got.body)
				}
			}, m.options...)
		})
	}
}

func TestSpecRegistryManifests(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		image := e.stored(t, "{}", "layer")
		got := e.put(t, "v1", image)
		require.Equal(t, 201, got.status, got.body)
		require.Equal(t, e.origin+manifestsOf+image.Digest(), got.header.Get("Location"))
		require.Equal(t, image.Digest(), e.do(t, "GET", manifestsOf+"v1", "").header.Get("Docker-Content-Digest"))

		// The spec takes images of nothing, members of other schemas, and more tags.
		bare := imageOf([]byte("{}"))
		got = e.put(t, bare.Digest()+"?tag=bare&tag=none", bare)
		require.Equal(t, 201, got.status, got.body)
		require.Equal(t, []string{"bare", "none"}, got.header.Values("OCI-Tag"))
		custom := strings.Replace(string(image.Manifest), "{", `{"org.example.custom":{"a":[1]},`, 1)
		require.Equal(t, 201, e.do(t, "PUT", manifestsOf+"custom", custom, "Content-Type", ociManifest).status)

		// SHA-512 names an image of its own.
		sum := fmt.Sprintf("sha512:%x", sha512.Sum512(image.Manifest))
		got = e.put(t, sum, image)
		require.Equal(t, 201, got.status, got.body)
		require.Equal(t, sum, got.header.Get("Docker-Content-Digest"))
		require.Equal(t, sum, e.do(t, "HEAD", manifestsOf+sum, "").header.Get("Docker-Content-Digest"))
		require.Equal(t, string(image.Manifest), e.do(t, "GET", manifestsOf+sum, "").body)

		// A tag goes and its image stays.
		require.Equal(t, 202, e.do(t, "DELETE", manifestsOf+"v1", "").status)
		require.Equal(t, 404, e.do(t, "GET", manifestsOf+"v1", "").status)
		require.Equal(t, 200, e.do(t, "GET", manifestsOf+image.Digest(), "").status)

		e.requireRefused(t, 400, "MANIFEST_INVALID", invalidSyntax, "PUT", manifestsOf+"v1", "{", "Content-Type", ociManifest)
		e.requireRefused(t, 400, "DIGEST_INVALID", "Invalid digest 'sha256:xyz'", "PUT", manifestsOf+"sha256:xyz", "{}")
		e.requireRefused(t, 400, "NAME_INVALID", "Invalid repository name 'Team/app'", "GET", "/v2/Team/app/manifests/v1", "")
		e.requireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'team/none' does not exist in the registry with id '123456789012'", "PUT", "/v2/team/none/manifests/v1", string(image.Manifest))
		absent := digestOf([]byte("absent"))
		e.requireRefused(t, 400, "MANIFEST_BLOB_UNKNOWN", "Layers with digests '["+absent+"]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist",
			"PUT", manifestsOf+"v1", string(imageOf([]byte("{}"), []byte("absent")).Manifest), "Content-Type", ociManifest)

		// The API stays ECR's.
		_, err := e.registry.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(app), ImageManifest: aws.String(string(imageOf([]byte("layer")).Manifest))})
		requireError[*types.InvalidParameterException](t, err, invalidSyntax)
	}, fakeecr.WithSpecRegistry())
}
