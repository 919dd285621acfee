package scenarios_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

// among is a rule as one of a scenario.
func among(text string) string { return `{"rules":[` + text + `]}` }

// parseMistakes are texts with the line, the column and the word of what is wrong.
var parseMistakes = []struct{ text, says string }{
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
	{among(`{"on":"PutImage"}`), `1:11: rules: "do" is missing`},
	{among(`{"do":{"drop":true}}`), `1:11: rules: "on" is missing`},
	{among("\n{\"on\":\"PutImages\",\"do\":{\"drop\":true}}"), `2:7: on: ECR has no operation "PutImages"`},
	{among(`{"on":[],"do":{"drop":true}}`), `1:17: on: a list of 1 at least`},
	{among(`{"on":"PutImage","do":{}}`), `1:33: rule "PutImage": it has no effect: add fail, delay, hold, drop or another`},
	{among(`{"on":"PutImage","do":{"flip":1}}`), `1:41: rule "PutImage with a byte changed": flip cannot be put on PutImage: only on DownloadLayer`},
	{among(`{"on":"PutImage","do":{"drop":false}}`), `1:33: rule "PutImage": it has no effect`},
	{among(`{"on":["PutImage","SignImage"],"do":{"hold":true,"twice":true}}`), `1:68: rule "PutImage or SignImage held carried out twice": twice cannot be put on SignImage: only on calls`},
	{among(`{"on":"world","do":{"sequence":["ok","reply lost"]}}`), `1:42: rule "world in turn ok, the reply was lost": sequence: an answer over HTTP or a connection that fails cannot be put on ActivateImage`},
	{among(`{"on":"SignImage","do":{"fail":{"status":503}}}`), `1:42: rule "SignImage fails with HTTP 503 Service Unavailable": fail: an answer over HTTP`},
	{among(`{"on":"PutImage","do":{"delays":"1m"}}`), `1:34: do: there is no "delays" here, but delay, hold`},
	{among(`{"on":"PutImage","do":{"delay":"1 minute"}}`), `1:42: delay: "1 minute" is no duration such as "1h30m" or "250ms"`},
	{among(`{"on":"PutImage","do":{"delay":"-1m"}}`), `1:42: delay: "-1m" is no duration`},
	{among(`{"on":"PutImage","do":{"delay":"0s"}}`), `1:42: delay: "0s" is no time at all`},
	{among(`{"on":"PutImage","do":{"delay":60}}`), `1:42: delay: "60" is not a text: a duration is a text such as "5s"`},
	{among(`{"on":"CompleteScan","do":{"drop":true}}`), `1:45: rule "CompleteScan loses its reply": drop cannot be put on CompleteScan: only on calls`},
	{among(`{"on":"CompleteScan","do":{"stall":"1s"}}`), `1:46: rule "CompleteScan with its reply 1s late": stall cannot be put on CompleteScan: only on calls`},
	{among(`{"on":"PutImage","do":{"cutAfter":-1}}`), `1:45: cutAfter: -1 is below 0`},
	{among(`{"on":"PutImage","do":{"drop":true,"cutAfter":1}}`), `1:46: do: either "drop" or "cutAfter"`},
	{among(`{"on":"PutImage","do":{"fail":"no answer","rate":{"perSecond":1,"burst":1}}}`), `1:53: do: either "fail" or "rate"`},
	{among(`{"on":"PutImage","do":{"sequence":["ok","ok"]}}`), `1:45: sequence: every call is carried out`},
	{among(`{"on":"BatchGetImage","do":{"failItem":{"nth":1,"code":"Odd"}}}`), `1:50: rule "BatchGetImage fails item 1 with Odd": failItem: BatchGetImage has no failure code "Odd", but InvalidImageDigest`},
	{among("{\"on\":\"PutImage\",\"where\":{\"while\":\"\"},\"do\":{\"drop\":true}},\n{\"on\":\"PutImage\",\"where\":[{\"while\":\"never\"}],\"do\":{\"drop\":true}}"),
		`2:36: rule "PutImage while \"never\" loses its reply": while: no rule leads to the state "never", as one does by its then`},
	{among(`{"on":"PutImage","where":[{"while":"a"},{"while":"b"}],"do":{"drop":true,"then":"a"}}`), `1:71: rule "PutImage while \"a\" while \"b\" loses its reply then \"a\"": while: "b" beside "a": a playing is in one state`},
	{among(`{"on":"PutImage","when":{"every":3,"first":2},"do":{"drop":true}}`), `1:54: rule "PutImage first 2 every 3 loses its reply": first: 2 beside every: 3 chooses no call`},
	{among(`{"on":"PutImage","do":{"hold":1}}`), `1:41: hold: "1" is not true or false`},
	{among(`{"on":"PutImage","do":{"hold":null}}`), `1:41: hold: null is not true or false`},
	{among(`{"on":"PutImage","do":{"together":1.5}}`), `1:45: together: 1.5 is below 2`},
	{among(`{"on":"PutImage","do":{"together":2.5}}`), `1:45: together: 2.5 is no whole number`},
	{among(`{"on":"PutImage","do":{"together":2.0000000000000000000001}}`), `1:45: together: 2.0000000000000000000001 is no whole number`},
	{among(`{"on":"PutImage","do":{"together":1e400}}`), `1:45: together: 1e400 is above 9223372036854775807`},
	{among(`{"on":"PutImage","do":{"together":9223372036854775808}}`), `1:45: together: 9223372036854775808 is above 9223372036854775807`},
	{among(`{"on":"UploadLayerPart","do":{"garble":1e-400}}`), `1:50: garble: 1e-400 is no whole number`},
	{among(`{"on":"PutImage","do":{"cutAfter":1,"resetAfter":2}}`), `1:47: do: either "cutAfter" or "resetAfter"`},
	{among(`{"on":"PutImage","do":{"rate":{"perSecond":0,"burst":1}}}`), `1:54: perSecond: 0 is not above 0`},
	{among(`{"on":"PutImage","do":{"rate":{"perSecond":1}}}`), `1:41: rate: "burst" is missing`},
	{among(`{"on":"ListImages","do":{"stale":{"age":"1h","writes":1}}}`), `1:56: stale: either "age" or "writes"`},
	{among(`{"on":"PutImage","do":{"fail":"timeout"}}`), `1:41: fail: "timeout" is none of connection refused, connection reset, no answer, reply lost`},
	{among(`{"on":"PutImage","do":{"fail":"ok"}}`), `1:41: fail: "ok" is none of`},
	{among(`{"on":"PutImage","do":{"fail":{}}}`), `1:41: fail: an error has a code, a message or a status`},
	{among(`{"on":"PutImage","do":{"fail":503}}`), `1:41: fail: a number is neither an object nor one of connection refused`},
	{among(`{"on":"PutImage","do":{"fail":{"status":99}}}`), `1:51: status: 99 is below 200`},
	{among(`{"on":"PutImage","do":{"fail":{"status":600}}}`), `1:51: status: 600 is above 599`},
	{among(`{"on":"PutImage","do":{"fail":{"code":"Odd","status":302}}}`), `1:41: fail: an error has no status 302`},
	{among(`{"on":"PutImage","do":{"fail":{"code":"Odd","body":""}}}`), `1:41: fail: headers and body are those of an answer`},
	{among(`{"on":"PutImage","do":{"fail":{"code":"Odd","members":{}}}}`), `1:41: fail: members are those of one of ECR's exceptions`},
	{among(`{"on":"PutImage","do":{"fail":{"code":"ServerException","members":{"kmsError":""}}}}`), `1:41: fail: ServerException has no member "kmsError"`},
	{among(`{"on":"PutImage","do":{"fail":{"message":"no","fault":"client"}}}`), `1:41: fail: a fault without a code`},
	{among(`{"on":"PutImage","do":{"fail":{"message":"no","headers":{}}}}`), `1:41: fail: headers and body are those of an answer`},
	{among(`{"on":"PutImage","do":{"fail":{"code":"KmsException","fault":"server","members":{}}}}`), `1:41: fail: members are those of one of ECR's exceptions`},
	{among(`{"on":"PutImage","do":{"fail":{"status":503,"headers":{"via":"a","Via":"b"}}}}`), `1:76: headers: the header Via stands here twice`},
	{among(`{"on":"PutImage","do":{"sequence":[]}}`), `1:45: sequence: a list of 1 at least`},
	{among(`{"on":"PutImage","do":{"sequence":["ok",null]}}`), `1:51: sequence: null is neither`},
	{among(`{"on":"PutImage","where":{"repo":"a"},"do":{"drop":true}}`), `1:37: where: there is no "repo" here, but repository, tag`},
	{among(`{"on":"PutImage","where":{"repository":""},"do":{"drop":true}}`), `1:50: repository: an empty text`},
	{among(`{"on":"PutImage","where":{"face":"http"},"do":{"drop":true}}`), `1:44: face: "http" is none of Go, API, registry`},
	{among(`{"on":"PutImage","when":{"nth":0},"do":{"drop":true}}`), `1:42: nth: 0 is below 1`},
	{among(`{"on":"PutImage","when":{"from":"2h","to":"1h"},"do":{"drop":true}}`), `1:53: rule "PutImage between 2h0m0s and 1h0m0s loses its reply": to: 1h0m0s is not after 2h0m0s`},
	{among(`{"on":"PutImage","when":{"for":"0s"},"do":{"drop":true}}`), `1:42: for: "0s" is no time at all`},
	{among(`{"on":"PutImage","when":{"nth":2,"for":"1s"},"do":{"drop":true}}`), `1:44: when: either "nth" or "for"`},
	{among(`{"on":"PutImage","when":{"chance":1.1},"do":{"drop":true}}`), `1:45: chance: 1.1 is too much`},
	{among(`{"do":{"answer":{}},"on":["ListImages","PutImage"]}`), `1:27: answer: it is the output of one operation of the API, which alone the rule is on`},
	{among(`{"do":{"answer":{}},"on":"DownloadLayer"}`), `1:27: answer: it is the output of one operation`},
	{among(`{"do":{"answer":[]},"on":"ListImages"}`), `1:27: answer: a list is not an object`},
	{among(`{"do":{"answer":{"images":[]}},"on":"ListImages"}`), `1:28: answer: ListImagesOutput has no member "images"`},
	{among(`{"do":{"answer":{"imageIds":[{"imageTag":1}]}},"on":"ListImages"}`), `1:52: imageTag: "1" is not a text`},
	{among(`{"do":{"answer":{"repositories":[{"createdAt":"2026-01-01"}]}},"on":"DescribeRepositories"}`), `1:57: createdAt: "2026-01-01" is not a number: a time is the seconds since 1970`},
	{among(`{"do":{"answer":{"repositories":[{"createdAt":-1}]}},"on":"DescribeRepositories"}`), `1:57: createdAt: -1 seconds are none from 1970 to 9999`},
	{among(`{"do":{"answer":{},"fail":"no answer"},"on":"ListImages"}`), `1:30: do: either "answer" or "fail"`},
	{among(`{"do":{"notThereFor":"0s"},"on":"*"}`), `1:32: notThereFor: "0s" is no time at all`},
	{`{"ready":"Throtle"}`, `1:10: ready: "Throtle" is none of BlockedByOrganization, ClockSkew`},
	{`{"ready":["Throttle"]}`, `1:10: ready: a list is not a text`},
	{`{"ready":"Throttle","operation":"PutImage"}`, `1:1: "times" is missing`},
	{`{"ready":"Throttle","operation":"PutImages","times":2}`, `1:33: operation: ECR has no operation "PutImages"`},
	{`{"ready":"Throttle","operation":"PutImage","times":0}`, `1:52: times: 0 is below 1`},
	{"[{\"rules\":[]},\n {\"ready\":\"FlakyPull\",\"rules\":[]}]", `2:23: there is no "rules" here, but ready, repository, within`},
	{`{"ready":"FlakyPull","repository":""}`, `1:35: repository: an empty text`},
	{`{"ready":"LostReply","operation":"world"}`, `1:34: operation: "world" is what the world does by itself`},
	{`{"ready":"RealQuotas","where":{"repo":"a"}}`, `1:32: where: there is no "repo" here, but repository, tag`},
	{`{"ready":"SlowRegistry","delay":"0s"}`, `1:33: delay: "0s" is no time at all`},
	{`{"rules":[],"ready":"SlowRegistry"}`, `1:2: there is no "rules" here, but ready, delay, within`},
}

func TestParseMistakes(t *testing.T) {
	for _, c := range parseMistakes {
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
		`{"rules":[{"on":"PutImage","do":{"fail":{"status":503,"headers":{}}}}]}`: `{"rules":[{"on":"PutImage","do":{"fail":{"status":503}}}]}`,
	} {
		scenario, err := scenarios.Parse([]byte(text))
		require.NoError(t, err)
		got, err := json.Marshal(scenario)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}
