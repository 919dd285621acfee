package registry

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
)

func repositoryPolicyNotFound(repo *repository) error {
	return &types.RepositoryPolicyNotFoundException{Message: text("Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", repo.name, repo.Account)}
}

func registryPolicyNotFound(key Key) error {
	return &types.RegistryPolicyNotFoundException{Message: text("Registry policy does not exist in the registry with id '%s'", key.Account)}
}

func principalNotFound() error { return invalidParameter("PolicyText", "Principal not found") }

// policyLocksOut is chosen.
func policyLocksOut() error {
	return invalidParameter("PolicyText", "The repository policy would prevent you from setting another policy in the future")
}

func invalidARN() error { return invalidParameter("resourceArn", "Invalid ARN") }

// notInValueSet is chosen: it is what ECR answers where the model lists the
// values.
func notInValueSet(member string, values []string) error {
	return invalidParameter(member, "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
}

// settingRetired is chosen: it is what ECR answers to whatever else is retired.
func settingRetired() error {
	return &types.ValidationException{Message: aws.String("This feature is disabled")}
}

// accessDenied takes IAM's reason, notAllowed the kind of policy that is missing.
func (a *Access) accessDenied(caller, reason string) error {
	return &smithy.GenericAPIError{
		Code:    "AccessDeniedException",
		Message: "User: " + caller + " is not authorized to perform: " + a.Action + " on resource: " + a.Resource + " " + reason,
		Fault:   smithy.FaultClient,
	}
}

func (a *Access) notAllowed(caller, kind string) error {
	return a.accessDenied(caller, "because no "+kind+" policy allows the "+a.Action+" action")
}
