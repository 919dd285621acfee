package stage_test

import (
	"context"
	"errors"
	"fmt"
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

// waysToAnswer are rules that have an error for a call of CreateRepository.
func waysToAnswer(err error) map[string]*scenarios.Rule {
	type (
		in   = ecr.CreateRepositoryInput
		out  = ecr.CreateRepositoryOutput
		next = func(context.Context, *in) (*out, error)
	)
	on := scenarios.On("CreateRepository").First(1)
	return map[string]*scenarios.Rule{
		"fail":     on.Fail(err),
		"sequence": on.Sequence(err),
		"ask":      on.Ask(func(*scenarios.Call) error { return err }),
		"wrapped":  on.Ask(func(*scenarios.Call) error { return fmt.Errorf("mine: %w", err) }),
		"around":   on.With(scenarios.Around(func(context.Context, *in, next) (*out, error) { return nil, err })),
		"around the operation": on.With(scenarios.Around(func(ctx context.Context, in *in, next next) (*out, error) {
			next(ctx, in)
			return nil, err
		})),
		"delayed": on.Delay(time.Millisecond).Sequence(err),
	}
}

// An error means the same whichever effect has it.
func TestNoAnswerFromEveryEffect(t *testing.T) {
	for name, rule := range waysToAnswer(scenarios.ErrNoAnswer) {
		t.Run(name, func(t *testing.T) {
			faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
				playing := f.Registry.Play(scenarios.Scenario{rule})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				begun := time.Now()
				_, err := f.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String(faces.App)})
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, time.Minute, time.Since(begun))
				require.Zero(t, playing.Held())
			})
			faces.Each(t, func(t *testing.T, f faces.Face) {
				playing := f.Registry.Play(scenarios.Scenario{rule})
				failed := make(chan error)
				go func() {
					_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(faces.App)})
					failed <- err
				}()
				require.NoError(t, playing.WaitHeld(t.Context(), 1))
				playing.Stop()
				require.ErrorIs(t, <-failed, io.EOF, "let go of, it ends without an answer")
			})
		})
	}
}

func TestLostReplyFromEveryEffect(t *testing.T) {
	for name, rule := range waysToAnswer(scenarios.ErrReplyLost) {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.Play(scenarios.Scenario{rule})
				_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(faces.App)})
				require.ErrorIs(t, err, io.EOF)
				lost := f.Registry.Trace()[0]
				require.ErrorIs(t, lost.Err, scenarios.ErrReplyLost)
				if name == "around" {
					require.Empty(t, faces.Repositories(t, f), "it did nothing")
					return
				}
				require.Equal(t, []string{faces.App}, faces.Repositories(t, f))
				require.Equal(t, faces.App, *lost.Output.(*ecr.CreateRepositoryOutput).Repository.RepositoryName)
			})
		})
	}
}

// Nobody waits for what the world does by itself, and nobody is answered.
func TestTheWorldIsNoCaller(t *testing.T) {
	for _, err := range []error{scenarios.ErrNoAnswer, scenarios.ErrReplyLost, scenarios.ErrConnectionReset, &scenarios.Response{Status: 503}} {
		t.Run(err.Error(), func(t *testing.T) {
			on := scenarios.On(scenarios.CompleteScan)
			for _, rule := range []*scenarios.Rule{on.Fail(err), on.Sequence(err)} {
				require.ErrorContains(t, rule.Check(), "cannot be put on CompleteScan")
			}
			faces.EachReported(t, func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
				f.Registry.Play(scenarios.Scenario{on.Ask(func(*scenarios.Call) error { return err })})
				require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
				f.Registry.Advance(time.Hour)
				out, failed := faces.DescribeFindings(t, f, faces.TagID("v1"))
				require.NoError(t, failed)
				require.EqualValues(t, "FAILED", out.ImageScanStatus.Status)
				require.Contains(t, *out.ImageScanStatus.Description, fmt.Sprintf("it answers %q on CompleteScan", err))
			})
		})
	}
}

// A dropped reply tells what was done.
func TestLostRepliesTellWhatWasDone(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		f.Registry.Play(scenarios.Scenario{scenarios.On("PutImage").Or("BatchDeleteImage", "DescribeRegistry").Drop(), scenarios.On("DescribeRegistry").Fail(faces.ErrNo)})
		_, err := f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String("team/none"), ImageManifest: aws.String("{}")})
		require.ErrorIs(t, err, io.EOF)
		_, err = f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String(faces.App), ImageIds: faces.Tagged("v1", "v2")})
		require.ErrorIs(t, err, io.EOF)
		_, err = f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String(faces.App), ImageIds: faces.Tagged("v3")})
		require.ErrorIs(t, err, io.EOF)
		_, err = f.DescribeRegistry(t.Context(), nil)
		require.ErrorIs(t, err, io.EOF)

		trace := f.Registry.Trace()
		const says = "the reply was lost: it was RepositoryNotFoundException: The repository with name 'team/none' does not exist in the registry with id '123456789012'"
		require.Contains(t, trace[0].String(), " -> "+says)
		require.ErrorIs(t, trace[0].Err, scenarios.ErrReplyLost)
		require.True(t, faces.IsA[*types.RepositoryNotFoundException](trace[0].Err))
		require.Contains(t, printed(t, trace[0]), `"error":{"message":"`+says)
		require.Contains(t, trace[1].String(), " -> the reply was lost: it was ok, 1 failure: ImageNotFound")
		require.Contains(t, trace[2].String(), " -> the reply was lost: it was ok, 1 failure: ImageNotFound")
		require.Contains(t, trace[3].String(), " -> the reply was lost: it was ServerException: no")
	})
}

// slowReply is a rule that keeps the reply of DescribeRegistry waiting.
var slowReplies = map[string]*scenarios.Rule{
	"stalled":   scenarios.On("DescribeRegistry").First(1).Stall(time.Hour),
	"trickling": scenarios.On("DescribeRegistry").First(1).Trickle(1),
	"both":      scenarios.On("DescribeRegistry").First(1).Stall(time.Hour).Trickle(1),
}

// A reply that is kept on its way is held, until it is let go.
func TestSlowRepliesAreHeld(t *testing.T) {
	for name, rule := range slowReplies {
		for how, letGo := range map[string]func(*fakeecr.Playing){"released": (*fakeecr.Playing).Release, "stopped": (*fakeecr.Playing).Stop} {
			t.Run(name+"/"+how, func(t *testing.T) {
				faces.Each(t, func(t *testing.T, f faces.Face) {
					playing := f.Registry.Play(scenarios.Scenario{rule})
					answered := make(chan error)
					go func() {
						out, err := f.DescribeRegistry(t.Context(), nil)
						if err == nil && *out.RegistryId != f.Registry.AccountID() {
							err = errors.New("not the whole answer")
						}
						answered <- err
					}()
					require.NoError(t, playing.WaitHeld(t.Context(), 1))
					require.Equal(t, 1, playing.Held())
					letGo(playing)
					require.NoError(t, <-answered)
					require.Zero(t, playing.Held())
				})
			})
		}
	}
}

// Who sees a call in the trace, or held, knows that its waiting has begun: the clock
// may be advanced at once.
func TestWhatIsSeenHasBegunToWait(t *testing.T) {
	rules := map[string]*scenarios.Rule{"delayed": scenarios.On("DescribeRegistry").Delay(time.Hour)}
	for name, rule := range slowReplies {
		rules[name] = rule.Always()
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				playing := f.Registry.Play(scenarios.Scenario{rule})
				for n := range 50 {
					answered := make(chan error, 1)
					go func() {
						_, err := f.DescribeRegistry(t.Context(), nil)
						answered <- err
					}()
					if name == "delayed" {
						require.NoError(t, playing.WaitHeld(t.Context(), 1))
					} else {
						_, err := f.Registry.TraceAfter(t.Context(), n)
						require.NoError(t, err)
					}
					f.Registry.Advance(2 * time.Hour)
					select {
					case err := <-answered:
						require.NoError(t, err)
					case <-time.After(10 * time.Second):
						t.Fatal("it still waits")
					}
				}
			})
		})
	}
}

// A caller who has gone is held no more.
func TestSlowRepliesWatchTheirCaller(t *testing.T) {
	for name, rule := range slowReplies {
		t.Run(name, func(t *testing.T) {
			faces.EachInBubble(t, func(t *testing.T, f faces.Face) {
				playing := f.Registry.Play(scenarios.Scenario{rule})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				_, err := f.DescribeRegistry(ctx, nil)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				synctest.Wait()
				require.Zero(t, playing.Held())
			})
		})
	}
}

// A rule that met a reply with nothing to cut has not fired, and its turn is another's.
func TestARuleThatFoundNothingToDo(t *testing.T) {
	short, long := aws.String("team/a"), aws.String("team/"+strings.Repeat("b", 200))
	describe := func(t *testing.T, f faces.Face, name *string) error {
		_, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{*name}})
		return err
	}
	on := scenarios.On("DescribeRepositories")
	for name, c := range map[string]struct {
		rule  *scenarios.Rule
		calls string // short or long replies
		drawn string
	}{
		"reset":        {on.First(1).ResetAfter(500), "sslsl", "..F.."},
		"cut":          {on.First(1).CutAfter(500), "sslsl", "..F.."},
		"every second": {on.Every(2).ResetAfter(500), "lslsl", "..F.F"},
		"the third":    {on.Nth(3).ResetAfter(500), "llsll", "...F."},
		"a budget":     {scenarios.Scenario{on.ResetAfter(500)}.Within(2)[0], "slsll", ".F.F."},
		"dice":         {on.Sometimes(1).First(1).ResetAfter(500), "ssl", "..F"},
		"for a time":   {on.For(time.Hour).ResetAfter(500), "sl", ".F"},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.Create(t, f, *short)
				faces.Create(t, f, *long)
				playing := f.Registry.Play(scenarios.Scenario{c.rule})
				drawn := ""
				for _, reply := range c.calls {
					err := describe(t, f, map[rune]*string{'s': short, 'l': long}[reply])
					drawn += map[bool]string{true: ".", false: "F"}[err == nil]
					if name == "for a time" {
						f.Registry.Advance(50 * time.Minute)
					}
				}
				require.Equal(t, c.drawn, drawn)
				require.Equal(t, len(c.calls), playing.Matched(c.rule))
				require.Equal(t, strings.Count(drawn, "F"), playing.Fired(c.rule))
				require.Len(t, f.Registry.Trace().Where(scenarios.PlayedBy(c.rule)), strings.Count(drawn, "F"))
			})
		})
	}
}

// The dice that a call was thrown which had nothing to damage are thrown again.
func TestDiceAreGivenBack(t *testing.T) {
	drawn := func(calls string) string {
		registry := fakeecr.New(t, fakeecr.WithSeed(7))
		long := "team/" + strings.Repeat("b", 200)
		faces.Create(t, registry, "team/a")
		faces.Create(t, registry, long)
		registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").Sometimes(0.5).ResetAfter(500)})
		var outcomes strings.Builder
		for _, reply := range calls {
			name := long
			if reply == 's' {
				name = "team/a"
			}
			_, err := registry.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
			outcomes.WriteString(map[bool]string{true: ".", false: "F"}[err == nil])
		}
		return outcomes.String()
	}
	long := drawn(strings.Repeat("l", 20))
	require.Contains(t, long, "F")
	first := strings.IndexByte(long, 'F')
	again := drawn(strings.Repeat("l", first) + "sss" + strings.Repeat("l", 20-first))
	require.Equal(t, long, again[:first]+again[first+3:])
}

func TestEffectsThatFoundNothingToDo(t *testing.T) {
	layer := fakeecr.RandomImage(1, 100)
	digest := faces.DigestOf(layer.Blobs[0])
	download := func(t *testing.T, f faces.Face) { downloaded(t, f, faces.App, digest) }
	upload := func(t *testing.T, f faces.Face) { f.PushLayer(t, faces.App, []byte("twelve bytes"), 100) }
	batch := func(t *testing.T, f faces.Face) { faces.Get(t, f, faces.App, faces.Tagged("v1")) }
	list := func(t *testing.T, f faces.Face) {
		_, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
	}
	cut := func(t *testing.T, f faces.Face) {
		request, err := http.NewRequest(http.MethodGet, f.DownloadURL(t, digest), nil)
		require.NoError(t, err)
		request.Header.Set("Range", "bytes=0-9")
		client := http.DefaultClient
		if f.Name != "loopback" {
			client = &http.Client{Transport: f.Registry.Transport()}
		}
		response, err := client.Do(request)
		require.NoError(t, err)
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, layer.Blobs[0][:10], content)
	}
	for name, c := range map[string]struct {
		rule  *scenarios.Rule
		does  func(*testing.T, faces.Face)
		fires bool
	}{
		"reset of a layer":       {scenarios.On(scenarios.DownloadLayer).ResetAfter(100), download, false},
		"keep":                   {scenarios.On(scenarios.DownloadLayer).Keep(100), download, false},
		"keep less":              {scenarios.On(scenarios.DownloadLayer).Keep(99), download, true},
		"flip":                   {scenarios.On(scenarios.DownloadLayer).Flip(100), download, false},
		"flip the last":          {scenarios.On(scenarios.DownloadLayer).Flip(99), download, true},
		"flip beyond a range":    {scenarios.On(scenarios.DownloadLayer).Flip(50), cut, false},
		"keep more than a range": {scenarios.On(scenarios.DownloadLayer).Keep(50), cut, false},
		"reset behind a range":   {scenarios.On(scenarios.DownloadLayer).ResetAfter(50), cut, false},
		"garble":                 {scenarios.On("UploadLayerPart").Garble(12), upload, false},
		"no such item":           {scenarios.On("BatchGetImage").FailItem(2, "ImageNotFound", ""), batch, false},
		"the state as it is":     {scenarios.On("BatchGetImage").Frozen(), batch, false},
		"no manifest":            {scenarios.On("BatchGetImage").Reserialise(), func(t *testing.T, f faces.Face) { faces.Get(t, f, faces.App, faces.Tagged("v2")) }, false},
		"a page with no more":    {scenarios.On("ListImages").ShortPage(1), list, false},
		"a page with more":       {scenarios.On("ListImages").EmptyPage(), list, true},
		"delayed as well":        {scenarios.On(scenarios.DownloadLayer).Keep(100).Delay(time.Nanosecond), download, true},
		"stalled as well":        {scenarios.On(scenarios.DownloadLayer).ResetAfter(100).Stall(time.Nanosecond), download, true},
		"moves the state":        {scenarios.On("UploadLayerPart").Garble(12).Then("down"), upload, true},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("team/app:v1", layer)
				rule := c.rule.Optional()
				playing := f.Registry.Play(scenarios.Scenario{rule})
				c.does(t, f)
				require.Equal(t, 1, playing.Matched(rule))
				require.Equal(t, c.fires, playing.Fired(rule) == 1)
				require.Equal(t, c.fires, len(f.Registry.Trace().Where(scenarios.PlayedBy(rule))) == 1)
			})
		})
	}
}

// At the registry endpoint a reply is that to all calls of a request.
func TestSlowRepliesOfTheRegistryEndpoint(t *testing.T) {
	for _, operation := range []string{"BatchGetImage", "GetDownloadUrlForLayer", "ListImages", "GetEndpoint"} {
		t.Run(operation, func(t *testing.T) {
			faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
				image := fakeecr.RandomImage(1, 100)
				e.Registry.MustPush("team/app:v1", image)
				path := map[string]string{
					"BatchGetImage": "/v2/team/app/manifests/v1", "ListImages": "/v2/team/app/tags/list",
					"GetDownloadUrlForLayer": "/v2/team/app/blobs/" + faces.DigestOf(image.Blobs[0]), "GetEndpoint": "/v2/",
				}[operation]
				whole := e.Do(t, "GET", path, "")
				rule := scenarios.On(operation).First(1).Stall(time.Hour).Trickle(1)
				playing := e.Registry.Play(scenarios.Scenario{rule, scenarios.On(operation).CutAfter(1 << 20).Optional()})
				answered := make(chan faces.Reply)
				go func() { answered <- e.Do(t, "GET", path, "") }()
				require.NoError(t, playing.WaitHeld(t.Context(), 1))
				playing.Release()
				got := <-answered
				require.Len(t, e.Registry.Trace().Where(scenarios.PlayedBy(rule)), 1)
				require.Equal(t, whole.Status, got.Status)
				require.Equal(t, whole.Body, got.Body)
				require.Zero(t, playing.Held())
			})
		})
	}
}
