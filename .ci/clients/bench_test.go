package clients

import (
	"io"
	"log"
	"net/http/httptest"
	"runtime"
	"slices"
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
// turns, once prepare has made it ready, and reports medians, and how often theirs takes ours.
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

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
