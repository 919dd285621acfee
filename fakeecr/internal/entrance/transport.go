package entrance

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Transport carries requests to an entrance in this process: those to ECR's host
// names and to those of download URLs.
type Transport struct{ Entrance *Entrance }

// RoundTrip implements [http.RoundTripper].
func (t Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	name := hostname(req.URL.Host)
	if !ecrHost.MatchString(name) && !storeHost.MatchString(name) {
		return nil, fmt.Errorf("fakeecr: the transport of a registry carries requests to ECR, not to %s", req.URL.Host)
	}
	served := req.Clone(req.Context())
	if served.Host == "" {
		served.Host = req.URL.Host
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	answer := &response{header: http.Header{}, status: http.StatusOK}
	if err := t.Entrance.serve(answer, served); err != nil {
		if ctxErr := req.Context().Err(); ctxErr != nil {
			return nil, ctxErr
		}
		return nil, io.EOF
	}
	return answer.finish(req), nil
}

// response is an http.ResponseWriter that keeps the answer.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
	wrote  bool
}

func (r *response) Header() http.Header { return r.header }

func (r *response) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *response) Write(p []byte) (int, error) {
	r.wrote = true
	return r.body.Write(p)
}

// WriteOwned is Write of bytes that the writer may keep.
func (r *response) WriteOwned(p []byte) {
	r.wrote = true
	r.body = *bytes.NewBuffer(p)
}

func (r *response) finish(req *http.Request) *http.Response {
	length := int64(r.body.Len())
	if req.Method == http.MethodHead {
		r.body.Reset()
		if told, err := strconv.ParseInt(r.header.Get("Content-Length"), 10, 64); err == nil {
			length = told
		}
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)),
		StatusCode:    r.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        r.header,
		Body:          io.NopCloser(&r.body),
		ContentLength: length,
		Request:       req,
	}
}
