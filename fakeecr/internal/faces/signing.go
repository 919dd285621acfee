package faces

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Release is a signing profile.
const Release = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/release"

// SigningRule has what filters say signed with a profile.
func SigningRule(profile string, filters ...string) types.SigningRule {
	rule := types.SigningRule{SigningProfileArn: &profile}
	for _, filter := range filters {
		rule.RepositoryFilters = append(rule.RepositoryFilters, types.SigningRepositoryFilter{Filter: aws.String(filter), FilterType: "WILDCARD_MATCH"})
	}
	return rule
}

// PutSigning sets the rules of signing.
func PutSigning(t *testing.T, f Face, rules ...types.SigningRule) error {
	t.Helper()
	_, err := f.PutSigningConfiguration(t.Context(), &ecr.PutSigningConfigurationInput{
		SigningConfiguration: &types.SigningConfiguration{Rules: append([]types.SigningRule{}, rules...)},
	})
	return err
}
