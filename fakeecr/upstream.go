package fakeecr

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	client "github.com/fakeecr/ecr/fakeecr/internal/upstream"
)

// Upstream is a registry that pull-through cache rules pull from, for
// [WithUpstream]: another of the fake's, by [Registry.Upstream], a registry that
// speaks the OCI distribution protocol, by [UpstreamRegistry], a function, by
// [UpstreamFunc], or a type of your own. The fake checks the digest of all that it
// answers. Pulls ask it from many goroutines at once.
//
// An error that is or wraps one of the ErrUpstream errors becomes the failure
// code of its name in BatchGetImage, any other error is UpstreamUnavailable.
// GetDownloadUrlForLayer answers UnableToGetUpstreamLayerException. Each look is a
// call of scenarios.PullFromUpstream to the registry that pulls, so rules may delay
// and fail it. An upstream that panics fails the test, and is unavailable. Of a blob
// no more is read than shows that it has more bytes than its descriptor says.
type Upstream interface {
	// Manifest answers the manifest that a repository has under a tag or digest.
	// The media type may be empty if the manifest tells it.
	Manifest(ctx context.Context, repository, reference string) (mediaType string, manifest []byte, err error)
	// Blob opens the config or layer that a repository has under a digest.
	Blob(ctx context.Context, repository, digest string) (io.ReadCloser, error)
}

// UpstreamFunc is an [Upstream] by one function. It answers the manifest that a
// repository has under a tag, and the manifest, config or layer that it has under
// a digest. The media type is a manifest's, and may be empty if the manifest tells
// it.
type UpstreamFunc func(ctx context.Context, repository, reference string) (mediaType string, content []byte, err error)

// Manifest implements [Upstream].
func (f UpstreamFunc) Manifest(ctx context.Context, repository, reference string) (string, []byte, error) {
	return f(ctx, repository, reference)
}

// Blob implements [Upstream].
func (f UpstreamFunc) Blob(ctx context.Context, repository, digest string) (io.ReadCloser, error) {
	_, content, err := f(ctx, repository, digest)
	return io.NopCloser(bytes.NewReader(content)), err
}

// UpstreamRegistry is an [Upstream] that speaks the OCI distribution protocol at
// /v2/, as every registry does: the handler of another implementation, the
// [Registry.Transport] of another fake, what was recorded of a real registry, or that
// registry itself.
//
// It answers a challenge for Basic or Bearer credentials, asking the challenge's
// realm for a token by the same Transport, and follows redirects. What is not found
// is ErrUpstreamNotFound, 401 and 403 are ErrUpstreamAccessDenied, 429 is
// ErrUpstreamTooManyRequests, and all else ErrUpstreamUnavailable. It lists referrers
// too. It starts no goroutine, and each request ends with the context of its pull.
type UpstreamRegistry struct {
	// Transport carries the requests. It is required, so that nothing reaches the
	// network that was not meant to: http.DefaultTransport does.
	Transport http.RoundTripper
	// URL is the scheme and the host that requests go to. Without it they go to the
	// URL of the rules, by https: WithUpstream("quay.io", …) asks https://quay.io.
	URL string
	// Username and Password are what the registry is told when it asks who pulls,
	// empty for an open one. They stand for the secret of a rule, of which the world
	// knows only whether it can be read ([WithSecret]).
	Username, Password string
}

func (u UpstreamRegistry) client() client.Client {
	return client.Client{URL: u.URL, Username: u.Username, Password: u.Password, Transport: u.Transport}
}

// Manifest implements [Upstream].
func (u UpstreamRegistry) Manifest(ctx context.Context, repository, reference string) (mediaType string, manifest []byte, err error) {
	return u.client().Manifest(ctx, repository, reference)
}

// Blob implements [Upstream].
func (u UpstreamRegistry) Blob(ctx context.Context, repository, digest string) (io.ReadCloser, error) {
	return u.client().Blob(ctx, repository, digest)
}

// Referrers implements [UpstreamReferrers].
func (u UpstreamRegistry) Referrers(ctx context.Context, repository, digest string) ([]string, error) {
	return u.client().Referrers(ctx, repository, digest)
}

// UpstreamReferrers is what an [Upstream] may have besides: ListImageReferrers
// then brings the referrers of an image, at most once in 24 hours. If upstream
// fails and no referrer is there, it answers
// UnableToListUpstreamImageReferrersException.
type UpstreamReferrers interface {
	// Referrers answers the digests of the manifests in a repository whose subject
	// is the manifest of a digest.
	Referrers(ctx context.Context, repository, digest string) ([]string, error)
}

// What an [Upstream] answers instead of a manifest or a blob.
var (
	// ErrUpstreamNotFound says that it has none: the pull finds no image either.
	ErrUpstreamNotFound = registry.ErrUpstreamNotFound
	// ErrUpstreamAccessDenied says that it does not let ECR in.
	ErrUpstreamAccessDenied = registry.ErrUpstreamAccessDenied
	// ErrUpstreamTooManyRequests says that it limits the rate of pulls.
	ErrUpstreamTooManyRequests = registry.ErrUpstreamTooManyRequests
	// ErrUpstreamUnavailable says that it cannot be reached, as an upstream
	// without [WithUpstream] cannot.
	ErrUpstreamUnavailable = registry.ErrUpstreamUnavailable
)

// WithUpstream is the registry behind a URL of pull-through cache rules, such as
// "public.ecr.aws" or "registry-1.docker.io", for the whole world. Rules for the
// ECR of another account or region need none: they pull from the neighbour, as
// the rule's role. The policies of another account must allow the role
// ecr:BatchGetImage and ecr:GetDownloadUrlForLayer.
func WithUpstream(url string, upstream Upstream) Option {
	return func(s *setup) error {
		if _, known := registry.UpstreamOf(url); !known {
			return fmt.Errorf("pull-through cache rules have no upstream %q", url)
		}
		if v := reflect.ValueOf(upstream); upstream == nil || (v.Kind() == reflect.Func || v.Kind() == reflect.Pointer) && v.IsNil() {
			return fmt.Errorf("WithUpstream of a nil upstream for %q", url)
		}
		if pointer, ok := upstream.(*UpstreamRegistry); ok {
			upstream = *pointer
		}
		if served, ok := upstream.(UpstreamRegistry); ok {
			if served.Transport == nil {
				return fmt.Errorf("an UpstreamRegistry without a Transport for %q", url)
			}
			served.URL = cmp.Or(served.URL, "https://"+url)
			upstream = served
		}
		upstreams := maps.Clone(s.config.Upstreams)
		if upstreams == nil {
			upstreams = map[string]registry.Upstream{}
		}
		upstreams[url] = upstream
		s.config.Upstreams = upstreams
		return nil
	}
}

// Upstream is the registry as an upstream of another world's, for
// [WithUpstream]; it has [UpstreamReferrers] too. Pulls are calls of
// BatchGetImage, GetDownloadUrlForLayer, ListImageReferrers and
// scenarios.DownloadLayer to it: its trace shows them and its scenarios may fail
// them. It pulls nothing through in its turn.
//
//go:noinline
func (r *Registry) Upstream() Upstream { return instanceOf(r).stage.AsUpstream(r.caller) }
