package oci_test

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
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestRegistryAsksForCredentials(t *testing.T) {
	foreign := faces.AuthorizationToken(t, fakeecr.New(t, fakeecr.WithSeed(7)))
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		e.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
		own := e.Authorization
		token := strings.TrimPrefix(own, "Basic ")
		calls := len(e.Registry.Trace())
		for name, authorization := range map[string]string{
			"none":                     "",
			"garbage":                  "Basic garbage",
			"another password":         basic("AWS", "secret"),
			"another user":             basic("docker", faces.Password(t, token)),
			"a password that was cut":  basic("AWS", faces.Password(t, token)[:100]),
			"a token of another world": "Basic " + foreign,
			"a bearer":                 "Bearer " + token,
			"a signature":              "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/ecr/aws4_request, SignedHeaders=host, Signature=00",
		} {
			e.Authorization = authorization
			for _, line := range []string{
				"GET /v2/", "HEAD /v2/", "GET /v2/_catalog", "GET /v2/team/app/tags/list", "HEAD /v2/team/app/manifests/v1", "PUT /v2/team/app/manifests/v1",
				"DELETE /v2/team/app/manifests/v1", "POST /v2/team/app/blobs/uploads/", "GET /v2/none/at/all", "PATCH /v2/",
			} {
				method, path, _ := strings.Cut(line, " ")
				body := ""
				if method == "PUT" || method == "POST" {
					body = strings.Repeat("x", 1<<20)
				}
				got := e.Do(t, method, path, body)
				require.Equal(t, 401, got.Status, "%s: %s", name, line)
				require.Equal(t, []string{`Basic realm="` + e.Origin + `/",service="ecr.amazonaws.com"`}, got.Header["Www-Authenticate"])
				require.Equal(t, "text/plain; charset=utf-8", got.Header.Get("Content-Type"))
				if method != http.MethodHead {
					require.Equal(t, "Not Authorized\n", got.Body)
				}
			}
		}
		for _, challenged := range e.Registry.Trace()[calls:] {
			require.Equal(t, scenarios.GetEndpoint, challenged.Operation, "a challenge of any other request is no call")
		}
		e.Authorization = own
		require.Equal(t, 200, e.Do(t, "GET", "/v2/", "").Status)
		e.Authorization = basic("AWS", faces.Password(t, token))
		require.Equal(t, 200, e.Do(t, "GET", "/v2/team/app/manifests/v1", "").Status)
	}, fakeecr.WithSigV4())
}

func TestRegistryTokensExpire(t *testing.T) {
	const expired = "Your authorization token has expired. Reauthenticate and try again."
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		e.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
		e.Registry.Advance(12*time.Hour - time.Minute)
		require.Equal(t, 200, e.Do(t, "GET", "/v2/team/app/manifests/v1", "").Status)
		e.Registry.Advance(time.Minute)
		for _, line := range []string{"GET /v2/", "GET /v2/team/app/manifests/v1", "HEAD /v2/team/app/manifests/v1", "PUT /v2/team/app/manifests/v1"} {
			method, path, _ := strings.Cut(line, " ")
			e.RequireRefused(t, 403, "DENIED", expired, method, path, "")
		}
		e.Authorization = "Basic " + faces.AuthorizationToken(t, e.Registry)
		require.Equal(t, 200, e.Do(t, "GET", "/v2/", "").Status)
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
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		e.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
		e.Authorization = "Basic " + faces.AuthorizationToken(t, e.Registry.As(ci, reads))
		require.Equal(t, 200, e.Do(t, "GET", "/v2/team/app/tags/list", "").Status)
		e.RequireRefused(t, 403, "DENIED", stays, "GET", "/v2/team/app/manifests/v1", "")
		e.RequireRefused(t, 403, "DENIED", stays, "HEAD", "/v2/team/app/manifests/v1", "")
		e.RequireRefused(t, 403, "DENIED", push, "PUT", "/v2/team/app/manifests/v2", "{}")
		e.RequireRefused(t, 403, "DENIED", list, "GET", "/v2/_catalog", "")
		last := e.Registry.Trace()[len(e.Registry.Trace())-1]
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
	at := func(host string, token string) *faces.Endpoint {
		e := &faces.Endpoint{Registry: server.Registry, Origin: server.URL, Client: http.DefaultClient, Authorization: "Basic " + token}
		if host != "" {
			e.Origin, e.Client = "https://"+host, &http.Client{Transport: server.Transport()}
		}
		return e
	}
	own, theirs := faces.AuthorizationToken(t, server), faces.AuthorizationToken(t, server, other)
	const denied = "User: arn:aws:iam::123456789012:user/fakeecr is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:us-east-1:210987654321:repository/their/app because no resource-based policy allows the ecr:BatchGetImage action"

	require.Equal(t, 200, at("", own).Do(t, "GET", "/v2/team/app/manifests/v1", "").Status)
	require.Equal(t, 200, at("", faces.AuthorizationToken(t, server.Account(other))).Do(t, "GET", "/v2/their/app/manifests/v1", "").Status)
	require.Equal(t, 200, at("", faces.AuthorizationToken(t, server.In("eu-west-1"))).Do(t, "GET", "/v2/far/app/manifests/v1", "").Status)
	require.Equal(t, 200, at("123456789012.dkr.ecr.eu-west-1.amazonaws.com", own).Do(t, "GET", "/v2/far/app/manifests/v1", "").Status)
	at("", theirs).RequireRefused(t, 403, "DENIED", denied, "GET", "/v2/their/app/manifests/v1", "")
	at(other+".dkr.ecr.us-east-1.amazonaws.com", own).RequireRefused(t, 403, "DENIED", denied, "GET", "/v2/their/app/manifests/v1", "")

	_, err := server.Account(other).SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("their/app"),
		PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"ecr:BatchGetImage"}]}`)})
	require.NoError(t, err)
	require.Equal(t, 200, at("", theirs).Do(t, "GET", "/v2/their/app/manifests/v1", "").Status)
	last := server.Trace()[len(server.Trace())-1]
	require.Equal(t, other, last.Account)
	require.Equal(t, "arn:aws:iam::123456789012:user/fakeecr", last.Caller)
}

func TestOpenRegistry(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		e.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
		as := e.Registry.As("arn:aws:iam::123456789012:role/ci")
		for authorization, caller := range map[string]string{
			"":                   "arn:aws:iam::123456789012:user/fakeecr",
			basic("any", "body"): "arn:aws:iam::123456789012:user/fakeecr",
			"Basic " + faces.AuthorizationToken(t, as): "arn:aws:iam::123456789012:role/ci",
		} {
			e.Authorization = authorization
			e.Registry.Advance(13 * time.Hour)
			require.Equal(t, 200, e.Do(t, "GET", "/v2/", "").Status)
			require.Equal(t, 200, e.Do(t, "GET", "/v2/team/app/manifests/v1", "").Status)
			trace := e.Registry.Trace()
			require.Equal(t, caller, trace[len(trace)-1].Caller)
		}
	}, fakeecr.WithOpenRegistry())
}
