package registry_test

import (
	"encoding/json"
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
)

// heldIn is the images of a repository with their tags, by digest; nil if there is
// no repository.
func heldIn(t *testing.T, f faces.Face, repository string) map[string][]string {
	t.Helper()
	out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: &repository})
	if err != nil {
		require.ErrorAs(t, err, new(*types.RepositoryNotFoundException))
		return nil
	}
	images := map[string][]string{}
	for _, detail := range out.ImageDetails {
		images[*detail.ImageDigest] = detail.ImageTags
	}
	return images
}

// replicas is the replication status of an image.
func replicas(t *testing.T, f faces.Face, repository, digest string) []types.ImageReplicationStatus {
	t.Helper()
	out, err := f.DescribeImageReplicationStatus(t.Context(), &ecr.DescribeImageReplicationStatusInput{
		RepositoryName: &repository, ImageId: &types.ImageIdentifier{ImageDigest: &digest},
	})
	require.NoError(t, err)
	return out.ReplicationStatuses
}

func replicaIn(region string, status types.ReplicationStatus) types.ImageReplicationStatus {
	return types.ImageReplicationStatus{Region: &region, RegistryId: aws.String(replicationSource), Status: status}
}

func failedReplica(region, account, code string) types.ImageReplicationStatus {
	return types.ImageReplicationStatus{Region: &region, RegistryId: &account, Status: types.ReplicationStatusFailed, FailureCode: &code}
}

// tagAgain gives another tag to an image that is there.
func tagAgain(t *testing.T, f faces.Face, repository string, image fakeecr.Image, tag string) {
	t.Helper()
	_, err := f.PutImage(t.Context(), &ecr.PutImageInput{
		RepositoryName: &repository, ImageManifest: aws.String(string(image.Manifest)), ImageTag: &tag,
	})
	require.NoError(t, err)
}

func TestPushArrivesInTheOtherRegion(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		image := fakeecr.RandomImage(1, 3000, 100)
		digest := f.Registry.MustPush("team/app:v1", image)
		there := f.In("eu-west-1")

		require.Equal(t, []types.ImageReplicationStatus{replicaIn("eu-west-1", types.ReplicationStatusInProgress)}, replicas(t, f, "team/app", digest))
		require.Nil(t, heldIn(t, there, "team/app"), "it takes a while")

		f.Registry.Advance(arrivalLag)
		require.Equal(t, map[string][]string{digest: {"v1"}}, heldIn(t, there, "team/app"))
		require.Equal(t, []types.ImageReplicationStatus{replicaIn("eu-west-1", types.ReplicationStatusComplete)}, replicas(t, f, "team/app", digest))
		require.Empty(t, replicas(t, there, "team/app", digest), "a replica is not replicated itself")

		described, err := there.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		original, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		replica, source := described.ImageDetails[0], original.ImageDetails[0]
		require.Equal(t, 5*time.Second, replica.ImagePushedAt.Sub(*source.ImagePushedAt), "pushed when it arrives")
		replica.ImagePushedAt = source.ImagePushedAt
		require.Equal(t, source, replica)

		got, err := there.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}})
		require.NoError(t, err)
		require.Equal(t, string(image.Manifest), *got.Images[0].ImageManifest)
		for _, blob := range image.Blobs {
			layer := fakeecr.Image{Manifest: blob}.Digest()
			checked, err := there.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String("team/app"), LayerDigests: []string{layer}})
			require.NoError(t, err)
			require.Equal(t, types.LayerAvailabilityAvailable, checked.Layers[0].LayerAvailability)
			require.EqualValues(t, len(blob), *checked.Layers[0].LayerSize)
		}
	})
}

func TestReplicationGoesWhereTheRulesSay(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		early := f.Registry.MustPush("prod/early:v1", fakeecr.RandomImage(1, 100))
		putReplication(t, f,
			types.ReplicationRule{Destinations: []types.ReplicationDestination{destination("eu-west-1"), destination("eu-west-2")}, RepositoryFilters: prefixFilters("prod", "web/")},
			types.ReplicationRule{Destinations: []types.ReplicationDestination{destination("eu-west-2"), destination("eu-west-3")}, RepositoryFilters: prefixFilters("prod/a")},
		)
		replicateTo(t, f.In("eu-west-1"), destination("ap-south-1"))
		image := fakeecr.RandomImage(2, 100)
		for _, name := range []string{"prod/app", "production", "web/site", "website", "test/prod"} {
			f.Registry.MustPush(name+":v1", image)
		}
		require.Equal(t, []types.ImageReplicationStatus{
			replicaIn("eu-west-1", types.ReplicationStatusInProgress),
			replicaIn("eu-west-2", types.ReplicationStatusInProgress),
			replicaIn("eu-west-3", types.ReplicationStatusInProgress),
		}, replicas(t, f, "prod/app", image.Digest()), "each destination once")
		putReplication(t, f)
		f.Registry.MustPush("prod/late:v1", image)
		f.Registry.Advance(arrivalLag)

		require.Empty(t, replicas(t, f, "prod/early", early), "pushed before there were rules")
		require.Empty(t, replicas(t, f, "prod/late", image.Digest()))
		for region, want := range map[string][]string{
			"eu-west-1":  {"prod/app", "production", "web/site"},
			"eu-west-2":  {"prod/app", "production", "web/site"},
			"eu-west-3":  {"prod/app"},
			"ap-south-1": {}, // one hop
		} {
			out, err := f.In(region).DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
			require.NoError(t, err)
			names := []string{}
			for _, repo := range out.Repositories {
				names = append(names, *repo.RepositoryName)
			}
			require.Equal(t, want, names, region)
		}
		f.Registry.Advance(arrivalLag)
		require.Nil(t, heldIn(t, f.In("ap-south-1"), "prod/app"))
	})
}

func TestTagsReplicate(t *testing.T) {
	first, second := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
	a, b := first.Digest(), second.Digest()
	for name, test := range map[string]struct {
		// before the rules, then under them; what arrives.
		before, act func(t *testing.T, f faces.Face)
		want        map[string][]string
	}{
		"another tag": {
			act: func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("app:v1", first)
				f.Registry.Advance(arrivalLag)
				tagAgain(t, f, "app", first, "v2")
			},
			want: map[string][]string{a: {"v1", "v2"}},
		},
		"another tag of an old image": {
			before: func(t *testing.T, f faces.Face) { f.Registry.MustPush("app:v1", first) },
			act:    func(t *testing.T, f faces.Face) { tagAgain(t, f, "app", first, "v2") },
			want:   map[string][]string{a: {"v2"}},
		},
		"no tag": {
			act:  func(t *testing.T, f faces.Face) { f.Registry.MustPush("app", first) },
			want: map[string][]string{a: nil},
		},
		"a tag that moves": {
			act: func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("app:v1", first)
				f.Registry.Advance(arrivalLag)
				f.Registry.MustPush("app:v1", second)
			},
			want: map[string][]string{a: nil, b: {"v1"}},
		},
		"a tag that moves on the way": {
			act: func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("app:v1", first)
				f.Registry.MustPush("app:v1", second)
			},
			want: map[string][]string{a: nil, b: {"v1"}},
		},
		"a tag that is taken and immutable there": {
			before: func(t *testing.T, f faces.Face) {
				faces.Create(t, f.In("eu-west-1"), "app", immutable)
				f.In("eu-west-1").Registry.MustPush("app:v1", second)
			},
			act:  func(t *testing.T, f faces.Face) { f.Registry.MustPush("app:v1", first) },
			want: map[string][]string{a: nil, b: {"v1"}},
		},
		"a tag that is taken and excluded from immutability there": {
			before: func(t *testing.T, f faces.Face) {
				_, err := f.In("eu-west-1").CreateRepository(t.Context(), &ecr.CreateRepositoryInput{
					RepositoryName: aws.String("app"), ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion, ImageTagMutabilityExclusionFilters: wildcards("v*"),
				})
				require.NoError(t, err)
				f.In("eu-west-1").Registry.MustPush("app:v1", second)
				f.In("eu-west-1").Registry.MustPush("app:stable", second)
			},
			act: func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("app:v1", first)
				f.Registry.MustPush("app:stable", first)
			},
			want: map[string][]string{a: {"v1"}, b: {"stable"}},
		},
		"a tag that is taken and mutable there": {
			before: func(t *testing.T, f faces.Face) { f.In("eu-west-1").Registry.MustPush("app:v1", second) },
			act:    func(t *testing.T, f faces.Face) { f.Registry.MustPush("app:v1", first) },
			want:   map[string][]string{a: {"v1"}, b: nil},
		},
		"a tag removed on the way": {
			act: func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("app:v1", first)
				tagAgain(t, f, "app", first, "v2")
				deleteHeld(t, f, "app", types.ImageIdentifier{ImageTag: aws.String("v1")})
			},
			want: map[string][]string{a: {"v2"}},
		},
		"a deleted image": {
			act: func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("app:v1", first)
				f.Registry.Advance(arrivalLag)
				deleteHeld(t, f, "app", types.ImageIdentifier{ImageDigest: &a})
			},
			want: map[string][]string{a: {"v1"}},
		},
		"an image deleted on the way": {
			act: func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("app:v1", first)
				f.Registry.MustPush("app:v2", second)
				deleteHeld(t, f, "app", types.ImageIdentifier{ImageDigest: &a})
			},
			want: map[string][]string{b: {"v2"}},
		},
		"a repository deleted on the way": {
			act: func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("app:v1", first)
				_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("app"), Force: true})
				require.NoError(t, err)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				if test.before != nil {
					test.before(t, f)
				}
				replicateTo(t, f, destination("eu-west-1"))
				test.act(t, f)
				f.Registry.Advance(arrivalLag)
				require.Equal(t, test.want, heldIn(t, f.In("eu-west-1"), "app"))
				for digest := range heldIn(t, f, "app") {
					require.Equal(t, []types.ImageReplicationStatus{replicaIn("eu-west-1", types.ReplicationStatusComplete)}, replicas(t, f, "app", digest))
				}
			})
		})
	}
}

func deleteHeld(t *testing.T, f faces.Face, repository string, ids ...types.ImageIdentifier) {
	t.Helper()
	out, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: &repository, ImageIds: ids})
	require.NoError(t, err)
	require.Empty(t, out.Failures)
}

func TestIndexArrivesWithItsChildren(t *testing.T) {
	index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64")
	want := map[string][]string{index.Digest(): {"all"}, index.Images[0].Digest(): nil, index.Images[1].Digest(): nil}
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		f.Registry.MustPush("app:all", index)
		f.Registry.Advance(arrivalLag)
		require.Equal(t, want, heldIn(t, f.In("eu-west-1"), "app"))
		for digest := range want {
			require.Equal(t, []types.ImageReplicationStatus{replicaIn("eu-west-1", types.ReplicationStatusComplete)}, replicas(t, f, "app", digest))
		}
	})
}

func TestReplicationIsInProgressUntilTheLastPushArrives(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		image := fakeecr.RandomImage(1, 100)
		digest := f.Registry.MustPush("app:v1", image)
		f.Registry.Advance(3 * time.Second)
		tagAgain(t, f, "app", image, "v2")
		f.Registry.Advance(3 * time.Second)
		require.Equal(t, map[string][]string{digest: {"v1"}}, heldIn(t, f.In("eu-west-1"), "app"))
		require.Equal(t, []types.ImageReplicationStatus{replicaIn("eu-west-1", types.ReplicationStatusInProgress)}, replicas(t, f, "app", digest))
		f.Registry.Advance(3 * time.Second)
		require.Equal(t, map[string][]string{digest: {"v1", "v2"}}, heldIn(t, f.In("eu-west-1"), "app"))
		require.Equal(t, []types.ImageReplicationStatus{replicaIn("eu-west-1", types.ReplicationStatusComplete)}, replicas(t, f, "app", digest))
	})
}

func TestReplicationFails(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	t.Run("without a registry policy", func(t *testing.T) {
		faces.Each(t, func(t *testing.T, f faces.Face) {
			replicateTo(t, f, destination("us-east-1", faces.Other), destination("eu-west-1"))
			f.Registry.MustPush("app:v1", image)
			f.Registry.Advance(arrivalLag)
			require.Equal(t, []types.ImageReplicationStatus{
				failedReplica("us-east-1", faces.Other, "DESTINATION_REGISTRY_ACCESS_DENIED"),
				replicaIn("eu-west-1", types.ReplicationStatusComplete),
			}, replicas(t, f, "app", image.Digest()), "one destination does not hinder another")
			require.Nil(t, heldIn(t, f.Account(faces.Other), "app"))
		})
	})
	t.Run("no room for the repository", func(t *testing.T) {
		faces.Each(t, func(t *testing.T, f faces.Face) {
			f.In("eu-west-1").Registry.MustPush("other:v1", image)
			replicateTo(t, f, destination("eu-west-1"))
			f.Registry.MustPush("app:v1", image)
			f.Registry.Advance(arrivalLag)
			require.Equal(t, []types.ImageReplicationStatus{failedReplica("eu-west-1", replicationSource, "LimitExceeded")}, replicas(t, f, "app", image.Digest()))
		}, fakeecr.WithQuota(fakeecr.RepositoriesPerRegistry, 1))
	})
	t.Run("no room for a second tag", func(t *testing.T) {
		faces.Each(t, func(t *testing.T, f faces.Face) {
			f.In("eu-west-1").Registry.MustPush("app:v0", image)
			replicateTo(t, f, destination("eu-west-1"))
			f.Registry.MustPush("app:v1", image)
			f.Registry.Advance(arrivalLag)
			require.Equal(t, []types.ImageReplicationStatus{failedReplica("eu-west-1", replicationSource, "LimitExceeded")}, replicas(t, f, "app", image.Digest()))
			require.Equal(t, map[string][]string{image.Digest(): {"v0"}}, heldIn(t, f.In("eu-west-1"), "app"))
		}, fakeecr.WithQuota(fakeecr.TagsPerImage, 1))
	})
	t.Run("no room for all of an index", func(t *testing.T) {
		faces.Each(t, func(t *testing.T, f faces.Face) {
			there := f.In("eu-west-1")
			there.Registry.MustPush("app:old", image)
			there.Registry.MustPush("app:older", fakeecr.RandomImage(2, 100))
			index := fakeecr.RandomIndex(5, "linux/amd64", "linux/arm64")
			for _, child := range index.Images {
				f.Registry.MustPush("app", child)
			}
			replicateTo(t, f, destination("eu-west-1"))
			before := heldIn(t, there, "app")
			f.Registry.MustPush("app:all", index)
			f.Registry.Advance(arrivalLag)
			require.Equal(t, []types.ImageReplicationStatus{failedReplica("eu-west-1", replicationSource, "LimitExceeded")}, replicas(t, f, "app", index.Digest()))
			require.Equal(t, before, heldIn(t, there, "app"), "all of it or nothing")
		}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 3))
	})
	t.Run("until it succeeds", func(t *testing.T) {
		faces.Each(t, func(t *testing.T, f faces.Face) {
			f.In("eu-west-1").Registry.MustPush("app:v0", fakeecr.RandomImage(2, 100))
			replicateTo(t, f, destination("eu-west-1"))
			f.Registry.MustPush("app:v1", image)
			f.Registry.Advance(arrivalLag)
			require.Equal(t, []types.ImageReplicationStatus{failedReplica("eu-west-1", replicationSource, "LimitExceeded")}, replicas(t, f, "app", image.Digest()))
			deleteHeld(t, f.In("eu-west-1"), "app", types.ImageIdentifier{ImageTag: aws.String("v0")})
			tagAgain(t, f, "app", image, "v2")
			f.Registry.Advance(arrivalLag)
			require.Equal(t, []types.ImageReplicationStatus{replicaIn("eu-west-1", types.ReplicationStatusComplete)}, replicas(t, f, "app", image.Digest()))
		}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 1))
	})
}

func TestReplicationOfWhatIsThereAlready(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 100)
		f.In("eu-west-1").Registry.MustPush("app:v1", image)
		replicateTo(t, f, destination("eu-west-1"))
		f.Registry.MustPush("app:v1", image)
		f.Registry.Advance(arrivalLag)
		require.Equal(t, []types.ImageReplicationStatus{replicaIn("eu-west-1", types.ReplicationStatusComplete)}, replicas(t, f, "app", image.Digest()))
		require.Equal(t, map[string][]string{image.Digest(): {"v1"}}, heldIn(t, f.In("eu-west-1"), "app"))
	}, fakeecr.WithQuota(fakeecr.TagsPerImage, 1))
}

func TestReplicationToAnotherAccountNeedsItsRegistryPolicy(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1", faces.Other))
		there := f.Account(faces.Other).In("eu-west-1")
		_, err := there.PutRegistryPolicy(t.Context(), &ecr.PutRegistryPolicyInput{PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{
			"Sid":"ReplicationAccessCrossAccount","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},
			"Action":["ecr:CreateRepository","ecr:ReplicateImage"],"Resource":["arn:aws:ecr:eu-west-1:210987654321:repository/team/*"]}]}`)})
		require.NoError(t, err)
		image := fakeecr.RandomImage(1, 100)
		f.Registry.MustPush("team/app:v1", image)
		f.Registry.MustPush("app:v1", image)
		f.Registry.Advance(arrivalLag)
		require.Equal(t, map[string][]string{image.Digest(): {"v1"}}, heldIn(t, there, "team/app"))
		require.Nil(t, heldIn(t, there, "app"), "the policy does not name it")
		require.Equal(t, []types.ImageReplicationStatus{failedReplica("eu-west-1", faces.Other, "DESTINATION_REGISTRY_ACCESS_DENIED")}, replicas(t, f, "app", image.Digest()))
	})
}

// A template with tags makes replication a matter of ecr:TagResource as well, until
// the repository is there.
func TestReplicationToAnotherAccountByATemplateWithTags(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		there := f.Account(faces.Other).In("eu-west-1")
		template := forEverything("team")
		template.ResourceTags, template.CustomRoleArn = tags("team", "blue"), aws.String("arn:aws:iam::210987654321:role/ecr-template")
		_, err := there.CreateRepositoryCreationTemplate(t.Context(), template)
		require.NoError(t, err)
		replicateTo(t, f, destination("eu-west-1", faces.Other))
		push := func(repository string, seed uint64) types.ReplicationStatus {
			image := fakeecr.RandomImage(seed, 100)
			f.Registry.MustPush(repository+":v1", image)
			f.Registry.Advance(arrivalLag)
			return replicas(t, f, repository, image.Digest())[0].Status
		}
		allow := func(actions string) {
			putRegistryPolicy(t, there, faces.Statements(`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":[`+actions+`],"Resource":"*"}`))
		}

		allow(`"ecr:CreateRepository","ecr:ReplicateImage"`)
		require.Equal(t, types.ReplicationStatusFailed, push("team/app", 1))
		require.Nil(t, heldIn(t, there, "team/app"))
		require.Equal(t, types.ReplicationStatusComplete, push("app", 2), "the template is not this repository's")
		allow(`"ecr:CreateRepository","ecr:ReplicateImage","ecr:TagResource"`)
		require.Equal(t, types.ReplicationStatusComplete, push("team/app", 3))
		requireTags(t, there, "arn:aws:ecr:eu-west-1:210987654321:repository/team/app", "team", "blue")
		allow(`"ecr:ReplicateImage"`)
		require.Equal(t, types.ReplicationStatusComplete, push("team/app", 4), "the repository is there")

		onTag := func(value string) {
			putRegistryPolicy(t, there, faces.Statements(onRegistry(strings.Replace(faces.AllowAll, "ecr:*", "ecr:ReplicateImage", 1), "*"),
				`{"Effect":"Allow","Principal":"*","Action":["ecr:CreateRepository","ecr:TagResource"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"`+value+`"},"ForAllValues:StringEquals":{"aws:TagKeys":"team"}}}`))
		}
		onTag("red")
		require.Equal(t, types.ReplicationStatusFailed, push("team/web", 5))
		onTag("blue")
		require.Equal(t, types.ReplicationStatusComplete, push("team/web", 6))
	})
}

func TestForksReplicateEachForItself(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		image := fakeecr.RandomImage(1, 100)
		want := map[string][]string{f.Registry.MustPush("app:v1", image): {"v1"}}
		fork := faces.Direct(f.Registry.Fork(t))
		deleting := faces.Direct(f.Registry.Fork(t))
		deleteHeld(t, deleting, "app", types.ImageIdentifier{ImageTag: aws.String("v1")})

		fork.Registry.Advance(arrivalLag)
		require.Equal(t, want, heldIn(t, fork.In("eu-west-1"), "app"))
		require.Nil(t, heldIn(t, f.In("eu-west-1"), "app"))
		deleting.Registry.Advance(arrivalLag)
		require.Nil(t, heldIn(t, deleting.In("eu-west-1"), "app"))
		f.Registry.Advance(arrivalLag)
		require.Equal(t, want, heldIn(t, f.In("eu-west-1"), "app"))
	})
}

// One seed and the same calls give the same world, ids and times included; and
// nothing but time needs to pass.
func TestReplicationIsReproducible(t *testing.T) {
	run := func() (record string) {
		synctest.Test(t, func(t *testing.T) {
			f := faces.Direct(fakeecr.New(t, fakeecr.WithSeed(7), fakeecr.WithQuota(fakeecr.ImagesPerRepository, 4)))
			there := f.In("eu-west-1")
			there.Registry.MustPush("app:old", fakeecr.RandomImage(9, 100))
			f.Registry.MustPush("app:all", fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64"))
			replicateTo(t, f, destination("eu-west-1"), destination("eu-west-2"))
			f.Registry.MustPush("app:v1", fakeecr.RandomImage(4, 100))
			begun := startBackfill(t, f, destination("eu-west-1"))
			time.Sleep(time.Minute)
			described, err := f.DescribeReplicationBackfillResults(t.Context(), &ecr.DescribeReplicationBackfillResultsInput{ReplicationBackfillId: begun.ReplicationBackfillId})
			require.NoError(t, err)
			require.Equal(t, types.ReplicationBackfillStatusComplete, described.Status)
			images, err := there.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("app")})
			require.NoError(t, err)
			require.Len(t, images.ImageDetails, 4)
			text, err := json.Marshal([]any{described, images})
			require.NoError(t, err)
			record = string(text)
		})
		return record
	}
	first := run()
	require.Contains(t, first, "LimitExceeded")
	require.Equal(t, first, run())
}

func immutable(in *ecr.CreateRepositoryInput) {
	in.ImageTagMutability = types.ImageTagMutabilityImmutable
}
