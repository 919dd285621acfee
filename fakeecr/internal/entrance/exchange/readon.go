package exchange

import (
	"io"
	"net/http"
	"time"
)

const (
	// mostReadOn is how many bytes of a refused body are read on, and mostReadOnFor
	// how long.
	mostReadOn    = 1 << 30
	mostReadOnFor = 5 * time.Second
)

// readOn prepares for a refusal that leaves something of the request's body, and
// answers what reads that once the refusal is written. Clients that write all of a
// body before they read would see a broken connection otherwise; those that read
// meanwhile have the answer already. One that asks with Expect before it writes
// needs none of it.
func readOn(w http.ResponseWriter, req *http.Request) func() {
	control := http.NewResponseController(w)
	if req.Header.Get("Expect") != "" || control.EnableFullDuplex() != nil {
		return func() {}
	}
	return func() {
		if control.Flush() == nil && control.SetReadDeadline(time.Now().Add(mostReadOnFor)) == nil {
			io.CopyN(io.Discard, req.Body, mostReadOn)
		}
	}
}
