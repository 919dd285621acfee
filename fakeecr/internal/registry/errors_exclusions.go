package registry

import "github.com/aws/aws-sdk-go-v2/service/ecr/types"

// exclusionAlreadyExists is chosen.
func exclusionAlreadyExists(key Key, principal string) error {
	return &types.ExclusionAlreadyExistsException{Message: text("The pull time update exclusion for the principal with ARN '%s' already exists in the registry with id '%s'", principal, key.Account)}
}

// exclusionNotFound is chosen.
func exclusionNotFound(key Key, principal string) error {
	return &types.ExclusionNotFoundException{Message: text("The pull time update exclusion for the principal with ARN '%s' does not exist in the registry with id '%s'", principal, key.Account)}
}
