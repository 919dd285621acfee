package registry_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// onPush is a template for pushes with mutable tags or not, by which its
// repositories are known.
func onPush(prefix string, mutability types.ImageTagMutability) *ecr.CreateRepositoryCreationTemplateInput {
	return &ecr.CreateRepositoryCreationTemplateInput{
		Prefix: &prefix, AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}, ImageTagMutability: mutability,
	}
}

func TestCreateOnPush(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		template := onPush("prod", types.ImageTagMutabilityImmutableWithExclusion)
		template.ImageTagMutabilityExclusionFilters = wildcards("dev-*")
		template.EncryptionConfiguration = &types.EncryptionConfigurationForRepositoryCreationTemplate{EncryptionType: types.EncryptionTypeKms}
		template.ResourceTags = []types.Tag{tag("team", "core")}
		template.CustomRoleArn = aws.String(roleOfTemplate)
		template.RepositoryPolicy, template.LifecyclePolicy = aws.String(templatePolicy), aws.String(keepTen)
		_, err := f.CreateRepositoryCreationTemplate(t.Context(), template)
		require.NoError(t, err)

		require.NoError(t, faces.PushThrough(t.Context(), f, "prod/app", "v1", fakeecr.RandomImage(1, 100)))
		made := describeRepository(t, f, "prod/app")
		require.Equal(t, types.ImageTagMutabilityImmutableWithExclusion, made.ImageTagMutability)
		require.Equal(t, template.ImageTagMutabilityExclusionFilters, made.ImageTagMutabilityExclusionFilters)
		require.Equal(t, types.EncryptionTypeKms, made.EncryptionConfiguration.EncryptionType)
		require.Regexp(t, "^arn:aws:kms:us-east-1:123456789012:key/", *made.EncryptionConfiguration.KmsKey)

		policy, err := f.GetRepositoryPolicy(t.Context(), &ecr.GetRepositoryPolicyInput{RepositoryName: made.RepositoryName})
		require.NoError(t, err)
		require.Equal(t, templatePrinted, *policy.PolicyText)
		expiry, err := f.GetLifecyclePolicy(t.Context(), &ecr.GetLifecyclePolicyInput{RepositoryName: made.RepositoryName})
		require.NoError(t, err)
		require.Equal(t, keepTenOut, *expiry.LifecyclePolicyText)
		tags, err := f.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: made.RepositoryArn})
		require.NoError(t, err)
		require.Equal(t, []types.Tag{tag("team", "core")}, tags.Tags)

		// The template holds for what is created, not for what is there.
		_, err = f.UpdateRepositoryCreationTemplate(t.Context(), &ecr.UpdateRepositoryCreationTemplateInput{
			Prefix: aws.String("prod"), ImageTagMutability: types.ImageTagMutabilityMutable,
		})
		require.NoError(t, err)
		require.NoError(t, faces.PushThrough(t.Context(), f, "prod/app", "v2", fakeecr.RandomImage(2, 100)))
		require.Equal(t, made, describeRepository(t, f, "prod/app"))
	})
}

func TestCreateOnPushChoosesTheLongestPrefix(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		other := forEverything("prod/team/other")
		other.AppliedFor = []types.RCTAppliedFor{types.RCTAppliedForReplication}
		for _, template := range []*ecr.CreateRepositoryCreationTemplateInput{
			onPush("prod", types.ImageTagMutabilityMutable), onPush("prod/team", types.ImageTagMutabilityImmutable), other,
		} {
			_, err := f.CreateRepositoryCreationTemplate(t.Context(), template)
			require.NoError(t, err)
		}
		for name, mutability := range map[string]types.ImageTagMutability{
			"prod/app":            types.ImageTagMutabilityMutable,
			"prod/teams/app":      types.ImageTagMutabilityMutable,
			"prod/team":           types.ImageTagMutabilityMutable,
			"prod/team/app":       types.ImageTagMutabilityImmutable,
			"prod/team/other/app": types.ImageTagMutabilityImmutable,
		} {
			_, err := f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: &name})
			require.NoError(t, err)
			require.Equal(t, mutability, describeRepository(t, f, name).ImageTagMutability, name)
		}
		for _, name := range []string{"prod", "production", "test/prod/app"} {
			_, err := f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: &name})
			faces.RequireError[*types.RepositoryNotFoundException](t, err, "The repository with name '"+name+"' does not exist in the registry with id '123456789012'")
		}
		_, err := f.CreateRepositoryCreationTemplate(t.Context(), onPush("ROOT", types.ImageTagMutabilityImmutable))
		require.NoError(t, err)
		_, err = f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: aws.String("prod")})
		require.NoError(t, err)
		require.Equal(t, types.ImageTagMutabilityImmutable, describeRepository(t, f, "prod").ImageTagMutability)
	})
}

// A manifest needs layers in its repository, so that PutImage as the first call
// of a push fails, and leaves nothing behind.
func TestCreateOnPushByPutImage(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 100)
		put := func() error {
			_, err := f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String("team/app"), ImageManifest: aws.String(string(image.Manifest))})
			return err
		}
		faces.RequireError[*types.RepositoryNotFoundException](t, put(), "The repository with name 'team/app' does not exist in the registry with id '123456789012'")
		_, err := f.CreateRepositoryCreationTemplate(t.Context(), onPush("team", ""))
		require.NoError(t, err)
		faces.RequireError[*types.LayersNotFoundException](t, put(), "Layers with digests '["+faces.DigestOf(image.Blobs[1])+", "+faces.DigestOf(image.Blobs[0])+
			"]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist")
		require.Empty(t, faces.Repositories(t, f))
	})
}

func TestCreateOnPushFails(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(in *ecr.CreateRepositoryCreationTemplateInput)
		code    string
		message string
	}{
		"tags without a role": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.ResourceTags = []types.Tag{tag("team", "core")}
			},
			"AccessDeniedException", "User: arn:aws:iam::123456789012:role/aws-service-role/ecr.amazonaws.com/AWSServiceRoleForECRTemplate is not authorized to perform: ecr:TagResource " +
				"on resource: arn:aws:ecr:us-east-1:123456789012:repository/team/app because no identity-based policy allows the ecr:TagResource action",
		},
		"a key without a role": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.EncryptionConfiguration = &types.EncryptionConfigurationForRepositoryCreationTemplate{EncryptionType: types.EncryptionTypeKms, KmsKey: aws.String(someKey)}
			},
			"KmsException", "User: arn:aws:iam::123456789012:role/aws-service-role/ecr.amazonaws.com/AWSServiceRoleForECRTemplate is not authorized to perform: kms:CreateGrant " +
				"on resource: " + someKey + " because no resource-based policy allows the kms:CreateGrant action",
		},
		"a key of another region": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.CustomRoleArn = aws.String(roleOfTemplate)
				in.EncryptionConfiguration = &types.EncryptionConfigurationForRepositoryCreationTemplate{
					EncryptionType: types.EncryptionTypeKms, KmsKey: aws.String("arn:aws:kms:eu-west-1:123456789012:key/1234"),
				}
			},
			"KmsException", "Invalid arn eu-west-1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				template := onPush("team", "")
				test.change(template)
				_, err := f.CreateRepositoryCreationTemplate(t.Context(), template)
				require.NoError(t, err, "KMS is asked when a repository is created")
				_, err = f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: aws.String("team/app")})
				faces.RequireRefusal(t, err, test.code, test.message)
				require.Empty(t, faces.Repositories(t, f))
			})
		})
	}
}

// Who pushes to a repository that is not there must be allowed to create it.
func TestCreateOnPushNeedsPermission(t *testing.T) {
	const (
		ci     = "arn:aws:iam::123456789012:role/ci"
		upload = `{"Effect":"Allow","Principal":"*","Action":"ecr:InitiateLayerUpload","Resource":"*"}`
		create = `{"Effect":"Allow","Principal":"*","Action":"ecr:CreateRepository","Resource":"*"}`
		deny   = `{"Effect":"Deny","Principal":"*","Action":"ecr:CreateRepository","Resource":"*"}`
	)
	own := func(allowed string) string {
		return faces.Statements(`{"Effect":"Allow","Action":[` + allowed + `],"Resource":"*"}`)
	}
	for name, test := range map[string]struct {
		// identity is the caller's own policy, registry that of the account's registry.
		identity, account, registry string
		denied                      string
	}{
		"its own policy allows it":  {identity: own(`"ecr:InitiateLayerUpload","ecr:CreateRepository"`), account: "123456789012"},
		"its own policy does not":   {identity: own(`"ecr:InitiateLayerUpload"`), account: "123456789012", denied: faces.NotAllowed(ci, "CreateRepository", appARN, "identity-based")},
		"the registry's denies it":  {identity: own(`"ecr:*"`), account: "123456789012", registry: faces.Statements(deny), denied: explicitlyDenied(ci, "CreateRepository", appARN, "a resource-based")},
		"another account allows it": {identity: own(`"ecr:*"`), account: faces.Other, registry: faces.Statements(upload, create)},
		"another account does not":  {identity: own(`"ecr:*"`), account: faces.Other, registry: faces.Statements(upload), denied: faces.NotAllowed(ci, "CreateRepository", faces.OtherARN+"team/app", "resource-based")},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				owner := f.Account(test.account)
				_, err := owner.CreateRepositoryCreationTemplate(t.Context(), onPush("team", ""))
				require.NoError(t, err)
				if test.registry != "" {
					putRegistryPolicy(t, owner, test.registry)
				}
				push := func(repository string) error {
					_, err := f.As(ci, test.identity).InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RegistryId: &test.account, RepositoryName: &repository})
					return err
				}
				requireOutcome(t, push("team/app"), test.denied)
				if test.denied != "" {
					require.Empty(t, faces.Repositories(t, owner))
				}
				require.ErrorAs(t, push("other/app"), new(*types.RepositoryNotFoundException), "there is no template for it")
			})
		})
	}
}

// Of the two operations that begin a push only PutImage has an exception for this.
func TestCreateOnPushOverTheQuota(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		_, err := f.CreateRepositoryCreationTemplate(t.Context(), onPush("team", ""))
		require.NoError(t, err)
		name := aws.String("team/app")
		_, err = f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: name})
		faces.RequireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'team/app' does not exist in the registry with id '123456789012'")
		_, err = f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: name, ImageManifest: aws.String(string(fakeecr.RandomImage(1, 100).Manifest))})
		faces.RequireError[*types.LimitExceededException](t, err, "The limit of 0 repositories per registry has been exceeded")
		require.Empty(t, faces.Repositories(t, f))
	}, fakeecr.WithQuota(fakeecr.RepositoriesPerRegistry, 0))
}
