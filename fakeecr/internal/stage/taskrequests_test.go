package stage_test

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
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// The tasks of the table of faults, as requests of the registry endpoint.

// overSocket is the endpoint of a server, with a connection for each request: net/http
// would repeat one that finds its connection ended.
func overSocket(t *testing.T, s *fakeecr.Server) *faces.Endpoint {
	return faces.By(t, &http.Transport{DisableKeepAlives: true}, s.Registry, s.URL)
}

// told is an answer's status and the code of its error, in JSON or in S3's XML, if it
// has one.
func told(r faces.Reply) string {
	var body struct{ Errors []struct{ Code string } }
	var stored struct{ Code string }
	switch {
	case json.Unmarshal([]byte(r.Body), &body) == nil && len(body.Errors) > 0:
		return fmt.Sprint(r.Status, " ", body.Errors[0].Code)
	case xml.Unmarshal([]byte(r.Body), &stored) == nil && stored.Code != "":
		return fmt.Sprint(r.Status, " ", stored.Code)
	}
	return fmt.Sprint(r.Status)
}

func requestPut(ctx context.Context, t *testing.T, e *faces.Endpoint) (string, error) {
	got, err := e.SendWithin(ctx, t, "PUT", faces.ManifestsOf+"v2", string(faultImage.Manifest), "Content-Type", faces.OCIManifest)
	return told(got), err
}

func requestDelete(ctx context.Context, t *testing.T, e *faces.Endpoint) (string, error) {
	got, err := e.SendWithin(ctx, t, "DELETE", faces.ManifestsOf+"v1", "")
	return told(got), err
}

func requestUpload(ctx context.Context, t *testing.T, e *faces.Endpoint) (string, error) {
	upload := e.Begin(t)
	require.Equal(t, 201, e.Do(t, "PATCH", upload, string(faultImage.Blobs[0])).Status)
	got, err := e.SendWithin(ctx, t, "PUT", upload+"?digest="+faultLayer, "")
	return told(got), err
}

func requestTags(ctx context.Context, t *testing.T, e *faces.Endpoint) (string, error) {
	got, err := e.SendWithin(ctx, t, "GET", "/v2/team/app/tags/list", "")
	if err != nil {
		return "", err
	}
	var list struct{ Tags []string }
	require.NoError(t, json.Unmarshal([]byte(got.Body), &list))
	more := ""
	if got.Header.Get("Link") != "" {
		more = ", and more"
	}
	return fmt.Sprintf("%s, %d of 3 tags%s", told(got), len(list.Tags), more), nil
}

func requestManifest(ctx context.Context, t *testing.T, e *faces.Endpoint) (string, error) {
	got, err := e.SendWithin(ctx, t, "GET", faces.ManifestsOf+"v1", "")
	if err != nil || got.Status != http.StatusOK {
		return told(got), err
	}
	require.JSONEq(t, string(faultImage.Manifest), got.Body)
	return told(got) + different(got.Body, "manifest", len(got.Body), faultImage.Digest()), nil
}

func requestDownload(ctx context.Context, t *testing.T, e *faces.Endpoint) (string, error) {
	to := e.Do(t, "GET", faces.BlobsOf+faultLayer, "")
	require.Equal(t, http.StatusTemporaryRedirect, to.Status)
	at := *e
	at.Origin, at.Authorization = "", ""
	got, err := at.SendWithin(ctx, t, "GET", to.Header.Get("Location"), "")
	if err != nil || got.Status != http.StatusOK {
		return told(got), err
	}
	return told(got) + different(got.Body, "layer", len(faultImage.Blobs[0]), faultLayer), nil
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

func requestTag(ctx context.Context, t *testing.T, e *faces.Endpoint) (string, error) {
	require.Equal(t, 201, e.Do(t, "PUT", faces.ManifestsOf+"v2", string(faultImage.Manifest), "Content-Type", faces.OCIManifest).Status)
	got, err := e.SendWithin(ctx, t, "GET", faces.ManifestsOf+"v2", "")
	return told(got), err
}

func requestThrough(ctx context.Context, t *testing.T, e *faces.Endpoint) (string, error) {
	got, err := e.SendWithin(ctx, t, "GET", "/v2/quay/team/app/manifests/v1", "")
	return told(got), err
}
