package entrance

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// Transport carries requests to an entrance in this process: those to ECR's host
// names and to those of download URLs or, with AnyHost, all that come.
type Transport struct {
	Entrance *Entrance
	AnyHost  bool
}

// RoundTrip implements [http.RoundTripper]. Bodies are read where they are, those of
// requests until it returns; it keeps none in memory.
func (t Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if !t.AnyHost && !naming.ParseHost(req.URL.Host).OfAWS {
		return nil, fmt.Errorf("fakeecr: the transport of a registry carries requests to ECR, not to %s", req.URL.Host)
	}
	served, err := arrived(req)
	if err != nil {
		return nil, err
	}
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sent := &sentBody{ReadCloser: served.Body}
	if served.Body != http.NoBody {
		served.Body = sent
	}
	// A body that is waited for ends with the request.
	defer context.AfterFunc(ctx, func() { served.Body.Close() })()
	answer, err := t.Entrance.answer(served, storeOf)
	switch {
	case ctx.Err() != nil:
		answer.Abandon()
		return nil, ctx.Err()
	case sent.err != nil:
		answer.Abandon()
		return nil, sent.err // nothing arrives of an answer to what was not sent
	case err != nil:
		return nil, exchange.ConnectionError(ctx, err)
	}
	response, err := answer.Response(served)
	if err != nil {
		return nil, err
	}
	response.Request = req
	return response, nil
}

// arrived is a client's request as a server gets it.
func arrived(req *http.Request) (*http.Request, error) {
	served := req.Clone(req.Context())
	served.RequestURI = req.URL.RequestURI()
	target, err := url.ParseRequestURI(served.RequestURI)
	if err != nil {
		return nil, err
	}
	served.URL = target
	if served.Host == "" {
		served.Host = req.URL.Host
	}
	if req.URL.Scheme == "https" {
		served.TLS = &tls.ConnectionState{}
	}
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		served.Body, served.ContentLength = http.NoBody, 0
	case req.ContentLength == 0: // a client does not know it
		served.ContentLength = -1
	}
	return served, nil
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
