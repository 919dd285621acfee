package oci_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

func setMounting(t *testing.T, r *fakeecr.Registry, value string) {
	t.Helper()
	_, err := r.PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: &value})
	require.NoError(t, err)
}

// A layer of another repository is mounted if all is as ECR wants it; else the
// client is told to upload it, and the trace says why.
func TestMountLayer(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	layer := faces.DigestOf(image.Blobs[0])
	kms := func(name string) func(t *testing.T, e *faces.Endpoint) {
		return func(t *testing.T, e *faces.Endpoint) {
			_, err := e.Registry.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name,
				EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms}})
			require.NoError(t, err)
		}
	}
	for name, c := range map[string]struct {
		prepare func(t *testing.T, e *faces.Endpoint)
		from    string
		why     string
	}{
		"as ECR wants it": {from: "base"},
		"from itself":     {from: faces.App, prepare: func(_ *testing.T, e *faces.Endpoint) { e.Registry.MustPush(faces.App+":v1", image) }},
		"both encrypted alike": {from: "base", prepare: func(t *testing.T, e *faces.Endpoint) {
			kms("base")(t, e)
			kms(faces.App)(t, e)
		}},
		"not enabled": {from: "base", why: "BLOB_MOUNTING is not enabled", prepare: func(t *testing.T, e *faces.Endpoint) { setMounting(t, e.Registry, "DISABLED") }},
		"no source":   {from: "none", why: "The repository with name 'none' does not exist in the registry with id '123456789012'"},
		"no name":     {from: "NONE", why: "The repository with name 'NONE' does not exist in the registry with id '123456789012'"},
		"a source without it": {from: "other", why: "The layer with digest '" + layer + "' does not exist within the repository with name 'other' in the registry with id '123456789012'",
			prepare: func(_ *testing.T, e *faces.Endpoint) { e.Registry.MustPush("other:v1", fakeecr.RandomImage(2, 10)) }},
		"no image refers to it": {from: "base", why: "no image of the source refers to it", prepare: func(t *testing.T, e *faces.Endpoint) {
			faces.Create(t, e.Registry, "base")
			pushed(t, e, "base", string(image.Blobs[0]))
		}},
		"another encryption": {from: "base", why: "the repositories differ in their encryption", prepare: kms(faces.App)},
		"may not download it": {from: "base", why: "User: arn:aws:iam::123456789012:role/ci is not authorized to perform: ecr:GetDownloadUrlForLayer on resource: " +
			"arn:aws:ecr:us-east-1:123456789012:repository/base because no identity-based policy allows the ecr:GetDownloadUrlForLayer action",
			prepare: func(t *testing.T, e *faces.Endpoint) {
				e.Authorization = "Basic " + faces.AuthorizationToken(t, e.Registry.As("arn:aws:iam::123456789012:role/ci", `{"Version":"2012-10-17","Statement":[
					{"Effect":"Allow","Action":["ecr:InitiateLayerUpload","ecr:UploadLayerPart","ecr:GetAuthorizationToken"],"Resource":"*"}]}`))
			}},
	} {
		t.Run(name, func(t *testing.T) {
			faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
				setMounting(t, e.Registry, "ENABLED")
				if c.prepare != nil {
					c.prepare(t, e)
				}
				if _, err := e.Registry.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(faces.App)}); err != nil {
					require.ErrorAs(t, err, new(*types.RepositoryAlreadyExistsException))
				}
				if name != "no image refers to it" {
					e.Registry.MustPush("base:v1", image)
				}
				got := e.Do(t, "POST", faces.UploadsOf+"?mount="+layer+"&from="+c.from, "")
				mounts := e.Registry.Trace().For(scenarios.MountLayer)
				require.Len(t, mounts, 1)
				if c.why != "" {
					require.Equal(t, 202, got.Status, got.Body)
					require.Equal(t, 204, e.Do(t, "DELETE", e.Path(t, got), "").Status)
					require.EqualError(t, mounts[0].Err, "the layer cannot be mounted: "+c.why)
					require.Equal(t, types.LayerAvailabilityUnavailable, availability(t, e.Registry, layer))
					return
				}
				require.Equal(t, 201, got.Status, got.Body)
				require.Equal(t, faces.BlobsOf+layer, e.Path(t, got))
				require.Equal(t, layer, got.Header.Get("Docker-Content-Digest"))
				require.NoError(t, mounts[0].Err)
				require.Equal(t, fmt.Sprintf("MountLayer team/app %s from %s (100 bytes) -> ok", layer, c.from), mounts[0].String()[len("   1 15:04:05.000 "):])

				// It stays when the source goes, and when mounting is disabled.
				setMounting(t, e.Registry, "DISABLED")
				if c.from != faces.App {
					_, err := e.Registry.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: &c.from, Force: true})
					require.NoError(t, err)
				}
				e.Registry.MustPush(faces.App+":v2", image)
				require.Equal(t, string(image.Blobs[0]), getBlob(t, e, layer).Body)
			})
		})
	}
}

func TestMountLayerRefused(t *testing.T) {
	const ci = "arn:aws:iam::123456789012:role/ci"
	mount := "?mount=" + faces.DigestNotThere + "&from=base"
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		e.RequireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'team/app' does not exist in the registry with id '123456789012'", "POST", faces.UploadsOf+mount, "")
		faces.Create(t, e.Registry, faces.App)
		require.Equal(t, 202, e.Do(t, "POST", faces.UploadsOf+"?mount="+faces.DigestNotThere, "").Status, "without a source")
		require.Equal(t, 202, e.Do(t, "POST", faces.UploadsOf+"?mount=&from=base", "").Status)
		require.Equal(t, 1, e.Registry.Trace().Count(scenarios.MountLayer))

		playing := e.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.MountLayer).Fail(scenarios.Throttled())})
		e.RequireRefused(t, 429, "TOOMANYREQUESTS", "Rate exceeded", "POST", faces.UploadsOf+mount, "")
		playing.Stop()

		denied := "User: " + ci + " is not authorized to perform: ecr:%s on resource: arn:aws:ecr:us-east-1:123456789012:repository/team/app because no identity-based policy allows the ecr:%[1]s action"
		upload := e.Begin(t)
		e.Authorization = "Basic " + faces.AuthorizationToken(t, e.Registry.As(ci, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:GetAuthorizationToken","Resource":"*"}]}`))
		e.RequireRefused(t, 403, "DENIED", fmt.Sprintf(denied, "InitiateLayerUpload"), "POST", faces.UploadsOf+mount, "")
		e.RequireRefused(t, 403, "DENIED", fmt.Sprintf(denied, "InitiateLayerUpload"), "POST", faces.UploadsOf, "")
		e.RequireRefused(t, 403, "DENIED", fmt.Sprintf(denied, "UploadLayerPart"), "PATCH", upload, "layer")
		e.RequireRefused(t, 403, "DENIED", fmt.Sprintf(denied, "UploadLayerPart"), "GET", upload, "")
		e.RequireRefused(t, 403, "DENIED", fmt.Sprintf(denied, "UploadLayerPart"), "DELETE", upload, "")
		e.RequireRefused(t, 403, "DENIED", fmt.Sprintf(denied, "CompleteLayerUpload"), "PUT", upload+"?digest="+faces.DigestNotThere, "")
		e.RequireRefused(t, 403, "DENIED", fmt.Sprintf(denied, "GetDownloadUrlForLayer"), "GET", faces.BlobsOf+faces.DigestNotThere, "")
		require.Equal(t, 403, e.Do(t, "HEAD", faces.BlobsOf+faces.DigestNotThere, "").Status)
	})
}

// What came through a pull through cache is not mounted, whichever way it came.
func TestMountLayerOfAPullThroughCache(t *testing.T) {
	hub, image := fakeecr.New(t), fakeecr.RandomImage(1, 100)
	hub.MustPush("library/nginx:1", image)
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		setMounting(t, e.Registry, "ENABLED")
		faces.Create(t, e.Registry, faces.App)
		_, err := e.Registry.CreatePullThroughCacheRule(t.Context(), &ecr.CreatePullThroughCacheRuleInput{
			EcrRepositoryPrefix: aws.String("hub"), UpstreamRegistryUrl: aws.String("public.ecr.aws")})
		require.NoError(t, err)
		require.Equal(t, 200, e.Do(t, "GET", "/v2/hub/library/nginx/manifests/1", "").Status)
		layer := faces.DigestOf(image.Blobs[0])
		require.Equal(t, 202, e.Do(t, "POST", faces.UploadsOf+"?mount="+layer+"&from=hub/library/nginx", "").Status)
		mounts := e.Registry.Trace().For(scenarios.MountLayer)
		require.EqualError(t, mounts[0].Err, "the layer cannot be mounted: it came through a pull through cache")
	}, fakeecr.WithUpstream("public.ecr.aws", hub.Upstream()))
}
