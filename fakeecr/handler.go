package fakeecr

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/wire"
	"github.com/fakeecr/ecr/scenarios"
)

const requestIDHeader = "X-Amzn-Requestid"

// Handler serves the world over HTTP: the API at POST / and the layers behind
// download URLs. The registry is the one that a request has for default: its
// host, or else its signature, may name another account or region. A reply that
// a rule loses ends the connection by a panic with http.ErrAbortHandler, as
// net/http wants it.
func (r *Registry) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := r.serve(w, req); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
}

// serve answers a request; an error means that there is no answer.
func (r *Registry) serve(w http.ResponseWriter, req *http.Request) error {
	switch {
	case req.Method == http.MethodPost && req.URL.Path == "/":
		return r.serveAPI(w, req)
	case strings.HasPrefix(req.URL.Path, registry.DownloadPrefix):
		return r.serveDownload(w, req)
	default:
		http.NotFound(w, req)
		return nil
	}
}

func (r *Registry) serveAPI(w http.ResponseWriter, req *http.Request) error {
	target := req.Header.Get("X-Amz-Target")
	name, ours := strings.CutPrefix(target, wire.TargetPrefix)
	op, found := operations[name]
	if !ours || !found {
		w.Header().Set(requestIDHeader, r.world.state.NewRequestID())
		writeError(w, &smithy.GenericAPIError{Code: "UnknownOperationException", Message: fmt.Sprintf("ECR has no operation %q", target)})
		return nil
	}
	key, caller := r.calledBy(req)
	call := r.world.newCall(name, key, caller)
	call.Tx.Origin = originOf(req)
	call.Tx.HandsOver = true
	call.Polls = isWaiter(req.UserAgent())
	body, authenticate := r.world.signed(req)
	input := op.NewInput()
	if call.Unreadable = wire.Read(body, req.ContentLength, input); call.Unreadable == nil {
		call.Input = input
	}
	operation(call, op)
	call.Unauthenticated = authenticate()
	out, err := r.world.calls(req.Context(), call)
	if ended(req.Context(), err) {
		return err
	}
	w.Header().Set(requestIDHeader, call.Record.RequestID)
	if err != nil {
		writeError(w, err)
		return nil
	}
	writeBody(w, http.StatusOK, wire.Write(out.(smithy.Serializable)))
	return nil
}

func writeError(w http.ResponseWriter, err error) {
	status, body := wire.WriteError(err)
	writeBody(w, status, body)
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", wire.ContentType)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	if own, ok := w.(*response); ok {
		own.writeOwned(body)
		return
	}
	w.Write(body) // an error here is the client's, who has gone
}

// serveDownload answers as the store behind download URLs, without credentials.
func (r *Registry) serveDownload(w http.ResponseWriter, req *http.Request) error {
	call, err := r.download(req)
	w.Header().Set("X-Amz-Request-Id", call.requestID)
	switch {
	case ended(req.Context(), err):
		return err
	case err != nil:
		writeStoreError(w, req, err)
		return nil
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"`+strings.TrimPrefix(call.content.Digest, "sha256:")+`"`)
	http.ServeContent(w, req, "", time.Time{}, call.content)
	return nil
}

type download struct {
	requestID string
	content   *registry.Download
}

func (r *Registry) download(req *http.Request) (download, error) {
	key, in, err := registry.ParseDownload(req.URL.Path)
	if err == nil && req.Method != http.MethodGet && req.Method != http.MethodHead {
		err = &registry.DownloadError{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed",
			Message: "The specified method is not allowed against this resource."}
	}
	if err != nil {
		return download{requestID: r.world.state.NewRequestID()}, err
	}
	if span := req.Header.Get("Range"); span != "" {
		in.Range = &span
	}
	call := r.world.newCall(scenarios.DownloadLayer, key, "")
	call.Input, call.Record.Repository = in, *in.RepositoryName
	call.Tx.HandsOver = true
	call.Run = downloadLayer(req)
	handler := r.world.downloads
	if r.through != nil {
		handler = call.Run
	}
	out, err := handler(req.Context(), call)
	if err != nil {
		return download{requestID: call.Record.RequestID}, err
	}
	return download{call.Record.RequestID, out.(*registry.Download)}, nil
}

// storeError is the form of S3's errors.
type storeError struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
}

func writeStoreError(w http.ResponseWriter, req *http.Request, err error) {
	status, _ := wire.WriteError(err)
	answer := storeError{Code: "InternalError", Message: err.Error()}
	var refused *registry.DownloadError
	var api smithy.APIError
	switch {
	case errors.As(err, &refused):
		status = refused.Status
		answer.Code, answer.Message = refused.Code, refused.Message
	case errors.As(err, &api):
		answer.Code, answer.Message = api.ErrorCode(), api.ErrorMessage()
	}
	var body bytes.Buffer
	body.WriteString(xml.Header)
	xml.NewEncoder(&body).Encode(answer) // a buffer takes everything
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", fmt.Sprint(body.Len()))
	w.WriteHeader(status)
	if req.Method != http.MethodHead {
		w.Write(body.Bytes()) // an error here is the client's, who has gone
	}
}
