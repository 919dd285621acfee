package fakeecr_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	peer "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

const benchmarked = 64 << 20

// registryServer is a new registry with an empty repository, and its end.
type registryServer func() (name.Repository, func())

func oursServed() (name.Repository, func()) {
	server := fakeecr.NewServer(nil, fakeecr.WithOpenRegistry())
	server.MustPush("team/app", fakeecr.RandomImage(1, 10))
	return repositoryAt(server.URL), server.Close
}

func theirsServed() (name.Repository, func()) {
	server := httptest.NewServer(peer.New(peer.Logger(log.New(io.Discard, "", 0))))
	return repositoryAt(server.URL), server.Close
}

func repositoryAt(url string) name.Repository {
	repository, err := name.NewRepository(strings.TrimPrefix(url, "http://")+"/team/app", name.Insecure)
	if err != nil {
		panic(err)
	}
	return repository
}

// compareRegistries times what a client does with a new registry of each kind in
// turns, once prepare has made it ready, and reports medians as compare does, but
// theirs over ours.
func compareRegistries(b *testing.B, prepare func(name.Repository) func()) {
	timed := func(serve registryServer) float64 {
		repository, end := serve()
		defer end()
		act := prepare(repository)
		runtime.GC()
		begun := time.Now()
		act()
		return time.Since(begun).Seconds()
	}
	var ours, theirs, ratios []float64
	for b.Loop() {
		t, o := timed(theirsServed), timed(oursServed)
		ours, theirs, ratios = append(ours, o), append(theirs, t), append(ratios, t/o)
	}
	b.ReportMetric(benchmarked/1e6/median(ours), "ours-MB/s")
	b.ReportMetric(benchmarked/1e6/median(theirs), "theirs-MB/s")
	b.ReportMetric(median(ratios), "x-theirs")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRegistryLayer moves a layer of 64 MiB by go-containerregistry's client
// to and from ours and its own registry.
func BenchmarkRegistryLayer(b *testing.B) {
	layer := static.NewLayer(make([]byte, benchmarked), types.OCIUncompressedLayer)
	digest, err := layer.Digest()
	require.NoError(b, err)
	b.Run("push", func(b *testing.B) {
		compareRegistries(b, func(to name.Repository) func() {
			return func() { require.NoError(b, remote.WriteLayer(to, layer)) }
		})
	})
	b.Run("pull", func(b *testing.B) {
		image, err := mutate.AppendLayers(empty.Image, layer)
		require.NoError(b, err)
		compareRegistries(b, func(from name.Repository) func() {
			require.NoError(b, remote.Write(from.Tag("v1"), image))
			return func() {
				pulled, err := remote.Layer(from.Digest(digest.String()))
				require.NoError(b, err)
				content, err := pulled.Compressed()
				require.NoError(b, err)
				defer content.Close()
				n, err := io.Copy(io.Discard, content)
				require.NoError(b, err)
				require.EqualValues(b, benchmarked, n)
			}
		})
	})
}

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
