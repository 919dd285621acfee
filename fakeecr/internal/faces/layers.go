package faces

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"
)

// DownloadURL is the URL of a layer of App.
func (f Face) DownloadURL(t *testing.T, digest string) string {
	t.Helper()
	out, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String(App), LayerDigest: &digest})
	require.NoError(t, err)
	require.Equal(t, digest, *out.LayerDigest)
	return *out.DownloadUrl
}

// Fetch asks the host of a URL: over the socket if the face has one.
func (f Face) Fetch(t *testing.T, method, url string, headers ...string) Reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	var transport http.RoundTripper = f.Registry.Transport()
	if f.Name == "loopback" {
		socket := &http.Transport{}
		defer socket.CloseIdleConnections()
		transport = socket
	}
	reply, err := replyTo(&http.Client{Transport: transport}, req, headers)
	require.NoError(t, err)
	return reply
}

// An upload that is not there, and the least size of a part that is not the last.
const (
	NoUpload       = "01234567-89ab-4cde-8f01-23456789abcd"
	UploadNotInApp = "The upload with id '%s' in the repository with name 'team/app' in registry with id '123456789012' does not exist"
	MinPart        = 5_242_880
)

// Download is a layer as a client downloads it.
func (f Face) Download(t *testing.T, repository, digest string) []byte {
	t.Helper()
	out, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: &repository, LayerDigest: &digest})
	require.NoError(t, err)
	got := f.Fetch(t, http.MethodGet, *out.DownloadUrl)
	require.Equal(t, http.StatusOK, got.Status)
	return []byte(got.Body)
}
