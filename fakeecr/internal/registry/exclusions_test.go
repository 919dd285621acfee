package registry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func register(t *testing.T, f faces.Face, principal string) error {
	t.Helper()
	_, err := f.RegisterPullTimeUpdateExclusion(t.Context(), &ecr.RegisterPullTimeUpdateExclusionInput{PrincipalArn: &principal})
	return err
}

func deregister(t *testing.T, f faces.Face, principal string) error {
	t.Helper()
	_, err := f.DeregisterPullTimeUpdateExclusion(t.Context(), &ecr.DeregisterPullTimeUpdateExclusionInput{PrincipalArn: &principal})
	return err
}

func TestPullTimeUpdateExclusions(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/builds/ci"
	faces.Each(t, func(t *testing.T, f faces.Face) {
		list, err := f.ListPullTimeUpdateExclusions(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, []string{}, list.PullTimeUpdateExclusions)

		before := f.Registry.Now()
		out, err := f.RegisterPullTimeUpdateExclusion(t.Context(), &ecr.RegisterPullTimeUpdateExclusionInput{PrincipalArn: aws.String(role)})
		require.NoError(t, err)
		require.Equal(t, role, *out.PrincipalArn)
		require.WithinRange(t, *out.CreatedAt, before, f.Registry.Now())
		faces.RequireError[*types.ExclusionAlreadyExistsException](t, register(t, f, role), "The pull time update exclusion for the principal with ARN '"+role+
			"' already exists in the registry with id '123456789012'")
		elsewhere, err := f.In("eu-west-1").ListPullTimeUpdateExclusions(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, elsewhere.PullTimeUpdateExclusions)

		ended, err := f.DeregisterPullTimeUpdateExclusion(t.Context(), &ecr.DeregisterPullTimeUpdateExclusionInput{PrincipalArn: aws.String(role)})
		require.NoError(t, err)
		require.Equal(t, role, *ended.PrincipalArn)
		faces.RequireError[*types.ExclusionNotFoundException](t, deregister(t, f, role), "The pull time update exclusion for the principal with ARN '"+role+
			"' does not exist in the registry with id '123456789012'")
	})
}

func TestPullTimeUpdateExclusionPages(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		var all []string
		for i := range 100 {
			all = append(all, fmt.Sprintf("arn:aws:iam::123456789012:role/role%03d", i))
			require.NoError(t, register(t, f, all[i]))
		}
		faces.RequireError[*types.LimitExceededException](t, register(t, f, "arn:aws:iam::123456789012:role/more"), "The limit of 100 pull time update exclusions has been exceeded")
		list, err := f.ListPullTimeUpdateExclusions(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, all, list.PullTimeUpdateExclusions)
		require.Nil(t, list.NextToken)

		var got []string
		in := &ecr.ListPullTimeUpdateExclusionsInput{MaxResults: aws.Int32(40)}
		for _, size := range []int{40, 40, 20} {
			list, err = f.ListPullTimeUpdateExclusions(t.Context(), in)
			require.NoError(t, err)
			require.Len(t, list.PullTimeUpdateExclusions, size)
			got = append(got, list.PullTimeUpdateExclusions...)
			if in.NextToken = list.NextToken; in.NextToken != nil {
				_, err = f.In("eu-west-1").ListPullTimeUpdateExclusions(t.Context(), in)
				faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
			}
		}
		require.Equal(t, all, got)
		require.Nil(t, list.NextToken)
		_, err = f.ListPullTimeUpdateExclusions(t.Context(), &ecr.ListPullTimeUpdateExclusionsInput{NextToken: aws.String("other")})
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
	})
}

func TestPullsOfAnExcludedPrincipal(t *testing.T) {
	const (
		user    = "arn:aws:iam::123456789012:user/fakeecr"
		role    = "arn:aws:iam::123456789012:role/builds/ci"
		session = "arn:aws:sts::123456789012:assumed-role/ci/session"
		theirs  = "arn:aws:iam::210987654321:user/fakeecr"
	)
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		faces.SetPolicy(t, f, "team/app", faces.Statements(`{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}`))
		last := func() *time.Time {
			out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
			require.NoError(t, err)
			return out.ImageDetails[0].LastRecordedPullTime
		}
		require.Nil(t, last())
		for _, test := range []struct {
			excluded string
			puller   faces.Face
		}{{user, f}, {role, f.As(role)}, {role, f.As(session)}, {theirs, f.Account("210987654321")}} {
			pull := func() (recorded bool) {
				before := last()
				f.Registry.Advance(24 * time.Hour)
				_, err := test.puller.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{
					RegistryId: aws.String("123456789012"), RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{*faces.TagID("v1")},
				})
				require.NoError(t, err)
				after := last()
				return after != nil && (before == nil || after.After(*before))
			}
			require.NoError(t, register(t, f, "arn:aws:iam::123456789012:user/other"))
			require.True(t, pull(), "of %s, while another is excluded", test.excluded)
			require.NoError(t, register(t, f, test.excluded))
			require.False(t, pull(), "of %s", test.excluded)
			require.NoError(t, deregister(t, f, test.excluded))
			require.True(t, pull(), "of %s, which is excluded no longer", test.excluded)
			require.NoError(t, deregister(t, f, "arn:aws:iam::123456789012:user/other"))
		}
	})
}
