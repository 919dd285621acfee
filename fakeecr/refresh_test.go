package fakeecr_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

func TestRefresh(t *testing.T) {
	pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, _ *switched) {
		before, after := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		asked := func() int { return hub.Trace().Count("BatchGetImage") }
		hub.MustPush("nginx:1", before)
		requirePulled(t, f, "hub/nginx", tagged("1"), before)
		hub.MustPush("nginx:1", after)

		f.registry.Advance(23 * time.Hour)
		requirePulled(t, f, "hub/nginx", tagged("1"), before)
		require.Equal(t, 1, asked())
		f.registry.Advance(time.Hour)
		requirePulled(t, f, "hub/nginx", tagged("1"), after)
		require.Equal(t, 2, asked())
		images := imageDetails(t, f, "hub/nginx")
		require.Equal(t, []string{"1"}, images[after.Digest()].ImageTags)
		require.Empty(t, images[before.Digest()].ImageTags)

		// A check that finds nothing new counts as well.
		f.registry.Advance(24 * time.Hour)
		requirePulled(t, f, "hub/nginx", tagged("1"), after)
		requirePulled(t, f, "hub/nginx", tagged("1"), after)
		require.Equal(t, 3, asked())
		require.Equal(t, []string{"1"}, imageDetails(t, f, "hub/nginx")[after.Digest()].ImageTags)
		// So does one that finds the tag gone, which is served from the cache.
		_, err := hub.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String("nginx"), ImageIds: tagged("1")})
		require.NoError(t, err)
		f.registry.Advance(24 * time.Hour)
		requirePulled(t, f, "hub/nginx", tagged("1"), after)
		requirePulled(t, f, "hub/nginx", tagged("1"), after)
		require.Equal(t, 4, asked())
		// A digest means the same for ever.
		f.registry.Advance(24 * time.Hour)
		requirePulled(t, f, "hub/nginx", digested(before.Digest()), before)
		require.Equal(t, 4, asked())
		both := []types.ImageIdentifier{{ImageTag: aws.String("1"), ImageDigest: aws.String(after.Digest())}}
		requirePulled(t, f, "hub/nginx", both, after)
		require.Equal(t, 4, asked())
	})
}

func TestNoRefreshOf(t *testing.T) {
	for name, settle := range map[string]func(t *testing.T, f face, image fakeecr.Image) fakeecr.Image{
		"an immutable tag": func(t *testing.T, f face, image fakeecr.Image) fakeecr.Image {
			template := forEverything("hub")
			template.ImageTagMutability = types.ImageTagMutabilityImmutable
			_, err := f.CreateRepositoryCreationTemplate(t.Context(), template)
			require.NoError(t, err)
			requirePulled(t, f, "hub/nginx", tagged("1"), image)
			return image
		},
		"a tag that was pushed": func(t *testing.T, f face, _ fakeecr.Image) fakeecr.Image {
			ours := fakeecr.RandomImage(3, 100)
			create(t, f, "hub/nginx")
			require.NoError(t, pushThrough(t.Context(), f, "hub/nginx", "1", ours))
			return ours
		},
		"a cached tag that was pushed over": func(t *testing.T, f face, image fakeecr.Image) fakeecr.Image {
			requirePulled(t, f, "hub/nginx", tagged("1"), image)
			ours := fakeecr.RandomImage(3, 100)
			require.NoError(t, pushThrough(t.Context(), f, "hub/nginx", "1", ours))
			return ours
		},
	} {
		t.Run(name, func(t *testing.T) {
			pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, _ *switched) {
				image := fakeecr.RandomImage(1, 100)
				hub.MustPush("nginx:1", image)
				stays := settle(t, f, image)
				hub.MustPush("nginx:1", fakeecr.RandomImage(2, 100))
				asked := len(hub.Trace())
				f.registry.Advance(48 * time.Hour)
				requirePulled(t, f, "hub/nginx", tagged("1"), stays)
				require.Len(t, hub.Trace(), asked)
			})
		})
	}
}
