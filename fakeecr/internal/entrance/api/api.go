// Package api is the JSON API of ECR at POST /.
package api

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"

	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/overlay"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/fakeecr/internal/wire"
)

// Path is where the API is served.
const Path = "/"

// RequestIDHeader names the header with an answer's request id.
const RequestIDHeader = "X-Amzn-Requestid"

// Serve answers a request of the API; an error means that there is no answer.
func Serve(s *stage.Stage, req *exchange.Request) (*exchange.Answer, error) {
	target := req.Header.Get("X-Amz-Target")
	name, ours := strings.CutPrefix(target, wire.TargetPrefix)
	op, found := stage.Operations[name]
	if !ours || !found {
		unknown := &smithy.GenericAPIError{Code: "UnknownOperationException", Message: fmt.Sprintf("ECR has no operation %q", target)}
		return Refusal(s.World.NewID(), unknown), nil
	}
	call := s.NewCall(name, req.Caller, req.Face)
	call.Tx.Origin, call.Tx.Downloads = req.Origin, req.Downloads
	call.Tx.HandsOver = true
	call.Polls = IsWaiter(req.UserAgent())
	input := op.NewInput()
	call.Tx.InputOverlay = overlay.Of(input)
	if call.Unreadable = wire.Read(req.Content, req.ContentLength, input, call.Tx.InputOverlay); call.Unreadable == nil {
		call.Input = input
	}
	call.Unauthenticated = req.Authenticate()
	out, err := s.Do(req.Context(), call)
	if stage.Unanswered(req.Context(), err) {
		s.Lose(call)
		return nil, err
	}
	return Answer(call, out, err).On(s, req.Request, call), nil
}

// Answer is the answer to a call.
func Answer(call *dispatch.Call, out any, err error) *exchange.Answer {
	if bare, is := exchange.Bare(err); is {
		return bare
	}
	if err != nil {
		return Refusal(call.Record.RequestID, err)
	}
	body := []byte("{}")
	if v := reflect.ValueOf(out); !v.IsNil() {
		body = wire.Write(out.(smithy.Serializable), call.Tx.OutputOverlay)
	}
	answer := exchange.New(http.StatusOK, wire.ContentType, body)
	answer.Header.Set(RequestIDHeader, call.Record.RequestID)
	return answer
}

// notServed is the refusal of a request that is none of the API.
type notServed struct {
	smithy.GenericAPIError
	status int
}

// HTTPStatusCode is the status of the answer.
func (n *notServed) HTTPStatusCode() int { return n.status }

// NotServed is the answer to a request that no endpoint serves, for the client
// of the API that it may come from: it says where the API is.
func NotServed(s *stage.Stage, req *http.Request) *exchange.Answer {
	refused := &notServed{status: http.StatusNotFound}
	refused.Code = "UnknownOperationException"
	if req.URL.Path == Path {
		refused.status, refused.Code = http.StatusMethodNotAllowed, "MethodNotAllowedException"
	}
	refused.Message = fmt.Sprintf("fakeecr does not serve %s %s. The API of ECR is at POST %s, so that the URL of an endpoint ends with its host; the endpoint of registry clients is at /v2/, and layers are at the URLs of GetDownloadUrlForLayer.",
		req.Method, req.URL.Path, Path)
	answer := Refusal(s.World.NewID(), refused)
	if req.URL.Path == Path {
		answer.Header.Set("Allow", "OPTIONS, POST")
	}
	return answer
}

// Refusal is the answer to a call that failed.
func Refusal(requestID string, err error) *exchange.Answer {
	status, body := wire.WriteError(err)
	answer := exchange.New(status, wire.ContentType, body)
	answer.Header.Set(RequestIDHeader, requestID)
	return answer
}
