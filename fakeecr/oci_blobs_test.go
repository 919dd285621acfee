package fakeecr_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

const noLayerInApp = "The layer with digest '%s' does not exist within the repository with name 'team/app' in the registry with id '123456789012'"

// pushed pushes a layer to a repository that is there, by one request.
func (e *endpoint) pushed(t *testing.T, repository, layer string) (digest string) {
	t.Helper()
	digest = digestOf([]byte(layer))
	require.Equal(t, 201, e.do(t, "POST", "/v2/"+repository+"/blobs/uploads/?digest="+digest, layer).status)
	return digest
}

func TestRegistryBlobs(t *testing.T) {
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			onAllEndpoints(t, func(t *testing.T, e *endpoint) {
				create(t, e.registry, app)
				create(t, e.registry, "team/other")
				digest := e.pushed(t, app, "0123456789")
				head := func(path string, status int) reply {
					got := e.do(t, "HEAD", path, "")
					require.Equal(t, status, got.status)
					require.Empty(t, got.body)
					return got
				}
				require.Equal(t, reply{200, http.Header{
					"Docker-Distribution-Api-Version": {"registry/2.0"}, "Docker-Content-Digest": {digest},
					"Content-Length": {"10"}, "Content-Type": {"application/octet-stream"},
				}, ""}, undated(head(blobsOf+digest, 200)))
				head("/v2/team/other/blobs/"+digest, 404)
				head("/v2/team/none/blobs/"+digest, 404)
				head(blobsOf+digestNotThere, 404)
				head(blobsOf+"sha256", 400)

				// ECR gives no URL for a layer that no image refers to.
				if mode == "ECR" {
					e.requireRefused(t, 404, "BLOB_UNKNOWN", "The layer with digest '"+digest+"' within the repository with name 'team/app' in the registry with id '123456789012' is not associated with an image", "GET", blobsOf+digest, "")
					e.registry.MustPush(app+":v1", imageOf([]byte("{}"), []byte("0123456789")))
				}
				require.Equal(t, "0123456789", e.layerOf(t, digest).body)
				part := e.layerOf(t, digest, "Range", "bytes=3-5")
				require.Equal(t, 206, part.status)
				require.Equal(t, "345", part.body)
				require.Equal(t, "bytes 3-5/10", part.header.Get("Content-Range"))
				require.Equal(t, 416, e.layerOf(t, digest, "Range", "bytes=10-").status)
				e.requireRefused(t, 404, "BLOB_UNKNOWN", fmt.Sprintf(noLayerInApp, digestNotThere), "GET", blobsOf+digestNotThere, "")
				e.requireRefused(t, 404, "NAME_UNKNOWN", noRepoOther[:len("The repository with name 'team/")]+"none' does not exist in the registry with id '123456789012'", "GET", "/v2/team/none/blobs/"+digest, "")
				e.requireRefused(t, 400, "DIGEST_INVALID", "Invalid digest 'sha256'", "GET", blobsOf+"sha256", "")

				if mode == "spec" {
					e.registry.MustPush(app+":v1", imageOf([]byte("{}"), []byte("0123456789")))
				}
				e.requireRefused(t, 405, "UNSUPPORTED", "The operation is unsupported.", "DELETE", blobsOf+digest, "")
				head(blobsOf+digest, 200)
			}, m.options...)
		})
	}
}

// A layer that is in the archive need not be pushed again, but cannot be had.
func TestRegistryBlobInTheArchive(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		image := fakeecr.RandomImage(1, 100)
		digest := e.registry.MustPush(app+":v1", image)
		_, err := e.registry.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{RepositoryName: aws.String(app),
			ImageId: &types.ImageIdentifier{ImageDigest: &digest}, TargetStorageClass: types.TargetStorageClassArchive})
		require.NoError(t, err)
		layer := digestOf(image.Blobs[0])
		require.Equal(t, 200, e.do(t, "HEAD", blobsOf+layer, "").status)
		require.Equal(t, 404, e.do(t, "GET", blobsOf+layer, "").status)
	})
}

// A URL that was given goes on to lead to the layer, as the store knows no images.
func TestDownloadURLOutlivesTheImage(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		image := fakeecr.RandomImage(1, 100)
		f.registry.MustPush(app+":v1", image)
		at := f.downloadURL(t, digestOf(image.Blobs[0]))
		f.batchDelete(t, byTag("v1"))
		require.Equal(t, string(image.Blobs[0]), f.fetch(t, http.MethodGet, at).body)
	})
}

var errNoMore = errors.New("no more")

// What came of a body that breaks off stays in ECR, as a part, which is seen when the
// same is sent again. By the specification it is dropped.
func TestBrokenUpload(t *testing.T) {
	for mode, m := range modes {
		server := fakeecr.NewServer(t, m.options...)
		create(t, server, app)
		e := &endpoint{registry: server.Registry, origin: server.URL, client: http.DefaultClient, authorization: "Basic " + authorizationToken(t, server)}
		raw := func(t *testing.T, head, body string) net.Conn {
			connection, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
			require.NoError(t, err)
			_, err = fmt.Fprintf(connection, "%s HTTP/1.1\r\nHost: registry\r\nAuthorization: %s\r\n%s", head, e.authorization, body)
			require.NoError(t, err)
			return connection
		}
		for name, broken := range map[string]func(t *testing.T, upload string){
			"a connection that ends": func(t *testing.T, upload string) {
				connection := raw(t, "PATCH "+upload, "Content-Length: 10\r\n\r\n01234")
				require.NoError(t, connection.Close())
			},
			"a chunk with its range": func(t *testing.T, upload string) {
				connection := raw(t, "PATCH "+upload, "Content-Length: 10\r\nContent-Range: 0-9\r\n\r\n01234")
				require.NoError(t, connection.Close())
			},
			"chunks that end": func(t *testing.T, upload string) {
				connection := raw(t, "PATCH "+upload, "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n")
				require.NoError(t, connection.Close())
			},
			"a body of PUT": func(t *testing.T, upload string) {
				connection := raw(t, "PUT "+upload+"?digest="+digestOf([]byte("01234")), "Content-Length: 10\r\n\r\n01234")
				require.NoError(t, connection.Close())
			},
			"chunks that are none": func(t *testing.T, upload string) {
				connection := raw(t, "PATCH "+upload, "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\nxx\r\n")
				defer connection.Close()
				answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
				require.NoError(t, err)
				require.Equal(t, 400, answer.StatusCode)
			},
			"a body that cannot be read": func(t *testing.T, upload string) {
				req, err := http.NewRequestWithContext(t.Context(), "PATCH", "https://"+registryHost+upload, io.MultiReader(strings.NewReader("01234"), iotest.ErrReader(errNoMore)))
				require.NoError(t, err)
				req.Header.Set("Authorization", e.authorization)
				_, err = server.Transport().RoundTrip(req)
				require.ErrorIs(t, err, errNoMore)
			},
		} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				begun := func() (upload string) {
					upload = e.begin(t)
					before := server.Trace().Count("UploadLayerPart")
					broken(t, upload)
					require.Eventually(t, func() bool { return server.Trace().Count("UploadLayerPart") > before }, 10*time.Second, time.Millisecond)
					return upload
				}
				upload := begun()
				parts := server.Trace().For("UploadLayerPart")
				last := parts[len(parts)-1]
				require.ErrorContains(t, last.Err, "the layer part breaks off: ")
				if mode == "ECR" {
					require.EqualValues(t, 5, last.Bytes)
					require.Equal(t, "0-4", e.do(t, "GET", upload, "").header.Get("Range"))
					again := name + name // which is longer
					e.requireRefused(t, 416, "BLOB_UPLOAD_INVALID", "First byte of the layer part is 0 instead of 5", "PATCH", upload, again)
					e.requireRefused(t, 416, "BLOB_UPLOAD_INVALID", "First byte of the layer part is 0 instead of 5", "PATCH", upload, again, ranged(0, len(again))...)
					require.Equal(t, 201, e.do(t, "PUT", upload+"?digest="+digestOf([]byte("01234")), "").status)

					upload = begun() // what came is one part, and too small to be any but the last
					require.Equal(t, 201, e.do(t, "PATCH", upload, "56789", ranged(5, 5)...).status)
					e.requireRefused(t, 400, "BLOB_UPLOAD_INVALID", "All layer parts except the last part should be at least 5MB", "PUT", upload+"?digest="+digestOf([]byte("0123456789")), "")
				} else {
					require.Zero(t, last.Bytes)
					require.Equal(t, "0-0", e.do(t, "GET", upload, "").header.Get("Range"))
					require.Equal(t, 201, e.do(t, "PUT", upload+"?digest="+digestOf([]byte(name)), name).status)
				}

				expires := begun()
				server.Advance(24 * time.Hour)
				e.authorization = "Basic " + authorizationToken(t, server)
				require.Equal(t, 404, e.do(t, "GET", expires, "").status)
			})
		}
	}
}

// While one layer is on its way others come and go.
func TestUploadsDoNotWaitForEachOther(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		const clients = 8
		var all sync.WaitGroup
		var ends []*io.PipeWriter
		answers := make(chan int, clients)
		for range clients {
			body, end := io.Pipe()
			ends = append(ends, end)
			upload := e.begin(t)
			all.Go(func() {
				req, err := http.NewRequestWithContext(t.Context(), "PUT", e.origin+upload+"?digest="+digestOf([]byte("beginend")), body)
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Authorization", e.authorization)
				response, err := e.client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				response.Body.Close()
				answers <- response.StatusCode
			})
		}
		for _, end := range ends {
			_, err := end.Write([]byte("begin"))
			require.NoError(t, err)
		}
		e.pushed(t, app, "another layer")
		e.registry.MustPush("team/other:v1", fakeecr.RandomImage(1, 100))
		for _, end := range ends {
			_, err := end.Write([]byte("end"))
			require.NoError(t, err)
			require.NoError(t, end.Close())
		}
		all.Wait()
		for range clients {
			require.Equal(t, 201, <-answers)
		}
	})
}

// Of streams that come in at once for one place, the one that ends first is taken,
// whole.
func TestStreamsOfOneUpload(t *testing.T) {
	r := fakeecr.New(t, fakeecr.WithOpenRegistry())
	create(t, r, app)
	e := &endpoint{registry: r, origin: "https://" + registryHost, client: &http.Client{Transport: r.Transport()}}
	upload := e.begin(t)
	meanwhile := readerFunc(func([]byte) (int, error) {
		require.Equal(t, 201, e.do(t, "PATCH", upload, "quick").status)
		return 0, io.EOF
	})
	got := e.stream(t, "PATCH", upload, io.MultiReader(strings.NewReader("slow"), meanwhile))
	require.Equal(t, 416, got.status)
	require.Contains(t, got.body, "First byte of the layer part is 0 instead of 5")
	require.Equal(t, 201, e.do(t, "PUT", upload+"?digest="+digestOf([]byte("quick")), "").status)
}

func TestMemoryOfAnUploadIsFreed(t *testing.T) {
	const size = 32 << 20
	for name, end := range map[string]func(e *endpoint, upload string){
		"cancelled": func(e *endpoint, upload string) {
			require.Equal(t, 204, e.do(t, "DELETE", upload, "").status)
		},
		"expired": func(e *endpoint, _ string) { e.registry.Advance(24 * time.Hour) },
		"with its repository": func(e *endpoint, _ string) {
			_, err := e.registry.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(app)})
			require.NoError(t, err)
		},
		"of a layer that is there": func(e *endpoint, upload string) {
			require.Equal(t, 201, e.do(t, "PUT", upload+"?digest="+digestOf(make([]byte, size)), "").status)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := fakeecr.New(t, fakeecr.WithOpenRegistry())
			create(t, r, app)
			e := &endpoint{registry: r, origin: "https://" + registryHost, client: &http.Client{Transport: r.Transport()}}
			if name == "of a layer that is there" {
				require.Equal(t, 201, e.stream(t, "POST", uploadsOf+"?digest="+digestOf(make([]byte, size)), zeros(size)).status)
			}
			before := heapInUse()
			upload := e.begin(t)
			require.Equal(t, 201, e.stream(t, "PATCH", upload, zeros(size)).status)
			require.Greater(t, heapInUse()-before, int64(size*9/10))
			end(e, upload)
			require.Less(t, heapInUse()-before, int64(1<<20))
			runtime.KeepAlive(r)
		})
	}
}

// zeros is a body of so many bytes that takes no memory.
func zeros(n int64) io.Reader {
	return io.LimitReader(readerFunc(func(p []byte) (int, error) { clear(p); return len(p), nil }), n)
}

// allocated is how many bytes something allocates in all, which its peak cannot be
// above.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// A layer takes the memory that it has, and a download none.
func TestMemoryOfALayer(t *testing.T) {
	const size = 64 << 20
	whole := make([]byte, size)
	digest := digestOf(whole)
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		if strings.HasSuffix(t.Name(), "/handler") {
			t.Skip("the recorder of httptest keeps what it is told")
		}
		create(t, e.registry, app)
		known := allocated(func() {
			req, err := http.NewRequestWithContext(t.Context(), "PUT", e.origin+e.begin(t)+"?digest="+digest, bytes.NewReader(whole))
			require.NoError(t, err)
			req.Header.Set("Authorization", e.authorization)
			response, err := e.client.Do(req)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, 201, response.StatusCode)
		})
		require.Less(t, known, int64(size*105/100))
		open := allocated(func() {
			require.Equal(t, 201, e.stream(t, "PATCH", e.begin(t), zeros(size)).status)
		})
		require.Less(t, open, int64(size*115/100))

		create(t, e.registry, "team/image")
		e.registry.MustPush(app+":v1", imageOf([]byte("{}"), whole))
		at := e.do(t, "GET", blobsOf+digest, "").header.Get("Location")
		out := allocated(func() {
			response, err := e.client.Get(at)
			require.NoError(t, err)
			defer response.Body.Close()
			require.EqualValues(t, size, response.ContentLength)
			n, err := io.Copy(io.Discard, response.Body)
			require.NoError(t, err)
			require.EqualValues(t, size, n)
		})
		require.Less(t, out, int64(1<<20))
	})
}

// A reader that stops in the middle of a layer keeps nobody busy.
func TestDownloadEndsWithItsReader(t *testing.T) {
	layer := make([]byte, 64<<20)
	server := fakeecr.NewServer(t)
	server.MustPush(app+":v1", imageOf([]byte("{}"), layer))
	f := loopback(server)
	way := &http.Transport{}
	response, err := (&http.Client{Transport: way}).Get(f.downloadURL(t, digestOf(layer)))
	require.NoError(t, err)
	_, err = io.ReadFull(response.Body, make([]byte, 10))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	server.Close() // which waits for requests that are answered
}

// FuzzContentRange sends chunks with any range. One is taken if it follows the last
// byte and its range has its length; another one changes nothing, and is never an
// error of the service. Without a range a chunk follows by the specification, and in
// ECR begins at the first byte.
func FuzzContentRange(f *testing.F) {
	for _, header := range []string{"0-4", "0-5", "1-5", "5-9", "", "bytes=0-4", "bytes 0-4/5", "-", "0--1", " 0-4", "00-4", "18446744073709551615-4", "0-4,5-9"} {
		f.Add(header, "layer")
		f.Add(header, "")
	}
	f.Fuzz(func(t *testing.T, header, body string) {
		for mode, m := range modes {
			r := fakeecr.New(t, append(m.options, fakeecr.WithOpenRegistry())...)
			create(t, r, app)
			e := &endpoint{registry: r, origin: "https://" + registryHost, client: &http.Client{Transport: r.Transport()}}
			upload := e.begin(t)
			received, parts := "", 0
			for range 2 {
				first, last := -1, -1
				_, err := fmt.Sscanf(header+"\n", "%d-%d\n", &first, &last)
				follows := err == nil && first == len(received) && last-first == len(body)-1 && body != ""
				if header == "" {
					follows = mode == "spec" || received == "" || body == ""
				}
				got := e.do(t, "PATCH", upload, body, "Content-Range", header)
				if got.status == m.patched {
					require.True(t, follows, "%q with %d bytes after %d", header, len(body), len(received))
					received += body
					parts += min(len(body), 1)
				} else {
					require.Contains(t, []int{400, 416}, got.status)
				}
				require.Equal(t, fmt.Sprintf("0-%d", max(len(received)-1, 0)), e.do(t, "GET", upload, "").header.Get("Range"))
			}
			want := 201
			if mode == "ECR" && parts != 1 { // none, or one before the last that is small
				want = 400
			}
			require.Equal(t, want, e.do(t, "PUT", upload+"?digest="+url.QueryEscape(digestOf([]byte(received))), "").status)
		}
	})
}
