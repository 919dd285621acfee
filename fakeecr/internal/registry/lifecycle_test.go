package registry

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/lifecycle"
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
	events := func() []event {
		all := []event{}
		for _, e := range (&Tx{World: w}).read().events.all() {
			all = append(all, e)
		}
		return all
	}
	_, err := do(w, (*Tx).PutImage, &ecr.PutImageInput{RepositoryName: name, ImageManifest: &text})
	require.NoError(t, err)
	require.Empty(t, events())

	put := func() {
		_, err := do(w, (*Tx).PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: &policy})
		require.NoError(t, err)
	}
	put()
	put()
	require.Equal(t, []event{lifecycleRuns{home, "app"}}, events(), "one, though it was put twice")
	w.Advance(30 * 24 * time.Hour)
	require.NoError(t, w.RunLifecycle(home, "app"))
	require.Equal(t, []event{lifecycleRuns{home, "app"}}, events())
	_, err = do(w, (*Tx).DeleteLifecyclePolicy, &ecr.DeleteLifecyclePolicyInput{RepositoryName: name})
	require.NoError(t, err)
	require.Empty(t, events())

	for range 2 {
		_, err = do(w, (*Tx).StartLifecyclePolicyPreview, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: name, LifecyclePolicyText: &policy})
		require.NoError(t, err)
		require.Equal(t, []event{previewCompletes{home, "app"}}, events())
		w.Advance(previewDuration)
		require.Equal(t, []event{previewExpires{home, "app"}}, events())
	}
	w.Advance(previewLifetime)
	require.Empty(t, events())

	put()
	_, err = do(w, (*Tx).StartLifecyclePolicyPreview, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: name})
	require.NoError(t, err)
	require.Len(t, events(), 2)
	_, err = do(w, (*Tx).DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: name, Force: true})
	require.NoError(t, err)
	require.Empty(t, events())
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
		repo.images.set(1, img.digest, img)
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
				require.NotEmpty(b, repo.evaluate(policy, now))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size*len(rules)), "ns/image/rule")
		})
	}
}
