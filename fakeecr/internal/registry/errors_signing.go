package registry

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// signingConfigurationNotFound is chosen.
func signingConfigurationNotFound(key Key) error {
	return &types.SigningConfigurationNotFoundException{Message: text("Signing configuration does not exist in the registry with id '%s'", key.Account)}
}

func signingProfileElsewhere(arn, region, current string) error {
	return invalidParameter("signingProfileArn", fmt.Sprintf("The region of signing profile ARN '%s' is '%s' but must be '%s' (the current region)", arn, region, current))
}

// tooManySigningRules is what the service model answers to more than ten.
func tooManySigningRules(most int64) error {
	return invalidParameter("signingConfiguration.rules", fmt.Sprintf("Member must have length less than or equal to %d", most))
}
