package entrance

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/api"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/oci"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/store"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/sts"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// SecretAccessKey is the secret of the fake's own clients. It opens nothing.
const SecretAccessKey = "fakeecr"

// Entrance leads requests to a stage.
type Entrance struct {
	Stage *stage.Stage
	// Default is who calls which registry where a request does not say it.
	Default stage.Caller
	// Face is how its calls of the API come in, [scenarios.FaceAPI] if it is empty.
	Face scenarios.Face
	// Credentials are those that requests may be signed with besides the fake's
	// own, by access key; nil if signatures do not matter.
	Credentials map[string]aws.Credentials
	// SpecRegistry has the registry endpoint follow the OCI distribution spec where
	// ECR does not, and OpenRegistry has it ask for no credentials.
	SpecRegistry, OpenRegistry bool
	// Proxied tells that its requests come through a [Proxy].
	Proxied bool
}

// ServeHTTP implements [http.Handler]. A reply that is lost ends the connection by
// a panic with [http.ErrAbortHandler], as net/http wants it.
func (e *Entrance) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	req = exchange.Asked(req)
	downloads := exchange.Origin
	if e.Proxied {
		downloads = storeOf
	}
	answer, err := e.answer(req, downloads)
	if err == nil {
		err = answer.Write(w, req)
	}
	if err != nil {
		hangUp(w, err)
	}
}

// hangUp ends a connection, with a reset where a rule says so and the writer has
// the connection to give.
func hangUp(w http.ResponseWriter, err error) {
	if errors.Is(err, scenarios.ErrConnectionReset) || errors.Is(err, scenarios.ErrConnectionRefused) {
		if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
			reset(connection)
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// reset closes what is below a connection, which may be one of TLS, a tunnel or both.
func reset(connection net.Conn) {
	switch c := connection.(type) {
	case interface{ NetConn() net.Conn }:
		reset(c.NetConn())
		return
	case *net.TCPConn:
		c.SetLinger(0) // what follows is closing all the same
	}
	connection.Close()
}

// answer is the answer to a request, whose download URLs begin with an origin; an
// error means that there is none.
func (e *Entrance) answer(req *http.Request, downloads func(*http.Request) string) (answer *exchange.Answer, err error) {
	switch {
	case oci.Serves(req.URL.Path):
		endpoint := oci.Endpoint{Stage: e.Stage, Default: e.Default, Spec: e.SpecRegistry, Open: e.OpenRegistry}
		return endpoint.Serve(req, naming.ParseHost(req.Host).Place, downloads)
	case isPreflight(req):
		return preflight(req), nil
	case strings.HasPrefix(req.URL.Path, registry.DownloadPrefix):
		answer, err = store.Serve(e.Stage, e.Default, req, naming.ParseHost(req.Host).Service == naming.Store, e.SpecRegistry)
	default:
		answer, err = e.answerCall(req, downloads(req))
	}
	if err == nil {
		share(answer, req)
	}
	return answer, err
}

// answerCall answers a request of the API, or of a client that takes this for something
// else.
func (e *Entrance) answerCall(req *http.Request, downloads string) (*exchange.Answer, error) {
	signed := signedFor(req)
	if action, asked := sts.Asked(req, signed); asked != nil {
		return sts.Serve(e.Stage, e.identify(req, sts.Name, downloads), action, asked)
	}
	if api.IsPublic(req) {
		return api.ServePublic(e.Stage, e.identify(req, api.PublicName, downloads))
	}
	if answer, foreign := api.Foreign(e.Stage, req, signed, naming.ParseHost(req.Host).OfAWS); foreign {
		return answer, nil
	}
	if req.URL.Path == api.Path && req.Method == http.MethodPost {
		return api.Serve(e.Stage, e.identify(req, "ecr", downloads))
	}
	return api.NotServed(e.Stage, req), nil
}
