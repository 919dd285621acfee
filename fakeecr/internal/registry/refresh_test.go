package registry_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func TestRefresh(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		before, after := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		asked := func() int { return hub.Trace().Count("BatchGetImage") }
		hub.MustPush("nginx:1", before)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), before)
		hub.MustPush("nginx:1", after)

		f.Registry.Advance(23 * time.Hour)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), before)
		require.Equal(t, 1, asked())
		f.Registry.Advance(time.Hour)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), after)
		require.Equal(t, 2, asked())
		images := faces.ImageDetails(t, f, "hub/nginx")
		require.Equal(t, []string{"1"}, images[after.Digest()].ImageTags)
		require.Empty(t, images[before.Digest()].ImageTags)

		// A check that finds nothing new counts as well.
		f.Registry.Advance(24 * time.Hour)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), after)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), after)
		require.Equal(t, 3, asked())
		require.Equal(t, []string{"1"}, faces.ImageDetails(t, f, "hub/nginx")[after.Digest()].ImageTags)
		// So does one that finds the tag gone, which is served from the cache.
		_, err := hub.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String("nginx"), ImageIds: faces.Tagged("1")})
		require.NoError(t, err)
		f.Registry.Advance(24 * time.Hour)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), after)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), after)
		require.Equal(t, 4, asked())
		// A digest means the same for ever.
		f.Registry.Advance(24 * time.Hour)
		faces.RequirePulled(t, f, "hub/nginx", faces.Digested(before.Digest()), before)
		require.Equal(t, 4, asked())
		both := []types.ImageIdentifier{{ImageTag: aws.String("1"), ImageDigest: aws.String(after.Digest())}}
		faces.RequirePulled(t, f, "hub/nginx", both, after)
		require.Equal(t, 4, asked())
	})
}

func TestNoRefreshOf(t *testing.T) {
	for name, settle := range map[string]func(t *testing.T, f faces.Face, image fakeecr.Image) fakeecr.Image{
		"an immutable tag": func(t *testing.T, f faces.Face, image fakeecr.Image) fakeecr.Image {
			template := forEverything("hub")
			template.ImageTagMutability = types.ImageTagMutabilityImmutable
			_, err := f.CreateRepositoryCreationTemplate(t.Context(), template)
			require.NoError(t, err)
			faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
			return image
		},
		"a tag that was pushed": func(t *testing.T, f faces.Face, _ fakeecr.Image) fakeecr.Image {
			ours := fakeecr.RandomImage(3, 100)
			faces.Create(t, f, "hub/nginx")
			require.NoError(t, faces.PushThrough(t.Context(), f, "hub/nginx", "1", ours))
			return ours
		},
		"a cached tag that was pushed over": func(t *testing.T, f faces.Face, image fakeecr.Image) fakeecr.Image {
			faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
			ours := fakeecr.RandomImage(3, 100)
			require.NoError(t, faces.PushThrough(t.Context(), f, "hub/nginx", "1", ours))
			return ours
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
				image := fakeecr.RandomImage(1, 100)
				hub.MustPush("nginx:1", image)
				stays := settle(t, f, image)
				hub.MustPush("nginx:1", fakeecr.RandomImage(2, 100))
				asked := len(hub.Trace())
				f.Registry.Advance(48 * time.Hour)
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), stays)
				require.Len(t, hub.Trace(), asked)
			})
		})
	}
}
