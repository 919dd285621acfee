package registry

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// SecretState is what Secrets Manager does when ECR reads the secret of a
// pull-through cache rule.
type SecretState string

// The states of a secret.
const (
	SecretReadable      SecretState = ""
	SecretAccessDenied  SecretState = "access denied"
	SecretUndecryptable SecretState = "undecryptable"
	SecretNotFound      SecretState = "not found"
)

// Check tells why a secret cannot be in the state.
func (s SecretState) Check() error {
	bad := []SecretState{SecretAccessDenied, SecretUndecryptable, SecretNotFound}
	if s != SecretReadable && !slices.Contains(bad, s) {
		return fmt.Errorf("a secret is in no state %q, but in one of %q or readable", s, bad)
	}
	return nil
}

// SetSecret tells the state of a secret. The first one told with only closes the
// world's Secrets Manager: a secret of which it was told nothing does not exist.
func (w *World) SetSecret(arn string, state SecretState, only bool) {
	_ = w.do(Place{}, func(tx *Tx) error {
		root := tx.write()
		root.secrets.states.Set(root.Generation(), arn, state)
		root.secrets.closed = root.secrets.closed || only
		return nil
	})
}

// readSecret reads the credentials of a rule.
func (tx *Tx) readSecret(arn string) error {
	switch tx.read().secrets.state(arn, SecretNotFound) {
	case SecretNotFound:
		return secretNotFound()
	case SecretAccessDenied:
		return unableToAccessSecret()
	case SecretUndecryptable:
		return unableToDecryptSecret()
	default:
		return nil
	}
}

// secretElsewhere has a text of which only the beginning is recorded; its end and code
// are chosen.
func secretElsewhere() error {
	return &types.SecretNotFoundException{Message: aws.String("Please verify the secret exists in the same region and account that the pullthrough cache rule will be created in and try again.")}
}

// The texts of the next three are the service model's descriptions of their
// exceptions, which for the first is recorded and for the others chosen.

func secretNotFound() error {
	return &types.SecretNotFoundException{Message: aws.String("The ARN of the secret specified in the pull through cache rule was not found. Update the pull through cache rule with a valid secret ARN and try again.")}
}

func unableToAccessSecret() error {
	return &types.UnableToAccessSecretException{Message: aws.String("The secret is unable to be accessed. Verify the resource permissions for the secret and try again.")}
}

func unableToDecryptSecret() error {
	return &types.UnableToDecryptSecretValueException{Message: aws.String("The secret is accessible but is unable to be decrypted. Verify the resource permissions and try again.")}
}
