package wire

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"
)

// A refusal with a status of its own.
type teapot struct {
	smithy.GenericAPIError
	status int
}

func (t *teapot) HTTPStatusCode() int { return t.status }

func TestWriteError(t *testing.T) {
	generic := func(code string, fault smithy.ErrorFault) error {
		return &smithy.GenericAPIError{Code: code, Message: "m", Fault: fault}
	}
	notFound := &types.RepositoryNotFoundException{Message: aws.String("no 'a'")}
	tests := []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"of the model", notFound, 400, `{"__type":"RepositoryNotFoundException","message":"no 'a'"}`},
		{"of the model without a message", &types.RepositoryNotFoundException{}, 400, `{"__type":"RepositoryNotFoundException"}`},
		{"of the model, the server's", &types.ServerException{Message: aws.String("m")}, 500, `{"__type":"ServerException","message":"m"}`},
		{"with members", &types.InvalidLayerPartException{
			LastValidByteReceived: aws.Int64(9), Message: aws.String("m"), RegistryId: aws.String("123456789012"), UploadId: aws.String("u"),
		}, 400, `{"__type":"InvalidLayerPartException","lastValidByteReceived":9,"message":"m","registryId":"123456789012","uploadId":"u"}`},
		{"with a KMS code", &types.KmsException{KmsError: aws.String("k"), Message: aws.String("m")}, 400, `{"__type":"KmsException","kmsError":"k","message":"m"}`},
		{"under another code", &types.KmsException{ErrorCodeOverride: aws.String("Other")}, 400, `{"__type":"Other"}`},
		{"generic", generic("ThrottlingException", smithy.FaultClient), 400, `{"__type":"ThrottlingException","message":"m"}`},
		{"generic without a fault", generic("AccessDeniedException", smithy.FaultUnknown), 400, `{"__type":"AccessDeniedException","message":"m"}`},
		{"generic, the server's", generic("ServiceUnavailable", smithy.FaultServer), 500, `{"__type":"ServiceUnavailable","message":"m"}`},
		{"generic without a message", &smithy.GenericAPIError{Code: "a"}, 400, `{"__type":"a","message":""}`},
		{"wrapped", fmt.Errorf("push: %w", notFound), 400, `{"__type":"RepositoryNotFoundException","message":"no 'a'"}`},
		{"with a status", &teapot{smithy.GenericAPIError{Code: "Teapot", Message: "m"}, 418}, 418, `{"__type":"Teapot","message":"m"}`},
		{"with a status, wrapped", fmt.Errorf("w: %w", &teapot{smithy.GenericAPIError{Code: "Teapot", Message: "m"}, 503}), 503, `{"__type":"Teapot","message":"m"}`},
		{"with the status of a success", &teapot{smithy.GenericAPIError{Code: "Teapot"}, 200}, 400, `{"__type":"Teapot","message":""}`},
		{"in the client's response", &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 503}}, Err: notFound,
		}, 503, `{"__type":"RepositoryNotFoundException","message":"no 'a'"}`},
		{"in an empty response", &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{}}, Err: notFound}, 400, `{"__type":"RepositoryNotFoundException","message":"no 'a'"}`},
		{"of no API", errors.New(`disk "full"`), 500, `{"__type":"InternalFailure","message":"disk \"full\""}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, body := WriteError(test.err)
			require.Equal(t, test.status, status)
			require.Equal(t, test.body, string(body))
		})
	}
}
