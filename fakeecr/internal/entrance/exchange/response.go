package exchange

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
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

// finish is the response to a request, and what its body reads.
func (r *response) finish(req *http.Request) (*http.Response, io.Reader) {
	var content io.Reader = &r.body
	length := int64(r.body.Len())
	switch {
	case req.Method == http.MethodHead:
		r.body.Reset()
		length = lengthOf(r.header)
	case r.content != nil:
		content, length = r.content, lengthOf(r.header)
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)),
		StatusCode:    r.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        r.header,
		ContentLength: length,
		Request:       req,
	}, content
}

// body is the body of an answer without a socket. It ends with the context of its
// request, as a connection does.
type body struct {
	ctx     context.Context
	content io.Reader
	// left is called once the body is not read any more.
	left   func()
	closed atomic.Bool
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if err := b.ctx.Err(); err != nil {
		b.left()
		return 0, err
	}
	n, err := b.content.Read(p)
	if err != nil {
		b.left()
	}
	return n, err
}

// Close implements [io.Closer].
func (b *body) Close() error {
	b.closed.Store(true)
	b.left()
	return nil
}
