package wire

import (
	"errors"
	"net/http"

	"github.com/aws/smithy-go"
)

// WriteError returns the HTTP status and the body that tell a client of err. The first [smithy.APIError] in err's chain
// is what he is told, with all its members; an error without one is an InternalFailure with the error's text.
//
// The status is 500 for a fault of the server and 400 for all else, as ECR answers; an error in the chain with a method
// HTTPStatusCode() int overrides it with any status of an error (4xx, 5xx).
func WriteError(err error) (status int, body []byte) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		api = &smithy.GenericAPIError{Code: "InternalFailure", Message: err.Error(), Fault: smithy.FaultServer}
	}
	status = http.StatusBadRequest
	if api.ErrorFault() == smithy.FaultServer {
		status = http.StatusInternalServerError
	}
	var own interface{ HTTPStatusCode() int }
	if errors.As(err, &own) && 400 <= own.HTTPStatusCode() && own.HTTPStatusCode() < 600 {
		status = own.HTTPStatusCode()
	}
	return status, Write(failure{api}, nil)
}

// A failure writes an error as AWS JSON does: the bare name of its shape, then its members.
type failure struct{ smithy.APIError }

func (f failure) Serialize(s smithy.ShapeSerializer) {
	s.WriteMap(nil)
	s.WriteKey(nil, "__type")
	s.WriteString(nil, f.ErrorCode())
	if shape, ok := f.APIError.(interface {
		SerializeMembers(smithy.ShapeSerializer)
	}); ok {
		shape.SerializeMembers(s)
	} else {
		s.WriteKey(nil, "message")
		s.WriteString(nil, f.ErrorMessage())
	}
	s.CloseMap()
}
