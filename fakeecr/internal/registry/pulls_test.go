package registry_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func TestPullThrough(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		image := fakeecr.RandomImage(1, 4096, 100)
		hub.MustPush("library/nginx:1", image)

		pulled := faces.RequirePulled(t, f, "hub/library/nginx", faces.Tagged("1"), image)
		require.Equal(t, "1", *pulled.ImageId.ImageTag)
		require.Equal(t, "hub/library/nginx", *pulled.RepositoryName)
		require.Equal(t, "123456789012", *pulled.RegistryId)
		require.Equal(t, []string{
			"BatchGetImage",
			"GetDownloadUrlForLayer", "DownloadLayer",
			"GetDownloadUrlForLayer", "DownloadLayer",
			"GetDownloadUrlForLayer", "DownloadLayer",
		}, hub.Trace().Operations(), "a manifest, a config and two layers")

		made := describeRepository(t, f, "hub/library/nginx")
		require.Equal(t, types.ImageTagMutabilityMutable, made.ImageTagMutability)
		require.Equal(t, types.EncryptionTypeAes256, made.EncryptionConfiguration.EncryptionType)
		detail := faces.ImageDetails(t, f, "hub/library/nginx")[image.Digest()]
		require.Equal(t, []string{"1"}, detail.ImageTags)
		require.EqualValues(t, 4096+100+len(image.Blobs[2]), *detail.ImageSizeInBytes)
		require.WithinRange(t, *detail.LastRecordedPullTime, *detail.ImagePushedAt, f.Registry.Now())
		listed, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("hub/library/nginx")})
		require.NoError(t, err)
		require.Equal(t, []types.ImageIdentifier{{ImageDigest: aws.String(image.Digest()), ImageTag: aws.String("1")}}, listed.ImageIds)

		for _, blob := range image.Blobs {
			require.Equal(t, blob, f.Download(t, "hub/library/nginx", faces.DigestOf(blob)))
		}
		faces.RequirePulled(t, f, "hub/library/nginx", faces.Tagged("1"), image)
		faces.RequirePulled(t, f, "hub/library/nginx", faces.Digested(image.Digest()), image)
		require.Len(t, hub.Trace(), 7, "what is here is not asked for")
		require.Equal(t, 3, f.Registry.Trace().Count("BatchGetImage"), "what is asked upstream is no call of this world")
	})
}

func TestPullThroughByDigest(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		image := fakeecr.RandomImage(1, 100)
		hub.MustPush("library/nginx:1", image)
		pulled := faces.RequirePulled(t, f, "hub/library/nginx", faces.Digested(image.Digest()), image)
		require.Nil(t, pulled.ImageId.ImageTag)
		require.Empty(t, faces.ImageDetails(t, f, "hub/library/nginx")[image.Digest()].ImageTags)

		faces.RequirePulled(t, f, "hub/library/nginx", faces.Tagged("1"), image)
		require.Equal(t, []string{"1"}, faces.ImageDetails(t, f, "hub/library/nginx")[image.Digest()].ImageTags)
		require.Equal(t, 2, hub.Trace().Count("DownloadLayer"), "the tag came alone")
	})
}

func TestPullThroughOfAnIndex(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64/v8")
		hub.MustPush("library/nginx:1", index)
		faces.RequirePulled(t, f, "hub/library/nginx", faces.Tagged("1"), index)
		require.Len(t, faces.ImageDetails(t, f, "hub/library/nginx"), 3)
		calls := len(hub.Trace())
		for _, child := range index.Images {
			faces.RequirePulled(t, f, "hub/library/nginx", faces.Digested(child.Digest()), child)
			require.Equal(t, child.Blobs[0], f.Download(t, "hub/library/nginx", faces.DigestOf(child.Blobs[0])))
		}
		require.Len(t, hub.Trace(), calls)
	})
}

// What is here already, or comes with another image of the call, is not asked
// for again.
func TestPullThroughOfWhatIsShared(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64/v8")
		hub.MustPush("library/nginx:1", index)
		faces.RequirePulled(t, f, "hub/library/nginx", faces.Digested(index.Images[0].Digest()), index.Images[0])
		faces.RequirePulled(t, f, "hub/library/nginx", faces.Tagged("1"), index)
		require.Equal(t, 3, hub.Trace().Count("BatchGetImage"), "the index and each child once")

		one := fakeecr.Referrer(index, "application/vnd.example.sbom", []byte("one"))
		two := fakeecr.Referrer(index, "application/vnd.example.sbom", []byte("two"))
		hub.MustPush("sboms:1", one)
		hub.MustPush("sboms:2", two)
		before := hub.Trace().Count("DownloadLayer")
		require.Len(t, faces.Get(t, f, "hub/sboms", faces.Tagged("1", "2")).Images, 2)
		require.Equal(t, 3, hub.Trace().Count("DownloadLayer")-before, "the empty config once")
	})
}

func TestPullThroughOfSeveralImages(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		one, two := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		hub.MustPush("library/nginx:1", one)
		hub.MustPush("library/nginx:also1", one)
		hub.MustPush("library/nginx:2", two)
		out := faces.Get(t, f, "hub/library/nginx", append(faces.Tagged("1", "also1", "none", "2"), types.ImageIdentifier{}))
		require.Len(t, out.Images, 3)
		require.Len(t, out.Failures, 2)
		require.Equal(t, types.ImageFailureCodeImageNotFound, out.Failures[0].FailureCode)
		require.Equal(t, "none", *out.Failures[0].ImageId.ImageTag)
		require.Equal(t, types.ImageFailureCodeMissingDigestAndTag, out.Failures[1].FailureCode)
		images := faces.ImageDetails(t, f, "hub/library/nginx")
		require.Equal(t, []string{"1", "also1"}, images[one.Digest()].ImageTags)
		require.Equal(t, []string{"2"}, images[two.Digest()].ImageTags)
		require.Equal(t, 4, hub.Trace().Count("DownloadLayer"), "what two tags share comes once")
	})
}

func TestUpstreamNames(t *testing.T) {
	for name, test := range map[string]struct{ prefix, upstreamPrefix, here, there string }{
		"a prefix":                   {"hub", "", "hub/library/nginx", "library/nginx"},
		"a slash at its end":         {"hub/", "", "hub/library/nginx", "library/nginx"},
		"a longer prefix":            {"hub/library", "", "hub/library/nginx", "nginx"},
		"a prefix upstream":          {"hub", "library", "hub/nginx", "library/nginx"},
		"a prefix upstream, a slash": {"hub", "library/", "hub/nginx", "library/nginx"},
		"everything":                 {"ROOT", "", "library/nginx", "library/nginx"},
		"ROOT everywhere":            {"ROOT", "ROOT", "library/nginx", "library/nginx"},
		"ROOT upstream":              {"hub", "ROOT", "hub/nginx", "nginx"},
	} {
		t.Run(name, func(t *testing.T) {
			hub, image := fakeecr.New(t), fakeecr.RandomImage(1, 100)
			hub.MustPush(test.there+":1", image)
			faces.Each(t, func(t *testing.T, f faces.Face) {
				in := faces.Cached(test.prefix, "quay.io")
				if test.upstreamPrefix != "" {
					in.UpstreamRepositoryPrefix = &test.upstreamPrefix
				}
				faces.CreateRule(t, f, in)
				faces.RequirePulled(t, f, test.here, faces.Tagged("1"), image)
			}, fakeecr.WithUpstream("quay.io", hub.Upstream()))
		})
	}
}

func TestPullOutsideOfRules(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		hub.MustPush("nginx:1", fakeecr.RandomImage(1, 100))
		for _, name := range []string{"hub", "hubs/nginx", "team/hub/nginx"} {
			_, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: &name, ImageIds: faces.Tagged("1")})
			faces.RequireError[*types.RepositoryNotFoundException](t, err, "The repository with name '"+name+"' does not exist in the registry with id '123456789012'")
		}
		_, err := f.Account("210987654321").BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: faces.Tagged("1")})
		faces.RequireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'hub/nginx' does not exist in the registry with id '210987654321'")
		require.Empty(t, hub.Trace())

		_, err = f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/none"), ImageIds: []types.ImageIdentifier{{}}})
		faces.RequireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'hub/none' does not exist in the registry with id '123456789012'")
		faces.RequireFailure(t, f, "hub/none", faces.Tagged("1"), types.ImageFailureCodeImageNotFound, "Requested image not found")
		faces.RequireFailure(t, f, "hub/nginx", faces.Tagged("2"), types.ImageFailureCodeImageNotFound, "Requested image not found")
		require.Empty(t, faces.Repositories(t, f), "a repository is made for an image that is there")
	})
}

func TestPullOfALayer(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, upstream *faces.Switched) {
		image := fakeecr.RandomImage(1, 100)
		hub.MustPush("nginx:1", image)
		layer := faces.DigestOf(image.Blobs[0])
		require.Equal(t, image.Blobs[0], f.Download(t, "hub/nginx", layer))
		require.Equal(t, []string{"hub/nginx"}, faces.Repositories(t, f))
		require.Equal(t, []string{"GetDownloadUrlForLayer", "DownloadLayer"}, hub.Trace().Operations())
		require.Equal(t, image.Blobs[0], f.Download(t, "hub/nginx", layer))
		require.Len(t, hub.Trace(), 2)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
		require.Equal(t, 2, hub.Trace().Count("DownloadLayer"), "the layer was here, the config not")

		absent := &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: aws.String(faces.DigestOf([]byte("none")))}
		_, err := f.GetDownloadUrlForLayer(t.Context(), absent)
		faces.RequireError[*types.LayersNotFoundException](t, err, "The layer with digest '"+*absent.LayerDigest+"' does not exist within the repository with name 'hub/nginx' in the registry with id '123456789012'")
		absent.RepositoryName = aws.String("hub/none")
		_, err = f.GetDownloadUrlForLayer(t.Context(), absent)
		faces.RequireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'hub/none' does not exist in the registry with id '123456789012'")

		// One that no image upstream refers to cannot be had either.
		loose := faces.Direct(hub).PushLayer(t, "nginx", []byte("loose"), 5)
		_, err = f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: &loose})
		require.ErrorAs(t, err, new(*types.LayersNotFoundException))

		second := fakeecr.RandomImage(2, 100)
		hub.MustPush("nginx:2", second)
		upstream.Upstream = changed{Upstream: hub.Upstream(), blob: func([]byte) []byte { return []byte("other") }}
		layer = faces.DigestOf(second.Blobs[0])
		_, err = f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: &layer})
		faces.RequireError[*types.UnableToGetUpstreamLayerException](t, err, "Unable to pull from the upstream registry registry-1.docker.io: the upstream registry is unavailable: "+
			"layer "+layer+" has the digest "+faces.DigestOf([]byte("other")))
	})
}

// The settings of the repository that a pull makes are those of the template,
// and what makes a template fail fails the pull.
func TestPullThroughTemplate(t *testing.T) {
	encrypted := &types.EncryptionConfigurationForRepositoryCreationTemplate{EncryptionType: types.EncryptionTypeKms, KmsKey: aws.String(someKey)}
	for name, test := range map[string]struct {
		change func(in *ecr.CreateRepositoryCreationTemplateInput)
		check  func(t *testing.T, f faces.Face, image fakeecr.Image)
	}{
		"for pulls": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.EncryptionConfiguration, in.CustomRoleArn = encrypted, aws.String(roleOfTemplate)
				in.ImageTagMutability = types.ImageTagMutabilityImmutable
			},
			func(t *testing.T, f faces.Face, image fakeecr.Image) {
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
				made := describeRepository(t, f, "hub/nginx")
				require.Equal(t, types.ImageTagMutabilityImmutable, made.ImageTagMutability)
				require.Equal(t, someKey, *made.EncryptionConfiguration.KmsKey)
			},
		},
		"for pushes only": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.ImageTagMutability = types.ImageTagMutabilityImmutable
				in.AppliedFor = []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}
			},
			func(t *testing.T, f faces.Face, image fakeecr.Image) {
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
				require.Equal(t, types.ImageTagMutabilityMutable, describeRepository(t, f, "hub/nginx").ImageTagMutability)
			},
		},
		"tags without a role": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.ResourceTags = []types.Tag{tag("team", "core")}
			},
			func(t *testing.T, f faces.Face, image fakeecr.Image) {
				requireNotPulled(t, f, image)
			},
		},
		"a key without a role": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) { in.EncryptionConfiguration = encrypted },
			func(t *testing.T, f faces.Face, image fakeecr.Image) {
				requireNotPulled(t, f, image)
			},
		},
		"a disabled key": {
			func(in *ecr.CreateRepositoryCreationTemplateInput) {
				in.EncryptionConfiguration, in.CustomRoleArn = encrypted, aws.String(roleOfTemplate)
			},
			func(t *testing.T, f faces.Face, image fakeecr.Image) {
				f.Registry.SetKMSKey(someKey, fakeecr.KeyDisabled)
				faces.RequireFailure(t, f, "hub/nginx", faces.Tagged("1"), types.ImageFailureCodeKmsError, someKey+" is disabled.")
				require.Empty(t, faces.Repositories(t, f))

				f.Registry.SetKMSKey(someKey, fakeecr.KeyEnabled)
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
				f.Registry.SetKMSKey(someKey, fakeecr.KeyDisabled)
				faces.RequireFailure(t, f, "hub/nginx", faces.Tagged("1"), types.ImageFailureCodeKmsError, someKey+" is disabled.")
				faces.RequireFailure(t, f, "hub/nginx", faces.Tagged("2"), types.ImageFailureCodeKmsError, someKey+" is disabled.")
				require.Len(t, faces.ImageDetails(t, f, "hub/nginx"), 1)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
				image := fakeecr.RandomImage(1, 100)
				hub.MustPush("nginx:1", image)
				hub.MustPush("nginx:2", fakeecr.RandomImage(2, 100))
				template := forEverything("hub")
				test.change(template)
				_, err := f.CreateRepositoryCreationTemplate(t.Context(), template)
				require.NoError(t, err)
				test.check(t, f, image)
			})
		})
	}
}

// requireNotPulled holds that a first pull does not find the repository, and makes
// none.
func requireNotPulled(t *testing.T, f faces.Face, image fakeecr.Image) {
	t.Helper()
	const missing = "The repository with name 'hub/nginx' does not exist in the registry with id '123456789012'"
	_, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: faces.Tagged("1")})
	faces.RequireError[*types.RepositoryNotFoundException](t, err, missing)
	_, err = f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: aws.String(faces.DigestOf(image.Blobs[0]))})
	faces.RequireError[*types.RepositoryNotFoundException](t, err, missing)
	require.Empty(t, faces.Repositories(t, f))
	e := faces.InProcess(t, f.Registry)
	e.RequireRefused(t, 404, "NAME_UNKNOWN", missing, "GET", "/v2/hub/nginx/manifests/1", "")
}

func TestPullBeyondQuotas(t *testing.T) {
	for quota, message := range map[fakeecr.Quota]string{
		fakeecr.RepositoriesPerRegistry: "The limit of 1 repositories per registry has been exceeded",
		fakeecr.ImagesPerRepository:     faces.FullOfImages("hub/nginx", 1),
	} {
		t.Run(string(quota), func(t *testing.T) {
			faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
				faces.Create(t, f, "team/app")
				hub.MustPush("nginx:1", fakeecr.RandomIndex(1, "linux/amd64"))
				_, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: faces.Tagged("1")})
				faces.RequireError[*types.LimitExceededException](t, err, message)
				require.Equal(t, []string{"team/app"}, faces.Repositories(t, f))
			}, fakeecr.WithQuota(quota, 1))
		})
	}
}

// A repository without room for what is new upstream serves what is cached.
func TestRefreshBeyondTheQuota(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		image, newer := fakeecr.RandomImage(1, 100), fakeecr.RandomIndex(2, "linux/amd64")
		hub.MustPush("nginx:1", image)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
		hub.MustPush("nginx:1", newer)
		f.Registry.Advance(24 * time.Hour)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
		require.Len(t, faces.ImageDetails(t, f, "hub/nginx"), 1, "nothing of it was kept")
		_, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: faces.Digested(newer.Digest())})
		faces.RequireError[*types.LimitExceededException](t, err, faces.FullOfImages("hub/nginx", 2))
	}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 2))
}
