package registry

import (
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

func templateNotFound(key Key, prefix string) error {
	return &types.TemplateNotFoundException{Message: text("The repository creation template with the prefix '%s' does not exist in the registry with id '%s'", prefix, key.Account)}
}

func templateAlreadyExists(key Key, prefix string) error {
	return &types.TemplateAlreadyExistsException{Message: text("The repository creation template with the prefix '%s' already exists in the registry with id '%s'", prefix, key.Account)}
}

// tooManyTemplateTags is chosen.
func tooManyTemplateTags(most int64) error {
	return invalidParameter("resourceTags", fmt.Sprintf("The resource cannot have more than %d tags", most))
}

func validationFailed(sentence string) error {
	return &types.ValidationException{Message: &sentence}
}

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/.+$`)

// setRole takes over the role that an input gives; an empty one takes the old
// one away. ECR asks for a role of the registry's own account; the refusal is
// chosen.
func setRole(role **string, key Key, given *string) error {
	switch parts := roleARN.FindStringSubmatch(aws.ToString(given)); {
	case given == nil:
	case *given == "":
		*role = nil
	case parts == nil || parts[1] != key.Account:
		return validationFailed(fmt.Sprintf("The custom role ARN '%s' is not valid. Specify a role in the same account as the registry and try again.", *given))
	default:
		*role = copied(given)
	}
	return nil
}

// templateRole is the role with which ECR makes a repository, if the template
// names none.
func templateRole(key Key) string {
	return naming.ServiceRoleARN(key, "ecr.amazonaws.com", "AWSServiceRoleForECRTemplate")
}

// templateRoleMissing is chosen: it is how AWS refuses a role what its policy
// does not allow.
func templateRoleMissing(repo *repository) error {
	return &smithy.GenericAPIError{
		Code: "AccessDeniedException",
		Message: fmt.Sprintf("User: %s is not authorized to perform: ecr:TagResource on resource: %s because no identity-based policy allows the ecr:TagResource action",
			templateRole(repo.Key), repo.arn),
		Fault: smithy.FaultClient,
	}
}
