package constrainttest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint/constrainttest"
)

func TestViolations(t *testing.T) {
	tests := map[string][]string{
		"DescribeRegistry": nil,
		"CompleteLayerUpload": {
			"CompleteLayerUpload registryId malformed",
			"CompleteLayerUpload repositoryName missing",
			"CompleteLayerUpload repositoryName too large",
			"CompleteLayerUpload repositoryName too small",
			"CompleteLayerUpload repositoryName malformed",
			"CompleteLayerUpload uploadId missing",
			"CompleteLayerUpload uploadId malformed",
			"CompleteLayerUpload layerDigests missing",
			"CompleteLayerUpload layerDigests too large",
			"CompleteLayerUpload layerDigests too small",
			"CompleteLayerUpload layerDigests.2.member malformed",
		},
		"CreateRepository": {
			"CreateRepository registryId malformed",
			"CreateRepository repositoryName missing",
			"CreateRepository repositoryName too large",
			"CreateRepository repositoryName too small",
			"CreateRepository repositoryName malformed",
			"CreateRepository tags.2.member.key missing",
			"CreateRepository tags.2.member.value missing",
			"CreateRepository imageTagMutability unknown",
			"CreateRepository imageTagMutabilityExclusionFilters too large",
			"CreateRepository imageTagMutabilityExclusionFilters too small",
			"CreateRepository imageTagMutabilityExclusionFilters.2.member.filterType missing",
			"CreateRepository imageTagMutabilityExclusionFilters.2.member.filterType unknown",
			"CreateRepository imageTagMutabilityExclusionFilters.2.member.filter missing",
			"CreateRepository imageTagMutabilityExclusionFilters.2.member.filter too large",
			"CreateRepository imageTagMutabilityExclusionFilters.2.member.filter too small",
			"CreateRepository imageTagMutabilityExclusionFilters.2.member.filter malformed",
			"CreateRepository encryptionConfiguration.encryptionType missing",
			"CreateRepository encryptionConfiguration.encryptionType unknown",
			"CreateRepository encryptionConfiguration.kmsKey too large",
			"CreateRepository encryptionConfiguration.kmsKey too small",
		},
	}
	for op, want := range tests {
		t.Run(op, func(t *testing.T) {
			var names []string
			for _, violation := range constrainttest.Violations(op) {
				names = append(names, violation.Name)
			}
			require.Equal(t, want, names)
		})
	}
}

func TestOneMemberIsBroken(t *testing.T) {
	violation := constrainttest.Violations("UploadLayerPart")[2]
	require.Equal(t, "UploadLayerPart repositoryName too large", violation.Name)
	want := constrainttest.Valid("UploadLayerPart").(*ecr.UploadLayerPartInput)
	broken := violation.Input.(*ecr.UploadLayerPartInput)
	require.Len(t, *broken.RepositoryName, 257)
	broken.RepositoryName = want.RepositoryName
	require.Equal(t, want, broken)
}

func TestUnknownOperation(t *testing.T) {
	require.Panics(t, func() { constrainttest.Valid("PushImage") })
	require.Panics(t, func() { constrainttest.Violations("PushImage") })
}
