// Package entrance is what comes in over HTTP: whose request it is, and which
// part of ECR answers it.
package entrance

import (
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/api"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/store"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
)

// SecretAccessKey is the secret of the fake's own clients. It opens nothing.
const SecretAccessKey = "fakeecr"

// Entrance leads requests to a stage.
type Entrance struct {
	Stage *stage.Stage
	// Default is who calls which registry where a request does not say it.
	Default stage.Caller
	// Credentials are those that requests may be signed with besides the fake's
	// own, by access key; nil if signatures do not matter.
	Credentials map[string]aws.Credentials
}

// ServeHTTP implements [http.Handler]. A reply that is lost ends the connection by
// a panic with [http.ErrAbortHandler], as net/http wants it.
func (e *Entrance) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if err := e.serve(w, req); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// serve answers a request; an error means that there is no answer.
func (e *Entrance) serve(w http.ResponseWriter, req *http.Request) error {
	var answer *exchange.Answer
	var err error
	switch {
	case req.Method == http.MethodPost && req.URL.Path == "/":
		answer, err = api.Serve(e.Stage, e.identify(req))
	case strings.HasPrefix(req.URL.Path, registry.DownloadPrefix):
		answer, err = store.Serve(e.Stage, req)
	default:
		http.NotFound(w, req)
		return nil
	}
	if err != nil {
		return err
	}
	answer.Write(w, req)
	return nil
}
