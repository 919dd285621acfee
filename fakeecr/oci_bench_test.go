package fakeecr_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// BenchmarkRegistryMemory streams a layer of 1 GiB in and out over loopback, and
// reports the memory that is in use at most, as a multiple of the layer, as it is
// when a chunk is sent or read.
func BenchmarkRegistryMemory(b *testing.B) {
	const size = 1 << 30
	hash := sha256.New()
	_, err := io.Copy(hash, zeros(size))
	require.NoError(b, err)
	digest := fmt.Sprintf("sha256:%x", hash.Sum(nil))
	for b.Loop() {
		server := fakeecr.NewServer(nil, fakeecr.WithOpenRegistry(), fakeecr.WithSpecRegistry())
		server.MustPush("team/app", fakeecr.RandomImage(1, 10))
		before, peak := heapInUse(), int64(0)
		watch := func() {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			peak = max(peak, int64(stats.HeapInuse)-before)
		}
		answer := func(method, at string, body io.Reader) *http.Response {
			req, err := http.NewRequestWithContext(b.Context(), method, at, body)
			require.NoError(b, err)
			response, err := http.DefaultClient.Do(req)
			require.NoError(b, err)
			return response
		}
		pushed := answer("POST", server.URL+uploadsOf+"?digest="+digest, &watched{zeros(size), watch, 0})
		require.NoError(b, pushed.Body.Close())
		require.Equal(b, 201, pushed.StatusCode)
		watch()
		b.ReportMetric(float64(peak)/size, "x-size-in")

		pulled := answer("GET", server.URL+blobsOf+digest, nil)
		n, err := io.Copy(io.Discard, &watched{pulled.Body, watch, 0})
		require.NoError(b, err)
		require.EqualValues(b, size, n)
		require.NoError(b, pulled.Body.Close())
		b.ReportMetric(float64(peak)/size, "x-size-in-and-out")
		server.Close()
	}
}

// watched is a stream that is looked at every 16 MiB.
type watched struct {
	io.Reader
	look func()
	read int
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if w.read += n; w.read >= 16<<20 {
		w.read = 0
		w.look()
	}
	return n, err
}
