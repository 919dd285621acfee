package faces

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// Day is how often lifecycle policies run.
const Day = 24 * time.Hour

// LifecycleText is a policy with white space between its tokens, long enough for
// ECR's minimum.
func LifecycleText(rules ...string) string {
	return `{ "rules" : [ ` + strings.Join(rules, " , ") + " ] }"
}

// Expiring is a rule that expires what a selection says.
func Expiring(priority int, selection string) string {
	return LifecycleRule(priority, selection, `"type":"expire"`)
}

// LifecycleRule is a rule for what a selection says.
func LifecycleRule(priority int, selection, action string) string {
	return fmt.Sprintf(`{"rulePriority":%d,"description":"a rule of a test","selection":{%s},"action":{%s}}`, priority, selection, action)
}

// TaggedImages selects images that were pushed more than a day ago with a tag of a prefix.
func TaggedImages(prefix string) string {
	return `"tagStatus":"tagged","tagPrefixList":["` + prefix + `"],"countType":"sinceImagePushed","countUnit":"days","countNumber":1`
}

// PutLifecycle gives a repository a policy of these rules.
func PutLifecycle(t *testing.T, f fakeecr.API, repository string, rules ...string) {
	t.Helper()
	_, err := f.PutLifecyclePolicy(t.Context(), &ecr.PutLifecyclePolicyInput{
		RepositoryName: &repository, LifecyclePolicyText: aws.String(LifecycleText(rules...)),
	})
	require.NoError(t, err)
}

// StartPreview starts a preview for App, and answers the text of its policy.
func StartPreview(t *testing.T, f fakeecr.API, rules ...string) string {
	t.Helper()
	text := LifecycleText(rules...)
	out, err := f.StartLifecyclePolicyPreview(t.Context(), &ecr.StartLifecyclePolicyPreviewInput{
		RepositoryName: aws.String("team/app"), LifecyclePolicyText: &text,
	})
	require.NoError(t, err)
	require.Equal(t, types.LifecyclePolicyPreviewStatusInProgress, out.Status)
	require.Equal(t, text, *out.LifecyclePolicyText, "not compact")
	require.Equal(t, "123456789012", *out.RegistryId)
	require.Equal(t, "team/app", *out.RepositoryName)
	return text
}

// GetPreview asks for the preview for App.
func GetPreview(t *testing.T, f fakeecr.API, in ecr.GetLifecyclePolicyPreviewInput) *ecr.GetLifecyclePolicyPreviewOutput {
	t.Helper()
	in.RepositoryName = aws.String("team/app")
	out, err := f.GetLifecyclePolicyPreview(t.Context(), &in)
	require.NoError(t, err)
	require.NotNil(t, out.PreviewResults)
	return out
}
