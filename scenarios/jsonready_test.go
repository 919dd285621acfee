package scenarios_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

// readyMade are the ready-made scenarios as they are written in JSON and in Go.
func readyMade() map[string]scenarios.Scenario {
	return map[string]scenarios.Scenario{
		`{"ready":"BlockedByOrganization"}`:                                  scenarios.BlockedByOrganization(),
		`{"ready":"ClockSkew","slow":"1h"}`:                                  scenarios.ClockSkew(time.Hour),
		`{"ready":"CorruptLayer","digest":"sha256:1"}`:                       scenarios.CorruptLayer("sha256:1"),
		`{"ready":"CredentialsExpired"}`:                                     scenarios.CredentialsExpired(0),
		`{"ready":"CredentialsExpired","after":3}`:                           scenarios.CredentialsExpired(3),
		`{"ready":"EndlessScan","repository":"team/*"}`:                      scenarios.EndlessScan("team/*"),
		`{"ready":"EventualConsistency","repository":"team/*","lag":"5s"}`:   scenarios.EventualConsistency("team/*", 5*time.Second),
		`{"ready":"Fault","operation":"PutImage","times":2}`:                 scenarios.Fault("PutImage", 2),
		`{"ready":"FlakyPull","repository":"team/app"}`:                      scenarios.FlakyPull("team/app"),
		`{"ready":"Killed","operation":"PutImage"}`:                          scenarios.Killed("PutImage"),
		`{"ready":"LostReply","operation":"writes"}`:                         scenarios.LostReply(scenarios.Writes),
		`{"ready":"LostUpload","repository":"team/app"}`:                     scenarios.LostUpload("team/app"),
		`{"ready":"NotThereYet","repository":"team/*","lag":"5s"}`:           scenarios.NotThereYet("team/*", 5*time.Second),
		`{"ready":"QuotaReached","operation":"PutImage"}`:                    scenarios.QuotaReached("PutImage"),
		`{"ready":"RealQuotas"}`:                                             scenarios.RealQuotas(),
		`{"ready":"RealQuotas","where":[{"tag":"v*"},{"region":"us-east"}]}`: scenarios.RealQuotas(scenarios.Tag("v*"), scenarios.Region("us-east")),
		`{"ready":"ReferrersUnavailable","repository":"team/app"}`:           scenarios.ReferrersUnavailable("team/app"),
		`{"ready":"RegionOutage","region":"eu-west-1"}`:                      scenarios.RegionOutage("eu-west-1"),
		`{"ready":"ReplicationOutage","region":"eu-west-1"}`:                 scenarios.ReplicationOutage("eu-west-1"),
		`{"ready":"SlowRegistry","delay":"1m"}`:                              scenarios.SlowRegistry(time.Minute),
		`{"ready":"TagRace","repository":"team/app","tag":"v1"}`:             scenarios.TagRace("team/app", "v1"),
		`{"ready":"Throttle","operation":"PutImage","times":2,"within":1}`:   scenarios.Throttle("PutImage", 2).Within(1),
		`{"ready":"TokenExpires","after":2}`:                                 scenarios.TokenExpires(2),
	}
}

func TestReadyMadeScenariosByName(t *testing.T) {
	missing := map[string]bool{}
	file, err := parser.ParseFile(token.NewFileSet(), "ready.go", nil, 0)
	require.NoError(t, err)
	for _, declared := range file.Decls {
		f, is := declared.(*ast.FuncDecl)
		if is && f.Recv == nil && f.Name.IsExported() {
			if result, is := f.Type.Results.List[0].Type.(*ast.Ident); is && result.Name == "Scenario" {
				missing[f.Name.Name] = true
			}
		}
	}
	require.Greater(t, len(missing), 15)
	for text, want := range readyMade() {
		t.Run(text, func(t *testing.T) {
			got, err := scenarios.Parse([]byte(text))
			require.NoError(t, err)
			require.Len(t, got, len(want))
			for i := range want {
				require.Equal(t, want[i].Parts().Budget(), got[i].Parts().Budget())
				if want[i].Parts().Effects().Hook != nil { // no two functions are equal
					require.NotNil(t, got[i].Parts().Effects().Hook)
					require.Equal(t, want[i].String(), got[i].String())
					require.Equal(t, want[i].Parts().Operations(), got[i].Parts().Operations())
					require.Equal(t, want[i].Parts().Turn(), got[i].Parts().Turn())
					continue
				}
				requireSame(t, want[i], got[i])
			}
		})
		var named struct{ Ready string }
		require.NoError(t, json.Unmarshal([]byte(text), &named))
		delete(missing, named.Ready)
	}
	require.Empty(t, missing, "ready-made in Go and not in JSON")

	joined, err := scenarios.Parse([]byte(`[{"ready":"TokenExpires","after":2},{"rules":[{"on":"PutImage","do":{"drop":true}}]}]`))
	require.NoError(t, err)
	require.Len(t, joined, 5)
	// It is written as its rules, and not where it has a function.
	text, err := json.Marshal(scenarios.LostReply("PutImage"))
	require.NoError(t, err)
	require.JSONEq(t, `{"rules":[{"name":"lost reply of PutImage","on":"PutImage","when":{"first":1},"do":{"drop":true}}]}`, string(text))
	_, err = json.Marshal(scenarios.ClockSkew(time.Hour))
	require.ErrorContains(t, err, "an effect by a function has no JSON")
}
