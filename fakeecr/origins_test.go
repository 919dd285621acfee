package fakeecr_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// Pages in browsers may use the API and download layers, whatever is answered.
func TestOrigins(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		image := fakeecr.RandomImage(1, 100)
		f.registry.MustPush(app+":v1", image)
		layer := f.downloadURL(t, digestOf(image.Blobs[0]))
		endpoint := "https://api.ecr.us-east-1.amazonaws.com"
		if f.name == "loopback" {
			endpoint = layer[:strings.Index(layer, "/starport-layer-bucket/")]
		}
		calls := len(f.registry.Trace())
		const wanted = "authorization,content-type,x-amz-date,x-amz-target"
		for _, url := range []string{endpoint, endpoint + "/ecr", layer} {
			preflight := f.fetch(t, http.MethodOptions, url, "Origin", "https://example.com",
				"Access-Control-Request-Method", http.MethodPost, "Access-Control-Request-Headers", wanted)
			require.Equal(t, http.StatusOK, preflight.status)
			require.Equal(t, "*", preflight.header.Get("Access-Control-Allow-Origin"))
			require.Equal(t, wanted, preflight.header.Get("Access-Control-Allow-Headers"))
			require.Equal(t, "GET, HEAD, POST", preflight.header.Get("Access-Control-Allow-Methods"))
			require.NotContains(t, preflight.header, "Access-Control-Expose-Headers")
			require.Empty(t, preflight.body)
		}
		require.Len(t, f.registry.Trace(), calls, "a preflight is no call")

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
			shared := f.fetch(t, c.method, c.url, "Origin", "https://example.com")
			require.Equal(t, c.status, shared.status)
			require.Equal(t, "*", shared.header.Get("Access-Control-Allow-Origin"), c)
			require.Contains(t, shared.header.Get("Access-Control-Expose-Headers"), "X-Amzn-Requestid")
			require.NotContains(t, f.fetch(t, c.method, c.url).header, "Access-Control-Allow-Origin")
		}
	})
}
