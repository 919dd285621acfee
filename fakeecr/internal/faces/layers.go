package faces

import (
	"encoding/xml"
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

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

// HeapInUse is how many bytes are in use now.
func HeapInUse() int64 {
	runtime.GC()
	runtime.GC() // what the first one left in pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// ReaderFunc is a function as an io.Reader.
type ReaderFunc func([]byte) (int, error)

func (f ReaderFunc) Read(p []byte) (int, error) { return f(p) }

// DownloadURL is the URL of a layer of App.
func (f Face) DownloadURL(t *testing.T, digest string) string {
	t.Helper()
	out, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String(App), LayerDigest: &digest})
	require.NoError(t, err)
	require.Equal(t, digest, *out.LayerDigest)
	return *out.DownloadUrl
}

// Answer is what an HTTP client without credentials sees.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Fetch asks the host of a URL: over the socket if the face has one.
func (f Face) Fetch(t *testing.T, method, url string, headers ...string) Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	var transport http.RoundTripper = f.Registry.Transport()
	if f.Name == "loopback" {
		socket := &http.Transport{}
		defer socket.CloseIdleConnections()
		transport = socket
	}
	response, err := (&http.Client{Transport: transport}).Do(req)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return Answer{response.StatusCode, response.Header, string(body)}
}

// RequireStoreError holds that the store answered an error as S3 does.
func (a Answer) RequireStoreError(t *testing.T, status int, code, message string) {
	t.Helper()
	require.Equal(t, status, a.Status)
	require.Equal(t, "application/xml", a.Header.Get("Content-Type"))
	var body struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}
	require.NoError(t, xml.Unmarshal([]byte(a.Body), &body))
	require.Equal(t, []string{code, message}, []string{body.Code, body.Message})
}

// An upload that is not there, and the least size of a part that is not the last.
const (
	NoUpload       = "01234567-89ab-4cde-8f01-23456789abcd"
	UploadNotInApp = "The upload with id '%s' in the repository with name 'team/app' in registry with id '123456789012' does not exist"
	MinPart        = 5_242_880
)

// Availability is what BatchCheckLayerAvailability says of one layer.
func (f Face) Availability(t *testing.T, digest string) types.LayerAvailability {
	t.Helper()
	out, err := f.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String(App), LayerDigests: []string{digest}})
	require.NoError(t, err)
	require.Empty(t, out.Failures)
	require.Len(t, out.Layers, 1)
	return out.Layers[0].LayerAvailability
}

// Download is a layer as a client downloads it.
func (f Face) Download(t *testing.T, repository string, digest string) []byte {
	t.Helper()
	out, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: &repository, LayerDigest: &digest})
	require.NoError(t, err)
	client := &http.Client{Transport: f.Registry.Transport()}
	if f.Name == "loopback" {
		client = http.DefaultClient
	}
	response, err := client.Get(*out.DownloadUrl)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return content
}
