package oci_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

const expiredSentence = "Your authorization token has expired. Reauthenticate and try again."

// last is the call that a world saw last.
func last(r *fakeecr.Registry) scenarios.Call {
	trace := r.Trace()
	return trace[len(trace)-1]
}

// The check of /v2/ is a call, whatever comes of it.
func TestGetEndpoint(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		own := e.Authorization
		for _, method := range []string{"GET", "HEAD"} {
			require.Equal(t, 200, e.Do(t, method, "/v2/", "").Status)
			call := last(e.Registry)
			require.Equal(t, []any{scenarios.GetEndpoint, "123456789012", "us-east-1", "", faces.Caller, scenarios.FaceRegistry, nil},
				[]any{call.Operation, call.Account, call.Region, call.Repository, call.Caller, call.Face, call.Err})
			require.Equal(t, &scenarios.GetEndpointInput{RegistryId: aws.String("123456789012")}, call.Input)
			require.WithinDuration(t, e.Registry.Now(), call.TokenIssued, 10*time.Second)
		}
		e.Authorization = ""
		require.Equal(t, 401, e.Do(t, "GET", "/v2/", "").Status)
		call := last(e.Registry)
		require.Equal(t, scenarios.GetEndpoint, call.Operation)
		require.EqualError(t, call.Err, "Not Authorized")
		require.Empty(t, call.Caller, "nobody says who calls")
		require.True(t, call.TokenIssued.IsZero())

		// It needs no permission, and an old token is one.
		e.Authorization = "Basic " + faces.AuthorizationToken(t, e.Registry.As(faces.Alice, faces.Identity("Allow", "ecr:GetAuthorizationToken", "*")))
		require.Equal(t, 200, e.Do(t, "GET", "/v2/", "").Status)
		require.Equal(t, faces.Alice, last(e.Registry).Caller)
		e.Registry.Advance(12 * time.Hour)
		e.Authorization = own
		e.RequireRefused(t, 403, "DENIED", expiredSentence, "GET", "/v2/", "")
		require.EqualError(t, last(e.Registry).Err, expiredSentence)
		require.Equal(t, 5, e.Registry.Trace().Count(scenarios.GetEndpoint))
	})
}

// Rules meet the check before it is refused.
func TestRulesOnGetEndpoint(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		for i, authorization := range []string{e.Authorization, "", basic("AWS", "secret")} {
			e.Authorization = authorization
			outage := e.Registry.Play(scenarios.RegionOutage("us-east-1"))
			got, err := e.Send(t, "GET", "/v2/", "")
			require.NoError(t, err)
			require.Equal(t, 503, got.Status)
			require.Contains(t, got.Body, "503 Service Unavailable")
			outage.Stop()

			throttled := e.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.Reads).First(1).Fail(scenarios.Throttled())})
			e.RequireRefused(t, 429, "TOOMANYREQUESTS", "Rate exceeded", "GET", "/v2/", "")
			require.Equal(t, i == 0, e.Do(t, "GET", "/v2/", "").Status == 200)
			throttled.Stop()
		}
	})
}

// What becomes of a reply becomes of the check's.
func TestGetEndpointLosesItsReply(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithScenario(scenarios.Scenario{scenarios.On(scenarios.GetEndpoint).Drop()}))
	for _, e := range []*faces.Endpoint{
		{Origin: server.URL, Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}},
		{Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: server.Transport()}},
	} {
		_, err := e.Send(t, "GET", "/v2/", "")
		require.ErrorIs(t, err, io.EOF)
		require.ErrorIs(t, last(server.Registry).Err, scenarios.ErrReplyLost)
	}
}

// A token that has expired in the middle of a push is refused on every path, and a
// newer one is not, also where no time has passed between them.
func TestTokenExpiresAtTheRegistry(t *testing.T) {
	expire := func(t *testing.T, e *faces.Endpoint) {
		e.Registry.MustPush(faces.App+":v1", fakeecr.RandomImage(1, 10))
		e.Registry.Play(scenarios.TokenExpires(1))
		unused := "Basic " + faces.AuthorizationToken(t, e.Registry)
		old, paths := e.Authorization, []string{
			"GET /v2/", "HEAD /v2/", "GET /v2/_catalog", "GET /v2/team/app/tags/list", "GET /v2/team/app/manifests/v1", "HEAD /v2/team/app/manifests/v1",
			"GET /v2/team/app/referrers/" + fakeecr.RandomImage(1, 10).Digest(), "POST /v2/team/app/blobs/uploads/",
		}
		refused := func(authorization string) {
			e.Authorization = authorization
			for _, path := range paths {
				method, path, _ := strings.Cut(path, " ")
				e.RequireRefused(t, 403, "DENIED", expiredSentence, method, path, "")
			}
		}
		first, second := e.Begin(t), e.Begin(t)
		require.Equal(t, 201, e.Do(t, "PATCH", first, "part").Status)
		require.Equal(t, 200, e.Do(t, "GET", "/v2/", "").Status)
		e.RequireRefused(t, 403, "DENIED", expiredSentence, "PATCH", second, "part")
		refused(old)
		refused(unused)

		_, err := e.Registry.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App)})
		faces.RequireRefusal(t, err, "ExpiredTokenException", "The security token included in the request is expired")
		newer := "Basic " + faces.AuthorizationToken(t, e.Registry)
		_, err = e.Registry.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App)})
		require.NoError(t, err)
		e.Authorization = newer
		require.Equal(t, 201, e.Do(t, "PATCH", second, "part").Status)
		for _, path := range []string{"/v2/", "/v2/_catalog", "/v2/team/app/manifests/v1"} {
			require.Equal(t, 200, e.Do(t, "GET", path, "").Status)
		}
		refused(old)
		refused(unused)
	}
	faces.EachEndpoint(t, expire)
	synctest.Test(t, func(t *testing.T) {
		r := fakeecr.New(t)
		expire(t, &faces.Endpoint{Registry: r, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: r.Transport()},
			Authorization: "Basic " + faces.AuthorizationToken(t, r)})
	})
}

// A rule sees when a call's token was issued, of an open endpoint as well.
func TestRulesSeeWhenATokenWasIssued(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		e.Registry.Advance(time.Hour)
		issued := e.Registry.Now()
		seen := time.Time{}
		e.Authorization = "Basic " + faces.AuthorizationToken(t, e.Registry)
		had := e.Registry.Now()
		e.Registry.Advance(time.Hour)
		e.Registry.Play(scenarios.Scenario{scenarios.On("ListImages").Ask(func(call *scenarios.Call) error {
			seen = call.TokenIssued
			return nil
		})})
		require.Equal(t, 200, e.Do(t, "GET", "/v2/team/app/tags/list", "").Status)
		require.WithinRange(t, seen, issued, had)
		require.Zero(t, seen.Nanosecond()%int(time.Millisecond))
		e.Authorization = ""
		require.Equal(t, 200, e.Do(t, "GET", "/v2/team/app/tags/list", "").Status)
		require.Zero(t, seen)
		_, err := e.Registry.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(faces.App)})
		require.NoError(t, err)
		require.Zero(t, seen)
	}, fakeecr.WithOpenRegistry())
}
