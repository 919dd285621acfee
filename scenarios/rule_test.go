package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

func TestRulesNeverChange(t *testing.T) {
	base := scenarios.On("PutImage").Fail(errors.New("no"))
	once := base.First(1).Named("once")
	require.True(t, base.Turn().Chooses(5, nil))
	require.False(t, once.Turn().Chooses(5, nil))
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
		`rule "PutImage loses its reply": For(0s)`:                                              on.For(0).Drop(),
		`rule "PutImage loses its reply": a turn of 0: turns count from 1`:                      on.First(0).Drop(),
		`rule "PutImage": Delay(-1ns)`:                                                          on.Delay(-1),
		`rule "PutImage whose input When accepts held": a condition on the input of ListImages`: scenarios.On("PutImage", scenarios.When(func(*ecr.ListImagesInput) bool { return true })).Hold(),
		`rule "PutImage whose input When accepts held": When of a nil function`:                 scenarios.On("PutImage", scenarios.When[ecr.PutImageInput](nil)).Hold(),
		`rule "PutImage held": an empty condition`:                                              scenarios.On("PutImage", scenarios.Condition{}).Hold(),
		"rule 1 of the scenario is nil":                                                         nil,
	} {
		require.EqualError(t, scenarios.Scenario{rule}.Check(), want)
	}
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
			"an effect on the reply": on.Drop(), "Twice": on.Twice(),
			"an answer over HTTP or a connection that fails": on.Sequence(nil, scenarios.ErrReplyLost),
		}
		if operation != scenarios.PullFromUpstream { // which a call waits for
			refused["Together"], refused["AtMost"] = on.Together(2), on.AtMost(1, 1)
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
