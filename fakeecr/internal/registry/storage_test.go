package registry_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// statusOf is the status of an image of App.
func statusOf(t *testing.T, f fakeecr.API, digest string) types.ImageStatus {
	t.Helper()
	return faces.ImageDetails(t, f, "team/app")[digest].ImageStatus
}

// pull is the failure of a pull, or "".
func pull(t *testing.T, f fakeecr.API, id types.ImageIdentifier) (types.ImageFailureCode, string) {
	t.Helper()
	out, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{id}})
	require.NoError(t, err)
	require.Len(t, out.Failures, 1-len(out.Images))
	if len(out.Failures) == 0 {
		return "", ""
	}
	require.Equal(t, id, *out.Failures[0].ImageId)
	return out.Failures[0].FailureCode, *out.Failures[0].FailureReason
}

func availabilityOf(t *testing.T, f fakeecr.API, layer *string) types.LayerAvailability {
	t.Helper()
	out, err := f.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{
		RepositoryName: aws.String("team/app"), LayerDigests: []string{*layer},
	})
	require.NoError(t, err)
	require.Empty(t, out.Failures)
	require.NotNil(t, out.Layers[0].LayerSize)
	return out.Layers[0].LayerAvailability
}

func TestArchiveAndRestore(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		ctx, r, name := t.Context(), f.Registry, aws.String("team/app")
		image := fakeecr.RandomImage(1, 100)
		digest := r.MustPush("team/app:v1", image)
		byTag := types.ImageIdentifier{ImageTag: aws.String("v1")}
		byDigest := types.ImageIdentifier{ImageDigest: &digest}
		layer := &ecr.GetDownloadUrlForLayerInput{RepositoryName: name, LayerDigest: layerOf(image)}
		url, err := f.GetDownloadUrlForLayer(ctx, layer)
		require.NoError(t, err)
		before := faces.ImageDetails(t, f, "team/app")[digest]
		require.Equal(t, types.ImageStatusActive, before.ImageStatus)
		require.Nil(t, before.LastArchivedAt)
		require.Nil(t, before.LastActivatedAt)

		// By a tag, which the answer has too.
		out, err := f.UpdateImageStorageClass(ctx, &ecr.UpdateImageStorageClassInput{
			RepositoryName: name, ImageId: &byTag, TargetStorageClass: types.TargetStorageClassArchive,
		})
		require.NoError(t, err)
		require.Equal(t, types.ImageStatusArchived, out.ImageStatus)
		require.Equal(t, &types.ImageIdentifier{ImageDigest: &digest, ImageTag: aws.String("v1")}, out.ImageId)
		archived := faces.ImageDetails(t, f, "team/app")[digest]
		require.Equal(t, types.ImageStatusArchived, archived.ImageStatus)
		require.WithinDuration(t, r.Now(), *archived.LastArchivedAt, time.Minute)
		require.Nil(t, archived.LastActivatedAt)
		require.Equal(t, before.ImagePushedAt, archived.ImagePushedAt)
		require.Equal(t, before.ImageTags, archived.ImageTags)

		// Nobody can reach it.
		store := http.DefaultClient
		if f.Name != "loopback" {
			store = &http.Client{Transport: r.Transport()}
		}
		requireUnreachable := func() {
			t.Helper()
			for _, id := range []types.ImageIdentifier{byTag, byDigest} {
				code, why := pull(t, f, id)
				require.Equal(t, types.ImageFailureCodeImageInaccessible, code)
				require.Equal(t, "The requested image is in an inaccessible state. Please restore if needed", why)
			}
			require.Nil(t, faces.ImageDetails(t, f, "team/app")[digest].LastRecordedPullTime)
			require.Equal(t, types.LayerAvailabilityArchived, availabilityOf(t, f, layerOf(image)))
			_, err = f.GetDownloadUrlForLayer(ctx, layer)
			faces.RequireError[*types.LayerInaccessibleException](t, err, "The layer with digest '"+*layerOf(image)+
				"' within the repository with name 'team/app' in the registry with id '123456789012' is archived")
			answer, err := store.Get(*url.DownloadUrl)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, http.StatusNotFound, answer.StatusCode)
		}
		requireUnreachable()

		require.Equal(t, types.ImageStatusActivating, faces.UpdateStorage(t, f, digest, types.TargetStorageClassStandard))
		r.Advance(19 * time.Minute)
		restoring := faces.ImageDetails(t, f, "team/app")[digest]
		require.Equal(t, types.ImageStatusActivating, restoring.ImageStatus)
		require.Nil(t, restoring.LastActivatedAt)
		requireUnreachable()

		r.Advance(time.Minute)
		active := faces.ImageDetails(t, f, "team/app")[digest]
		require.Equal(t, types.ImageStatusActive, active.ImageStatus)
		require.WithinDuration(t, r.Now(), *active.LastActivatedAt, time.Minute)
		require.Equal(t, archived.LastArchivedAt, active.LastArchivedAt)
		code, _ := pull(t, f, byTag)
		require.Empty(t, code)
		require.Equal(t, types.LayerAvailabilityAvailable, availabilityOf(t, f, layerOf(image)))
		_, err = f.GetDownloadUrlForLayer(ctx, layer)
		require.NoError(t, err)

		r.Advance(time.Hour)
		faces.UpdateStorage(t, f, digest, types.TargetStorageClassArchive)
		again := faces.ImageDetails(t, f, "team/app")[digest]
		require.WithinDuration(t, r.Now(), *again.LastArchivedAt, time.Minute)
		require.Equal(t, active.LastActivatedAt, again.LastActivatedAt)
	})
}

func TestImageStatusFilters(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		active := f.Registry.MustPush("team/app:active", fakeecr.RandomImage(1, 100))
		archived := f.Registry.MustPush("team/app:archived", fakeecr.RandomImage(2, 100))
		activating := f.Registry.MustPush("team/app", fakeecr.RandomImage(3, 100))
		faces.UpdateStorage(t, f, archived, types.TargetStorageClassArchive)
		faces.UpdateStorage(t, f, activating, types.TargetStorageClassArchive)
		faces.UpdateStorage(t, f, activating, types.TargetStorageClassStandard)
		for name, test := range map[string]struct {
			status types.ImageStatusFilter
			tags   types.TagStatus
			want   []string
		}{
			"default":         {"", "", []string{active}},
			"any":             {types.ImageStatusFilterAny, "", []string{active, archived, activating}},
			"active":          {types.ImageStatusFilterActive, "", []string{active}},
			"archived":        {types.ImageStatusFilterArchived, "", []string{archived}},
			"activating":      {types.ImageStatusFilterActivating, "", []string{activating}},
			"tagged":          {"", types.TagStatusTagged, []string{active}},
			"untagged":        {"", types.TagStatusUntagged, []string{}},
			"archived tagged": {types.ImageStatusFilterArchived, types.TagStatusUntagged, []string{}},
		} {
			listed, err := f.ListImages(t.Context(), &ecr.ListImagesInput{
				RepositoryName: aws.String("team/app"), Filter: &types.ListImagesFilter{ImageStatus: test.status, TagStatus: test.tags},
			})
			require.NoError(t, err)
			digests := []string{}
			for _, id := range listed.ImageIds {
				digests = append(digests, *id.ImageDigest)
			}
			require.ElementsMatch(t, test.want, digests, name)
			described, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{
				RepositoryName: aws.String("team/app"), Filter: &types.DescribeImagesFilter{ImageStatus: test.status, TagStatus: test.tags},
			})
			require.NoError(t, err)
			digests = []string{}
			for _, detail := range described.ImageDetails {
				digests = append(digests, *detail.ImageDigest)
			}
			require.ElementsMatch(t, test.want, digests, name)
		}

		listed, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(faces.App)})
		require.NoError(t, err)
		require.Equal(t, []string{active + "@active"}, faces.Joined(listed.ImageIds), "without a filter")
		described, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App)})
		require.NoError(t, err)
		require.Len(t, described.ImageDetails, 1, "without a filter")

		// An image that is named is shown whatever its status, unless a filter is given too.
		ids := []types.ImageIdentifier{faces.ByTag("archived"), faces.ByDigest(activating), faces.ByTag("active")}
		for status, want := range map[types.ImageStatusFilter][]types.ImageStatus{
			"":                              {types.ImageStatusArchived, types.ImageStatusActivating, types.ImageStatusActive},
			types.ImageStatusFilterAny:      {types.ImageStatusArchived, types.ImageStatusActivating, types.ImageStatusActive},
			types.ImageStatusFilterArchived: {types.ImageStatusArchived},
		} {
			named, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{
				RepositoryName: aws.String(faces.App), ImageIds: ids, Filter: &types.DescribeImagesFilter{ImageStatus: status},
			})
			require.NoError(t, err)
			statuses := []types.ImageStatus{}
			for _, detail := range named.ImageDetails {
				statuses = append(statuses, detail.ImageStatus)
			}
			require.Equal(t, want, statuses, status)
		}
	})
}

// A page of a list is full of what is listed: the archived images in between are
// passed over, and cost no page.
func TestPagesPassOverTheArchive(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		want := []string{}
		for i := range 7 {
			digest := f.Registry.MustPush("team/app", fakeecr.RandomImage(uint64(i), 100))
			if i%2 == 0 {
				faces.UpdateStorage(t, f, digest, types.TargetStorageClassArchive)
			} else {
				want = append(want, digest)
			}
		}
		slices.Sort(want)
		pages := [][]string{want[:2], want[2:]}
		require.Equal(t, pages, paged(t, ecr.NewListImagesPaginator(f, &ecr.ListImagesInput{RepositoryName: aws.String(faces.App), MaxResults: aws.Int32(2)}),
			func(out *ecr.ListImagesOutput) []string { return faces.Joined(out.ImageIds) }))
		require.Equal(t, pages, paged(t, ecr.NewDescribeImagesPaginator(f, &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App), MaxResults: aws.Int32(2)}),
			func(out *ecr.DescribeImagesOutput) (digests []string) {
				for _, detail := range out.ImageDetails {
					digests = append(digests, *detail.ImageDigest)
				}
				return digests
			}))
	})
}

func TestStorageClassUpdateRefused(t *testing.T) {
	subject := fakeecr.RandomImage(1, 100)
	referrer := fakeecr.Referrer(subject, "application/vnd.example.sbom", []byte("sbom"))
	index := fakeecr.RandomIndex(2, "linux/amd64")
	child := index.Images[0].Digest()
	archive, standard := types.TargetStorageClassArchive, types.TargetStorageClassStandard
	message := func(digest string, target types.TargetStorageClass, reason string) string {
		return "The image with imageId {imageDigest:'" + digest + "', imageTag:'null'} in the repository with name 'team/app' in the registry with id '123456789012' " +
			"cannot be updated to storage class " + string(target) + " because " + reason
	}
	for name, test := range map[string]struct {
		before  []types.TargetStorageClass
		digest  string
		target  types.TargetStorageClass
		message string
	}{
		"active to standard":     {nil, subject.Digest(), standard, "its status is ACTIVE"},
		"archived to archive":    {[]types.TargetStorageClass{archive}, subject.Digest(), archive, "its status is ARCHIVED"},
		"activating to standard": {[]types.TargetStorageClass{archive, standard}, subject.Digest(), standard, "its status is ACTIVATING"},
		"activating to archive":  {[]types.TargetStorageClass{archive, standard}, subject.Digest(), archive, "its status is ACTIVATING"},
		"a child to archive":     {nil, child, archive, "it is referenced by manifest list: [" + index.Digest() + "]"},
		"a referrer to archive":  {nil, referrer.Digest(), archive, "it follows its subject with digest '" + subject.Digest() + "'"},
		"a referrer to standard": {nil, referrer.Digest(), standard, "it follows its subject with digest '" + subject.Digest() + "'"},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("team/app:v1", subject)
				f.Registry.MustPush("team/app", referrer)
				f.Registry.MustPush("team/app", index)
				for _, target := range test.before {
					faces.UpdateStorage(t, f, test.digest, target)
				}
				before := faces.ImageDetails(t, f, "team/app")
				_, err := f.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{
					RepositoryName: aws.String("team/app"), TargetStorageClass: test.target, ImageId: &types.ImageIdentifier{ImageDigest: &test.digest},
				})
				faces.RequireError[*types.ImageStorageClassUpdateNotSupportedException](t, err, message(test.digest, test.target, test.message))
				require.Equal(t, before, faces.ImageDetails(t, f, "team/app"))
			})
		})
	}
}

// An index goes into the archive alone, as it is deleted alone; its children may
// go then, and come back with it.
func TestArchivedIndex(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64")
		digest := f.Registry.MustPush("team/app:v1", index)
		amd, arm := index.Images[0].Digest(), index.Images[1].Digest()
		faces.UpdateStorage(t, f, digest, types.TargetStorageClassArchive)
		require.Equal(t, types.ImageStatusActive, statusOf(t, f, amd))
		require.Equal(t, types.ImageStatusArchived, faces.UpdateStorage(t, f, amd, types.TargetStorageClassArchive))
		require.Equal(t, types.ImageStatusActive, statusOf(t, f, arm))

		faces.UpdateStorage(t, f, digest, types.TargetStorageClassStandard)
		require.Equal(t, types.ImageStatusActivating, statusOf(t, f, amd))
		_, err := f.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{
			RepositoryName: aws.String("team/app"), TargetStorageClass: types.TargetStorageClassArchive, ImageId: &types.ImageIdentifier{ImageDigest: &arm},
		})
		var refused *types.ImageStorageClassUpdateNotSupportedException
		require.ErrorAs(t, err, &refused, "the index is on its way back")
		f.Registry.Advance(20 * time.Minute)
		for _, image := range []string{digest, amd, arm} {
			require.Equal(t, types.ImageStatusActive, statusOf(t, f, image))
		}
	})
}

// An image of an index cannot go into the archive before the index, nor be there
// when a new index comes.
func TestPushOfAnIndexRestoresItsImages(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64")
		amd, arm := f.Registry.MustPush("team/app", index.Images[0]), f.Registry.MustPush("team/app", index.Images[1])
		faces.UpdateStorage(t, f, amd, types.TargetStorageClassArchive)
		_, err := f.PutImage(t.Context(), &ecr.PutImageInput{
			RepositoryName: aws.String("team/app"), ImageManifest: aws.String(string(index.Manifest)), ImageTag: aws.String("v1"),
		})
		require.NoError(t, err)
		require.Equal(t, types.ImageStatusActivating, statusOf(t, f, amd))
		f.Registry.Advance(20 * time.Minute)
		for _, digest := range []string{index.Digest(), amd, arm} {
			require.Equal(t, types.ImageStatusActive, statusOf(t, f, digest))
		}
	})
}

// A layer is out of reach only when no image outside the archive refers to it.
func TestLayerOfArchivedAndActiveImages(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		// Referrers share the empty config.
		one, two := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		shared := []byte("shared")
		first, second := fakeecr.Referrer(one, "application/vnd.example", shared), fakeecr.Referrer(two, "application/vnd.example", shared)
		layer := aws.String(digest.FromBytes(shared).String())
		for _, image := range []fakeecr.Image{one, two, first, second} {
			f.Registry.MustPush("team/app", image)
		}
		putLifecycle(t, f, "team/app", expiring(1, taggedImages("none")))
		faces.UpdateStorage(t, f, one.Digest(), types.TargetStorageClassArchive)
		require.NoError(t, f.Registry.RunLifecycle("team/app"))
		require.Equal(t, types.ImageStatusArchived, statusOf(t, f, first.Digest()))
		require.Equal(t, types.LayerAvailabilityAvailable, availabilityOf(t, f, layer))
		faces.UpdateStorage(t, f, two.Digest(), types.TargetStorageClassArchive)
		require.NoError(t, f.Registry.RunLifecycle("team/app"))
		require.Equal(t, types.LayerAvailabilityArchived, availabilityOf(t, f, layer))

		_, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{
			{ImageDigest: aws.String(first.Digest())}, {ImageDigest: aws.String(second.Digest())},
		}})
		require.NoError(t, err)
		require.Equal(t, types.LayerAvailabilityAvailable, availabilityOf(t, f, layer), "it belongs to no image, as after an upload")
	})
}

func TestPushOfAnArchivedImageRestoresIt(t *testing.T) {
	for name, activating := range map[string]bool{"archived": false, "on its way back": true} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				image := fakeecr.RandomImage(1, 100)
				digest := f.Registry.MustPush("team/app:v1", image)
				for _, test := range []struct {
					tag  *string
					want []string
				}{
					{aws.String("v1"), []string{"v1"}},
					{nil, []string{"v1"}},
					{aws.String("v2"), []string{"v1", "v2"}},
				} {
					faces.UpdateStorage(t, f, digest, types.TargetStorageClassArchive)
					if activating {
						faces.UpdateStorage(t, f, digest, types.TargetStorageClassStandard)
					}
					out, err := f.PutImage(t.Context(), &ecr.PutImageInput{
						RepositoryName: aws.String("team/app"), ImageManifest: aws.String(string(image.Manifest)), ImageTag: test.tag,
					})
					require.NoError(t, err)
					require.Equal(t, digest, *out.Image.ImageId.ImageDigest)
					detail := faces.ImageDetails(t, f, "team/app")[digest]
					require.Equal(t, types.ImageStatusActive, detail.ImageStatus, "at once")
					require.WithinDuration(t, f.Registry.Now(), *detail.LastActivatedAt, time.Minute)
					require.Equal(t, test.want, detail.ImageTags)
				}
				_, err := f.PutImage(t.Context(), &ecr.PutImageInput{
					RepositoryName: aws.String("team/app"), ImageManifest: aws.String(string(image.Manifest)), ImageTag: aws.String("v1"),
				})
				var exists *types.ImageAlreadyExistsException
				require.ErrorAs(t, err, &exists)

				// What was to restore it comes too late.
				faces.UpdateStorage(t, f, digest, types.TargetStorageClassArchive)
				f.Registry.Advance(time.Hour)
				require.Equal(t, types.ImageStatusArchived, statusOf(t, f, digest))
			})
		})
	}
}

// Each restoration takes its own 20 minutes, whatever became of the one before.
func TestRestorationBegunAnew(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	for name, end := range map[string]func(t *testing.T, f faces.Face){
		"after a push": func(t *testing.T, f faces.Face) {
			f.Registry.MustPush("team/app", image)
			faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
		},
		"of an image made anew": func(t *testing.T, f faces.Face) {
			_, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{
				RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageDigest: aws.String(image.Digest())}},
			})
			require.NoError(t, err)
			f.Registry.MustPush("team/app", image)
			faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
		},
		"in a repository made anew": func(t *testing.T, f faces.Face) {
			_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("team/app"), Force: true})
			require.NoError(t, err)
			f.Registry.MustPush("team/app", image)
			faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("team/app", image)
				faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
				faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassStandard)
				end(t, f)
				f.Registry.Advance(10 * time.Minute)
				faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassStandard)
				f.Registry.Advance(15 * time.Minute)
				require.Equal(t, types.ImageStatusActivating, statusOf(t, f, image.Digest()))
				f.Registry.Advance(5 * time.Minute)
				require.Equal(t, types.ImageStatusActive, statusOf(t, f, image.Digest()))
			})
		})
	}
}

func TestArchivedImagesDoNotCount(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		first, second, third := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100), fakeecr.RandomImage(3, 100)
		push := func(image fakeecr.Image) error {
			_, err := f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String("team/app"), ImageManifest: aws.String(string(image.Manifest))})
			return err
		}
		remove := func(image fakeecr.Image) {
			out, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{
				RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageDigest: aws.String(image.Digest())}},
			})
			require.NoError(t, err)
			require.Empty(t, out.Failures)
		}
		// The layers stay.
		f.Registry.MustPush("team/app", third)
		remove(third)
		f.Registry.MustPush("team/app", first)
		f.Registry.MustPush("team/app", second)
		full := faces.FullOfImages("team/app", 2)
		faces.RequireError[*types.LimitExceededException](t, push(third), full)
		faces.UpdateStorage(t, f, first.Digest(), types.TargetStorageClassArchive)
		require.NoError(t, push(third))
		faces.RequireError[*types.LimitExceededException](t, push(first), full)
		require.Equal(t, types.ImageStatusArchived, statusOf(t, f, first.Digest()))
		remove(first)
		faces.RequireError[*types.LimitExceededException](t, push(first), full)
		remove(second)
		require.NoError(t, push(first))
	}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 2))
}
