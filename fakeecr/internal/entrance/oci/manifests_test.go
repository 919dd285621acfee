package oci_test

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
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

const (
	notFoundHere  = "Requested image not found"
	invalidSyntax = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'"
)

// stored is an image whose blobs alone are in the repository.
func stored(t *testing.T, e *faces.Endpoint, blobs ...string) fakeecr.Image {
	t.Helper()
	content := make([][]byte, len(blobs))
	for i := range blobs {
		content[i] = []byte(blobs[i])
	}
	image := faces.ImageOf(content[0], content[1:]...)
	faces.Direct(e.Registry).PushBlobs(t, image)
	return image
}

// putManifest puts a manifest under its media type.
func putManifest(t *testing.T, e *faces.Endpoint, reference string, image fakeecr.Image) faces.Reply {
	t.Helper()
	return e.Do(t, "PUT", faces.ManifestsOf+reference, string(image.Manifest), "Content-Type", image.MediaType)
}

func TestRegistryGetManifest(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		image := fakeecr.RandomImage(1, 10)
		e.Registry.MustPush(faces.App+":v1", image)
		want := http.Header{
			"Content-Length":                  {fmt.Sprint(len(image.Manifest))},
			"Content-Type":                    {image.MediaType},
			"Docker-Distribution-Api-Version": {"registry/2.0"},
		}
		for _, reference := range []string{"v1", image.Digest()} {
			require.Equal(t, faces.Reply{Status: 200, Header: want, Body: string(image.Manifest)}, undated(e.Do(t, "GET", faces.ManifestsOf+reference, "")))
			head := want.Clone()
			head.Set("Docker-Content-Digest", image.Digest())
			require.Equal(t, faces.Reply{Status: 200, Header: head, Body: ""}, undated(e.Do(t, "HEAD", faces.ManifestsOf+reference, "")))
		}

		e.Do(t, "GET", faces.ManifestsOf+"v1", "", "Accept", faces.OCIIndex+", "+faces.OCIManifest+";q=0.5, */*")
		trace := e.Registry.Trace()
		require.Equal(t, []string{faces.OCIIndex, faces.OCIManifest}, trace[len(trace)-1].Input.(*ecr.BatchGetImageInput).AcceptedMediaTypes)
		details := faces.ImageDetails(t, e.Registry, faces.App)[image.Digest()]
		require.NotNil(t, details.LastRecordedPullTime)
	})
}

func TestRegistryGetManifestRefused(t *testing.T) {
	absent := faces.DigestOf([]byte("absent"))
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		image := fakeecr.RandomImage(1, 10)
		e.Registry.MustPush(faces.App+":v1", image)
		for _, method := range []string{"GET", "HEAD"} {
			e.RequireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, method, faces.ManifestsOf+"v2", "")
			e.RequireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, method, faces.ManifestsOf+absent, "")
			e.RequireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'team/none' does not exist in the registry with id '123456789012'",
				method, "/v2/team/none/manifests/v1", "")
			e.RequireRefused(t, 400, "TAG_INVALID", "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9-_.]+'", method, faces.ManifestsOf+"v1+2", "")
			e.RequireRefused(t, 400, "DIGEST_INVALID", "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'", method, faces.ManifestsOf+"sha256:xyz", "")
		}
		faces.UpdateStorage(t, e.Registry, image.Digest(), types.TargetStorageClassArchive)
		e.RequireRefused(t, 404, "UNKNOWN", "The requested image is in an inaccessible state. Please restore if needed", "GET", faces.ManifestsOf+"v1", "")
	})
}

func TestRegistryPutManifest(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		image := stored(t, e, "{}", "layer")
		want := http.Header{
			"Content-Length":                  {"0"},
			"Docker-Content-Digest":           {image.Digest()},
			"Docker-Distribution-Api-Version": {"registry/2.0"},
		}
		// Once more is as good.
		for _, reference := range []string{"v1", "v1", image.Digest(), image.Digest() + "?tag=v2"} {
			require.Equal(t, faces.Reply{Status: 201, Header: want, Body: ""}, undated(putManifest(t, e, reference, image)), reference)
		}
		details := faces.ImageDetails(t, e.Registry, faces.App)
		require.Equal(t, []string{"v1"}, details[image.Digest()].ImageTags)
		require.Equal(t, image.MediaType, *details[image.Digest()].ImageManifestMediaType)

		// The header gives the type that the document lacks.
		helm := strings.Replace(string(image.Manifest), `"mediaType":"`+faces.OCIManifest+`",`, "", 1)
		require.NotEqual(t, string(image.Manifest), helm)
		e.RequireRefused(t, 405, "UNSUPPORTED", invalidSyntax, "PUT", faces.ManifestsOf+"helm", helm)
		got := e.Do(t, "PUT", faces.ManifestsOf+"helm", helm, "Content-Type", faces.OCIManifest+"; charset=utf-8")
		require.Equal(t, 201, got.Status, got.Body)
		require.Equal(t, faces.OCIManifest, e.Do(t, "HEAD", faces.ManifestsOf+"helm", "").Header.Get("Content-Type"))

		// The digest of the subject is told, also of one that is not there.
		referrer := fakeecr.Referrer(fakeecr.RandomImage(9, 10), "application/spdx+json", []byte("layer"))
		got = putManifest(t, e, referrer.Digest(), referrer)
		require.Equal(t, 201, got.Status, got.Body)
		require.Equal(t, []string{fakeecr.RandomImage(9, 10).Digest()}, got.Header.Values("OCI-Subject"))

		index := faces.IndexOf(image)
		require.Equal(t, 201, putManifest(t, e, "all", index).Status)
		require.Equal(t, string(index.Manifest), e.Do(t, "GET", faces.ManifestsOf+"all", "").Body)
	})
}

func TestRegistryPutManifestRefused(t *testing.T) {
	absent := faces.DigestOf([]byte("absent"))
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		image := stored(t, e, "{}", "layer")
		lacking := faces.ImageOf([]byte("{}"), []byte("absent"))
		orphan := faces.IndexOf(lacking)
		platformOfSubject := strings.Replace(string(fakeecr.Referrer(image, "application/spdx+json", []byte("layer")).Manifest),
			`"digest":"`+image.Digest()+`"`, `"digest":"`+image.Digest()+`","platform":{"architecture":"amd64","os":"linux"}`, 1)
		osFeatures := strings.Replace(string(faces.IndexOf(image).Manifest), `"digest":`, `"platform":{"architecture":"amd64","os":"windows","os.features":["win32k"]},"digest":`, 1)
		ofLayers := strings.NewReplacer(image.Digest(), faces.DigestOf([]byte("layer")), faces.OCIManifest, "application/vnd.oci.image.layer.v1.tar+gzip").Replace(string(faces.IndexOf(image).Manifest))
		for name, c := range map[string]struct {
			status              int
			code, message, path string
			body, mediaType     string
		}{
			"no JSON":              {405, "UNSUPPORTED", invalidSyntax, faces.ManifestsOf + "v1", `{"schemaVersion"`, faces.OCIManifest},
			"no layers":            {405, "UNSUPPORTED", invalidSyntax, faces.ManifestsOf + "v1", string(faces.ImageOf([]byte("{}")).Manifest), faces.OCIManifest},
			"no type of manifests": {405, "UNSUPPORTED", invalidSyntax, faces.ManifestsOf + "v1", string(image.Manifest), "application/json"},
			"nothing": {405, "UNSUPPORTED", "Invalid parameter at 'imageManifest' failed to satisfy constraint: 'Member must have length greater than or equal to 1'",
				faces.ManifestsOf + "v1", "", faces.OCIManifest},
			"a tag that is none": {405, "UNSUPPORTED", "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression '[a-zA-Z0-9-_.]+''",
				faces.ManifestsOf + "v1+2", string(image.Manifest), faces.OCIManifest},
			"another digest": {400, "MANIFEST_INVALID", "The image with digest '" + absent + "' in repository 'team/app' and registry ID '123456789012' does not match the image digest that Amazon ECR has calculated.",
				faces.ManifestsOf + absent, string(image.Manifest), faces.OCIManifest},
			"no digest": {400, "DIGEST_INVALID", "Invalid digest 'sha256:xyz'", faces.ManifestsOf + "sha256:xyz", string(image.Manifest), faces.OCIManifest},
			"a layer that is missing": {404, "BLOB_UPLOAD_UNKNOWN", "Layers with digests '[" + absent + "]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist",
				faces.ManifestsOf + "v1", string(lacking.Manifest), faces.OCIManifest},
			"an image that is missing": {400, "MANIFEST_BLOB_UNKNOWN", "Images with digests '[" + lacking.Digest() + "]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist",
				faces.ManifestsOf + "v1", string(orphan.Manifest), faces.OCIIndex},
			"a subject with a platform, of buildkit's": {405, "UNSUPPORTED", invalidSyntax, faces.ManifestsOf + "v1", platformOfSubject, faces.OCIManifest},
			"os.features of a child":                   {405, "UNSUPPORTED", invalidSyntax, faces.ManifestsOf + "all", osFeatures, faces.OCIIndex},
			"an index of layers, buildkit's old cache": {400, "MANIFEST_BLOB_UNKNOWN", "Images with digests '[" + faces.DigestOf([]byte("layer")) + "]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist",
				faces.ManifestsOf + "cache", ofLayers, faces.OCIIndex},
			"no repository": {404, "NAME_UNKNOWN", "The repository with name 'team/none' does not exist in the registry with id '123456789012'",
				"/v2/team/none/manifests/v1", string(image.Manifest), faces.OCIManifest},
			"too large": {413, "SIZE_INVALID", "The manifest has more than 4194304 bytes", faces.ManifestsOf + "v1", strings.Repeat(" ", 4194305), faces.OCIManifest},
		} {
			t.Run(name, func(t *testing.T) {
				e.RequireRefused(t, c.status, c.code, c.message, "PUT", c.path, c.body, "Content-Type", c.mediaType)
			})
		}
		require.Empty(t, faces.ImageDetails(t, e.Registry, faces.App))
	})
}

func TestRegistryTagsAreImmutable(t *testing.T) {
	const taken = "The image tag 'v1' already exists in the 'team/app' repository and cannot be overwritten because the tag is immutable."
	for _, options := range [][]fakeecr.Option{nil, {fakeecr.WithSpecRegistry()}} {
		faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
			faces.Create(t, e.Registry, faces.App, func(in *ecr.CreateRepositoryInput) { in.ImageTagMutability = types.ImageTagMutabilityImmutable })
			image, other := stored(t, e, "{}", "layer"), stored(t, e, "{ }", "other")
			require.Equal(t, 201, putManifest(t, e, "v1", image).Status)
			e.RequireRefused(t, 400, "TAG_INVALID", taken, "PUT", faces.ManifestsOf+"v1", string(other.Manifest), "Content-Type", faces.OCIManifest)
			// Unlike the API the endpoint refuses the image that has the tag.
			e.RequireRefused(t, 400, "TAG_INVALID", taken, "PUT", faces.ManifestsOf+"v1", string(image.Manifest), "Content-Type", faces.OCIManifest)
			require.Equal(t, 201, putManifest(t, e, image.Digest(), image).Status)
			_, err := faces.Direct(e.Registry).Put(t, faces.App, image, "v1")
			faces.RequireError[*types.ImageAlreadyExistsException](t, err, "Image with digest '"+image.Digest()+"' and tag 'v1' already exists in the repository with name 'team/app' in registry with id '123456789012'")
		}, options...)
	}
}

func TestRegistryQuotas(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		e.Registry.MustPush(faces.App+":v1", fakeecr.RandomImage(1, 10))
		image := stored(t, e, "{}", "layer")
		e.RequireRefused(t, 403, "DENIED", faces.FullOfImages(faces.App, 1), "PUT", faces.ManifestsOf+"v2", string(image.Manifest), "Content-Type", faces.OCIManifest)
	}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 1))
}

func TestRegistryDeleteManifest(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		index := fakeecr.RandomIndex(1, "linux/amd64")
		e.Registry.MustPush(faces.App+":all", index)
		image := fakeecr.RandomImage(2, 10)
		e.Registry.MustPush(faces.App+":v1", image)
		_, err := faces.Direct(e.Registry).Put(t, faces.App, image, "v2")
		require.NoError(t, err)

		deletes := func(reference string) {
			t.Helper()
			require.Equal(t, faces.Reply{Status: 202, Header: http.Header{"Content-Length": {"0"}, "Docker-Distribution-Api-Version": {"registry/2.0"}}, Body: ""},
				undated(e.Do(t, "DELETE", faces.ManifestsOf+reference, "")))
		}
		deletes("v1")
		require.Equal(t, []string{"v2"}, faces.ImageDetails(t, e.Registry, faces.App)[image.Digest()].ImageTags)
		deletes("v2") // and the image, which has no other
		e.RequireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, "DELETE", faces.ManifestsOf+image.Digest(), "")
		e.RequireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, "DELETE", faces.ManifestsOf+"v2", "")
		child := index.Images[0].Digest()
		e.RequireRefused(t, 405, "UNSUPPORTED", "Requested image referenced by manifest list: ["+index.Digest()+"]", "DELETE", faces.ManifestsOf+child, "")
		deletes(index.Digest())
		deletes(child)
		require.Empty(t, faces.ImageDetails(t, e.Registry, faces.App))
	})
}

// The specification has less tags than the API, and takes any number of layers.
func TestTagsAndLayersOfTheSpecification(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
				faces.Create(t, e.Registry, faces.App)
				image := stored(t, e, "{}", "layer")
				many := faces.ImageOf([]byte("{}"), slices.Repeat([][]byte{[]byte("layer")}, 128)...)
				put := func(reference string) faces.Reply { return putManifest(t, e, reference, image) }
				require.Equal(t, 201, put(long(128)).Status)
				for _, bad := range []string{"-bad", ".x", long(129)} {
					if mode == "ECR" {
						require.Equal(t, 201, put(bad).Status, "the API takes it")
						require.Equal(t, 200, e.Do(t, "GET", faces.ManifestsOf+bad, "").Status)
						continue
					}
					e.RequireRefused(t, 400, "MANIFEST_INVALID", "Invalid tag '"+bad+"'", "PUT", faces.ManifestsOf+bad, string(image.Manifest), "Content-Type", faces.OCIManifest)
					e.RequireRefused(t, 400, "MANIFEST_INVALID", "Invalid tag '"+bad+"'", "PUT", faces.ManifestsOf+image.Digest()+"?tag=good&tag="+bad, string(image.Manifest), "Content-Type", faces.OCIManifest)
					e.RequireRefused(t, 404, "MANIFEST_UNKNOWN", notFoundHere, "GET", faces.ManifestsOf+"good", "")
					e.RequireRefused(t, 400, "TAG_INVALID", "Invalid tag '"+bad+"'", "GET", faces.ManifestsOf+bad, "")
					_, err := faces.Direct(e.Registry).Put(t, faces.App, image, bad)
					require.NoError(t, err, "the API is ECR's")
					require.Equal(t, 200, e.Do(t, "GET", faces.ManifestsOf+bad, "").Status)
				}
				for _, bad := range []string{long(300), long(301)} {
					for _, method := range []string{"GET", "HEAD", "DELETE"} {
						e.RequireRefused(t, 400, "TAG_INVALID", "Invalid tag '"+bad+"'", method, faces.ManifestsOf+bad, "")
					}
				}
				got := putManifest(t, e, "many", many)
				if mode == "ECR" {
					require.Equal(t, 405, got.Status)
					require.Contains(t, got.Body, "Limit on number of layers per image exceeded")
				} else {
					require.Equal(t, 201, got.Status, got.Body)
				}
			}, m.options...)
		})
	}
}

func TestSpecRegistryManifests(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		image := stored(t, e, "{}", "layer")
		got := putManifest(t, e, "v1", image)
		require.Equal(t, 201, got.Status, got.Body)
		require.Equal(t, e.Origin+faces.ManifestsOf+image.Digest(), got.Header.Get("Location"))
		require.Equal(t, image.Digest(), e.Do(t, "GET", faces.ManifestsOf+"v1", "").Header.Get("Docker-Content-Digest"))

		// The spec takes images of nothing, members of other schemas, and more tags.
		bare := faces.ImageOf([]byte("{}"))
		got = putManifest(t, e, bare.Digest()+"?tag=bare&tag=none", bare)
		require.Equal(t, 201, got.Status, got.Body)
		require.Equal(t, []string{"bare", "none"}, got.Header.Values("OCI-Tag"))
		custom := strings.Replace(string(image.Manifest), "{", `{"org.example.custom":{"a":[1]},`, 1)
		require.Equal(t, 201, e.Do(t, "PUT", faces.ManifestsOf+"custom", custom, "Content-Type", faces.OCIManifest).Status)

		// SHA-512 names an image of its own.
		sum := fmt.Sprintf("sha512:%x", sha512.Sum512(image.Manifest))
		got = putManifest(t, e, sum, image)
		require.Equal(t, 201, got.Status, got.Body)
		require.Equal(t, sum, got.Header.Get("Docker-Content-Digest"))
		require.Equal(t, sum, e.Do(t, "HEAD", faces.ManifestsOf+sum, "").Header.Get("Docker-Content-Digest"))
		require.Equal(t, string(image.Manifest), e.Do(t, "GET", faces.ManifestsOf+sum, "").Body)

		// A tag goes and its image stays.
		require.Equal(t, 202, e.Do(t, "DELETE", faces.ManifestsOf+"v1", "").Status)
		require.Equal(t, 404, e.Do(t, "GET", faces.ManifestsOf+"v1", "").Status)
		require.Equal(t, 200, e.Do(t, "GET", faces.ManifestsOf+image.Digest(), "").Status)

		e.RequireRefused(t, 400, "MANIFEST_INVALID", invalidSyntax, "PUT", faces.ManifestsOf+"v1", "{", "Content-Type", faces.OCIManifest)
		e.RequireRefused(t, 400, "DIGEST_INVALID", "Invalid digest 'sha256:xyz'", "PUT", faces.ManifestsOf+"sha256:xyz", "{}")
		e.RequireRefused(t, 400, "NAME_INVALID", "Invalid repository name 'Team/app'", "GET", "/v2/Team/app/manifests/v1", "")
		e.RequireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'team/none' does not exist in the registry with id '123456789012'", "PUT", "/v2/team/none/manifests/v1", string(image.Manifest))
		absent := faces.DigestOf([]byte("absent"))
		e.RequireRefused(t, 400, "MANIFEST_BLOB_UNKNOWN", "Layers with digests '["+absent+"]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist",
			"PUT", faces.ManifestsOf+"v1", string(faces.ImageOf([]byte("{}"), []byte("absent")).Manifest), "Content-Type", faces.OCIManifest)

		// The API stays ECR's.
		_, err := e.Registry.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(faces.App), ImageManifest: aws.String(string(faces.ImageOf([]byte("layer")).Manifest))})
		faces.RequireError[*types.InvalidParameterException](t, err, invalidSyntax)
	}, fakeecr.WithSpecRegistry())
}
