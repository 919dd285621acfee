package fakeecr_test

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// Images with layers of some size go in by go-containerregistry and come out by the
// API, and the other way round, byte for byte.
func TestContainerRegistryLayers(t *testing.T) {
	const size = 6 << 20 // of a layer that is pushed by the API; a client compresses its own, which takes long
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			withCrane(t, func(t *testing.T, c crane) {
				create(t, c.registry, app)
				image, err := random.Image(1<<20, 4)
				require.NoError(t, err)
				require.NoError(t, remote.Write(c.ref(t, app+":crane"), image, append(c.options, remote.WithJobs(4))...))
				got, err := remote.Image(c.ref(t, app+":crane"), c.options...)
				require.NoError(t, err)
				require.NoError(t, validate.Image(got))
				f := direct(c.registry)
				layers, err := image.Layers()
				require.NoError(t, err)
				for _, layer := range layers {
					digest, err := layer.Digest()
					require.NoError(t, err)
					fetched := socketless(c.registry).fetch(t, "GET", socketless(c.registry).downloadURL(t, digest.String()))
					require.Equal(t, digest.String(), digestOf([]byte(fetched.body)))
				}

				pushed := fakeecr.RandomImage(7, size, 100)
				f.registry.MustPush(app+":api", pushed)
				requireSameLayers(t, c, app+":api", pushed)
			}, m.options...)
		})
	}
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
