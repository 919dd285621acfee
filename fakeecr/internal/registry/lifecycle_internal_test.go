package registry

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakeecr/ecr/fakeecr/internal/engine"
	"github.com/fakeecr/ecr/fakeecr/internal/lifecycle"
	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
)

// policyOf is a policy that expires what the selections say.
func policyOf(selections ...string) string {
	var rules []string
	for i, selection := range selections {
		rules = append(rules, fmt.Sprintf(`{"rulePriority":%d,"selection":{%s},"action":{"type":"expire"}}`, i+1, selection))
	}
	return `{"rules":[` + strings.Join(rules, ",") + `]}`
}

// A repository has events only for what may still happen to it.
func TestEventsOfARepository(t *testing.T) {
	text := relatedImages()[0]
	policy := policyOf(`"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":1`)
	w, name := worldOfApp(t, digestOf(0), digestOf(1), digestOf(2)), aws.String("app")
	_, err := do(w, (*Tx).PutImage, &ecr.PutImageInput{RepositoryName: name, ImageManifest: &text})
	require.NoError(t, err)
	require.Empty(t, pending(w))

	put := func() {
		_, err := do(w, (*Tx).PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: &policy})
		require.NoError(t, err)
	}
	put()
	put()
	require.Equal(t, []event{lifecycleRun{home, "app"}}, pending(w), "one, though it was put twice")
	w.Advance(30 * 24 * time.Hour)
	require.NoError(t, w.RunLifecycle(home, "app"))
	require.Equal(t, []event{lifecycleRun{home, "app"}}, pending(w))
	_, err = do(w, (*Tx).DeleteLifecyclePolicy, &ecr.DeleteLifecyclePolicyInput{RepositoryName: name})
	require.NoError(t, err)
	require.Empty(t, pending(w))

	for range 2 {
		_, err = do(w, (*Tx).StartLifecyclePolicyPreview, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: name, LifecyclePolicyText: &policy})
		require.NoError(t, err)
		require.Equal(t, []event{previewCompletion{home, "app"}}, pending(w))
		w.Advance(previewDuration)
		require.Equal(t, []event{previewExpiry{home, "app"}}, pending(w))
	}
	w.Advance(previewLifetime)
	require.Empty(t, pending(w))

	put()
	_, err = do(w, (*Tx).StartLifecyclePolicyPreview, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: name})
	require.NoError(t, err)
	require.Len(t, pending(w), 2)
	_, err = do(w, (*Tx).DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: name, Force: true})
	require.NoError(t, err)
	require.Empty(t, pending(w))
}

// lifecyclePolicies are of all kinds of rule, over images of relatedImages.
var lifecyclePolicies = []string{
	policyOf(`"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":2`),
	policyOf(`"tagStatus":"tagged","tagPrefixList":["v"],"countType":"imageCountMoreThan","countNumber":1`,
		`"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":20`),
	archivingPolicyOf(`"tagStatus":"any","countType":"sinceImagePulled","countUnit":"days","countNumber":5`),
	archivingPolicyOf(`"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":1`),
	archivingPolicyOf(`"tagStatus":"any","countType":"imageCountMoreThan","countNumber":2`),
}

// archivingPolicyOf is a policy that archives what the selection says, and
// expires what was archived for 90 days.
func archivingPolicyOf(selection string) string {
	return `{"rules":[{"rulePriority":1,"selection":{` + selection + `},"action":{"type":"transition","targetStorageClass":"archive"}},` +
		`{"rulePriority":2,"selection":{"tagStatus":"any","storageClass":"archive","countType":"sinceImageTransitioned","countUnit":"days","countNumber":90},"action":{"type":"expire"}}]}`
}

// kept is what a lifecycle policy and time make of an image.
type kept struct {
	tags     string
	pulledAt time.Time
	storage
}

// app is the images of the repository "app", by digest, and when its policy was
// last evaluated.
func app(t require.TestingT, w *World) (map[string]kept, time.Time) {
	images := map[string]kept{}
	for digest, img := range appOf(w).images.All() {
		images[digest] = kept{strings.Join(img.tags, " "), img.pulledAt, img.storage}
	}
	out, err := do(w, (*Tx).GetLifecyclePolicy, &ecr.GetLifecyclePolicyInput{RepositoryName: aws.String("app")})
	require.NoError(t, err)
	return images, *out.LastEvaluatedAt
}

// live moves a world on and holds that each day, counted from when its policy was
// put, does what the policy says of the images that there are then.
func live(t require.TestingT, w *World, put time.Time, d time.Duration) {
	const moment = time.Millisecond
	end, days := w.Now().Add(d), w.Now().Sub(put)/(24*time.Hour)+1
	for due := put.Add(days * 24 * time.Hour); !due.After(end); due = due.Add(24 * time.Hour) {
		require.NoError(t, w.Advance(due.Add(-moment).Sub(w.Now())))
		want, _ := app(t, w)
		verdicts, _ := appOf(w).evaluate(appOf(w).lifecycle.policy, due)
		for _, verdict := range verdicts {
			img := want[verdict.image.digest]
			img.storage = storage{archived: true, archivedAt: due, activatedAt: img.activatedAt}
			want[verdict.image.digest] = img
			if verdict.Type == lifecycle.Expire {
				delete(want, verdict.image.digest)
			}
		}
		for digest, img := range want {
			if img.activeFrom.Equal(due) {
				img.storage = storage{archivedAt: img.archivedAt, activatedAt: due}
				want[digest] = img
			}
		}
		require.NoError(t, w.Advance(moment))
		images, evaluated := app(t, w)
		require.Equal(t, want, images)
		require.Equal(t, due, evaluated)
	}
	require.NoError(t, w.Advance(end.Sub(w.Now())))
}

// However far the clock is moved at once and whatever happens in between, a
// policy does what it would do if it looked at the images every day.
func TestDailyRuns(t *testing.T) {
	texts, name := relatedImages(), aws.String("app")
	synctest.Test(t, func(t *testing.T) {
		// Of a *testing.T rapid would ask its deadline, which a bubble has not.
		rapid.Check(struct{ rapid.TB }{t}, func(t *rapid.T) {
			first := worldOfApp(t, digestOf(0), digestOf(1), digestOf(2), digestOf(3))
			worlds := []*World{first, first.Fork(Config{})}
			var put time.Time
			policy := func(t *rapid.T) {
				text := rapid.SampledFrom(lifecyclePolicies).Draw(t, "policy")
				for _, w := range worlds {
					_, err := do(w, (*Tx).PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: &text})
					require.NoError(t, err)
					put = w.Now()
				}
			}
			digest := func(t *rapid.T) types.ImageIdentifier {
				return types.ImageIdentifier{ImageDigest: aws.String(manifest.Digest(rapid.SampledFrom(texts).Draw(t, "image")))}
			}
			policy(t)
			t.Repeat(map[string]func(*rapid.T){
				"policy": policy,
				"push": func(t *rapid.T) {
					text := rapid.SampledFrom(texts).Draw(t, "image")
					tag := rapid.SampledFrom([]*string{nil, aws.String("v1"), aws.String("v2"), aws.String("b")}).Draw(t, "tag")
					for _, w := range worlds {
						do(w, (*Tx).PutImage, &ecr.PutImageInput{RepositoryName: name, ImageManifest: &text, ImageTag: tag})
					}
				},
				"pull": func(t *rapid.T) {
					ids := []types.ImageIdentifier{digest(t)}
					for _, w := range worlds {
						do(w, (*Tx).BatchGetImage, &ecr.BatchGetImageInput{RepositoryName: name, ImageIds: ids})
					}
				},
				"delete": func(t *rapid.T) {
					ids := []types.ImageIdentifier{digest(t)}
					for _, w := range worlds {
						do(w, (*Tx).BatchDeleteImage, &ecr.BatchDeleteImageInput{RepositoryName: name, ImageIds: ids})
					}
				},
				"move": func(t *rapid.T) {
					id, target := digest(t), rapid.SampledFrom(types.TargetStorageClass("").Values()).Draw(t, "class")
					for _, w := range worlds {
						do(w, (*Tx).UpdateImageStorageClass, &ecr.UpdateImageStorageClassInput{RepositoryName: name, ImageId: &id, TargetStorageClass: target})
					}
				},
				"run": func(t *rapid.T) {
					for _, w := range worlds {
						require.NoError(t, w.RunLifecycle(home, "app"))
					}
				},
				"time": func(t *rapid.T) {
					day := 24 * time.Hour
					d := rapid.SampledFrom([]time.Duration{time.Hour, day - restoration, day, 3*day + time.Hour, 40 * day, 150 * day}).Draw(t, "time")
					require.NoError(t, worlds[0].Advance(d))
					live(t, worlds[1], put, d)
				},
				"": func(t *rapid.T) {
					images, evaluated := app(t, worlds[0])
					same, likewise := app(t, worlds[1])
					require.Equal(t, same, images)
					require.Equal(t, likewise, evaluated)
				},
			})
		})
	})
}

// runsWithin counts the runs that look at the images while the clock moves on.
func runsWithin(t *testing.T, w *World, d time.Duration) int {
	runs, end := 0, w.Now().Add(d)
	for {
		due, next := end, any(nil)
		for key, e := range newTx(w).read().Events() {
			due, next = engine.Due(key), e
			break
		}
		if next == nil || due.After(end) {
			require.NoError(t, w.Advance(end.Sub(w.Now())))
			return runs
		}
		if _, ok := next.(lifecycleRun); ok {
			runs++
		}
		require.NoError(t, w.Advance(due.Sub(w.Now())))
	}
}

// A run that would find nothing to do does not look at the images.
func TestRunsThatAreLeftOut(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		w, name := worldOfApp(t, digestOf(0), digestOf(1), digestOf(2), digestOf(3)), aws.String("app")
		push := func(text string) {
			_, err := do(w, (*Tx).PutImage, &ecr.PutImageInput{RepositoryName: name, ImageManifest: &text})
			require.NoError(t, err)
		}
		put := func(text string) {
			_, err := do(w, (*Tx).PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: &text})
			require.NoError(t, err)
		}
		texts := relatedImages()
		put(policyOf(`"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":30`))
		require.Equal(t, 1, runsWithin(t, w, 3650*day), "the first, which finds nothing")
		push(texts[0])
		require.Equal(t, 1, runsWithin(t, w, 30*day), "the one after the push")
		push(texts[1])
		require.Equal(t, 4, runsWithin(t, w, 3650*day), "after the push, which expires the first; after that; when the second is due; after that")
		require.Zero(t, appOf(w).images.Len())

		push(texts[0])
		push(texts[1])
		put(policyOf(`"tagStatus":"any","countType":"imageCountMoreThan","countNumber":2`))
		require.Equal(t, 1, runsWithin(t, w, 3650*day))
		push(texts[5])
		require.Equal(t, 2, runsWithin(t, w, 3650*day))
		require.Equal(t, 2, appOf(w).images.Len())

		put(archivingPolicyOf(`"tagStatus":"any","countType":"sinceImagePulled","countUnit":"days","countNumber":400`))
		require.Equal(t, 4, runsWithin(t, w, 3650*day), "each of the first archives or expires what is due, the last finds nothing")
		require.Zero(t, appOf(w).images.Len())
	})
}

// appOfSize is a world whose repository has so many images, pushed a minute apart.
func appOfSize(b *testing.B, size int) *World {
	w := NewWorld(1, Config{})
	require.NoError(b, change(w, func(tx *Tx) error {
		repo := tx.newRepository(home, "app")
		for i := range size {
			img := &image{digest: digestOf(i), pushedAt: tx.Now().Add(-time.Duration(i) * time.Minute)}
			repo.images.Set(repo.generation, img.digest, img)
		}
		return tx.addRepository(repo)
	}))
	return w
}

// BenchmarkTenYears is time that passes at once over a large repository whose
// policy runs daily.
func BenchmarkTenYears(b *testing.B) {
	for name, selection := range map[string]string{
		"stay":   `"tagStatus":"any","countType":"imageCountMoreThan","countNumber":10000`,
		"expire": `"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":365`,
	} {
		b.Run(name, func(b *testing.B) {
			w := appOfSize(b, 10_000)
			_, err := do(w, (*Tx).PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{
				RepositoryName: aws.String("app"), LifecyclePolicyText: aws.String(policyOf(selection)),
			})
			require.NoError(b, err)
			for b.Loop() {
				require.NoError(b, w.Fork(Config{}).Advance(10*365*24*time.Hour))
			}
		})
	}
}

// BenchmarkEvaluate is a policy over a large repository, of which most stays.
func BenchmarkEvaluate(b *testing.B) {
	const size = 100_000
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	repo := &repository{}
	for i := range size {
		img := &image{digest: digestOf(i), pushedAt: now.Add(-time.Duration(i*7919%size) * time.Minute)}
		switch i % 4 {
		case 0:
			img.tags = []string{fmt.Sprintf("release-%d", i)}
		case 1:
			img.tags = []string{fmt.Sprintf("dev-%d", i), fmt.Sprintf("nightly-%d", i)}
		case 2:
			img.subject, img.subjectSeen = digestOf(i-1), true
		}
		repo.images.Set(1, img.digest, img)
	}
	selections := []string{
		`"tagStatus":"tagged","tagPrefixList":["release"],"countType":"imageCountMoreThan","countNumber":24000`,
		`"tagStatus":"tagged","tagPatternList":["*dev*","nightly-*"],"countType":"sinceImagePushed","countUnit":"days","countNumber":60`,
		`"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":60`,
		`"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":90`,
	}
	for _, rules := range [][]string{selections[2:3], selections} {
		b.Run(fmt.Sprintf("rules=%d", len(rules)), func(b *testing.B) {
			policy, err := lifecycle.Parse(policyOf(rules...))
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				verdicts, _ := repo.evaluate(policy, now)
				require.NotEmpty(b, verdicts)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size*len(rules)), "ns/image/rule")
		})
	}
}
