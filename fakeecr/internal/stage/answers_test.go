package stage_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// What a rule answers is what the caller gets, and nothing is carried out.
func TestAnswer(t *testing.T) {
	out := &ecr.CreateRepositoryOutput{Repository: &types.Repository{
		RepositoryName: aws.String("made-up"), RepositoryUri: aws.String("example.com/made-up"),
		CreatedAt:                  aws.Time(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)),
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true},
	}}
	faces.Each(t, func(t *testing.T, f faces.Face) {
		rule, second := scenarios.On("CreateRepository").First(2).Answer(out), scenarios.On("CreateRepository").First(2).Answer(&ecr.CreateRepositoryOutput{}).Optional()
		playing := f.Registry.Play(scenarios.Scenario{rule, second})
		for range 2 {
			answer := faces.Create(t, f, faces.App)
			id, found := awsmiddleware.GetRequestIDMetadata(answer.ResultMetadata)
			require.True(t, found)
			require.Equal(t, id, f.Registry.Trace()[f.Registry.Count("CreateRepository")-1].RequestID)
			require.Equal(t, out.Repository, answer.Repository)
			*answer.Repository.RepositoryName = "changed by its caller"
		}
		require.Equal(t, 2, playing.Fired(rule))
		require.Zero(t, playing.Fired(second), "the rule before it answers")
		require.Empty(t, faces.Repositories(t, f))
		// An input that ECR refuses by its form, it refuses still.
		playing.Stop()
		f.Registry.Play(scenarios.Scenario{rule})
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("Team")})
		require.True(t, faces.IsA[*types.InvalidParameterException](err), "%v", err)
		// So it does a caller who may not call.
		stranger := f.As("arn:aws:iam::123456789012:role/reader", `{"Statement":{"Effect":"Allow","Action":"ecr:Describe*","Resource":"*"}}`)
		_, err = stranger.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(faces.App)})
		var api smithy.APIError
		require.ErrorAs(t, err, &api)
		require.Equal(t, "AccessDeniedException", api.ErrorCode())
		require.Len(t, faces.Repositories(t, f), 0)
	})
}

// The answer of a scenario in JSON is what the wire has, but for flags, which the
// wire has whether they are set or not.
func TestAnswerAsOnTheWire(t *testing.T) {
	const answer = `{"imageScanFindings":{"enhancedFindings":[{"awsAccountId":"1","firstObservedAt":1700000000.25,` +
		`"packageVulnerabilityDetails":{"cvss":[{"baseScore":9.5,"scoringVector":"AV:N"}]},"score":7.5}],"findingSeverityCounts":{"HIGH":3,"LOW":1}},` +
		`"imageScanStatus":{"status":"ACTIVE"},"nextToken":"more","repositoryName":"team/app"}`
	scenario, err := scenarios.Parse([]byte(`{"rules":[{"on":"DescribeImageScanFindings","do":{"answer":` + answer + `}}]}`))
	require.NoError(t, err)
	server := fakeecr.NewServer(t, fakeecr.WithScenario(scenario))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(`{"repositoryName":"team/app","imageId":{"imageTag":"v1"}}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.DescribeImageScanFindings")
	response, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer response.Body.Close()
	var got json.RawMessage
	require.NoError(t, json.NewDecoder(response.Body).Decode(&got))
	require.JSONEq(t, answer, string(got))
}

// A repository is not there for a time after it was made, by whatever way; the others
// are.
func TestNotThereYet(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/old:v1", fakeecr.RandomImage(1, 100))
		f.Registry.Advance(2 * time.Hour)
		playing := f.Registry.Play(scenarios.NotThereYet("team/*", time.Hour))
		rule := playing.Rules()[0]
		f.Registry.MustPush("other/app:v1", fakeecr.RandomImage(1, 100))
		faces.Create(t, f, faces.App)
		name := aws.String(faces.App)
		calls := map[string]func() error{
			"read": func() error {
				_, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: name})
				return err
			},
			"write": func() error { _, err := f.Put(t, faces.App, fakeecr.RandomImage(1, 100), "v1"); return err },
			"upload": func() error {
				_, err := f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: name})
				return err
			},
			"by name": func() error {
				_, err := f.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/old", faces.App}})
				return err
			},
			"by ARN": func() error {
				_, err := f.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecr:us-east-1:123456789012:repository/" + faces.App)})
				return err
			},
		}
		for _, call := range calls {
			faces.RequireError[*types.RepositoryNotFoundException](t, call(), faces.AppNotFound)
		}
		require.Equal(t, len(calls), playing.Fired(rule))
		_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: name})
		require.True(t, faces.IsA[*types.RepositoryAlreadyExistsException](err), "%v", err)
		for _, there := range []string{"team/old", "other/app"} {
			require.Len(t, f.ImageIDs(t, there), 1)
		}
		require.Equal(t, len(calls), playing.Fired(rule))

		f.Registry.Advance(time.Hour)
		require.NoError(t, calls["read"]())
		require.NoError(t, calls["by name"]())
		require.Equal(t, len(calls), playing.Fired(rule))
	})
}
