package stage_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

func TestPanicOfAFunctionFailsTheTest(t *testing.T) {
	var none *types.ServerException
	for _, c := range []struct {
		rule *scenarios.Rule
		says string
	}{
		{scenarios.On("DescribeRepositories", scenarios.When(func(*ecr.DescribeRepositoriesInput) bool { panic("oh") })).Hold(), "oh"},
		{scenarios.On("DescribeRepositories").Ask(func(*scenarios.Call) error { panic("oh") }), "oh"},
		{scenarios.On("DescribeRepositories").Ask(func(*scenarios.Call) error { return none }), "it answers a nil *types.ServerException"},
	} {
		rule, says := c.rule, `a function of the rule "mine" panics: `+c.says
		faces.EachReported(t, func(t *testing.T, f faces.Face) {
			_, err := f.DescribeRepositories(t.Context(), nil)
			faces.RequireRefusal(t, err, "InternalFailure", says)
		}, fakeecr.WithScenario(scenarios.Scenario{rule.Named("mine")}))
		var tb faces.RecordingTB
		registry := fakeecr.New(&tb, fakeecr.WithScenario(scenarios.Scenario{rule.Named("mine")}))
		_, err := registry.DescribeRepositories(t.Context(), nil)
		require.Error(t, err)
		require.Contains(t, tb.End(), says)
		require.True(t, tb.Failed())
	}
}

func TestSequenceStatesAndBudget(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		playing := f.Registry.Play(scenarios.Scenario{
			scenarios.On("DescribeRepositories").Sequence(nil, faces.ErrNo, nil, scenarios.ErrReplyLost),
		})
		require.Equal(t, ".F.F..", faces.Outcomes(t.Context(), f, 6))
		playing.Stop()

		playing = f.Registry.Play(scenarios.Scenario{
			scenarios.On("DescribeRepositories", scenarios.While("")).Nth(2).Fail(faces.ErrNo).Then("down"),
			scenarios.On("DescribeRepositories", scenarios.While("down")).First(2).Fail(faces.ErrNo),
		})
		require.Equal(t, ".FFF.", faces.Outcomes(t.Context(), f, 5))
		require.Equal(t, "down", playing.State())
		playing.Stop()

		f.Registry.Play(scenarios.Scenario{
			scenarios.On("DescribeRepositories").Every(2).Fail(faces.ErrNo),
			scenarios.On("DescribeRepositories").Every(20).Fail(faces.ErrNo).Optional(),
		}.Within(2))
		require.Equal(t, ".F.F......", faces.Outcomes(t.Context(), f, 10))
		f.Registry.Play(scenarios.Scenario{scenarios.On("PutImage").Hold().Optional()}).Stop()
	})
}

func TestTurnsByTime(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.Play(scenarios.Scenario{
			scenarios.On("DescribeRepositories").Between(time.Hour, 2*time.Hour).Fail(faces.ErrNo),
		})
		require.Equal(t, "..", faces.Outcomes(t.Context(), f, 2))
		f.Registry.Advance(time.Hour)
		require.Equal(t, "FF", faces.Outcomes(t.Context(), f, 2))
		f.Registry.Advance(time.Hour)
		require.Equal(t, "..", faces.Outcomes(t.Context(), f, 2))
	})
}

func TestTurnsForATime(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.Advance(time.Hour)
		f.Registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").After(1).For(30 * time.Minute).Fail(faces.ErrNo)})
		require.Equal(t, ".F", faces.Outcomes(t.Context(), f, 2))
		f.Registry.Advance(20 * time.Minute)
		require.Equal(t, "FF", faces.Outcomes(t.Context(), f, 2))
		f.Registry.Advance(10 * time.Minute)
		require.Equal(t, "..", faces.Outcomes(t.Context(), f, 2))
	})
}

// A call that moves the playing on is not yet in the state that it moves it to.
func TestStatesAreForTheCallsBehind(t *testing.T) {
	expires := scenarios.On("DescribeRepositories").Nth(2).Then("expired")
	expired := scenarios.On("DescribeRepositories", scenarios.While("expired")).Fail(faces.ErrNo)
	for _, scenario := range []scenarios.Scenario{{expires, expired}, {expired, expires}} {
		faces.Each(t, func(t *testing.T, f faces.Face) {
			playing := f.Registry.Play(scenario)
			require.Equal(t, "..FF", faces.Outcomes(t.Context(), f, 4))
			require.Equal(t, "expired", playing.State())
		})
	}
}

func TestRate(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.Advance(time.Millisecond)
		f.Registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").AtMost(0.1, 3)})
		require.Equal(t, "...FF", faces.Outcomes(t.Context(), f, 5))
		f.Registry.Advance(20 * time.Second)
		require.Equal(t, "..F", faces.Outcomes(t.Context(), f, 3))
		f.Registry.Advance(time.Hour)
		require.Equal(t, "...F", faces.Outcomes(t.Context(), f, 4), "no more at once than a burst")
	})
}

func TestDiceFollowFromTheSeed(t *testing.T) {
	thrown := func(seed uint64) string {
		registry := fakeecr.New(t, fakeecr.WithSeed(seed), fakeecr.WithScenario(scenarios.Scenario{scenarios.On("DescribeRepositories").Sometimes(0.5).Fail(faces.ErrNo)}))
		return faces.Outcomes(t.Context(), registry, 100)
	}
	require.Equal(t, thrown(1), thrown(1))
	require.NotEqual(t, thrown(1), thrown(2))
	require.InDelta(t, 50, strings.Count(thrown(1), "F"), 20)
}

// Each rule has dice of its own, also the same rule in another playing.
func TestDiceOfEachRule(t *testing.T) {
	registry := fakeecr.New(t, fakeecr.WithSeed(1))
	sometimes := scenarios.On("DescribeRepositories").Sometimes(0.5).Then("hit")
	registry.Play(scenarios.Scenario{sometimes.Named("a"), sometimes.Named("b")})
	registry.Play(scenarios.Scenario{sometimes.Named("c")})
	require.Equal(t, strings.Repeat(".", 100), faces.Outcomes(t.Context(), registry, 100))
	fired := map[string][]int{}
	for _, call := range registry.Trace() {
		for _, rule := range call.Rules {
			fired[rule] = append(fired[rule], call.Number)
		}
	}
	require.NotEqual(t, fired["a"], fired["b"])
	require.NotEqual(t, fired["a"], fired["c"])
	require.NotEqual(t, fired["b"], fired["c"])
}

func TestTogetherAndHeld(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		playing := f.Registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").Hold()})
		done := make(chan string)
		for range 3 {
			go func() { done <- faces.Outcomes(t.Context(), f, 1) }()
		}
		require.NoError(t, playing.WaitHeld(t.Context(), 3))
		playing.Stop()
		for range 3 {
			require.Equal(t, ".", <-done)
		}
		f.Registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").Together(3)})
		for range 6 {
			go func() { done <- faces.Outcomes(t.Context(), f, 1) }()
		}
		for range 6 {
			require.Equal(t, ".", <-done)
		}
	})
}

func TestStaleAnswers(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "aa")
		playing := f.Registry.Play(scenarios.Scenario{
			scenarios.On("DescribeRepositories").First(1).Frozen(),
			scenarios.On("DescribeRepositories").Nth(2).StaleBy(1),
			scenarios.On("DescribeRepositories").Nth(3).Stale(90 * time.Minute),
		})
		f.Registry.Advance(time.Hour)
		faces.Create(t, f, "bb")
		f.Registry.Advance(time.Hour)
		faces.Create(t, f, "cc")
		require.Equal(t, []string{"aa"}, faces.Repositories(t, f), "as it was when the playing began")
		require.Equal(t, []string{"aa", "bb"}, faces.Repositories(t, f), "one write ago")
		require.Equal(t, []string{"aa"}, faces.Repositories(t, f), "ninety minutes ago")
		require.Equal(t, []string{"aa", "bb", "cc"}, faces.Repositories(t, f))
		playing.Stop()
	})
}

// What is due happens at its time, whether anybody looks or not: before a scenario is in
// play, or while it is.
func TestWhatIsDueHappensAtItsTime(t *testing.T) {
	faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/app:v1", faultImage)
		f.Registry.SetScanFindings("team/app:v1")
		id := &types.ImageIdentifier{ImageTag: aws.String("v1")}
		scan := func() {
			require.NoError(t, faces.StartScan(t, f, id))
			time.Sleep(time.Minute)
		}
		status := func() types.ScanStatus {
			out, err := faces.DescribeFindings(t, f, id)
			require.NoError(t, err)
			return out.ImageScanStatus.Status
		}
		playing := f.Registry.Play(scenarios.Scenario{scenarios.On("DescribeImageScanFindings").Stale(5 * time.Second).Optional()})
		scan()
		require.Equal(t, types.ScanStatusComplete, status(), "as it was five seconds ago")
		playing.Stop()

		f.Registry.Advance(24 * time.Hour)
		scan()
		playing = f.Registry.Play(scenarios.Scenario{
			scenarios.On("DescribeImageScanFindings").Frozen().Optional(),
			scenarios.On(scenarios.CompleteScan).Fail(&types.ServerException{}).Optional(),
		})
		require.Equal(t, types.ScanStatusComplete, status(), "as it was when the playing began")
		playing.Stop()

		f.Registry.Advance(24 * time.Hour)
		failing := scenarios.On(scenarios.CompleteScan).Fail(&types.ServerException{})
		playing = f.Registry.Play(scenarios.Scenario{failing})
		scan()
		playing.Stop()
		require.Equal(t, 1, playing.Fired(failing), "it was in play when the scan was due")
		require.Equal(t, types.ScanStatusFailed, status())
	})
}

func TestDamagedLayersAndManifests(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 5000)
		f.Registry.MustPush("team/app:v1", image)
		layer := digest.FromBytes(image.Blobs[0]).String()
		playing := f.Registry.Play(scenarios.Scenario{
			scenarios.On(scenarios.DownloadLayer, scenarios.Digest(layer)).Nth(1).Flip(4000),
			scenarios.On(scenarios.DownloadLayer).Nth(2).Keep(100),
			scenarios.On("BatchGetImage", scenarios.Tag("v*")).Nth(1).Reserialise(),
			scenarios.On("BatchGetImage").Nth(2).FailItem(1, "ImageNotFound", "Requested image not found"),
		})
		flipped := downloaded(t, f, "team/app", layer)
		require.Len(t, flipped, 5000)
		require.NotEqual(t, image.Blobs[0], flipped)
		flipped[4000] ^= 0xff
		require.Equal(t, image.Blobs[0], flipped)
		require.Equal(t, image.Blobs[0][:100], downloaded(t, f, "team/app", layer))
		require.Equal(t, image.Blobs[0], downloaded(t, f, "team/app", layer))

		get := func() *ecr.BatchGetImageOutput {
			out, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}})
			require.NoError(t, err)
			return out
		}
		again := *get().Images[0].ImageManifest
		require.NotEqual(t, image.Digest(), digest.FromString(again).String())
		require.JSONEq(t, string(image.Manifest), again)
		failed := get()
		require.Empty(t, failed.Images)
		require.Equal(t, types.ImageFailureCodeImageNotFound, failed.Failures[0].FailureCode)
		require.Equal(t, "v1", *failed.Failures[0].ImageId.ImageTag)
		require.Len(t, get().Images, 1)
		playing.Stop()
	})
}

// What one item of a batch is refused stays undone, and the rest is done.
func TestFailedItemIsNotCarriedOut(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		f.Registry.MustPush("team/app:v2", fakeecr.RandomImage(2, 100))
		out, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}, {ImageTag: aws.String("v2")}}})
		require.NoError(t, err)
		require.Len(t, out.ImageIds, 1)
		require.Equal(t, "v2", *out.Failures[0].ImageId.ImageTag)
		left, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		require.Equal(t, "v2", *left.ImageIds[0].ImageTag)
	}, fakeecr.WithScenario(scenarios.Scenario{scenarios.On("BatchDeleteImage").FailItem(2, "KmsError", "not now")}))
}

// A function around an operation may call it, not call it, or change what comes
// back.
func TestFunctionsAroundAnOperation(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		playing := f.Registry.Play(scenarios.Scenario{
			scenarios.On("GetAuthorizationToken").Nth(1).With(scenarios.Change(func(out *ecr.GetAuthorizationTokenOutput) {
				out.AuthorizationData[0].AuthorizationToken = aws.String("no base64!")
			})),
			scenarios.On("GetAuthorizationToken").Nth(2).With(scenarios.Around(func(context.Context, *ecr.GetAuthorizationTokenInput, func(context.Context, *ecr.GetAuthorizationTokenInput) (*ecr.GetAuthorizationTokenOutput, error)) (*ecr.GetAuthorizationTokenOutput, error) {
				return nil, nil
			})),
			scenarios.On("CreateRepository").First(1).With(scenarios.Around(func(ctx context.Context, in *ecr.CreateRepositoryInput, next func(context.Context, *ecr.CreateRepositoryInput) (*ecr.CreateRepositoryOutput, error)) (*ecr.CreateRepositoryOutput, error) {
				f.Registry.MustPush("from/inside:v1", fakeecr.RandomImage(1, 10)) // no lock is held
				return next(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("other/" + *in.RepositoryName)})
			})),
		})
		out, err := f.GetAuthorizationToken(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, "no base64!", *out.AuthorizationData[0].AuthorizationToken)
		out, err = f.GetAuthorizationToken(t.Context(), nil)
		require.NoError(t, err)
		require.True(t, out == nil || out.AuthorizationData == nil)
		faces.Create(t, f, "app")
		require.Equal(t, []string{"from/inside", "other/app"}, faces.Repositories(t, f))
		playing.Stop()
	})
}

func TestConditionsOfCalls(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		face := map[string]scenarios.Face{"direct": scenarios.FaceGo, "client": scenarios.FaceAPI, "loopback": scenarios.FaceAPI}[f.Name]
		rules := scenarios.Scenario{
			scenarios.On(scenarios.Writes, scenarios.Repository("team/*")).Ask(func(*scenarios.Call) error { return nil }),
			scenarios.On(scenarios.Reads).Or("PutImage").Ask(func(*scenarios.Call) error { return nil }),
			scenarios.On(scenarios.Any, scenarios.Through(face)).Ask(func(*scenarios.Call) error { return nil }),
			scenarios.On(scenarios.Any, scenarios.Caller("arn:aws:iam::*:user/fakeecr")).Ask(func(*scenarios.Call) error { return nil }),
			scenarios.On(scenarios.Any, scenarios.WhenCall(func(c *scenarios.Call) bool { return c.Repository == "team/b" })).Ask(func(*scenarios.Call) error { return nil }),
		}
		playing := f.Registry.Play(rules)
		faces.Create(t, f, "team/a")
		faces.Create(t, f, "team/b")
		faces.Create(t, f, "ours/a")
		faces.Repositories(t, f)
		for i, want := range []int{2, 1, 4, 4, 1} {
			require.Equal(t, want, playing.Fired(rules[i]), rules[i].String())
			require.Equal(t, want, len(f.Registry.Trace().Where(scenarios.PlayedBy(rules[i]))))
		}
		require.Len(t, f.Registry.Trace().Where(scenarios.Repository("team/*")), 2)
		require.Empty(t, f.Registry.Trace().Where(scenarios.Failed()))
	})
}

func TestNearestCallsOfASilentRule(t *testing.T) {
	var tb faces.RecordingTB
	registry := fakeecr.New(&tb, fakeecr.WithScenario(scenarios.Scenario{scenarios.On("CreateRepository", scenarios.Repository("team/ap")).Hold()}))
	faces.Create(t, registry, "team/app")
	require.Regexp(t, `never fired: it matched 0 calls .*\n +it did not match .*CreateRepository team/app`, tb.End())
}

// downloaded is the bytes that the URL of a layer leads to.
func downloaded(t *testing.T, f faces.Face, repository, layer string) []byte {
	t.Helper()
	out, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: &repository, LayerDigest: &layer})
	require.NoError(t, err)
	client := http.DefaultClient
	if f.Name != "loopback" {
		client = &http.Client{Transport: f.Registry.Transport()}
	}
	response, err := client.Get(*out.DownloadUrl)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return content
}

func TestWaitHeldCountsThoseWhoWaitForOthers(t *testing.T) {
	faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
		playing := f.Registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").Together(3), scenarios.On("ListImages").Together(2).Optional()})
		done := make(chan string, 3)
		call := func() { done <- faces.Outcomes(t.Context(), f, 1) }
		go call()
		go call()
		require.NoError(t, playing.WaitHeld(t.Context(), 2))
		require.Equal(t, 2, playing.Held())
		require.Empty(t, done)
		go call()
		for range 3 {
			require.Equal(t, ".", <-done)
		}
		require.Zero(t, playing.Held())

		go call()
		require.NoError(t, playing.WaitHeld(t.Context(), 1))
		playing.Release()
		require.Equal(t, ".", <-done)

		waited := make(chan error)
		go func() { waited <- playing.WaitHeld(t.Context(), 1) }()
		synctest.Wait()
		playing.Stop()
		require.ErrorContains(t, <-waited, "the playing has ended")
		require.ErrorContains(t, playing.WaitHeld(t.Context(), 1), "the playing has ended")
	})
}

// Calls wait for others of their own rule.
func TestTogetherByRule(t *testing.T) {
	faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
		playing := f.Registry.Play(scenarios.Scenario{
			scenarios.On("DescribeRepositories").Together(2),
			scenarios.On("DescribeRegistry").Together(2),
		})
		done := make(chan error, 3)
		repositories := func() { _, err := f.DescribeRepositories(t.Context(), nil); done <- err }
		go repositories()
		require.NoError(t, playing.WaitHeld(t.Context(), 1))
		go func() { _, err := f.DescribeRegistry(t.Context(), nil); done <- err }()
		require.NoError(t, playing.WaitHeld(t.Context(), 2))
		go repositories()
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		require.Equal(t, 1, playing.Held())
		playing.Stop()
		require.NoError(t, <-done)
	})
}

// Each call that comes is counted once, whatever the order of goroutines.
func TestTogetherUnderLoad(t *testing.T) {
	registry := fakeecr.New(t, fakeecr.WithScenario(scenarios.Scenario{scenarios.On("DescribeRepositories").Together(2)}))
	var calls sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 2 {
		calls.Go(func() {
			for range 500 {
				if _, err := registry.DescribeRepositories(ctx, nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	calls.Wait()
}

// Of several rules on one call the first is the outermost, and what becomes of the
// reply adds up.
func TestSeveralRulesOnOneCall(t *testing.T) {
	faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
		var way string
		through := func(name string) scenarios.Effect {
			return scenarios.Around(func(ctx context.Context, in *ecr.DescribeRegistryInput, next func(context.Context, *ecr.DescribeRegistryInput) (*ecr.DescribeRegistryOutput, error)) (*ecr.DescribeRegistryOutput, error) {
				way += "<" + name
				defer func() { way += name + ">" }()
				return next(ctx, in)
			})
		}
		on := scenarios.On("DescribeRegistry")
		rules := scenarios.Scenario{
			on.With(through("a")).Stall(time.Minute).Named("first"), on.With(through("b")).Stall(time.Hour).Named("second"), on.CutAfter(1 << 20).Named("third").Optional(),
		}
		f.Registry.Play(rules)
		begun := time.Now()
		_, err := f.DescribeRegistry(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, "<a<bb>a>", way)
		require.Equal(t, time.Hour+time.Minute, time.Since(begun))
		require.Equal(t, []string{"first", "second"}, f.Registry.Trace()[0].Rules, "nothing was cut")
	})
}
