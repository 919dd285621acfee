package exchange

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

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
