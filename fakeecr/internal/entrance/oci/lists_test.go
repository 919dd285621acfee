package oci_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// lists is what both lists of the endpoint are read as.
type lists struct {
	Name         string
	Tags         []string
	Repositories []string
}

// list reads a list, and the path of its next page or "".
func list(t *testing.T, e *faces.Endpoint, path string) (list lists, next string) {
	t.Helper()
	got := e.Do(t, "GET", path, "")
	require.Equal(t, 200, got.Status, got.Body)
	require.NoError(t, json.Unmarshal([]byte(got.Body), &list))
	if link := got.Header.Get("Link"); link != "" {
		to, found := strings.CutSuffix(link, `>; rel="next"`)
		require.True(t, found, link)
		next, found = strings.CutPrefix(to, "<"+e.Origin)
		require.True(t, found, link)
	}
	return list, next
}

func TestRegistryLists(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		e.Registry.MustPush("amazonlinux:latest", fakeecr.RandomImage(1, 10))
		e.Registry.MustPush("amazonlinux:2017.09", fakeecr.RandomImage(1, 10))
		got := e.Do(t, "GET", "/v2/amazonlinux/tags/list", "")
		require.Equal(t, `{"name":"amazonlinux","tags":["2017.09","latest"]}`, got.Body)
		require.Equal(t, "text/plain; charset=utf-8", got.Header.Get("Content-Type"))
		require.Equal(t, "50", got.Header.Get("Content-Length"))
		require.Empty(t, got.Header.Values("Link"))

		faces.Create(t, e.Registry, "empty")
		require.Equal(t, `{"name":"empty","tags":[]}`, e.Do(t, "GET", "/v2/empty/tags/list", "").Body)
		got = e.Do(t, "GET", "/v2/_catalog", "")
		require.Equal(t, `{"repositories":["amazonlinux","empty"]}`, got.Body)
		require.Equal(t, "text/plain; charset=utf-8", got.Header.Get("Content-Type"))
	})
}

func TestRegistryPages(t *testing.T) {
	const tooMany = "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'"
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		var tags []string
		for i := range 101 {
			tag := fmt.Sprintf("v%03d", i)
			tags = append(tags, tag)
			e.Registry.MustPush(faces.App+":"+tag, fakeecr.RandomImage(uint64(i), 10))
		}
		first, next := list(t, e, "/v2/team/app/tags/list")
		require.Len(t, first.Tags, 100)
		require.Equal(t, "team/app", first.Name)
		last, end := list(t, e, next)
		require.Empty(t, end)
		all := append(first.Tags, last.Tags...)
		require.False(t, slices.IsSorted(all), "ECR lists tags in the order of their images")
		require.ElementsMatch(t, tags, all)
		token, err := url.Parse(next)
		require.NoError(t, err)
		require.NotContains(t, tags, token.Query().Get("last"))

		var some []string
		for path := "/v2/team/app/tags/list?n=40"; path != ""; {
			var page lists
			page, path = list(t, e, path)
			some = append(some, page.Tags...)
		}
		require.Equal(t, all, some)

		for _, list := range []string{"/v2/team/app/tags/list", "/v2/_catalog"} {
			e.RequireRefused(t, 405, "UNSUPPORTED", tooMany, "GET", list+"?n=10000", "")
			e.RequireRefused(t, 405, "UNSUPPORTED", tooMany, "GET", list+"?n=99999999999", "")
			e.RequireRefused(t, 405, "UNSUPPORTED", "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value greater than or equal to 1'", "GET", list+"?n=0", "")
			e.RequireRefused(t, 405, "UNSUPPORTED", "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must be an integer'", "GET", list+"?n=x", "")
			e.RequireRefused(t, 405, "UNSUPPORTED", "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'", "GET", list+"?last=v001", "")
		}
		e.RequireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'team/none' does not exist in the registry with id '123456789012'", "GET", "/v2/team/none/tags/list", "")

		faces.Create(t, e.Registry, "base")
		page, next := list(t, e, "/v2/_catalog?n=1")
		require.Equal(t, []string{"base"}, page.Repositories)
		page, next = list(t, e, next)
		require.Equal(t, []string{"team/app"}, page.Repositories)
		require.Empty(t, next)
	})
}

func TestSpecRegistryPages(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		image := fakeecr.RandomImage(1, 10)
		for i, tag := range []string{"c", "B", "a", "d", "e"} {
			if i > 2 {
				image = fakeecr.RandomImage(2, 10)
			}
			e.Registry.MustPush(faces.App+":"+tag, image)
		}
		path := "/v2/team/app/tags/list"
		require.Equal(t, "application/json", e.Do(t, "GET", path, "").Header.Get("Content-Type"))
		page, next := list(t, e, path+"?n=2")
		require.Equal(t, []string{"B", "a"}, page.Tags)
		require.Equal(t, path+"?last=a&n=2", next)
		page, next = list(t, e, next)
		require.Equal(t, []string{"c", "d"}, page.Tags)
		page, next = list(t, e, next)
		require.Equal(t, []string{"e"}, page.Tags)
		require.Empty(t, next)
		page, next = list(t, e, path+"?n=0")
		require.Empty(t, page.Tags)
		require.Empty(t, next)
		page, _ = list(t, e, path+"?n=10000&last=bb")
		require.Equal(t, []string{"c", "d", "e"}, page.Tags)
		e.RequireRefused(t, 400, "PAGINATION_NUMBER_INVALID", "The number of results is no natural number", "GET", path+"?n=-1", "")
		e.RequireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'team/none' does not exist in the registry with id '123456789012'", "GET", "/v2/team/none/tags/list?n=0", "")

		faces.Create(t, e.Registry, "z/app")
		page, next = list(t, e, "/v2/_catalog?n=1")
		require.Equal(t, []string{"team/app"}, page.Repositories)
		require.Equal(t, "/v2/_catalog?last=team%2Fapp&n=1", next)
		page, next = list(t, e, next)
		require.Equal(t, []string{"z/app"}, page.Repositories)
		require.Empty(t, next)
	}, fakeecr.WithSpecRegistry())
}

// Tags of what is in the archive, or on its way back, are not listed, as nobody can
// pull them.
func TestRegistryListsActiveTags(t *testing.T) {
	for name, options := range map[string][]fakeecr.Option{"ecr": nil, "spec": {fakeecr.WithSpecRegistry()}} {
		t.Run(name, func(t *testing.T) {
			faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
				e.Registry.MustPush(faces.App+":active", fakeecr.RandomImage(1, 10))
				digest := e.Registry.MustPush(faces.App+":archived", fakeecr.RandomImage(2, 10))
				tags := func() []string {
					list, next := list(t, e, "/v2/team/app/tags/list?n=2")
					require.Empty(t, next)
					return list.Tags
				}
				both := []string{"active", "archived"}
				require.ElementsMatch(t, both, tags())
				faces.UpdateStorage(t, e.Registry, digest, types.TargetStorageClassArchive)
				require.Equal(t, []string{"active"}, tags())
				faces.UpdateStorage(t, e.Registry, digest, types.TargetStorageClassStandard)
				require.Equal(t, []string{"active"}, tags())
				e.Registry.Advance(20 * time.Minute)
				require.ElementsMatch(t, both, tags())
			}, options...)
		})
	}
}

// index is an answer of referrers.
type index struct {
	SchemaVersion int
	MediaType     string
	Manifests     []struct {
		MediaType, Digest, ArtifactType string
		Size                            int
		Annotations                     map[string]string
	}
}

func TestRegistryReferrers(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		image := fakeecr.RandomImage(1, 10)
		e.Registry.MustPush(faces.App+":v1", image)
		referrers := func(path string) (found index, got faces.Reply) {
			t.Helper()
			got = e.Do(t, "GET", "/v2/team/app/referrers/"+path, "")
			require.Equal(t, 200, got.Status, got.Body)
			require.Equal(t, faces.OCIIndex, got.Header.Get("Content-Type"))
			require.NoError(t, json.Unmarshal([]byte(got.Body), &found))
			require.Equal(t, 2, found.SchemaVersion)
			require.Equal(t, faces.OCIIndex, found.MediaType)
			return found, got
		}
		_, got := referrers(image.Digest())
		require.Equal(t, `{"schemaVersion":2,"mediaType":"`+faces.OCIIndex+`","manifests":[]}`, got.Body)
		require.Empty(t, got.Header.Values("OCI-Filters-Applied"))
		_, got = referrers(faces.DigestOf([]byte("absent")))
		require.Contains(t, got.Body, `"manifests":[]`)

		// More than the API answers at once.
		var digests []string
		for i := range 51 {
			sbom := fakeecr.Referrer(image, "application/spdx+json", fmt.Appendf(nil, "sbom %d", i))
			digests = append(digests, e.Registry.MustPush(faces.App, sbom))
		}
		signature := fakeecr.Referrer(image, "application/vnd.example.signature", []byte("signed"))
		e.Registry.MustPush(faces.App, signature)
		found, _ := referrers(image.Digest())
		require.Len(t, found.Manifests, 52)
		found, got = referrers(image.Digest() + "?artifactType=application/spdx%2Bjson")
		require.Equal(t, "artifactType", got.Header.Get("OCI-Filters-Applied"))
		require.Len(t, found.Manifests, 51)
		for _, manifest := range found.Manifests {
			require.Contains(t, digests, manifest.Digest)
		}
		found, _ = referrers(image.Digest() + "?artifactType=application/vnd.example.signature")
		require.Len(t, found.Manifests, 1)
		only := found.Manifests[0]
		require.Equal(t, signature.Digest(), only.Digest)
		require.Equal(t, faces.OCIManifest, only.MediaType)
		require.Equal(t, "application/vnd.example.signature", only.ArtifactType)
		require.Equal(t, len(signature.Manifest), only.Size)

		e.RequireRefused(t, 400, "DIGEST_INVALID", "Invalid digest 'v1'", "GET", "/v2/team/app/referrers/v1", "")
		e.RequireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'team/none' does not exist in the registry with id '123456789012'", "GET", "/v2/team/none/referrers/"+image.Digest(), "")
	})
}
