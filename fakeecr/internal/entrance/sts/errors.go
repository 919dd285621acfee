package sts

import (
	"encoding/xml"
	"errors"
	"net/http"

	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/wire"
)

// codesOfSTS are the codes that STS has for what services with JSON call otherwise:
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html.
var codesOfSTS = map[string]string{
	"AccessDeniedException":               "AccessDenied",
	"ExpiredTokenException":               "ExpiredToken",
	"IncompleteSignatureException":        "IncompleteSignature",
	"InvalidSignatureException":           "SignatureDoesNotMatch",
	"MissingAuthenticationTokenException": "MissingAuthenticationToken",
	"ServerException":                     "InternalFailure",
	"ThrottlingException":                 "Throttling",
	"UnrecognizedClientException":         "InvalidClientTokenId",
}

// statuses are those of codes that have another than that of their fault.
var statuses = map[string]int{
	"AccessDenied":               http.StatusForbidden,
	"ExpiredToken":               http.StatusForbidden,
	"InvalidClientTokenId":       http.StatusForbidden,
	"MissingAuthenticationToken": http.StatusForbidden,
	"SignatureDoesNotMatch":      http.StatusForbidden,
	"ServiceUnavailable":         http.StatusServiceUnavailable,
}

// bySTS is an error by STS's code.
func bySTS(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	code, found := codesOfSTS[api.ErrorCode()]
	if !found {
		return err
	}
	return &smithy.GenericAPIError{Code: code, Message: api.ErrorMessage(), Fault: api.ErrorFault()}
}

// errorBody is the form of STS's errors.
type errorBody struct {
	Type    string
	Code    string
	Message string
}

// refusal is the answer to a call that failed.
func refusal(requestID string, err error) *exchange.Answer {
	status, _ := wire.WriteError(err)
	said := errorBody{Type: "Sender", Code: "InternalFailure", Message: err.Error()}
	var api smithy.APIError
	if errors.As(bySTS(err), &api) {
		said.Code, said.Message = api.ErrorCode(), api.ErrorMessage()
	}
	if other, found := statuses[said.Code]; found {
		status = other
	}
	if status >= http.StatusInternalServerError {
		said.Type = "Receiver"
	}
	return write(status, requestID, "ErrorResponse", func(e *xml.Encoder) error {
		if err := e.EncodeElement(said, element("Error")); err != nil {
			return err
		}
		return e.EncodeElement(requestID, element("RequestId"))
	})
}
