package registry_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func listReferrers(t *testing.T, f fakeecr.API, in ecr.ListImageReferrersInput, subject string) *ecr.ListImageReferrersOutput {
	t.Helper()
	in.RepositoryName, in.SubjectId = aws.String("team/app"), &types.SubjectIdentifier{ImageDigest: &subject}
	out, err := f.ListImageReferrers(t.Context(), &in)
	require.NoError(t, err)
	require.NotNil(t, out.Referrers)
	return out
}

func referrerDigests(out *ecr.ListImageReferrersOutput) []string {
	digests := []string{}
	for _, referrer := range out.Referrers {
		digests = append(digests, *referrer.Digest)
	}
	return digests
}

func TestListImageReferrers(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		subject := fakeecr.RandomImage(1, 100)
		f.Registry.MustPush("team/app:v1", subject)
		require.Empty(t, listReferrers(t, f, ecr.ListImageReferrersInput{}, subject.Digest()).Referrers)

		plain := fakeecr.Referrer(subject, "application/vnd.example.sbom", []byte("sbom"))
		var manifest map[string]any
		require.NoError(t, json.Unmarshal(plain.Manifest, &manifest))
		manifest["annotations"] = map[string]string{"org.example": "yes"}
		annotated := plain
		annotated.Manifest, _ = json.Marshal(manifest)
		f.Registry.MustPush("team/app", annotated)
		for range 2 {
			out := listReferrers(t, f, ecr.ListImageReferrersInput{}, subject.Digest())
			require.Nil(t, out.NextToken)
			require.Equal(t, []types.ImageReferrer{{
				Digest:         aws.String(annotated.Digest()),
				MediaType:      aws.String("application/vnd.oci.image.manifest.v1+json"),
				ArtifactType:   aws.String("application/vnd.example.sbom"),
				ArtifactStatus: types.ArtifactStatusActive,
				Size:           aws.Int64(int64(len(annotated.Manifest))),
				Annotations:    map[string]string{"org.example": "yes"},
			}}, out.Referrers)
			out.Referrers[0].Annotations["org.example"] = "the answer is the caller's own"
		}
	})
}

func TestReferrersPagesAndFilters(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		subject, other := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		f.Registry.MustPush("team/app", subject)
		f.Registry.MustPush("team/app", fakeecr.Referrer(other, "application/vnd.example.0", []byte("other")))
		byType := map[string][]string{}
		all := []string{}
		for i := range 23 {
			kind := fmt.Sprintf("application/vnd.example.%d", i%3)
			digest := f.Registry.MustPush("team/app", fakeecr.Referrer(subject, kind, fmt.Appendf(nil, "artifact %d", i)))
			byType[kind] = append(byType[kind], digest)
			all = append(all, digest)
		}
		slices.Sort(all)
		first := listReferrers(t, f, ecr.ListImageReferrersInput{}, subject.Digest())
		require.Len(t, first.Referrers, 20, "the default")
		_, err := f.ListImageReferrers(t.Context(), &ecr.ListImageReferrersInput{
			RepositoryName: aws.String("team/app"), SubjectId: &types.SubjectIdentifier{ImageDigest: aws.String(other.Digest())}, NextToken: first.NextToken,
		})
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
		rest := listReferrers(t, f, ecr.ListImageReferrersInput{NextToken: first.NextToken}, subject.Digest())
		require.Nil(t, rest.NextToken)
		require.Equal(t, all, append(referrerDigests(first), referrerDigests(rest)...))

		paged := []string{}
		in := ecr.ListImageReferrersInput{MaxResults: aws.Int32(3), Filter: &types.ListImageReferrersFilter{
			ArtifactTypes: []string{"application/vnd.example.0", "application/vnd.example.2"},
		}}
		for more := true; more; more = in.NextToken != nil {
			out := listReferrers(t, f, in, subject.Digest())
			require.LessOrEqual(t, len(out.Referrers), 3)
			paged = append(paged, referrerDigests(out)...)
			in.NextToken = out.NextToken
		}
		require.ElementsMatch(t, append(byType["application/vnd.example.0"], byType["application/vnd.example.2"]...), paged)

		// Archived ones are shown on request.
		putLifecycle(t, f, "team/app", expiring(1, taggedImages("none")))
		faces.UpdateStorage(t, f, subject.Digest(), types.TargetStorageClassArchive)
		require.NoError(t, f.Registry.RunLifecycle("team/app"))
		late := f.Registry.MustPush("team/app", fakeecr.Referrer(subject, "application/vnd.example.late", []byte("late")))
		for status, want := range map[types.ArtifactStatusFilter][]string{
			"":                                   {late},
			types.ArtifactStatusFilterActive:     {late},
			types.ArtifactStatusFilterArchived:   all,
			types.ArtifactStatusFilterActivating: {},
			types.ArtifactStatusFilterAny:        append([]string{late}, all...),
		} {
			out := listReferrers(t, f, ecr.ListImageReferrersInput{
				MaxResults: aws.Int32(50), Filter: &types.ListImageReferrersFilter{ArtifactStatus: status},
			}, subject.Digest())
			require.ElementsMatch(t, want, referrerDigests(out), status)
			for _, referrer := range out.Referrers {
				require.Equal(t, *referrer.Digest == late, referrer.ArtifactStatus == types.ArtifactStatusActive)
			}
		}
	})
}

func TestListImageReferrersRefused(t *testing.T) {
	subject := &types.SubjectIdentifier{ImageDigest: aws.String(fakeecr.RandomImage(1, 100).Digest())}
	for name, test := range map[string]struct {
		in      ecr.ListImageReferrersInput
		message string
	}{
		"a malformed digest": {ecr.ListImageReferrersInput{SubjectId: &types.SubjectIdentifier{ImageDigest: aws.String("v1")}},
			"Invalid parameter at 'imageDigest' failed to satisfy constraint: 'must satisfy regular expression '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+''"},
		"a token of nobody's": {ecr.ListImageReferrersInput{SubjectId: subject, NextToken: aws.String("t")},
			"Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'"},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				in := test.in
				in.RepositoryName = aws.String("team/app")
				f.Registry.MustPush("team/app", fakeecr.RandomImage(1, 100))
				_, err := f.ListImageReferrers(t.Context(), &in)
				faces.RequireError[*types.InvalidParameterException](t, err, test.message)
			})
		})
	}
	t.Run("no repository", func(t *testing.T) {
		faces.Each(t, func(t *testing.T, f faces.Face) {
			_, err := f.ListImageReferrers(t.Context(), &ecr.ListImageReferrersInput{RepositoryName: aws.String("team/app"), SubjectId: subject})
			faces.RequireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'team/app' does not exist in the registry with id '123456789012'")
		})
	})
}
