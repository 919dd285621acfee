package fakeecr

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// Client is the SDK's own client over the registry, without a socket: it signs,
// serialises and retries as in production, in this process. Inside
// testing/synctest its back-off takes no time.
func (r *Registry) Client(optFns ...func(*ecr.Options)) *ecr.Client {
	return r.client(ecr.Options{HTTPClient: &http.Client{Transport: r.Transport()}}, optFns)
}

func (r *Registry) client(options ecr.Options, optFns []func(*ecr.Options)) *ecr.Client {
	options.Region = r.key.Region
	options.Credentials = credentials.NewStaticCredentialsProvider(r.accessKey(), secretAccessKey, "")
	return ecr.New(options, optFns...)
}

// accessKey says to the fake's own routing who calls: the account itself, or the
// principal that holds the key.
func (r *Registry) accessKey() string {
	if r.caller == "" {
		return r.key.Account
	}
	return registry.AccessKey(r.caller)
}

// secretAccessKey is a secret that opens nothing.
const secretAccessKey = "fakeecr"

// Transport carries requests to ECR's host names (api.ecr.*, *.dkr.ecr.*) and
// those of download URLs to the world, in this process and without a socket, so
// that any client that takes an http.RoundTripper runs against unchanged names.
// It knows no other host.
func (r *Registry) Transport() http.RoundTripper { return transport{r} }

type transport struct{ registry *Registry }

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
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
	if served.Body == nil {
		served.Body = http.NoBody
	}
	answer := &response{header: http.Header{}, status: http.StatusOK}
	if err := t.registry.serve(answer, served); err != nil {
		if ctxErr := req.Context().Err(); ctxErr != nil {
			return nil, ctxErr
		}
		return nil, io.EOF
	}
	return answer.finish(req), nil
}

// response is an http.ResponseWriter that keeps the answer.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
	wrote  bool
}

func (r *response) Header() http.Header { return r.header }

func (r *response) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *response) Write(p []byte) (int, error) {
	r.wrote = true
	return r.body.Write(p)
}

// writeOwned is Write of bytes that the writer may keep.
func (r *response) writeOwned(p []byte) {
	r.wrote = true
	r.body = *bytes.NewBuffer(p)
}

func (r *response) finish(req *http.Request) *http.Response {
	length := int64(r.body.Len())
	if req.Method == http.MethodHead {
		r.body.Reset()
		if told, err := strconv.ParseInt(r.header.Get("Content-Length"), 10, 64); err == nil {
			length = told
		}
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)),
		StatusCode:    r.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        r.header,
		Body:          io.NopCloser(&r.body),
		ContentLength: length,
		Request:       req,
	}
}
