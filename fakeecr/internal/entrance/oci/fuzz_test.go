package oci_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// No path, query or body makes the registry endpoint fail, or leads to anything
// but a repository of the registry.
func FuzzRegistryPaths(f *testing.F) {
	digest := faces.DigestOf([]byte("{}"))
	for _, seed := range [][4]string{
		{"GET", "/v2/", "", ""},
		{"GET", "/v2/team/app/manifests/v1", "", ""},
		{"PUT", "/v2/team/app/manifests/v2", "tag=a&tag=b", "{}"},
		{"DELETE", "/v2/team/app/manifests/" + digest, "", ""},
		{"PUT", "/v2/team/app/manifests/sha512:00", "", `{"schemaVersion":2}`},
		{"GET", "/v2/team/app/tags/list", "n=0&last=v1", ""},
		{"GET", "/v2/_catalog", "n=-1", ""},
		{"GET", "/v2/team/app/referrers/" + digest, "artifactType=a/b", ""},
		{"GET", "/v2/team/app/blobs/" + digest, "", ""},
		{"DELETE", "/v2/team/app/blobs/" + digest, "", ""},
		{"POST", "/v2/team/app/blobs/uploads/", "mount=" + digest + "&from=other/app", ""},
		{"POST", "/v2/team/app/blobs/uploads/", "digest=" + digest, "{}"},
		{"PATCH", "/v2/team/app/blobs/uploads/01234567-0123-0123-0123-0123456789ab", "", "x"},
		{"PUT", "/v2/team/app/blobs/uploads/x", "digest=" + digest, "x"},
		{"GET", "/v2/../../etc/manifests/v1", "", ""},
		{"GET", "/v2/team/../other/manifests/v1", "", ""},
		{"GET", "/v2/team%2fapp/manifests/..%2fv1", "", ""},
		{"GET", "/v2//manifests//", "%", ""},
		{"GET", "/v2/manifests/tags/list/tags/list", "last=\x00", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		for _, options := range [][]fakeecr.Option{nil, {fakeecr.WithSpecRegistry()}} {
			r := fakeecr.New(t, append(options, fakeecr.WithOpenRegistry(), fakeecr.WithSeed(1))...)
			r.MustPush(faces.App+":v1", fakeecr.RandomImage(1, 10))
			r.MustPush("other/app:v1", fakeecr.RandomImage(2, 10))
			req := &http.Request{
				Method: method, URL: &url.URL{Path: path, RawQuery: query}, Host: faces.RegistryHost, Header: http.Header{},
				ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
			}
			recorder := httptest.NewRecorder()
			r.Handler().ServeHTTP(recorder, req.WithContext(t.Context()))
			got := recorder.Result()
			require.True(t, 200 <= got.StatusCode && got.StatusCode < 500, "%d %s", got.StatusCode, recorder.Body)
			if !strings.HasPrefix(path, "/v2/") {
				continue
			}
			require.Equal(t, "registry/2.0", got.Header.Get("Docker-Distribution-Api-Version"))
			if location := got.Header.Get("Location"); got.StatusCode != http.StatusTemporaryRedirect && location != "" {
				require.True(t, strings.HasPrefix(location, "http://"+faces.RegistryHost+"/v2/"), location)
			}
			for _, call := range r.Trace().Where(scenarios.Through(scenarios.FaceRegistry)) {
				require.Equal(t, "123456789012", call.Account)
				if call.Err == nil {
					require.Contains(t, []string{"", faces.App, "other/app"}, call.Repository)
					require.True(t, call.Repository == "" || strings.HasPrefix(path, "/v2/"+call.Repository+"/"), path)
				}
			}
			described, err := r.DescribeRepositories(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, []string{"other/app", faces.App}, faces.RepositoryNames(described.Repositories))
		}
	})
}
