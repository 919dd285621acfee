package fakeecr

import (
	"fmt"
	"regexp"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// KMSKeyState is how KMS answers ECR for a key: the kmsError of the
// KmsException that a call gets, or "" for a key that may be used.
type KMSKeyState = registry.KeyState

// The states of a KMS key.
const (
	KeyEnabled         = registry.KeyEnabled
	KeyDisabled        = registry.KeyDisabled
	KeyPendingDeletion = registry.KeyPendingDeletion
	KeyAccessDenied    = registry.KeyAccessDenied
	KeyNotFound        = registry.KeyNotFound
)

// WithKMSKey declares a KMS key by the ARN that ECR shows in a repository's
// encryptionConfiguration; an alias is a name of its own. Once a key is declared
// the world has no others but the one that AWS manages for ECR. With none
// declared, every key exists and may be used.
func WithKMSKey(arn string, state KMSKeyState) Option {
	return func(s *settings) error {
		s.declare(func(w *registry.World) { w.SetKey(arn, state, true) })
		return checkKey(arn)
	}
}

// SetKMSKey changes the state of a KMS key from the next call on, say to see a
// push fail half-way because the key was disabled. Other keys stay as they are.
func (r *Registry) SetKMSKey(arn string, state KMSKeyState) {
	r.world.must(checkKey(arn))
	r.world.state.SetKey(arn, state, false)
}

func checkKey(arn string) error {
	if !registry.IsKeyARN(arn) {
		return fmt.Errorf("%q is no ARN of a KMS key, as arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab is", arn)
	}
	return nil
}

// SecretState is what Secrets Manager does when ECR reads the secret of a
// pull-through cache rule.
type SecretState = registry.SecretState

// The states of a secret.
const (
	SecretReadable      = registry.SecretReadable
	SecretAccessDenied  = registry.SecretAccessDenied
	SecretUndecryptable = registry.SecretUndecryptable
	SecretNotFound      = registry.SecretNotFound
)

// WithSecret declares a secret of Secrets Manager by the ARN that pull-through
// cache rules have for their credentialArn. Once a secret is declared the world
// has no others. With none declared, every secret exists and is readable.
func WithSecret(arn string, state SecretState) Option {
	return func(s *settings) error {
		s.declare(func(w *registry.World) { w.SetSecret(arn, state, true) })
		return checkSecret(arn)
	}
}

// SetSecret changes the state of a secret from the next call on. Other secrets
// stay as they are.
func (r *Registry) SetSecret(arn string, state SecretState) {
	r.world.must(checkSecret(arn))
	r.world.state.SetSecret(arn, state, false)
}

// secretARN is the form of a rule's secret, with ECR's prefix.
var secretARN = regexp.MustCompile(`^arn:aws(-\w+)*:secretsmanager:[a-zA-Z0-9-:]+:secret:ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]+$`)

func checkSecret(arn string) error {
	if !secretARN.MatchString(arn) {
		return fmt.Errorf("%q is no ARN of a secret for a pull-through cache rule, as arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf is", arn)
	}
	return nil
}
