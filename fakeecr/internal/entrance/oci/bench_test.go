package oci_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
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
		before, peak := faces.HeapInUse(), int64(0)
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
		pushed := answer("POST", server.URL+faces.UploadsOf+"?digest="+digest, &watched{zeros(size), watch, 0})
		require.NoError(b, pushed.Body.Close())
		require.Equal(b, 201, pushed.StatusCode)
		watch()
		b.ReportMetric(float64(peak)/size, "x-size-in")

		pulled := answer("GET", server.URL+faces.BlobsOf+digest, nil)
		n, err := io.Copy(io.Discard, &watched{pulled.Body, watch, 0})
		require.NoError(b, err)
		require.EqualValues(b, size, n)
		require.NoError(b, pulled.Body.Close())
		b.ReportMetric(float64(peak)/size, "x-size-in-and-out")
		server.Close()
	}
}

// BenchmarkRegistryRequests is what the handler does for a layer of 4 KiB, without a
// socket and a client: HEAD, POST, PATCH and PUT for a push; GET of it, which leads on,
// and what it leads to for a pull.
func BenchmarkRegistryRequests(b *testing.B) {
	registry := fakeecr.New(nil, fakeecr.WithOpenRegistry())
	pushed := fakeecr.RandomImage(1, 4096)
	registry.MustPush("team/app", pushed)
	handler := registry.Handler()
	requests, writer := 0, &bareWriter{header: http.Header{}}
	ask := func(b *testing.B, status int, method, at string, body io.Reader) string {
		requests++
		*writer = bareWriter{header: writer.header}
		clear(writer.header)
		req, err := http.NewRequest(method, at, body)
		require.NoError(b, err)
		handler.ServeHTTP(writer, req)
		if writer.status != status {
			b.Fatal(method, at, writer.status)
		}
		return writer.header.Get("Location")
	}
	run := func(name string, once func(b *testing.B, n int)) {
		b.Run(name, func(b *testing.B) {
			requests = 0
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			n := 0
			for ; b.Loop(); n++ {
				once(b, n)
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(requests), "allocs/request")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(requests), "ns/request")
		})
	}
	const host = "http://127.0.0.1:5000"
	run("push", func(b *testing.B, n int) {
		content := fmt.Appendf(make([]byte, 4088, 4096), "%08d", n)
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(content))
		ask(b, 404, "HEAD", host+faces.BlobsOf+digest, nil)
		to := ask(b, 202, "POST", host+faces.UploadsOf, nil)
		to = ask(b, 201, "PATCH", to, bytes.NewReader(content))
		ask(b, 201, "PUT", to+"?digest="+digest, nil)
	})
	run("pull", func(b *testing.B, _ int) {
		ask(b, 200, "GET", ask(b, 307, "GET", host+faces.BlobsOf+fmt.Sprintf("sha256:%x", sha256.Sum256(pushed.Blobs[1])), nil), nil)
	})
}

// bareWriter keeps the head of an answer alone.
type bareWriter struct {
	header http.Header
	status int
}

func (w *bareWriter) Header() http.Header         { return w.header }
func (w *bareWriter) WriteHeader(status int)      { w.status = status }
func (w *bareWriter) Write(p []byte) (int, error) { return len(p), nil }

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
