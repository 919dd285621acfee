package exchange

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
)

// response is an http.ResponseWriter that keeps the answer.
type response struct {
	header http.Header
	status int
	wrote  bool
	// body is what was written, or content is what is to be read in its place.
	body    bytes.Buffer
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
	r.content = bytes.NewReader(p)
}

// ReadFrom implements [io.ReaderFrom] for io.Copy, which has nothing else to write:
// the client reads the layer, however large, where it is.
func (r *response) ReadFrom(content io.Reader) (int64, error) {
	r.wrote = true
	r.content = content
	return 0, nil
}

// finish is the response to a request, but for its body, which is answered beside it.
func (r *response) finish() (*http.Response, io.Reader) {
	content := r.content
	length := int64(r.body.Len())
	if content == nil {
		content = &r.body
	}
	if told, err := strconv.ParseInt(r.header.Get("Content-Length"), 10, 64); err == nil {
		length = told
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)),
		StatusCode:    r.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        r.header,
		ContentLength: length,
	}, content
}

// body is the body of an answer without a socket. It ends with the context of its
// request, as a connection does.
type body struct {
	ctx     context.Context
	content io.Reader
	closed  atomic.Bool
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.content.Read(p)
}

// Close implements [io.Closer].
func (b *body) Close() error {
	b.closed.Store(true)
	return nil
}
