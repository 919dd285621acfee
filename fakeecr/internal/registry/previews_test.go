package registry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// startPreview starts a preview for team/app, and answers the text of its policy.
func startPreview(t *testing.T, f fakeecr.API, rules ...string) string {
	t.Helper()
	text := lifecycleText(rules...)
	out, err := f.StartLifecyclePolicyPreview(t.Context(), &ecr.StartLifecyclePolicyPreviewInput{
		RepositoryName: aws.String("team/app"), LifecyclePolicyText: &text,
	})
	require.NoError(t, err)
	require.Equal(t, types.LifecyclePolicyPreviewStatusInProgress, out.Status)
	require.Equal(t, text, *out.LifecyclePolicyText, "not compact")
	require.Equal(t, "123456789012", *out.RegistryId)
	require.Equal(t, "team/app", *out.RepositoryName)
	return text
}

// getPreview asks for the preview for team/app.
func getPreview(t *testing.T, f fakeecr.API, in ecr.GetLifecyclePolicyPreviewInput) *ecr.GetLifecyclePolicyPreviewOutput {
	t.Helper()
	in.RepositoryName = aws.String("team/app")
	out, err := f.GetLifecyclePolicyPreview(t.Context(), &in)
	require.NoError(t, err)
	require.NotNil(t, out.PreviewResults)
	return out
}

func previewed(results []types.LifecyclePolicyPreviewResult) []string {
	digests := []string{}
	for _, result := range results {
		digests = append(digests, *result.ImageDigest)
	}
	return digests
}

func TestLifecyclePolicyPreview(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		r, ctx, name := f.Registry, t.Context(), aws.String("team/app")
		get := &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: name}
		start := &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: name}
		missing := "The repository with name 'team/app' does not exist in the registry with id '123456789012'"
		_, err := f.GetLifecyclePolicyPreview(ctx, get)
		faces.RequireError[*types.RepositoryNotFoundException](t, err, missing)
		_, err = f.StartLifecyclePolicyPreview(ctx, start)
		faces.RequireError[*types.RepositoryNotFoundException](t, err, missing)

		old := r.MustPush("team/app:old", fakeecr.RandomImage(1, 100))
		_, err = f.GetLifecyclePolicyPreview(ctx, get)
		faces.RequireError[*types.LifecyclePolicyPreviewNotFoundException](t, err,
			"Lifecycle policy preview does not exist for the repository with name 'team/app' in the registry with id '123456789012'")
		_, err = f.StartLifecyclePolicyPreview(ctx, start)
		faces.RequireError[*types.LifecyclePolicyNotFoundException](t, err,
			"Lifecycle policy does not exist for the repository with name 'team/app' in the registry with id '123456789012'")

		r.Advance(2 * day)
		text := startPreview(t, f, expiring(7, anyImages))
		running := getPreview(t, f, ecr.GetLifecyclePolicyPreviewInput{})
		require.Equal(t, types.LifecyclePolicyPreviewStatusInProgress, running.Status)
		require.Empty(t, running.PreviewResults)
		require.Nil(t, running.Summary)
		_, err = f.StartLifecyclePolicyPreview(ctx, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: name, LifecyclePolicyText: &text})
		faces.RequireError[*types.LifecyclePolicyPreviewInProgressException](t, err,
			"The previous lifecycle policy preview request has not completed. Wait and try again.")

		r.Advance(5 * time.Second)
		pushed := *faces.ImageDetails(t, f, "team/app")[old].ImagePushedAt
		for range 2 {
			done := getPreview(t, f, ecr.GetLifecyclePolicyPreviewInput{})
			require.Equal(t, types.LifecyclePolicyPreviewStatusComplete, done.Status)
			require.Equal(t, text, *done.LifecyclePolicyText)
			require.Equal(t, "123456789012", *done.RegistryId)
			require.Equal(t, "team/app", *done.RepositoryName)
			require.Equal(t, &types.LifecyclePolicyPreviewSummary{ExpiringImageTotalCount: aws.Int32(1)}, done.Summary)
			require.Equal(t, []types.LifecyclePolicyPreviewResult{{
				Action:              &types.LifecyclePolicyRuleAction{Type: types.ImageActionTypeExpire},
				AppliedRulePriority: aws.Int32(7),
				ImageDigest:         &old,
				ImagePushedAt:       &pushed,
				ImageTags:           []string{"old"},
				StorageClass:        types.LifecyclePolicyStorageClassStandard,
			}}, done.PreviewResults)
			done.PreviewResults[0].ImageTags[0] = "the answer is the caller's own"
			r.Advance(23 * time.Hour / 2)
		}
		requireImages(t, f, "team/app", old)

		r.Advance(day)
		expired := getPreview(t, f, ecr.GetLifecyclePolicyPreviewInput{})
		require.Equal(t, types.LifecyclePolicyPreviewStatusExpired, expired.Status)
		require.Empty(t, expired.PreviewResults)
		require.Nil(t, expired.Summary)
		require.Equal(t, text, *expired.LifecyclePolicyText)
		requireImages(t, f, "team/app", old)
	})
}

func TestPreviewOfTheStoredPolicy(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		r := f.Registry
		image := r.MustPush("team/app", fakeecr.RandomImage(1, 100))
		r.Advance(2 * day)
		putLifecycle(t, f, "team/app", archiving(3, anyImages))
		out, err := f.StartLifecyclePolicyPreview(t.Context(), &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(`{"rules":[`+archiving(3, anyImages)+`]}`, " : ", ":"), *out.LifecyclePolicyText)
		r.Advance(5 * time.Second)

		done := getPreview(t, f, ecr.GetLifecyclePolicyPreviewInput{})
		require.Equal(t, &types.LifecyclePolicyPreviewSummary{
			ExpiringImageTotalCount: aws.Int32(0),
			TransitioningImageTotalCounts: []types.TransitioningImageTotalCount{{
				ImageTotalCount: aws.Int32(1), TargetStorageClass: types.LifecyclePolicyTargetStorageClassArchive,
			}},
		}, done.Summary)
		require.Len(t, done.PreviewResults, 1)
		require.Equal(t, &types.LifecyclePolicyRuleAction{
			Type: types.ImageActionTypeTransition, TargetStorageClass: types.LifecyclePolicyTargetStorageClassArchive,
		}, done.PreviewResults[0].Action)
		require.Equal(t, []string{}, done.PreviewResults[0].ImageTags)
		require.Equal(t, types.ImageStatusActive, statusOf(t, f, image))

		startPreview(t, f, expiring(1, taggedImages("none")))
		_, err = f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("team/app"), Force: true})
		require.NoError(t, err)
		r.MustPush("team/app", fakeecr.RandomImage(1, 100))
		r.Advance(5 * time.Second)
		_, err = f.GetLifecyclePolicyPreview(t.Context(), &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: aws.String("team/app")})
		var none *types.LifecyclePolicyPreviewNotFoundException
		require.ErrorAs(t, err, &none, "it went with the repository")
	})
}

// The results are of the moment at which the preview completed.
func TestPreviewSeesTheImagesOfItsEnd(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		r := f.Registry
		count := `"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1`
		before := r.MustPush("team/app", fakeecr.RandomImage(1, 100))
		startPreview(t, f, expiring(1, count))
		r.Advance(time.Second)
		r.MustPush("team/app", fakeecr.RandomImage(2, 100))
		r.Advance(5 * time.Second)
		r.MustPush("team/app", fakeecr.RandomImage(3, 100))
		require.Equal(t, []string{before}, previewed(getPreview(t, f, ecr.GetLifecyclePolicyPreviewInput{}).PreviewResults))

		startPreview(t, f, expiring(1, count))
		require.Equal(t, types.LifecyclePolicyPreviewStatusInProgress, getPreview(t, f, ecr.GetLifecyclePolicyPreviewInput{}).Status, "another one")
	})
}

func TestPreviewShowsReferrersThatFollow(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		subject := fakeecr.RandomImage(1, 100)
		f.Registry.MustPush("team/app", subject)
		referrer := f.Registry.MustPush("team/app", fakeecr.Referrer(subject, "application/vnd.example.sbom", []byte("sbom")))
		faces.UpdateStorage(t, f, subject.Digest(), types.TargetStorageClassArchive)
		startPreview(t, f, expiring(1, taggedImages("none")))
		f.Registry.Advance(5 * time.Second)
		out := getPreview(t, f, ecr.GetLifecyclePolicyPreviewInput{})
		require.Equal(t, []string{referrer}, previewed(out.PreviewResults))
		require.Equal(t, int32(0), *out.PreviewResults[0].AppliedRulePriority, "of no rule")
		require.Equal(t, types.ImageActionTypeTransition, out.PreviewResults[0].Action.Type)
	})
}

func TestPreviewOfAnArchivedImage(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := f.Registry.MustPush("team/app", fakeecr.RandomImage(1, 100))
		faces.UpdateStorage(t, f, image, types.TargetStorageClassArchive)
		f.Registry.Advance(91 * day)
		startPreview(t, f, archiving(1, anyImages), expiring(2, longArchived))
		f.Registry.Advance(5 * time.Second)
		out := getPreview(t, f, ecr.GetLifecyclePolicyPreviewInput{})
		require.Equal(t, []string{image}, previewed(out.PreviewResults))
		require.Equal(t, types.LifecyclePolicyStorageClassArchive, out.PreviewResults[0].StorageClass)
		require.Equal(t, int32(2), *out.PreviewResults[0].AppliedRulePriority)
	})
}

func TestPreviewPagesAndFilters(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		r := f.Registry
		var all []string
		for i, reference := range []string{"team/app:a", "team/app", "team/app:b", "team/app", "team/app:c"} {
			all = append(all, r.MustPush(reference, fakeecr.RandomImage(uint64(i+1), 100)))
			r.Advance(time.Hour)
		}
		r.Advance(2 * day)
		startPreview(t, f, expiring(1, anyImages))
		r.Advance(5 * time.Second)

		var paged []string
		sizes := []int{}
		pages := ecr.NewGetLifecyclePolicyPreviewPaginator(f, &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: aws.String("team/app"), MaxResults: aws.Int32(2)})
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			require.Equal(t, int32(5), *out.Summary.ExpiringImageTotalCount, "of all pages")
			paged = append(paged, previewed(out.PreviewResults)...)
			sizes = append(sizes, len(out.PreviewResults))
		}
		require.Equal(t, all, paged, "oldest first")
		require.Equal(t, []int{2, 2, 1}, sizes)

		for name, test := range map[string]struct {
			in   ecr.GetLifecyclePolicyPreviewInput
			want []string
		}{
			"tagged":   {ecr.GetLifecyclePolicyPreviewInput{Filter: &types.LifecyclePolicyPreviewFilter{TagStatus: types.TagStatusTagged}}, []string{all[0], all[2], all[4]}},
			"untagged": {ecr.GetLifecyclePolicyPreviewInput{Filter: &types.LifecyclePolicyPreviewFilter{TagStatus: types.TagStatusUntagged}}, []string{all[1], all[3]}},
			"any":      {ecr.GetLifecyclePolicyPreviewInput{Filter: &types.LifecyclePolicyPreviewFilter{TagStatus: types.TagStatusAny}}, all},
			"ids": {ecr.GetLifecyclePolicyPreviewInput{ImageIds: []types.ImageIdentifier{
				faces.ByDigest(all[3]), {ImageTag: aws.String("a")}, {ImageTag: aws.String("absent")}, {ImageDigest: &all[2], ImageTag: aws.String("c")},
			}}, []string{all[0], all[3]}},
			"filtered page": {ecr.GetLifecyclePolicyPreviewInput{
				MaxResults: aws.Int32(1), Filter: &types.LifecyclePolicyPreviewFilter{TagStatus: types.TagStatusUntagged},
			}, []string{all[1]}},
		} {
			require.Equal(t, test.want, previewed(getPreview(t, f, test.in).PreviewResults), name)
		}
	})
}

func TestPreviewCompleteWaiter(t *testing.T) {
	faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
		image := f.Registry.MustPush("team/app", fakeecr.RandomImage(1, 100))
		f.Registry.Advance(2 * day)
		startPreview(t, f, expiring(1, anyImages))
		begin := time.Now()
		waiter := ecr.NewLifecyclePolicyPreviewCompleteWaiter(f)
		out, err := waiter.WaitForOutput(t.Context(), &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: aws.String("team/app")}, time.Minute)
		require.NoError(t, err)
		require.Equal(t, []string{image}, previewed(out.PreviewResults))
		require.Positive(t, time.Since(begin), "it had to wait")
		require.Greater(t, f.Registry.Trace().Count("GetLifecyclePolicyPreview"), 1)
	})
}
