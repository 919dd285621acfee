package registry

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/uuid"

	"github.com/fakeecr/ecr/fakeecr/internal/cow"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// KeyState is how KMS answers for a key: a code of its errors, which is also the
// kmsError of ECR's KmsException, or "" for a key that may be used.
type KeyState string

// The states of a key.
const (
	KeyEnabled         KeyState = ""
	KeyDisabled        KeyState = "DisabledException"
	KeyPendingDeletion KeyState = "KMSInvalidStateException"
	KeyAccessDenied    KeyState = "AccessDeniedException"
	KeyNotFound        KeyState = "NotFoundException"
)

// Check tells why a key cannot be in the state.
func (s KeyState) Check() error {
	bad := []KeyState{KeyDisabled, KeyPendingDeletion, KeyAccessDenied, KeyNotFound}
	if s != KeyEnabled && !slices.Contains(bad, s) {
		return fmt.Errorf("a KMS key is in no state %q, but in one of %q or enabled", s, bad)
	}
	return nil
}

// What ECR does with a key.
const (
	createGrant = "kms:CreateGrant"
	retireGrant = "kms:RetireGrant"
	encrypt     = "kms:GenerateDataKey"
	decrypt     = "kms:Decrypt"
)

// holdings is what another service holds, by ARN, as far as the world was told.
// The zero value holds everything, in the zero state.
type holdings[S any] struct {
	states cow.Map[S]
	// closed tells that what was not told is not there.
	closed bool
}

func (h *holdings[S]) state(arn string, missing S) S {
	state, told := h.states.Get(arn)
	if !told && h.closed {
		return missing
	}
	return state
}

// SetKey tells the state of a KMS key. The first one told with only closes the
// world's KMS: a key of which it was told nothing does not exist.
func (w *World) SetKey(arn string, state KeyState, only bool) {
	_ = w.do(Place{}, func(tx *Tx) error {
		root := tx.write()
		root.keys.states.Set(root.Generation(), arn, state)
		root.keys.closed = root.keys.closed || only
		return nil
	})
}

// kmsKey is the ARN of the key that a caller names by ARN, id or alias; of the
// one that AWS manages for ECR if it names none.
func kmsKey(place Place, name string) (string, error) {
	prefix := naming.KMSPrefix(place)
	switch region, isARN := naming.ParseKMSKeyARN(name); {
	case name == "", strings.TrimPrefix(name, prefix) == "alias/aws/ecr":
		return managedKey(place), nil
	case isARN && region != place.Region:
		return "", kmsException(KeyNotFound, "Invalid arn "+region)
	case isARN:
		return name, nil
	case strings.HasPrefix(name, "alias/"):
		return prefix + name, nil
	default:
		return prefix + "key/" + name, nil
	}
}

// managedKey is the key that AWS manages for ECR, which every registry has.
func managedKey(place Place) string {
	prefix := naming.KMSPrefix(place)
	return prefix + "key/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(prefix+"alias/aws/ecr")).String()
}

// grantKey is the encryption of a new repository: its key has an ARN, and KMS
// lets ECR use it.
func (tx *Tx) grantKey(place Place, e encryption) (encryption, error) {
	if e.kind == types.EncryptionTypeAes256 {
		return e, nil
	}
	var err error
	if e.key, err = kmsKey(place, e.key); err != nil {
		return e, err
	}
	return e, tx.useKey(place, e, createGrant)
}

// useKey asks KMS to use a repository's key, if it has one.
func (tx *Tx) useKey(place Place, e encryption, action string) error {
	if e.key == "" {
		return nil
	}
	state := tx.keyState(place, e)
	// KMS retires a grant on any key, if the caller may.
	if state == KeyEnabled || action == retireGrant && state != KeyAccessDenied {
		return nil
	}
	return kmsException(state, kmsSentence(state, e.key, tx.Caller, action))
}

// keyState is how KMS answers for a repository's key.
func (tx *Tx) keyState(place Place, e encryption) KeyState {
	missing := KeyNotFound
	if e.key == managedKey(place) {
		missing = KeyEnabled
	}
	return tx.read().keys.state(e.key, missing)
}

// encryption says how a repository's layers are encrypted, which cannot change.
type encryption struct {
	kind types.EncryptionType
	key  string
}

// newEncryption reads what a caller asks for; the key is as the caller names it.
func newEncryption(region string, config *types.EncryptionConfiguration) (encryption, error) {
	const member = "encryptionConfiguration"
	if config == nil {
		return encryption{kind: types.EncryptionTypeAes256}, nil
	}
	e := encryption{kind: config.EncryptionType, key: aws.ToString(config.KmsKey)}
	switch {
	case e.kind == types.EncryptionTypeAes256 && config.KmsKey != nil:
		return e, invalidParameter(member, "Invalid encryption configuration: Encryption key should not be set for AES256 encryption.")
	case e.kind == types.EncryptionTypeKmsDsse && naming.Partition(region) != "aws-us-gov":
		return e, invalidParameter(member, "Invalid encryption configuration: KMS_DSSE encryption is not supported in this region.")
	}
	return e, nil
}

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
