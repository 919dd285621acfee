package fakeecr_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// The tasks of the table of faults, as requests of the registry endpoint.

func inProcess(t *testing.T, r *fakeecr.Registry) *endpoint {
	return &endpoint{registry: r, origin: "https://" + registryHost, client: &http.Client{Transport: r.Transport(), CheckRedirect: stay},
		authorization: "Basic " + authorizationToken(t, r)}
}

// overSocket is the endpoint of a server, with a connection for each request: net/http
// would repeat one that finds its connection ended.
func overSocket(t *testing.T, s *fakeecr.Server) *endpoint {
	way := &http.Transport{DisableKeepAlives: true}
	return &endpoint{registry: s.Registry, origin: s.URL, client: &http.Client{Transport: way, CheckRedirect: stay},
		authorization: "Basic " + authorizationToken(t, s)}
}

// told is an answer's status and the code of its error, in JSON or in S3's XML, if it
// has one.
func (r reply) told() string {
	var body struct{ Errors []struct{ Code string } }
	var stored struct{ Code string }
	switch {
	case json.Unmarshal([]byte(r.body), &body) == nil && len(body.Errors) > 0:
		return fmt.Sprint(r.status, " ", body.Errors[0].Code)
	case xml.Unmarshal([]byte(r.body), &stored) == nil && stored.Code != "":
		return fmt.Sprint(r.status, " ", stored.Code)
	}
	return fmt.Sprint(r.status)
}

func requestPut(ctx context.Context, t *testing.T, e *endpoint) (string, error) {
	got, err := e.sendWithin(ctx, t, "PUT", manifestsOf+"v2", string(faultImage.Manifest), "Content-Type", ociManifest)
	return got.told(), err
}

func requestDelete(ctx context.Context, t *testing.T, e *endpoint) (string, error) {
	got, err := e.sendWithin(ctx, t, "DELETE", manifestsOf+"v1", "")
	return got.told(), err
}

func requestUpload(ctx context.Context, t *testing.T, e *endpoint) (string, error) {
	upload := e.begin(t)
	require.Equal(t, 201, e.do(t, "PATCH", upload, string(faultImage.Blobs[0])).status)
	got, err := e.sendWithin(ctx, t, "PUT", upload+"?digest="+faultLayer, "")
	return got.told(), err
}

func requestTags(ctx context.Context, t *testing.T, e *endpoint) (string, error) {
	got, err := e.sendWithin(ctx, t, "GET", "/v2/team/app/tags/list", "")
	if err != nil {
		return "", err
	}
	var list struct{ Tags []string }
	require.NoError(t, json.Unmarshal([]byte(got.body), &list))
	more := ""
	if got.header.Get("Link") != "" {
		more = ", and more"
	}
	return fmt.Sprintf("%s, %d of 3 tags%s", got.told(), len(list.Tags), more), nil
}

func requestManifest(ctx context.Context, t *testing.T, e *endpoint) (string, error) {
	got, err := e.sendWithin(ctx, t, "GET", manifestsOf+"v1", "")
	if err != nil || got.status != http.StatusOK {
		return got.told(), err
	}
	require.JSONEq(t, string(faultImage.Manifest), got.body)
	return got.told() + different(got.body, "manifest", len(got.body), faultImage.Digest()), nil
}

func requestDownload(ctx context.Context, t *testing.T, e *endpoint) (string, error) {
	to := e.do(t, "GET", blobsOf+faultLayer, "")
	require.Equal(t, http.StatusTemporaryRedirect, to.status)
	at := *e
	at.origin, at.authorization = "", ""
	got, err := at.sendWithin(ctx, t, "GET", to.header.Get("Location"), "")
	if err != nil || got.status != http.StatusOK {
		return got.told(), err
	}
	return got.told() + different(got.body, "layer", len(faultImage.Blobs[0]), faultLayer), nil
}

// different is how content differs from what has so many bytes and a digest.
func different(content, what string, size int, wanted string) string {
	switch {
	case len(content) != size:
		return fmt.Sprintf(", %d bytes of %d", len(content), size)
	case digest.FromString(content).String() != wanted:
		return ", a " + what + " with another digest"
	}
	return ""
}

func requestTag(ctx context.Context, t *testing.T, e *endpoint) (string, error) {
	require.Equal(t, 201, e.do(t, "PUT", manifestsOf+"v2", string(faultImage.Manifest), "Content-Type", ociManifest).status)
	got, err := e.sendWithin(ctx, t, "GET", manifestsOf+"v2", "")
	return got.told(), err
}

func requestThrough(ctx context.Context, t *testing.T, e *endpoint) (string, error) {
	got, err := e.sendWithin(ctx, t, "GET", "/v2/quay/team/app/manifests/v1", "")
	return got.told(), err
}
