package faces

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// Target is what an operation's name follows in the header X-Amz-Target.
const Target = "AmazonEC2ContainerRegistry_V20150921."

// Reply is an answer to a request.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// replyTo is the answer to a request with headers in pairs.
func replyTo(client *http.Client, req *http.Request, headers []string) (Reply, error) {
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(req)
	if err != nil {
		return Reply{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return Reply{response.StatusCode, response.Header, string(body)}, err
}

// Fetch gets a URL without credentials.
func Fetch(t testing.TB, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(content)
}

// Dialing is a dialer to one address, whatever host a client wants.
func Dialing(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// Read is the body of an answer that is OK.
func Read(t *testing.T, response *http.Response) []byte {
	t.Helper()
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return content
}

// Handled carries requests to a handler as net/http would.
type Handled struct{ http.Handler }

func (h Handled) RoundTrip(req *http.Request) (*http.Response, error) {
	served := httptest.NewRequestWithContext(req.Context(), req.Method, req.URL.RequestURI(), req.Body)
	served.Header, served.Host = req.Header, req.URL.Host
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, served)
	return recorder.Result(), nil
}

// Stay follows no redirection.
func Stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
