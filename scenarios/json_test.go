package scenarios_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
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
		`{"on":"*","where":{"face":"registry","tokenBefore":"expired"},"do":{"hold":true}}`:                  on(scenarios.Any, scenarios.Through(scenarios.FaceRegistry), scenarios.TokenBefore("expired")).Hold(),
		`{"on":"GetEndpoint","where":{"tokenBefore":""},"do":{"hold":true}}`:                                 on(scenarios.GetEndpoint, scenarios.TokenBefore("")).Hold(),
		`{"on":"*","where":{"face":"API","while":"","digest":"sha256:1"},"do":{"hold":true}}`:                on(scenarios.Any, scenarios.Through(scenarios.FaceAPI), scenarios.While(""), scenarios.Digest("sha256:1")).Hold(),
		`{"on":"*","where":{"account":"1","region":"eu-west-1","caller":"arn:*"},"do":{"hold":true}}`:        on(scenarios.Any, scenarios.Account("1"), scenarios.Region("eu-west-1"), scenarios.Caller("arn:*")).Hold(),
		`{"on":"*","where":[{"repository":"team/*"},{"repository":"*/app"}],"do":{"hold":true}}`:             on(scenarios.Any, scenarios.Repository("team/*"), scenarios.Repository("*/app")).Hold(),
		`{"on":"PutImage","when":{"after":3,"first":2,"every":2,"chance":0.5},"do":{"twice":true}}`:          put.After(3).First(2).Every(2).Sometimes(0.5).Twice(),
		`{"on":"PutImage","when":{"after":1,"for":"30s"},"do":{"twice":true}}`:                               put.After(1).For(30 * time.Second).Twice(),
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
		`{"on":"PutImage","do":{"fail":{"message":"no"}}}`:                                                             put.Fail(errors.New("no")),
		`{"on":"PutImage","do":{"fail":{"status":503,"headers":{"Retry-After":"1","Via":["a","b"]},"body":"<html>"}}}`: put.Fail(&scenarios.Response{Status: 503, Header: http.Header{"Retry-After": {"1"}, "Via": {"a", "b"}}, Body: "<html>"}),
		`{"on":"PutImage","do":{"fail":{"status":204}}}`:                                                               put.Fail(&scenarios.Response{Status: 204}),
		`{"on":"PutImage","do":{"sequence":[{"status":503}]}}`:                                                         put.Sequence(&scenarios.Response{Status: 503, Header: http.Header{"Via": {}}}),
		`{"on":"PutImage","do":{"fail":"connection refused"}}`:                                                         put.Fail(scenarios.ErrConnectionRefused),
		`{"on":"PutImage","do":{"fail":"no answer","then":"down"}}`:                                                    put.Fail(scenarios.ErrNoAnswer).Then("down"),
		`{"on":"PutImage","do":{"sequence":["ok","connection reset","reply lost",{"message":"no"}]}}`:                  put.Sequence(nil, scenarios.ErrConnectionReset, scenarios.ErrReplyLost, errors.New("no")),
		`{"on":"ListImages","do":{"shortPage":7}}`:                                                                     on("ListImages").ShortPage(7),
		`{"on":"ListImages","do":{"emptyPage":true}}`:                                                                  on("ListImages").EmptyPage(),
		`{"on":"PutImage","where":{"same":"PutImage 1/eu-west-1 team/app 12","actor":"b*"},"do":{"hold":true}}`:        on("PutImage", scenarios.Same("PutImage 1/eu-west-1 team/app 12"), scenarios.Actor("b*")).Hold(),
		`{"on":"ListImages","do":{"stale":{"age":"1h"}}}`:                                                              on("ListImages").Stale(time.Hour),
		`{"on":"*","do":{"notThereFor":"5s"}}`:                                                                         on(scenarios.Any).NotThereFor(5 * time.Second),
		`{"on":"ListImages","do":{"answer":{"imageIds":[{"imageDigest":"sha256:1","imageTag":"v1"}],"nextToken":"more"}}}`: on("ListImages").Answer(&ecr.ListImagesOutput{
			ImageIds: []types.ImageIdentifier{{ImageDigest: aws.String("sha256:1"), ImageTag: aws.String("v1")}}, NextToken: aws.String("more")}),
		`{"on":"ListImages","do":{"answer":{}}}`: on("ListImages").Answer(&ecr.ListImagesOutput{}),
		`{"on":"DescribeRepositories","do":{"answer":{"repositories":[{"createdAt":1700000000.5,"imageScanningConfiguration":{"scanOnPush":true},"imageTagMutability":"MUTABLE"}]}}}`: on("DescribeRepositories").Answer(&ecr.DescribeRepositoriesOutput{
			Repositories: []types.Repository{{CreatedAt: aws.Time(time.UnixMilli(1700000000500)), ImageTagMutability: "MUTABLE", ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true}}}}),
		`{"on":"ListImages","do":{"stale":{"writes":2}}}`:              on("ListImages").StaleBy(2),
		`{"on":"ListImages","do":{"stale":{}}}`:                        on("ListImages").Frozen(),
		`{"on":"DownloadLayer","do":{"flip":0,"keep":9,"cutAfter":0}}`: on(scenarios.DownloadLayer).Flip(0).Keep(9).CutAfter(0),
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
	require.Equal(t, want.Parts().Operations(), got.Parts().Operations())
	require.Equal(t, want.Parts().Turn(), got.Parts().Turn())
	require.Equal(t, want.Parts().Effects(), got.Parts().Effects())
	require.Equal(t, want.Parts().IsOptional(), got.Parts().IsOptional())
	for _, repository := range []string{"", "team/app", "team/db", "other/app"} {
		for _, tag := range []string{"v1", "w"} {
			for _, state := range []string{"", "down"} {
				for _, face := range []scenarios.Face{scenarios.FaceAPI, scenarios.FaceGo} {
					call := scenarios.Call{Operation: "PutImage", Repository: repository, Account: "1", Region: "eu-west-1", Face: face,
						Caller: "arn:aws:iam::1:user/a", Input: &ecr.PutImageInput{ImageTag: &tag, ImageDigest: aws.String("sha256:1")}}
					require.Equal(t, want.Parts().Matches(&call, state), got.Parts().Matches(&call, state), "%+v %q", call, state)
				}
			}
		}
	}
}

func TestScenariosAreJSONAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scenario := anyScenario(t)
		text, err := json.Marshal(scenario)
		require.NoError(t, err)
		back, err := scenarios.Parse(text)
		require.NoError(t, err, string(text))
		require.Len(t, back, len(scenario))
		for i := range scenario {
			requireSame(t, scenario[i], back[i])
			require.Equal(t, scenario[i].Parts().Budget(), back[i].Parts().Budget())
			for j := range i {
				require.Equal(t, scenario[i].Parts().Budget() == scenario[j].Parts().Budget(), back[i].Parts().Budget() == back[j].Parts().Budget())
			}
		}
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
	})
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

// FuzzParse: what is read is written and read as the same, and a mistake has a
// place.
func FuzzParse(f *testing.F) {
	for text := range written() {
		f.Add([]byte(`{"rules":[` + text + `],"within":2}`))
	}
	for text := range readyMade() {
		f.Add([]byte(text))
	}
	for _, text := range []string{``, `[`, `[{"rules":[]},{"rules":[]}]`, `{"rules":[{"on":"PutImage","do":{"fail":{"status":503,"headers":{}}}}]}`, "{\"rules\":[{\"on\":\"\xff\"}]}", `{"rules":[{"on":"PutImage","do":{"fail":{"code":"\ud800"}}}]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		scenario, err := scenarios.Parse(text)
		if err != nil {
			require.Regexp(t, `^[0-9]+:[0-9]+: `, err.Error())
			require.Nil(t, scenario)
			return
		}
		require.NoError(t, scenario.Check())
		if slices.ContainsFunc(scenario, func(r *scenarios.Rule) bool { return r.Parts().Effects().Hook != nil }) {
			return // ClockSkew, which is written by its name alone
		}
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
