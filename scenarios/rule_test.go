package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

func TestRulesNeverChange(t *testing.T) {
	base := scenarios.On("PutImage").Fail(errors.New("no"))
	once := base.First(1).Named("once")
	require.True(t, base.Parts().Turn().Chooses(5, nil))
	require.False(t, once.Parts().Turn().Chooses(5, nil))
	require.Equal(t, "PutImage fails with no", base.String())
	require.Equal(t, "once", once.String())
	require.Error(t, base.First(0).Check())
	require.NoError(t, base.Check())
}

func TestRuleString(t *testing.T) {
	on := scenarios.On
	for want, rule := range map[string]*scenarios.Rule{
		"PutImage in team/app fails with ThrottlingException":       on("PutImage", scenarios.Repository("team/app")).Fail(scenarios.Throttled()),
		"PutImage fails with sending: ServerException: ":            on("PutImage").Fail(fmt.Errorf("sending: %v", &types.ServerException{})),
		"PutImage fails with ServerException":                       on("PutImage").Fail(fmt.Errorf("sending: %w", &types.ServerException{})),
		"PutImage to account 210987654321 in region eu-west-1 held": on("PutImage", scenarios.Account("210987654321"), scenarios.Region("eu-west-1")).Hold(),
		"PutImage whose input When accepts nth 2 loses its reply":   on("PutImage", scenarios.When(func(*ecr.PutImageInput) bool { return true })).Nth(2).Drop(),
		"* after 3 every 2 delayed 1m0s":                            on(scenarios.Any).After(3).Every(2).Delay(time.Minute),
	} {
		require.Equal(t, want, rule.String())
		require.NoError(t, rule.Check())
	}
}

func TestCheck(t *testing.T) {
	on := scenarios.On("PutImage")
	var none *types.ServerException
	for want, rule := range map[string]*scenarios.Rule{
		`rule "PutLayer fails with no": ECR has no operation "PutLayer"`:                                                       scenarios.On("PutLayer").Fail(errors.New("no")),
		`rule "PutImage first 1": it has no effect: add Fail, Delay, Hold, Drop or another`:                                    on.First(1),
		`rule "PutImage": Fail of an error that is nil`:                                                                        on.Fail(nil),
		`rule "PutImage": Fail of a nil *types.ServerException`:                                                                on.Fail(none),
		`rule "PutImage first 1": Fail of a nil *types.ServerException`:                                                        on.First(1).Fail(fmt.Errorf("wrapped: %w", none)),
		`rule " loses its reply": it has no operation: begin it with On`:                                                       (&scenarios.Rule{}).Drop(),
		`rule "PutImage first 2 nth 5 held": Nth(5) chooses no call, as it is none of those that First, Every and After leave`: on.First(2).Nth(5).Hold(),
		`rule "PutImage nth 2 for 1s held": For beside Nth, which chooses one call alone: After chooses those behind it too`:   on.Nth(2).For(time.Second).Hold(),
		`rule "PutImage": Around from PutImage to ListImages`: on.With(scenarios.Around(func(context.Context, *ecr.PutImageInput, func(context.Context, *ecr.PutImageInput) (*ecr.ListImagesOutput, error)) (*ecr.ListImagesOutput, error) {
			return nil, nil
		})),
		`rule "PutImage whose input When accepts held": When, a condition on the input of ListImages, in a rule that is not about that operation alone`: scenarios.On("PutImage", scenarios.When(func(*ecr.ListImagesInput) bool { return true })).Hold(),
		`rule "PutImage whose input When accepts held": When of a nil function`:                                                                         scenarios.On("PutImage", scenarios.When[ecr.PutImageInput](nil)).Hold(),
		`rule "PutImage held": an empty condition`:                                                                                                      scenarios.On("PutImage", scenarios.Condition{}).Hold(),
		"rule 1 of the scenario is nil":                                                                                                                 nil,
	} {
		require.EqualError(t, scenarios.Scenario{rule}.Check(), want)
	}
}

// What was said wrong is named: the method, the value and the reason.
func TestCheckNamesTheMethod(t *testing.T) {
	on, get, download := scenarios.On("PutImage"), scenarios.On("BatchGetImage"), scenarios.On(scenarios.DownloadLayer)
	where := func(c scenarios.Condition) *scenarios.Rule { return scenarios.On("PutImage", c).Hold() }
	for want, rule := range map[string]*scenarios.Rule{
		"First(0): turns count from 1":                                                  on.First(0).Drop(),
		"After(-1): calls count from 0":                                                 on.After(-1).Drop(),
		"ShortPage(0): one item at least, or EmptyPage":                                 scenarios.On("ListImages").ShortPage(0),
		"EmptyPage beside ShortPage(2): a page is of one length":                        scenarios.On("ListImages").ShortPage(2).EmptyPage(),
		"ShortPage(2) cannot be put on BatchGetImage: only on lists that come in pages": get.ShortPage(2),
		"Nth(-1): turns count from 1":                                                   on.Nth(-1).Drop(),
		"Every(0): turns count from 1":                                                  on.Every(0).Drop(),
		"First(1) beside Every(2) chooses no call":                                      on.First(1).Every(2).Drop(),
		"For(0s): no time at all":                                                       on.For(0).Drop(),
		"Between(2h0m0s, 1h0m0s): it ends before it begins":                             on.Between(2*time.Hour, time.Hour).Drop(),
		"Between(1h0m0s, 1h0m0s): it ends before it begins":                             on.Between(time.Hour, time.Hour).Drop(),
		"Between(-1h0m0s, 0s): it begins before the playing does":                       on.Between(-time.Hour, 0).Drop(),
		"Sometimes(1.5): a probability is above 0 and at most 1":                        on.Sometimes(1.5).Drop(),
		"Delay(0s): no time to wait":                                                    on.Delay(0),
		"Delay(-1ns): no time to wait":                                                  on.Delay(-1),
		"Stall(0s): no time to wait":                                                    on.Stall(0),
		"Together(1): two calls at least":                                               on.Together(1),
		"AtMost(0, 1): a rate is above 0, and a burst 1 at least":                       on.AtMost(0, 1),
		"Sequence(): every call is carried out":                                         on.Sequence(),
		"Sequence(ok, ok): every call is carried out":                                   on.Sequence(nil, nil),
		"CutAfter(-1): bytes count from 0":                                              on.CutAfter(-1),
		"ResetAfter(-1): bytes count from 0":                                            on.ResetAfter(-1),
		"Flip(-1): bytes count from 0":                                                  download.Flip(-1),
		"Keep(-1): bytes count from 0":                                                  download.Keep(-1),
		"Garble(-1): bytes count from 0":                                                scenarios.On("UploadLayerPart").Garble(-1),
		"Trickle(0): a byte a second at least":                                          on.Trickle(0),
		"Stale(0s): a state as it was at no time before":                                get.Stale(0),
		"StaleBy(0): a state as it was no write before":                                 get.StaleBy(0),
		"StaleBy(2) beside Stale(1h0m0s)":                                               get.Stale(time.Hour).StaleBy(2),
		"Frozen beside StaleBy(2)":                                                      get.StaleBy(2).Frozen(),
		"CutAfter(1) beside ResetAfter(2): a reply ends once":                           on.ResetAfter(2).CutAfter(1),
		"ResetAfter(1) beside CutAfter(2): a reply ends once":                           on.CutAfter(2).ResetAfter(1),
		"CutAfter(1) beside Drop: of a reply that is lost":                              on.Drop().CutAfter(1),
		"Trickle(1) beside Drop: of a reply that is lost":                               on.Trickle(1).Drop(),
		"Sequence(no) beside Fail(ThrottlingException): one thing":                      on.Fail(scenarios.Throttled()).Sequence(errors.New("no")),
		"AtMost(1, 1) beside Fail(no): one thing":                                       on.AtMost(1, 1).Fail(errors.New("no")),
		"FailItem(0, \"ImageNotFound\"): items count from 1":                            get.FailItem(0, "ImageNotFound", ""),
		`FailItem(1, "Odd"): BatchGetImage has no failure code "Odd"`:                   get.FailItem(1, "Odd", ""),
		`BatchCheckLayerAvailability has no failure code "ImageNotFound", but InvalidLayerDigest, MissingLayerDigest`: get.Or("BatchCheckLayerAvailability").FailItem(1, "ImageNotFound", ""),
		"FailItem(1, \"ImageNotFound\") cannot be put on PutImage":                                                    on.FailItem(1, "ImageNotFound", ""),
		"Keep(9) cannot be put on PutImage: only on DownloadLayer":                                                    on.Keep(9),
		`Repository(""): a condition on an empty repository`:                                                          where(scenarios.Repository("")),
		`Caller(""): a condition on an empty caller`:                                                                  where(scenarios.Caller("")),
		`Through("http"): no face is called so, but Go, API and registry`:                                             where(scenarios.Through("http")),
		`While("b") beside While("a"): a playing is in one state`:                                                     scenarios.On("PutImage", scenarios.While("a"), scenarios.While("b")).Then("a"),
		`Fail of an answer of status 99: there are those from 200 to`:                                                 on.Fail(&scenarios.Response{Status: 99}),
		"Answer of nil":                       on.Answer(nil),
		"Answer of a nil *ecr.PutImageOutput": on.Answer((*ecr.PutImageOutput)(nil)),
		"Answer of a ecr.PutImageOutput: it takes a pointer to the output": on.Answer(ecr.PutImageOutput{}),
		"Answer of a *ecr.PutImageInput: it takes a pointer":               on.Answer(&ecr.PutImageInput{}),
		"With or Answer for ListImages, in a rule that is not":             on.Answer(&ecr.ListImagesOutput{}),
		"Answer beside Fail(no): one thing":                                on.Fail(errors.New("no")).Answer(&ecr.PutImageOutput{}),
		"Twice beside Answer: nothing is carried out":                      on.Twice().Answer(&ecr.PutImageOutput{}),
		"NotThereFor(0s): no time at all":                                  on.NotThereFor(0),
		"NotThereFor(1s) cannot be put on CompleteScan":                    scenarios.On(scenarios.CompleteScan).NotThereFor(time.Second),
		"Within(0): a budget is 1 at least":                                scenarios.Scenario{on.Hold()}.Within(0)[0],
	} {
		require.ErrorContains(t, rule.Check(), want)
		require.ErrorContains(t, scenarios.Scenario{rule}.Check(), want)
	}
}

// A state that no rule leads to is none that a rule can wait for.
func TestStatesAreReached(t *testing.T) {
	while := func(state string) *scenarios.Rule { return scenarios.On("PutImage", scenarios.While(state)) }
	for want, s := range map[string]scenarios.Scenario{
		`rule "PutImage with a token from before \"never\" held": TokenBefore("never"): no rule leads to this state, as one with Then("never") does`: {scenarios.On("PutImage", scenarios.TokenBefore("never")).Hold()},
		`rule "PutImage while \"never\" held": While("never"): no rule leads to this state, as one with Then("never") does`:                          {while("never").Hold()},
		`While("b"): no rule leads to this state`: {scenarios.On("PutImage").Then("a"), while("b").Then("b")},
		`While("c"): no rule leads to this state`: {while("c").Then("d"), while("d").Then("c")},
	} {
		require.ErrorContains(t, s.Check(), want)
	}
	require.NoError(t, scenarios.Scenario{while("b").Hold(), while("a").Then("b"), while("").Then("a")}.Check())
	require.PanicsWithValue(t, `scenarios: While(""): a call of a trace is in no state of a playing`, func() { scenarios.Trace{}.Where(scenarios.While("")) })
	require.PanicsWithValue(t, `scenarios: TokenBefore("a"): a call of a trace is in no state of a playing`, func() { scenarios.Trace{}.Where(scenarios.TokenBefore("a")) })
}

// What a rule was given is the caller's again.
func TestRulesCopyTheirErrors(t *testing.T) {
	exception := &types.KmsException{Message: aws.String("no"), KmsError: aws.String("Disabled")}
	api := &smithy.GenericAPIError{Code: "Odd", Message: "no"}
	response := &scenarios.Response{Status: 503, Header: http.Header{"Retry-After": {"1"}}, Body: "no"}
	for _, given := range []error{exception, api, response} {
		fails, takesTurns := scenarios.On("PutImage").Fail(given), scenarios.On("PutImage").Sequence(nil, given)
		require.Equal(t, given, fails.Parts().Effects().Err)
		*exception.Message, *exception.KmsError, api.Code, response.Status = "other", "Other", "Other", 404
		response.Header["Retry-After"][0] = "2"
		require.NotEqual(t, given, fails.Parts().Effects().Err)
		require.NotEqual(t, given, takesTurns.Parts().Effects().Sequence[1])
		*exception.Message, *exception.KmsError, api.Code, response.Status = "no", "Disabled", "Odd", 503
		response.Header["Retry-After"][0] = "1"
	}
	// Fields of a header are the same in any case, and none of no value.
	odd := scenarios.On("PutImage").Fail(&scenarios.Response{Status: 503, Header: http.Header{"retry-after": {"1"}, "Via": {}}})
	require.Equal(t, &scenarios.Response{Status: 503, Header: http.Header{"Retry-After": {"1"}}}, odd.Parts().Effects().Err)
	require.Equal(t, &scenarios.Response{Status: 503}, scenarios.On("PutImage").Fail(&scenarios.Response{Status: 503, Header: http.Header{}}).Parts().Effects().Err)
}

// What the world does by itself has nobody who waits for a reply.
func TestEffectsOnTheWorld(t *testing.T) {
	for _, operation := range scenarios.Operations(scenarios.World) {
		on := scenarios.On(operation)
		for _, rule := range []*scenarios.Rule{
			on.Delay(time.Minute), on.Hold(), on.Fail(scenarios.Throttled()), on.Sequence(nil, errors.New("no")),
			on.Ask(func(*scenarios.Call) error { return nil }), on.Sometimes(0.5).Hold().Then("late"),
		} {
			require.NoError(t, rule.Check())
		}
		refused := map[string]*scenarios.Rule{
			"Drop": on.Drop(), "CutAfter(1)": on.CutAfter(1), "ResetAfter(2)": on.ResetAfter(2), "Trickle(3)": on.Trickle(3), "Stall(1m0s)": on.Stall(time.Minute), "Twice": on.Twice(),
			"Sequence(ok, the reply was lost): an answer over HTTP or a connection that fails": on.Sequence(nil, scenarios.ErrReplyLost),
			"Fail(there is no answer): an answer over HTTP or a connection that fails":         on.Fail(scenarios.ErrNoAnswer),
		}
		if operation != scenarios.PullFromUpstream { // which a call waits for
			refused["Together(2)"], refused["AtMost(1, 1)"] = on.Together(2), on.AtMost(1, 1)
		}
		for effect, rule := range refused {
			require.ErrorContains(t, rule.Check(), effect+" cannot be put on "+operation+": only on calls, not on what the world does by itself")
		}
		require.Error(t, on.Frozen().Check())
		require.Error(t, on.Fail(&scenarios.Response{Status: 503}).Check())
		require.Error(t, on.Fail(scenarios.ErrNoAnswer).Check())
		require.NotContains(t, scenarios.Operations(scenarios.Any), operation)
	}
	change := scenarios.Change(func(*scenarios.RunLifecyclePolicyOutput) {})
	require.ErrorContains(t, scenarios.On(scenarios.RunLifecyclePolicy).With(change).Check(), "Change cannot be put on RunLifecyclePolicy")
	ofInput := scenarios.When(func(in *scenarios.CompleteScanInput) bool { return len(in.ImageTags) > 0 })
	require.NoError(t, scenarios.On(scenarios.CompleteScan, ofInput).Hold().Check())
}

// A rule offers what tests say by it. What it consists of is behind one method.
func TestRuleTakesItselfApartInOneMethod(t *testing.T) {
	rule := reflect.TypeFor[*scenarios.Rule]()
	var others []string
	for i := range rule.NumMethod() {
		method := rule.Method(i)
		if method.Type.NumOut() != 1 || method.Type.Out(0) != rule {
			others = append(others, method.Name)
		}
	}
	require.Equal(t, []string{"Check", "GoString", "MarshalJSON", "Parts", "String", "UnmarshalJSON"}, others)
}
