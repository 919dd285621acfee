package registry

import (
	"fmt"
	"slices"
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
	_ = w.do(Key{}, func(tx *Tx) error {
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
