package registry_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

const (
	someKey  = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	otherKey = "arn:aws:kms:us-east-1:123456789012:key/9876abcd-12ab-34cd-56ef-1234567890ab"
)

func encryptedBy(key string) *ecr.CreateRepositoryInput {
	in := &ecr.CreateRepositoryInput{
		RepositoryName:          aws.String("team/app"),
		EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms},
	}
	if key != "" {
		in.EncryptionConfiguration.KmsKey = &key
	}
	return in
}

// refusals of KMS, by the state of the key; the message has %s for the action.
var kmsRefusals = map[fakeecr.KMSKeyState]string{
	fakeecr.KeyDisabled:        someKey + " is disabled.",
	fakeecr.KeyPendingDeletion: someKey + " is pending deletion.",
	fakeecr.KeyNotFound:        "Key '" + someKey + "' does not exist",
	fakeecr.KeyAccessDenied: "User: arn:aws:iam::123456789012:user/fakeecr is not authorized to perform: %s on resource: " + someKey +
		" because no resource-based policy allows the %s action",
}

func requireKMS(t *testing.T, err error, state fakeecr.KMSKeyState, action string) {
	t.Helper()
	exception := faces.RequireError[*types.KmsException](t, err, strings.ReplaceAll(kmsRefusals[state], "%s", action))
	require.Equal(t, string(state), *exception.KmsError)
}

// Without a declaration every key exists, with one only those declared and the
// one that AWS manages.
func TestKeysThatExist(t *testing.T) {
	for name, test := range map[string]struct {
		options []fakeecr.Option
		key     string
		refused fakeecr.KMSKeyState
		shown   string
	}{
		"nothing declared":        {nil, someKey, "", someKey},
		"nothing declared, by id": {nil, "1234abcd-12ab-34cd-56ef-1234567890ab", "", someKey},
		"nothing declared, alias": {nil, "alias/ours", "", "arn:aws:kms:us-east-1:123456789012:alias/ours"},
		"declared":                {[]fakeecr.Option{fakeecr.WithKMSKey(someKey, fakeecr.KeyEnabled)}, someKey, "", someKey},
		"another is declared":     {[]fakeecr.Option{fakeecr.WithKMSKey(otherKey, fakeecr.KeyEnabled)}, someKey, fakeecr.KeyNotFound, ""},
		"declared as disabled":    {[]fakeecr.Option{fakeecr.WithKMSKey(someKey, fakeecr.KeyDisabled)}, someKey, fakeecr.KeyDisabled, ""},
		"declared by alias":       {[]fakeecr.Option{fakeecr.WithKMSKey("arn:aws:kms:us-east-1:123456789012:alias/team", "")}, "alias/team", "", "arn:aws:kms:us-east-1:123456789012:alias/team"},
		"AWS's own, by default":   {[]fakeecr.Option{fakeecr.WithKMSKey(otherKey, fakeecr.KeyEnabled)}, "", "", managed},
		"AWS's own, by alias":     {[]fakeecr.Option{fakeecr.WithKMSKey(otherKey, fakeecr.KeyEnabled)}, "alias/aws/ecr", "", managed},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				out, err := f.CreateRepository(t.Context(), encryptedBy(test.key))
				if test.refused != "" {
					requireKMS(t, err, test.refused, "kms:CreateGrant")
					return
				}
				require.NoError(t, err)
				shown := *out.Repository.EncryptionConfiguration.KmsKey
				if test.shown == managed {
					require.Regexp(t, "^arn:aws:kms:us-east-1:123456789012:key/[0-9a-f-]{36}$", shown)
					require.NotEqual(t, otherKey, shown)
					return
				}
				require.Equal(t, test.shown, shown)
			}, test.options...)
		})
	}
}

const managed = "the key that AWS manages"

func TestKeyThatFailsDuringPushAndPull(t *testing.T) {
	for state := range kmsRefusals {
		t.Run(string(state), func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				_, err := f.CreateRepository(t.Context(), encryptedBy(someKey))
				require.NoError(t, err)
				image := fakeecr.RandomImage(1, 100)
				f.Registry.MustPush("team/app:v1", image)
				name := aws.String("team/app")
				begun, err := f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: name})
				require.NoError(t, err)
				layer, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: name, LayerDigest: aws.String(faces.DigestOf(image.Blobs[0]))})
				require.NoError(t, err)

				f.Registry.SetKMSKey(someKey, state)
				_, err = f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: name})
				requireKMS(t, err, state, "kms:GenerateDataKey")
				part := &ecr.UploadLayerPartInput{
					RepositoryName: name, UploadId: begun.UploadId, LayerPartBlob: []byte("layer"), PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(4),
				}
				_, err = f.UploadLayerPart(t.Context(), part)
				requireKMS(t, err, state, "kms:GenerateDataKey")
				complete := &ecr.CompleteLayerUploadInput{RepositoryName: name, UploadId: begun.UploadId, LayerDigests: []string{faces.DigestOf([]byte("layer"))}}
				_, err = f.CompleteLayerUpload(t.Context(), complete)
				requireKMS(t, err, state, "kms:GenerateDataKey")
				put := &ecr.PutImageInput{RepositoryName: name, ImageManifest: aws.String(string(image.Manifest)), ImageTag: aws.String("v2")}
				_, err = f.PutImage(t.Context(), put)
				requireKMS(t, err, state, "kms:GenerateDataKey")
				requireUnreadable(t, f, state)
				requireDownload(t, f, *layer.DownloadUrl, state)
				_, err = f.CreateRepository(t.Context(), encryptedBy(someKey))
				requireKMS(t, err, state, "kms:CreateGrant")

				f.Registry.SetKMSKey(someKey, fakeecr.KeyEnabled)
				_, err = f.UploadLayerPart(t.Context(), part)
				require.NoError(t, err, "the upload is as it was")
				_, err = f.CompleteLayerUpload(t.Context(), complete)
				require.NoError(t, err)
				_, err = f.PutImage(t.Context(), put)
				require.NoError(t, err)
				requireDownload(t, f, *layer.DownloadUrl, fakeecr.KeyEnabled)
			})
		})
	}
}

func requireUnreadable(t *testing.T, f faces.Face, state fakeecr.KMSKeyState) {
	t.Helper()
	out, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{
		RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}, {ImageTag: aws.String("none")}},
	})
	require.NoError(t, err)
	require.Empty(t, out.Images)
	require.Equal(t, []types.ImageFailure{
		{
			FailureCode: types.ImageFailureCodeKmsError, ImageId: &types.ImageIdentifier{ImageTag: aws.String("v1")},
			FailureReason: aws.String(strings.ReplaceAll(kmsRefusals[state], "%s", "kms:Decrypt")),
		},
		{
			FailureCode: types.ImageFailureCodeImageNotFound, ImageId: &types.ImageIdentifier{ImageTag: aws.String("none")},
			FailureReason: aws.String("Requested image not found"),
		},
	}, out.Failures)
}

// requireDownload holds that the store serves a layer, or refuses it as S3 does.
func requireDownload(t *testing.T, f faces.Face, url string, state fakeecr.KMSKeyState) {
	t.Helper()
	client := &http.Client{Transport: f.Registry.Transport()}
	if f.Name == "loopback" {
		client = http.DefaultClient
	}
	response, err := client.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	switch state {
	case fakeecr.KeyEnabled:
		require.Equal(t, http.StatusOK, response.StatusCode)
	case fakeecr.KeyAccessDenied:
		require.Equal(t, http.StatusForbidden, response.StatusCode)
	default:
		require.Equal(t, http.StatusBadRequest, response.StatusCode)
	}
}

// Deleting a repository retires ECR's grant, which KMS allows on a key in any
// state, if the caller may.
func TestDeleteRepositoryRetiresTheGrant(t *testing.T) {
	for state := range kmsRefusals {
		t.Run(string(state), func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				_, err := f.CreateRepository(t.Context(), encryptedBy(someKey))
				require.NoError(t, err)
				f.Registry.SetKMSKey(someKey, state)
				_, err = f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("team/app")})
				if state == fakeecr.KeyAccessDenied {
					requireKMS(t, err, state, "kms:RetireGrant")
					return
				}
				require.NoError(t, err)
			})
		})
	}
}

// What is told of keys and secrets is a change like any other to an answer from an
// earlier state.
func TestStaleAnswersKnowWhatWasTold(t *testing.T) {
	for name, test := range map[string]struct {
		tell  func(r *fakeecr.Registry)
		check func(t *testing.T, f faces.Face)
	}{
		"a key": {
			func(r *fakeecr.Registry) { r.SetKMSKey(someKey, fakeecr.KeyDisabled) },
			func(t *testing.T, f faces.Face) { requireUnreadable(t, f, fakeecr.KeyDisabled) },
		},
		"a secret": {
			func(r *fakeecr.Registry) { r.SetSecret(faces.HubSecret, fakeecr.SecretAccessDenied) },
			func(t *testing.T, f faces.Face) {
				out, err := f.ValidatePullThroughCacheRule(t.Context(), &ecr.ValidatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub")})
				require.NoError(t, err)
				require.Contains(t, aws.ToString(out.Failure), "unable to be accessed")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				_, err := f.CreateRepository(t.Context(), encryptedBy(someKey))
				require.NoError(t, err)
				f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
				faces.CreateRule(t, f, faces.CachedWithSecret("hub", "registry-1.docker.io", faces.HubSecret))
				f.Registry.Play(scenarios.Scenario{scenarios.On("BatchGetImage").Or("ValidatePullThroughCacheRule").Stale(time.Second).Optional()})
				test.tell(f.Registry)
				f.Registry.Advance(10 * time.Second)
				test.check(t, f)
			})
		})
	}
}

// What was due before a key was disabled has happened by then.
func TestWhatWasDueMetTheKeyAsItWas(t *testing.T) {
	faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
		_, err := f.CreateRepository(t.Context(), encryptedBy(someKey))
		require.NoError(t, err)
		replicateTo(t, f, destination("eu-west-1"))
		digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		time.Sleep(24 * time.Hour)
		f.Registry.SetKMSKey(someKey, fakeecr.KeyDisabled)
		require.Equal(t, map[string][]string{digest: {"v1"}}, heldIn(t, f.In("eu-west-1"), "team/app"))
	})
}

func TestSetKMSKeyLeavesOtherKeysAlone(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.SetKMSKey(otherKey, fakeecr.KeyDisabled)
		_, err := f.CreateRepository(t.Context(), encryptedBy(someKey))
		require.NoError(t, err)
	})
}

// A fork keeps what was told, and its own changes for itself.
func TestForkKeepsKeys(t *testing.T) {
	original := fakeecr.New(t, fakeecr.WithKMSKey(someKey, fakeecr.KeyEnabled))
	original.SetKMSKey(someKey, fakeecr.KeyDisabled)
	fork := original.Fork(t)
	_, err := fork.CreateRepository(t.Context(), encryptedBy(someKey))
	requireKMS(t, err, fakeecr.KeyDisabled, "kms:CreateGrant")
	told := original.Fork(t, fakeecr.WithKMSKey(someKey, fakeecr.KeyEnabled))
	_, err = told.CreateRepository(t.Context(), encryptedBy(someKey))
	require.NoError(t, err)
	_, err = fork.CreateRepository(t.Context(), encryptedBy(otherKey))
	require.ErrorContains(t, err, "Key '"+otherKey+"' does not exist")
}
