package faces

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// Principals of the default account, the first of whom calls where a test names none,
// what begins the ARNs of its repositories, and the same of another account.
const (
	Caller   = "arn:aws:iam::123456789012:user/fakeecr"
	Alice    = "arn:aws:iam::123456789012:user/alice"
	Deployer = "arn:aws:sts::123456789012:assumed-role/deployer/ci"
	OwnARN   = "arn:aws:ecr:us-east-1:123456789012:repository/"
	Other    = "210987654321"
	OtherARN = "arn:aws:ecr:us-east-1:210987654321:repository/"
)

// AllowAll is a statement of a resource's policy.
const AllowAll = `{"Effect":"Allow","Principal":"*","Action":"ecr:*"}`

// Statements is a policy of these statements.
func Statements(list ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",") + `]}`
}

// NotAllowed is the refusal of what no policy of a kind allows.
func NotAllowed(principal, action, resource, kind string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: ecr:%s on resource: %s because no %s policy allows the ecr:%s action", principal, action, resource, kind, action)
}

// Identity is an identity policy of one statement.
func Identity(effect, action, resource string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":%q,"Action":%q,"Resource":%q}}`, effect, action, resource)
}

// SetPolicy gives a repository a policy.
func SetPolicy(t *testing.T, api fakeecr.API, repository, text string) {
	t.Helper()
	_, err := api.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: &repository, PolicyText: &text})
	require.NoError(t, err)
}

// Developer is who has an access key of AWS, as code brings one along.
var Developer = aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

// SignedBy has a call signed with credentials.
func SignedBy(credentials aws.Credentials) func(*ecr.Options) {
	return func(o *ecr.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
	}
}

// RequireDenied holds that a call was refused by authorization, with IAM's words.
func RequireDenied(t *testing.T, err error, message string) {
	t.Helper()
	exception := RequireError[*smithy.GenericAPIError](t, err, message)
	require.Equal(t, "AccessDeniedException", exception.Code)
	var response *smithyhttp.ResponseError
	require.ErrorAs(t, err, &response)
	require.Equal(t, http.StatusBadRequest, response.HTTPStatusCode())
}
