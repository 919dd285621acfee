package exchange

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// response is an http.ResponseWriter that keeps the answer.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
	wrote  bool
	// content, if it is not nil, is the body in place of what was written.
	content io.Reader
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
	var body io.Reader = &r.body
	length := int64(r.body.Len())
	switch {
	case req.Method == http.MethodHead:
		r.body.Reset()
		length = lengthOf(r.header)
	case r.content != nil:
		body, length = r.content, lengthOf(r.header)
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)),
		StatusCode:    r.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        r.header,
		Body:          io.NopCloser(body),
		ContentLength: length,
		Request:       req,
	}
}
