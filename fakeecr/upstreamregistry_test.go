package fakeecr_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// serving is a round tripper to a handler, whatever host a request is for.
type serving struct {
	http.Handler
	// hosts are those that requests were for.
	hosts map[string]int
}

// RoundTrip implements [http.RoundTripper].
func (s serving) RoundTrip(req *http.Request) (*http.Response, error) {
	if s.hosts != nil {
		s.hosts[req.URL.Scheme+"://"+req.URL.Host]++
	}
	served := req.Clone(req.Context())
	served.Host = req.URL.Host
	if req.URL.Scheme == "https" {
		served.TLS = &tls.ConnectionState{}
	}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, served)
	response := answer.Result()
	response.Request = req
	return response, nil
}

// another is a registry that takes what is pushed, and asks nobody who it is.
func another() http.Handler {
	r := fakeecr.New(nil, fakeecr.WithSpecRegistry(), fakeecr.WithOpenRegistry())
	if _, err := r.CreateRepositoryCreationTemplate(context.Background(), &ecr.CreateRepositoryCreationTemplateInput{
		Prefix: aws.String("ROOT"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush},
	}); err != nil {
		panic(err)
	}
	return r.Handler()
}

// pushTo pushes an image, and those that it lists, as the protocol wants it.
func pushTo(t *testing.T, registry http.Handler, repository, reference string, image fakeecr.Image) {
	t.Helper()
	do := func(method, path, mediaType string, body []byte) {
		request := httptest.NewRequest(method, "/v2/"+repository+path, bytes.NewReader(body))
		request.Header.Set("Content-Type", mediaType)
		answer := httptest.NewRecorder()
		registry.ServeHTTP(answer, request)
		require.Equal(t, http.StatusCreated, answer.Code, answer.Body)
	}
	for _, child := range image.Images {
		pushTo(t, registry, repository, child.Digest(), child)
	}
	for _, blob := range image.Blobs {
		do(http.MethodPost, "/blobs/uploads/?digest="+faces.DigestOf(blob), "application/octet-stream", blob)
	}
	do(http.MethodPut, "/manifests/"+reference, image.MediaType, image.Manifest)
}

// upstreamOf is the option for a registry in Quay's place.
func upstreamOf(handler http.Handler) fakeecr.Option {
	return fakeecr.WithUpstream("quay.io", fakeecr.UpstreamRegistry{Transport: serving{Handler: handler}})
}

func TestUpstreamRegistry(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64/v8")
	quay := another()
	pushTo(t, quay, "coreos/etcd", "v3", index)
	hosts := map[string]int{}
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
		faces.RequirePulled(t, f, "quay/coreos/etcd", faces.Tagged("v3"), index)
		require.Len(t, faces.ImageDetails(t, f, "quay/coreos/etcd"), 3)
		for _, child := range index.Images {
			faces.RequirePulled(t, f, "quay/coreos/etcd", faces.Digested(child.Digest()), child)
			require.Equal(t, child.Blobs[1], f.Download(t, "quay/coreos/etcd", faces.DigestOf(child.Blobs[1])))
		}
		faces.RequireFailure(t, f, "quay/coreos/etcd", faces.Tagged("v4"), types.ImageFailureCodeImageNotFound, "Requested image not found")
		faces.RequireFailure(t, f, "quay/coreos/none", faces.Digested(faces.DigestNotThere), types.ImageFailureCodeImageNotFound, "Requested image not found")
		_, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("quay/coreos/etcd"), LayerDigest: aws.String(faces.DigestNotThere)})
		require.ErrorAs(t, err, new(*types.LayersNotFoundException))
	}, fakeecr.WithUpstream("quay.io", &fakeecr.UpstreamRegistry{Transport: serving{quay, hosts}}))
	require.Len(t, hosts, 1)
	require.NotZero(t, hosts["https://quay.io"])
	require.NoError(t, goleak.Find(leaks))
}

// An upstream without a transport reaches no network, whatever it is a part of.
func TestUpstreamRegistryWithoutTransport(t *testing.T) {
	server := httptest.NewServer(answering(200, "{}"))
	defer server.Close()
	type logged struct{ fakeecr.UpstreamRegistry }
	f := faces.Direct(fakeecr.New(t, fakeecr.WithUpstream("quay.io", logged{fakeecr.UpstreamRegistry{URL: server.URL}})))
	faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
	faces.RequireFailure(t, f, "quay/coreos/etcd", faces.Tagged("v3"), types.ImageFailureCodeUpstreamUnavailable, "Unable to pull from the upstream registry quay.io: no transport to the registry")
}

// Another fake is an upstream by its registry endpoint, as any registry is.
func TestUpstreamRegistryOfTheFake(t *testing.T) {
	const url = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
	index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64/v8")
	sbom := fakeecr.Referrer(index, "application/vnd.example.sbom", []byte("sbom"))
	upstream := fakeecr.New(t, fakeecr.WithAccount("210987654321"), fakeecr.WithRegion("eu-west-1"), fakeecr.WithFullTrace())
	upstream.MustPush("library/nginx:1", index)
	upstream.MustPush("library/nginx", sbom)
	role := aws.String("arn:aws:iam::123456789012:role/puller")
	faces.Each(t, func(t *testing.T, f faces.Face) {
		in := faces.Cached("hub", url)
		in.CustomRoleArn = role
		faces.CreateRule(t, f, in)
		faces.RequirePulled(t, f, "hub/library/nginx", faces.Tagged("1"), index)
		require.Equal(t, index.Images[1].Blobs[0], f.Download(t, "hub/library/nginx", faces.DigestOf(index.Images[1].Blobs[0])))
		faces.RequireReferrers(t, f, "hub/library/nginx", index.Digest(), sbom)
		faces.RequireFailure(t, f, "hub/library/nginx", faces.Tagged("2"), types.ImageFailureCodeImageNotFound, "Requested image not found")
		faces.RequireFailure(t, f, "hub/none", faces.Tagged("1"), types.ImageFailureCodeImageNotFound, "Requested image not found")

		playing := upstream.Play(scenarios.Throttle("BatchGetImage", 1))
		faces.RequireFailure(t, f, "hub/library/nginx", faces.Tagged("3"), types.ImageFailureCodeUpstreamTooManyRequests, "Unable to pull from the upstream registry "+url+
			": the upstream registry received too many requests: 429 Too Many Requests: TOOMANYREQUESTS: Rate exceeded")
		playing.Stop()
	}, fakeecr.WithUpstream(url, fakeecr.UpstreamRegistry{
		Transport: upstream.Transport(), Username: "AWS", Password: faces.Password(t, faces.AuthorizationToken(t, upstream)),
	}))
	require.NotZero(t, upstream.Trace().Count("DownloadLayer"))

	stale := faces.Password(t, faces.AuthorizationToken(t, upstream))
	upstream.Advance(12 * time.Hour)
	f := faces.Direct(fakeecr.New(t, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamRegistry{
		Transport: upstream.Transport(), URL: "https://" + url, Username: "AWS", Password: stale,
	})))
	faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
	faces.RequireFailure(t, f, "quay/library/nginx", faces.Tagged("1"), types.ImageFailureCodeUpstreamAccessDenied, "Unable to pull from the upstream registry quay.io: "+
		"the upstream registry denied access: 403 Forbidden: DENIED: Your authorization token has expired. Reauthenticate and try again.")
}

// A registry that listens is told by its URL.
func TestUpstreamRegistryOverASocket(t *testing.T) {
	image := fakeecr.RandomImage(1, 1<<20)
	hub := another()
	pushTo(t, hub, "library/nginx", "1", image)
	server := httptest.NewServer(hub)
	defer server.Close()
	for _, url := range []string{server.URL, server.URL + "/"} {
		f := faces.Direct(fakeecr.New(t, fakeecr.WithUpstream("registry-1.docker.io", fakeecr.UpstreamRegistry{URL: url, Transport: server.Client().Transport})))
		faces.CreateRule(t, f, faces.CachedWithSecret("hub", "registry-1.docker.io", faces.HubSecret))
		faces.RequirePulled(t, f, "hub/library/nginx", faces.Tagged("1"), image)
	}
}

// Referrers come from the list that a registry has, or from the tag that clients
// keep where it has none.
func TestUpstreamRegistryListsReferrers(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	sbom := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("sbom"))
	tag := strings.Replace(image.Digest(), ":", "-", 1)
	list := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`,
		sbom.MediaType, sbom.Digest(), len(sbom.Manifest))
	for name, c := range map[string]struct {
		registry http.Handler
		want     []fakeecr.Image
	}{
		"a list": {another(), []fakeecr.Image{sbom}},
		"a tag":  {but("/referrers/", http.NotFound, another()), []fakeecr.Image{sbom}},
		"none":   {but("/referrers/", http.NotFound, another()), nil},
		"pages": {pages("/referrers/", another(), []string{
			`{"manifests":[]}`, `{"manifests":[{"digest":"` + sbom.Digest() + `"}]}`,
		}), []fakeecr.Image{sbom}},
	} {
		t.Run(name, func(t *testing.T) {
			pushTo(t, c.registry, "coreos/etcd", "v3", image)
			pushTo(t, c.registry, "coreos/etcd", sbom.Digest(), sbom)
			if name == "a tag" {
				pushTo(t, c.registry, "coreos/etcd", tag, fakeecr.Image{MediaType: "application/vnd.oci.image.index.v1+json", Manifest: list})
			}
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
				faces.RequirePulled(t, f, "quay/coreos/etcd", faces.Tagged("v3"), image)
				faces.RequireReferrers(t, f, "quay/coreos/etcd", image.Digest(), c.want...)
			}, upstreamOf(c.registry))
		})
	}
}

// A list whose next page is one that was read has no end.
func TestUpstreamRegistryListsReferrersInCircles(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	quay := another()
	pushTo(t, quay, "coreos/etcd", "v3", image)
	circle := but("/referrers/", func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Link", "<"+req.URL.Path+`>; rel="next"`)
		io.WriteString(w, `{"manifests":[]}`)
	}, quay)
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
		faces.RequirePulled(t, f, "quay/coreos/etcd", faces.Tagged("v3"), image)
		_, err := f.ListImageReferrers(t.Context(), &ecr.ListImageReferrersInput{
			RepositoryName: aws.String("quay/coreos/etcd"), SubjectId: &types.SubjectIdentifier{ImageDigest: aws.String(image.Digest())},
		})
		require.ErrorContains(t, err, "leads to itself")
	}, upstreamOf(circle))
}

// but is a registry that answers requests of a path in another way.
func but(path string, answer http.HandlerFunc, registry http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.Contains(req.URL.Path, path) {
			answer(w, req)
			return
		}
		registry.ServeHTTP(w, req)
	})
}

// pages is a registry that answers requests of a path in pages.
func pages(path string, registry http.Handler, pages []string) http.Handler {
	return but(path, func(w http.ResponseWriter, req *http.Request) {
		var page int
		fmt.Sscan(req.URL.Query().Get("page"), &page)
		if page+1 < len(pages) {
			w.Header().Set("Link", fmt.Sprintf(`<%s?page=%d>; rel="next"`, req.URL.Path, page+1))
		}
		io.WriteString(w, pages[page])
	}, registry)
}

// challenging is a registry that asks who pulls.
type challenging struct {
	registry  http.Handler
	challenge []string
	// wants is the header that it believes.
	wants string
	// tokens answers what its realm, https://auth.quay.io/token, is asked.
	tokens http.HandlerFunc
}

func (c challenging) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.URL.Host == "auth.quay.io":
		c.tokens(w, req)
	case req.Header.Get("Authorization") != c.wants:
		w.Header()["Www-Authenticate"] = c.challenge
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
	default:
		c.registry.ServeHTTP(w, req)
	}
}

func TestUpstreamRegistryAsksWhoPulls(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	quay := another()
	pushTo(t, quay, "coreos/etcd", "v3", image)
	const basic = "Basic bWU6c2VjcmV0" // me:secret
	token := func(member string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			require.Equal(t, "registry.quay.io", req.URL.Query().Get("service"))
			require.Equal(t, "repository:coreos/etcd:pull,push", req.URL.Query().Get("scope"))
			fmt.Fprintf(w, `{%q:"token of %s"}`, member, req.Header.Get("Authorization"))
		}
	}
	refusing := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	bearer := []string{`Bearer realm="https://auth.quay.io/token",service=registry.quay.io, scope="repository:coreos/etcd:pull,push"`}
	const denied, required = "the upstream registry denied access: ", "401 Unauthorized: UNAUTHORIZED: authentication required"
	for name, c := range map[string]struct {
		registry challenging
		username string
		code     types.ImageFailureCode
		reason   string
	}{
		"basic":               {challenging{quay, []string{`Basic realm="quay"`}, basic, nil}, "me", "", ""},
		"bearer":              {challenging{quay, bearer, "Bearer token of " + basic, token("token")}, "me", "", ""},
		"anonymous bearer":    {challenging{quay, bearer, "Bearer token of ", token("access_token")}, "", "", ""},
		"one of two":          {challenging{quay, append([]string{"Negotiate"}, bearer...), "Bearer token of ", token("token")}, "", "", ""},
		"other credentials":   {challenging{quay, []string{`basic realm="quay"`}, "Basic", nil}, "me", types.ImageFailureCodeUpstreamAccessDenied, denied + required},
		"no credentials":      {challenging{quay, []string{`Basic realm="quay"`}, basic, nil}, "", types.ImageFailureCodeUpstreamAccessDenied, denied + required},
		"no challenge":        {challenging{quay, nil, basic, nil}, "me", types.ImageFailureCodeUpstreamAccessDenied, denied + required},
		"no realm":            {challenging{quay, []string{"Bearer service=quay"}, basic, nil}, "me", types.ImageFailureCodeUpstreamAccessDenied, denied + "no realm in its challenge"},
		"no token":            {challenging{quay, bearer, basic, token("id_token")}, "me", types.ImageFailureCodeUpstreamAccessDenied, denied + "no token from auth.quay.io"},
		"token denied":        {challenging{quay, bearer, basic, refusing(403)}, "me", types.ImageFailureCodeUpstreamAccessDenied, denied + "403 Forbidden"},
		"too many tokens":     {challenging{quay, bearer, basic, refusing(429)}, "me", types.ImageFailureCodeUpstreamTooManyRequests, "the upstream registry received too many requests: 429 Too Many Requests"},
		"tokens are not made": {challenging{quay, bearer, basic, refusing(503)}, "me", types.ImageFailureCodeUpstreamUnavailable, "the upstream registry is unavailable: 503 Service Unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			f := faces.Direct(fakeecr.New(t, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamRegistry{
				Transport: serving{Handler: c.registry}, Username: c.username, Password: "secret",
			})))
			faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
			if c.code != "" {
				faces.RequireFailure(t, f, "quay/coreos/etcd", faces.Tagged("v3"), c.code, "Unable to pull from the upstream registry quay.io: "+c.reason)
				return
			}
			faces.RequirePulled(t, f, "quay/coreos/etcd", faces.Tagged("v3"), image)
		})
	}
}

func TestUpstreamRegistryFails(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	const unavailable = "the upstream registry is unavailable: "
	layer := faces.DigestOf(image.Blobs[0])
	for name, c := range map[string]struct {
		at     string
		answer http.HandlerFunc
		code   types.ImageFailureCode
		reason string
	}{
		"denied":            {"/manifests/", answering(403, `{"errors":[{"code":"DENIED","message":"no"}]}`), types.ImageFailureCodeUpstreamAccessDenied, "the upstream registry denied access: 403 Forbidden: DENIED: no"},
		"throttled":         {"/manifests/", answering(429, "slowly"), types.ImageFailureCodeUpstreamTooManyRequests, "the upstream registry received too many requests: 429 Too Many Requests"},
		"broken":            {"/manifests/", answering(500, `{"errors":[]}`), types.ImageFailureCodeUpstreamUnavailable, unavailable + "500 Internal Server Error"},
		"no content":        {"/manifests/", answering(204, ""), types.ImageFailureCodeUpstreamUnavailable, unavailable + "204 No Content"},
		"redirects":         {"/manifests/", http.RedirectHandler("/v2/coreos/etcd/manifests/v3", http.StatusTemporaryRedirect).ServeHTTP, types.ImageFailureCodeUpstreamUnavailable, "stopped after 10 redirects"},
		"a large manifest":  {"/manifests/", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 4<<20+1)) }, types.ImageFailureCodeUpstreamUnavailable, unavailable + "more than 4194304 bytes at /v2/coreos/etcd/manifests/v3"},
		"another layer":     {"/blobs/" + layer, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "layer") }, types.ImageFailureCodeUpstreamUnavailable, unavailable + "layer " + layer + " has the digest " + faces.DigestOf([]byte("layer"))},
		"a missing layer":   {"/blobs/" + layer, answering(404, ""), types.ImageFailureCodeUpstreamUnavailable, unavailable + layer + " is missing"},
		"a throttled layer": {"/blobs/" + layer, answering(429, ""), types.ImageFailureCodeUpstreamTooManyRequests, "the upstream registry received too many requests: 429 Too Many Requests"},
	} {
		t.Run(name, func(t *testing.T) {
			quay := another()
			pushTo(t, quay, "coreos/etcd", "v3", image)
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
				faces.RequireFailure(t, f, "quay/coreos/etcd", faces.Tagged("v3"), c.code, "Unable to pull from the upstream registry quay.io: "+c.reason)
				require.Empty(t, faces.Repositories(t, f))
			}, upstreamOf(but(c.at, c.answer, quay)))
		})
	}
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// A layer is where the registry redirects to, which sees no credentials.
func TestUpstreamRegistryRedirectsBlobs(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	quay := another()
	pushTo(t, quay, "coreos/etcd", "v3", image)
	f := faces.Direct(fakeecr.New(t, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamRegistry{
		Username: "me", Password: "secret",
		Transport: serving{Handler: challenging{
			http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.URL.Host == "quay.io" && strings.Contains(req.URL.Path, "/blobs/") {
					http.Redirect(w, req, "https://cdn.test"+req.URL.Path, http.StatusTemporaryRedirect)
					return
				}
				quay.ServeHTTP(w, req)
			}), []string{`Basic realm="quay"`}, "Basic bWU6c2VjcmV0", nil,
		}.but("cdn.test", quay)},
	})))
	faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
	faces.RequirePulled(t, f, "quay/coreos/etcd", faces.Tagged("v3"), image)
}

// but is the registry with another handler at a host, which takes no credentials.
func (c challenging) but(host string, at http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.URL.Host != host:
			c.ServeHTTP(w, req)
		case req.Header.Get("Authorization") != "":
			w.WriteHeader(http.StatusBadRequest)
		default:
			at.ServeHTTP(w, req)
		}
	})
}

// A pull that is given up ends what it asked upstream.
func TestUpstreamRegistryEndsWithThePull(t *testing.T) {
	asked := make(chan struct{}, 1)
	transport := roundTripper(func(req *http.Request) (*http.Response, error) {
		asked <- struct{}{}
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := f.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: aws.String("quay/coreos/etcd"), ImageIds: faces.Tagged("v3")})
			ended <- err
		}()
		<-asked
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Empty(t, faces.Repositories(t, f))
	}, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamRegistry{Transport: transport}))
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
