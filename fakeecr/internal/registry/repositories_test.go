package registry_test

import (
	"context"
	"fmt"
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

// onARepository is the calls that are about one repository, complete but for it.
var onARepository = map[string]func(ctx context.Context, api fakeecr.API, registryID, name *string) error{
	"BatchCheckLayerAvailability": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.BatchCheckLayerAvailability(ctx, &ecr.BatchCheckLayerAvailabilityInput{RegistryId: registryID, RepositoryName: name, LayerDigests: []string{faces.DigestNotThere}})
		return err
	},
	"BatchDeleteImage": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RegistryId: registryID, RepositoryName: name, ImageIds: []types.ImageIdentifier{faces.ByTag("v1")}})
		return err
	},
	"BatchGetImage": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.BatchGetImage(ctx, &ecr.BatchGetImageInput{RegistryId: registryID, RepositoryName: name, ImageIds: []types.ImageIdentifier{faces.ByTag("v1")}})
		return err
	},
	"CompleteLayerUpload": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{RegistryId: registryID, RepositoryName: name, UploadId: aws.String(faces.NoUpload), LayerDigests: []string{faces.DigestNotThere}})
		return err
	},
	"DeleteRepository": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RegistryId: registryID, RepositoryName: name})
		return err
	},
	"DescribeImages": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.DescribeImages(ctx, &ecr.DescribeImagesInput{RegistryId: registryID, RepositoryName: name})
		return err
	},
	"DescribeRepositories": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RegistryId: registryID, RepositoryNames: []string{*name}})
		return err
	},
	"GetDownloadUrlForLayer": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{RegistryId: registryID, RepositoryName: name, LayerDigest: aws.String(faces.DigestNotThere)})
		return err
	},
	"InitiateLayerUpload": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RegistryId: registryID, RepositoryName: name})
		return err
	},
	"ListImages": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.ListImages(ctx, &ecr.ListImagesInput{RegistryId: registryID, RepositoryName: name})
		return err
	},
	"PutImage": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.PutImage(ctx, &ecr.PutImageInput{RegistryId: registryID, RepositoryName: name, ImageManifest: aws.String("{}")})
		return err
	},
	"UploadLayerPart": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{RegistryId: registryID, RepositoryName: name, UploadId: aws.String(faces.NoUpload),
			LayerPartBlob: []byte("part"), PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(3)})
		return err
	},
}

func TestCallsOnARepository(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		for operation, call := range onARepository {
			t.Run(operation, func(t *testing.T) {
				own := aws.String("123456789012")
				faces.RequireError[*types.RepositoryNotFoundException](t, call(t.Context(), f, nil, aws.String(faces.App)), faces.AppNotFound)
				faces.RequireError[*types.RepositoryNotFoundException](t, call(t.Context(), f, own, aws.String(faces.App)), faces.AppNotFound)
				faces.RequireError[*types.InvalidParameterException](t, call(t.Context(), f, nil, aws.String("Bad_Name!")),
					`Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*''`)
				faces.RequireError[*types.InvalidParameterException](t, call(t.Context(), f, nil, aws.String("a")),
					"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must have length greater than or equal to 2'")
				faces.RequireError[*types.InvalidParameterException](t, call(t.Context(), f, nil, aws.String(strings.Repeat("a", 257))),
					"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must have length less than or equal to 256'")
				faces.RequireError[*types.InvalidParameterException](t, call(t.Context(), f, aws.String("1234"), aws.String(faces.App)),
					"Invalid parameter at 'registryId' failed to satisfy constraint: 'must satisfy regular expression [0-9]{12}'")
			})
		}
	})
}

func TestCreateRepository(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		before := f.Registry.Now()
		out, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(faces.App)})
		require.NoError(t, err)
		created := out.Repository.CreatedAt
		require.False(t, created.Before(before))
		require.False(t, created.After(f.Registry.Now()))
		require.Equal(t, created.Truncate(time.Millisecond), *created, "a time has the grain of the wire, and so everywhere")
		require.Equal(t, &types.Repository{
			CreatedAt:                  created,
			EncryptionConfiguration:    &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256},
			ImageScanningConfiguration: &types.ImageScanningConfiguration{},
			ImageTagMutability:         types.ImageTagMutabilityMutable,
			RegistryId:                 aws.String("123456789012"),
			RepositoryArn:              aws.String("arn:aws:ecr:us-east-1:123456789012:repository/team/app"),
			RepositoryName:             aws.String(faces.App),
			RepositoryUri:              aws.String("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app"),
		}, out.Repository)

		described, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{faces.App}})
		require.NoError(t, err)
		require.Equal(t, []types.Repository{*out.Repository}, described.Repositories)
	})
}

func TestRepositoriesOfNeighbours(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		for _, c := range []struct {
			face     faces.Face
			arn, uri string
		}{
			{f.In("eu-west-1"), "arn:aws:ecr:eu-west-1:123456789012:repository/team/app", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app"},
			{f.Account("210987654321"), "arn:aws:ecr:us-east-1:210987654321:repository/team/app", "210987654321.dkr.ecr.us-east-1.amazonaws.com/team/app"},
			{f.In("cn-north-1"), "arn:aws-cn:ecr:cn-north-1:123456789012:repository/team/app", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/team/app"},
			{f.In("us-gov-west-1"), "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/team/app", "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/team/app"},
			{f.In("eusc-de-east-1"), "arn:aws-eusc:ecr:eusc-de-east-1:123456789012:repository/team/app", "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/team/app"},
			{f.In("us-iso-east-1"), "arn:aws-iso:ecr:us-iso-east-1:123456789012:repository/team/app", "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/team/app"},
			{f.In("us-isob-east-1"), "arn:aws-iso-b:ecr:us-isob-east-1:123456789012:repository/team/app", "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/team/app"},
			{f.In("eu-isoe-west-1"), "arn:aws-iso-e:ecr:eu-isoe-west-1:123456789012:repository/team/app", "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk/team/app"},
			{f.In("us-isof-south-1"), "arn:aws-iso-f:ecr:us-isof-south-1:123456789012:repository/team/app", "123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov/team/app"},
		} {
			out, err := c.face.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(faces.App)})
			require.NoError(t, err)
			require.Equal(t, c.arn, *out.Repository.RepositoryArn)
			require.Equal(t, c.uri, *out.Repository.RepositoryUri)
			described, err := c.face.DescribeRepositories(t.Context(), nil)
			require.NoError(t, err)
			require.Len(t, described.Repositories, 1)
		}
	})
}

func TestRepositoryNames(t *testing.T) {
	f := faces.Direct(fakeecr.New(t))
	for _, name := range []string{"ab", "a.b", "a/b/c", "team/app-1", strings.Repeat("a", 256)} {
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name})
		require.NoError(t, err, name)
	}
	for _, name := range []string{"a..b", "a//b", "/a", "a/", "aB", "a b"} {
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name})
		var refused *types.InvalidParameterException
		require.ErrorAs(t, err, &refused, name)
	}
}

func TestRepositoriesPerRegistry(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, faces.App)
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/more")})
		faces.RequireError[*types.LimitExceededException](t, err, "The limit of 1 repositories per registry has been exceeded")
		_, err = f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(faces.App)})
		faces.RequireError[*types.RepositoryAlreadyExistsException](t, err, "The repository with name 'team/app' already exists in the registry with id '123456789012'")
		faces.Create(t, f.In("eu-west-1"), faces.App)
		_, err = f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(faces.App)})
		require.NoError(t, err)
		faces.Create(t, f, "team/more")
	}, fakeecr.WithQuota(fakeecr.RepositoriesPerRegistry, 1))
}

func TestPagesOfRepositories(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		var want []string
		for i := range 101 {
			want = append(want, fmt.Sprintf("app-%03d", i))
			faces.Create(t, f, want[i])
		}
		first, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
		require.NoError(t, err)
		require.Len(t, first.Repositories, 100, "a page has 100 unless the caller chooses")
		require.NotNil(t, first.NextToken)

		var got []string
		pages := ecr.NewDescribeRepositoriesPaginator(f, &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(34)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Repositories), 34)
			got = append(got, faces.RepositoryNames(page.Repositories)...)
		}
		require.Equal(t, want, got)

		exactly, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(101)})
		require.NoError(t, err)
		require.Nil(t, exactly.NextToken, "the last page has no token, also if it is full")
	})
}

// A token holds its place while repositories come and go, that of its page's end
// too.
func TestPageOfRepositoriesAfterChanges(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "b1")
		faces.Create(t, f, "b2")
		faces.Create(t, f, "b3")
		faces.Create(t, f, "b4")
		page := &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(2)}
		first, err := f.DescribeRepositories(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{"b1", "b2"}, faces.RepositoryNames(first.Repositories))

		for _, name := range []string{"b2", "b3"} {
			_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: &name})
			require.NoError(t, err)
		}
		faces.Create(t, f, "a1")
		faces.Create(t, f, "b2.5")
		faces.Create(t, f, "c1")
		page.NextToken = first.NextToken
		second, err := f.DescribeRepositories(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{"b2.5", "b4"}, faces.RepositoryNames(second.Repositories))
		page.NextToken = second.NextToken
		third, err := f.DescribeRepositories(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{"c1"}, faces.RepositoryNames(third.Repositories))
		require.Nil(t, third.NextToken)
	})
}

func TestTokenOfRepositories(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "aa")
		faces.Create(t, f, "bb")
		neighbour := f.In("eu-west-1")
		faces.Create(t, neighbour, "aa")
		faces.Create(t, neighbour, "bb")
		elsewhere, err := neighbour.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(1)})
		require.NoError(t, err)
		for name, token := range map[string]string{
			"of another registry": *elsewhere.NextToken,
			"made up":             "bb",
			"empty":               "",
		} {
			t.Run(name, func(t *testing.T) {
				_, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{NextToken: &token})
				faces.RequireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "nextToken", "Invalid token"))
			})
		}
		require.NotContains(t, *elsewhere.NextToken, "aa")
	})
}

// wildcards are the tags that a repository's mutability leaves out.
func wildcards(filters ...string) []types.ImageTagMutabilityExclusionFilter {
	list := []types.ImageTagMutabilityExclusionFilter{}
	for _, filter := range filters {
		list = append(list, types.ImageTagMutabilityExclusionFilter{Filter: aws.String(filter), FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard})
	}
	return list
}

const invalidAt = "Invalid parameter at '%s' failed to satisfy constraint: '%s'"
