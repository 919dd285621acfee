package fakeecr

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/stage"
)

// An example makes the input of a call. It may lean on what earlier calls
// answered.
type example func(e *earlier) any

type earlier struct{ upload, token, backfill *string }

func (e *earlier) note(out any) {
	switch out := out.(type) {
	case *ecr.InitiateLayerUploadOutput:
		e.upload = aws.String(*out.UploadId)
	case *ecr.ListImagesOutput:
		if out.NextToken != nil {
			e.token = aws.String(*out.NextToken)
		}
	case *ecr.StartReplicationBackfillOutput:
		e.backfill = aws.String(*out.ReplicationBackfillId)
	}
}

func of[In any](in In) example { return func(*earlier) any { return &in } }

// Each operation has an example that is answered, and those that list something
// one that finds nothing.
var examples = slices.Concat(repositoryExamples, layerExamples, imageExamples, settingExamples, policyExamples, scanExamples, lifecycleExamples,
	replicationExamples, accountExamples)

var (
	exampleName  = aws.String("team/app")
	exampleImage = RandomImage(1, 100)
	exampleLayer = digest.FromBytes(exampleImage.Blobs[0]).String()
	exampleIDs   = []types.ImageIdentifier{{ImageTag: aws.String("v1")}, {ImageDigest: aws.String(exampleImage.Digest())}, {ImageTag: aws.String("none")}}
)

var repositoryExamples = []example{
	of(ecr.DescribeRepositoriesInput{}),
	of(ecr.CreateRepositoryInput{
		RepositoryName:                     exampleName,
		ImageTagMutability:                 types.ImageTagMutabilityMutableWithExclusion,
		ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{{Filter: aws.String("release-*"), FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard}},
		EncryptionConfiguration:            &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms, KmsKey: aws.String("alias/ours")},
		ImageScanningConfiguration:         &types.ImageScanningConfiguration{ScanOnPush: true},
		Tags:                               []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
	}),
	of(ecr.CreateRepositoryInput{RepositoryName: aws.String("team/plain")}),
	of(ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/app", "team/plain"}}),
	of(ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(1)}),
	of(ecr.DeleteRepositoryInput{RepositoryName: aws.String("team/plain"), Force: true}),
	of(ecr.GetAuthorizationTokenInput{}),
	of(ecr.GetAuthorizationTokenInput{RegistryIds: []string{"123456789012"}}),
}

func uploadExamples(blob []byte) []example {
	return []example{
		of(ecr.InitiateLayerUploadInput{RepositoryName: exampleName}),
		func(e *earlier) any {
			return &ecr.UploadLayerPartInput{RepositoryName: exampleName, UploadId: e.upload, LayerPartBlob: blob,
				PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(blob)) - 1)}
		},
		func(e *earlier) any {
			return &ecr.CompleteLayerUploadInput{RepositoryName: exampleName, UploadId: e.upload, LayerDigests: []string{"md5:00", digest.FromBytes(blob).String()}}
		},
	}
}

var layerExamples = slices.Concat(
	uploadExamples(exampleImage.Blobs[0]),
	uploadExamples(exampleImage.Blobs[1]),
	[]example{
		of(ecr.BatchCheckLayerAvailabilityInput{RepositoryName: exampleName, LayerDigests: []string{exampleLayer}}),
		of(ecr.BatchCheckLayerAvailabilityInput{RepositoryName: exampleName, LayerDigests: []string{"none"}}),
	})

var imageExamples = []example{
	of(ecr.ListImagesInput{RepositoryName: exampleName}),
	of(ecr.DescribeImagesInput{RepositoryName: exampleName}),
	of(ecr.BatchGetImageInput{RepositoryName: exampleName, ImageIds: exampleIDs}),
	of(ecr.BatchDeleteImageInput{RepositoryName: exampleName, ImageIds: exampleIDs}),
	of(ecr.PutImageInput{RepositoryName: exampleName, ImageManifest: aws.String(string(exampleImage.Manifest)), ImageManifestMediaType: &exampleImage.MediaType,
		ImageTag: aws.String("v1"), ImageDigest: aws.String(exampleImage.Digest())}),
	of(ecr.GetDownloadUrlForLayerInput{RepositoryName: exampleName, LayerDigest: &exampleLayer}),
	of(ecr.BatchGetImageInput{RepositoryName: exampleName, ImageIds: exampleIDs, AcceptedMediaTypes: []string{exampleImage.MediaType}}),
	of(ecr.PutImageInput{RepositoryName: exampleName, ImageManifest: aws.String(string(exampleImage.Manifest)), ImageTag: aws.String("v2")}),
	of(ecr.DescribeImagesInput{RepositoryName: exampleName}),
	of(ecr.DescribeImagesInput{RepositoryName: exampleName, ImageIds: exampleIDs[:2], Filter: &types.DescribeImagesFilter{TagStatus: types.TagStatusTagged}}),
	of(ecr.ListImagesInput{RepositoryName: exampleName, MaxResults: aws.Int32(1), Filter: &types.ListImagesFilter{TagStatus: types.TagStatusAny}}),
	func(e *earlier) any { return &ecr.ListImagesInput{RepositoryName: exampleName, NextToken: e.token} },
	of(ecr.BatchDeleteImageInput{RepositoryName: exampleName, ImageIds: exampleIDs}),
}

var settingExamples = []example{
	of(ecr.PutImageTagMutabilityInput{RepositoryName: exampleName, ImageTagMutability: types.ImageTagMutabilityMutable}),
	of(ecr.PutImageTagMutabilityInput{RepositoryName: exampleName, ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion,
		ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{{Filter: aws.String("*"), FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard}}}),
	of(ecr.PutImageScanningConfigurationInput{RepositoryName: exampleName, ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: false}}),
	of(ecr.TagResourceInput{ResourceArn: exampleARN, Tags: []types.Tag{{Key: aws.String("stage"), Value: aws.String("test")}}}),
	of(ecr.ListTagsForResourceInput{ResourceArn: exampleARN}),
	of(ecr.UntagResourceInput{ResourceArn: exampleARN, TagKeys: []string{"stage", "team"}}),
	of(ecr.ListTagsForResourceInput{ResourceArn: exampleARN}),
}

var (
	exampleARN       = aws.String("arn:aws:ecr:us-east-1:123456789012:repository/team/app")
	repositoryPolicy = aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"pull","Effect":"Allow","Principal":"*","Action":["ecr:BatchGetImage"]}]}`)
	registryPolicy   = aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"replicate","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Action":["ecr:ReplicateImage"],"Resource":["arn:aws:ecr:us-east-1:123456789012:repository/*"]}]}`)
	lifecyclePolicy  = aws.String(`{"rules":[{"rulePriority":1,"description":"keep one","selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`)
)

var policyExamples = []example{
	of(ecr.SetRepositoryPolicyInput{RepositoryName: exampleName, PolicyText: repositoryPolicy}),
	of(ecr.GetRepositoryPolicyInput{RepositoryName: exampleName}),
	of(ecr.DeleteRepositoryPolicyInput{RepositoryName: exampleName}),
	of(ecr.PutRegistryPolicyInput{PolicyText: registryPolicy}),
	of(ecr.GetRegistryPolicyInput{}),
	of(ecr.DeleteRegistryPolicyInput{}),
}

// exampleAgain puts the example's image again, if it is gone.
var exampleAgain = of(ecr.PutImageInput{RepositoryName: exampleName, ImageManifest: aws.String(string(exampleImage.Manifest)), ImageTag: aws.String("v1")})

var scanExamples = []example{
	of(ecr.GetRegistryScanningConfigurationInput{}),
	of(ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: []string{"team/app", "team/none"}}),
	exampleAgain,
	of(ecr.StartImageScanInput{RepositoryName: exampleName, ImageId: &exampleIDs[0]}),
	of(ecr.DescribeImageScanFindingsInput{RepositoryName: exampleName, ImageId: &exampleIDs[0]}),
	of(ecr.PutRegistryScanningConfigurationInput{ScanType: types.ScanTypeBasic, Rules: []types.RegistryScanningRule{{
		ScanFrequency:     types.ScanFrequencyScanOnPush,
		RepositoryFilters: []types.ScanningRepositoryFilter{{Filter: aws.String("team/*"), FilterType: types.ScanningRepositoryFilterTypeWildcard}},
	}}}),
	of(ecr.GetRegistryScanningConfigurationInput{}),
	of(ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: []string{"team/app"}}),
}

var lifecycleExamples = []example{
	of(ecr.PutLifecyclePolicyInput{RepositoryName: exampleName, LifecyclePolicyText: lifecyclePolicy}),
	of(ecr.GetLifecyclePolicyInput{RepositoryName: exampleName}),
	of(ecr.StartLifecyclePolicyPreviewInput{RepositoryName: exampleName}),
	of(ecr.GetLifecyclePolicyPreviewInput{RepositoryName: exampleName}),
	of(ecr.DeleteLifecyclePolicyInput{RepositoryName: exampleName}),
	of(ecr.ListImageReferrersInput{RepositoryName: exampleName, SubjectId: &types.SubjectIdentifier{ImageDigest: exampleIDs[1].ImageDigest}}),
	of(ecr.UpdateImageStorageClassInput{RepositoryName: exampleName, ImageId: &exampleIDs[0], TargetStorageClass: types.TargetStorageClassArchive}),
	of(ecr.DescribeImagesInput{RepositoryName: exampleName}),
	of(ecr.UpdateImageStorageClassInput{RepositoryName: exampleName, ImageId: &exampleIDs[0], TargetStorageClass: types.TargetStorageClassStandard}),
}

var exampleDestination = types.ReplicationDestination{Region: aws.String("eu-west-1"), RegistryId: aws.String("123456789012")}

var replicationExamples = []example{
	of(ecr.DescribeRegistryInput{}),
	of(ecr.ListReplicationBackfillsInput{}),
	of(ecr.PutReplicationConfigurationInput{ReplicationConfiguration: &types.ReplicationConfiguration{Rules: []types.ReplicationRule{{
		Destinations:      []types.ReplicationDestination{exampleDestination},
		RepositoryFilters: []types.RepositoryFilter{{Filter: aws.String("team"), FilterType: types.RepositoryFilterTypePrefixMatch}},
	}}}}),
	of(ecr.DescribeRegistryInput{}),
	of(ecr.DescribeImageReplicationStatusInput{RepositoryName: exampleName, ImageId: &exampleIDs[1]}),
	of(ecr.StartReplicationBackfillInput{Destination: &exampleDestination}),
	of(ecr.ListReplicationBackfillsInput{}),
	func(e *earlier) any {
		return &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: e.backfill}
	},
	func(e *earlier) any { return &ecr.StopReplicationBackfillInput{ReplicationBackfillId: e.backfill} },
	func(e *earlier) any {
		return &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: e.backfill}
	},
	of(ecr.PutReplicationConfigurationInput{ReplicationConfiguration: &types.ReplicationConfiguration{Rules: []types.ReplicationRule{}}}),
}

var (
	examplePrincipal = aws.String("arn:aws:iam::123456789012:role/scanner")
	exampleProfile   = aws.String("arn:aws:signer:us-east-1:123456789012:/signing-profiles/ours")
)

var accountExamples = []example{
	of(ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("ENABLED")}),
	of(ecr.GetAccountSettingInput{Name: aws.String("BLOB_MOUNTING")}),
	of(ecr.ListPullTimeUpdateExclusionsInput{}),
	of(ecr.RegisterPullTimeUpdateExclusionInput{PrincipalArn: examplePrincipal}),
	of(ecr.ListPullTimeUpdateExclusionsInput{}),
	of(ecr.DeregisterPullTimeUpdateExclusionInput{PrincipalArn: examplePrincipal}),
	of(ecr.DescribePullThroughCacheRulesInput{}),
	of(ecr.CreatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("public"), UpstreamRegistryUrl: aws.String("public.ecr.aws")}),
	of(ecr.DescribePullThroughCacheRulesInput{EcrRepositoryPrefixes: []string{"public"}}),
	of(ecr.ValidatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("public")}),
	of(ecr.CreatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub"), UpstreamRegistryUrl: aws.String("registry-1.docker.io"),
		CredentialArn: aws.String("arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub")}),
	of(ecr.UpdatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub"),
		CredentialArn: aws.String("arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub2")}),
	of(ecr.DeletePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("public")}),
	of(ecr.DescribeRepositoryCreationTemplatesInput{}),
	of(ecr.CreateRepositoryCreationTemplateInput{
		Prefix: aws.String("team"), Description: aws.String("ours"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForReplication},
		ImageTagMutability: types.ImageTagMutabilityImmutable, RepositoryPolicy: repositoryPolicy, LifecyclePolicy: lifecyclePolicy,
		CustomRoleArn: examplePrincipal, ResourceTags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
	}),
	of(ecr.CreateRepositoryCreationTemplateInput{Prefix: aws.String("plain"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}}),
	of(ecr.UpdateRepositoryCreationTemplateInput{Prefix: aws.String("team"), Description: aws.String("theirs"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForPullThroughCache}}),
	of(ecr.DescribeRepositoryCreationTemplatesInput{}),
	of(ecr.DeleteRepositoryCreationTemplateInput{Prefix: aws.String("team")}),
	of(ecr.PutSigningConfigurationInput{SigningConfiguration: &types.SigningConfiguration{Rules: []types.SigningRule{{
		SigningProfileArn: exampleProfile,
		RepositoryFilters: []types.SigningRepositoryFilter{{Filter: aws.String("team/*"), FilterType: types.SigningRepositoryFilterTypeWildcardMatch}},
	}}}}),
	of(ecr.GetSigningConfigurationInput{}),
	of(ecr.DescribeImageSigningStatusInput{RepositoryName: exampleName, ImageId: &exampleIDs[1]}),
	of(ecr.DeleteSigningConfigurationInput{}),
}

// ownCopy is an input that shares nothing with the examples.
func ownCopy(t *testing.T, in any) any {
	text, err := json.Marshal(in)
	require.NoError(t, err)
	same := reflect.New(reflect.TypeOf(in).Elem()).Interface()
	require.NoError(t, json.Unmarshal(text, same))
	return same
}

// eachExample makes the calls of all operations, directly.
func eachExample(t *testing.T, visit func(r *Registry, name string, in, out any)) {
	r := New(t, WithSeed(1))
	unanswered := maps.Clone(stage.Operations)
	var sofar earlier
	for _, example := range examples {
		in := ownCopy(t, example(&sofar))
		name := strings.TrimSuffix(reflect.TypeOf(in).Elem().Name(), "Input")
		answers := reflect.ValueOf(r).MethodByName(name).Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(in)})
		if err, refused := answers[1].Interface().(error); refused {
			t.Logf("refused: %v", err)
			continue
		}
		out := answers[0].Interface()
		sofar.note(out)
		delete(unanswered, name)
		visit(r, name, in, out)
	}
	require.Empty(t, slices.Sorted(maps.Keys(unanswered)), "operations without an example that is answered")
}
