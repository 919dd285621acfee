package oci

import (
	"net/http"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// request is a request and what it is about.
type request struct {
	*http.Request
	Endpoint
	*subject
	// downloads tells what download URLs begin with.
	downloads func(*http.Request) string
	caller    stage.Caller
	// token is what the request came with, if it is one of the world's, and refused is
	// why it is not the caller's.
	token   registry.Authorization
	refused error
	// calls are those that the request makes, to which the answer is the reply. Most
	// make one.
	calls []*dispatch.Call
	one   [1]*dispatch.Call
}

// subject is what a request is about. The inputs of its calls point to it, and the trace
// keeps them: the request goes.
type subject struct {
	// registry is the one that is called, by a caller of its own or of another
	// account.
	registry registry.Place
	// repository is the one that the path names, reference the word at its end: a
	// tag, a digest or an upload's id.
	repository, reference string
}

// newCall is a call that the request makes. Its input names the account of the
// registry.
func (r *request) newCall(name string, input any) *dispatch.Call {
	call := r.Stage.NewCall(name, r.caller, scenarios.FaceRegistry)
	call.Input = input
	call.Tx.HandsOver = true
	if call.Token = r.token.Serial; call.Token > 0 {
		call.Record.TokenIssued = r.token.Issued()
	}
	call.Tx.Endpoint = registry.RegistryEndpoint
	if r.Spec {
		call.Tx.Endpoint = registry.SpecEndpoint
	}
	r.calls = append(r.calls, call)
	return call
}

// do carries out a call of an operation of the API.
func do[Out any](r *request, call *dispatch.Call) (*Out, error) {
	answer, err := r.Stage.Do(r.Context(), call)
	return answered[Out](answer, err)
}

// answered is what a call was answered with.
func answered[Out any](answer any, err error) (*Out, error) {
	if err != nil {
		return nil, err
	}
	if out := answer.(*Out); out != nil {
		return out, nil
	}
	return new(Out), nil // a rule answered nothing
}
