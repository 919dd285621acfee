package registry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
)

// The texts of ECR's errors stand at the end of their resources' files; what several of
// them share is here. Those marked "chosen" are recorded nowhere and follow their
// siblings; FIDELITY.md lists them.

func invalidParameter(member, constraint string) error {
	return &types.InvalidParameterException{Message: text("Invalid parameter at '%s' failed to satisfy constraint: '%s'", member, constraint)}
}

// invalidTogether is chosen.
func invalidTogether(member, with string) error {
	return invalidParameter(member, fmt.Sprintf("This option cannot be used when you specify %s", with))
}

func limitExceeded(sentence string, args ...any) error {
	return &types.LimitExceededException{Message: text(sentence, args...)}
}

// notInValueSet is chosen: it is what ECR answers where the model lists the
// values.
func notInValueSet(member string, values []string) error {
	return invalidParameter(member, "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
}

// tooManyMembers is what ECR answers to a list beyond the service model's limit.
func tooManyMembers(member string, most int64) error {
	return invalidParameter(member, fmt.Sprintf("Member must have length less than or equal to %d", most))
}

func validationFailed(sentence string) error {
	return &types.ValidationException{Message: &sentence}
}

func text(format string, args ...any) *string { return aws.String(fmt.Sprintf(format, args...)) }

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

// sentence is an error's own message, without the code of an exception.
func sentence(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}
