package fakeecr_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func differences(was, is fakeecr.Snapshot) (words []string) {
	for _, d := range was.Diff(is) {
		words = append(words, d.String())
	}
	return words
}

func TestSnapshotTellsWhatChanged(t *testing.T) {
	const at = "123456789012/us-east-1 team/app: "
	one, two := fakeecr.RandomImage(1, 10), fakeecr.RandomImage(2, 20)
	for _, c := range []struct {
		name   string
		change func(t *testing.T, f faces.Face)
		want   []string
	}{
		{"a read", func(t *testing.T, f faces.Face) {
			_, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("team/app"), ImageIds: faces.Tagged("v1")})
			require.NoError(t, err)
		}, nil},
		{"time", func(t *testing.T, f faces.Face) { f.Registry.Advance(time.Hour) }, nil},
		{"a tag that moves", func(t *testing.T, f faces.Face) {
			_, err := f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String("team/app"), ImageManifest: aws.String(string(two.Manifest)), ImageTag: aws.String("v1")})
			require.NoError(t, err)
		}, []string{at + "tag v1 → " + two.Digest()[:19] + "…, was " + one.Digest()[:19] + "…"}},
		{"an image that goes", func(t *testing.T, f faces.Face) {
			_, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String("team/app"), ImageIds: faces.Tagged("v1")})
			require.NoError(t, err)
		}, []string{
			at + "image " + one.Digest()[:19] + "… is gone, was ACTIVE",
			at + "tag v1 is gone, was " + one.Digest()[:19] + "…",
		}},
		{"uploads", func(t *testing.T, f faces.Face) {
			for range 2 {
				_, err := f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: aws.String("team/app")})
				require.NoError(t, err)
			}
		}, []string{at + "open uploads of 0 bytes → 2, was not there"}},
		{"settings", func(t *testing.T, f faces.Face) {
			_, err := f.PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{RepositoryName: aws.String("team/app"), ImageTagMutability: types.ImageTagMutabilityImmutable})
			require.NoError(t, err)
			_, err = f.PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("ENABLED")})
			require.NoError(t, err)
		}, []string{
			"123456789012/us-east-1: account setting BLOB_MOUNTING → ENABLED, was not there",
			at + "tag mutability → IMMUTABLE, was MUTABLE",
		}},
		{"a repository of a neighbour", func(t *testing.T, f faces.Face) {
			faces.Create(t, f.In("eu-west-1"), "other")
		}, []string{
			"123456789012/eu-west-1 other: repository → there, was not there",
			"123456789012/eu-west-1 other: encryption → AES256, was not there",
			"123456789012/eu-west-1 other: scan on push → false, was not there",
			"123456789012/eu-west-1 other: tag mutability → MUTABLE, was not there",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("team/app:v1", one)
				f.Registry.MustPush("team/app", two)
				calls := len(f.Registry.Trace())
				before := f.Registry.Snapshot()
				require.Empty(t, before.Diff(f.Registry.Snapshot()))
				c.change(t, f)
				after := f.Registry.Snapshot()
				require.Equal(t, c.want, differences(before, after))
				require.Len(t, after.Diff(before), len(c.want), "and the other way round")

				text, err := json.Marshal(after)
				require.NoError(t, err)
				var back fakeecr.Snapshot
				require.NoError(t, json.Unmarshal(text, &back))
				require.Equal(t, after, back)
				require.LessOrEqual(t, len(f.Registry.Trace()), calls+2, "a snapshot is no call")
			})
		})
	}
}

func TestDifferenceIsJSON(t *testing.T) {
	registry := fakeecr.New(t)
	before := registry.Snapshot()
	digest := registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
	for _, d := range before.Diff(registry.Snapshot()) {
		if d.What == "tag v1" {
			text, err := json.Marshal(d)
			require.NoError(t, err)
			require.JSONEq(t, `{"registry":"123456789012/us-east-1","repository":"team/app","what":"tag v1","is":"`+digest+`"}`, string(text))
			return
		}
	}
	require.Fail(t, "there is no tag v1")
}

// Each setting that a world has is in its snapshot.
func TestSnapshotHasEverySetting(t *testing.T) {
	registry := fakeecr.New(t)
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
	for _, put := range []func() error{
		func() error {
			_, err := registry.PutImageScanningConfiguration(t.Context(), &ecr.PutImageScanningConfigurationInput{RepositoryName: aws.String("team/app"), ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true}})
			return err
		},
		func() error {
			_, err := registry.PutRegistryPolicy(t.Context(), &ecr.PutRegistryPolicyInput{PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":"ecr:ReplicateImage","Resource":"*"}]}`)})
			return err
		},
		func() error {
			_, err := registry.PutReplicationConfiguration(t.Context(), &ecr.PutReplicationConfigurationInput{ReplicationConfiguration: &types.ReplicationConfiguration{
				Rules: []types.ReplicationRule{{Destinations: []types.ReplicationDestination{{Region: aws.String("eu-west-1"), RegistryId: aws.String("123456789012")}}}}}})
			return err
		},
		func() error {
			_, err := registry.PutRegistryScanningConfiguration(t.Context(), &ecr.PutRegistryScanningConfigurationInput{ScanType: types.ScanTypeEnhanced})
			return err
		},
		func() error {
			_, err := registry.PutSigningConfiguration(t.Context(), &ecr.PutSigningConfigurationInput{SigningConfiguration: &types.SigningConfiguration{
				Rules: []types.SigningRule{{SigningProfileArn: aws.String("arn:aws:signer:us-east-1:123456789012:/signing-profiles/release")}}}})
			return err
		},
		func() error {
			_, err := registry.CreatePullThroughCacheRule(t.Context(), &ecr.CreatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("quay"), UpstreamRegistryUrl: aws.String("quay.io")})
			return err
		},
		func() error {
			_, err := registry.CreateRepositoryCreationTemplate(t.Context(), &ecr.CreateRepositoryCreationTemplateInput{Prefix: aws.String("made"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}})
			return err
		},
		func() error {
			_, err := registry.RegisterPullTimeUpdateExclusion(t.Context(), &ecr.RegisterPullTimeUpdateExclusionInput{PrincipalArn: aws.String("arn:aws:iam::123456789012:role/scanner")})
			return err
		},
		func() error {
			_, err := registry.PutLifecyclePolicy(t.Context(), &ecr.PutLifecyclePolicyInput{RepositoryName: aws.String("team/app"), LifecyclePolicyText: aws.String(lifecycleOfOne)})
			return err
		},
		func() error {
			_, err := registry.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("team/app"), PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}`)})
			return err
		},
		func() error {
			_, err := registry.TagResource(t.Context(), &ecr.TagResourceInput{ResourceArn: aws.String("arn:aws:ecr:us-east-1:123456789012:repository/team/app"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("")}}})
			return err
		},
	} {
		before := registry.Snapshot()
		require.NoError(t, put())
		require.Len(t, before.Diff(registry.Snapshot()), 1)
	}
}

const lifecycleOfOne = `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`

// A signature has the time in it: worlds in which the same was signed are equal all the
// same, and one in which a signature is gone is not.
func TestSnapshotTellsSignaturesByWhatTheySign(t *testing.T) {
	fixture := fakeecr.New(t)
	_, err := fixture.PutSigningConfiguration(t.Context(), &ecr.PutSigningConfigurationInput{
		SigningConfiguration: &types.SigningConfiguration{Rules: []types.SigningRule{faces.SigningRule(faces.Release)}},
	})
	require.NoError(t, err)
	signed := func(after time.Duration) (*fakeecr.Registry, string) {
		registry := fixture.Fork(t)
		registry.Advance(after)
		digest := registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
		registry.Advance(time.Minute)
		return registry, digest
	}
	soon, digest := signed(0)
	late, _ := signed(time.Hour)
	require.Empty(t, differences(soon.Snapshot(), late.Snapshot()))
	before := late.Snapshot()
	out, err := late.ListImageReferrers(t.Context(), &ecr.ListImageReferrersInput{RepositoryName: aws.String("team/app"), SubjectId: &types.SubjectIdentifier{ImageDigest: &digest}})
	require.NoError(t, err)
	require.Len(t, out.Referrers, 1)
	_, err = late.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageDigest: out.Referrers[0].Digest}}})
	require.NoError(t, err)
	require.Contains(t, differences(before, late.Snapshot()), "123456789012/us-east-1 team/app: image signature-1-of-"+digest[:19]+"… is gone, was ACTIVE")
}
