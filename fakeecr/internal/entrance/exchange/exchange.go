// Package exchange is a request to the fake, known by who sent it, and the answer
// to it. All answers are written here.
package exchange

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/stage"
)

// Request is a request and whose it is.
type Request struct {
	*http.Request
	Caller stage.Caller
	// Origin begins the download URLs of the answer, "" for those of the region's
	// store.
	Origin string
	// Content is the body as it is to be read. Authenticate tells, once it was
	// read, why the caller is not who it says it is.
	Content      io.Reader
	Authenticate func() error
}

// Answer is what a request is answered with.
type Answer struct {
	Status int
	Header http.Header
	// Body is the whole body. It may be kept.
	Body []byte
	// Content, if it is not nil, is a body of which a request may want ranges.
	Content io.ReadSeeker
}

// New is an answer with a body of a media type.
func New(status int, mediaType string, body []byte) *Answer {
	return &Answer{Status: status, Header: http.Header{"Content-Type": {mediaType}}, Body: body}
}

// owner is a writer that may keep what is written to it.
type owner interface{ WriteOwned(body []byte) }

// Write sends the answer to a request.
func (a *Answer) Write(w http.ResponseWriter, req *http.Request) {
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	if a.Content != nil {
		http.ServeContent(w, req, "", time.Time{}, a.Content)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(a.Body)))
	w.WriteHeader(a.Status)
	if req.Method == http.MethodHead {
		return
	}
	if own, ok := w.(owner); ok {
		own.WriteOwned(a.Body)
		return
	}
	w.Write(a.Body) // an error here is the client's, who has gone
}
