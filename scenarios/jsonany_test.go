package scenarios_test

import (
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"github.com/fakeecr/ecr/scenarios"
)

// anyScenario draws a scenario of some groups of rules.
func anyScenario(t *rapid.T) scenarios.Scenario {
	var scenario scenarios.Scenario
	for range rapid.IntRange(0, 3).Draw(t, "groups") {
		var group scenarios.Scenario
		for range rapid.IntRange(1, 3).Draw(t, "rules") {
			group = append(group, anyRule(t))
		}
		if rapid.Bool().Draw(t, "within") {
			group = group.Within(rapid.IntRange(1, 5).Draw(t, "budget"))
		}
		scenario = append(scenario, group...)
	}
	if scenario.Check() != nil { // no rule leads to a state
		scenario = append(scenario, scenarios.On("PutImage").Then("down"))
	}
	return scenario
}

// anyRule draws a rule that can be played.
func anyRule(t *rapid.T) *scenarios.Rule {
	word := rapid.SampledFrom([]string{"team/*", "team/app", "*/app", "v1", "v*", "*", "1", "eu-west-1", "arn:*:user/a", "sha256:1", "ü\n\"<"})
	kinds := []func(string) scenarios.Condition{scenarios.Repository, scenarios.Tag, scenarios.Digest, scenarios.Account, scenarios.Region, scenarios.Caller, scenarios.Actor, scenarios.Same,
		func(string) scenarios.Condition { return scenarios.Through(scenarios.FaceAPI) }}
	var conditions []scenarios.Condition
	for range rapid.IntRange(0, 4).Draw(t, "conditions") {
		conditions = append(conditions, rapid.SampledFrom(kinds).Draw(t, "kind")(word.Draw(t, "word")))
	}
	if rapid.Bool().Draw(t, "in a state") {
		conditions = append(conditions, scenarios.While(rapid.SampledFrom([]string{"", "down"}).Draw(t, "state")))
	}
	operation := rapid.SampledFrom([]string{"PutImage", "BatchGetImage", "ListImages", "UploadLayerPart", scenarios.DownloadLayer, scenarios.Reads, scenarios.Any})
	r := scenarios.On(operation.Draw(t, "on"), conditions...)
	n := rapid.IntRange(1, 100)
	at := rapid.Int64Range(0, 1<<40)
	d := rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64Range(1, 1<<50).Draw(t, "duration")) })
	text := rapid.String()
	changes := []func(*scenarios.Rule) *scenarios.Rule{
		func(r *scenarios.Rule) *scenarios.Rule { return r.Or(operation.Draw(t, "or")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Named(text.Draw(t, "name")) },
		(*scenarios.Rule).Optional, (*scenarios.Rule).Hold, (*scenarios.Rule).Drop, (*scenarios.Rule).Twice, (*scenarios.Rule).Reserialise, (*scenarios.Rule).Frozen,
		func(r *scenarios.Rule) *scenarios.Rule { return r.After(n.Draw(t, "after") - 1) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.First(n.Draw(t, "first")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Nth(n.Draw(t, "nth")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Every(n.Draw(t, "every")) },
		func(r *scenarios.Rule) *scenarios.Rule {
			from := d.Draw(t, "from")
			return r.Between(from, from+d.Draw(t, "to"))
		},
		func(r *scenarios.Rule) *scenarios.Rule { return r.Sometimes(rapid.Float64Range(1e-9, 1).Draw(t, "p")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Delay(d.Draw(t, "delay")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Together(1 + n.Draw(t, "together")) },
		func(r *scenarios.Rule) *scenarios.Rule {
			return r.AtMost(rapid.Float64Range(1e-9, 1e9).Draw(t, "rate"), n.Draw(t, "burst"))
		},
		func(r *scenarios.Rule) *scenarios.Rule { return r.Fail(anyError(t)) },
		func(r *scenarios.Rule) *scenarios.Rule {
			outcomes := make([]error, rapid.IntRange(1, 4).Draw(t, "outcomes"))
			for i := range outcomes {
				if rapid.Bool().Draw(t, "refused") {
					outcomes[i] = anyError(t)
				}
			}
			return r.Sequence(outcomes...)
		},
		func(r *scenarios.Rule) *scenarios.Rule { return r.CutAfter(at.Draw(t, "cut")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.ResetAfter(at.Draw(t, "reset")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.For(d.Draw(t, "for")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Trickle(1 + at.Draw(t, "trickle")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Stall(d.Draw(t, "stall")) },
		func(r *scenarios.Rule) *scenarios.Rule {
			return r.FailItem(n.Draw(t, "item"), "ImageNotFound", text.Draw(t, "reason"))
		},
		(*scenarios.Rule).EmptyPage, func(r *scenarios.Rule) *scenarios.Rule { return r.ShortPage(n.Draw(t, "page")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.NotThereFor(d.Draw(t, "lag")) },
		func(r *scenarios.Rule) *scenarios.Rule {
			return r.Answer(&ecr.ListImagesOutput{NextToken: aws.String(text.Draw(t, "token")), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String(text.Draw(t, "tag"))}}})
		},
		func(r *scenarios.Rule) *scenarios.Rule { return r.Flip(at.Draw(t, "flip")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Keep(at.Draw(t, "keep")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Garble(at.Draw(t, "garble")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Stale(d.Draw(t, "age")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.StaleBy(n.Draw(t, "writes")) },
		func(r *scenarios.Rule) *scenarios.Rule {
			return r.Then(rapid.SampledFrom([]string{"", "down"}).Draw(t, "then"))
		},
	}
	for range rapid.IntRange(1, 8).Draw(t, "changes") {
		if changed := rapid.SampledFrom(changes).Draw(t, "change")(r); changed.Check() == nil || r.Check() != nil {
			r = changed
		}
	}
	if r.Check() != nil { // nothing of it can be put on the operations
		r = scenarios.On("PutImage", conditions...).Hold()
	}
	return r
}

func anyError(t *rapid.T) error {
	text := rapid.String().Draw(t, "text")
	return rapid.SampledFrom([]error{
		scenarios.ErrConnectionRefused, scenarios.ErrConnectionReset, scenarios.ErrNoAnswer, scenarios.ErrReplyLost,
		errors.New(text), scenarios.Throttled(), &smithy.GenericAPIError{Code: "ServerException", Message: text},
		&smithy.GenericAPIError{Code: "Odd", Message: text, Fault: smithy.FaultServer},
		&types.ServerException{Message: &text}, &types.KmsException{KmsError: &text}, &types.ImageNotFoundException{},
		&scenarios.Response{Status: rapid.IntRange(200, 599).Draw(t, "status"), Header: http.Header{"Retry-After": {"1"}, "Via": {"1", text}}, Body: text},
	}).Draw(t, "error")
}
