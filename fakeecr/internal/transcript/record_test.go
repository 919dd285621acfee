package transcript_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/transcript"
	"github.com/fakeecr/ecr/scenarios"
)

// recorded is a text as it is answered.
func recorded(t *testing.T, p *transcript.Player, text string, ask func(where, text string) bool) (string, *transcript.Recorder) {
	t.Helper()
	file, err := transcript.Parse("statements.txt", text)
	require.NoError(t, err)
	var results []*transcript.Result
	for _, statement := range file.Transcripts {
		results = append(results, p.Play(t.Context(), statement))
	}
	all, err := transcript.All()
	require.NoError(t, err)
	r := transcript.NewRecorder(append(all, file), "ECR in us-east-1", "2026-11-29")
	r.Ask = ask
	return r.File(file, results), r
}

func TestRecord(t *testing.T) {
	const claimed = `# Nothing of this is so.
# chosen: a reason
# Prose stays.
> CreateRepository {"repositoryName": "$repo"}
< {"repository": {"repositoryName": "$repo", "createdAt": "<time>", "imageTagMutability": "IMMUTABLE", "more": 5, ...}}
> InitiateLayerUpload {"repositoryName": "$repo"}
< {"uploadId": "$upload", "partSize": 5}
> UploadLayerPart {"repositoryName": "$repo", "uploadId": "$upload", "partFirstByte": 3, "partLastByte": 8, "layerPartBlob": "$blob1"}
< 400 InvalidLayerPartException | {"registryId": "$account"}
> push $repo:v1 image1
> BatchGetImage {"repositoryName": "$repo", "imageIds": [{"imageTag": "v1"}, {"imageTag": "v2"}]}
< {"images": [{"imageId": {"imageDigest": "$image2"}, ...}], "failures": []}
> GET /v2/$repo/manifests/v1
< 404
<? no Content-Type
<? Docker-Distribution-Api-Version: <any>
< Docker-Content-Digest: $image1
> GET /v2/$repo/manifests/v2
< Docker-Content-Digest: $image1
> GET /v2/
> Authorization:
< 401 "Go away\n"

# This one holds.
# documented: a page
> DescribeRegistry
< {"registryId": "$account", ...}

# This one was recorded, but for its message.
# recorded: a paste
> DescribeRepositories {"repositoryNames": ["$repo"]}
<? 400 RepositoryNotFoundException "The repository with name '$repo' does not exist in the registry with id '$account'"

# This one stays as it is.
# recorded: a paste
> DescribeRepositories {"repositoryNames": ["$repo"]}
< 400 RepositoryNotFoundException
`
	var asked []string
	written, _ := recorded(t, transcriptFaces["loopback"](t), claimed, func(where, text string) bool {
		asked = append(asked, where+": "+text)
		return true
	})
	require.Equal(t, strings.NewReplacer(
		"# chosen: a reason", "# recorded: ECR in us-east-1, 2026-11-29; it was chosen: a reason",
		`"imageTagMutability": "IMMUTABLE", "more": 5, ...`, `"imageTagMutability": "MUTABLE", ...`,
		`"partSize": 5`, `"partSize": 10485760`,
		`InvalidLayerPartException | {"registryId": "$account"}`, `InvalidLayerPartException "First byte of the layer part is 3 instead of 0" | {"registryId": "$account", "repositoryName": "$repo", "uploadId": "$upload"}`,
		`"imageDigest": "$image2"}, ...}], "failures": []`, `"imageDigest": "$image1", "imageTag": "v1"}, ...}], "failures": [{"failureCode": "ImageNotFound", "failureReason": "Requested image not found", "imageId": {"imageTag": "v2"}}]`,
		"< 404\n<? no Content-Type\n<? Docker-Distribution-Api-Version: <any>\n< Docker-Content-Digest: $image1", "< 200\n< Content-Type: $image1.type\n< Docker-Distribution-Api-Version: <any>\n< no Docker-Content-Digest",
		"manifests/v2\n< Docker-Content-Digest: $image1", "manifests/v2\n< 404\n< no Docker-Content-Digest",
		`"Go away\n"`, `"Not Authorized\n"`,
		"# documented: a page", "# recorded: ECR in us-east-1, 2026-11-29; it was documented: a page",
		"# recorded: a paste\n> DescribeRepositories {\"repositoryNames\": [\"$repo\"]}\n<?", "# recorded: ECR in us-east-1, 2026-11-29; it was recorded: a paste\n> DescribeRepositories {\"repositoryNames\": [\"$repo\"]}\n<",
	).Replace(claimed), strings.ReplaceAll(written, "application/vnd.oci.image.manifest.v1+json", "$image1.type"))
	require.Contains(t, asked, "message: First byte of the layer part is 3 instead of 0")

	again, _ := recorded(t, transcriptFaces["loopback"](t), written, nil)
	require.Equal(t, written, again, "what was recorded holds")

	silent, r := recorded(t, transcriptFaces["loopback"](t), claimed, nil)
	require.Contains(t, silent, `< 400 InvalidLayerPartException "<any>" | {`)
	require.Contains(t, r.Withheld, "First byte of the layer part is 3 instead of 0")
}

// What is somebody's is never written unseen.
func TestRecordsNothingOfOthers(t *testing.T) {
	const claimed = `# There are no repositories.
# chosen: a reason
> DescribeRepositories
< {"repositories": []}

# There is no such repository.
# chosen: a reason
> DescribeImages {"repositoryName": "$repo"}
< 400 RepositoryNotFoundException "It is not there"
`
	secrets := []string{"hush/project", "hush-value", "210987654321", "hushed", "HUSH-KEY", "HushException", "AKIAHUSH"}
	p := transcriptFaces["loopback"](t, fakeecr.WithScenario(scenarios.Scenario{
		scenarios.On("DescribeImages").Fail(&types.RepositoryNotFoundException{Message: aws.String("hush-value of 210987654321 by arn:aws:iam::210987654321:role/hushed with AKIAHUSH")}),
		scenarios.On("DescribeRepositories").With(scenarios.Around(func(ctx context.Context, in *ecr.DescribeRepositoriesInput, next func(context.Context, *ecr.DescribeRepositoriesInput) (*ecr.DescribeRepositoriesOutput, error)) (*ecr.DescribeRepositoriesOutput, error) {
			return &ecr.DescribeRepositoriesOutput{NextToken: aws.String("hush-value"), Repositories: []types.Repository{{
				RepositoryName: aws.String("hush/project"), RegistryId: aws.String("210987654321"),
				EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: "HUSH-KEY", KmsKey: aws.String("arn:aws:kms:us-east-1:210987654321:key/hushed")},
			}}}, nil
		})),
	}))
	written, r := recorded(t, p, claimed, nil)
	for _, secret := range secrets {
		require.NotContains(t, written, secret)
	}
	require.Contains(t, written, `"repositoryName": "<any>"`)
	require.NotEmpty(t, r.Withheld)
	for _, text := range r.Withheld {
		require.NotContains(t, text, "role/hushed", "a caller is <caller> before it is shown")
	}
}
