package registry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// day is how often lifecycle policies run.
const day = 24 * time.Hour

// lifecycleText is a policy with white space between its tokens, long enough for
// ECR's minimum.
func lifecycleText(rules ...string) string {
	return `{ "rules" : [ ` + strings.Join(rules, " , ") + " ] }"
}

// expiring is a rule that expires what a selection says.
func expiring(priority int, selection string) string {
	return lifecycleRule(priority, selection, `"type":"expire"`)
}

// lifecycleRule is a rule for what a selection says.
func lifecycleRule(priority int, selection, action string) string {
	return fmt.Sprintf(`{"rulePriority":%d,"description":"a rule of a test","selection":{%s},"action":{%s}}`, priority, selection, action)
}

// taggedImages selects images that were pushed more than a day ago with a tag of a prefix.
func taggedImages(prefix string) string {
	return `"tagStatus":"tagged","tagPrefixList":["` + prefix + `"],"countType":"sinceImagePushed","countUnit":"days","countNumber":1`
}

// putLifecycle gives a repository a policy of these rules.
func putLifecycle(t *testing.T, f fakeecr.API, repository string, rules ...string) {
	t.Helper()
	_, err := f.PutLifecyclePolicy(t.Context(), &ecr.PutLifecyclePolicyInput{
		RepositoryName: &repository, LifecyclePolicyText: aws.String(lifecycleText(rules...)),
	})
	require.NoError(t, err)
}

func archiving(priority int, selection string) string {
	return lifecycleRule(priority, selection, `"type":"transition","targetStorageClass":"archive"`)
}

const (
	untaggedImages = `"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":1`
	anyImages      = `"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":1`
	longArchived   = `"tagStatus":"any","storageClass":"archive","countType":"sinceImageTransitioned","countUnit":"days","countNumber":90`
)

func lastEvaluated(t *testing.T, f fakeecr.API, repository string) time.Time {
	t.Helper()
	out, err := f.GetLifecyclePolicy(t.Context(), &ecr.GetLifecyclePolicyInput{RepositoryName: &repository})
	require.NoError(t, err)
	return *out.LastEvaluatedAt
}

func requireImages(t *testing.T, f fakeecr.API, repository string, digests ...string) {
	t.Helper()
	there := []string{}
	for digest := range faces.ImageDetails(t, f, repository) {
		there = append(there, digest)
	}
	require.ElementsMatch(t, digests, there)
}

func TestLifecycleRunsEveryDay(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		r := f.Registry
		image := fakeecr.RandomImage(1, 100)
		r.MustPush("team/app", image)
		tagged := r.MustPush("team/app:v1", fakeecr.RandomImage(2, 100))
		r.Advance(time.Hour)
		putLifecycle(t, f, "team/app", expiring(1, untaggedImages))
		begin := r.Now()

		r.Advance(23 * time.Hour)
		require.Equal(t, int64(0), lastEvaluated(t, f, "team/app").Unix(), "not before a day has passed")
		young := r.MustPush("team/app", fakeecr.RandomImage(3, 100))
		r.Advance(2 * time.Hour)
		require.WithinDuration(t, begin.Add(day), lastEvaluated(t, f, "team/app"), 30*time.Minute)
		requireImages(t, f, "team/app", tagged, young)
		_, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{
			RepositoryName: aws.String("team/app"), LayerDigest: layerOf(image),
		})
		var inaccessible *types.LayerInaccessibleException
		require.ErrorAs(t, err, &inaccessible, "no image refers to it any more")

		r.Advance(10 * day)
		require.WithinDuration(t, begin.Add(11*day), lastEvaluated(t, f, "team/app"), 30*time.Minute, "the last of ten runs")
		requireImages(t, f, "team/app", tagged)
	})
}

// layerOf is the digest of an image's first layer.
func layerOf(image fakeecr.Image) *string {
	return aws.String(digest.FromBytes(image.Blobs[0]).String())
}

func TestLifecycleRunsInOrderOfTime(t *testing.T) {
	faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
		r := f.Registry
		image := r.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		putLifecycle(t, f, "team/app", archiving(1, anyImages), expiring(2, longArchived))
		begin := r.Now()

		r.Advance(92*day - time.Second)
		details := faces.ImageDetails(t, f, "team/app")
		require.Equal(t, types.ImageStatusArchived, details[image].ImageStatus)
		require.Equal(t, begin.Add(2*day), *details[image].LastArchivedAt, "after one day it is exactly one day old, which is not older")
		r.Advance(time.Second)
		requireImages(t, f, "team/app", image)
		r.Advance(day)
		requireImages(t, f, "team/app")
		require.Equal(t, begin.Add(93*day), lastEvaluated(t, f, "team/app"))
	})
}

func TestLifecycleRunsOnlyWhereThereIsAPolicy(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, f faces.Face){
		"policy deleted": func(t *testing.T, f faces.Face) {
			_, err := f.DeleteLifecyclePolicy(t.Context(), &ecr.DeleteLifecyclePolicyInput{RepositoryName: aws.String("team/app")})
			require.NoError(t, err)
		},
		"repository made anew": func(t *testing.T, f faces.Face) {
			_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("team/app"), Force: true})
			require.NoError(t, err)
			f.Registry.MustPush("team/app", fakeecr.RandomImage(1, 100))
		},
		"policy replaced": func(t *testing.T, f faces.Face) {
			putLifecycle(t, f, "team/app", expiring(1, taggedImages("v")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				image := f.Registry.MustPush("team/app", fakeecr.RandomImage(1, 100))
				putLifecycle(t, f, "team/app", expiring(1, untaggedImages))
				end(t, f)
				f.Registry.Advance(5 * day)
				requireImages(t, f, "team/app", image)
			})
		})
	}
}

func TestRunLifecycle(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		r := f.Registry.In("eu-west-1")
		faces.RequireError[*types.RepositoryNotFoundException](t, r.RunLifecycle("team/app"),
			"The repository with name 'team/app' does not exist in the registry with id '123456789012'")
		old := r.MustPush("team/app", fakeecr.RandomImage(1, 100))
		faces.RequireError[*types.LifecyclePolicyNotFoundException](t, r.RunLifecycle("team/app"),
			"Lifecycle policy does not exist for the repository with name 'team/app' in the registry with id '123456789012'")

		eu := f.In("eu-west-1")
		r.Advance(2 * day)
		putLifecycle(t, eu, "team/app", expiring(1, untaggedImages))
		begin := r.Now()
		calls := len(r.Trace())
		fork := r.Fork(t)
		requireImages(t, eu, "team/app", old)
		require.NoError(t, r.RunLifecycle("team/app"))
		requireImages(t, eu, "team/app")
		require.Zero(t, r.Trace()[calls:].Count("BatchDeleteImage"), "a run is a call of its own")
		require.Contains(t, r.Trace()[calls:].For(scenarios.RunLifecyclePolicy).String(), "RunLifecyclePolicy team/app -> ok, rule 1 expired "+old)
		requireImages(t, fork, "team/app", old)

		r.Advance(day)
		require.WithinDuration(t, begin.Add(day), lastEvaluated(t, eu, "team/app"), time.Minute, "the daily run stays when it is")
	})
}

func TestLifecycleLeavesChildrenToTheRunAfter(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		r := f.Registry
		index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64")
		r.MustPush("team/app:v1", index)
		amd, arm := index.Images[0].Digest(), index.Images[1].Digest()
		r.Advance(2 * day)
		putLifecycle(t, f, "team/app", expiring(1, untaggedImages), expiring(2, taggedImages("v")))
		require.NoError(t, r.RunLifecycle("team/app"))
		requireImages(t, f, "team/app", amd, arm)
		require.NoError(t, r.RunLifecycle("team/app"))
		requireImages(t, f, "team/app")
	})
}

func TestReferrersFollowTheirSubject(t *testing.T) {
	subject := fakeecr.RandomImage(1, 100)
	referrer := fakeecr.Referrer(subject, "application/vnd.example.sbom", []byte("sbom"))
	about := fakeecr.Referrer(referrer, "application/vnd.example.signature", []byte("signature"))
	remove := func(t *testing.T, f faces.Face, digest string) {
		t.Helper()
		out, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{
			RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageDigest: &digest}},
		})
		require.NoError(t, err)
		require.Empty(t, out.Failures)
	}
	run := func(t *testing.T, f faces.Face) {
		t.Helper()
		require.NoError(t, f.Registry.RunLifecycle("team/app"))
	}
	for name, test := range map[string]func(t *testing.T, f faces.Face){
		"gone with the subject, one run after another": func(t *testing.T, f faces.Face) {
			for _, image := range []fakeecr.Image{subject, referrer, about} {
				f.Registry.MustPush("team/app", image)
			}
			remove(t, f, subject.Digest())
			requireImages(t, f, "team/app", referrer.Digest(), about.Digest())
			run(t, f)
			requireImages(t, f, "team/app", about.Digest())
			run(t, f)
			requireImages(t, f, "team/app")
		},
		"waiting for a subject that was never there": func(t *testing.T, f faces.Face) {
			f.Registry.MustPush("team/app", referrer)
			run(t, f)
			requireImages(t, f, "team/app", referrer.Digest())
			f.Registry.MustPush("team/app", subject)
			run(t, f)
			requireImages(t, f, "team/app", referrer.Digest(), subject.Digest())
			remove(t, f, subject.Digest())
			run(t, f)
			requireImages(t, f, "team/app")
		},
		"staying with the subject, whatever the rules say": func(t *testing.T, f faces.Face) {
			f.Registry.MustPush("team/app:v1", subject)
			f.Registry.MustPush("team/app", referrer)
			for _, rule := range []string{expiring(1, untaggedImages), archiving(1, untaggedImages)} {
				putLifecycle(t, f, "team/app", rule)
				f.Registry.Advance(3 * day)
				requireImages(t, f, "team/app", subject.Digest(), referrer.Digest())
				require.Equal(t, types.ImageStatusActive, statusOf(t, f, referrer.Digest()))
			}
		},
		"archived after the subject, restored with it": func(t *testing.T, f faces.Face) {
			f.Registry.MustPush("team/app", subject)
			f.Registry.MustPush("team/app", referrer)
			faces.UpdateStorage(t, f, subject.Digest(), types.TargetStorageClassArchive)
			require.Equal(t, types.ImageStatusActive, statusOf(t, f, referrer.Digest()))
			run(t, f)
			require.Equal(t, types.ImageStatusArchived, statusOf(t, f, referrer.Digest()))
			faces.UpdateStorage(t, f, subject.Digest(), types.TargetStorageClassStandard)
			require.Equal(t, types.ImageStatusActivating, statusOf(t, f, referrer.Digest()))
			f.Registry.Advance(20 * time.Minute)
			require.Equal(t, types.ImageStatusActive, statusOf(t, f, referrer.Digest()))
			run(t, f)
			require.Equal(t, types.ImageStatusActive, statusOf(t, f, referrer.Digest()))
		},
		"restored when the subject is pushed again": func(t *testing.T, f faces.Face) {
			f.Registry.MustPush("team/app", subject)
			f.Registry.MustPush("team/app", referrer)
			faces.UpdateStorage(t, f, subject.Digest(), types.TargetStorageClassArchive)
			run(t, f)
			f.Registry.MustPush("team/app", subject)
			require.Equal(t, types.ImageStatusActive, statusOf(t, f, subject.Digest()))
			require.Equal(t, types.ImageStatusActivating, statusOf(t, f, referrer.Digest()))
		},
		"restored when the subject, deleted from the archive, is pushed again": func(t *testing.T, f faces.Face) {
			f.Registry.MustPush("team/app", subject)
			f.Registry.MustPush("team/app", referrer)
			faces.UpdateStorage(t, f, subject.Digest(), types.TargetStorageClassArchive)
			run(t, f)
			remove(t, f, subject.Digest())
			require.Equal(t, types.ImageStatusArchived, statusOf(t, f, referrer.Digest()))
			f.Registry.MustPush("team/app", subject)
			require.Equal(t, types.ImageStatusActivating, statusOf(t, f, referrer.Digest()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("team/app:keep", fakeecr.RandomImage(9, 100))
				putLifecycle(t, f, "team/app", expiring(1, taggedImages("none")))
				remove(t, f, fakeecr.RandomImage(9, 100).Digest())
				test(t, f)
			})
		})
	}
}

// What was pulled lately stays; what never was, or not since it was restored,
// counts from its push or its restoration.
func TestLifecycleSeesPulls(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		r := f.Registry
		unpulled, pulled := r.MustPush("team/app:a", fakeecr.RandomImage(1, 100)), r.MustPush("team/app:b", fakeecr.RandomImage(2, 100))
		putLifecycle(t, f, "team/app", archiving(1, `"tagStatus":"any","countType":"sinceImagePulled","countUnit":"days","countNumber":10`))
		requireStatus := func(a, b types.ImageStatus) {
			t.Helper()
			require.Equal(t, []types.ImageStatus{a, b}, []types.ImageStatus{statusOf(t, f, unpulled), statusOf(t, f, pulled)})
		}
		r.Advance(5 * day)
		code, _ := pull(t, f, faces.ByTag("b"))
		require.Empty(t, code)
		r.Advance(7 * day)
		requireStatus(types.ImageStatusArchived, types.ImageStatusActive)

		faces.UpdateStorage(t, f, unpulled, types.TargetStorageClassStandard)
		r.Advance(5 * day)
		requireStatus(types.ImageStatusActive, types.ImageStatusArchived)
		r.Advance(7 * day)
		requireStatus(types.ImageStatusArchived, types.ImageStatusArchived)
	})
}

// A restored image is as good as newly pushed, also while it is on its way.
func TestLifecycleSparesRestoredImages(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		r := f.Registry
		image := r.MustPush("team/app", fakeecr.RandomImage(1, 100))
		faces.UpdateStorage(t, f, image, types.TargetStorageClassArchive)
		r.Advance(100 * day)
		faces.UpdateStorage(t, f, image, types.TargetStorageClassStandard)
		putLifecycle(t, f, "team/app", expiring(1, untaggedImages), expiring(2, longArchived))
		require.NoError(t, r.RunLifecycle("team/app"))
		require.Equal(t, types.ImageStatusActivating, statusOf(t, f, image))
		r.Advance(23 * time.Hour)
		require.NoError(t, r.RunLifecycle("team/app"))
		requireImages(t, f, "team/app", image)
		r.Advance(25 * time.Hour)
		requireImages(t, f, "team/app")
	})
}
