package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

func state(t *testing.T, url string) (s fakeecr.Snapshot) {
	t.Helper()
	response, err := http.Get(url + "/_fakeecr/state")
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, "application/json", response.Header.Get("Content-Type"))
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &s))
	return s
}

// A suite of tests in another language seeds once, and goes back to that.
func TestSnapshotAndRestore(t *testing.T) {
	url, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	seeded := state(t, url)
	require.Contains(t, seeded.Registries["123456789012/eu-west-1"].Repositories, "team/app")
	name := strings.TrimSpace(post(t, url+"/_fakeecr/snapshot", "", http.StatusCreated))

	api := client(url)
	create := func(repository string) error {
		_, err := api.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &repository})
		return err
	}
	require.NoError(t, create("team/new"))
	require.NotEmpty(t, seeded.Diff(state(t, url)))
	page := get(t, url+"/_fakeecr/world")
	require.Contains(t, page, "Since snapshot 1</strong> <span class=\"quiet\">4 differences")
	require.Contains(t, page, "123456789012/eu-west-1 team/new: repository → there, was not there")
	token, err := api.GetAuthorizationToken(t.Context(), nil)
	require.NoError(t, err)
	post(t, url+"/_fakeecr/advance?duration=1h", "", http.StatusNoContent)

	post(t, url+"/_fakeecr/scenario", `{"rules":[{"on":"CreateRepository","do":{"hold":true}}]}`, http.StatusCreated)
	held := make(chan error)
	go func() { held <- create("team/held") }()
	response, err := http.Get(url + "/_fakeecr/scenario/1/held?n=1")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())

	for range 2 {
		post(t, url+"/_fakeecr/restore?name="+name, "", http.StatusNoContent)
		require.Empty(t, seeded.Diff(state(t, url)))
	}
	require.ErrorContains(t, <-held, "503")
	trace, err := http.Get(url + "/_fakeecr/trace")
	require.NoError(t, err)
	text, err := io.ReadAll(trace.Body)
	require.NoError(t, err)
	require.NoError(t, trace.Body.Close())
	require.Empty(t, strings.TrimSpace(string(text)))
	later, err := api.GetAuthorizationToken(t.Context(), nil)
	require.NoError(t, err)
	require.GreaterOrEqual(t, later.AuthorizationData[0].ExpiresAt.Sub(*token.AuthorizationData[0].ExpiresAt), time.Hour, "time goes on")
	require.NoError(t, create("team/new"), "what was played has ended")

	post(t, url+"/_fakeecr/restore?name=2", "", http.StatusNotFound)
	post(t, url+"/_fakeecr/restore", "", http.StatusNotFound)
	for range mostSnapshots - 1 {
		post(t, url+"/_fakeecr/snapshot", "", http.StatusCreated)
	}
	require.Contains(t, post(t, url+"/_fakeecr/snapshot", "", http.StatusConflict), "room for no more")
}

// get is what is answered to a GET.
func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	return string(text)
}
