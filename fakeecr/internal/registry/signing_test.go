package registry_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// signingStatuses are the statuses of an image by tag.
func signingStatuses(t *testing.T, f faces.Face, repository, tag string) []types.ImageSigningStatus {
	t.Helper()
	out, err := f.DescribeImageSigningStatus(t.Context(), &ecr.DescribeImageSigningStatusInput{RepositoryName: &repository, ImageId: faces.TagID(tag)})
	require.NoError(t, err)
	return out.SigningStatuses
}

const audit = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/audit"

func status(profile string, status types.SigningStatus) types.ImageSigningStatus {
	return types.ImageSigningStatus{SigningProfileArn: &profile, Status: status}
}

// signatures are the digests of the untagged images of a repository, with the
// digests of what they refer to.
func signatures(t *testing.T, f faces.Face, repository string) map[string]string {
	t.Helper()
	out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{
		RepositoryName: &repository, Filter: &types.DescribeImagesFilter{TagStatus: types.TagStatusUntagged},
	})
	require.NoError(t, err)
	found := map[string]string{}
	for _, detail := range out.ImageDetails {
		require.Equal(t, "application/vnd.cncf.notary.signature", *detail.ArtifactMediaType)
		found[*detail.ImageDigest] = *detail.SubjectManifestDigest
	}
	return found
}

func TestSigningConfiguration(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		const none = "Signing configuration does not exist in the registry with id '123456789012'"
		_, err := f.GetSigningConfiguration(t.Context(), nil)
		faces.RequireError[*types.SigningConfigurationNotFoundException](t, err, none)
		_, err = f.DeleteSigningConfiguration(t.Context(), nil)
		faces.RequireError[*types.SigningConfigurationNotFoundException](t, err, none)

		want := &types.SigningConfiguration{Rules: []types.SigningRule{faces.SigningRule(faces.Release, "prod/*", "*app"), faces.SigningRule(audit)}}
		put, err := f.PutSigningConfiguration(t.Context(), &ecr.PutSigningConfigurationInput{SigningConfiguration: want})
		require.NoError(t, err)
		require.Equal(t, want, put.SigningConfiguration)
		*put.SigningConfiguration.Rules[0].RepositoryFilters[0].Filter = "changed"
		got, err := f.GetSigningConfiguration(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, "123456789012", *got.RegistryId)
		require.Equal(t, &types.SigningConfiguration{Rules: []types.SigningRule{faces.SigningRule(faces.Release, "prod/*", "*app"), faces.SigningRule(audit)}}, got.SigningConfiguration)

		require.NoError(t, faces.PutSigning(t, f))
		deleted, err := f.DeleteSigningConfiguration(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, "123456789012", *deleted.RegistryId)
		require.Equal(t, &types.SigningConfiguration{Rules: []types.SigningRule{}}, deleted.SigningConfiguration, "put replaces all rules")
		_, err = f.GetSigningConfiguration(t.Context(), nil)
		faces.RequireError[*types.SigningConfigurationNotFoundException](t, err, none)
	})
}

func TestSigningRefusals(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.RequireError[*types.InvalidParameterException](t, faces.PutSigning(t, f, faces.SigningRule(faces.Release), faces.SigningRule(faces.Release), faces.SigningRule(audit)),
			"Invalid parameter at 'signingConfiguration.rules' failed to satisfy constraint: 'Member must have length less than or equal to 2'")

		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		describe := func(repository, tag string) error {
			_, err := f.DescribeImageSigningStatus(t.Context(), &ecr.DescribeImageSigningStatusInput{RepositoryName: &repository, ImageId: faces.TagID(tag)})
			return err
		}
		faces.RequireError[*types.RepositoryNotFoundException](t, describe("missing", "v1"), "The repository with name 'missing' does not exist in the registry with id '123456789012'")
		faces.RequireError[*types.InvalidParameterException](t, describe("team/app", "a/b"),
			"Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression '[a-zA-Z0-9-_.]+''")
	}, fakeecr.WithQuota(fakeecr.SigningRules, 2))
}

func TestSigningOnPush(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("prod/before:v1", fakeecr.RandomImage(1, 4096))
		require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(audit), faces.SigningRule(faces.Release, "prod/*"), faces.SigningRule(audit, "prod/app")))
		digest := f.Registry.MustPush("prod/app:v1", fakeecr.RandomImage(1, 4096))
		f.Registry.MustPush("test:v1", fakeecr.RandomImage(1, 4096))

		require.Empty(t, signingStatuses(t, f, "prod/before", "v1"), "pushed before the rules")
		require.Equal(t, []types.ImageSigningStatus{status(audit, "IN_PROGRESS"), status(faces.Release, "IN_PROGRESS")},
			signingStatuses(t, f, "prod/app", "v1"), "one status for each profile")
		require.Empty(t, signatures(t, f, "prod/app"))
		out, err := f.DescribeImageSigningStatus(t.Context(), &ecr.DescribeImageSigningStatusInput{RepositoryName: aws.String("prod/app"), ImageId: faces.TagID("v1")})
		require.NoError(t, err)
		require.Equal(t, &types.ImageIdentifier{ImageDigest: &digest, ImageTag: aws.String("v1")}, out.ImageId)
		require.Equal(t, "123456789012 prod/app", *out.RegistryId+" "+*out.RepositoryName)

		_, err = f.DeleteSigningConfiguration(t.Context(), nil)
		require.NoError(t, err, "what was pushed before is signed nevertheless")
		f.Registry.Advance(faces.Enough)
		require.Equal(t, []types.ImageSigningStatus{status(audit, "COMPLETE"), status(faces.Release, "COMPLETE")}, signingStatuses(t, f, "prod/app", "v1"))
		require.Equal(t, []types.ImageSigningStatus{status(audit, "COMPLETE")}, signingStatuses(t, f, "test", "v1"))
		found := signatures(t, f, "prod/app")
		require.Len(t, found, 3, "one signature for each rule")
		for _, subject := range found {
			require.Equal(t, digest, subject)
		}
		require.Len(t, signatures(t, f, "test"), 1)
		f.Registry.Advance(time.Hour)
		require.Len(t, signatures(t, f, "prod/app"), 3, "signatures are not signed")
	})
}

// A profile of several rules is in progress while one of them is, and FAILED if one
// of them failed.
func TestSigningStatusOfAProfile(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(audit), faces.SigningRule(audit, "team/*"), faces.SigningRule(audit, "*/app")))
		sign := func() *scenarios.Rule { return scenarios.On(scenarios.SignImage) }
		playing := f.Registry.Play(scenarios.Scenario{sign().Nth(1).Hold(), sign().Nth(2).Fail(scenarios.Throttled())})
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		f.Registry.Advance(faces.Enough)
		require.NoError(t, playing.WaitHeld(t.Context(), 1))
		require.Equal(t, []types.ImageSigningStatus{status(audit, "IN_PROGRESS")}, signingStatuses(t, f, "team/app", "v1"))
		playing.Release()
		failed := status(audit, "FAILED")
		failed.FailureCode, failed.FailureReason = aws.String("ThrottlingException"), aws.String("Rate exceeded")
		require.Equal(t, []types.ImageSigningStatus{failed}, signingStatuses(t, f, "team/app", "v1"))
		require.Len(t, signatures(t, f, "team/app"), 2)
	})
}

func TestIndexesAreSigned(t *testing.T) {
	f := faces.Direct(fakeecr.New(t))
	require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(faces.Release)))
	index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64")
	f.Registry.MustPush("team/app:all", index)
	f.Registry.Advance(faces.Enough)
	require.Equal(t, []types.ImageSigningStatus{status(faces.Release, "COMPLETE")}, signingStatuses(t, f, "team/app", "all"))
	out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
	require.NoError(t, err)
	subjects := map[string]int{}
	for _, detail := range out.ImageDetails {
		subjects[aws.ToString(detail.SubjectManifestDigest)]++
	}
	require.Equal(t, map[string]int{"": 3, index.Digest(): 1, index.Images[0].Digest(): 1, index.Images[1].Digest(): 1}, subjects)
}

// envelope is the form of a Notary Project signature.
type envelope struct{ Payload, Protected, Signature string }

// signed pushes an image into a repository whose images are signed, and answers
// the envelope of its signature with the manifest around it.
func signed(t *testing.T, f faces.Face, image fakeecr.Image) (envelope, map[string]any) {
	require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(faces.Release)))
	f.Registry.MustPush("team/app:v1", image)
	f.Registry.Advance(faces.Enough)
	var digest string
	for digest = range signatures(t, f, "team/app") {
	}
	got, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{*faces.DigestID(digest)}})
	require.NoError(t, err)
	var manifest map[string]any
	require.NoError(t, json.Unmarshal([]byte(*got.Images[0].ImageManifest), &manifest))
	layer := manifest["layers"].([]any)[0].(map[string]any)
	url, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("team/app"), LayerDigest: aws.String(layer["digest"].(string))})
	require.NoError(t, err)
	client := &http.Client{}
	if f.Name != "loopback" {
		client.Transport = f.Registry.Transport()
	}
	answer, err := client.Get(*url.DownloadUrl)
	require.NoError(t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.EqualValues(t, len(content), layer["size"])
	var e envelope
	require.NoError(t, json.Unmarshal(content, &e))
	return e, manifest
}

func segment(t *testing.T, text string) map[string]any {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	var v map[string]any
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

func TestSignature(t *testing.T) {
	image := fakeecr.RandomImage(1, 4096)
	faces.Each(t, func(t *testing.T, f faces.Face) {
		e, manifest := signed(t, f, image)
		subject := map[string]any{"mediaType": image.MediaType, "digest": image.Digest(), "size": float64(len(image.Manifest))}
		require.Equal(t, subject, manifest["subject"])
		require.Equal(t, "application/vnd.cncf.notary.signature", manifest["artifactType"])
		require.Equal(t, "application/jose+json", manifest["layers"].([]any)[0].(map[string]any)["mediaType"])
		require.Equal(t, map[string]any{"targetArtifact": subject}, segment(t, e.Payload))
		require.Equal(t, faces.Release, segment(t, e.Protected)["kid"])
		require.Equal(t, "application/vnd.cncf.notary.payload.v1+json", segment(t, e.Protected)["cty"])
	})
}

func TestSignatureFollowsFromSeedImageAndTime(t *testing.T) {
	// In a bubble all worlds have one time.
	synctest.Test(t, func(t *testing.T) {
		sign := func(seed uint64, image fakeecr.Image, later time.Duration) envelope {
			registry := fakeecr.New(t, fakeecr.WithSeed(seed))
			registry.Advance(later)
			e, _ := signed(t, faces.Direct(registry), image)
			return e
		}
		image := fakeecr.RandomImage(1, 4096)
		one := sign(1, image, 0)
		require.Equal(t, one, sign(1, image, 0))
		require.NotEqual(t, one.Signature, sign(2, image, 0).Signature)
		require.NotEqual(t, one.Signature, sign(1, fakeecr.RandomImage(2, 4096), 0).Signature)
		require.NotEqual(t, one.Signature, sign(1, image, time.Hour).Signature)
	})
}

func TestFailSigning(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(faces.Release), faces.SigningRule(audit)))
		f.Registry.FailSigning(faces.Release, "ProfileRevoked", "The profile was revoked.")
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		f.Registry.Advance(faces.Enough)
		failed := status(faces.Release, "FAILED")
		failed.FailureCode, failed.FailureReason = aws.String("ProfileRevoked"), aws.String("The profile was revoked.")
		require.Equal(t, []types.ImageSigningStatus{failed, status(audit, "COMPLETE")}, signingStatuses(t, f, "team/app", "v1"))
		require.Len(t, signatures(t, f, "team/app"), 1)

		f.Registry.FailSigning(faces.Release, "", "")
		f.Registry.MustPush("team/app:v2", fakeecr.RandomImage(2, 4096))
		f.Registry.Advance(faces.Enough)
		require.Equal(t, []types.ImageSigningStatus{status(faces.Release, "COMPLETE"), status(audit, "COMPLETE")}, signingStatuses(t, f, "team/app", "v2"))
	})
	require.PanicsWithValue(t, `fakeecr: "release" is no ARN of a signing profile, as arn:aws:signer:us-east-1:123456789012:/signing-profiles/release is`,
		func() { fakeecr.New(faces.RefusedTB{}).FailSigning("release", "", "") })
	require.PanicsWithValue(t, `fakeecr: a registry in eu-west-1 does not sign with the profile `+faces.Release,
		func() {
			fakeecr.New(faces.RefusedTB{}).In("eu-west-1").FailSigning(faces.Release, "ProfileRevoked", "")
		})
}

// ECR signs as whoever pushed the image, which succeeds whether that may sign or
// not.
func TestSigningNeedsPermissionsOfThePusher(t *testing.T) {
	const (
		push = `{"Effect":"Allow","Action":["ecr:BatchCheckLayerAvailability","ecr:InitiateLayerUpload","ecr:UploadLayerPart","ecr:CompleteLayerUpload","ecr:PutImage"],"Resource":"` + faces.OwnARN + `team/*"}`
		sign = `{"Effect":"Allow","Action":"signer:SignPayload","Resource":"` + faces.Release + `"}`
	)
	signing := func(text string) string {
		return strings.Replace(strings.ReplaceAll(text, "ecr:SignPayload", "signer:SignPayload"), "RELEASE", faces.Release, 1)
	}
	notSigner := signing(faces.NotAllowed(faces.Alice, "SignPayload", "RELEASE", "identity-based"))
	for name, test := range map[string]struct {
		policies []string
		reason   string
	}{
		"no policies":       {nil, ""},
		"all of it":         {[]string{faces.Statements(push, sign)}, ""},
		"not to sign":       {[]string{faces.Statements(push)}, notSigner},
		"another profile":   {[]string{faces.Statements(push, strings.Replace(sign, "release", "audit", 1))}, notSigner},
		"denied":            {[]string{faces.Statements(push, sign), faces.Identity("Deny", "signer:*", "*")}, signing(explicitlyDenied(faces.Alice, "SignPayload", "RELEASE", "an identity-based"))},
		"the push by parts": {[]string{strings.Replace(faces.Statements(push, sign), `"ecr:UploadLayerPart",`, "", 1)}, faces.NotAllowed(faces.Alice, "UploadLayerPart", faces.OwnARN+"team/app", "identity-based")},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(faces.Release)))
				image := fakeecr.RandomImage(1, 4096)
				faces.Create(t, f, faces.App)
				f.PushBlobs(t, image)
				_, err := f.As(faces.Alice, test.policies...).Put(t, faces.App, image, "v1")
				require.NoError(t, err)
				require.Equal(t, []types.ImageSigningStatus{status(faces.Release, "IN_PROGRESS")}, signingStatuses(t, f, "team/app", "v1"))
				f.Registry.Advance(faces.Enough)
				want := status(faces.Release, "COMPLETE")
				if test.reason != "" {
					want = status(faces.Release, "FAILED")
					want.FailureCode, want.FailureReason = aws.String("AccessDeniedException"), aws.String(test.reason)
				}
				require.Equal(t, []types.ImageSigningStatus{want}, signingStatuses(t, f, "team/app", "v1"))
				require.Len(t, signatures(t, f, "team/app"), map[bool]int{true: 1}[test.reason == ""])
			})
		})
	}
}

// A pusher of another account signs with the profile of the registry's rules; the
// registry's policy, which allows the push, has no say about the profile.
func TestSigningOfAPushFromAnotherAccount(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(faces.Release)))
		putRegistryPolicy(t, f, faces.Statements(`{"Effect":"Deny","Principal":"*","NotAction":"ecr:*","Resource":"*"}`))
		image := fakeecr.RandomImage(1, 4096)
		faces.Create(t, f, faces.App)
		f.PushBlobs(t, image)
		faces.SetPolicy(t, f, faces.App, faces.Statements(faces.AllowAll))
		_, err := f.As("arn:aws:iam::210987654321:role/ci", faces.Identity("Allow", "*", "*")).PutImage(t.Context(), &ecr.PutImageInput{
			RegistryId: aws.String("123456789012"), RepositoryName: aws.String(faces.App), ImageManifest: aws.String(string(image.Manifest)), ImageTag: aws.String("v1"),
		})
		require.NoError(t, err)
		f.Registry.Advance(faces.Enough)
		require.Equal(t, []types.ImageSigningStatus{status(faces.Release, "COMPLETE")}, signingStatuses(t, f, "team/app", "v1"))
	})
}

// What comes through a pull-through cache is pushed by ECR's role for it, which may
// not sign, whatever the puller may do.
func TestSigningBehindAPullThroughCache(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(faces.Release)))
		hub.MustPush("nginx:1", fakeecr.RandomImage(1, 100))
		puller := f.As(faces.Alice, faces.Identity("Allow", "*", "*"))
		_, err := puller.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: faces.Tagged("1")})
		require.NoError(t, err)
		f.Registry.Advance(faces.Enough)
		const role = "arn:aws:iam::123456789012:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache"
		failed := status(faces.Release, "FAILED")
		failed.FailureCode = aws.String("AccessDeniedException")
		failed.FailureReason = aws.String("User: " + role + " is not authorized to perform: signer:SignPayload on resource: " + faces.Release +
			" because no identity-based policy allows the signer:SignPayload action")
		require.Equal(t, []types.ImageSigningStatus{failed}, signingStatuses(t, f, "hub/nginx", "1"))
		require.Empty(t, signatures(t, f, "hub/nginx"))
	})
}

func TestASignatureCountsAsAnImage(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(faces.Release)))
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		f.Registry.Advance(faces.Enough)
		f.Registry.MustPush("team/app:v2", fakeecr.RandomImage(2, 4096))
		f.Registry.Advance(faces.Enough)
		require.Equal(t, []types.ImageSigningStatus{{
			SigningProfileArn: aws.String(faces.Release), Status: "FAILED",
			FailureCode: aws.String("LimitExceededException"), FailureReason: aws.String(faces.FullOfImages("team/app", 3)),
		}}, signingStatuses(t, f, "team/app", "v2"))
		require.Len(t, signatures(t, f, "team/app"), 1)

		// It is full before the first of them is signed.
		f.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.SignImage, scenarios.Repository("full")).Delay(time.Hour)})
		f.Registry.MustPush("full:v1", fakeecr.RandomImage(1, 4096))
		f.Registry.MustPush("full:v2", fakeecr.RandomImage(2, 4096))
		f.Registry.MustPush("full:v3", fakeecr.RandomImage(3, 4096))
		f.Registry.Advance(2 * time.Hour)
		const empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
		layers, err := f.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{
			RepositoryName: aws.String("full"), LayerDigests: []string{empty},
		})
		require.NoError(t, err)
		require.Equal(t, types.LayerAvailabilityUnavailable, layers.Layers[0].LayerAvailability, "a signature that fails leaves nothing")
	}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 3))
}

func TestASignatureIsReplicated(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(faces.Release)))
		replicateTo(t, f, destination("eu-west-1"))
		digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		f.Registry.Advance(time.Minute)
		require.Len(t, signatures(t, f, "team/app"), 1)
		require.Equal(t, signatures(t, f, "team/app"), signatures(t, f.In("eu-west-1"), "team/app"))
		require.Empty(t, signingStatuses(t, f.In("eu-west-1"), "team/app", "v1"), "it was signed elsewhere")
		referrers, err := f.In("eu-west-1").ListImageReferrers(t.Context(), &ecr.ListImageReferrersInput{
			RepositoryName: aws.String("team/app"), SubjectId: &types.SubjectIdentifier{ImageDigest: &digest},
		})
		require.NoError(t, err)
		require.Len(t, referrers.Referrers, 1)

		elsewhere := strings.Replace(faces.Release, "us-east-1", "eu-west-1", 1)
		require.NoError(t, faces.PutSigning(t, f.In("eu-west-1"), faces.SigningRule(elsewhere)))
		f.Registry.MustPush("prod:v1", fakeecr.RandomImage(1, 4096))
		f.Registry.Advance(time.Minute)
		require.Len(t, signatures(t, f, "prod"), 1)
		require.Len(t, signatures(t, f.In("eu-west-1"), "prod"), 2, "a replica is signed by the rules of where it arrives")
		require.Equal(t, []types.ImageSigningStatus{status(elsewhere, "COMPLETE")}, signingStatuses(t, f.In("eu-west-1"), "prod", "v1"))
	})
}

func TestAnImageThatGoesIsNotSigned(t *testing.T) {
	f := faces.Direct(fakeecr.New(t))
	require.NoError(t, faces.PutSigning(t, f, faces.SigningRule(faces.Release)))
	image := fakeecr.RandomImage(1, 4096)
	f.Registry.MustPush("team/app:v1", image)
	_, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{*faces.TagID("v1")}})
	require.NoError(t, err)
	f.Registry.MustPush("gone:v1", image)
	_, err = f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("gone"), Force: true})
	require.NoError(t, err)
	_, err = f.DeleteSigningConfiguration(t.Context(), nil)
	require.NoError(t, err)
	f.Registry.MustPush("team/app:v1", image)
	f.Registry.Advance(faces.Enough)
	require.Empty(t, signatures(t, f, "team/app"), "it was pushed again when nothing was signed any more")
	require.Empty(t, signingStatuses(t, f, "team/app", "v1"))
}
