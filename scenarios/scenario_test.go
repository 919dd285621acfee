package scenarios_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

// What a ready-made scenario does to calls, in their order.
func TestReadyMadeScenarios(t *testing.T) {
	of := func(operation, repository string) *scenarios.Call {
		return &scenarios.Call{Operation: operation, Repository: repository}
	}
	for name, test := range map[string]struct {
		scenario scenarios.Scenario
		named    string
		err      error
		hit      *scenarios.Call
		missed   []*scenarios.Call
		turns    []bool
	}{
		"throttle": {
			scenarios.Throttle("PutImage", 2), "throttle PutImage 2 times", scenarios.Throttled(),
			of("PutImage", "team/app"), []*scenarios.Call{of("ListImages", "team/app")}, []bool{true, true, false},
		},
		"fault": {
			scenarios.Fault("PutImage", 2), "fault of PutImage 2 times", &types.ServerException{},
			of("PutImage", "team/app"), []*scenarios.Call{of("ListImages", "team/app")}, []bool{true, true, false},
		},
		"organization": {
			scenarios.BlockedByOrganization(), "blocked by an organization policy", &types.BlockedByOrganizationPolicyException{},
			of("PutRegistryScanningConfiguration", ""), []*scenarios.Call{of("GetRegistryScanningConfiguration", "")}, []bool{true, true, true},
		},
		"referrers": {
			scenarios.ReferrersUnavailable("hub/nginx"), "no upstream referrers of hub/nginx", &types.UnableToListUpstreamImageReferrersException{},
			of("ListImageReferrers", "hub/nginx"),
			[]*scenarios.Call{of("ListImageReferrers", "team/app"), of("ListImages", "hub/nginx")}, []bool{true, true, true},
		},
		"replication outage": {
			scenarios.ReplicationOutage("eu-west-1"), "no replication to eu-west-1", &types.ServerException{},
			&scenarios.Call{Operation: scenarios.ReceiveReplica, Region: "eu-west-1"},
			[]*scenarios.Call{{Operation: scenarios.ReceiveReplica, Region: "us-west-2"}}, []bool{true, true, true},
		},
		"endless scan": {
			scenarios.EndlessScan("team/app"), "endless scan in team/app", nil,
			of(scenarios.CompleteScan, "team/app"), []*scenarios.Call{of(scenarios.CompleteScan, "team/web")}, []bool{true, true, true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, test.scenario.Check())
			require.Len(t, test.scenario, 1)
			rule := test.scenario[0]
			require.Equal(t, test.named, rule.String())
			require.IsType(t, test.err, rule.Parts().Effects().Err)
			require.True(t, rule.Parts().Matches(test.hit, ""))
			for _, call := range test.missed {
				require.False(t, rule.Parts().Matches(call, ""), call.Operation)
			}
			for i, fires := range test.turns {
				require.Equal(t, fires, rule.Parts().Turn().Chooses(i+1, nil), "call %d", i+1)
			}
		})
	}
}

// What README sends with curl is what it plays in Go.
func TestReadmeSaysTheSameInJSON(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	sent := regexp.MustCompile(`(?s)/_fakeecr/scenario -d '(.*?)'`).FindSubmatch(readme)
	require.NotNil(t, sent)
	parsed, err := scenarios.Parse(sent[1])
	require.NoError(t, err)
	require.Len(t, parsed, len(badDay))
	for i := range badDay {
		requireSame(t, badDay[i], parsed[i])
	}
}
