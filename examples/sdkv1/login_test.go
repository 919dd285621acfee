package login_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/client"
	"github.com/aws/aws-sdk-go/aws/request"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/ecr"
	"github.com/stretchr/testify/require"

	login "github.com/fakeecr/ecr/examples/sdkv1"
	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// connect makes a client as production does, and tells it the endpoint: of all that
// Setenv says, this is what the SDK v1 does not read.
func connect(t *testing.T, server *fakeecr.Server) *ecr.ECR {
	server.Setenv(t)
	config := aws.NewConfig().WithEndpoint(server.URL)
	// The production back-off would do as well; this one does not keep you waiting.
	config = request.WithRetryer(config, client.DefaultRetryer{
		NumMaxRetries:    3,
		MinThrottleDelay: time.Millisecond,
		MaxThrottleDelay: 10 * time.Millisecond,
	})
	return ecr.New(session.Must(session.NewSession()), config)
}

func TestLogin(t *testing.T) {
	server := fakeecr.NewServer(t)
	credentials, err := login.To(connect(t, server))
	require.NoError(t, err)
	require.Equal(t, "https://123456789012.dkr.ecr.us-east-1.amazonaws.com", credentials.Registry)
	require.Equal(t, "AWS", credentials.User)
	require.NotEmpty(t, credentials.Password)
}

// Code that makes its own client, and cannot be told an endpoint, calls ECR by its name
// with Go's default client. That is the whole process's, so the test is not parallel.
func TestLoginWithoutAnEndpoint(t *testing.T) {
	server := fakeecr.NewServer(t)
	server.Setenv(t)              // region and keys
	t.Setenv("AWS_CA_BUNDLE", "") // with one the SDK takes no transport but net/http's
	network := http.DefaultClient.Transport
	http.DefaultClient.Transport = server.Transport()
	t.Cleanup(func() { http.DefaultClient.Transport = network })

	credentials, err := login.To(ecr.New(session.Must(session.NewSession())))
	require.NoError(t, err)
	require.Equal(t, "https://123456789012.dkr.ecr.us-east-1.amazonaws.com", credentials.Registry)
	require.Equal(t, 1, server.Count("GetAuthorizationToken"))
}

func TestLoginIsThrottled(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithScenario(scenarios.Throttle("GetAuthorizationToken", 2)))
	_, err := login.To(connect(t, server))
	require.NoError(t, err)
	require.Equal(t, 3, server.Count("GetAuthorizationToken"))
}

func TestLoginIsRefused(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithScenario(scenarios.CredentialsExpired(0)))
	_, err := login.To(connect(t, server))
	var refused awserr.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "ExpiredTokenException", refused.Code())
}
