package entrance_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// URIs lead to where they were asked for, which is ECR where there is no socket.
func TestReachableURIs(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		neighbour := f.In("eu-west-1").Account("210987654321")
		for _, of := range []faces.Face{f, neighbour, f.Account("210987654321")} {
			created := faces.Create(t, of, faces.App)
			repository, proxy := faces.URIs(t, of, "")
			require.Equal(t, repository, *created.Repository.RepositoryUri)
			switch f.Name {
			case "loopback":
				require.Equal(t, strings.TrimPrefix(proxy, "http://")+"/team/app", repository)
				_, err := net.Dial("tcp", strings.TrimPrefix(proxy, "http://"))
				require.NoError(t, err)
			default:
				require.Equal(t, of.Registry.AccountID()+".dkr.ecr."+of.Registry.Region()+".amazonaws.com/team/app", repository)
				require.Equal(t, "https://"+strings.TrimSuffix(repository, "/team/app"), proxy)
			}
			deleted, err := of.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(faces.App)})
			require.NoError(t, err)
			require.Equal(t, repository, *deleted.Repository.RepositoryUri)
		}
	}, fakeecr.WithReachableURIs())
}

// A registry that the caller's own token opens as well is told by its host, which
// leads there.
func TestReachableURIsOfAnotherAccount(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithReachableURIs())
	other := server.Account("210987654321")
	faces.Create(t, other, faces.App)
	faces.SetPolicy(t, other, faces.App, `{"Version":"2012-10-17","Statement":`+faces.AllowAll+`}`)
	_, port, err := net.SplitHostPort(server.Host)
	require.NoError(t, err)
	for name, api := range map[string]fakeecr.API{"direct": server, "loopback": server.Client(faces.Once)} {
		repository, proxy := faces.URIs(t, api, "210987654321")
		require.Equal(t, "210987654321.dkr.ecr.us-east-1.localhost:"+port+"/team/app", repository, name)
		require.Equal(t, "http://210987654321.dkr.ecr.us-east-1.localhost:"+port, proxy, name)
	}
	dial := &http.Transport{DialContext: faces.Dialing(server.Host)}
	defer dial.CloseIdleConnections()
	named := server.Client(faces.Once, func(o *ecr.Options) {
		o.BaseEndpoint = aws.String("http://210987654321.dkr.ecr.us-east-1.localhost:" + port)
		o.HTTPClient = &http.Client{Transport: dial}
	})
	repository, proxy := faces.URIs(t, named, "")
	require.Equal(t, "210987654321.dkr.ecr.us-east-1.localhost:"+port+"/team/app", repository)
	require.Equal(t, "http://210987654321.dkr.ecr.us-east-1.localhost:"+port, proxy)
}

// In a server of the user's, the request says where that is.
func TestReachableURIsOfAHandler(t *testing.T) {
	registry := fakeecr.New(t, fakeecr.WithReachableURIs())
	faces.Create(t, registry, faces.App)
	for name, c := range map[string]struct {
		url, forwarded, host, scheme string
	}{
		"by name":                       {"http://ecr:5000/", "", "ecr:5000", "http"},
		"by TLS":                        {"https://registry.test/", "", "registry.test", "https"},
		"behind a proxy":                {"http://registry.test/", "https", "registry.test", "https"},
		"behind a proxy without TLS":    {"http://registry.test/", "http", "registry.test", "http"},
		"by IPv6":                       {"http://[::1]:5000/", "", "[::1]:5000", "http"},
		"by a name of ECR":              {"https://api.ecr.us-east-1.amazonaws.com/", "", "123456789012.dkr.ecr.us-east-1.amazonaws.com", "https"},
		"by a name of ECR, without TLS": {"http://api.ecr.us-east-1.amazonaws.com/", "", "123456789012.dkr.ecr.us-east-1.amazonaws.com", "https"},
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(operation, body string) string {
				request := httptest.NewRequest(http.MethodPost, c.url, strings.NewReader(body))
				request.Header.Set("X-Amz-Target", faces.Target+operation)
				request.Header.Set("X-Forwarded-Proto", c.forwarded)
				answer := httptest.NewRecorder()
				registry.Handler().ServeHTTP(answer, request)
				return answer.Body.String()
			}
			require.Contains(t, ask("DescribeRepositories", `{}`), `"repositoryUri":"`+c.host+`/team/app"`)
			require.Contains(t, ask("GetAuthorizationToken", `{}`), `"proxyEndpoint":"`+c.scheme+"://"+c.host+`"`)
			if strings.HasPrefix(c.host, "123456789012") {
				return
			}
			domain := strings.Replace(c.host, "[::1]", "localhost", 1)
			require.Contains(t, ask("GetAuthorizationToken", `{"registryIds":["210987654321"]}`), `"`+c.scheme+`://210987654321.dkr.ecr.us-east-1.`+domain+`"`)
		})
	}
}

// A token that names a registry leads there by the one host that all have, and a
// host that names one leads there with any token that opens it.
func TestReachableNeighbours(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithReachableURIs())
	own := fakeecr.RandomImage(1, 100)
	server.MustPush("team/app:v1", own)
	_, port, err := net.SplitHostPort(server.Host)
	require.NoError(t, err)
	dial := &http.Transport{DialContext: faces.Dialing(server.Host)}
	defer dial.CloseIdleConnections()
	for _, neighbour := range []*fakeecr.Server{server.In("eu-west-1"), server.Account("210987654321"), server.In("eu-west-1").Account("210987654321")} {
		image := fakeecr.RandomImage(2, 100)
		neighbour.MustPush("team/app:v1", image)
		faces.SetPolicy(t, neighbour, faces.App, `{"Version":"2012-10-17","Statement":`+faces.AllowAll+`}`)
		pull := func(origin, token string) string {
			e := &faces.Endpoint{Client: &http.Client{Transport: dial}, Origin: origin, Authorization: "Basic " + token}
			got := e.Do(t, http.MethodGet, "/v2/team/app/manifests/v1", "")
			require.Equal(t, http.StatusOK, got.Status, got.Body)
			return got.Body
		}
		require.Equal(t, string(image.Manifest), pull(server.URL, faces.AuthorizationToken(t, neighbour)))
		require.Equal(t, string(own.Manifest), pull(server.URL, faces.AuthorizationToken(t, server)))
		named := "http://" + neighbour.AccountID() + ".dkr.ecr." + neighbour.Region() + ".localhost:" + port
		require.Equal(t, string(image.Manifest), pull(named, faces.AuthorizationToken(t, server)))
	}
}
