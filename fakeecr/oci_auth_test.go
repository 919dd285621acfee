package fakeecr_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestRegistryAsksForCredentials(t *testing.T) {
	foreign := authorizationToken(t, fakeecr.New(t, fakeecr.WithSeed(7)))
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		e.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
		own := e.authorization
		token := strings.TrimPrefix(own, "Basic ")
		calls := len(e.registry.Trace())
		for name, authorization := range map[string]string{
			"none":                     "",
			"garbage":                  "Basic garbage",
			"another password":         basic("AWS", "secret"),
			"another user":             basic("docker", password(t, token)),
			"a password that was cut":  basic("AWS", password(t, token)[:100]),
			"a token of another world": "Basic " + foreign,
			"a bearer":                 "Bearer " + token,
			"a signature":              "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/ecr/aws4_request, SignedHeaders=host, Signature=00",
		} {
			e.authorization = authorization
			for _, line := range []string{
				"GET /v2/", "HEAD /v2/", "GET /v2/_catalog", "GET /v2/team/app/tags/list", "HEAD /v2/team/app/manifests/v1", "PUT /v2/team/app/manifests/v1",
				"DELETE /v2/team/app/manifests/v1", "POST /v2/team/app/blobs/uploads/", "GET /v2/none/at/all", "PATCH /v2/",
			} {
				method, path, _ := strings.Cut(line, " ")
				body := ""
				if method == "PUT" || method == "POST" {
					body = strings.Repeat("x", 1<<20)
				}
				got := e.do(t, method, path, body)
				require.Equal(t, 401, got.status, "%s: %s", name, line)
				require.Equal(t, []string{`Basic realm="` + e.origin + `/",service="ecr.amazonaws.com"`}, got.header["Www-Authenticate"])
				require.Equal(t, "text/plain; charset=utf-8", got.header.Get("Content-Type"))
				if method != http.MethodHead {
					require.Equal(t, "Not Authorized\n", got.body)
				}
			}
		}
		for _, challenged := range e.registry.Trace()[calls:] {
			require.Equal(t, scenarios.GetEndpoint, challenged.Operation, "a challenge of any other request is no call")
		}
		e.authorization = own
		require.Equal(t, 200, e.do(t, "GET", "/v2/", "").status)
		e.authorization = basic("AWS", password(t, token))
		require.Equal(t, 200, e.do(t, "GET", "/v2/team/app/manifests/v1", "").status)
	}, fakeecr.WithSigV4())
}

func TestRegistryTokensExpire(t *testing.T) {
	const expired = "Your authorization token has expired. Reauthenticate and try again."
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		e.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
		e.registry.Advance(12*time.Hour - time.Minute)
		require.Equal(t, 200, e.do(t, "GET", "/v2/team/app/manifests/v1", "").status)
		e.registry.Advance(time.Minute)
		for _, line := range []string{"GET /v2/", "GET /v2/team/app/manifests/v1", "HEAD /v2/team/app/manifests/v1", "PUT /v2/team/app/manifests/v1"} {
			method, path, _ := strings.Cut(line, " ")
			e.requireRefused(t, 403, "DENIED", expired, method, path, "")
		}
		e.authorization = "Basic " + authorizationToken(t, e.registry)
		require.Equal(t, 200, e.do(t, "GET", "/v2/", "").status)
	})
}

func TestRegistryDeniesWhatPoliciesDeny(t *testing.T) {
	const (
		ci    = "arn:aws:iam::123456789012:role/ci"
		reads = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecr:GetAuthorizationToken","ecr:ListImages"],"Resource":"*"}]}`
		stays = "User: " + ci + " is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:us-east-1:123456789012:repository/team/app because no identity-based policy allows the ecr:BatchGetImage action"
		push  = "User: " + ci + " is not authorized to perform: ecr:PutImage on resource: arn:aws:ecr:us-east-1:123456789012:repository/team/app because no identity-based policy allows the ecr:PutImage action"
		list  = "User: " + ci + " is not authorized to perform: ecr:DescribeRepositories on resource: arn:aws:ecr:us-east-1:123456789012:repository/* because no identity-based policy allows the ecr:DescribeRepositories action"
	)
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		e.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
		e.authorization = "Basic " + authorizationToken(t, e.registry.As(ci, reads))
		require.Equal(t, 200, e.do(t, "GET", "/v2/team/app/tags/list", "").status)
		e.requireRefused(t, 403, "DENIED", stays, "GET", "/v2/team/app/manifests/v1", "")
		e.requireRefused(t, 403, "DENIED", stays, "HEAD", "/v2/team/app/manifests/v1", "")
		e.requireRefused(t, 403, "DENIED", push, "PUT", "/v2/team/app/manifests/v2", "{}")
		e.requireRefused(t, 403, "DENIED", list, "GET", "/v2/_catalog", "")
		last := e.registry.Trace()[len(e.registry.Trace())-1]
		require.Equal(t, ci, last.Caller)
		require.Equal(t, scenarios.FaceRegistry, last.Face)
	})
}

// The token says whose registry it is, unless the host names another one.
func TestRegistryIsTheTokensOrTheHosts(t *testing.T) {
	const other = "210987654321"
	server := fakeecr.NewServer(t)
	server.Account(other).MustPush("their/app:v1", fakeecr.RandomImage(1, 10))
	server.In("eu-west-1").MustPush("far/app:v1", fakeecr.RandomImage(2, 10))
	server.MustPush("team/app:v1", fakeecr.RandomImage(3, 10))
	at := func(host string, token string) *endpoint {
		e := &endpoint{registry: server.Registry, origin: server.URL, client: http.DefaultClient, authorization: "Basic " + token}
		if host != "" {
			e.origin, e.client = "https://"+host, &http.Client{Transport: server.Transport()}
		}
		return e
	}
	own, theirs := authorizationToken(t, server), authorizationToken(t, server, other)
	const denied = "User: arn:aws:iam::123456789012:user/fakeecr is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:us-east-1:210987654321:repository/their/app because no resource-based policy allows the ecr:BatchGetImage action"

	require.Equal(t, 200, at("", own).do(t, "GET", "/v2/team/app/manifests/v1", "").status)
	require.Equal(t, 200, at("", authorizationToken(t, server.Account(other))).do(t, "GET", "/v2/their/app/manifests/v1", "").status)
	require.Equal(t, 200, at("", authorizationToken(t, server.In("eu-west-1"))).do(t, "GET", "/v2/far/app/manifests/v1", "").status)
	require.Equal(t, 200, at("123456789012.dkr.ecr.eu-west-1.amazonaws.com", own).do(t, "GET", "/v2/far/app/manifests/v1", "").status)
	at("", theirs).requireRefused(t, 403, "DENIED", denied, "GET", "/v2/their/app/manifests/v1", "")
	at(other+".dkr.ecr.us-east-1.amazonaws.com", own).requireRefused(t, 403, "DENIED", denied, "GET", "/v2/their/app/manifests/v1", "")

	_, err := server.Account(other).SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("their/app"),
		PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"ecr:BatchGetImage"}]}`)})
	require.NoError(t, err)
	require.Equal(t, 200, at("", theirs).do(t, "GET", "/v2/their/app/manifests/v1", "").status)
	last := server.Trace()[len(server.Trace())-1]
	require.Equal(t, other, last.Account)
	require.Equal(t, "arn:aws:iam::123456789012:user/fakeecr", last.Caller)
}

func TestOpenRegistry(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		e.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
		as := e.registry.As("arn:aws:iam::123456789012:role/ci")
		for authorization, caller := range map[string]string{
			"":                                   "arn:aws:iam::123456789012:user/fakeecr",
			basic("any", "body"):                 "arn:aws:iam::123456789012:user/fakeecr",
			"Basic " + authorizationToken(t, as): "arn:aws:iam::123456789012:role/ci",
		} {
			e.authorization = authorization
			e.registry.Advance(13 * time.Hour)
			require.Equal(t, 200, e.do(t, "GET", "/v2/", "").status)
			require.Equal(t, 200, e.do(t, "GET", "/v2/team/app/manifests/v1", "").status)
			trace := e.registry.Trace()
			require.Equal(t, caller, trace[len(trace)-1].Caller)
		}
	}, fakeecr.WithOpenRegistry())
}
