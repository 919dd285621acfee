package fakeecr

import (
	"fmt"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// KMSKeyState is how KMS answers ECR for a key: the kmsError of the
// KmsException that a call gets, or "" for a key that may be used. BatchGetImage
// answers the failure KmsError instead, and a download fails as S3 does.
type KMSKeyState string

// The states of a KMS key.
const (
	// KeyEnabled is a key that may be used.
	KeyEnabled KMSKeyState = KMSKeyState(registry.KeyEnabled)
	// KeyDisabled is DisabledException.
	KeyDisabled KMSKeyState = KMSKeyState(registry.KeyDisabled)
	// KeyPendingDeletion is KMSInvalidStateException.
	KeyPendingDeletion KMSKeyState = KMSKeyState(registry.KeyPendingDeletion)
	// KeyAccessDenied is AccessDeniedException: the key's policy does not let the
	// caller use it. Only this state keeps a repository from being deleted.
	KeyAccessDenied KMSKeyState = KMSKeyState(registry.KeyAccessDenied)
	// KeyNotFound is NotFoundException.
	KeyNotFound KMSKeyState = KMSKeyState(registry.KeyNotFound)
)

// WithKMSKey declares a KMS key by the ARN that ECR shows in a repository's
// encryptionConfiguration; an alias is a name of its own. Once a key is declared
// the world has no others but the one that AWS manages for ECR. With none
// declared, every key exists and may be used.
func WithKMSKey(arn string, state KMSKeyState) Option {
	return func(s *setup) error {
		s.declare(func(r *Registry) { r.setKey(arn, state, true) })
		return checkKey(arn, state)
	}
}

// SetKMSKey changes the state of a KMS key from the next call on, say to see a
// push fail half-way because the key was disabled. Other keys stay as they are.
func (r *Registry) SetKMSKey(arn string, state KMSKeyState) {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	instanceOf(r).must(checkKey(arn, state))
	r.setKey(arn, state, false)
}

func (r *Registry) setKey(arn string, state KMSKeyState, only bool) {
	instanceOf(r).stage.World.SetKey(arn, registry.KeyState(state), only)
}

func checkKey(arn string, state KMSKeyState) error {
	if _, ok := naming.ParseKMSKeyARN(arn); !ok {
		return fmt.Errorf("%q is no ARN of a KMS key, as arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab is", arn)
	}
	return registry.KeyState(state).Check()
}

// SecretState is what Secrets Manager does when ECR reads the secret of a
// pull-through cache rule.
//
// CreatePullThroughCacheRule and UpdatePullThroughCacheRule answer the exception
// of the state, ValidatePullThroughCacheRule its text. A pull by a rule whose
// secret went bad answers UnableToGetUpstreamImageException,
// UnableToGetUpstreamLayerException or UnableToListUpstreamImageReferrersException,
// unless all that it asks for is cached.
type SecretState string

// The states of a secret.
const (
	// SecretReadable is a secret with good credentials.
	SecretReadable SecretState = SecretState(registry.SecretReadable)
	// SecretAccessDenied is UnableToAccessSecretException.
	SecretAccessDenied SecretState = SecretState(registry.SecretAccessDenied)
	// SecretUndecryptable is UnableToDecryptSecretValueException.
	SecretUndecryptable SecretState = SecretState(registry.SecretUndecryptable)
	// SecretNotFound is SecretNotFoundException.
	SecretNotFound SecretState = SecretState(registry.SecretNotFound)
)

// WithSecret declares a secret of Secrets Manager by the ARN that pull-through
// cache rules have for their credentialArn. Once a secret is declared the world
// has no others. With none declared, every secret exists and is readable.
func WithSecret(arn string, state SecretState) Option {
	return func(s *setup) error {
		s.declare(func(r *Registry) { r.setSecret(arn, state, true) })
		return checkSecret(arn, state)
	}
}

// SetSecret changes the state of a secret from the next call on. Other secrets
// stay as they are.
func (r *Registry) SetSecret(arn string, state SecretState) {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	instanceOf(r).must(checkSecret(arn, state))
	r.setSecret(arn, state, false)
}

func (r *Registry) setSecret(arn string, state SecretState, only bool) {
	instanceOf(r).stage.World.SetSecret(arn, registry.SecretState(state), only)
}

func checkSecret(arn string, state SecretState) error {
	if !naming.IsCacheSecret(arn) {
		return fmt.Errorf("%q is no ARN of a secret for a pull-through cache rule, as arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf is", arn)
	}
	return registry.SecretState(state).Check()
}
