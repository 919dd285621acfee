package api

import (
	"encoding/json"
	"net/http"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/fakeecr/internal/wire"
	"github.com/fakeecr/ecr/scenarios"
)

// PublicName is that of ECR Public in signatures.
const PublicName = "ecr-public"

// publicLogin is the X-Amz-Target of what is answered of ECR Public.
const publicLogin = "SpencerFrontendService.GetAuthorizationToken"

// IsPublic tells whether a request asks ECR Public for a token.
func IsPublic(req *http.Request) bool {
	return req.Method == http.MethodPost && req.URL.Path == Path && req.Header.Get("X-Amz-Target") == publicLogin
}

// ServePublic answers a request for a token of ECR Public, which has no input; an error
// means that there is no answer.
func ServePublic(s *stage.Stage, req *exchange.Request) (*exchange.Answer, error) {
	call := s.NewCall(scenarios.GetPublicAuthorizationToken, req.Caller, req.Face)
	call.Input = new(scenarios.GetPublicAuthorizationTokenInput)
	call.Unauthenticated = req.Authenticate()
	out, err := s.Identify(req.Context(), call)
	if stage.Unanswered(req.Context(), err) {
		s.Lose(call)
		return nil, err
	}
	return publicAnswer(call.Record.RequestID, out, err).On(s, req.Request, call), nil
}

func publicAnswer(requestID string, out any, err error) *exchange.Answer {
	if bare, is := exchange.Bare(err); is {
		return bare
	}
	if err != nil {
		return Refusal(requestID, err)
	}
	body, err := json.Marshal(publicBody(out.(*scenarios.GetPublicAuthorizationTokenOutput)))
	if err != nil {
		return Refusal(requestID, err)
	}
	answer := exchange.New(http.StatusOK, wire.ContentType, body)
	answer.Header.Set(RequestIDHeader, requestID)
	return answer
}

// publicBody is an output by the service's names, its time in seconds.
func publicBody(out *scenarios.GetPublicAuthorizationTokenOutput) any {
	type data struct {
		Token   *string  `json:"authorizationToken,omitempty"`
		Expires *float64 `json:"expiresAt,omitempty"`
	}
	var body struct {
		Data *data `json:"authorizationData,omitempty"`
	}
	if out != nil && out.AuthorizationData != nil {
		body.Data = &data{Token: out.AuthorizationData.AuthorizationToken}
		if at := out.AuthorizationData.ExpiresAt; at != nil {
			seconds := float64(at.UnixMilli()) / 1000
			body.Data.Expires = &seconds
		}
	}
	return body
}
