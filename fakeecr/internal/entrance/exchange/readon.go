package exchange

import (
	"io"
	"net/http"
	"time"
)

const (
	// mostReadOn is how many bytes of a refused body are read on, in steps of which
	// each may take so long.
	mostReadOn   = 1 << 30
	readOnStep   = 1 << 20
	readOnWithin = 5 * time.Second
)

// readOn prepares for a refusal that leaves something of the request's body, and
// answers what reads that once the refusal is written. Clients that write all of a
// body before they read would see a broken connection otherwise; those that read
// meanwhile have the answer already. One that asks with Expect before it writes
// needs none of it, until it was told to go on.
func readOn(w http.ResponseWriter, req *http.Request) func() {
	control := http.NewResponseController(w)
	asked, asks := req.Body.(*askedBody)
	if asks && !asked.read || control.EnableFullDuplex() != nil {
		return func() {}
	}
	return func() {
		err := control.Flush()
		for read := 0; err == nil && read < mostReadOn; read += readOnStep {
			if err = control.SetReadDeadline(time.Now().Add(readOnWithin)); err == nil {
				_, err = io.CopyN(io.Discard, req.Body, readOnStep)
			}
		}
	}
}

// askedBody is the body of a client that waits with it until it is read.
type askedBody struct {
	io.ReadCloser
	read bool
}

func (b *askedBody) Read(p []byte) (int, error) {
	b.read = true
	return b.ReadCloser.Read(p)
}

// Asked is a request whose body is known to have been read or not, where the client
// waits with it until it is.
func Asked(req *http.Request) *http.Request {
	if req.Header.Get("Expect") == "" || req.Body == nil {
		return req
	}
	req = req.WithContext(req.Context())
	req.Body = &askedBody{ReadCloser: req.Body}
	return req
}
