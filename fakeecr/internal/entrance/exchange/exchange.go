// Package exchange is a request to the fake, known by who sent it, and the answer
// to it. All answers are written here, whole or as a rule wants them.
package exchange

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// Request is a request and whose it is.
type Request struct {
	*http.Request
	Caller stage.Caller
	Face   scenarios.Face
	// Origin and Downloads begin the URIs and the download URLs of the answer, "" for
	// ECR's names and for the region's store.
	Origin, Downloads string
	// Content is the body as it is to be read. Authenticate tells, once it was
	// read, why the caller is not who it says it is.
	Content      io.Reader
	Authenticate func() error
}

// Scheme is the one that a request came by, also through a proxy that ends TLS.
func Scheme(req *http.Request) string {
	if req.TLS != nil || req.Header.Get("X-Forwarded-Proto") == "https" {
		return "https"
	}
	return "http"
}

// Origin is the scheme, the host and the port that a request came to: the listener's
// where the request names none, as one of HTTP/1.0 may.
func Origin(req *http.Request) string {
	host := req.Host
	if listener, ok := req.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && host == "" {
		host = listener.String()
	}
	return Scheme(req) + "://" + host
}

// Answer is what a request is answered with.
type Answer struct {
	Status int
	Header Header
	// Body is the whole body. It may be kept. Without one, Header may have the length
	// that HEAD tells.
	Body []byte
	// Content, if it is not nil, is the body, and Range what is wanted of it, in the
	// form of the header, or "".
	Content io.ReadSeeker
	Range   string
	// Reply is what becomes of the answer on its way, nil for nothing.
	Reply *stage.Reply

	// request is what the answer is to, nil for a call of a Go method.
	request *http.Request
}

// New is an answer with a body of a media type.
func New(status int, mediaType string, body []byte) *Answer {
	answer := &Answer{Status: status, Body: body}
	answer.Header.Set("Content-Type", mediaType)
	return answer
}

// Bare is the answer that a rule gives in the service's place, if err is one.
func Bare(err error) (*Answer, bool) {
	if err == nil {
		return nil, false
	}
	var response *scenarios.Response
	if !errors.As(err, &response) {
		return nil, false
	}
	answer := &Answer{Status: response.Status, Body: []byte(response.Body)}
	for name, values := range response.Header {
		if http.CanonicalHeaderKey(name) != "Transfer-Encoding" { // it has a length
			answer.Header.SetAll(name, values)
		}
	}
	if response.Status == http.StatusNoContent || response.Status == http.StatusNotModified {
		answer.Body = nil // as net/http sends none
	}
	return answer, true
}

// On makes the answer to a request, nil for a call of a Go method, one to calls, whose
// reply rules may damage.
func (a *Answer) On(s *stage.Stage, req *http.Request, calls ...*dispatch.Call) *Answer {
	a.request = req
	a.Reply = s.Send(a, calls...)
	return a
}

// Abandon ends an answer, if there is one, that is not sent.
func (a *Answer) Abandon() {
	if a != nil {
		a.Reply.Leave()
	}
}

// Length implements [stage.Answer].
func (a *Answer) Length() int64 {
	switch {
	case a.request != nil && a.request.Method == http.MethodHead:
		return 0
	case a.Content == nil:
		return int64(len(a.Body))
	}
	head := &response{header: http.Header{}}
	if a.writeContentHead(head, a.request) == nil {
		return 0
	}
	return lengthOf(head.header)
}

// owner is a writer that may keep what is written to it.
type owner interface{ WriteOwned(body []byte) }

// Write sends the answer to a request. The error means that a rule ends the
// connection.
func (a *Answer) Write(w http.ResponseWriter, req *http.Request) error {
	if a.Reply == nil {
		if a.Status >= http.StatusBadRequest && req.Body != nil && req.Body != http.NoBody {
			defer readOn(w, req)()
		}
		a.write(w, req)
		return nil
	}
	defer a.Reply.Leave()
	damaged := &damagedBody{ctx: req.Context(), reply: a.Reply}
	if err := damaged.begin(); err != nil {
		return err
	}
	a.write(&damagedWriter{ResponseWriter: w, body: damaged}, req)
	return damaged.end
}

func (a *Answer) write(w http.ResponseWriter, req *http.Request) {
	if a.Content != nil {
		if content := a.writeContentHead(w, req); content != nil {
			io.Copy(w, content) // an error here is the client's, who has gone
		}
		return
	}
	if a.Body != nil || a.Header.Get("Content-Length") == "" {
		a.Header.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	a.Header.Write(w.Header())
	w.WriteHeader(a.Status)
	if req.Method == http.MethodHead {
		return
	}
	if own, ok := w.(owner); ok {
		own.WriteOwned(a.Body)
		return
	}
	w.Write(a.Body)
}

// Response is the answer to a request as a client without a socket gets it. The
// error is that of its connection.
func (a *Answer) Response(req *http.Request) (*http.Response, error) {
	answer := &response{header: http.Header{}, status: http.StatusOK}
	if a.Content == nil {
		a.write(answer, req)
	} else {
		answer.content = a.writeContentHead(answer, req)
	}
	got, content := answer.finish(req)
	if a.Reply != nil {
		damaged := &damagedBody{ctx: req.Context(), reply: a.Reply}
		if err := damaged.begin(); err != nil {
			a.Reply.Leave()
			return nil, ConnectionError(req.Context(), err)
		}
		content = &damagedReader{whole: content, body: damaged}
	}
	got.Body = &body{ctx: req.Context(), content: content, left: a.Reply.Leave}
	return got, nil
}

// writeContentHead writes the header of an answer with content, and answers what of
// this is to follow, if any. It leaves preconditions to net/http, but no range that
// net/http reads otherwise than S3. The content is not left to it, which would
// copy what can be written as it is.
func (a *Answer) writeContentHead(w http.ResponseWriter, req *http.Request) io.Reader {
	if a.Range == "" && !conditional(req) {
		return a.writeWhole(w, req)
	}
	a.Header.Write(w.Header())
	asked := *req
	asked.Method = http.MethodHead
	asked.Header = req.Header.Clone()
	asked.Header.Set("Range", a.Range)
	asked.Header.Del("If-Range")
	status := &statusWriter{ResponseWriter: w}
	http.ServeContent(status, &asked, "", time.Time{}, a.Content)
	switch {
	case req.Method == http.MethodHead:
		return nil
	case status.wrote == http.StatusPartialContent:
		return io.LimitReader(a.Content, lengthOf(w.Header()))
	case status.wrote == http.StatusOK:
		return a.Content
	default:
		return nil
	}
}

// writeWhole is writeContentHead of all of the content.
func (a *Answer) writeWhole(w http.ResponseWriter, req *http.Request) io.Reader {
	length, err := a.Content.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = a.Content.Seek(0, io.SeekStart)
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return nil
	}
	a.Header.Set("Accept-Ranges", "bytes")
	a.Header.Set("Content-Length", strconv.FormatInt(length, 10))
	a.Header.Write(w.Header())
	w.WriteHeader(http.StatusOK)
	if req.Method == http.MethodHead {
		return nil
	}
	return a.Content
}

// conditional tells whether a request has preconditions.
func conditional(req *http.Request) bool {
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if req.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// statusWriter notes the status that is written.
type statusWriter struct {
	http.ResponseWriter
	wrote int
}

// WriteHeader implements [http.ResponseWriter].
func (s *statusWriter) WriteHeader(status int) {
	s.wrote = status
	s.ResponseWriter.WriteHeader(status)
}

func lengthOf(header http.Header) int64 {
	length, _ := strconv.ParseInt(header.Get("Content-Length"), 10, 64) // which we have written
	return length
}
