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

// restorationTime is what it takes to bring an image back from the archive.
const restorationTime = 20 * time.Minute

func isComplete(region string) []types.ImageReplicationStatus {
	return []types.ImageReplicationStatus{replicaIn(region, types.ReplicationStatusComplete)}
}

// What is restored from the archive replicates as what is pushed does.
func TestRestoredImagesReplicate(t *testing.T) {
	image, index := fakeecr.RandomImage(1, 100), fakeecr.RandomIndex(2, "linux/amd64")
	faces.Each(t, func(t *testing.T, f faces.Face) {
		there := f.In("eu-west-1")
		pushTags(t, f, "team/app", image, 2)
		f.Registry.MustPush("team/app:all", index)
		for _, digest := range []string{image.Digest(), index.Digest(), index.Images[0].Digest()} {
			faces.UpdateStorage(t, f, digest, types.TargetStorageClassArchive)
		}
		replicateTo(t, f, destination("eu-west-1"))
		faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassStandard)
		faces.UpdateStorage(t, f, index.Digest(), types.TargetStorageClassStandard)
		f.Registry.Advance(arrivalLag)
		require.Nil(t, heldIn(t, there, "team/app"), "not before they are active")
		f.Registry.Advance(restorationTime)
		f.Registry.Advance(arrivalLag)
		require.Equal(t, map[string][]string{
			image.Digest(): {"t00", "t01"}, index.Digest(): {"all"}, index.Images[0].Digest(): nil,
		}, heldIn(t, there, "team/app"))
		require.Equal(t, isComplete("eu-west-1"), replicas(t, f, "team/app", image.Digest()))

		faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
		f.Registry.Advance(time.Hour)
		require.Equal(t, types.ImageStatusActive, statusOf(t, there, image.Digest()), "what is archived here is not archived there")
	})
}

// An image that is archived on its way fails to replicate, until it is restored.
func TestArchivedOnTheWay(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		faces.UpdateStorage(t, f, digest, types.TargetStorageClassArchive)
		f.Registry.Advance(arrivalLag)
		require.Equal(t, []types.ImageReplicationStatus{failedReplica("eu-west-1", replicationSource, "ImageInaccessible")}, replicas(t, f, "team/app", digest))
		require.Nil(t, heldIn(t, f.In("eu-west-1"), "team/app"))

		faces.UpdateStorage(t, f, digest, types.TargetStorageClassStandard)
		f.Registry.Advance(restorationTime + arrivalLag)
		require.Equal(t, isComplete("eu-west-1"), replicas(t, f, "team/app", digest))
		require.Equal(t, map[string][]string{digest: {"v1"}}, heldIn(t, f.In("eu-west-1"), "team/app"))
	})
}

// A push of what is in the archive there restores it, as any push does.
func TestArrivalOfWhatIsArchivedThere(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		there, image := f.In("eu-west-1"), fakeecr.RandomImage(1, 100)
		digest := there.Registry.MustPush("team/app:old", image)
		faces.UpdateStorage(t, there, digest, types.TargetStorageClassArchive)
		replicateTo(t, f, destination("eu-west-1"))
		f.Registry.MustPush("team/app:v1", image)
		f.Registry.Advance(arrivalLag)
		require.Equal(t, types.ImageStatusActive, statusOf(t, there, digest))
		require.Equal(t, map[string][]string{digest: {"old", "v1"}}, heldIn(t, there, "team/app"))
	})
}

func TestReferrersReplicate(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateTo(t, f, destination("eu-west-1"))
		image := fakeecr.RandomImage(1, 100)
		sbom := fakeecr.Referrer(image, "application/spdx+json", []byte("{}"))
		f.Registry.MustPush("team/app:v1", image)
		f.Registry.MustPush("team/app", sbom)
		f.Registry.Advance(arrivalLag)
		faces.RequireReferrers(t, f.In("eu-west-1"), "team/app", image.Digest(), sbom)
	})
}

// What was pulled through a cache was not pushed. It replicates once somebody
// pushes it, or when a backfill replicates all that is there.
func TestImportsReplicateWhenTheyArePushed(t *testing.T) {
	image, untouched := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		there := f.In("eu-west-1")
		replicateTo(t, f, destination("eu-west-1"))
		hub.MustPush("team/app:v1", image)
		hub.MustPush("team/app:v2", untouched)
		faces.Get(t, f, "hub/team/app", faces.Tagged("v1", "v2"))
		f.Registry.Advance(arrivalLag)
		require.Nil(t, heldIn(t, there, "hub/team/app"))
		require.Empty(t, replicas(t, f, "hub/team/app", image.Digest()))

		tagAgain(t, f, "hub/team/app", image, "stable")
		f.Registry.Advance(arrivalLag)
		require.Equal(t, map[string][]string{image.Digest(): {"stable"}}, heldIn(t, there, "hub/team/app"))
		require.Equal(t, isComplete("eu-west-1"), replicas(t, f, "hub/team/app", image.Digest()))

		startBackfill(t, f, destination("eu-west-1"))
		f.Registry.Advance(time.Minute)
		require.Equal(t, map[string][]string{image.Digest(): {"stable", "v1"}, untouched.Digest(): {"v2"}}, heldIn(t, there, "hub/team/app"))
	})
}

// The conditions of the other account's policy see the source account's root,
// which asks in the region of the policy.
func TestConditionsOnReplication(t *testing.T) {
	for condition, arrives := range map[string]bool{
		`"StringEquals":{"aws:PrincipalAccount":"123456789012"}`:            true,
		`"StringEquals":{"aws:PrincipalAccount":"998877665544"}`:            false,
		`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:root"}`: true,
		`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`:                true,
		`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`:                false,
		`"StringEquals":{"aws:ResourceAccount":"210987654321"}`:             true,
		`"DateLessThan":{"aws:CurrentTime":"2000-01-01"}`:                   false,
		`"StringEquals":{"aws:ResourceTag/team":"core"}`:                    true,
		`"StringEquals":{"aws:ResourceTag/team":"web"}`:                     false,
	} {
		t.Run(condition, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				there := f.Account(faces.Other).In("eu-west-1")
				_, err := there.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("app"), Tags: tags("team", "core")})
				require.NoError(t, err)
				putRegistryPolicy(t, there, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:ReplicateImage","Resource":"*","Condition":{`+condition+`}}]}`)
				replicateTo(t, f, destination("eu-west-1", faces.Other))
				digest := f.Registry.MustPush("app:v1", fakeecr.RandomImage(1, 100))
				f.Registry.Advance(arrivalLag)
				if arrives {
					require.Equal(t, map[string][]string{digest: {"v1"}}, heldIn(t, there, "app"))
				} else {
					require.Equal(t, []types.ImageReplicationStatus{failedReplica("eu-west-1", faces.Other, "DESTINATION_REGISTRY_ACCESS_DENIED")}, replicas(t, f, "app", digest))
				}
			})
		})
	}
}
