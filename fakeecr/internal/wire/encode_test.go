package wire

import (
	"math"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

func TestWrite(t *testing.T) {
	at := func(ms int64) *ecr.RegisterPullTimeUpdateExclusionOutput {
		return &ecr.RegisterPullTimeUpdateExclusionOutput{CreatedAt: aws.Time(time.UnixMilli(ms))}
	}
	score := func(v float64) shape { return &types.CvssScore{BaseScore: v} }
	tests := []struct {
		name string
		out  shape
		want string
	}{
		{"time with milliseconds", at(1787109743563), `{"createdAt":1787109743.563}`},
		{"time with a tenth", at(1787109743500), `{"createdAt":1787109743.5}`},
		{"time with one millisecond", at(1448875853001), `{"createdAt":1448875853.001}`},
		{"time with a full second", at(1787109743000), `{"createdAt":1787109743}`},
		{"time far away", at(253402300799999), `{"createdAt":253402300799.999}`},
		{"time before 1970", at(-1500), `{"createdAt":-1.5}`},
		{"time in another zone, cut to milliseconds",
			&ecr.RegisterPullTimeUpdateExclusionOutput{CreatedAt: aws.Time(time.Unix(1787109743, 563999999).In(time.FixedZone("", 3600)))},
			`{"createdAt":1787109743.563}`},
		{"flags", &ecr.DescribeRepositoriesOutput{Repositories: []types.Repository{
			{ImageScanningConfiguration: &types.ImageScanningConfiguration{}}, {RepositoryName: aws.String("a"), ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true}}}},
			`{"repositories":[{"imageScanningConfiguration":{"scanOnPush":false}},{"imageScanningConfiguration":{"scanOnPush":true},"repositoryName":"a"}]}`},
		{"nil lists", &ecr.BatchGetImageOutput{}, `{}`},
		{"empty lists", &ecr.BatchGetImageOutput{Failures: []types.ImageFailure{}, Images: []types.Image{}}, `{"failures":[],"images":[]}`},
		{"empty structure", &ecr.DescribeRegistryOutput{ReplicationConfiguration: &types.ReplicationConfiguration{Rules: []types.ReplicationRule{}}},
			`{"replicationConfiguration":{"rules":[]}}`},
		{"empty structures in a list", &ecr.BatchDeleteImageOutput{ImageIds: []types.ImageIdentifier{{}, {}}}, `{"imageIds":[{},{}]}`},
		{"tags", &ecr.ListTagsForResourceOutput{Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("")}}}, `{"tags":[{"Key":"a","Value":""}]}`},
		{"map", &types.ImageScanFindingsSummary{FindingSeverityCounts: map[string]int32{"HIGH": 2}}, `{"findingSeverityCounts":{"HIGH":2}}`},
		{"empty map", &types.ImageScanFindingsSummary{FindingSeverityCounts: map[string]int32{}}, `{"findingSeverityCounts":{}}`},
		{"a member after a structure", &types.ImageFailure{FailureCode: "a", ImageId: &types.ImageIdentifier{}, FailureReason: aws.String("b")},
			`{"failureCode":"a","failureReason":"b","imageId":{}}`},
		{"score", score(9.8), `{"baseScore":9.8}`},
		{"small score", score(1e-7), `{"baseScore":0.0000001}`},
		{"no score", score(math.NaN()), `{"baseScore":"NaN"}`},
		{"endless score", score(math.Inf(-1)), `{"baseScore":"-Infinity"}`},
		{"string that is not UTF-8", &types.ImageIdentifier{ImageTag: aws.String("a\xff\"")}, `{"imageTag":"a` + "\uFFFD" + `\""}`},
		{"string with quotes", &types.ImageIdentifier{ImageTag: aws.String("\"\\\n\r\t\x00\x1fé<")}, `{"imageTag":"\"\\\n\r\t\u0000\u001fé<"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, string(Write(test.out, nil)))
		})
	}
}
