package clients

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	cr "github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// crane is go-containerregistry at the registry endpoint of a world.
type crane struct {
	wire
	options []remote.Option
}

func (c crane) ref(t *testing.T, reference string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(c.host + "/" + reference)
	require.NoError(t, err)
	return ref
}

// withCrane runs a test with go-containerregistry on all wires.
func withCrane(t *testing.T, test func(t *testing.T, c crane), options ...fakeecr.Option) {
	t.Helper()
	onAllWires(t, func(t *testing.T, w wire) {
		auth := &authn.Basic{Username: "AWS", Password: w.password}
		test(t, crane{w, []remote.Option{remote.WithContext(t.Context()), remote.WithAuth(auth), remote.WithTransport(w.way)}})
	}, options...)
}

func TestContainerRegistry(t *testing.T) {
	for _, options := range modes {
		withCrane(t, func(t *testing.T, c crane) {
			create(t, c.registry, app)
			index, err := random.Index(1000, 2, 2)
			require.NoError(t, err)
			require.NoError(t, remote.WriteIndex(c.ref(t, app+":all"), index, c.options...))
			digest, err := index.Digest()
			require.NoError(t, err)

			head, err := remote.Head(c.ref(t, app+":all"), c.options...)
			require.NoError(t, err)
			require.Equal(t, digest, head.Digest)
			require.Equal(t, cr.OCIImageIndex, head.MediaType)
			got, err := remote.Index(c.ref(t, app+"@"+digest.String()), c.options...)
			require.NoError(t, err)
			want, err := index.RawManifest()
			require.NoError(t, err)
			text, err := got.RawManifest()
			require.NoError(t, err)
			require.Equal(t, string(want), string(text))

			// What was pushed here, the API describes; and the other way round.
			details := imageDetails(t, c.registry, app)
			require.Len(t, details, 3)
			require.Equal(t, []string{"all"}, details[digest.String()].ImageTags)
			pushed := fakeecr.RandomImage(7, 3000)
			c.registry.MustPush(app+":v1", pushed)
			image, err := remote.Image(c.ref(t, app+":v1"), c.options...)
			require.NoError(t, err)
			layers, err := image.Layers()
			require.NoError(t, err)
			layer, err := partial.ConfigLayer(image)
			require.NoError(t, err)
			for _, l := range append(layers, layer) {
				content, err := l.Compressed()
				require.NoError(t, err)
				require.NoError(t, content.Close())
			}

			// A manifest that is there is tagged by a second put.
			require.NoError(t, remote.Tag(c.ref(t, app+":v2").(name.Tag), image, c.options...))
			tags, err := remote.List(c.ref(t, app).Context(), c.options...)
			require.NoError(t, err)
			require.ElementsMatch(t, []string{"all", "v1", "v2"}, tags)
			create(t, c.registry, "other")
			registry, err := name.NewRegistry(c.host)
			require.NoError(t, err)
			names, err := remote.Catalog(t.Context(), registry, c.options...)
			require.NoError(t, err)
			require.Equal(t, []string{"other", app}, names)

			require.NoError(t, remote.Delete(c.ref(t, app+":v2"), c.options...))
			require.NoError(t, remote.Delete(c.ref(t, app+"@"+digest.String()), c.options...))
			tags, err = remote.List(c.ref(t, app).Context(), c.options...)
			require.NoError(t, err)
			require.Equal(t, []string{"v1"}, tags)
			_, err = remote.Get(c.ref(t, app+":all"), c.options...)
			requireRegistryError(t, err, 404, transport.ManifestUnknownErrorCode, "Requested image not found")
		}, options...)
	}
}

func TestContainerRegistryPages(t *testing.T) {
	for _, options := range modes {
		withCrane(t, func(t *testing.T, c crane) {
			var tags []string
			for _, tag := range []string{"a", "b", "c", "d", "e"} {
				tags = append(tags, tag)
				c.registry.MustPush(app+":"+tag, fakeecr.RandomImage(uint64(tag[0]), 10))
			}
			got, err := remote.List(c.ref(t, app).Context(), append(c.options, remote.WithPageSize(2))...)
			require.NoError(t, err)
			require.ElementsMatch(t, tags, got)
			require.Equal(t, 3, c.registry.Trace().Where(scenarios.Through(scenarios.FaceRegistry)).Count("ListImages"))
		}, options...)
	}
}

func TestContainerRegistryReferrers(t *testing.T) {
	withCrane(t, func(t *testing.T, c crane) {
		image := fakeecr.RandomImage(7, 10)
		digest := c.registry.MustPush(app+":v1", image)
		subject, err := remote.Head(c.ref(t, app+":v1"), c.options...)
		require.NoError(t, err)
		bom, err := random.Image(100, 1)
		require.NoError(t, err)
		bom = mutate.ConfigMediaType(mutate.MediaType(bom, cr.OCIManifestSchema1), "application/spdx+json")
		about := mutate.Subject(bom, *subject).(v1.Image)
		named, err := about.Digest()
		require.NoError(t, err)
		require.NoError(t, remote.Write(c.ref(t, app+"@"+named.String()), about, c.options...))

		found, err := remote.Referrers(c.ref(t, app+"@"+digest).(name.Digest), append(c.options, remote.WithFilter("artifactType", "application/spdx+json"))...)
		require.NoError(t, err)
		listed, err := found.IndexManifest()
		require.NoError(t, err)
		require.Len(t, listed.Manifests, 1)
		require.Equal(t, named, listed.Manifests[0].Digest)
		tags, err := remote.List(c.ref(t, app).Context(), c.options...)
		require.NoError(t, err)
		require.Equal(t, []string{"v1"}, tags, "no tag in the place of referrers")
	})
}

func TestContainerRegistryRefused(t *testing.T) {
	withCrane(t, func(t *testing.T, c crane) {
		image, err := random.Image(100, 1)
		require.NoError(t, err)
		err = remote.Write(c.ref(t, app+":v1"), image, c.options...)
		requireRegistryError(t, err, 404, transport.NameUnknownErrorCode, appNotFound)

		create(t, c.registry, app, immutable)
		require.NoError(t, remote.Write(c.ref(t, app+":v1"), image, c.options...))
		other, err := random.Image(100, 1)
		require.NoError(t, err)
		err = remote.Write(c.ref(t, app+":v1"), other, c.options...)
		requireRegistryError(t, err, 400, "TAG_INVALID", tagIsThere)

		err = remote.Write(c.ref(t, app+":bare"), empty.Image, c.options...)
		requireRegistryError(t, err, 405, transport.UnsupportedErrorCode, "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'")

		_, err = remote.Get(c.ref(t, app+":v1"), remote.WithTransport(c.way))
		var refused *transport.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, 401, refused.StatusCode)

		_, err = c.registry.CreateRepositoryCreationTemplate(t.Context(), &ecr.CreateRepositoryCreationTemplateInput{
			Prefix: aws.String("prod"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}, ImageTagMutability: types.ImageTagMutabilityImmutable,
		})
		require.NoError(t, err)
		require.NoError(t, remote.Write(c.ref(t, "prod/app:v1"), image, c.options...))
		made, err := c.registry.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"prod/app"}})
		require.NoError(t, err)
		require.Equal(t, types.ImageTagMutabilityImmutable, made.Repositories[0].ImageTagMutability)
	})
}

// requireRegistryError holds what go-containerregistry reads of a refusal.
func requireRegistryError(t *testing.T, err error, status int, code transport.ErrorCode, message string) {
	t.Helper()
	var refused *transport.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, status, refused.StatusCode)
	require.Len(t, refused.Errors, 1)
	require.Equal(t, code, refused.Errors[0].Code)
	require.Equal(t, message, refused.Errors[0].Message)
}

// Images with layers of some size go in by go-containerregistry and come out by the
// API, and the other way round, byte for byte.
func TestContainerRegistryLayers(t *testing.T) {
	const size = 6 << 20 // of a layer that is pushed by the API; a client compresses its own, which takes long
	for mode, options := range modes {
		t.Run(mode, func(t *testing.T) {
			withCrane(t, func(t *testing.T, c crane) {
				create(t, c.registry, app)
				image, err := random.Image(1<<20, 4)
				require.NoError(t, err)
				require.NoError(t, remote.Write(c.ref(t, app+":crane"), image, append(c.options, remote.WithJobs(4))...))
				got, err := remote.Image(c.ref(t, app+":crane"), c.options...)
				require.NoError(t, err)
				require.NoError(t, validate.Image(got))
				layers, err := image.Layers()
				require.NoError(t, err)
				for _, layer := range layers {
					digest, err := layer.Digest()
					require.NoError(t, err)
					require.Equal(t, digest.String(), digestOf(download(t, c.registry, digest.String())))
				}

				pushed := fakeecr.RandomImage(7, size, 100)
				c.registry.MustPush(app+":api", pushed)
				requireSameLayers(t, c, app+":api", pushed)
			}, options...)
		})
	}
}

// download is the bytes of a layer, as the API's callers get them.
func download(t *testing.T, registry *fakeecr.Registry, layer string) []byte {
	t.Helper()
	at, err := registry.Client().GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String(app), LayerDigest: &layer})
	require.NoError(t, err)
	response, err := (&http.Client{Transport: registry.Transport()}).Get(*at.DownloadUrl)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return content
}

// requireSameLayers holds that a client pulls an image whole. It checks the digests of
// what it reads.
func requireSameLayers(t *testing.T, c crane, reference string, want fakeecr.Image) {
	t.Helper()
	image, err := remote.Image(c.ref(t, reference), c.options...)
	require.NoError(t, err)
	config, err := image.RawConfigFile()
	require.NoError(t, err)
	blobs := [][]byte{}
	layers, err := image.Layers()
	require.NoError(t, err)
	for _, layer := range layers {
		content, err := layer.Compressed()
		require.NoError(t, err)
		blob, err := io.ReadAll(content)
		require.NoError(t, err)
		require.NoError(t, content.Close())
		blobs = append(blobs, blob)
	}
	require.True(t, slices.EqualFunc(want.Blobs, append(blobs, config), bytes.Equal))
}

// A copy within a registry uploads nothing but what cannot be mounted.
func TestContainerRegistryMounts(t *testing.T) {
	withCrane(t, func(t *testing.T, c crane) {
		_, err := c.registry.PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("ENABLED")})
		require.NoError(t, err)
		pushed := fakeecr.RandomImage(1, 1000, 2000)
		c.registry.MustPush("base:v1", pushed)
		create(t, c.registry, app)
		image, err := remote.Image(c.ref(t, "base:v1"), c.options...)
		require.NoError(t, err)
		require.NoError(t, remote.Write(c.ref(t, app+":v1"), image, c.options...))
		requireSameLayers(t, c, app+":v1", pushed)
		trace := c.registry.Trace().Where(scenarios.Repository(app))
		mounts := trace.For(scenarios.MountLayer)
		require.NotEmpty(t, mounts)
		require.Empty(t, mounts.Where(scenarios.Failed()))
		require.Equal(t, 3, len(mounts)+trace.Count("CompleteLayerUpload"))
	})
}
