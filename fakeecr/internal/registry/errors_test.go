package registry_test

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// provocation is a shortest way to an exception.
type provocation struct {
	by func(t *testing.T, f faces.Face) error
	// says is ECR's own text, with {id} for an id that a call gave out.
	says string
	// names is what the text is about, where ECR's own is unknown.
	names   string
	options []fakeecr.Option
}

// refusal is the error of a call whose output does not matter.
func refusal[Out any](_ Out, err error) error { return err }

// provocations of all exceptions of the service model, by their names.
func provocations() map[string]provocation {
	all := map[string]provocation{}
	for _, some := range []map[string]provocation{
		provokedByRepositories(), provokedByLayers(), provokedByImages(),
		provokedBySettings(), provokedByUpstreams(), provokedByReasonsOutside(),
	} {
		maps.Copy(all, some)
	}
	return all
}

func provokedByRepositories() map[string]provocation {
	name := aws.String(faces.App)
	return map[string]provocation{
		"RepositoryNotFoundException": {says: faces.AppNotFound, by: func(t *testing.T, f faces.Face) error {
			return refusal(f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: name}))
		}},
		"RepositoryAlreadyExistsException": {says: "The repository with name 'team/app' already exists in the registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			faces.Create(t, f, faces.App)
			return refusal(f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: name}))
		}},
		"RepositoryNotEmptyException": {says: "The repository with name 'team/app' in registry with id '123456789012' cannot be deleted because it still contains images", by: func(t *testing.T, f faces.Face) error {
			pushAll(t, f, fakeecr.RandomImage(1, 100))
			return refusal(f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: name}))
		}},
		"RepositoryPolicyNotFoundException": {says: "Repository policy does not exist for the repository with name 'team/app' in the registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			faces.Create(t, f, faces.App)
			return refusal(f.GetRepositoryPolicy(t.Context(), &ecr.GetRepositoryPolicyInput{RepositoryName: name}))
		}},
		"LifecyclePolicyNotFoundException": {says: "Lifecycle policy does not exist for the repository with name 'team/app' in the registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			faces.Create(t, f, faces.App)
			return refusal(f.GetLifecyclePolicy(t.Context(), &ecr.GetLifecyclePolicyInput{RepositoryName: name}))
		}},
		"LifecyclePolicyPreviewNotFoundException": {names: "'team/app'", by: func(t *testing.T, f faces.Face) error {
			faces.Create(t, f, faces.App)
			return refusal(f.GetLifecyclePolicyPreview(t.Context(), &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: name}))
		}},
		"LifecyclePolicyPreviewInProgressException": {names: "previous lifecycle policy preview", by: func(t *testing.T, f faces.Face) error {
			faces.Create(t, f, faces.App)
			text := startPreview(t, f, expiring(1, anyImages))
			return refusal(f.StartLifecyclePolicyPreview(t.Context(), &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: name, LifecyclePolicyText: &text}))
		}},
		"InvalidParameterException": {says: "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'", by: func(t *testing.T, f faces.Face) error {
			return refusal(f.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: name}))
		}},
		"InvalidTagParameterException": {says: "Tag parameters are invalid", by: func(t *testing.T, f faces.Face) error {
			return refusal(f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: name, Tags: tags("", "value")}))
		}},
		"TooManyTagsException": {names: appARN, by: func(t *testing.T, f faces.Face) error {
			return refusal(f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: name, Tags: manyTags(51)}))
		}},
		"LimitExceededException": {names: "0 repositories per registry", options: []fakeecr.Option{fakeecr.WithQuota(fakeecr.RepositoriesPerRegistry, 0)}, by: func(t *testing.T, f faces.Face) error {
			return refusal(f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: name}))
		}},
		"KmsException": {names: someKey, options: []fakeecr.Option{fakeecr.WithKMSKey(someKey, fakeecr.KeyDisabled)}, by: func(t *testing.T, f faces.Face) error {
			_, err := f.CreateRepository(t.Context(), encryptedBy(someKey))
			requireKMS(t, err, fakeecr.KeyDisabled, "kms:CreateGrant")
			return err
		}},
	}
}

func provokedByLayers() map[string]provocation {
	part := []byte("part")
	uploading := func(t *testing.T, f faces.Face) *string {
		faces.Create(t, f, faces.App)
		upload := f.BeginUpload(t, faces.App)
		require.NoError(t, refusal(f.SendPart(t, faces.App, upload, 0, part)))
		return upload
	}
	download := func(t *testing.T, f faces.Face, digest string) error {
		return refusal(f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String(faces.App), LayerDigest: &digest}))
	}
	return map[string]provocation{
		"UploadNotFoundException": {names: faces.NoUpload, by: func(t *testing.T, f faces.Face) error {
			faces.Create(t, f, faces.App)
			return refusal(f.SendPart(t, faces.App, aws.String(faces.NoUpload), 0, part))
		}},
		"EmptyUploadException": {says: "The upload with id '{id}' in the repository with name 'team/app' in registry with id '123456789012' cannot be completed because it does not have any parts", by: func(t *testing.T, f faces.Face) error {
			faces.Create(t, f, faces.App)
			return refusal(f.CompleteUpload(t, faces.App, f.BeginUpload(t, faces.App), faces.DigestOf(part)))
		}},
		"InvalidLayerPartException": {names: "9 instead of 4", by: func(t *testing.T, f faces.Face) error {
			upload := uploading(t, f)
			err := refusal(f.SendPart(t, faces.App, upload, 9, part))
			var refused *types.InvalidLayerPartException
			require.ErrorAs(t, err, &refused)
			require.Equal(t, types.InvalidLayerPartException{
				RegistryId: aws.String("123456789012"), RepositoryName: aws.String(faces.App), UploadId: upload,
				LastValidByteReceived: aws.Int64(3), Message: refused.Message,
			}, *refused)
			return err
		}},
		"InvalidLayerException": {says: "None of the provided layer digests match the calculated layer digest", by: func(t *testing.T, f faces.Face) error {
			return refusal(f.CompleteUpload(t, faces.App, uploading(t, f), faces.DigestNotThere))
		}},
		"LayerPartTooSmallException": {says: "All layer parts except the last part should be at least 5MB", by: func(t *testing.T, f faces.Face) error {
			upload := uploading(t, f)
			require.NoError(t, refusal(f.SendPart(t, faces.App, upload, len(part), part)))
			return refusal(f.CompleteUpload(t, faces.App, upload, faces.DigestOf(bytes.Repeat(part, 2))))
		}},
		"LayerAlreadyExistsException": {names: faces.DigestOf(part), by: func(t *testing.T, f faces.Face) error {
			upload := uploading(t, f)
			f.PushLayer(t, faces.App, part, len(part))
			return refusal(f.CompleteUpload(t, faces.App, upload, faces.DigestOf(part)))
		}},
		"LayersNotFoundException": {says: "The layer with digest '" + faces.DigestNotThere + "' does not exist within the repository with name 'team/app' in the registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			faces.Create(t, f, faces.App)
			return download(t, f, faces.DigestNotThere)
		}},
		"LayerInaccessibleException": {names: faces.DigestOf(part), by: func(t *testing.T, f faces.Face) error {
			faces.Create(t, f, faces.App)
			return download(t, f, f.PushLayer(t, faces.App, part, len(part)))
		}},
	}
}

func provokedByImages() map[string]provocation {
	image, other := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
	name, archive := aws.String(faces.App), types.TargetStorageClassArchive
	return map[string]provocation{
		"ImageNotFoundException": {says: fmt.Sprintf(imageNotInApp, "null", "v2"), by: func(t *testing.T, f faces.Face) error {
			pushAll(t, f, image, "v1")
			return refusal(f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: name, ImageIds: faces.Tagged("v2")}))
		}},
		"ImageAlreadyExistsException": {says: "Image with digest '" + image.Digest() + "' and tag 'v1' already exists in the repository with name 'team/app' in registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			pushAll(t, f, image, "v1")
			return refusal(f.Put(t, faces.App, image, "v1"))
		}},
		"ImageTagAlreadyExistsException": {says: "The image tag 'v1' already exists in the 'team/app' repository and cannot be overwritten because the tag is immutable.", by: func(t *testing.T, f faces.Face) error {
			pushAll(t, f, image, "v1")
			pushAll(t, f, other)
			require.NoError(t, refusal(f.PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{RepositoryName: name, ImageTagMutability: types.ImageTagMutabilityImmutable})))
			return refusal(f.Put(t, faces.App, other, "v1"))
		}},
		"ImageDigestDoesNotMatchException": {says: "The image with digest '" + faces.DigestNotThere + "' in repository 'team/app' and registry ID '123456789012' does not match the image digest that Amazon ECR has calculated.", by: func(t *testing.T, f faces.Face) error {
			pushAll(t, f, image)
			return refusal(f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: name, ImageManifest: aws.String(string(image.Manifest)), ImageDigest: aws.String(faces.DigestNotThere)}))
		}},
		"ReferencedImagesNotFoundException": {says: "Images with digests '[" + image.Digest() + "]' required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist", by: func(t *testing.T, f faces.Face) error {
			faces.Create(t, f, faces.App)
			return refusal(f.Put(t, faces.App, faces.IndexOf(image), ""))
		}},
		"ImageStorageClassUpdateNotSupportedException": {names: image.Digest(), by: func(t *testing.T, f faces.Face) error {
			pushAll(t, f, image)
			faces.UpdateStorage(t, f, image.Digest(), archive)
			return refusal(f.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{RepositoryName: name, ImageId: faces.DigestID(image.Digest()), TargetStorageClass: archive}))
		}},
		"ImageArchivedException": {names: image.Digest(), by: func(t *testing.T, f faces.Face) error {
			pushAll(t, f, image)
			faces.UpdateStorage(t, f, image.Digest(), archive)
			return faces.StartScan(t, f, faces.DigestID(image.Digest()))
		}},
		"UnsupportedImageTypeException": {says: "An artifact with media type 'application/vnd.oci.image.index.v1+json' cannot be scanned. For more information, see the Amazon ECR documentation.", by: func(t *testing.T, f faces.Face) error {
			pushAll(t, f, image)
			pushAll(t, f, faces.IndexOf(image))
			return faces.StartScan(t, f, faces.DigestID(faces.IndexOf(image).Digest()))
		}},
		"ScanNotFoundException": {says: "Image scan does not exist for the image with '{imageDigest:'null', imageTag:'v1'}' in the repository with name 'team/app' in the registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			pushAll(t, f, image, "v1")
			return refusal(faces.DescribeFindings(t, f, faces.TagID("v1")))
		}},
	}
}

func provokedBySettings() map[string]provocation {
	const role = "arn:aws:iam::123456789012:role/ci"
	return map[string]provocation{
		"RegistryPolicyNotFoundException": {says: "Registry policy does not exist in the registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			return refusal(f.GetRegistryPolicy(t.Context(), nil))
		}},
		"SigningConfigurationNotFoundException": {names: "'123456789012'", by: func(t *testing.T, f faces.Face) error {
			return refusal(f.GetSigningConfiguration(t.Context(), nil))
		}},
		"ValidationException": {says: "This feature is disabled", by: func(t *testing.T, f faces.Face) error {
			pushAll(t, f, fakeecr.RandomImage(1, 100), "v1")
			faces.PutScanning(t, f, types.ScanTypeEnhanced)
			return faces.StartScan(t, f, faces.TagID("v1"))
		}},
		"TemplateNotFoundException": {says: "The repository creation template with the prefix 'prod' does not exist in the registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			return refusal(f.DeleteRepositoryCreationTemplate(t.Context(), &ecr.DeleteRepositoryCreationTemplateInput{Prefix: aws.String("prod")}))
		}},
		"TemplateAlreadyExistsException": {says: "The repository creation template with the prefix 'prod' already exists in the registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			require.NoError(t, refusal(f.CreateRepositoryCreationTemplate(t.Context(), forEverything("prod"))))
			return refusal(f.CreateRepositoryCreationTemplate(t.Context(), forEverything("prod")))
		}},
		"ExclusionNotFoundException": {names: role, by: func(t *testing.T, f faces.Face) error { return deregister(t, f, role) }},
		"ExclusionAlreadyExistsException": {names: role, by: func(t *testing.T, f faces.Face) error {
			require.NoError(t, register(t, f, role))
			return register(t, f, role)
		}},
		"ReplicationBackfillNotFoundException": {names: faces.NoUpload, by: func(t *testing.T, f faces.Face) error {
			return refusal(stopBackfill(t, f, aws.String(faces.NoUpload)))
		}},
		"ReplicationBackfillInProgressException": {names: "'eu-west-1'", by: func(t *testing.T, f faces.Face) error {
			to := destination("eu-west-1")
			replicateTo(t, f, to)
			startBackfill(t, f, to)
			return refusal(f.StartReplicationBackfill(t.Context(), &ecr.StartReplicationBackfillInput{Destination: &to}))
		}},
		"ReplicationBackfillInvalidStatusException": {names: "its status is STOPPED", by: func(t *testing.T, f faces.Face) error {
			replicateTo(t, f, destination("eu-west-1"))
			id := startBackfill(t, f, destination("eu-west-1")).ReplicationBackfillId
			require.NoError(t, refusal(stopBackfill(t, f, id)))
			return refusal(stopBackfill(t, f, id))
		}},
	}
}

func provokedByUpstreams() map[string]provocation {
	// withSecret makes a rule while its secret is good.
	withSecret := func(t *testing.T, f faces.Face, then fakeecr.SecretState) {
		faces.CreateRule(t, f, faces.CachedWithSecret("hub", "registry-1.docker.io", faces.HubSecret))
		f.Registry.SetSecret(faces.HubSecret, then)
	}
	secret := func(state fakeecr.SecretState) provocation {
		return provocation{names: "secret", options: []fakeecr.Option{fakeecr.WithSecret(faces.HubSecret, state)}, by: func(t *testing.T, f faces.Face) error {
			return refusal(f.CreatePullThroughCacheRule(t.Context(), faces.CachedWithSecret("hub", "registry-1.docker.io", faces.HubSecret)))
		}}
	}
	return map[string]provocation{
		"PullThroughCacheRuleNotFoundException": {says: "The pull through cache rule with Amazon ECR repository prefix 'hub' does not exist in the registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			return refusal(f.DeletePullThroughCacheRule(t.Context(), &ecr.DeletePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub")}))
		}},
		"PullThroughCacheRuleAlreadyExistsException": {says: "The pull through cache rule with Amazon ECR repository prefix 'hub' already exists in the registry with id '123456789012'", by: func(t *testing.T, f faces.Face) error {
			faces.CreateRule(t, f, faces.Cached("hub", "quay.io"))
			return refusal(f.CreatePullThroughCacheRule(t.Context(), faces.Cached("hub", "quay.io")))
		}},
		"UnsupportedUpstreamRegistryException": {
			says: "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN containing the upstream registry credentials and try again.",
			by: func(t *testing.T, f faces.Face) error {
				return refusal(f.CreatePullThroughCacheRule(t.Context(), faces.Cached("hub", "ghcr.io")))
			},
		},
		"SecretNotFoundException":             secret(fakeecr.SecretNotFound),
		"UnableToAccessSecretException":       secret(fakeecr.SecretAccessDenied),
		"UnableToDecryptSecretValueException": secret(fakeecr.SecretUndecryptable),
		"UnableToGetUpstreamImageException": {names: "upstream registry", by: func(t *testing.T, f faces.Face) error {
			withSecret(t, f, fakeecr.SecretAccessDenied)
			return refusal(f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: faces.Tagged("1")}))
		}},
		"UnableToGetUpstreamLayerException": {names: "registry-1.docker.io", options: []fakeecr.Option{fakeecr.WithUpstream("registry-1.docker.io", faces.Failing{Err: fakeecr.ErrUpstreamUnavailable})}, by: func(t *testing.T, f faces.Face) error {
			withSecret(t, f, fakeecr.SecretReadable)
			return refusal(f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: aws.String(faces.DigestNotThere)}))
		}},
		"UnableToListUpstreamImageReferrersException": {names: "upstream registry", by: func(t *testing.T, f faces.Face) error {
			withSecret(t, f, fakeecr.SecretAccessDenied)
			faces.Create(t, f, "hub/nginx")
			return refusal(faces.ReferrersOf(t, f, "hub/nginx", faces.DigestNotThere))
		}},
	}
}

// No state of a registry provokes these, so a scenario does.
func provokedByReasonsOutside() map[string]provocation {
	playing := func(scenario scenarios.Scenario) []fakeecr.Option {
		return []fakeecr.Option{fakeecr.WithScenario(scenario)}
	}
	return map[string]provocation{
		"ServerException": {names: "server-side", options: playing(scenarios.Fault("DescribeRegistry", 1)), by: func(t *testing.T, f faces.Face) error {
			return refusal(f.DescribeRegistry(t.Context(), nil))
		}},
		"BlockedByOrganizationPolicyException": {names: "organization policy", options: playing(scenarios.BlockedByOrganization()), by: func(t *testing.T, f faces.Face) error {
			return refusal(f.PutRegistryScanningConfiguration(t.Context(), nil))
		}},
	}
}

// modelled makes an empty exception of each kind that the SDK can decode, by its
// name.
func modelled() map[string]func() error {
	found := map[string]func() error{}
	for _, entry := range ecr.TypeRegistry.Entries {
		if exception, isError := entry.New().(smithy.APIError); isError {
			found[exception.ErrorCode()] = func() error { return entry.New().(error) }
		}
	}
	return found
}

var uuidPattern = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// Every exception of the service model can be provoked, and is the same error,
// with the same status, for all callers.
func TestEveryException(t *testing.T) {
	exceptions, provoked := modelled(), provocations()
	require.Len(t, exceptions, 50)
	for name := range provoked {
		require.Contains(t, exceptions, name, "the model has no such exception")
	}
	for _, name := range slices.Sorted(maps.Keys(exceptions)) {
		t.Run(name, func(t *testing.T) {
			p, there := provoked[name]
			require.True(t, there, "nothing provokes %s", name)
			for _, f := range faces.New(t, p.options...) {
				t.Run(f.Name, func(t *testing.T) { p.require(t, f, exceptions[name]()) })
			}
		})
	}
}

// require holds that a face answers the exception, as a client that was answered.
func (p provocation) require(t *testing.T, f faces.Face, want error) {
	err := p.by(t, f)
	exception := reflect.New(reflect.TypeOf(want))
	require.ErrorAs(t, err, exception.Interface())
	require.Equal(t, fmt.Sprintf("*smithy.OperationError > *http.ResponseError > %T", want), faces.Chain(err))

	var response *awshttp.ResponseError
	require.ErrorAs(t, err, &response)
	status := 400
	if want.(smithy.APIError).ErrorFault() == smithy.FaultServer {
		status = 500
	}
	require.Equal(t, status, response.HTTPStatusCode())
	require.NotEmpty(t, response.ServiceRequestID())

	text := exception.Elem().Interface().(smithy.APIError).ErrorMessage()
	if p.says != "" {
		require.Equal(t, p.says, uuidPattern.ReplaceAllString(text, "{id}"))
		return
	}
	require.NotEmpty(t, p.names)
	require.Contains(t, text, p.names)
}

func manyTags(n int) []types.Tag {
	tags := make([]types.Tag, n)
	for i := range tags {
		tags[i] = types.Tag{Key: aws.String(fmt.Sprint("key", i)), Value: aws.String("value")}
	}
	return tags
}

const imageNotInApp = "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name 'team/app' in the registry with id '123456789012'"
