package scenarios_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakeecr/ecr/scenarios"
)

// written are rules as they are written in Go and in JSON.
func written() map[string]*scenarios.Rule {
	on := scenarios.On
	put := on("PutImage")
	return map[string]*scenarios.Rule{
		`{"on":"PutImage","when":{"nth":2},"do":{"drop":true}}`:                                              put.Nth(2).Drop(),
		`{"name":"slow","on":["PutImage","reads"],"do":{"delay":"1m","hold":true},"optional":true}`:          put.Or(scenarios.Reads).Delay(time.Minute).Hold().Named("slow").Optional(),
		`{"on":"*","where":{"tag":"v*","repository":"team/*"},"do":{"together":3}}`:                          on(scenarios.Any, scenarios.Tag("v*"), scenarios.Repository("team/*")).Together(3),
		`{"on":"*","where":{"face":"API","while":"","digest":"sha256:1"},"do":{"hold":true}}`:                on(scenarios.Any, scenarios.Through(scenarios.FaceAPI), scenarios.While(""), scenarios.Digest("sha256:1")).Hold(),
		`{"on":"*","where":{"account":"1","region":"eu-west-1","caller":"arn:*"},"do":{"hold":true}}`:        on(scenarios.Any, scenarios.Account("1"), scenarios.Region("eu-west-1"), scenarios.Caller("arn:*")).Hold(),
		`{"on":"*","where":[{"repository":"team/*"},{"repository":"*/app"}],"do":{"hold":true}}`:             on(scenarios.Any, scenarios.Repository("team/*"), scenarios.Repository("*/app")).Hold(),
		`{"on":"PutImage","when":{"after":3,"first":2,"every":2,"chance":0.5},"do":{"twice":true}}`:          put.After(3).First(2).Every(2).Sometimes(0.5).Twice(),
		`{"on":"PutImage","when":{"from":"1h30m","to":"2h0m0.5s"},"do":{"stall":"10s","trickle":7}}`:         put.Between(90*time.Minute, 2*time.Hour+500*time.Millisecond).Stall(10 * time.Second).Trickle(7),
		`{"on":"PutImage","do":{"rate":{"perSecond":10,"burst":20}}}`:                                        put.AtMost(10, 20),
		`{"on":"PutImage","do":{"fail":{"code":"ThrottlingException","message":"Rate exceeded"}}}`:           put.Fail(scenarios.Throttled()),
		`{"on":"PutImage","do":{"fail":{"code":"Odd","fault":"unknown"}}}`:                                   put.Fail(&smithy.GenericAPIError{Code: "Odd"}),
		`{"on":"PutImage","do":{"fail":{"code":"ServerException"}}}`:                                         put.Fail(&types.ServerException{}),
		`{"on":"PutImage","do":{"fail":{"code":"ServerException","message":""}}}`:                            put.Fail(&types.ServerException{Message: aws.String("")}),
		`{"on":"PutImage","do":{"fail":{"code":"ServerException","fault":"server"}}}`:                        put.Fail(&smithy.GenericAPIError{Code: "ServerException", Fault: smithy.FaultServer}),
		`{"on":"PutImage","do":{"fail":{"code":"KmsException","members":{"kmsError":"DisabledException"}}}}`: put.Fail(&types.KmsException{KmsError: aws.String("DisabledException")}),
		`{"on":"UploadLayerPart","do":{"fail":{"code":"InvalidLayerPartException","members":{"lastValidByteReceived":0,"registryId":"1","repositoryName":"a","uploadId":"u"}},"garble":0}}`: on("UploadLayerPart").Garble(0).
			Fail(&types.InvalidLayerPartException{RegistryId: aws.String("1"), RepositoryName: aws.String("a"), UploadId: aws.String("u"), LastValidByteReceived: aws.Int64(0)}),
		`{"on":"PutImage","do":{"fail":{"message":"no"}}}`:                                                                            put.Fail(errors.New("no")),
		`{"on":"PutImage","do":{"fail":{"status":503,"headers":{"Retry-After":"1","Via":["a","b"]},"body":"<html>"}}}`:                put.Fail(&scenarios.Response{Status: 503, Header: http.Header{"Retry-After": {"1"}, "Via": {"a", "b"}}, Body: "<html>"}),
		`{"on":"PutImage","do":{"fail":{"status":204}}}`:                                                                              put.Fail(&scenarios.Response{Status: 204}),
		`{"on":"PutImage","do":{"fail":"connection refused"}}`:                                                                        put.Fail(scenarios.ErrConnectionRefused),
		`{"on":"PutImage","do":{"fail":"no answer","then":"down"}}`:                                                                   put.Fail(scenarios.ErrNoAnswer).Then("down"),
		`{"on":"PutImage","do":{"sequence":["ok","connection reset","reply lost",{"message":"no"}]}}`:                                 put.Sequence(nil, scenarios.ErrConnectionReset, scenarios.ErrReplyLost, errors.New("no")),
		`{"on":"ListImages","do":{"stale":{"age":"1h"}}}`:                                                                             on("ListImages").Stale(time.Hour),
		`{"on":"ListImages","do":{"stale":{"writes":2}}}`:                                                                             on("ListImages").StaleBy(2),
		`{"on":"ListImages","do":{"stale":{}}}`:                                                                                       on("ListImages").Frozen(),
		`{"on":"DownloadLayer","do":{"flip":0,"keep":9,"cutAfter":0}}`:                                                                on(scenarios.DownloadLayer).Flip(0).Keep(9).CutAfter(0),
		`{"on":"BatchGetImage","do":{"failItem":{"nth":1,"code":"ImageNotFound","reason":"gone"},"reserialise":true,"resetAfter":7}}`: on("BatchGetImage").FailItem(1, "ImageNotFound", "gone").Reserialise().ResetAfter(7),
	}
}

func TestRulesAreJSONAndBack(t *testing.T) {
	for text, rule := range written() {
		t.Run(text, func(t *testing.T) {
			require.NoError(t, rule.Check())
			got, err := json.Marshal(rule)
			require.NoError(t, err)
			require.Equal(t, text, strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(got)))
			var back scenarios.Rule
			require.NoError(t, json.Unmarshal([]byte(text), &back))
			requireSame(t, rule, &back)
		})
	}
}

// failer is what a test, a rapid test and a fuzz test share.
type failer interface {
	require.TestingT
	Helper()
}

// requireSame: two rules do the same to the same calls.
func requireSame(t failer, want, got *scenarios.Rule) {
	t.Helper()
	require.Equal(t, want.String(), got.String())
	require.Equal(t, want.Operations(), got.Operations())
	require.Equal(t, want.Turn(), got.Turn())
	require.Equal(t, want.Effects(), got.Effects())
	require.Equal(t, want.IsOptional(), got.IsOptional())
	for _, repository := range []string{"", "team/app", "team/db", "other/app"} {
		for _, tag := range []string{"v1", "w"} {
			for _, state := range []string{"", "down"} {
				for _, face := range []scenarios.Face{scenarios.FaceAPI, scenarios.FaceGo} {
					call := scenarios.Call{Operation: "PutImage", Repository: repository, Account: "1", Region: "eu-west-1", Face: face,
						Caller: "arn:aws:iam::1:user/a", Input: &ecr.PutImageInput{ImageTag: &tag, ImageDigest: aws.String("sha256:1")}}
					require.Equal(t, want.Matches(&call, state), got.Matches(&call, state), "%+v %q", call, state)
				}
			}
		}
	}
}

// anyRule draws a rule that can be played.
func anyRule(t *rapid.T) *scenarios.Rule {
	word := rapid.SampledFrom([]string{"team/*", "team/app", "*/app", "v1", "v*", "*", "1", "eu-west-1", "arn:*:user/a", "sha256:1", "ü\n\"<"})
	kinds := []func(string) scenarios.Condition{scenarios.Repository, scenarios.Tag, scenarios.Digest, scenarios.Account, scenarios.Region, scenarios.Caller, scenarios.While,
		func(string) scenarios.Condition { return scenarios.Through(scenarios.FaceAPI) }}
	var conditions []scenarios.Condition
	for range rapid.IntRange(0, 4).Draw(t, "conditions") {
		conditions = append(conditions, rapid.SampledFrom(kinds).Draw(t, "kind")(word.Draw(t, "word")))
	}
	operation := rapid.SampledFrom([]string{"PutImage", "BatchGetImage", "UploadLayerPart", scenarios.DownloadLayer, scenarios.Reads, scenarios.Any})
	r := scenarios.On(operation.Draw(t, "on"), conditions...)
	n := rapid.IntRange(1, 100)
	at := rapid.Int64Range(0, 1<<40)
	d := rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64Range(1, 1<<50).Draw(t, "duration")) })
	text := rapid.String()
	changes := []func(*scenarios.Rule) *scenarios.Rule{
		func(r *scenarios.Rule) *scenarios.Rule { return r.Or(operation.Draw(t, "or")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Named(text.Draw(t, "name")) },
		(*scenarios.Rule).Optional, (*scenarios.Rule).Hold, (*scenarios.Rule).Drop, (*scenarios.Rule).Twice, (*scenarios.Rule).Reserialise, (*scenarios.Rule).Frozen,
		func(r *scenarios.Rule) *scenarios.Rule { return r.After(n.Draw(t, "after")) },
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
		func(r *scenarios.Rule) *scenarios.Rule { return r.Trickle(1 + at.Draw(t, "trickle")) },
		func(r *scenarios.Rule) *scenarios.Rule { return r.Stall(d.Draw(t, "stall")) },
		func(r *scenarios.Rule) *scenarios.Rule {
			return r.FailItem(n.Draw(t, "item"), "ImageNotFound", text.Draw(t, "reason"))
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

func TestScenariosAreJSONAndBack(t *testing.T) {
	schema := compiled(t)
	rapid.Check(t, func(t *rapid.T) {
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
		text, err := json.Marshal(scenario)
		require.NoError(t, err)
		require.NoError(t, schema.Validate(decoded(t, text)), string(text))
		back, err := scenarios.Parse(text)
		require.NoError(t, err, string(text))
		require.Len(t, back, len(scenario))
		for i := range scenario {
			requireSame(t, scenario[i], back[i])
			require.Equal(t, scenario[i].Budget(), back[i].Budget())
			for j := range i {
				require.Equal(t, scenario[i].Budget() == scenario[j].Budget(), back[i].Budget() == back[j].Budget())
			}
		}
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
	})
}

// Every exception of the service is the SDK's type again.
func TestExceptionsAreJSONAndBack(t *testing.T) {
	n := 0
	for _, entry := range ecr.TypeRegistry.Entries {
		exception, is := entry.New().(error)
		if !is {
			continue
		}
		n++
		v := reflect.ValueOf(exception).Elem()
		for i := range v.NumField() {
			field := v.Type().Field(i)
			switch {
			case field.Name == "ErrorCodeOverride" || !field.IsExported():
			case field.Type == reflect.TypeFor[*int64]():
				v.Field(i).Set(reflect.ValueOf(aws.Int64(7)))
			default:
				v.Field(i).Set(reflect.ValueOf(aws.String("the " + field.Name)))
			}
		}
		text, err := json.Marshal(scenarios.On("PutImage").Fail(exception))
		require.NoError(t, err)
		var back scenarios.Rule
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, exception, back.Effects().Err, string(text))
	}
	require.Greater(t, n, 40)
}

type statusError struct{ error }

func (statusError) HTTPStatusCode() int { return 503 }
func (e statusError) Unwrap() error     { return e.error }

// An error of another kind is told as the caller gets it.
func TestErrorsOfOtherKinds(t *testing.T) {
	for want, err := range map[string]error{
		`{"code":"ServerException","message":"no"}`:  fmt.Errorf("sending: %w", &types.ServerException{Message: aws.String("no")}),
		`{"code":"Odd","message":"no","status":503}`: statusError{&smithy.GenericAPIError{Code: "Odd", Message: "no", Fault: smithy.FaultClient}},
		`{"code":"ServerException","status":503}`:    statusError{&types.ServerException{}},
		`"no answer"`:               fmt.Errorf("sending: %w", scenarios.ErrNoAnswer),
		`{"message":"sending: no"}`: fmt.Errorf("sending: %w", errors.New("no")),
		`{"status":502}`:            fmt.Errorf("sending: %w", &scenarios.Response{Status: 502}),
	} {
		text, marshalErr := json.Marshal(scenarios.On("PutImage").Fail(err))
		require.NoError(t, marshalErr)
		require.Equal(t, `{"on":"PutImage","do":{"fail":`+want+`}}`, string(text))
		var back scenarios.Rule
		require.NoError(t, json.Unmarshal(text, &back))
		again, marshalErr := json.Marshal(&back)
		require.NoError(t, marshalErr)
		require.Equal(t, string(text), string(again))
	}
	var back scenarios.Rule
	require.NoError(t, json.Unmarshal([]byte(`{"on":"PutImage","do":{"fail":{"code":"ServerException","status":503}}}`), &back))
	var typed *types.ServerException
	require.ErrorAs(t, back.Effects().Err, &typed)
	var own interface{ HTTPStatusCode() int }
	require.ErrorAs(t, back.Effects().Err, &own)
	require.Equal(t, 503, own.HTTPStatusCode())
}

func TestRulesWithoutJSON(t *testing.T) {
	put := scenarios.On("PutImage")
	shared := scenarios.Scenario{put.Hold(), put.Drop()}.Within(2)
	for want, rules := range map[string]scenarios.Scenario{
		`rule "mine": where: a condition by a function has no JSON`:            {scenarios.On("PutImage", scenarios.WhenCall(func(*scenarios.Call) bool { return true })).Hold().Named("mine")},
		`rule "mine": do: an effect by a function has no JSON`:                 {put.Hold(), put.Ask(func(*scenarios.Call) error { return nil }).Named("mine")},
		`rule "PutImage with its output changed": do: an effect by a function`: {put.With(scenarios.Change(func(*ecr.PutImageOutput) {}))},
		`it has no effect`: {put},
		`rule "\xff": name: "\xff" is no UTF-8 and has no JSON`:                                            {put.Hold().Named("\xff")},
		`rule "PutImage fails with Odd": do: fail: *types.ServerException with the code "Odd" has no JSON`: {put.Fail(&types.ServerException{ErrorCodeOverride: aws.String("Odd")})},
		`it shares a budget with rules that do not stand beside it`:                                        {shared[0], put.Twice(), shared[1]},
		`rule 1 of the scenario is nil`:                                                                    {nil},
	} {
		_, err := json.Marshal(rules)
		require.ErrorContains(t, err, want)
	}
	_, err := json.Marshal(shared[0])
	require.ErrorContains(t, err, "its budget is its scenario's")
}

// A mistake has its line, its column and its word.
func TestParseMistakes(t *testing.T) {
	rule := func(text string) string { return `{"rules":[` + text + `]}` }
	for _, c := range []struct{ text, says string }{
		{``, `1:1: unexpected end of JSON input`},
		{"{\n  \"rules\": [\n", `3:1: unexpected end of JSON input`},
		{"{\n  \"rules\": [] x", `2:15: invalid character 'x' after object key:value pair`},
		{`{"rules":[]} []`, `1:14: invalid character '[' after top-level value`},
		{"{\"rules\":[],\n\"ü\xff\":1}", `2:3: this is no UTF-8`},
		{`null`, `1:1: null is not an object`},
		{`"PutImage"`, `1:1: "PutImage" is not an object`},
		{`[]`, `1:1: a list of 1 at least`},
		{`{}`, `1:1: "rules" is missing`},
		{`{"rules":{}}`, `1:10: rules: an object is not a list`},
		{`{"rules":[],"rules":[]}`, `1:13: "rules" stands here twice`},
		{`{"rules":[],"within":0}`, `1:22: within: 0 is below 1`},
		{`{"rule":[]}`, `1:2: there is no "rule" here, but rules, within`},
		{rule(`{"on":"PutImage"}`), `1:11: rules: "do" is missing`},
		{rule(`{"do":{"drop":true}}`), `1:11: rules: "on" is missing`},
		{rule("\n{\"on\":\"PutImages\",\"do\":{\"drop\":true}}"), `2:7: on: ECR has no operation "PutImages"`},
		{rule(`{"on":[],"do":{"drop":true}}`), `1:17: on: a list of 1 at least`},
		{rule(`{"on":"PutImage","do":{}}`), `1:33: rule "PutImage": it has no effect: add Fail, Delay, Hold, Drop or another`},
		{rule(`{"on":"PutImage","do":{"flip":1}}`), `1:33: rule "PutImage with a byte changed": Flip cannot be put on PutImage: only on DownloadLayer`},
		{rule(`{"on":"PutImage","do":{"delays":"1m"}}`), `1:34: do: there is no "delays" here, but delay, hold`},
		{rule(`{"on":"PutImage","do":{"delay":"1 minute"}}`), `1:42: delay: "1 minute" is no duration such as "1h30m" or "250ms"`},
		{rule(`{"on":"PutImage","do":{"delay":"-1m"}}`), `1:42: delay: "-1m" is no duration`},
		{rule(`{"on":"PutImage","do":{"delay":"0s"}}`), `1:42: delay: "0s" is no time at all`},
		{rule(`{"on":"PutImage","do":{"delay":60}}`), `1:42: delay: "60" is not a text`},
		{rule(`{"on":"PutImage","do":{"hold":1}}`), `1:41: hold: "1" is not true or false`},
		{rule(`{"on":"PutImage","do":{"hold":null}}`), `1:41: hold: null is not true or false`},
		{rule(`{"on":"PutImage","do":{"together":1.5}}`), `1:45: together: 1.5 is no whole number`},
		{rule(`{"on":"PutImage","do":{"together":1e400}}`), `1:45: together: 1e400 is no whole number`},
		{rule(`{"on":"PutImage","do":{"cutAfter":1,"resetAfter":2}}`), `1:47: do: either "cutAfter" or "resetAfter"`},
		{rule(`{"on":"PutImage","do":{"rate":{"perSecond":0,"burst":1}}}`), `1:54: perSecond: 0 is not above 0`},
		{rule(`{"on":"PutImage","do":{"rate":{"perSecond":1}}}`), `1:41: rate: "burst" is missing`},
		{rule(`{"on":"ListImages","do":{"stale":{"age":"1h","writes":1}}}`), `1:56: stale: either "age" or "writes"`},
		{rule(`{"on":"PutImage","do":{"fail":"timeout"}}`), `1:41: fail: "timeout" is none of connection refused, connection reset, no answer, reply lost`},
		{rule(`{"on":"PutImage","do":{"fail":"ok"}}`), `1:41: fail: "ok" is none of`},
		{rule(`{"on":"PutImage","do":{"fail":{}}}`), `1:41: fail: an error has a code, a message or a status`},
		{rule(`{"on":"PutImage","do":{"fail":503}}`), `1:41: fail: a number is neither an object nor one of connection refused`},
		{rule(`{"on":"PutImage","do":{"fail":{"status":99}}}`), `1:51: status: 99 is below 200`},
		{rule(`{"on":"PutImage","do":{"fail":{"status":600}}}`), `1:41: fail: Fail of an answer has no status 600`},
		{rule(`{"on":"PutImage","do":{"fail":{"code":"Odd","status":302}}}`), `1:41: fail: an error has no status 302`},
		{rule(`{"on":"PutImage","do":{"fail":{"code":"Odd","body":""}}}`), `1:41: fail: headers and body are those of an answer`},
		{rule(`{"on":"PutImage","do":{"fail":{"code":"Odd","members":{}}}}`), `1:41: fail: members are those of one of ECR's exceptions`},
		{rule(`{"on":"PutImage","do":{"fail":{"code":"ServerException","members":{"kmsError":""}}}}`), `1:41: fail: ServerException has no member "kmsError"`},
		{rule(`{"on":"PutImage","do":{"fail":{"message":"no","fault":"client"}}}`), `1:41: fail: a fault without a code`},
		{rule(`{"on":"PutImage","do":{"fail":{"status":503,"headers":{"via":"a","Via":"b"}}}}`), `1:76: headers: the header Via stands here twice`},
		{rule(`{"on":"PutImage","do":{"sequence":[]}}`), `1:45: sequence: a list of 1 at least`},
		{rule(`{"on":"PutImage","do":{"sequence":["ok",null]}}`), `1:51: sequence: null is neither`},
		{rule(`{"on":"PutImage","where":{"repo":"a"},"do":{"drop":true}}`), `1:37: where: there is no "repo" here, but repository, tag`},
		{rule(`{"on":"PutImage","where":{"repository":""},"do":{"drop":true}}`), `1:50: repository: a condition on an empty repository`},
		{rule(`{"on":"PutImage","where":{"face":"http"},"do":{"drop":true}}`), `1:44: face: "http" is none of Go, API, registry`},
		{rule(`{"on":"PutImage","when":{"nth":0},"do":{"drop":true}}`), `1:42: nth: 0 is below 1`},
		{rule(`{"on":"PutImage","when":{"from":"2h","to":"1h"},"do":{"drop":true}}`), `1:53: to: Between(2h0m0s, 1h0m0s)`},
		{rule(`{"on":"PutImage","when":{"chance":1.1},"do":{"drop":true}}`), `1:45: chance: 1.1 is too much`},
	} {
		t.Run(c.text, func(t *testing.T) {
			scenario, err := scenarios.Parse([]byte(c.text))
			require.Error(t, err)
			require.True(t, strings.HasPrefix(err.Error(), c.says), "%s\nis not\n%s", err, c.says)
			require.Nil(t, scenario)
		})
	}
}

func TestParseIsLenientWhereItCanBe(t *testing.T) {
	for text, want := range map[string]string{
		`{"within":2,"rules":[{"do":{"hold":true,"drop":false},"on":["PutImage"],"when":{"nth":2.0,"to":"0s"},"where":[],"optional":false}]}`: `{"rules":[{"on":"PutImage","when":{"nth":2},"do":{"hold":true}}],"within":2}`,
		`[{"rules":[{"on":"PutImage","do":{"hold":true}}]}]`: `{"rules":[{"on":"PutImage","do":{"hold":true}}]}`,
		`{"rules":[]}`: `{"rules":[]}`,
	} {
		scenario, err := scenarios.Parse([]byte(text))
		require.NoError(t, err)
		got, err := json.Marshal(scenario)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}

func TestParseCondition(t *testing.T) {
	tag := "v1"
	call := scenarios.Call{Operation: "PutImage", Repository: "team/app", Input: &ecr.PutImageInput{ImageTag: &tag}}
	trace := scenarios.Trace{call}
	c, err := scenarios.ParseCondition("repository", "team/*")
	require.NoError(t, err)
	require.Len(t, trace.Where(c), 1)
	c, err = scenarios.ParseCondition("tag", "w")
	require.NoError(t, err)
	require.Empty(t, trace.Where(c))
	_, err = scenarios.ParseCondition("face", "http")
	require.ErrorContains(t, err, "no face")
	_, err = scenarios.ParseCondition("repo", "a")
	require.ErrorContains(t, err, `no condition "repo", but repository, tag`)
}

func compiled(t *testing.T) *jsonschema.Schema {
	file, err := os.ReadFile("scenario.schema.json")
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("scenario.schema.json", decoded(t, file)))
	schema, err := compiler.Compile("scenario.schema.json")
	require.NoError(t, err)
	return schema
}

func decoded(t failer, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return v
}

func TestSchemaIsUpToDate(t *testing.T) {
	file, err := os.ReadFile("scenario.schema.json")
	require.NoError(t, err)
	require.Equal(t, string(scenarios.Schema()), string(file), "go generate ./scenarios writes it anew")
}

// What the schema says holds for what Parse reads.
func TestSchema(t *testing.T) {
	schema := compiled(t)
	for text := range written() {
		require.NoError(t, schema.Validate(decoded(t, []byte(`[{"rules":[`+text+`],"within":5}]`))), text)
	}
	for _, text := range []string{
		`{}`, `[]`, `{"rules":[{"on":"PutImage"}]}`, `{"rules":[],"once":true}`,
		`{"rules":[{"on":"PutImages","do":{"hold":true}}]}`,
		`{"rules":[{"on":"PutImage","do":{"delay":"1 minute"}}]}`,
		`{"rules":[{"on":"PutImage","do":{"cutAfter":1,"resetAfter":1}}]}`,
		`{"rules":[{"on":"PutImage","do":{"fail":{}}}]}`,
		`{"rules":[{"on":"PutImage","do":{"fail":"ok"}}]}`,
		`{"rules":[{"on":"PutImage","when":{"chance":2},"do":{"hold":true}}]}`,
		`{"rules":[{"on":"PutImage","where":{"face":"http"},"do":{"hold":true}}]}`,
	} {
		require.Error(t, schema.Validate(decoded(t, []byte(text))), text)
		_, err := scenarios.Parse([]byte(text))
		require.Error(t, err, text)
	}
}

// FuzzParse: what is read is written and read as the same, and a mistake has a
// place.
func FuzzParse(f *testing.F) {
	for text := range written() {
		f.Add([]byte(`{"rules":[` + text + `],"within":2}`))
	}
	for _, text := range []string{``, `[`, `[{"rules":[]},{"rules":[]}]`, "{\"rules\":[{\"on\":\"\xff\"}]}", `{"rules":[{"on":"PutImage","do":{"fail":{"code":"\ud800"}}}]}`} {
		f.Add([]byte(text))
	}
	schema := func() *jsonschema.Schema {
		compiler := jsonschema.NewCompiler()
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(scenarios.Schema()))
		require.NoError(f, err)
		require.NoError(f, compiler.AddResource("schema.json", v))
		return compiler.MustCompile("schema.json")
	}()
	f.Fuzz(func(t *testing.T, text []byte) {
		scenario, err := scenarios.Parse(text)
		if err != nil {
			require.Regexp(t, `^[0-9]+:[0-9]+: `, err.Error())
			require.Nil(t, scenario)
			return
		}
		require.NoError(t, scenario.Check())
		require.NoError(t, schema.Validate(decoded(t, text)))
		written, err := json.Marshal(scenario)
		require.NoError(t, err)
		back, err := scenarios.Parse(written)
		require.NoError(t, err, string(written))
		for i := range scenario {
			requireSame(t, scenario[i], back[i])
		}
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, string(written), string(again))
	})
}
