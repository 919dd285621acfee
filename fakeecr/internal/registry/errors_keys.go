package registry

import (
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

func kmsException(state KeyState, sentence string) error {
	return &types.KmsException{KmsError: aws.String(string(state)), Message: &sentence}
}

// kmsSentence is KMS's own message; that ECR passes it on unchanged is chosen.
func kmsSentence(state KeyState, arn, caller, action string) string {
	switch state {
	case KeyNotFound:
		return fmt.Sprintf("Key '%s' does not exist", arn)
	case KeyDisabled:
		return arn + " is disabled."
	case KeyPendingDeletion:
		return arn + " is pending deletion."
	default:
		return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no resource-based policy allows the %s action",
			caller, action, arn, action)
	}
}

// undecryptable is how S3 refuses an object whose key it may not use.
func undecryptable(state KeyState, arn string) error {
	if state == KeyAccessDenied {
		return &DownloadError{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied"}
	}
	return &DownloadError{Status: http.StatusBadRequest, Code: "KMS." + string(state), Message: kmsSentence(state, arn, "", "")}
}
