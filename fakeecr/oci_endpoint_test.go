package fakeecr_test

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
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		own := e.authorization
		for _, method := range []string{"GET", "HEAD"} {
			require.Equal(t, 200, e.do(t, method, "/v2/", "").status)
			call := last(e.registry)
			require.Equal(t, []any{scenarios.GetEndpoint, "123456789012", "us-east-1", "", caller, scenarios.FaceRegistry, nil},
				[]any{call.Operation, call.Account, call.Region, call.Repository, call.Caller, call.Face, call.Err})
			require.Equal(t, &scenarios.GetEndpointInput{RegistryId: aws.String("123456789012")}, call.Input)
			require.WithinDuration(t, e.registry.Now(), call.TokenIssued, 10*time.Second)
		}
		e.authorization = ""
		require.Equal(t, 401, e.do(t, "GET", "/v2/", "").status)
		call := last(e.registry)
		require.Equal(t, scenarios.GetEndpoint, call.Operation)
		require.EqualError(t, call.Err, "Not Authorized")
		require.Empty(t, call.Caller, "nobody says who calls")
		require.True(t, call.TokenIssued.IsZero())

		// It needs no permission, and an old token is one.
		e.authorization = "Basic " + authorizationToken(t, e.registry.As(alice, identity("Allow", "ecr:GetAuthorizationToken", "*")))
		require.Equal(t, 200, e.do(t, "GET", "/v2/", "").status)
		require.Equal(t, alice, last(e.registry).Caller)
		e.registry.Advance(12 * time.Hour)
		e.authorization = own
		e.requireRefused(t, 403, "DENIED", expiredSentence, "GET", "/v2/", "")
		require.EqualError(t, last(e.registry).Err, expiredSentence)
		require.Equal(t, 5, e.registry.Trace().Count(scenarios.GetEndpoint))
	})
}

// Rules meet the check before it is refused.
func TestRulesOnGetEndpoint(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		for i, authorization := range []string{e.authorization, "", basic("AWS", "secret")} {
			e.authorization = authorization
			outage := e.registry.Play(scenarios.RegionOutage("us-east-1"))
			got, err := e.send(t, "GET", "/v2/", "")
			require.NoError(t, err)
			require.Equal(t, 503, got.status)
			require.Contains(t, got.body, "503 Service Unavailable")
			outage.Stop()

			throttled := e.registry.Play(scenarios.Scenario{scenarios.On(scenarios.Reads).First(1).Fail(scenarios.Throttled())})
			e.requireRefused(t, 429, "TOOMANYREQUESTS", "Rate exceeded", "GET", "/v2/", "")
			require.Equal(t, i == 0, e.do(t, "GET", "/v2/", "").status == 200)
			throttled.Stop()
		}
	})
}

// What becomes of a reply becomes of the check's.
func TestGetEndpointLosesItsReply(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithScenario(scenarios.Scenario{scenarios.On(scenarios.GetEndpoint).Drop()}))
	for _, e := range []*endpoint{
		{origin: server.URL, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}},
		{origin: "https://" + registryHost, client: &http.Client{Transport: server.Transport()}},
	} {
		_, err := e.send(t, "GET", "/v2/", "")
		require.ErrorIs(t, err, io.EOF)
		require.ErrorIs(t, last(server.Registry).Err, scenarios.ErrReplyLost)
	}
}

// A token that has expired in the middle of a push is refused on every path, and a
// newer one is not, also where no time has passed between them.
func TestTokenExpiresAtTheRegistry(t *testing.T) {
	expire := func(t *testing.T, e *endpoint) {
		e.registry.MustPush(app+":v1", fakeecr.RandomImage(1, 10))
		e.registry.Play(scenarios.TokenExpires(1))
		unused := "Basic " + authorizationToken(t, e.registry)
		old, paths := e.authorization, []string{
			"GET /v2/", "HEAD /v2/", "GET /v2/_catalog", "GET /v2/team/app/tags/list", "GET /v2/team/app/manifests/v1", "HEAD /v2/team/app/manifests/v1",
			"GET /v2/team/app/referrers/" + fakeecr.RandomImage(1, 10).Digest(), "POST /v2/team/app/blobs/uploads/",
		}
		refused := func(authorization string) {
			e.authorization = authorization
			for _, path := range paths {
				method, path, _ := strings.Cut(path, " ")
				e.requireRefused(t, 403, "DENIED", expiredSentence, method, path, "")
			}
		}
		first, second := e.begin(t), e.begin(t)
		require.Equal(t, 201, e.do(t, "PATCH", first, "part").status)
		require.Equal(t, 200, e.do(t, "GET", "/v2/", "").status)
		e.requireRefused(t, 403, "DENIED", expiredSentence, "PATCH", second, "part")
		refused(old)
		refused(unused)

		_, err := e.registry.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app)})
		requireRefusal(t, err, "ExpiredTokenException", "The security token included in the request is expired")
		newer := "Basic " + authorizationToken(t, e.registry)
		_, err = e.registry.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		e.authorization = newer
		require.Equal(t, 201, e.do(t, "PATCH", second, "part").status)
		for _, path := range []string{"/v2/", "/v2/_catalog", "/v2/team/app/manifests/v1"} {
			require.Equal(t, 200, e.do(t, "GET", path, "").status)
		}
		refused(old)
		refused(unused)
	}
	onAllEndpoints(t, expire)
	synctest.Test(t, func(t *testing.T) {
		r := fakeecr.New(t)
		expire(t, &endpoint{registry: r, origin: "https://" + registryHost, client: &http.Client{Transport: r.Transport()},
			authorization: "Basic " + authorizationToken(t, r)})
	})
}

// A rule sees when a call's token was issued, of an open endpoint as well.
func TestRulesSeeWhenATokenWasIssued(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		e.registry.Advance(time.Hour)
		issued := e.registry.Now()
		seen := time.Time{}
		e.authorization = "Basic " + authorizationToken(t, e.registry)
		e.registry.Advance(time.Hour)
		e.registry.Play(scenarios.Scenario{scenarios.On("ListImages").Ask(func(call *scenarios.Call) error {
			seen = call.TokenIssued
			return nil
		})})
		require.Equal(t, 200, e.do(t, "GET", "/v2/team/app/tags/list", "").status)
		require.WithinDuration(t, issued, seen, 10*time.Second)
		require.Zero(t, seen.Nanosecond()%int(time.Millisecond))
		e.authorization = ""
		require.Equal(t, 200, e.do(t, "GET", "/v2/team/app/tags/list", "").status)
		require.Zero(t, seen)
		_, err := e.registry.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(app)})
		require.NoError(t, err)
		require.Zero(t, seen)
	}, fakeecr.WithOpenRegistry())
}
