package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// proxied is a client that has the environment which the program wrote, and no endpoint.
func proxied(t *testing.T, env string) *http.Client {
	text, err := os.ReadFile(env)
	require.NoError(t, err)
	variables := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		require.NotContains(t, name, "AWS_ENDPOINT_URL")
		variables[name] = value
	}
	require.Equal(t, "localhost,::1,127.0.0.1", variables["NO_PROXY"])
	pem, err := os.ReadFile(variables["SSL_CERT_FILE"])
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	at, err := url.Parse(variables["HTTPS_PROXY"])
	require.NoError(t, err)
	way := &http.Transport{Proxy: http.ProxyURL(at), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(way.CloseIdleConnections)
	return &http.Client{Transport: way}
}

// The program is a proxy to its world, whichever that is, and not to its own requests.
func TestRunServesAProxy(t *testing.T) {
	for name, flags := range map[string][]string{"plain": nil, "tls": {"-tls"}} {
		t.Run(name, func(t *testing.T) {
			leaks := goleak.IgnoreCurrent()
			env := filepath.Join(t.TempDir(), "env")
			told, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
			require.NoError(t, err)
			defer told.Close()
			url, stop := startTelling(t, told, append(flags, "-proxy", "-proxy=true", "-env", env, "-region", "eu-west-1", "-repository", "team/app")...)
			way := proxied(t, env)
			api := client("")
			names := func() (names []string) {
				out, err := api.DescribeRepositories(t.Context(), nil, func(o *ecr.Options) { o.BaseEndpoint, o.HTTPClient = nil, way })
				require.NoError(t, err)
				for _, repository := range out.Repositories {
					names = append(names, *repository.RepositoryUri)
				}
				return names
			}
			itself := &http.Client{Transport: &http.Transport{TLSClientConfig: way.Transport.(*http.Transport).TLSClientConfig}}
			steer := func(request string) string {
				response, err := itself.Post(url+"/_fakeecr/"+request, "", nil)
				require.NoError(t, err)
				defer response.Body.Close()
				require.Less(t, response.StatusCode, 300)
				answer, err := io.ReadAll(response.Body)
				require.NoError(t, err)
				return strings.TrimSpace(string(answer))
			}
			there := []string{"123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app"}
			steer("reset")
			require.Equal(t, there, names())
			snapshot := steer("snapshot")
			for _, request := range []string{"reset", "restore?name=" + snapshot} {
				steer(request)
				way.CloseIdleConnections()
				require.Equal(t, there, names(), "by the same authority")
			}

			for _, at := range []string{"https://api.ecr.eu-west-1.amazonaws.com", "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"} {
				for _, host := range []string{"", "localhost", strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://")} {
					request, err := http.NewRequest(http.MethodGet, at+"/_fakeecr/trace", nil)
					require.NoError(t, err)
					request.Host = host
					response, err := way.Do(request)
					require.NoError(t, err)
					require.NoError(t, response.Body.Close())
					require.Equal(t, http.StatusNotFound, response.StatusCode, "%s %s", at, host)
				}
			}
			_, err = way.Get("https://s3.eu-west-1.amazonaws.com/")
			require.ErrorContains(t, err, `and not to "s3.eu-west-1.amazonaws.com:443"`)
			itself.CloseIdleConnections()
			began := time.Now()
			require.NoError(t, stop(), "while the client keeps its tunnels")
			require.Less(t, time.Since(began), grace)
			way.CloseIdleConnections()
			require.NoError(t, goleak.Find(leaks))
			said, err := os.ReadFile(told.Name())
			require.NoError(t, err)
			require.Equal(t, "fakeecr's proxy leads to ECR with its store of layers, to STS and to the login of ECR Public, and not to \"s3.eu-west-1.amazonaws.com:443\"\n", string(said))
		})
	}
}

// A call that a rule holds in a tunnel does not hold up the end of the program.
func TestProxyEndsWithAHeldCall(t *testing.T) {
	env := filepath.Join(t.TempDir(), "env")
	url, stop := start(t, "-proxy", "-env", env, "-region", "eu-west-1")
	way := proxied(t, env)
	post(t, url+"/_fakeecr/scenario", `{"rules":[{"on":"DescribeRepositories","do":{"hold":true}}]}`, http.StatusCreated)
	answered := make(chan error)
	go func() {
		_, err := client("").DescribeRepositories(t.Context(), nil, func(o *ecr.Options) { o.BaseEndpoint, o.HTTPClient = nil, way })
		answered <- err
	}()
	get(t, url+"/_fakeecr/scenario/1/held?n=1")
	require.NoError(t, stop())
	require.NoError(t, <-answered)
}

// A request in absolute form reaches the program under no name, neither its own nor ECR's.
func TestProxyLeadsNotToItsProgram(t *testing.T) {
	url, _ := start(t, "-proxy")
	for at, status := range map[string]int{"": http.StatusOK, url: http.StatusForbidden, "http://api.ecr.us-east-1.amazonaws.com": http.StatusNotFound} {
		connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		require.NoError(t, err)
		defer connection.Close()
		fmt.Fprintf(connection, "GET %s/_fakeecr/trace HTTP/1.1\r\nHost: localhost\r\n\r\n", at)
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, status, response.StatusCode, at)
	}
}
