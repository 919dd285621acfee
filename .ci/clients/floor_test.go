//go:build unix

package clients

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"
)

// floor is the least that a registry does: it stores and hashes.
type floor struct {
	// redirects has a blob asked for twice and says as much about it as ECR does.
	redirects bool

	mu        sync.Mutex
	number    int
	uploads   map[string]*floorUpload
	blobs     map[string]pieces
	manifests map[string]floorManifest
}

type floorUpload struct {
	content pieces
	hash    hash.Hash
}

// pieces are bytes that are not copied to make room for more.
type pieces [][]byte

// Write implements [io.Writer].
func (p *pieces) Write(more []byte) (int, error) {
	last := len(*p) - 1
	if last < 0 || cap((*p)[last])-len((*p)[last]) < len(more) {
		last++
		*p = append(*p, make([]byte, 0, max(len(more), min(4<<10<<last, 1<<20))))
	}
	(*p)[last] = append((*p)[last], more...)
	return len(more), nil
}

func (p pieces) size() (n int) {
	for _, piece := range p {
		n += len(piece)
	}
	return n
}

type floorManifest struct {
	mediaType, digest string
	content           []byte
}

func floorServed() (name.Repository, func()) { return serveNewFloor(false) }

func redirectingFloorServed() (name.Repository, func()) { return serveNewFloor(true) }

func serveNewFloor(redirects bool) (name.Repository, func()) {
	server := httptest.NewServer(&floor{
		redirects: redirects, uploads: map[string]*floorUpload{}, blobs: map[string]pieces{}, manifests: map[string]floorManifest{},
	})
	return repositoryAt(server.URL), server.Close
}

// ServeHTTP implements [http.Handler].
func (f *floor) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := strings.TrimPrefix(req.URL.Path, "/v2/")
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		w.WriteHeader(http.StatusOK)
		return
	}
	above, reference := path[:slash], path[slash+1:]
	switch {
	case strings.HasSuffix(above, "/uploads"):
		f.upload(w, req, strings.TrimSuffix(above, "/uploads"), reference)
	case f.redirects && req.Method == http.MethodGet && strings.HasSuffix(above, "/blobs") && req.URL.RawQuery == "":
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		w.Header().Set("Docker-Content-Digest", reference)
		w.Header().Set("Location", "http://"+req.Host+req.URL.Path+"?"+presigned)
		w.WriteHeader(http.StatusTemporaryRedirect)
	case strings.HasSuffix(above, "/blobs"):
		if f.redirects {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Accept-Ranges", "bytes")
			w.Header().Set("Etag", reference)
			w.Header().Set("X-Amz-Request-Id", "f6a5d6f4-8f51-4c41-8f3b-0d5c8dd9a1f3")
		}
		f.mu.Lock()
		content, found := f.blobs[reference]
		f.mu.Unlock()
		serveFloor(w, req, content, found)
	case req.Method == http.MethodPut:
		content, _ := io.ReadAll(req.Body)
		put := floorManifest{req.Header.Get("Content-Type"), fmt.Sprintf("sha256:%x", sha256.Sum256(content)), content}
		f.mu.Lock()
		f.manifests[reference], f.manifests[put.digest] = put, put
		f.mu.Unlock()
		w.Header().Set("Docker-Content-Digest", put.digest)
		w.WriteHeader(http.StatusCreated)
	default:
		f.mu.Lock()
		manifest, found := f.manifests[reference]
		f.mu.Unlock()
		w.Header().Set("Content-Type", manifest.mediaType)
		w.Header().Set("Docker-Content-Digest", manifest.digest)
		serveFloor(w, req, pieces{manifest.content}, found)
	}
}

// presigned is the query of a URL that S3 signed.
const presigned = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAFAKEECR%2F20261129%2Fus-east-1%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20261129T120000Z&X-Amz-Expires=3600" +
	"&X-Amz-Signature=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855&X-Amz-SignedHeaders=host"

func serveFloor(w http.ResponseWriter, req *http.Request, content pieces, found bool) {
	if !found {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(content.size()))
	if w.WriteHeader(http.StatusOK); req.Method == http.MethodGet {
		for _, piece := range content {
			w.Write(piece)
		}
	}
}

func (f *floor) upload(w http.ResponseWriter, req *http.Request, blobs, id string) {
	if req.Method == http.MethodPost {
		f.mu.Lock()
		f.number++
		id = fmt.Sprint(f.number)
		f.uploads[id] = &floorUpload{hash: sha256.New()}
		f.mu.Unlock()
		w.Header().Set("Location", "/v2/"+blobs+"/uploads/"+id)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	f.mu.Lock()
	upload := f.uploads[id]
	f.mu.Unlock()
	io.Copy(io.MultiWriter(&upload.content, upload.hash), req.Body)
	w.Header().Set("Location", req.URL.Path)
	if req.Method == http.MethodPatch {
		w.Header().Set("Range", fmt.Sprintf("0-%d", upload.content.size()-1))
		w.WriteHeader(http.StatusAccepted)
		return
	}
	digest := fmt.Sprintf("sha256:%x", upload.hash.Sum(nil))
	if digest != req.URL.Query().Get("digest") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	delete(f.uploads, id)
	f.blobs[digest] = upload.content
	f.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

// spent is the time that something takes: on the CPUs, of client and server together,
// and on the clock.
type spent struct{ cpu, clock float64 }

func spend(act func()) spent {
	used := func() time.Duration {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			panic(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	runtime.GC()
	cpu, begun := used(), time.Now()
	act()
	return spent{cpu: (used() - cpu).Seconds(), clock: time.Since(begun).Seconds()}
}

// compareToFloor has a client do the same with new registries in turns, once prepare has
// made each ready, and reports the medians of how many times the floor's CPU time ours
// and others take, by their units, and how much of its throughput ours has.
func compareToFloor(b *testing.B, others map[string]registryServer, prepare func(name.Repository) func()) {
	with := func(serve registryServer) spent {
		repository, end := serve()
		defer end()
		return spend(prepare(repository))
	}
	with(floorServed)
	with(oursServed)
	ratios, throughput := map[string][]float64{}, []float64(nil)
	for b.Loop() {
		floor, ours := with(floorServed), with(oursServed)
		ratios["x-floor"] = append(ratios["x-floor"], ours.cpu/floor.cpu)
		throughput = append(throughput, floor.clock/ours.clock)
		for unit, other := range others {
			ratios[unit] = append(ratios[unit], with(other).cpu/floor.cpu)
		}
	}
	for unit, values := range ratios {
		b.ReportMetric(median(values), unit)
	}
	b.ReportMetric(median(throughput), "of-floor-throughput")
	b.ReportMetric(0, "ns/op")
}

// smallImage is one of many images of 20 layers of 4 KiB.
func smallImage(b *testing.B, number int) v1.Image {
	image := empty.Image
	for n := range 20 {
		content := bytes.Repeat([]byte(fmt.Sprintf("%08d", 20*number+n)), 512)
		var err error
		image, err = mutate.AppendLayers(image, static.NewLayer(content, types.OCIUncompressedLayer))
		require.NoError(b, err)
	}
	return image
}

// BenchmarkRegistryFloor has go-containerregistry's client move small images and a large
// layer over loopback, to and from ours, its own registry and the floor. A pull from a
// floor that redirects says how much of ours is ECR's.
func BenchmarkRegistryFloor(b *testing.B) {
	theirs := map[string]registryServer{"theirs-x-floor": theirsServed}
	const pushers, pulls = 64, 10
	images := make([]v1.Image, pushers)
	for i := range images {
		images[i] = smallImage(b, i)
	}
	push := func(b *testing.B, to name.Repository, number int) {
		if err := remote.Write(to.Tag(fmt.Sprint("v", number)), images[number], remote.WithJobs(1)); err != nil {
			b.Error(err)
		}
	}
	b.Run("push", func(b *testing.B) {
		compareToFloor(b, theirs, func(to name.Repository) func() {
			return func() {
				for n := range 10 {
					push(b, to, n)
				}
			}
		})
	})
	b.Run("pushers=64", func(b *testing.B) {
		compareToFloor(b, theirs, func(to name.Repository) func() {
			return func() {
				var all sync.WaitGroup
				for n := range pushers {
					all.Go(func() { push(b, to, n) })
				}
				all.Wait()
			}
		})
	})
	b.Run("pull", func(b *testing.B) {
		others := map[string]registryServer{"theirs-x-floor": theirsServed, "redirecting-x-floor": redirectingFloorServed}
		compareToFloor(b, others, func(from name.Repository) func() {
			push(b, from, 0)
			return func() {
				for range pulls {
					pull(b, from.Tag("v0"))
				}
			}
		})
	})
	b.Run("push of 64 MiB", func(b *testing.B) {
		layer := static.NewLayer(make([]byte, benchmarked), types.OCIUncompressedLayer)
		compareToFloor(b, theirs, func(to name.Repository) func() {
			return func() { require.NoError(b, remote.WriteLayer(to, layer)) }
		})
	})
}

func pull(b *testing.B, from name.Tag) {
	image, err := remote.Image(from)
	require.NoError(b, err)
	layers, err := image.Layers()
	require.NoError(b, err)
	for _, layer := range layers {
		content, err := layer.Compressed()
		require.NoError(b, err)
		n, err := io.Copy(io.Discard, content)
		require.NoError(b, err)
		require.EqualValues(b, 4096, n)
		require.NoError(b, content.Close())
	}
}
