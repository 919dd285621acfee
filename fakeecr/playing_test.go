package fakeecr_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

func TestTurns(t *testing.T) {
	on := scenarios.On("DescribeRepositories").Fail(faces.ErrNo)
	for name, c := range map[string]struct {
		rule *scenarios.Rule
		want string
	}{
		"always by default": {on, "FFFFFFFF"},
		"always":            {on.First(2).Always(), "FFFFFFFF"},
		"first":             {on.First(2), "FF......"},
		"nth":               {on.Nth(3), "..F....."},
		"after":             {on.After(5), ".....FFF"},
		"every":             {on.Every(3), "..F..F.."},
		"after and first":   {on.After(2).First(3), "..FFF..."},
		"after and every":   {on.After(1).Every(2), "..F.F.F."},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				require.Equal(t, c.want, faces.Outcomes(t.Context(), f, 8))
			}, fakeecr.WithScenario(scenarios.Scenario{c.rule}))
		})
	}
}

func TestConditions(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		rules := scenarios.Scenario{
			scenarios.On("CreateRepository", scenarios.Repository("team/bad")).Fail(faces.ErrNo),
			scenarios.On("CreateRepository", scenarios.When(func(in *ecr.CreateRepositoryInput) bool { return len(in.Tags) > 0 })).Fail(faces.ErrNo),
			scenarios.On("CreateRepository", scenarios.Region("eu-west-1")).Fail(faces.ErrNo),
			scenarios.On("CreateRepository", scenarios.Account("210987654321")).Fail(faces.ErrNo),
		}
		playing := f.Registry.Play(rules)
		create := func(f faces.Face, in *ecr.CreateRepositoryInput) error {
			_, err := f.CreateRepository(t.Context(), in)
			return err
		}
		require.NoError(t, create(f, &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/good")}))
		require.Error(t, create(f, &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/bad")}))
		require.Error(t, create(f, &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/tagged"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}))
		require.Error(t, create(f.In("eu-west-1"), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/good")}))
		require.Error(t, create(f.Account("210987654321"), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/good")}))
		for _, rule := range rules {
			require.Equal(t, 1, playing.Fired(rule), rule.String())
		}
	})
}

func TestFailedCallChangesNothing(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
		faces.RequireError[*types.ServerException](t, err, "no")
		out, err := f.DescribeRepositories(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, out.Repositories)
	}, fakeecr.WithScenario(scenarios.Scenario{scenarios.On("CreateRepository").Fail(faces.ErrNo)}))
}

func TestDroppedCallIsCarriedOut(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
		require.ErrorContains(t, err, "request send failed")
		out, err := f.DescribeRepositories(t.Context(), nil)
		require.NoError(t, err)
		require.Len(t, out.Repositories, 1)
		lost := f.Registry.Trace()[0]
		require.ErrorIs(t, lost.Err, scenarios.ErrReplyLost)
		require.Equal(t, "team/app", *lost.Output.(*ecr.CreateRepositoryOutput).Repository.RepositoryName)
	}, fakeecr.WithScenario(scenarios.Scenario{scenarios.On("CreateRepository").Drop()}))
}

func TestRulesPlayInOrder(t *testing.T) {
	registry := fakeecr.New(t)
	first := scenarios.On("DescribeRepositories").First(2).Fail(faces.ErrNo).Named("down")
	second := scenarios.On("DescribeRepositories").First(1).Fail(scenarios.Throttled()).Named("busy")
	playing := registry.Play(scenarios.Scenario{first, second})
	require.Equal(t, "FFF.", faces.Outcomes(t.Context(), registry, 4), "a call that the first rule fails is not the second's")
	require.Equal(t, 2, playing.Fired(first))
	require.Equal(t, 1, playing.Fired(second))
	require.Equal(t, []string{"busy"}, registry.Trace()[2].Rules)
}

func TestStop(t *testing.T) {
	registry := fakeecr.New(t)
	playing := registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").Fail(faces.ErrNo)})
	require.Equal(t, "F", faces.Outcomes(t.Context(), registry, 1))
	playing.Stop()
	playing.Stop()
	playing.Release()
	require.Equal(t, ".", faces.Outcomes(t.Context(), registry, 1))
}

func TestDelayEndsWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := fakeecr.New(t, fakeecr.WithScenario(scenarios.Scenario{scenarios.On("DescribeRepositories").Delay(time.Hour)}))
		begun := time.Now()
		require.Equal(t, ".", faces.Outcomes(t.Context(), registry, 1))
		require.Equal(t, time.Hour, time.Since(begun))
	})
}

func TestDelayEndsWithAdvance(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		playing := f.Registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").Delay(time.Hour)})
		done := make(chan string, 1)
		go func() { done <- faces.Outcomes(t.Context(), f, 1) }()
		require.NoError(t, playing.WaitHeld(t.Context(), 1))
		f.Registry.Advance(time.Hour / 2)
		require.Empty(t, done, "the call still waits")
		require.Equal(t, 1, playing.Held())
		f.Registry.Advance(time.Hour / 2)
		require.Equal(t, ".", <-done)
	})
}

func TestHoldEndsWithRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := fakeecr.New(t)
		playing := registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").Hold()})
		for _, end := range []func(){playing.Release, playing.Release, playing.Stop} {
			done := make(chan string, 1)
			go func() { done <- faces.Outcomes(t.Context(), registry, 1) }()
			synctest.Wait()
			require.Empty(t, done, "the call is held")
			end()
			require.Equal(t, ".", <-done)
		}
	})
}

func TestHeldCallWatchesItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := fakeecr.New(t, fakeecr.WithScenario(scenarios.Scenario{scenarios.On("DescribeRepositories").Hold()}))
		for name, api := range map[string]fakeecr.API{"direct": registry, "client": registry.Client(faces.Once)} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := api.DescribeRepositories(ctx, nil)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			var canceled *smithy.CanceledError
			require.ErrorAs(t, err, &canceled, name)
		}
	})
}

func TestUnfiredRuleFailsTheTest(t *testing.T) {
	silent := scenarios.On("PutImage").Fail(faces.ErrNo)
	for name, c := range map[string]struct {
		rule *scenarios.Rule
		says string
	}{
		"silent":    {silent, `the rule "PutImage fails with ServerException" never fired: it matched 0 calls`},
		"too late":  {scenarios.On("DescribeRepositories").Nth(2).Fail(faces.ErrNo), "it matched 1 call (Optional"},
		"optional":  {silent.Optional(), ""},
		"has fired": {scenarios.On("DescribeRepositories").Fail(faces.ErrNo), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var tb faces.RecordingTB
			registry := fakeecr.New(&tb, fakeecr.WithSeed(42), fakeecr.WithScenario(scenarios.Scenario{c.rule}))
			faces.Outcomes(t.Context(), registry, 1)
			log := tb.End()
			require.Equal(t, c.says != "", tb.Failed())
			require.Contains(t, log, c.says)
			if tb.Failed() {
				require.Contains(t, log, "seed 42")
				require.Contains(t, log, "DescribeRepositories", "the trace")
			} else {
				require.Empty(t, log)
			}
		})
	}
}

func TestMistakesInScenariosFailAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		rule *scenarios.Rule
		says string
	}{
		"unknown operation": {scenarios.On("PutLayer").Fail(faces.ErrNo), `ECR has no operation "PutLayer"`},
		"no effect":         {scenarios.On("PutImage").First(1), "it has no effect"},
		"no error":          {scenarios.On("PutImage").Fail(nil), "Fail of an error that is nil"},
		"no turn":           {scenarios.On("PutImage").First(0).Drop(), "turns count from 1"},
		"no delay":          {scenarios.On("PutImage").Delay(-1), "Delay(-1ns)"},
		"other input":       {scenarios.On("PutImage", scenarios.When(func(*ecr.ListImagesInput) bool { return true })).Drop(), "the input of ListImages"},
		"no condition":      {scenarios.On("PutImage", scenarios.When[ecr.PutImageInput](nil)).Drop(), "When of a nil function"},
		"no rule":           {nil, "is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			var tb faces.RecordingTB
			require.PanicsWithError(t, "fatal", func() { fakeecr.New(&tb, fakeecr.WithScenario(scenarios.Scenario{c.rule})) })
			require.Contains(t, tb.End(), c.says)
		})
	}
}

// The scenario needs neither a rule of a pull-through cache nor its repository,
// and leaves other repositories alone.
func TestReferrersUnavailable(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		_, err := faces.ReferrersOf(t, f, "hub/nginx", faces.DigestNotThere)
		faces.RequireError[*types.UnableToListUpstreamImageReferrersException](t, err, "The referrer or referrers were unable to be listed using the pull through cache rule.")
		_, err = faces.ReferrersOf(t, f, faces.App, faces.DigestNotThere)
		faces.RequireError[*types.RepositoryNotFoundException](t, err, faces.AppNotFound)
	}, fakeecr.WithScenario(scenarios.ReferrersUnavailable("hub/nginx")))
}

// The SDK's default retryer makes three attempts.
func TestClientTriesAgain(t *testing.T) {
	for name, scenario := range map[string]func(string, int) scenarios.Scenario{"throttled": scenarios.Throttle, "fault": scenarios.Fault} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := fakeecr.New(t, fakeecr.WithScenario(scenario("DescribeRepositories", 2)))
				_, err := registry.Client().DescribeRepositories(t.Context(), nil)
				require.NoError(t, err)
				require.Equal(t, 3, registry.Trace().Count("DescribeRepositories"))

				registry.Play(scenario("DescribeRepositories", 3))
				_, err = registry.Client().DescribeRepositories(t.Context(), nil)
				require.ErrorContains(t, err, "exceeded maximum number of attempts, 3")
				_, err = registry.DescribeRepositories(t.Context(), nil)
				require.NoError(t, err)
				registry.Play(scenario("DescribeRepositories", 1))
				_, err = registry.DescribeRepositories(t.Context(), nil)
				require.Error(t, err, "a direct call is one attempt")
			})
		})
	}
}

func TestScenarioServesParallelWorlds(t *testing.T) {
	rule := scenarios.On("DescribeRepositories").First(2).Fail(faces.ErrNo)
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			registry := fakeecr.New(t, fakeecr.WithScenario(scenarios.Scenario{rule}))
			require.Equal(t, "FF..", faces.Outcomes(t.Context(), registry, 4))
		})
	}
}

// What a function of a rule was given stays what it was: the call, and the way on to the
// operation, which may be taken when the call has been answered.
func TestFunctionsOfRulesMayKeepWhatTheyGet(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		var seen []*scenarios.Call
		var later []func() error
		f.Registry.Play(scenarios.Scenario{
			scenarios.On("CreateRepository", scenarios.WhenCall(func(call *scenarios.Call) bool {
				seen = append(seen, call)
				return true
			})).With(scenarios.Around(func(_ context.Context, in *ecr.CreateRepositoryInput, next func(context.Context, *ecr.CreateRepositoryInput) (*ecr.CreateRepositoryOutput, error)) (*ecr.CreateRepositoryOutput, error) {
				later = append(later, func() error {
					_, err := next(t.Context(), in)
					return err
				})
				return &ecr.CreateRepositoryOutput{}, nil
			})),
		})
		var names []string
		for i := range 10 {
			names = append(names, fmt.Sprintf("team/%d", i))
			_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &names[i]})
			require.NoError(t, err)
		}
		require.Empty(t, faces.Repositories(t, f))
		for i, call := range seen {
			require.Equal(t, names[i], call.Repository)
			require.NoError(t, later[i]())
		}
		require.Equal(t, names, faces.Repositories(t, f))
	})
}

func TestRuleOnDownloads(t *testing.T) {
	server := fakeecr.NewServer(t)
	image := fakeecr.RandomImage(1, 5000)
	server.MustPush("team/app:v1", image)
	out, err := server.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{
		RepositoryName: aws.String("team/app"), LayerDigest: aws.String(faces.DigestOf(image.Blobs[0]))})
	require.NoError(t, err)
	server.Play(scenarios.Scenario{scenarios.On(scenarios.DownloadLayer, scenarios.Repository("team/app")).First(1).Fail(scenarios.Throttled())})
	status, body := faces.Fetch(t, *out.DownloadUrl)
	require.Equal(t, 503, status)
	require.Contains(t, body, "<Code>SlowDown</Code>")
	status, body = faces.Fetch(t, *out.DownloadUrl)
	require.Equal(t, 200, status)
	require.Equal(t, string(image.Blobs[0]), body)
	calls := server.Trace().For(scenarios.DownloadLayer)
	require.Len(t, calls, 2)
	require.Equal(t, int64(5000), calls[1].Bytes)
	require.Equal(t, faces.DigestOf(image.Blobs[0]), calls[1].Digest)
}

// describing is as cheap a call as there is.
func describing(t testing.TB, registry *fakeecr.Registry) func() {
	return func() {
		if _, err := registry.DescribeRegistry(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// forOthers is a thousand rules, none of which concerns DescribeRegistry.
func forOthers() (rules scenarios.Scenario) {
	for n := range 1000 {
		rules = append(rules, scenarios.On([]string{"PutImage", "ListImages", "CreateRepository"}[n%3]).Fail(faces.ErrNo).Optional())
	}
	return rules
}

func TestRulesForOthersAllocateNothing(t *testing.T) {
	registry := fakeecr.New(t)
	read := describing(t, registry)
	without := testing.AllocsPerRun(500, read)
	playing := registry.Play(forOthers())
	require.Equal(t, without, testing.AllocsPerRun(500, read))
	playing.Stop()
	require.Equal(t, without, testing.AllocsPerRun(500, read))
}

// What a thousand rules for other operations cost a call, against a registry
// without any: 200 ns is the most that they may.
func BenchmarkThousandRulesForOthers(b *testing.B) {
	ours := describing(b, fakeecr.New(b, fakeecr.WithScenario(forOthers())))
	compare(b, 1000, ours, describing(b, fakeecr.New(b)))
}
