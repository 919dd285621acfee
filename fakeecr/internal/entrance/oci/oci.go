// Package oci is the registry endpoint: the OCI distribution specification over
// the operations of the API, as ECR's own endpoint is a proxy in front of it.
package oci

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// root begins all paths of the endpoint.
const root = "/v2/"

// routes are the endpoints of the specification, by its numbers, and the catalog,
// which is Docker's.
var routes = []route{
	{"end-1", []string{"GET", "HEAD"}, root, getEndpoint},
	{"end-2", []string{"HEAD"}, "/v2/<name>/blobs/<digest>", headBlob},
	{"end-2", []string{"GET"}, "/v2/<name>/blobs/<digest>", getBlob},
	{"end-3", []string{"GET", "HEAD"}, "/v2/<name>/manifests/<reference>", getManifest},
	{"end-4", []string{"POST"}, "/v2/<name>/blobs/uploads/", startUpload}, // and end-11
	{"end-5", []string{"PATCH"}, "/v2/<name>/blobs/uploads/<upload>", patchUpload},
	{"end-6", []string{"PUT"}, "/v2/<name>/blobs/uploads/<upload>", finishUpload},
	{"end-7", []string{"PUT"}, "/v2/<name>/manifests/<reference>", putManifest},
	{"end-8", []string{"GET"}, "/v2/<name>/tags/list", listTags},
	{"end-9", []string{"DELETE"}, "/v2/<name>/manifests/<reference>", deleteManifest},
	{"end-10", []string{"DELETE"}, "/v2/<name>/blobs/<digest>", deleteBlob},
	{"end-12", []string{"GET"}, "/v2/<name>/referrers/<digest>", listReferrers},
	{"end-13", []string{"GET"}, "/v2/<name>/blobs/uploads/<upload>", statUpload},
	{"end-14", []string{"DELETE"}, "/v2/<name>/blobs/uploads/<upload>", cancelUpload},
	{"", []string{"GET"}, "/v2/_catalog", listRepositories},
}

// route is one endpoint. The piece of a path in angle brackets is any: the name of
// a repository, which may have slashes, and one word at the end.
type route struct {
	number  string
	methods []string
	path    string
	serve   func(*request) (*exchange.Answer, error)
}

// matches tells whether the route is that of a method and a path, and what the
// path names.
func (r *route) matches(method, path string) (name, reference string, ok bool) {
	if !slices.Contains(r.methods, method) {
		return "", "", false
	}
	prefix, suffix, named := strings.Cut(r.path, "<name>")
	if !named {
		return "", "", path == r.path
	}
	if fixed, _, word := strings.Cut(suffix, "<"); word {
		end := strings.LastIndexByte(path, '/') + 1
		path, reference, suffix = path[:end], path[end:], fixed
		if reference == "" {
			return "", "", false
		}
	}
	name, begins := strings.CutPrefix(path, prefix)
	name, ends := strings.CutSuffix(name, suffix)
	return name, reference, begins && ends && name != ""
}

// Endpoint is the registry endpoint of all registries on a stage.
type Endpoint struct {
	Stage *stage.Stage
	// Default is who calls which registry where a request says neither.
	Default stage.Caller
	// Spec answers and takes what the specification wants, and not what ECR does.
	// Open asks for no credentials.
	Spec, Open bool
}

const apiVersion = "Docker-Distribution-Api-Version"

// Serves tells whether a path is one of the endpoint's.
func Serves(path string) bool { return path == "/v2" || strings.HasPrefix(path, root) }

// Serve answers a request. Host is the registry that its host names, with empty
// members where it names none, and downloads tells what download URLs begin with. An
// error means that there is no answer.
func (e Endpoint) Serve(req *http.Request, host registry.Place, downloads func(*http.Request) string) (*exchange.Answer, error) {
	r := &request{Request: req, Endpoint: e, downloads: downloads, subject: new(subject)}
	r.calls = r.one[:0]
	answer, err := r.answer(host)
	if stage.Unanswered(req.Context(), err) {
		e.Stage.Lose(r.calls...)
		return nil, err
	}
	if err != nil {
		if bare, is := exchange.Bare(err); is {
			answer = bare
		} else {
			answer = r.refusalOf(err).answer()
		}
	}
	if answer.Header.Get(apiVersion) == "" {
		answer.Header.Set(apiVersion, "registry/2.0")
	}
	answer.On(e.Stage, req, r.calls...)
	for _, call := range r.calls {
		e.Stage.End(call)
	}
	return answer, nil
}

// answer is the answer to the request. Whoever does not say who calls learns
// nothing, not even which endpoints there are; asking for the first of them is a call
// all the same.
func (r *request) answer(host registry.Place) (*exchange.Answer, error) {
	r.refused = r.authenticate(host)
	for i := range routes {
		if name, reference, ok := routes[i].matches(r.Method, r.URL.Path); ok && (r.refused == nil || routes[i].path == root) {
			r.repository, r.reference = name, reference
			if err := r.wellFormed(&routes[i]); err != nil {
				return nil, err
			}
			return routes[i].serve(r)
		}
	}
	return nil, cmp.Or[error](r.refused, pageNotFound)
}

// wellFormed refuses what a path cannot name: where it takes only a digest or puts
// something under one, and otherwise as the spec wants it. What ECR's API would refuse
// is left to it.
func (r *request) wellFormed(route *route) error {
	byDigest := isDigest(r.reference) && (r.Spec || r.Method == http.MethodPut)
	switch {
	case r.Spec && r.repository != "" && !validName(r.repository):
		return nameInvalid(r.repository)
	case (byDigest || strings.HasSuffix(route.path, "<digest>")) && !constraint.ValidDigest(r.reference):
		return digestInvalid(r.reference)
	}
	return nil
}

// validName tells whether there can be a repository of a name.
func validName(name string) bool {
	return 2 <= len(name) && len(name) <= 256 && constraint.ValidRepositoryName(name)
}

// isDigest tells whether a reference is a digest, for good or ill, and not a tag.
func isDigest(reference string) bool { return strings.Contains(reference, ":") }

// getEndpoint is the check of the version of the API, which ECR answers with nothing.
func getEndpoint(r *request) (*exchange.Answer, error) {
	call := r.newCall(scenarios.GetEndpoint, &scenarios.GetEndpointInput{RegistryId: &r.registry.Account})
	err := r.Stage.GetEndpoint(r.Context(), call, r.refused)
	return empty(http.StatusOK), err
}

// empty is an answer without a body.
func empty(status int) *exchange.Answer {
	return &exchange.Answer{Status: status}
}

// at is the URL of a path of the endpoint, where the request came to. For one that
// names no host it is a path.
func (r *request) at(path string, query url.Values) string {
	to := url.URL{Path: path}
	at := to.EscapedPath()
	if r.Host != "" {
		at = exchange.Scheme(r.Request) + "://" + r.Host + at
	}
	if len(query) > 0 {
		at += "?" + query.Encode()
	}
	return at
}
