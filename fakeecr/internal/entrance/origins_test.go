package entrance_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// Pages in browsers may use the API and download layers, whatever is answered.
func TestOrigins(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 100)
		f.Registry.MustPush(faces.App+":v1", image)
		layer := f.DownloadURL(t, faces.DigestOf(image.Blobs[0]))
		endpoint := "https://api.ecr.us-east-1.amazonaws.com"
		if f.Name == "loopback" {
			endpoint = layer[:strings.Index(layer, "/starport-layer-bucket/")]
		}
		calls := len(f.Registry.Trace())
		const wanted = "authorization,content-type,x-amz-date,x-amz-target"
		for _, url := range []string{endpoint, endpoint + "/ecr", layer} {
			preflight := f.Fetch(t, http.MethodOptions, url, "Origin", "https://example.com",
				"Access-Control-Request-Method", http.MethodPost, "Access-Control-Request-Headers", wanted)
			require.Equal(t, http.StatusOK, preflight.Status)
			require.Equal(t, "*", preflight.Header.Get("Access-Control-Allow-Origin"))
			require.Equal(t, wanted, preflight.Header.Get("Access-Control-Allow-Headers"))
			require.Equal(t, "GET, HEAD, POST", preflight.Header.Get("Access-Control-Allow-Methods"))
			require.NotContains(t, preflight.Header, "Access-Control-Expose-Headers")
			require.Empty(t, preflight.Body)
		}
		require.Len(t, f.Registry.Trace(), calls, "a preflight is no call")

		for _, c := range []struct {
			method, url string
			status      int
		}{
			{http.MethodPost, endpoint, 400},
			{http.MethodGet, endpoint, 405},
			{http.MethodPost, endpoint + "/ecr", 404},
			{http.MethodOptions, endpoint + "/ecr", 404},
			{http.MethodGet, layer, 200},
			{http.MethodGet, layer + "0", 403},
			{http.MethodOptions, layer, 405},
		} {
			shared := f.Fetch(t, c.method, c.url, "Origin", "https://example.com")
			require.Equal(t, c.status, shared.Status)
			require.Equal(t, "*", shared.Header.Get("Access-Control-Allow-Origin"), c)
			require.Contains(t, shared.Header.Get("Access-Control-Expose-Headers"), "X-Amzn-Requestid")
			require.NotContains(t, f.Fetch(t, c.method, c.url).Header, "Access-Control-Allow-Origin")
		}
	})
}
