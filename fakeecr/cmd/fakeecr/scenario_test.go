package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// ask sends a request to the program and answers the status and the body.
func ask(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	if len(header) == 2 {
		req.Header.Set(header[0], header[1])
	}
	response, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode, string(text)
}

const refusing = `{"rules":[{"name":"once","on":"DescribeRepositories","when":{"first":1},"do":{"fail":{"code":"ThrottlingException","message":"Rate exceeded"},"then":"calm"}}]}`

func TestPlayOverHTTP(t *testing.T) {
	url, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	control, api := url+"/_fakeecr/scenario", client(url)

	status, body := ask(t, "GET", control, "")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `[]`, body)

	status, body = ask(t, "POST", control, refusing)
	require.Equal(t, http.StatusCreated, status)
	require.JSONEq(t, `{"id":"1"}`, body)
	status, body = ask(t, "POST", control, `{"rules":[{"on":"PutImage","where":{"repository":"team/db"},"do":{"drop":true}},{"on":"PutImage","do":{"delay":"1s"},"optional":true}]}`)
	require.Equal(t, http.StatusCreated, status)
	require.JSONEq(t, `{"id":"2"}`, body)

	_, err := api.DescribeRepositories(t.Context(), nil)
	var throttled smithy.APIError
	require.ErrorAs(t, err, &throttled)
	require.Equal(t, "ThrottlingException", throttled.ErrorCode())
	_, err = api.DescribeRepositories(t.Context(), nil)
	require.NoError(t, err)

	_, body = ask(t, "GET", control, "")
	require.JSONEq(t, `[
		{"id":"1","state":"calm","held":0,"rules":[{"rule":"once","matched":2,"fired":1,"optional":false}]},
		{"id":"2","state":"","held":0,"rules":[
			{"rule":"PutImage in team/db loses its reply","matched":0,"fired":0,"optional":false},
			{"rule":"PutImage delayed 1s","matched":0,"fired":0,"optional":true}]}]`, body)

	for name, c := range map[string]struct {
		method, path string
		status       int
	}{
		"stop unknown":    {"DELETE", "/7", http.StatusNotFound},
		"release unknown": {"POST", "/7/release", http.StatusNotFound},
		"put":             {"PUT", "", http.StatusMethodNotAllowed},
		"no such request": {"POST", "/1/pause", http.StatusNotFound},
	} {
		status, _ = ask(t, c.method, control+c.path, "")
		require.Equal(t, c.status, status, name)
	}

	status, body = ask(t, "DELETE", control+"/1", "")
	require.Equal(t, http.StatusNoContent, status, body)
	require.Empty(t, body)
	status, _ = ask(t, "DELETE", control+"/1", "")
	require.Equal(t, http.StatusNotFound, status)
}

func TestStopTellsWhatNeverFired(t *testing.T) {
	url, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	control, api := url+"/_fakeecr/scenario", client(url)
	ask(t, "POST", control, `{"rules":[{"on":"ListImages","where":{"repository":"team/db"},"do":{"drop":true}},{"on":"ListImages","when":{"nth":2},"do":{"fail":"no answer"}}]}`)
	ask(t, "POST", control, `{"rules":[{"on":"PutImage","do":{"hold":true},"optional":true}]}`)
	_, err := api.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
	require.NoError(t, err)

	status, body := ask(t, "DELETE", control, "")
	require.Equal(t, http.StatusConflict, status)
	var told struct {
		NeverFired []struct {
			ID, Rule string
			Matched  int
			Near     []string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &told))
	require.Len(t, told.NeverFired, 2)
	require.Equal(t, "1", told.NeverFired[0].ID)
	require.Equal(t, "ListImages in team/db loses its reply", told.NeverFired[0].Rule)
	require.Zero(t, told.NeverFired[0].Matched)
	require.Len(t, told.NeverFired[0].Near, 1)
	require.Regexp(t, `^it did not match 2 .* ListImages team/app -> ok: in team/app$`, told.NeverFired[0].Near[0])
	require.Contains(t, body, "ListImages team/app -> ok", "as people read it")
	require.Equal(t, "ListImages nth 2 fails with there is no answer", told.NeverFired[1].Rule)
	require.Equal(t, 1, told.NeverFired[1].Matched)

	status, _ = ask(t, "DELETE", control, "")
	require.Equal(t, http.StatusNoContent, status, "nothing is played any more")
}

func TestHeldCallsAreLetGo(t *testing.T) {
	for name, letGo := range map[string]func(t *testing.T, url string, stop func() error){
		"release": func(t *testing.T, url string, _ func() error) {
			status, _ := ask(t, "POST", url+"/_fakeecr/scenario/1/release", "")
			require.Equal(t, http.StatusNoContent, status)
		},
		"stop": func(t *testing.T, url string, _ func() error) {
			status, _ := ask(t, "DELETE", url+"/_fakeecr/scenario/1", "")
			require.Equal(t, http.StatusNoContent, status)
		},
		"reset": func(t *testing.T, url string, _ func() error) {
			status, _ := ask(t, "POST", url+"/_fakeecr/reset", "")
			require.Equal(t, http.StatusNoContent, status)
			_, body := ask(t, "GET", url+"/_fakeecr/scenario", "")
			require.JSONEq(t, `[]`, body)
		},
		"end": func(t *testing.T, _ string, stop func() error) {
			begun := time.Now()
			require.NoError(t, stop())
			require.Less(t, time.Since(begun), grace)
		},
	} {
		t.Run(name, func(t *testing.T) {
			url, stop := start(t, "-region", "eu-west-1", "-repository", "team/app")
			ask(t, "POST", url+"/_fakeecr/scenario", `{"rules":[{"on":"ListImages","do":{"hold":true}}]}`)
			answered := make(chan error, 1)
			go func() {
				_, err := client(url).ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
				answered <- err
			}()
			status, body := ask(t, "GET", url+"/_fakeecr/scenario/1/held?n=1", "")
			require.Equal(t, http.StatusOK, status)
			require.JSONEq(t, `{"held":1}`, body)
			letGo(t, url, stop)
			require.NoError(t, <-answered)
		})
	}
}

func TestWaitForHeldCalls(t *testing.T) {
	url, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	playing := url + "/_fakeecr/scenario/1"
	ask(t, "POST", url+"/_fakeecr/scenario", `{"rules":[{"on":"ListImages","do":{"together":3},"optional":true}]}`)
	two := make(chan string)
	go func() {
		status, body := ask(t, "GET", playing+"/held?n=2", "")
		two <- strconv.Itoa(status) + " " + strings.TrimSpace(body)
	}()
	answered := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := client(url).ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
			answered <- err
		}()
	}
	require.Equal(t, `200 {"held":2}`, <-two)
	for query, status := range map[string]int{"": http.StatusOK, "?n=2": http.StatusOK, "?n=0": http.StatusBadRequest, "?n=two": http.StatusBadRequest} {
		got, _ := ask(t, "GET", playing+"/held"+query, "")
		require.Equal(t, status, got, query)
	}
	status, _ := ask(t, "GET", url+"/_fakeecr/scenario/7/held", "")
	require.Equal(t, http.StatusNotFound, status)

	three := make(chan int)
	go func() {
		status, _ := ask(t, "GET", playing+"/held?n=3", "")
		three <- status
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", playing+"/held?n=3", nil)
	require.NoError(t, err)
	_, err = http.DefaultClient.Do(req)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	ask(t, "DELETE", playing, "")
	require.NoError(t, <-answered)
	require.NoError(t, <-answered)
	require.Contains(t, []int{http.StatusConflict, http.StatusNotFound}, <-three, "stopped, before it asked or while it waited")
}

func TestBadScenariosAreRefused(t *testing.T) {
	url, _ := start(t)
	for name, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"no JSON":           {"rules", http.StatusBadRequest, "1:1: invalid character 'r'"},
		"empty":             {"", http.StatusBadRequest, "1:1: unexpected end"},
		"unknown member":    {"{\n \"rules\": [{\"onn\": \"PutImage\"}]}", http.StatusBadRequest, `2:13: rules: there is no "onn" here`},
		"unknown operation": {`{"rules":[{"on":"PutImages","do":{"hold":true}}]}`, http.StatusBadRequest, `1:17: on: ECR has no operation "PutImages"`},
		"second rule":       {`{"rules":[{"on":"PutImage","do":{"hold":true}},{"on":"PutImage","do":{"keep":1}}]}`, http.StatusBadRequest, "keep cannot be put on PutImage"},
		"too long":          {strings.Repeat(" ", longest) + refusing, http.StatusRequestEntityTooLarge, "at most 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := ask(t, "POST", url+"/_fakeecr/scenario", c.body)
			require.Equal(t, c.status, status)
			require.Contains(t, body, c.says)
			_, body = ask(t, "GET", url+"/_fakeecr/scenario", "")
			require.JSONEq(t, `[]`, body, "nothing is played")
		})
	}
}

func TestScenarioFiles(t *testing.T) {
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "scenario.json")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	bad := file("{\"rules\":[\n{\"on\":\"PutImage\",\"do\":{\"hold\":\"yes\"}}]}")
	err := run(t.Context(), []string{"-scenario", file(refusing), "-scenario", bad}, io.Discard, io.Discard)
	require.ErrorContains(t, err, bad+`:2:31: hold: "yes" is not true or false`)
	err = run(t.Context(), []string{"-scenario", bad + ".none"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "no such file")

	url, _ := start(t, "-region", "eu-west-1", "-scenario", file(refusing), "-scenario",
		file(`{"rules":[{"on":"ListImages","do":{"fail":{"code":"KmsException","members":{"kmsError":"DisabledException"}}}}]}`))
	for range 2 { // again after a reset
		_, err = client(url).DescribeRepositories(t.Context(), nil)
		require.ErrorContains(t, err, "Rate exceeded")
		_, err = client(url).ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
		var disabled *types.KmsException
		require.ErrorAs(t, err, &disabled)
		require.Equal(t, "DisabledException", *disabled.KmsError)
		post(t, url+"/_fakeecr/reset", "", http.StatusNoContent)
	}
}

// What failed of a batch is a failure, in JSON as people read it and on the page.
func TestFailuresOfABatchOverHTTP(t *testing.T) {
	url, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	api := client(url)
	ask(t, "POST", url+"/_fakeecr/scenario", `{"rules":[{"on":"BatchDeleteImage","name":"<a & b>","do":{"delay":"1ns"}}]}`)
	_, err := api.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}})
	require.NoError(t, err)
	_, body := ask(t, "GET", url+"/_fakeecr/trace?failed", "", "Accept", "application/json")
	require.Contains(t, body, `"outcome":"ok, 1 failure: ImageNotFound"`)
	require.Contains(t, body, `"rules":["<a & b>"]`)
	_, body = ask(t, "GET", url+"/_fakeecr/trace?failed=false", "", "Accept", "application/json")
	require.NotContains(t, body, "BatchDeleteImage")
	_, body = ask(t, "GET", url+"/_fakeecr/scenario", "")
	require.Contains(t, body, `"rule":"<a & b>"`)
	_, body = ask(t, "GET", url+"/_fakeecr/", "")
	require.Contains(t, body, ">ok, 1 failure: ImageNotFound<")
}

func TestTraceOverHTTP(t *testing.T) {
	url, _ := start(t, "-region", "eu-west-1", "-repository", "team/app", "-repository", "team/db")
	api := client(url)
	ask(t, "POST", url+"/_fakeecr/scenario", refusing)
	_, err := api.DescribeRepositories(t.Context(), nil)
	require.Error(t, err)
	_, err = api.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/db"}})
	require.NoError(t, err)
	for _, repository := range []string{"team/app", "team/db"} {
		_, err = api.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: &repository, ImageManifest: aws.String("{}"), ImageTag: aws.String("v1")})
		require.Error(t, err)
	}
	type call struct {
		Number                              int
		Operation, Repository, Caller, Face string
		Input                               map[string]any
		Output                              map[string]any
		Error                               struct{ Code, Message string }
		Rules                               []string
	}
	for query, want := range map[string][]int{ // the first two create the repositories
		"":                                       {1, 2, 3, 4, 5, 6},
		"?operation=PutImage":                    {5, 6},
		"?operation=writes&operation=PutImage":   {1, 2, 5, 6},
		"?operation=PutImage&repository=team/d*": {6},
		"?repository=team/db":                    {2, 4, 6},
		"?tag=v1":                                {5, 6},
		"?failed":                                {3, 5, 6},
		"?failed=false":                          {1, 2, 4},
		"?rule=once":                             {3},
		"?face=API&region=eu-west-1":             {3, 4, 5, 6},
		"?caller=nobody":                         {},
	} {
		status, body := ask(t, "GET", url+"/_fakeecr/trace"+query, "", "Accept", "application/json")
		require.Equal(t, http.StatusOK, status, query)
		var calls []call
		require.NoError(t, json.Unmarshal([]byte(body), &calls))
		require.NotNil(t, calls)
		numbers := []int{}
		for _, c := range calls {
			numbers = append(numbers, c.Number)
		}
		require.Equal(t, want, numbers, query)
		_, text := ask(t, "GET", url+"/_fakeecr/trace"+query, "")
		require.Equal(t, len(want), strings.Count(text, "\n"), query)
	}
	_, body := ask(t, "GET", url+"/_fakeecr/trace", "", "Accept", "application/json")
	var calls []call
	require.NoError(t, json.Unmarshal([]byte(body), &calls))
	require.Equal(t, "ThrottlingException", calls[2].Error.Code)
	require.Equal(t, "Rate exceeded", calls[2].Error.Message)
	require.Equal(t, []string{"once"}, calls[2].Rules)
	require.Equal(t, "team/db", calls[3].Output["repositories"].([]any)[0].(map[string]any)["repositoryName"])
	require.Equal(t, "v1", calls[4].Input["imageTag"])
	require.Equal(t, "API", calls[4].Face)

	for query, says := range map[string]string{
		"?operation=PutImages": `ECR has no operation "PutImages"`,
		"?while=expired":       "while is about a state of a playing: a call of the trace is in none",
		"?tokenBefore=expired": "tokenBefore is about a state of a playing: a call of the trace is in none",
		"?repo=team":           `no condition "repo"`,
		"?failed=perhaps":      "true or false",
		"?face=http":           "no face",
		"?tag=":                "empty tag",
	} {
		status, body := ask(t, "GET", url+"/_fakeecr/trace"+query, "")
		require.Equal(t, http.StatusBadRequest, status, query)
		require.Contains(t, body, says, query)
	}
}
