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

const (
	templatePolicy  = `{"Version":"2012-10-17","Statement":[{"Sid":"Pull","Effect":"Allow","Principal":"*","Action":["ecr:BatchGetImage"]}]}`
	templatePrinted = "{\n  \"Version\" : \"2012-10-17\",\n  \"Statement\" : [ {\n    \"Sid\" : \"Pull\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : \"*\",\n    \"Action\" : \"ecr:BatchGetImage\"\n  } ]\n}"

	// keepTen has blanks and line ends as only its author would set them.
	keepTen    = `{"rules": [{"rulePriority": 1,  "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},` + "\r\n\t" + `"action": {"type": "expire"}}]}` + "\n"
	keepTenOut = `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":10},"action":{"type":"expire"}}]}`

	euKey = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

	roleOfTemplate = "arn:aws:iam::123456789012:role/ecr-template"
)

// forEverything is a template for all that ECR creates.
func forEverything(prefix string) *ecr.CreateRepositoryCreationTemplateInput {
	return &ecr.CreateRepositoryCreationTemplateInput{Prefix: &prefix, AppliedFor: types.RCTAppliedFor("").Values()}
}

func tag(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }

func TestTemplateDefaults(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		created, err := f.CreateRepositoryCreationTemplate(t.Context(), &ecr.CreateRepositoryCreationTemplateInput{
			Prefix: aws.String("prod"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForPullThroughCache, types.RCTAppliedForReplication},
		})
		require.NoError(t, err)
		now := f.Registry.Now()
		require.Equal(t, "123456789012", *created.RegistryId)
		template := created.RepositoryCreationTemplate
		require.WithinRange(t, *template.CreatedAt, now.Add(-time.Minute), now)
		require.Equal(t, &types.RepositoryCreationTemplate{
			Prefix:                  aws.String("prod"),
			AppliedFor:              []types.RCTAppliedFor{types.RCTAppliedForPullThroughCache, types.RCTAppliedForReplication},
			EncryptionConfiguration: &types.EncryptionConfigurationForRepositoryCreationTemplate{EncryptionType: types.EncryptionTypeAes256},
			ImageTagMutability:      types.ImageTagMutabilityMutable,
			ResourceTags:            []types.Tag{},
			CreatedAt:               template.CreatedAt,
			UpdatedAt:               template.CreatedAt,
		}, template)

		described, err := f.DescribeRepositoryCreationTemplates(t.Context(), &ecr.DescribeRepositoryCreationTemplatesInput{})
		require.NoError(t, err)
		require.Equal(t, "123456789012", *described.RegistryId)
		require.Equal(t, []types.RepositoryCreationTemplate{*template}, described.RepositoryCreationTemplates)
		require.Nil(t, described.NextToken)
	})
}

func TestTemplateUpdateKeepsWhatIsLeftOut(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		full := forEverything("prod/")
		full.Description = aws.String("production")
		full.EncryptionConfiguration = &types.EncryptionConfigurationForRepositoryCreationTemplate{
			EncryptionType: types.EncryptionTypeKms, KmsKey: aws.String("arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
		}
		full.ResourceTags = []types.Tag{tag("team", "core")}
		full.ImageTagMutability = types.ImageTagMutabilityImmutableWithExclusion
		full.ImageTagMutabilityExclusionFilters = wildcards("dev-*")
		full.RepositoryPolicy, full.LifecyclePolicy = aws.String(templatePolicy), aws.String(keepTen)
		full.CustomRoleArn = aws.String(roleOfTemplate)
		created, err := f.CreateRepositoryCreationTemplate(t.Context(), full)
		require.NoError(t, err)
		want := created.RepositoryCreationTemplate
		require.Equal(t, templatePrinted, *want.RepositoryPolicy, "as GetRepositoryPolicy answers it")
		require.Equal(t, keepTen, *want.LifecyclePolicy, "as it was sent")
		require.Equal(t, full.EncryptionConfiguration, want.EncryptionConfiguration)

		// Each update changes what it gives, and want with it.
		for _, step := range []struct {
			update *ecr.UpdateRepositoryCreationTemplateInput
			change func()
		}{
			{&ecr.UpdateRepositoryCreationTemplateInput{}, func() {}},
			{&ecr.UpdateRepositoryCreationTemplateInput{Description: aws.String("live")}, func() { want.Description = aws.String("live") }},
			{&ecr.UpdateRepositoryCreationTemplateInput{ImageTagMutability: types.ImageTagMutabilityMutableWithExclusion}, func() {
				want.ImageTagMutability = types.ImageTagMutabilityMutableWithExclusion
			}},
			{&ecr.UpdateRepositoryCreationTemplateInput{ImageTagMutabilityExclusionFilters: wildcards("v*")}, func() {
				want.ImageTagMutabilityExclusionFilters = wildcards("v*")
			}},
			{&ecr.UpdateRepositoryCreationTemplateInput{ImageTagMutability: types.ImageTagMutabilityImmutable}, func() {
				want.ImageTagMutability, want.ImageTagMutabilityExclusionFilters = types.ImageTagMutabilityImmutable, nil
			}},
			{&ecr.UpdateRepositoryCreationTemplateInput{RepositoryPolicy: aws.String("")}, func() { want.RepositoryPolicy = nil }},
			{&ecr.UpdateRepositoryCreationTemplateInput{LifecyclePolicy: aws.String("")}, func() { want.LifecyclePolicy = nil }},
			{&ecr.UpdateRepositoryCreationTemplateInput{ResourceTags: []types.Tag{}}, func() { want.ResourceTags = []types.Tag{} }},
			{&ecr.UpdateRepositoryCreationTemplateInput{CustomRoleArn: aws.String("")}, func() { want.CustomRoleArn = nil }},
			{&ecr.UpdateRepositoryCreationTemplateInput{AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForReplication}}, func() {
				want.AppliedFor = []types.RCTAppliedFor{types.RCTAppliedForReplication}
			}},
			{&ecr.UpdateRepositoryCreationTemplateInput{EncryptionConfiguration: &types.EncryptionConfigurationForRepositoryCreationTemplate{
				EncryptionType: types.EncryptionTypeAes256, KmsKey: aws.String(""),
			}}, func() {
				want.EncryptionConfiguration = &types.EncryptionConfigurationForRepositoryCreationTemplate{EncryptionType: types.EncryptionTypeAes256}
			}},
		} {
			f.Registry.Advance(time.Minute)
			// The "/" at the end of a prefix goes without saying.
			step.update.Prefix = aws.String("prod")
			updated, err := f.UpdateRepositoryCreationTemplate(t.Context(), step.update)
			require.NoError(t, err)
			require.Equal(t, "123456789012", *updated.RegistryId)
			got := updated.RepositoryCreationTemplate
			require.GreaterOrEqual(t, got.UpdatedAt.Sub(*want.UpdatedAt), time.Minute)
			want.UpdatedAt = got.UpdatedAt
			step.change()
			require.Equal(t, want, got)
		}

		deleted, err := f.DeleteRepositoryCreationTemplate(t.Context(), &ecr.DeleteRepositoryCreationTemplateInput{Prefix: aws.String("prod")})
		require.NoError(t, err)
		require.Equal(t, "123456789012", *deleted.RegistryId)
		require.Equal(t, want, deleted.RepositoryCreationTemplate)
		_, err = f.DeleteRepositoryCreationTemplate(t.Context(), &ecr.DeleteRepositoryCreationTemplateInput{Prefix: aws.String("prod")})
		faces.RequireError[*types.TemplateNotFoundException](t, err, "The repository creation template with the prefix 'prod' does not exist in the registry with id '123456789012'")
		_, err = f.UpdateRepositoryCreationTemplate(t.Context(), &ecr.UpdateRepositoryCreationTemplateInput{Prefix: aws.String("prod")})
		faces.RequireError[*types.TemplateNotFoundException](t, err, "The repository creation template with the prefix 'prod' does not exist in the registry with id '123456789012'")
	})
}

func TestTemplateRefusals(t *testing.T) {
	fifty := make([]types.Tag, 51)
	for i := range fifty {
		fifty[i] = tag(strings.Repeat("k", i+1), "")
	}
	for name, test := range map[string]struct {
		change  func(in *ecr.CreateRepositoryCreationTemplateInput)
		code    string
		message string
	}{
		"policy with a resource": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.RepositoryPolicy = aws.String(strings.Replace(templatePolicy, `"Sid"`, `"Resource":"*","Sid"`, 1))
			},
			"InvalidParameterException", "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
		},
		"lifecycle policy that is no JSON": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) { in.LifecyclePolicy = aws.String("keep ten") },
			"InvalidParameterException", "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy parsing failure: Could not map policyString into LifecyclePolicy.'",
		},
		"lifecycle policy without rules": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) { in.LifecyclePolicy = aws.String("{}") },
			"InvalidParameterException", `Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: object has missing required properties (["rules"])'`,
		},
		"filters without exclusion": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.ImageTagMutability = types.ImageTagMutabilityImmutable
				in.ImageTagMutabilityExclusionFilters = wildcards("v*")
			},
			"InvalidParameterException", "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as IMMUTABLE'",
		},
		"exclusion without filters": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.ImageTagMutability = types.ImageTagMutabilityMutableWithExclusion
			},
			"InvalidParameterException", "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as MUTABLE_WITH_EXCLUSION'",
		},
		"a key for AES256": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.EncryptionConfiguration = &types.EncryptionConfigurationForRepositoryCreationTemplate{
					EncryptionType: types.EncryptionTypeAes256, KmsKey: aws.String("arn:aws:kms:us-east-1:123456789012:key/1234"),
				}
			},
			"InvalidParameterException", "Invalid parameter at 'encryptionConfiguration' failed to satisfy constraint: 'Invalid encryption configuration: Encryption key should not be set for AES256 encryption.'",
		},
		"a purpose that does not exist": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) { in.AppliedFor = []types.RCTAppliedFor{"PUSH"} },
			"InvalidParameterException", "Invalid parameter at 'appliedFor' failed to satisfy constraint: 'Member must satisfy constraint: [Member must satisfy enum value set: [REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH]]'",
		},
		"a tag of AWS": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.ResourceTags = []types.Tag{tag("aws:owner", "x")}
			},
			"InvalidParameterException", "Invalid parameter at 'resourceTags' failed to satisfy constraint: 'Tag parameters are invalid'",
		},
		"51 tags": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) { in.ResourceTags = fifty },
			"InvalidParameterException", "Invalid parameter at 'resourceTags' failed to satisfy constraint: 'The resource cannot have more than 50 tags'",
		},
		"a role of another account": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.CustomRoleArn = aws.String("arn:aws:iam::210987654321:role/x")
			},
			"ValidationException", "The custom role ARN 'arn:aws:iam::210987654321:role/x' is not valid. Specify a role in the same account as the registry and try again.",
		},
		"a role of a name that IAM does not take": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.CustomRoleArn = aws.String("arn:aws:iam::123456789012:role/no role")
			},
			"ValidationException", "The custom role ARN 'arn:aws:iam::123456789012:role/no role' is not valid. Specify a role in the same account as the registry and try again.",
		},
		"a prefix that is there": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) { in.Prefix = aws.String("there/") },
			"TemplateAlreadyExistsException", "The repository creation template with the prefix 'there/' already exists in the registry with id '123456789012'",
		},
		"one more than the quota": {
			func(*ecr.CreateRepositoryCreationTemplateInput) {},
			"LimitExceededException", "The limit of 1 repository creation templates has been exceeded",
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				_, err := f.CreateRepositoryCreationTemplate(t.Context(), forEverything("there"))
				require.NoError(t, err)
				in := forEverything("prod")
				test.change(in)
				_, err = f.CreateRepositoryCreationTemplate(t.Context(), in)
				faces.RequireRefusal(t, err, test.code, test.message)

				described, err := f.DescribeRepositoryCreationTemplates(t.Context(), &ecr.DescribeRepositoryCreationTemplatesInput{})
				require.NoError(t, err)
				require.Len(t, described.RepositoryCreationTemplates, 1)
			}, fakeecr.WithQuota(fakeecr.RepositoryCreationTemplates, 1))
		})
	}
}

// The checks of an update are those of a creation; this one comes with what the
// update leaves out.
func TestTemplateUpdateIsCheckedAsAWhole(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		_, err := f.CreateRepositoryCreationTemplate(t.Context(), forEverything("prod"))
		require.NoError(t, err)
		_, err = f.UpdateRepositoryCreationTemplate(t.Context(), &ecr.UpdateRepositoryCreationTemplateInput{
			Prefix: aws.String("prod"), ImageTagMutabilityExclusionFilters: wildcards("v*"),
		})
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as MUTABLE'")
		_, err = f.UpdateRepositoryCreationTemplate(t.Context(), &ecr.UpdateRepositoryCreationTemplateInput{
			Prefix: aws.String("prod"), CustomRoleArn: aws.String("x"),
		})
		faces.RequireError[*types.ValidationException](t, err, "The custom role ARN 'x' is not valid. Specify a role in the same account as the registry and try again.")
	})
}

func TestTemplatesByPage(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		for _, prefix := range []string{"b", "a/", "ROOT", "c/d"} {
			_, err := f.CreateRepositoryCreationTemplate(t.Context(), forEverything(prefix))
			require.NoError(t, err)
		}
		pages := func(in *ecr.DescribeRepositoryCreationTemplatesInput) [][]string {
			return paged(t, ecr.NewDescribeRepositoryCreationTemplatesPaginator(f, in), func(page *ecr.DescribeRepositoryCreationTemplatesOutput) (prefixes []string) {
				for _, template := range page.RepositoryCreationTemplates {
					prefixes = append(prefixes, *template.Prefix)
				}
				return prefixes
			})
		}
		require.Equal(t, [][]string{{"ROOT", "a/", "b"}, {"c/d"}}, pages(&ecr.DescribeRepositoryCreationTemplatesInput{MaxResults: aws.Int32(3)}))
		require.Equal(t, [][]string{{"a/", "c/d"}}, pages(&ecr.DescribeRepositoryCreationTemplatesInput{Prefixes: []string{"c/d/", "none", "a"}}))

		_, err := f.DescribeRepositoryCreationTemplates(t.Context(), &ecr.DescribeRepositoryCreationTemplatesInput{NextToken: aws.String("x")})
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
		elsewhere, err := f.In("eu-west-1").DescribeRepositoryCreationTemplates(t.Context(), &ecr.DescribeRepositoryCreationTemplatesInput{})
		require.NoError(t, err)
		require.NotNil(t, elsewhere.RepositoryCreationTemplates)
		require.Empty(t, elsewhere.RepositoryCreationTemplates)
	})
}

// A replica's repository has the settings of the template where it arrives; what
// makes the template or its key fail fails the replica.
func TestReplicasArriveByTemplate(t *testing.T) {
	encrypted := &types.EncryptionConfigurationForRepositoryCreationTemplate{EncryptionType: types.EncryptionTypeKms, KmsKey: aws.String(euKey)}
	for name, test := range map[string]struct {
		change func(in *ecr.CreateRepositoryCreationTemplateInput)
		key    fakeecr.KMSKeyState
		status types.ImageReplicationStatus
	}{
		"settings": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.ImageTagMutability, in.CustomRoleArn = types.ImageTagMutabilityImmutable, aws.String(roleOfTemplate)
				in.EncryptionConfiguration, in.ResourceTags = encrypted, []types.Tag{tag("team", "core")}
			},
			fakeecr.KeyEnabled, replicaIn("eu-west-1", types.ReplicationStatusComplete),
		},
		"tags without a role": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.ResourceTags = []types.Tag{tag("team", "core")}
			},
			fakeecr.KeyEnabled, failedReplica("eu-west-1", "123456789012", "AccessDenied"),
		},
		"a key that is disabled": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.EncryptionConfiguration, in.CustomRoleArn = encrypted, aws.String(roleOfTemplate)
			},
			fakeecr.KeyDisabled, failedReplica("eu-west-1", "123456789012", "Kms"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				there := f.In("eu-west-1")
				template := forEverything("team")
				template.AppliedFor = []types.RCTAppliedFor{types.RCTAppliedForReplication}
				test.change(template)
				_, err := there.CreateRepositoryCreationTemplate(t.Context(), template)
				require.NoError(t, err)
				f.Registry.SetKMSKey(euKey, test.key)
				replicateTo(t, f, destination("eu-west-1"))
				digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
				f.Registry.Advance(arrivalLag)
				require.Equal(t, []types.ImageReplicationStatus{test.status}, replicas(t, f, "team/app", digest))
				if test.status.Status == types.ReplicationStatusFailed {
					require.Empty(t, faces.Repositories(t, there))
					return
				}
				made := describeRepository(t, there, "team/app")
				require.Equal(t, types.ImageTagMutabilityImmutable, made.ImageTagMutability)
				require.Equal(t, euKey, *made.EncryptionConfiguration.KmsKey)
			})
		})
	}
}

// Replication reads with the source's key and writes with the destination's, also
// where the repository is there already.
func TestReplicasNeedBothKeys(t *testing.T) {
	for name, disabled := range map[string]string{"source": someKey, "destination": euKey} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				for api, key := range map[fakeecr.API]string{f.API: someKey, f.In("eu-west-1").API: euKey} {
					_, err := api.CreateRepository(t.Context(), encryptedBy(key))
					require.NoError(t, err)
				}
				replicateTo(t, f, destination("eu-west-1"))
				digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
				f.Registry.SetKMSKey(disabled, fakeecr.KeyDisabled)
				f.Registry.Advance(arrivalLag)
				require.Equal(t, []types.ImageReplicationStatus{failedReplica("eu-west-1", "123456789012", "Kms")}, replicas(t, f, "team/app", digest))
			})
		})
	}
}

func describeRepository(t *testing.T, api fakeecr.API, name string) types.Repository {
	t.Helper()
	out, err := api.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	require.NoError(t, err)
	require.Len(t, out.Repositories, 1)
	return out.Repositories[0]
}
