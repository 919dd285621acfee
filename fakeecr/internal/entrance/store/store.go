// Package store is the store behind the download URLs of layers, which answers
// as S3 does.
package store

import (
	"bytes"
	"encoding/xml"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/fakeecr/internal/wire"
	"github.com/fakeecr/ecr/scenarios"
)

const requestIDHeader = "X-Amz-Request-Id"

// Serve answers a request of a download URL, without credentials: who may be by says
// no more than the name of an actor. At S3's own host others than the URL's are
// refused, as S3 does; elsewhere they may be those of the registry, which clients keep
// on one host. Where the OCI distribution spec is to be followed the digest is told, as
// S3 does not. An error means that there is no answer.
func Serve(s *stage.Stage, by stage.Caller, req *http.Request, ownHost, spec bool) (*exchange.Answer, error) {
	place, in, err := registry.ParseDownload(req.URL.Path)
	if err == nil && req.Method != http.MethodGet && req.Method != http.MethodHead {
		err = &registry.DownloadError{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed",
			Message: "The specified method is not allowed against this resource."}
	}
	if err != nil {
		return refusal(s.World.NewID(), err), nil
	}
	etag := `"` + strings.TrimPrefix(*in.LayerDigest, "sha256:") + `"`
	span, unless := req.Header.Get("Range"), req.Header.Get("If-Range")
	if span != "" && (unless == "" || unless == etag) {
		in.Range = aws.String(span)
	}
	call := s.NewCall(scenarios.DownloadLayer, by.As(stage.Own(place)), scenarios.FaceAPI)
	call.Input = in
	if authorization := req.Header.Get("Authorization"); ownHost && authorization != "" {
		call.Unauthenticated = registry.SecondAuth(authorization)
	}
	content, err := s.Download(req.Context(), call, req.URL)
	switch {
	case stage.Unanswered(req.Context(), err):
		s.Lose(call)
		return nil, err
	case err != nil:
		return refusal(call.Record.RequestID, err).On(s, req, call), nil
	}
	answer := exchange.New(http.StatusOK, "application/octet-stream", nil)
	answer.Content, answer.Range = content, content.Range
	answer.Header.Set("ETag", etag)
	answer.Header.Set(requestIDHeader, call.Record.RequestID)
	if spec {
		answer.Header.Set("Docker-Content-Digest", *in.LayerDigest)
	}
	answer.On(s, req, call)
	s.End(call)
	return answer, nil
}

// errorBody is the form of S3's errors.
type errorBody struct {
	XMLName          xml.Name `xml:"Error"`
	Code             string
	Message          string
	ArgumentName     string `xml:",omitempty"`
	ArgumentValue    string `xml:",omitempty"`
	RangeRequested   string `xml:",omitempty"`
	ActualObjectSize int64  `xml:",omitempty"`
	RequestID        string `xml:"RequestId"`
}

// owns are the errors of ECR that S3 has words of its own for:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
var owns = map[string]struct {
	status        int
	code, message string
}{
	"ThrottlingException": {http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."},
	"ServerException":     {http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again."},
}

func refusal(requestID string, err error) *exchange.Answer {
	if bare, is := exchange.Bare(err); is {
		return bare
	}
	status, _ := wire.WriteError(err)
	said := errorBody{Code: "InternalError", Message: err.Error(), RequestID: requestID}
	var refused *registry.DownloadError
	var api smithy.APIError
	switch {
	case errors.As(err, &refused):
		status = refused.Status
		said.Code, said.Message = refused.Code, refused.Message
		said.ArgumentName, said.ArgumentValue = refused.ArgumentName, refused.ArgumentValue
		said.RangeRequested, said.ActualObjectSize = refused.RangeRequested, refused.ActualObjectSize
	case errors.As(err, &api):
		said.Code, said.Message = api.ErrorCode(), api.ErrorMessage()
		if own, found := owns[said.Code]; found {
			status, said.Code, said.Message = own.status, own.code, own.message
		}
	}
	var body bytes.Buffer
	body.WriteString(xml.Header)
	xml.NewEncoder(&body).Encode(said) // a buffer takes everything
	answer := exchange.New(status, "application/xml", body.Bytes())
	answer.Header.Set(requestIDHeader, requestID)
	return answer
}
