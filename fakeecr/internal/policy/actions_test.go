package policy

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"
)

// An operation that a new SDK adds has to be added to the actions.
func TestActionsAreTheOperations(t *testing.T) {
	want := []string{"replicateimage", "batchimportupstreamimage", "getimagecopystatus"}
	client := reflect.TypeFor[*ecr.Client]()
	for i := range client.NumMethod() {
		if name := client.Method(i).Name; name != "Options" {
			want = append(want, strings.ToLower(name))
		}
	}
	require.ElementsMatch(t, want, ecrActions)
}

func TestActions(t *testing.T) {
	for _, test := range []struct {
		action                string
		identity, ecr, onlyV1 bool
	}{
		{"ecr:PutImage", true, true, false},
		{"ECR:putimage", true, true, false},
		{"ecr:*", true, true, false},
		{"*", true, true, false},
		{"ecr:Batch*", true, true, false},
		{"ecr:?utImage", true, true, false},
		{"ecr:ReplicateImage", true, true, true},
		{"ecr:replicate*", true, true, true},
		{"ecr:BatchImportUpstreamImage", true, true, true},
		{"ecr:CreateRepository", true, true, true},
		{"ecr:CreateRepository*", true, true, false}, // CreateRepositoryCreationTemplate
		{"ecr:InitiateLayerUpload", true, true, false},
		{"ecr:GetImageCopyStatus", true, true, false},
		{"ecr:PutImages", true, false, false},
		{"s3:GetObject", true, false, false},
		{"ecr-public:*", true, false, false},
		{"*:*", false, false, false},
		{"ec?:PutImage", false, false, false},
		{"PutImage", false, false, false},
		{"ecr:", false, false, false},
		{":PutImage", false, false, false},
		{"ecr:Put Image", false, false, false},
		{"", false, false, false},
	} {
		require.Equal(t, test.identity, checkAnyAction(test.action) == nil, test.action)
		require.Equal(t, test.ecr, checkECRAction(test.action) == nil, test.action)
		require.Equal(t, test.onlyV1, checkV1Action(test.action) == nil, test.action)
	}
}
