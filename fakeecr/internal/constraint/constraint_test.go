package constraint_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/constraint/constrainttest"
)

func TestEveryConstraint(t *testing.T) {
	for _, operation := range constraint.Operations() {
		t.Run(operation.Name, func(t *testing.T) {
			require.NoError(t, constraint.Check(constrainttest.Valid(operation.Name)))
			for _, violation := range constrainttest.Violations(operation.Name) {
				requireMessage(t, violation.Message(), violation.Input, violation.Name)
			}
		})
	}
}

// TestComplete: just what lacks a required member, at any depth, is not complete.
func TestComplete(t *testing.T) {
	for _, operation := range constraint.Operations() {
		require.True(t, constraint.Complete(constrainttest.Valid(operation.Name)), operation.Name)
		for _, violation := range constrainttest.Violations(operation.Name) {
			require.Equal(t, !strings.HasSuffix(violation.Name, " missing"), constraint.Complete(violation.Input), violation.Name)
		}
	}
}

func requireMessage(t *testing.T, message string, in any, args ...any) {
	t.Helper()
	err := constraint.Check(in)
	var invalid *types.InvalidParameterException
	require.ErrorAs(t, err, &invalid, args...)
	require.Equal(t, "InvalidParameterException", invalid.ErrorCode(), args...)
	require.Equal(t, message, invalid.ErrorMessage(), args...)
}

// The texts are recorded from ECR.
func TestRecordedTexts(t *testing.T) {
	name := aws.String("team/app")
	const pattern = `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`
	tests := []struct {
		message string
		in      any
	}{
		{
			"Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length less than or equal to 100'",
			&ecr.BatchGetImageInput{RepositoryName: name, ImageIds: make([]types.ImageIdentifier, 101)},
		},
		{
			"Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length greater than or equal to 1'",
			&ecr.BatchGetImageInput{RepositoryName: name, ImageIds: []types.ImageIdentifier{}},
		},
		{
			"Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length greater than or equal to 1'",
			&ecr.BatchDeleteImageInput{RepositoryName: name, ImageIds: []types.ImageIdentifier{}},
		},
		{
			"Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'",
			&ecr.ListImagesInput{RepositoryName: name, MaxResults: aws.Int32(1001)},
		},
		{
			"Invalid parameter at 'imageTagMutability' failed to satisfy constraint: 'Member must not be null'",
			&ecr.PutImageTagMutabilityInput{RepositoryName: name},
		},
		{
			"Invalid parameter at 'tags.2.member.key' failed to satisfy constraint: 'Member must not be null'",
			&ecr.CreateRepositoryInput{RepositoryName: name, Tags: []types.Tag{
				{Key: aws.String("team"), Value: aws.String("a")}, {Value: aws.String("b")},
			}},
		},
		{
			"Invalid parameter at 'imageTagMutability' failed to satisfy constraint: 'Member must satisfy enum value set: [IMMUTABLE, MUTABLE, MUTABLE_WITH_EXCLUSION, IMMUTABLE_WITH_EXCLUSION]'",
			&ecr.CreateRepositoryInput{RepositoryName: name, ImageTagMutability: "immutable"},
		},
		{
			"Invalid parameter at 'appliedFor' failed to satisfy constraint: 'Member must satisfy constraint: [Member must satisfy enum value set: [REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH]]'",
			&ecr.CreateRepositoryCreationTemplateInput{Prefix: name, AppliedFor: []types.RCTAppliedFor{"PUSH"}},
		},
		{
			"Invalid parameter at 'registryIds' failed to satisfy constraint: 'Member must satisfy constraint: [Member must satisfy regular expression pattern: [0-9]{12}]'",
			&ecr.GetAuthorizationTokenInput{RegistryIds: []string{"123456789012", "alias"}},
		},
		{
			"Invalid parameter at 'lifecyclePolicyText' failed to satisfy constraint: 'Member must have length greater than or equal to 100'",
			&ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: aws.String(`{"rules":[]}`)},
		},
		{
			"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must not be null'",
			&ecr.CreateRepositoryInput{},
		},
		{
			"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must have length greater than or equal to 2'",
			&ecr.CreateRepositoryInput{RepositoryName: aws.String("a")},
		},
		{
			"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must have length less than or equal to 256'",
			&ecr.CreateRepositoryInput{RepositoryName: aws.String(strings.Repeat("a", 257))},
		},
		{
			"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '" + pattern + "''",
			&ecr.CreateRepositoryInput{RepositoryName: aws.String("Bad_Name!")},
		},
		{
			"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '" + pattern + "''",
			&ecr.DescribeRepositoriesInput{
				RepositoryNames: []string{"team/app", "arn:aws:ecr:us-east-1:123456789012:repository/app"},
			},
		},
		{
			"Invalid parameter at 'registryId' failed to satisfy constraint: 'must satisfy regular expression [0-9]{12}'",
			&ecr.DescribeRepositoriesInput{RegistryId: aws.String("alias")},
		},
		{
			"Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression '[a-zA-Z0-9-_.]+''",
			&ecr.PutImageInput{RepositoryName: name, ImageManifest: aws.String("{}"), ImageTag: aws.String("v1+2")},
		},
		{
			"Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Cannot be null'",
			&ecr.SetRepositoryPolicyInput{RepositoryName: name},
		},
		{
			"Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Cannot be null'",
			&ecr.PutRegistryPolicyInput{},
		},
	}
	for _, test := range tests {
		t.Run(test.message, func(t *testing.T) {
			requireMessage(t, test.message, test.in)
		})
	}
}

func TestFirstViolation(t *testing.T) {
	tests := []struct {
		name string
		path string
		in   any
	}{
		{
			"members in the model's order", "registryId",
			&ecr.PutImageInput{RegistryId: aws.String("x"), RepositoryName: aws.String("X"), ImageTag: aws.String("")},
		},
		{
			"a nil input lacks all members", "repositoryName",
			(*ecr.ListImagesInput)(nil),
		},
		{
			"a missing member in its turn", "repositoryName",
			&ecr.PutImageInput{RegistryId: aws.String("123456789012"), ImageTag: aws.String("")},
		},
		{
			"the size of a list before its elements", "imageIds",
			&ecr.BatchGetImageInput{
				RepositoryName: aws.String("app"),
				ImageIds:       slices.Repeat([]types.ImageIdentifier{{ImageTag: aws.String("")}}, 101),
			},
		},
		{
			"the insides of a member before the next member", "imageTagMutabilityExclusionFilters.1.member.filterType",
			&ecr.CreateRepositoryInput{
				RepositoryName: aws.String("app"),
				ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{
					{Filter: aws.String("")}, {},
				},
				EncryptionConfiguration: &types.EncryptionConfiguration{},
			},
		},
		{
			"lists within lists", "replicationConfiguration.rules.1.member.destinations.2.member.registryId",
			&ecr.PutReplicationConfigurationInput{ReplicationConfiguration: &types.ReplicationConfiguration{
				Rules: []types.ReplicationRule{{Destinations: []types.ReplicationDestination{
					{Region: aws.String("eu-west-1"), RegistryId: aws.String("123456789012")},
					{Region: aws.String("eu-west-2"), RegistryId: aws.String("12345678901")},
				}}},
			}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := constraint.Check(test.in)
			require.ErrorContains(t, err, "Invalid parameter at '"+test.path+"' ")
		})
	}
}

func TestNoViolation(t *testing.T) {
	name := aws.String("app")
	tests := map[string]any{
		"a nil input": (*ecr.DescribeRegistryInput)(nil),
		"an empty tag key and value": &ecr.TagResourceInput{
			ResourceArn: aws.String(""),
			Tags:        []types.Tag{{Key: aws.String(""), Value: aws.String("")}},
		},
		"an empty list without a minimum": &ecr.TagResourceInput{ResourceArn: aws.String(""), Tags: []types.Tag{}},
		"an empty blob": &ecr.UploadLayerPartInput{
			RepositoryName: name,
			UploadId:       aws.String("01234567-89ab-cdef-0123-456789abcdef"),
			PartFirstByte:  aws.Int64(0),
			PartLastByte:   aws.Int64(0),
			LayerPartBlob:  []byte{},
		},
		"a malformed tag in an id": &ecr.BatchGetImageInput{
			RepositoryName: name,
			ImageIds:       []types.ImageIdentifier{{ImageTag: aws.String("v1+2")}},
		},
		"a malformed digest in an id": &ecr.BatchGetImageInput{
			RepositoryName: name,
			ImageIds:       []types.ImageIdentifier{{ImageDigest: aws.String("")}},
		},
		"an id without digest or tag": &ecr.BatchGetImageInput{
			RepositoryName: name,
			ImageIds:       []types.ImageIdentifier{{}},
		},
		"a malformed digest to look for": &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: name, LayerDigests: []string{""}},
		"no rules": &ecr.PutReplicationConfigurationInput{
			ReplicationConfiguration: &types.ReplicationConfiguration{Rules: []types.ReplicationRule{}},
		},
		"an empty policy": &ecr.SetRepositoryPolicyInput{RepositoryName: name, PolicyText: aws.String("")},
		"an empty KMS key in a template": &ecr.UpdateRepositoryCreationTemplateInput{
			Prefix: name,
			EncryptionConfiguration: &types.EncryptionConfigurationForRepositoryCreationTemplate{
				EncryptionType: types.EncryptionTypeKms,
				KmsKey:         aws.String(""),
			},
		},
		"a template of all that is pushed": &ecr.UpdateRepositoryCreationTemplateInput{Prefix: aws.String("ROOT")},
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, constraint.Check(in))
		})
	}
}

// Java counts UTF-16 code units: one for é and for €, two for 🐳.
func TestLengthInCharacters(t *testing.T) {
	const most = 256
	tests := []struct {
		character string
		units     int
	}{{"a", 1}, {"é", 1}, {"€", 1}, {"🐳", 2}, {"\xff", 1}}
	for _, test := range tests {
		t.Run(test.character, func(t *testing.T) {
			in := &ecr.UpdateRepositoryCreationTemplateInput{Prefix: aws.String("app")}
			in.Description = aws.String(strings.Repeat(test.character, most/test.units))
			require.NoError(t, constraint.Check(in))
			*in.Description += "a"
			require.ErrorContains(t, constraint.Check(in), "'Member must have length less than or equal to 256'")
		})
		t.Run(test.character+" at least", func(t *testing.T) {
			in := &ecr.PutLifecyclePolicyInput{RepositoryName: aws.String("app")}
			in.LifecyclePolicyText = aws.String(strings.Repeat(test.character, 98/test.units) + "a")
			require.ErrorContains(t, constraint.Check(in), "'Member must have length greater than or equal to 100'")
			*in.LifecyclePolicyText += "a"
			require.NoError(t, constraint.Check(in))
		})
	}
}

func TestNoInput(t *testing.T) {
	for _, in := range []any{nil, ecr.PutImageInput{}, &ecr.PutImageOutput{}, "PutImage"} {
		err := constraint.Check(in)
		require.ErrorContains(t, err, "no input of an operation")
		var invalid *types.InvalidParameterException
		require.False(t, errors.As(err, &invalid))
	}
}

func TestEveryOperation(t *testing.T) {
	operations := map[string]constraint.Operation{}
	for _, operation := range constraint.Operations() {
		operations[operation.Name] = operation
	}
	client := reflect.TypeFor[*ecr.Client]()
	count := 0
	for i := range client.NumMethod() {
		method := client.Method(i)
		if method.Type.NumIn() < 3 || method.Type.In(2).Kind() != reflect.Pointer {
			continue // Options
		}
		count++
		t.Run(method.Name, func(t *testing.T) {
			require.Contains(t, operations, method.Name)
			require.Equal(t, method.Type.In(2).Elem(), operations[method.Name].Input)
		})
	}
	require.Len(t, operations, count)
	require.Equal(t, 62, count)
}
