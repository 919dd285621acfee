package fakeecr

import (
	"net/http"
	"reflect"
	"runtime"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Client is the SDK's own client over the registry, without a socket: it signs,
// serialises and retries as in production, in this process. Inside
// testing/synctest its back-off takes no time.
func (r *Registry) Client(optFns ...func(*ecr.Options)) *ecr.Client {
	return r.client(ecr.Options{HTTPClient: &http.Client{Transport: r.Transport()}}, optFns)
}

// inPlace is the client of a direct call that has options, one attempt of which is
// what they mean. It reaches the registry without a socket; stay, behind the options,
// has none of them lead elsewhere.
func (r *Registry) inPlace() (client *ecr.Client, stay func(*ecr.Options)) {
	at := entranceOf(r)
	at.Face = scenarios.FaceGo
	own := ecr.Options{
		HTTPClient: &http.Client{Transport: entrance.Transport{Entrance: at, AnyHost: true}},
		Retryer:    aws.NopRetryer{},
	}
	if origin := instanceOf(r).stage.Origin(); origin != "" {
		own.BaseEndpoint = &origin
	}
	client = r.client(own, nil)
	own = client.Options()
	return client, func(o *ecr.Options) {
		o.HTTPClient, o.BaseEndpoint = own.HTTPClient, own.BaseEndpoint
		o.EndpointResolver, o.EndpointResolverV2 = own.EndpointResolver, own.EndpointResolverV2
	}
}

// paginatorOption is the option of all calls of the SDK's paginators.
const paginatorOption = "github.com/aws/aws-sdk-go-v2/service/ecr.addIsPaginatorUserAgent"

// ofPaginator tells whether the options of a call are a paginator's alone, which says
// what it is in the user agent and nothing else: such a call needs no client.
func ofPaginator(optFns []func(*ecr.Options)) bool {
	return len(optFns) == 1 && runtime.FuncForPC(reflect.ValueOf(optFns[0]).Pointer()).Name() == paginatorOption
}

func (r *Registry) client(options ecr.Options, optFns []func(*ecr.Options)) *ecr.Client {
	options.Region = r.caller.Region
	options.Credentials = credentials.NewStaticCredentialsProvider(r.accessKey(), entrance.SecretAccessKey, "")
	return ecr.New(options, optFns...)
}

// accessKey says to the fake's own routing who calls: the account itself, or the
// principal that holds the key.
func (r *Registry) accessKey() string {
	if r.caller.IsOwn() {
		return r.caller.Account
	}
	return registry.AccessKey(r.caller.ARN)
}

// Transport carries requests to ECR's host names (api.ecr.*, *.dkr.ecr.*, and their
// forms for FIPS, for both versions of IP and in every partition), to STS's and ECR
// Public's, and those of download URLs to the world, in this process and without a
// socket, so that any client that takes an http.RoundTripper runs against unchanged
// names. It knows no other host.
//
// Code that can be given none, and has Go's own, is led here by http.DefaultTransport or,
// with the SDK for Go v1, by the Transport of http.DefaultClient, which a test that is not
// parallel sets and puts back; AWS_CA_BUNDLE is then to be empty, since with it that SDK
// takes another. Code that makes or clones a transport needs [WithProxy].
//
// Bodies stream: a layer is read where it is, and neither way is it held as a whole.
// It starts no goroutine of its own; a request, and the body of its answer, end with
// their context. What a rule does to a connection is the error that a client over a
// socket would see.
//
//go:noinline
func (r *Registry) Transport() http.RoundTripper { return entrance.Transport{Entrance: entranceOf(r)} }

// Handler serves the world over HTTP: the API at POST /, with what is answered of STS
// and ECR Public (scenarios.Identity), the registry endpoint at /v2/ and the layers
// behind download URLs. The registry is the one that a
// request has for default: its host, or else its signature or its token, may name
// another account or region. A reply that
// a rule loses ends the connection by a panic with http.ErrAbortHandler, as
// net/http wants it.
//
//go:noinline
func (r *Registry) Handler() http.Handler { return r.handler() }

func entranceOf(r *Registry) *entrance.Entrance {
	return &entrance.Entrance{
		Stage: instanceOf(r).stage, Default: r.caller, Credentials: instanceOf(r).setup.credentials,
		SpecRegistry: instanceOf(r).setup.specRegistry, OpenRegistry: instanceOf(r).setup.openRegistry,
	}
}
