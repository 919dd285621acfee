package clients

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// A client of another service that was led here reads what it is told.
func TestOtherServices(t *testing.T) {
	server := fakeecr.NewServer(t)
	server.Setenv(t)
	loaded, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	_, err = ecrpublic.NewFromConfig(loaded).DescribeRegistries(t.Context(), nil)
	var refused smithy.APIError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "UnknownOperationException", refused.ErrorCode())
	require.Contains(t, refused.ErrorMessage(), "AWS_ENDPOINT_URL_ECR_PUBLIC")
}
