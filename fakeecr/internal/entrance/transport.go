package entrance

import (
	"cmp"
	"fmt"
	"io"
	"net/http"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
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
	served.URL.Path = cmp.Or(served.URL.Path, "/") // as a request line has it
	switch {
	case served.Body == nil:
		served.Body = http.NoBody
	case served.Body != http.NoBody && served.ContentLength == 0:
		served.ContentLength = -1 // a client's way to say that it does not know
	}
	sent := &sentBody{ReadCloser: served.Body}
	if served.Body != http.NoBody {
		served.Body = sent
	}
	answer, err := t.Entrance.answer(served)
	if sent.err != nil {
		return nil, sent.err // nothing arrives of an answer to what was not sent
	}
	if err != nil {
		return nil, exchange.ConnectionError(req.Context(), err)
	}
	return answer.Response(served)
}

// sentBody is a body that notes why it could not be read to its end.
type sentBody struct {
	io.ReadCloser
	err error
}

// Read implements [io.Reader].
func (s *sentBody) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
