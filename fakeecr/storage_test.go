package fakeecr_test

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
)

func updateStorage(t *testing.T, f fakeecr.API, digest string, target types.TargetStorageClass) types.ImageStatus {
	t.Helper()
	out, err := f.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{
		RepositoryName: aws.String("team/app"), TargetStorageClass: target, ImageId: &types.ImageIdentifier{ImageDigest: &digest},
	})
	require.NoError(t, err)
	require.Equal(t, &types.ImageIdentifier{ImageDigest: &digest}, out.ImageId)
	require.Equal(t, "123456789012", *out.RegistryId)
	require.Equal(t, "team/app", *out.RepositoryName)
	return out.ImageStatus
}

func statusOf(t *testing.T, f fakeecr.API, digest string) types.ImageStatus {
	t.Helper()
	return imageDetails(t, f, "team/app")[digest].ImageStatus
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
	onAllFaces(t, func(t *testing.T, f face) {
		ctx, r, name := t.Context(), f.registry, aws.String("team/app")
		image := fakeecr.RandomImage(1, 100)
		digest := r.MustPush("team/app:v1", image)
		byTag := types.ImageIdentifier{ImageTag: aws.String("v1")}
		byDigest := types.ImageIdentifier{ImageDigest: &digest}
		layer := &ecr.GetDownloadUrlForLayerInput{RepositoryName: name, LayerDigest: layerOf(image)}
		url, err := f.GetDownloadUrlForLayer(ctx, layer)
		require.NoError(t, err)
		before := imageDetails(t, f, "team/app")[digest]
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
		archived := imageDetails(t, f, "team/app")[digest]
		require.Equal(t, types.ImageStatusArchived, archived.ImageStatus)
		require.WithinDuration(t, r.Now(), *archived.LastArchivedAt, time.Minute)
		require.Nil(t, archived.LastActivatedAt)
		require.Equal(t, before.ImagePushedAt, archived.ImagePushedAt)
		require.Equal(t, before.ImageTags, archived.ImageTags)

		// Nobody can reach it.
		store := http.DefaultClient
		if f.name != "loopback" {
			store = &http.Client{Transport: r.Transport()}
		}
		requireUnreachable := func() {
			t.Helper()
			for _, id := range []types.ImageIdentifier{byTag, byDigest} {
				code, why := pull(t, f, id)
				require.Equal(t, types.ImageFailureCodeImageInaccessible, code)
				require.Equal(t, inaccessible, why)
			}
			require.Nil(t, imageDetails(t, f, "team/app")[digest].LastRecordedPullTime)
			require.Equal(t, types.LayerAvailabilityArchived, availabilityOf(t, f, layerOf(image)))
			_, err = f.GetDownloadUrlForLayer(ctx, layer)
			requireError[*types.LayerInaccessibleException](t, err, "The layer with digest '"+*layerOf(image)+
				"' within the repository with name 'team/app' in the registry with id '123456789012' is archived")
			answer, err := store.Get(*url.DownloadUrl)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, http.StatusNotFound, answer.StatusCode)
		}
		requireUnreachable()

		require.Equal(t, types.ImageStatusActivating, updateStorage(t, f, digest, types.TargetStorageClassStandard))
		r.Advance(19 * time.Minute)
		restoring := imageDetails(t, f, "team/app")[digest]
		require.Equal(t, types.ImageStatusActivating, restoring.ImageStatus)
		require.Nil(t, restoring.LastActivatedAt)
		requireUnreachable()

		r.Advance(time.Minute)
		active := imageDetails(t, f, "team/app")[digest]
		require.Equal(t, types.ImageStatusActive, active.ImageStatus)
		require.WithinDuration(t, r.Now(), *active.LastActivatedAt, time.Minute)
		require.Equal(t, archived.LastArchivedAt, active.LastArchivedAt)
		code, _ := pull(t, f, byTag)
		require.Empty(t, code)
		require.Equal(t, types.LayerAvailabilityAvailable, availabilityOf(t, f, layerOf(image)))
		_, err = f.GetDownloadUrlForLayer(ctx, layer)
		require.NoError(t, err)

		r.Advance(time.Hour)
		updateStorage(t, f, digest, types.TargetStorageClassArchive)
		again := imageDetails(t, f, "team/app")[digest]
		require.WithinDuration(t, r.Now(), *again.LastArchivedAt, time.Minute)
		require.Equal(t, active.LastActivatedAt, again.LastActivatedAt)
	})
}

func TestImageStatusFilters(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		active := f.registry.MustPush("team/app:active", fakeecr.RandomImage(1, 100))
		archived := f.registry.MustPush("team/app:archived", fakeecr.RandomImage(2, 100))
		activating := f.registry.MustPush("team/app", fakeecr.RandomImage(3, 100))
		updateStorage(t, f, archived, types.TargetStorageClassArchive)
		updateStorage(t, f, activating, types.TargetStorageClassArchive)
		updateStorage(t, f, activating, types.TargetStorageClassStandard)
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

		listed, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		require.Equal(t, []string{active + "@active"}, joined(listed.ImageIds), "without a filter")
		described, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		require.Len(t, described.ImageDetails, 1, "without a filter")

		// An image that is named is shown whatever its status, unless a filter is given too.
		ids := []types.ImageIdentifier{byTag("archived"), byDigest(activating), byTag("active")}
		for status, want := range map[types.ImageStatusFilter][]types.ImageStatus{
			"":                              {types.ImageStatusArchived, types.ImageStatusActivating, types.ImageStatusActive},
			types.ImageStatusFilterAny:      {types.ImageStatusArchived, types.ImageStatusActivating, types.ImageStatusActive},
			types.ImageStatusFilterArchived: {types.ImageStatusArchived},
		} {
			named, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{
				RepositoryName: aws.String(app), ImageIds: ids, Filter: &types.DescribeImagesFilter{ImageStatus: status},
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
	onAllFaces(t, func(t *testing.T, f face) {
		want := []string{}
		for i := range 7 {
			digest := f.registry.MustPush("team/app", fakeecr.RandomImage(uint64(i), 100))
			if i%2 == 0 {
				updateStorage(t, f, digest, types.TargetStorageClassArchive)
			} else {
				want = append(want, digest)
			}
		}
		slices.Sort(want)
		pages := [][]string{want[:2], want[2:]}
		require.Equal(t, pages, paged(t, ecr.NewListImagesPaginator(f, &ecr.ListImagesInput{RepositoryName: aws.String(app), MaxResults: aws.Int32(2)}),
			func(out *ecr.ListImagesOutput) []string { return joined(out.ImageIds) }))
		require.Equal(t, pages, paged(t, ecr.NewDescribeImagesPaginator(f, &ecr.DescribeImagesInput{RepositoryName: aws.String(app), MaxResults: aws.Int32(2)}),
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
			onAllFaces(t, func(t *testing.T, f face) {
				f.registry.MustPush("team/app:v1", subject)
				f.registry.MustPush("team/app", referrer)
				f.registry.MustPush("team/app", index)
				for _, target := range test.before {
					updateStorage(t, f, test.digest, target)
				}
				before := imageDetails(t, f, "team/app")
				_, err := f.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{
					RepositoryName: aws.String("team/app"), TargetStorageClass: test.target, ImageId: &types.ImageIdentifier{ImageDigest: &test.digest},
				})
				requireError[*types.ImageStorageClassUpdateNotSupportedException](t, err, message(test.digest, test.target, test.message))
				require.Equal(t, before, imageDetails(t, f, "team/app"))
			})
		})
	}
}

// An index goes into the archive alone, as it is deleted alone; its children may
// go then, and come back with it.
func TestArchivedIndex(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64")
		digest := f.registry.MustPush("team/app:v1", index)
		amd, arm := index.Images[0].Digest(), index.Images[1].Digest()
		updateStorage(t, f, digest, types.TargetStorageClassArchive)
		require.Equal(t, types.ImageStatusActive, statusOf(t, f, amd))
		require.Equal(t, types.ImageStatusArchived, updateStorage(t, f, amd, types.TargetStorageClassArchive))
		require.Equal(t, types.ImageStatusActive, statusOf(t, f, arm))

		updateStorage(t, f, digest, types.TargetStorageClassStandard)
		require.Equal(t, types.ImageStatusActivating, statusOf(t, f, amd))
		_, err := f.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{
			RepositoryName: aws.String("team/app"), TargetStorageClass: types.TargetStorageClassArchive, ImageId: &types.ImageIdentifier{ImageDigest: &arm},
		})
		var refused *types.ImageStorageClassUpdateNotSupportedException
		require.ErrorAs(t, err, &refused, "the index is on its way back")
		f.registry.Advance(20 * time.Minute)
		for _, image := range []string{digest, amd, arm} {
			require.Equal(t, types.ImageStatusActive, statusOf(t, f, image))
		}
	})
}

// An image of an index cannot go into the archive before the index, nor be there
// when a new index comes.
func TestPushOfAnIndexRestoresItsImages(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64")
		amd, arm := f.registry.MustPush("team/app", index.Images[0]), f.registry.MustPush("team/app", index.Images[1])
		updateStorage(t, f, amd, types.TargetStorageClassArchive)
		_, err := f.PutImage(t.Context(), &ecr.PutImageInput{
			RepositoryName: aws.String("team/app"), ImageManifest: aws.String(string(index.Manifest)), ImageTag: aws.String("v1"),
		})
		require.NoError(t, err)
		require.Equal(t, types.ImageStatusActivating, statusOf(t, f, amd))
		f.registry.Advance(20 * time.Minute)
		for _, digest := range []string{index.Digest(), amd, arm} {
			require.Equal(t, types.ImageStatusActive, statusOf(t, f, digest))
		}
	})
}

// A layer is out of reach only when no image outside the archive refers to it.
func TestLayerOfArchivedAndActiveImages(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		// Referrers share the empty config.
		one, two := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		shared := []byte("shared")
		first, second := fakeecr.Referrer(one, "application/vnd.example", shared), fakeecr.Referrer(two, "application/vnd.example", shared)
		layer := aws.String(digest.FromBytes(shared).String())
		for _, image := range []fakeecr.Image{one, two, first, second} {
			f.registry.MustPush("team/app", image)
		}
		putLifecycle(t, f, "team/app", expiring(1, taggedImages("none")))
		updateStorage(t, f, one.Digest(), types.TargetStorageClassArchive)
		require.NoError(t, f.registry.RunLifecycle("team/app"))
		require.Equal(t, types.ImageStatusArchived, statusOf(t, f, first.Digest()))
		require.Equal(t, types.LayerAvailabilityAvailable, availabilityOf(t, f, layer))
		updateStorage(t, f, two.Digest(), types.TargetStorageClassArchive)
		require.NoError(t, f.registry.RunLifecycle("team/app"))
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
			onAllFaces(t, func(t *testing.T, f face) {
				image := fakeecr.RandomImage(1, 100)
				digest := f.registry.MustPush("team/app:v1", image)
				for _, test := range []struct {
					tag  *string
					want []string
				}{
					{aws.String("v1"), []string{"v1"}},
					{nil, []string{"v1"}},
					{aws.String("v2"), []string{"v1", "v2"}},
				} {
					updateStorage(t, f, digest, types.TargetStorageClassArchive)
					if activating {
						updateStorage(t, f, digest, types.TargetStorageClassStandard)
					}
					out, err := f.PutImage(t.Context(), &ecr.PutImageInput{
						RepositoryName: aws.String("team/app"), ImageManifest: aws.String(string(image.Manifest)), ImageTag: test.tag,
					})
					require.NoError(t, err)
					require.Equal(t, digest, *out.Image.ImageId.ImageDigest)
					detail := imageDetails(t, f, "team/app")[digest]
					require.Equal(t, types.ImageStatusActive, detail.ImageStatus, "at once")
					require.WithinDuration(t, f.registry.Now(), *detail.LastActivatedAt, time.Minute)
					require.Equal(t, test.want, detail.ImageTags)
				}
				_, err := f.PutImage(t.Context(), &ecr.PutImageInput{
					RepositoryName: aws.String("team/app"), ImageManifest: aws.String(string(image.Manifest)), ImageTag: aws.String("v1"),
				})
				var exists *types.ImageAlreadyExistsException
				require.ErrorAs(t, err, &exists)

				// What was to restore it comes too late.
				updateStorage(t, f, digest, types.TargetStorageClassArchive)
				f.registry.Advance(time.Hour)
				require.Equal(t, types.ImageStatusArchived, statusOf(t, f, digest))
			})
		})
	}
}

// Each restoration takes its own 20 minutes, whatever became of the one before.
func TestRestorationBegunAnew(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	for name, end := range map[string]func(t *testing.T, f face){
		"after a push": func(t *testing.T, f face) {
			f.registry.MustPush("team/app", image)
			updateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
		},
		"of an image made anew": func(t *testing.T, f face) {
			_, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{
				RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageDigest: aws.String(image.Digest())}},
			})
			require.NoError(t, err)
			f.registry.MustPush("team/app", image)
			updateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
		},
		"in a repository made anew": func(t *testing.T, f face) {
			_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("team/app"), Force: true})
			require.NoError(t, err)
			f.registry.MustPush("team/app", image)
			updateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
		},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				f.registry.MustPush("team/app", image)
				updateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
				updateStorage(t, f, image.Digest(), types.TargetStorageClassStandard)
				end(t, f)
				f.registry.Advance(10 * time.Minute)
				updateStorage(t, f, image.Digest(), types.TargetStorageClassStandard)
				f.registry.Advance(15 * time.Minute)
				require.Equal(t, types.ImageStatusActivating, statusOf(t, f, image.Digest()))
				f.registry.Advance(5 * time.Minute)
				require.Equal(t, types.ImageStatusActive, statusOf(t, f, image.Digest()))
			})
		})
	}
}

func TestArchivedImagesDoNotCount(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
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
		f.registry.MustPush("team/app", third)
		remove(third)
		f.registry.MustPush("team/app", first)
		f.registry.MustPush("team/app", second)
		full := fullOfImages("team/app", 2)
		requireError[*types.LimitExceededException](t, push(third), full)
		updateStorage(t, f, first.Digest(), types.TargetStorageClassArchive)
		require.NoError(t, push(third))
		requireError[*types.LimitExceededException](t, push(first), full)
		require.Equal(t, types.ImageStatusArchived, statusOf(t, f, first.Digest()))
		remove(first)
		requireError[*types.LimitExceededException](t, push(first), full)
		remove(second)
		require.NoError(t, push(first))
	}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 2))
}
