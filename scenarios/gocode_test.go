package scenarios_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

// A rule is printed in Go as it is written here.
func TestRulesAreGo(t *testing.T) {
	for want, rule := range map[string]*scenarios.Rule{
		`scenarios.On("PutImage", scenarios.Same("PutImage 1/eu-west-1")).Nth(2).Drop()`: scenarios.On("PutImage", scenarios.Same("PutImage 1/eu-west-1")).Nth(2).Drop(),
		`scenarios.On("*", scenarios.While("")).Or("reads").Fail(scenarios.ErrConnectionRefused).Then("gone").Named("n").Optional()`: scenarios.On("*", scenarios.While("")).Or("reads").
			Fail(scenarios.ErrConnectionRefused).Then("gone").Named("n").Optional(),
		`scenarios.On("reads", scenarios.Repository("team/*"), scenarios.Through("API")).After(1).First(6).Every(3).Between(0, time.Hour).For(90*time.Second).Sometimes(0.5).StaleBy(1)`: scenarios.On(scenarios.Reads, scenarios.Repository("team/*"), scenarios.Through(scenarios.FaceAPI)).
			After(1).First(6).Every(3).Between(0, time.Hour).For(90 * time.Second).Sometimes(0.5).StaleBy(1),
		`scenarios.On("PutImage").Delay(time.Minute).Hold().Together(2).Sequence(nil, scenarios.Throttled()).Twice()`: scenarios.On("PutImage").Delay(time.Minute).Hold().Together(2).Sequence(nil, scenarios.Throttled()).Twice(),
		`scenarios.On("ListImages").AtMost(0.5, 3)`:    scenarios.On("ListImages").AtMost(0.5, 3),
		`scenarios.On("*").NotThereFor(5*time.Second)`: scenarios.On(scenarios.Any).NotThereFor(5 * time.Second),
		`scenarios.On("ListImages").Answer(&ecr.ListImagesOutput{ImageIds: []types.ImageIdentifier{types.ImageIdentifier{ImageTag: aws.String("v1")}}})`: scenarios.On("ListImages").
			Answer(&ecr.ListImagesOutput{ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}}),
		`scenarios.On("DescribeRepositories").Answer(&ecr.DescribeRepositoriesOutput{Repositories: []types.Repository{types.Repository{CreatedAt: aws.Time(time.UnixMilli(1500).UTC()), ImageTagMutability: "MUTABLE"}}})`: scenarios.On("DescribeRepositories").
			Answer(&ecr.DescribeRepositoriesOutput{Repositories: []types.Repository{{CreatedAt: aws.Time(time.UnixMilli(1500)), ImageTagMutability: "MUTABLE"}}}),
		`scenarios.On("ListImages").Frozen().ShortPage(1).Stall(1500*time.Millisecond).Trickle(9).CutAfter(0)`: scenarios.On("ListImages").Frozen().ShortPage(1).Stall(1500 * time.Millisecond).Trickle(9).CutAfter(0),
		`scenarios.On("ListImages").Stale(time.Second).EmptyPage().ResetAfter(7)`:                              scenarios.On("ListImages").Stale(time.Second).EmptyPage().ResetAfter(7),
		`scenarios.On("DownloadLayer").Flip(0).Keep(3)`:                                                        scenarios.On("DownloadLayer").Flip(0).Keep(3),
		`scenarios.On("BatchGetImage").FailItem(1, "KmsError", "no").Reserialise()`:                            scenarios.On("BatchGetImage").FailItem(1, "KmsError", "no").Reserialise(),
		`scenarios.On("UploadLayerPart").Fail(&types.InvalidLayerPartException{UploadId: aws.String("u"), LastValidByteReceived: aws.Int64(7)}).Garble(0)`: scenarios.On("UploadLayerPart").
			Fail(&types.InvalidLayerPartException{LastValidByteReceived: aws.Int64(7), UploadId: aws.String("u")}).Garble(0),
		`scenarios.On("PutImage").Fail(&smithy.GenericAPIError{Code: "Odd", Message: "no", Fault: 2})`: scenarios.On("PutImage").Fail(&smithy.GenericAPIError{Code: "Odd", Message: "no", Fault: smithy.FaultClient}),
		`scenarios.On("PutImage").Fail(&scenarios.Response{Status: 503, Body: "<html>"})`:              scenarios.On("PutImage").Fail(&scenarios.Response{Status: 503, Body: "<html>"}),
		`scenarios.On("PutImage").Fail(errors.New("no"))`:                                              scenarios.On("PutImage").Fail(errors.New("no")),
	} {
		require.NoError(t, rule.Check())
		require.Equal(t, want, fmt.Sprintf("%#v", rule))
	}
	require.Equal(t, "scenarios.Scenario{\n\tscenarios.On(\"PutImage\").Drop(),\n}.Within(3)", fmt.Sprintf("%#v", scenarios.Scenario{scenarios.On("PutImage").Drop()}.Within(3)))
}
