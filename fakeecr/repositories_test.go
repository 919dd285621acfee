package fakeecr_test

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
)

// onARepository is the calls that are about one repository, complete but for it.
var onARepository = map[string]func(ctx context.Context, api fakeecr.API, registryID, name *string) error{
	"BatchCheckLayerAvailability": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.BatchCheckLayerAvailability(ctx, &ecr.BatchCheckLayerAvailabilityInput{RegistryId: registryID, RepositoryName: name, LayerDigests: []string{digestNotThere}})
		return err
	},
	"BatchDeleteImage": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RegistryId: registryID, RepositoryName: name, ImageIds: []types.ImageIdentifier{byTag("v1")}})
		return err
	},
	"BatchGetImage": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.BatchGetImage(ctx, &ecr.BatchGetImageInput{RegistryId: registryID, RepositoryName: name, ImageIds: []types.ImageIdentifier{byTag("v1")}})
		return err
	},
	"CompleteLayerUpload": func(ctx context.Context, api fakeecr.API, registryID, name *string) error {
		_, err := api.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{RegistryId: registryID, RepositoryName: name, UploadId: aws.String(noUpload), LayerDigests: []string{digestNotThere}})
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
		_, err := api.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{RegistryId: registryID, RepositoryName: name, LayerDigest: aws.String(digestNotThere)})
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
		_, err := api.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{RegistryId: registryID, RepositoryName: name, UploadId: aws.String(noUpload),
			LayerPartBlob: []byte("part"), PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(3)})
		return err
	},
}

func TestCallsOnARepository(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		for operation, call := range onARepository {
			t.Run(operation, func(t *testing.T) {
				own := aws.String("123456789012")
				requireError[*types.RepositoryNotFoundException](t, call(t.Context(), f, nil, aws.String(app)), appNotFound)
				requireError[*types.RepositoryNotFoundException](t, call(t.Context(), f, own, aws.String(app)), appNotFound)
				requireError[*types.InvalidParameterException](t, call(t.Context(), f, nil, aws.String("Bad_Name!")),
					`Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*''`)
				requireError[*types.InvalidParameterException](t, call(t.Context(), f, nil, aws.String("a")),
					"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must have length greater than or equal to 2'")
				requireError[*types.InvalidParameterException](t, call(t.Context(), f, nil, aws.String(strings.Repeat("a", 257))),
					"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must have length less than or equal to 256'")
				requireError[*types.InvalidParameterException](t, call(t.Context(), f, aws.String("1234"), aws.String(app)),
					"Invalid parameter at 'registryId' failed to satisfy constraint: 'must satisfy regular expression [0-9]{12}'")
			})
		}
	})
}

func TestCreateRepository(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		before := f.registry.Now()
		out, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		created := out.Repository.CreatedAt
		require.False(t, created.Before(before))
		require.False(t, created.After(f.registry.Now()))
		require.Equal(t, created.Truncate(time.Millisecond), *created, "a time has the grain of the wire, and so everywhere")
		require.Equal(t, &types.Repository{
			CreatedAt:                  created,
			EncryptionConfiguration:    &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256},
			ImageScanningConfiguration: &types.ImageScanningConfiguration{},
			ImageTagMutability:         types.ImageTagMutabilityMutable,
			RegistryId:                 aws.String("123456789012"),
			RepositoryArn:              aws.String("arn:aws:ecr:us-east-1:123456789012:repository/team/app"),
			RepositoryName:             aws.String(app),
			RepositoryUri:              aws.String("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app"),
		}, out.Repository)

		described, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{app}})
		require.NoError(t, err)
		require.Equal(t, []types.Repository{*out.Repository}, described.Repositories)

		_, err = f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(app), RegistryId: aws.String("123456789012"),
			ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true}})
		requireError[*types.RepositoryAlreadyExistsException](t, err,
			"The repository with name 'team/app' already exists in the registry with id '123456789012'")

		out, err = f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("scanned"),
			ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true}})
		require.NoError(t, err)
		require.True(t, out.Repository.ImageScanningConfiguration.ScanOnPush)
	})
}

func TestRepositoriesOfNeighbours(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		for _, c := range []struct {
			face     face
			arn, uri string
		}{
			{f.in("eu-west-1"), "arn:aws:ecr:eu-west-1:123456789012:repository/team/app", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app"},
			{f.account("210987654321"), "arn:aws:ecr:us-east-1:210987654321:repository/team/app", "210987654321.dkr.ecr.us-east-1.amazonaws.com/team/app"},
			{f.in("cn-north-1"), "arn:aws-cn:ecr:cn-north-1:123456789012:repository/team/app", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/team/app"},
			{f.in("us-gov-west-1"), "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/team/app", "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/team/app"},
			{f.in("eusc-de-east-1"), "arn:aws-eusc:ecr:eusc-de-east-1:123456789012:repository/team/app", "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/team/app"},
			{f.in("us-iso-east-1"), "arn:aws-iso:ecr:us-iso-east-1:123456789012:repository/team/app", "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/team/app"},
			{f.in("us-isob-east-1"), "arn:aws-iso-b:ecr:us-isob-east-1:123456789012:repository/team/app", "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/team/app"},
			{f.in("eu-isoe-west-1"), "arn:aws-iso-e:ecr:eu-isoe-west-1:123456789012:repository/team/app", "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk/team/app"},
			{f.in("us-isof-south-1"), "arn:aws-iso-f:ecr:us-isof-south-1:123456789012:repository/team/app", "123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov/team/app"},
		} {
			out, err := c.face.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(app)})
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
	f := direct(fakeecr.New(t))
	for _, name := range []string{"ab", "a__b", "a--b", "a---b", "a.b", "0a", "a/b/c", "team/app-1", strings.Repeat("a", 256)} {
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name})
		require.NoError(t, err, name)
	}
	for _, name := range []string{"a___b", "a_-b", "_a", "a_", "a..b", "a//b", "/a", "a/", "aB", "a b"} {
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name})
		var refused *types.InvalidParameterException
		require.ErrorAs(t, err, &refused, name)
	}
}

const (
	homeKeys   = "arn:aws:kms:us-east-1:123456789012:key/"
	keyID      = "1234abcd-12ab-34cd-56ef-1234567890ab"
	encryption = "Invalid parameter at 'encryptionConfiguration' failed to satisfy constraint: 'Invalid encryption configuration: "
)

func TestEncryptionConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		region  string
		kind    types.EncryptionType
		key     string
		want    string // a regular expression of the key that is shown
		refused string
	}{
		"AES256":                    {kind: types.EncryptionTypeAes256},
		"AES256 with a key":         {kind: types.EncryptionTypeAes256, key: homeKeys + keyID, refused: encryption + "Encryption key should not be set for AES256 encryption.'"},
		"KMS with ECR's key":        {kind: types.EncryptionTypeKms, want: homeKeys + "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"},
		"KMS with a key's ARN":      {kind: types.EncryptionTypeKms, key: homeKeys + keyID, want: homeKeys + keyID},
		"KMS with a key's id":       {kind: types.EncryptionTypeKms, key: keyID, want: homeKeys + keyID},
		"KMS with an alias":         {kind: types.EncryptionTypeKms, key: "alias/ours", want: "arn:aws:kms:us-east-1:123456789012:alias/ours"},
		"KMS_DSSE outside GovCloud": {kind: types.EncryptionTypeKmsDsse, refused: encryption + "KMS_DSSE encryption is not supported in this region.'"},
		"KMS_DSSE in GovCloud":      {region: "us-gov-west-1", kind: types.EncryptionTypeKmsDsse, want: "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/[0-9a-f-]{36}"},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				if c.region != "" {
					f = f.in(c.region)
				}
				config := &types.EncryptionConfiguration{EncryptionType: c.kind}
				if c.key != "" {
					config.KmsKey = &c.key
				}
				out, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(app), EncryptionConfiguration: config})
				if c.refused != "" {
					requireError[*types.InvalidParameterException](t, err, c.refused)
					return
				}
				require.NoError(t, err)
				require.Equal(t, c.kind, out.Repository.EncryptionConfiguration.EncryptionType)
				require.Equal(t, c.want != "", out.Repository.EncryptionConfiguration.KmsKey != nil)
				require.Regexp(t, "^"+c.want+"$", aws.ToString(out.Repository.EncryptionConfiguration.KmsKey))
			})
		})
	}
}

func TestKeyOfAnotherRegion(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(app), EncryptionConfiguration: &types.EncryptionConfiguration{
			EncryptionType: types.EncryptionTypeKms, KmsKey: aws.String("arn:aws:kms:eu-west-1:123456789012:key/" + keyID),
		}})
		requireError[*types.KmsException](t, err, "Invalid arn eu-west-1")
		requireError[*types.RepositoryNotFoundException](t, onARepository["ListImages"](t.Context(), f, nil, aws.String(app)), appNotFound)
	})
}

func TestTagMutabilityConfiguration(t *testing.T) {
	const at = "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: '"
	for name, c := range map[string]struct {
		mode    types.ImageTagMutability
		filters []types.ImageTagMutabilityExclusionFilter
		want    types.ImageTagMutability
		refused string
	}{
		"none":                                {want: types.ImageTagMutabilityMutable},
		"mutable":                             {mode: types.ImageTagMutabilityMutable, want: types.ImageTagMutabilityMutable},
		"immutable":                           {mode: types.ImageTagMutabilityImmutable, want: types.ImageTagMutabilityImmutable},
		"mutable with exclusion":              {mode: types.ImageTagMutabilityMutableWithExclusion, filters: wildcards("v*"), want: types.ImageTagMutabilityMutableWithExclusion},
		"immutable with exclusion":            {mode: types.ImageTagMutabilityImmutableWithExclusion, filters: wildcards("latest", "dev-*-*"), want: types.ImageTagMutabilityImmutableWithExclusion},
		"filters alone":                       {filters: wildcards("v*"), refused: at + "ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as MUTABLE'"},
		"mutable with filters":                {mode: types.ImageTagMutabilityMutable, filters: wildcards("v*"), refused: at + "ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as MUTABLE'"},
		"immutable with filters":              {mode: types.ImageTagMutabilityImmutable, filters: wildcards("v*"), refused: at + "ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as IMMUTABLE'"},
		"mutable with exclusion of nothing":   {mode: types.ImageTagMutabilityMutableWithExclusion, refused: at + "ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as MUTABLE_WITH_EXCLUSION'"},
		"immutable with exclusion of nothing": {mode: types.ImageTagMutabilityImmutableWithExclusion, refused: at + "ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as IMMUTABLE_WITH_EXCLUSION'"},
		"three wildcards in a filter":         {mode: types.ImageTagMutabilityMutableWithExclusion, filters: wildcards("*a*b*"), refused: at + "Invalid filter provided. Total number of * must not exceed 2'"},
		"no filter":                           {mode: types.ImageTagMutabilityMutableWithExclusion, filters: wildcards(), refused: at + "Member must have length greater than or equal to 1'"},
		"six filters":                         {mode: types.ImageTagMutabilityMutableWithExclusion, filters: wildcards("a", "b", "c", "d", "e", "f"), refused: at + "Member must have length less than or equal to 5'"},
		"a mode that is none of ECR's":        {mode: "SOMETIMES", refused: "Invalid parameter at 'imageTagMutability' failed to satisfy constraint: 'Member must satisfy enum value set: [IMMUTABLE, MUTABLE, MUTABLE_WITH_EXCLUSION, IMMUTABLE_WITH_EXCLUSION]'"},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				out, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{
					RepositoryName: aws.String(app), ImageTagMutability: c.mode, ImageTagMutabilityExclusionFilters: c.filters,
				})
				if c.refused != "" {
					requireError[*types.InvalidParameterException](t, err, c.refused)
					return
				}
				require.NoError(t, err)
				require.Equal(t, c.want, out.Repository.ImageTagMutability)
				require.Equal(t, c.filters, out.Repository.ImageTagMutabilityExclusionFilters, "without filters the member is left out")
			})
		})
	}
}

func manyTags(n int) []types.Tag {
	tags := make([]types.Tag, n)
	for i := range tags {
		tags[i] = types.Tag{Key: aws.String(fmt.Sprint("key", i)), Value: aws.String("value")}
	}
	return tags
}

func TestTagsAtCreation(t *testing.T) {
	one := func(key, value string) []types.Tag { return []types.Tag{{Key: &key, Value: &value}} }
	for name, c := range map[string]struct {
		tags    []types.Tag
		refused bool
	}{
		"all characters":           {tags: one("Ключ 1+-=._:/@", "wert äöü 中 +-=._:/@")},
		"an empty value":           {tags: one("team", "")},
		"no tags":                  {tags: []types.Tag{}},
		"the longest":              {tags: one(strings.Repeat("ä", 128), strings.Repeat("ä", 256))},
		"as many as there may be":  {tags: manyTags(50)},
		"an empty key":             {tags: one("", "app"), refused: true},
		"a key that is too long":   {tags: one(strings.Repeat("k", 129), "app"), refused: true},
		"a value that is too long": {tags: one("team", strings.Repeat("v", 257)), refused: true},
		"parentheses in a value":   {tags: one("team", "app (new)"), refused: true},
		"parentheses in a key":     {tags: one("team(s)", "app"), refused: true},
		"a key of AWS":             {tags: one("aws:team", "app"), refused: true},
		"a key of AWS in capitals": {tags: one("AWS:team", "app"), refused: true},
		"a key twice":              {tags: append(one("team", "a"), one("team", "b")...), refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(app), Tags: c.tags})
				if c.refused {
					requireError[*types.InvalidTagParameterException](t, err, "Tag parameters are invalid")
					return
				}
				require.NoError(t, err)
			})
		})
	}
	t.Run("too many", func(t *testing.T) {
		onAllFaces(t, func(t *testing.T, f face) {
			_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(app), Tags: manyTags(51)})
			requireError[*types.TooManyTagsException](t, err, "The resource with ARN 'arn:aws:ecr:us-east-1:123456789012:repository/team/app' cannot have more than 50 tags")
		})
	})
}

func TestRepositoriesPerRegistry(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/more")})
		requireError[*types.LimitExceededException](t, err, "The limit of 1 repositories per registry has been exceeded")
		_, err = f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(app)})
		requireError[*types.RepositoryAlreadyExistsException](t, err, "The repository with name 'team/app' already exists in the registry with id '123456789012'")
		create(t, f.in("eu-west-1"), app)
		_, err = f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		create(t, f, "team/more")
	}, fakeecr.WithQuota(fakeecr.RepositoriesPerRegistry, 1))
}

func TestDeleteRepository(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		f.registry.MustPush(app+":v1", fakeecr.RandomImage(1, 100))
		described, err := f.DescribeRepositories(t.Context(), nil)
		require.NoError(t, err)

		_, err = f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(app)})
		requireError[*types.RepositoryNotEmptyException](t, err,
			"The repository with name 'team/app' in registry with id '123456789012' cannot be deleted because it still contains images")
		require.Len(t, f.imageIDs(t, app), 1)

		out, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(app), Force: true})
		require.NoError(t, err)
		require.Equal(t, &described.Repositories[0], out.Repository)
		_, err = f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(app), Force: true})
		requireError[*types.RepositoryNotFoundException](t, err, appNotFound)

		create(t, f, app)
		require.Empty(t, f.imageIDs(t, app), "a new repository has nothing of the old one")
	})
}

// Layers and uploads without an image do not keep a repository.
func TestDeleteRepositoryWithoutImages(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, app)
		f.pushLayer(t, app, []byte("layer"), 100)
		upload := f.beginUpload(t, app)
		_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)

		create(t, f, app)
		_, err = f.sendPart(t, app, upload, 0, []byte("part"))
		requireError[*types.UploadNotFoundException](t, err, fmt.Sprintf(uploadNotInApp, *upload))
		require.Equal(t, types.LayerAvailabilityUnavailable, f.availability(t, digestOf([]byte("layer"))))
	})
}

func TestDescribeRepositoriesByName(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, "bb")
		create(t, f, "aa")
		create(t, f, "cc")
		names := func(in ...string) []string {
			out, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: in})
			require.NoError(t, err)
			require.Nil(t, out.NextToken)
			return repositoryNames(out.Repositories)
		}
		require.Equal(t, []string{"aa", "bb", "cc"}, names())
		require.Equal(t, []string{"cc", "aa"}, names("cc", "aa"))
		require.Equal(t, []string{"aa", "bb"}, names("aa", "bb", "aa"))

		_, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"aa", "no1", "no2"}})
		requireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'no1' does not exist in the registry with id '123456789012'")
		_, err = f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"aa"}, MaxResults: aws.Int32(1)})
		requireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "maxResults", fmt.Sprintf(notAsIn, "repositories with repositoryNames")))
		_, err = f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"aa"}, NextToken: aws.String("token")})
		requireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "nextToken", fmt.Sprintf(notAsIn, "repositories with repositoryNames")))
	})
}

func repositoryNames(repositories []types.Repository) []string {
	names := make([]string, len(repositories))
	for i, repo := range repositories {
		names[i] = *repo.RepositoryName
	}
	return names
}

func TestPagesOfRepositories(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		var want []string
		for i := range 101 {
			want = append(want, fmt.Sprintf("app-%03d", i))
			create(t, f, want[i])
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
			got = append(got, repositoryNames(page.Repositories)...)
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
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, "b1")
		create(t, f, "b2")
		create(t, f, "b3")
		create(t, f, "b4")
		page := &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(2)}
		first, err := f.DescribeRepositories(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{"b1", "b2"}, repositoryNames(first.Repositories))

		for _, name := range []string{"b2", "b3"} {
			_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: &name})
			require.NoError(t, err)
		}
		create(t, f, "a1")
		create(t, f, "b2.5")
		create(t, f, "c1")
		page.NextToken = first.NextToken
		second, err := f.DescribeRepositories(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{"b2.5", "b4"}, repositoryNames(second.Repositories))
		page.NextToken = second.NextToken
		third, err := f.DescribeRepositories(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, []string{"c1"}, repositoryNames(third.Repositories))
		require.Nil(t, third.NextToken)
	})
}

func TestTokenOfRepositories(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		create(t, f, "aa")
		create(t, f, "bb")
		neighbour := f.in("eu-west-1")
		create(t, neighbour, "aa")
		create(t, neighbour, "bb")
		elsewhere, err := neighbour.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(1)})
		require.NoError(t, err)
		for name, token := range map[string]string{
			"of another registry": *elsewhere.NextToken,
			"made up":             "bb",
			"empty":               "",
		} {
			t.Run(name, func(t *testing.T) {
				_, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{NextToken: &token})
				requireError[*types.InvalidParameterException](t, err, fmt.Sprintf(invalidAt, "nextToken", "Invalid token"))
			})
		}
		require.NotContains(t, *elsewhere.NextToken, "aa")
	})
}
