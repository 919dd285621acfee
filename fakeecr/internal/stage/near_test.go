package stage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// The calls that came near to firing a rule have their number and outcome, and say what
// they had instead of what the rule wants.
func TestNearestCallsSayWhy(t *testing.T) {
	never := func(*ecr.PutImageInput) bool { return false }
	for name, c := range map[string]struct {
		condition scenarios.Condition
		why       string
	}{
		"repository":        {scenarios.Repository("team/ap"), "in team/app"},
		"tag":               {scenarios.Tag("v*"), "tagged dev"},
		"digest":            {scenarios.Digest(faces.DigestNotThere), "without a digest"},
		"account":           {scenarios.Account("210987654321"), "to account 123456789012"},
		"region":            {scenarios.Region("eu-west-1"), "in region us-east-1"},
		"caller":            {scenarios.Caller("*:role/ci"), "by arn:aws:iam::123456789012:user/fakeecr"},
		"state":             {scenarios.While("down"), `in the state ""`},
		"input":             {scenarios.When(never), "with an input that When does not accept"},
		"call":              {scenarios.WhenCall(func(*scenarios.Call) bool { return false }), "which a function does not accept"},
		"the face of /v2/":  {scenarios.Through(scenarios.FaceRegistry), "through FACE"},
		"the second of two": {scenarios.Region("us-*"), "in team/app"},
	} {
		t.Run(name, func(t *testing.T) {
			faces.EachReported(t, func(t *testing.T, f faces.Face) {
				playing := f.Registry.Play(scenarios.Scenario{
					scenarios.On("PutImage", c.condition, scenarios.Repository("team/ap")).Fail(faces.ErrNo),
					scenarios.On("DeleteRepository").Then("down").Optional(),
				})
				faces.Repositories(t, f)
				for range 5 {
					_, err := f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(faces.App), ImageManifest: aws.String("{}"), ImageTag: aws.String("dev")})
					require.Error(t, err)
				}
				silent := playing.Silent()
				require.Len(t, silent, 1)
				require.Len(t, silent[0].Near, 3)
				near := silent[0].Near[1]
				face := "API"
				if f.Name == "direct" {
					face = "Go"
				}
				require.Equal(t, 3, near.Number)
				require.Equal(t, strings.Replace(c.why, "FACE", face, 1), near.Why)
				require.Regexp(t, `^it did not match 3 .* PutImage team/app dev -> RepositoryNotFoundException: `+faces.AppNotFound+": ", near.String())
			})
		})
	}
}

func TestNearestCallsByTimeAndTurn(t *testing.T) {
	faces.EachReported(t, func(t *testing.T, f faces.Face) {
		playing := f.Registry.Play(scenarios.Scenario{
			scenarios.On("DescribeRegistry").Between(2*time.Hour, 3*time.Hour).Fail(faces.ErrNo),
			scenarios.On("DescribeRegistry").ResetAfter(1 << 20),
			scenarios.On("DescribeRegistry").Nth(2).Fail(faces.ErrNo),
		})
		f.Registry.Advance(time.Hour)
		_, err := f.DescribeRegistry(t.Context(), nil)
		require.NoError(t, err)
		silent := playing.Silent()
		require.Len(t, silent, 3)
		require.Regexp(t, `^1h0m0(\.\d+)?s after the playing began$`, silent[0].Near[0].Why)
		require.Regexp(t, `^it found nothing to do in 1 .* DescribeRegistry -> ok: a reply of \d+ bytes has nothing to cut$`, silent[1].Near[0].String())
		require.Contains(t, silent[2].String(), "it matched 1 call")
		require.Empty(t, silent[2].Near)
	})
}

// What the world does by itself has its number and outcome, too.
func TestNearestCallsOfTheWorld(t *testing.T) {
	faces.EachReported(t, func(t *testing.T, f faces.Face) {
		playing := f.Registry.Play(scenarios.Scenario{
			scenarios.On(scenarios.CompleteScan, scenarios.Region("eu-west-1")).Hold(),
			scenarios.On(scenarios.CompleteScan).Fail(faces.ErrNo),
		})
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		require.Empty(t, playing.Silent()[0].Near, "it has not happened yet")
		f.Registry.Advance(time.Hour)
		f.Registry.Trace()
		silent := playing.Silent()
		require.Len(t, silent, 1)
		require.Regexp(t, `^it did not match 2 .* CompleteScan team/app .* -> ServerException: no .*: in region us-east-1$`, silent[0].Near[0].String())
	})
}
