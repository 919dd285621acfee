package stage_test

import (
	"bytes"
	"encoding/json"
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

// printed is a value as JSON for people.
func printed(t *testing.T, v any) string {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	require.NoError(t, encoder.Encode(v))
	return text.String()
}

// What fails of a batch is a failure, though the call is answered.
func TestFailuresOfABatchAreInTheTrace(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		remove := func(ids ...types.ImageIdentifier) {
			_, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String(faces.App), ImageIds: ids})
			require.NoError(t, err)
		}
		remove(faces.ByTag("v1"))
		remove(faces.ByTag("v1"))
		remove(faces.ByTag("v1"), faces.ByDigest("none"), faces.ByTag("v2"))
		_, err := f.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String(faces.App), LayerDigests: []string{"none"}})
		require.NoError(t, err)

		trace := f.Registry.Trace()
		require.Contains(t, trace[0].String(), " v1 -> ok")
		require.NotContains(t, trace[0].String(), "failure")
		require.Contains(t, trace[1].String(), " v1 -> ok, 1 failure: ImageNotFound")
		require.Contains(t, trace[2].String(), " -> ok, 3 failures: ImageNotFound, InvalidImageDigest")
		require.Contains(t, trace[3].String(), " none -> ok, 1 failure: InvalidLayerDigest")
		require.Equal(t, []string{"ImageNotFound", "InvalidImageDigest", "ImageNotFound"}, trace[2].Failures())
		require.Len(t, trace.Where(scenarios.Failed()), 3)
		require.Contains(t, printed(t, trace[1]), `"outcome":"ok, 1 failure: ImageNotFound"`)

		old := trace[1]
		old.Forget()
		require.Nil(t, old.Output)
		require.Equal(t, trace[1].String(), old.String(), "as the trace keeps it when it has too much")
		require.True(t, old.Failed())
	})
}

// A call is a line, whatever it names.
func TestALineACall(t *testing.T) {
	for name, word := range map[string]string{"line feed": "team/a\nb", "escape": "team/\x1b[31m", "right to left": "team/\u202eb", "no UTF-8": "team/\xff"} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.Play(scenarios.Scenario{scenarios.On("PutImage").Delay(time.Nanosecond).Named("mine\nand yours")})
				_, err := f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: &word, ImageManifest: aws.String("{}"), ImageTag: aws.String("v\t1")})
				require.Error(t, err)
				line := f.Registry.Trace().String()
				require.Equal(t, 1, strings.Count(line, "\n"), line)
				require.NotContains(t, strings.TrimSuffix(line, "\n"), "\n")
				if name != "no UTF-8" || f.Name == "direct" { // a client writes another character for it
					require.Regexp(t, `PutImage "team/.*" "v\\t1" -> .* \["mine\\nand yours"\]`, line)
				}
				for _, odd := range []string{"\x1b", "\u202e", "\xff"} {
					require.NotContains(t, line, odd)
				}
			})
		})
	}
}

// A pattern that takes everything takes no call that has nothing to match.
func TestConditionsWantSomethingToBeThere(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		rules := scenarios.Scenario{
			scenarios.On("*", scenarios.Repository("*")).Ask(func(*scenarios.Call) error { return nil }),
			scenarios.On("*", scenarios.Caller("*")).Ask(func(*scenarios.Call) error { return nil }),
			scenarios.On(scenarios.World, scenarios.Caller("*")).Ask(func(*scenarios.Call) error { return nil }).Optional(),
		}
		playing := f.Registry.Play(rules)
		faces.Create(t, f, faces.App)
		_, err := f.DescribeRegistry(t.Context(), nil)
		require.NoError(t, err)
		_, err = f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{faces.App}})
		require.NoError(t, err)
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(time.Hour)
		require.Equal(t, []int{3, 4, 0}, []int{playing.Fired(rules[0]), playing.Fired(rules[1]), playing.Fired(rules[2])})
		trace := f.Registry.Trace()
		require.Equal(t, []string{"CreateRepository", "DescribeRepositories", "StartImageScan", scenarios.CompleteScan}, trace.Where(scenarios.Repository("*")).Operations())
		require.NotContains(t, trace.Where(scenarios.Caller("*")).Operations(), scenarios.CompleteScan)
		for _, condition := range []scenarios.Condition{scenarios.Tag("*"), scenarios.Digest("*")} {
			require.NotContains(t, trace.Where(condition).Operations(), "DescribeRegistry")
		}
	})
}
