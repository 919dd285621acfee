package entrance

import (
	"cmp"
	"fmt"
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
	answer, err := t.Entrance.answer(served)
	if err != nil {
		return nil, exchange.ConnectionError(req.Context(), err)
	}
	return answer.Response(served)
}
