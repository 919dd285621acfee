package oci_test

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
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

const noLayerInApp = "The layer with digest '%s' does not exist within the repository with name 'team/app' in the registry with id '123456789012'"

// pushed pushes a layer to a repository that is there, by one request.
func pushed(t *testing.T, e *faces.Endpoint, repository, layer string) (digest string) {
	t.Helper()
	digest = faces.DigestOf([]byte(layer))
	require.Equal(t, 201, e.Do(t, "POST", "/v2/"+repository+"/blobs/uploads/?digest="+digest, layer).Status)
	return digest
}

func TestRegistryBlobs(t *testing.T) {
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
				faces.Create(t, e.Registry, faces.App)
				faces.Create(t, e.Registry, "team/other")
				digest := pushed(t, e, faces.App, "0123456789")
				head := func(path string, status int) faces.Reply {
					got := e.Do(t, "HEAD", path, "")
					require.Equal(t, status, got.Status)
					require.Empty(t, got.Body)
					return got
				}
				require.Equal(t, faces.Reply{Status: 200, Header: http.Header{
					"Docker-Distribution-Api-Version": {"registry/2.0"}, "Docker-Content-Digest": {digest},
					"Content-Length": {"10"}, "Content-Type": {"application/octet-stream"},
				}, Body: ""}, undated(head(faces.BlobsOf+digest, 200)))
				head("/v2/team/other/blobs/"+digest, 404)
				head("/v2/team/none/blobs/"+digest, 404)
				head(faces.BlobsOf+faces.DigestNotThere, 404)
				head(faces.BlobsOf+"sha256", 400)

				// ECR gives no URL for a layer that no image refers to.
				if mode == "ECR" {
					e.RequireRefused(t, 404, "BLOB_UNKNOWN", "The layer with digest '"+digest+"' within the repository with name 'team/app' in the registry with id '123456789012' is not associated with an image", "GET", faces.BlobsOf+digest, "")
					e.Registry.MustPush(faces.App+":v1", faces.ImageOf([]byte("{}"), []byte("0123456789")))
				}
				require.Equal(t, "0123456789", getBlob(t, e, digest).Body)
				part := getBlob(t, e, digest, "Range", "bytes=3-5")
				require.Equal(t, 206, part.Status)
				require.Equal(t, "345", part.Body)
				require.Equal(t, "bytes 3-5/10", part.Header.Get("Content-Range"))
				require.Equal(t, 416, getBlob(t, e, digest, "Range", "bytes=10-").Status)
				e.RequireRefused(t, 404, "BLOB_UNKNOWN", fmt.Sprintf(noLayerInApp, faces.DigestNotThere), "GET", faces.BlobsOf+faces.DigestNotThere, "")
				e.RequireRefused(t, 404, "NAME_UNKNOWN", noRepoOther[:len("The repository with name 'team/")]+"none' does not exist in the registry with id '123456789012'", "GET", "/v2/team/none/blobs/"+digest, "")
				e.RequireRefused(t, 400, "DIGEST_INVALID", "Invalid digest 'sha256'", "GET", faces.BlobsOf+"sha256", "")

				if mode == "spec" {
					e.Registry.MustPush(faces.App+":v1", faces.ImageOf([]byte("{}"), []byte("0123456789")))
				}
				e.RequireRefused(t, 405, "UNSUPPORTED", "The operation is unsupported.", "DELETE", faces.BlobsOf+digest, "")
				head(faces.BlobsOf+digest, 200)
			}, m.options...)
		})
	}
}

// A layer that is in the archive need not be pushed again, but cannot be had.
func TestRegistryBlobInTheArchive(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		image := fakeecr.RandomImage(1, 100)
		digest := e.Registry.MustPush(faces.App+":v1", image)
		_, err := e.Registry.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{RepositoryName: aws.String(faces.App),
			ImageId: &types.ImageIdentifier{ImageDigest: &digest}, TargetStorageClass: types.TargetStorageClassArchive})
		require.NoError(t, err)
		layer := faces.DigestOf(image.Blobs[0])
		require.Equal(t, 200, e.Do(t, "HEAD", faces.BlobsOf+layer, "").Status)
		require.Equal(t, 404, e.Do(t, "GET", faces.BlobsOf+layer, "").Status)
	})
}

// A URL that was given goes on to lead to the layer, as the store knows no images.
func TestDownloadURLOutlivesTheImage(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 100)
		f.Registry.MustPush(faces.App+":v1", image)
		at := f.DownloadURL(t, faces.DigestOf(image.Blobs[0]))
		f.BatchDelete(t, faces.ByTag("v1"))
		require.Equal(t, string(image.Blobs[0]), f.Fetch(t, http.MethodGet, at).Body)
	})
}

var errNoMore = errors.New("no more")

// What came of a body that breaks off stays in ECR, as a part, which is seen when the
// same is sent again. By the specification it is dropped.
func TestBrokenUpload(t *testing.T) {
	for mode, m := range modes {
		server := fakeecr.NewServer(t, m.options...)
		faces.Create(t, server, faces.App)
		e := &faces.Endpoint{Registry: server.Registry, Origin: server.URL, Client: http.DefaultClient, Authorization: "Basic " + faces.AuthorizationToken(t, server)}
		raw := func(t *testing.T, head, body string) net.Conn {
			connection, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
			require.NoError(t, err)
			_, err = fmt.Fprintf(connection, "%s HTTP/1.1\r\nHost: registry\r\nAuthorization: %s\r\n%s", head, e.Authorization, body)
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
				connection := raw(t, "PUT "+upload+"?digest="+faces.DigestOf([]byte("01234")), "Content-Length: 10\r\n\r\n01234")
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
				req, err := http.NewRequestWithContext(t.Context(), "PATCH", "https://"+faces.RegistryHost+upload, io.MultiReader(strings.NewReader("01234"), iotest.ErrReader(errNoMore)))
				require.NoError(t, err)
				req.Header.Set("Authorization", e.Authorization)
				_, err = server.Transport().RoundTrip(req)
				require.ErrorIs(t, err, errNoMore)
			},
		} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				begun := func() (upload string) {
					upload = e.Begin(t)
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
					require.Equal(t, "0-4", e.Do(t, "GET", upload, "").Header.Get("Range"))
					again := name + name // which is longer
					e.RequireRefused(t, 416, "BLOB_UPLOAD_INVALID", "First byte of the layer part is 0 instead of 5", "PATCH", upload, again)
					e.RequireRefused(t, 416, "BLOB_UPLOAD_INVALID", "First byte of the layer part is 0 instead of 5", "PATCH", upload, again, ranged(0, len(again))...)
					require.Equal(t, 201, e.Do(t, "PUT", upload+"?digest="+faces.DigestOf([]byte("01234")), "").Status)

					upload = begun() // what came is one part, and too small to be any but the last
					require.Equal(t, 201, e.Do(t, "PATCH", upload, "56789", ranged(5, 5)...).Status)
					e.RequireRefused(t, 400, "BLOB_UPLOAD_INVALID", "All layer parts except the last part should be at least 5MB", "PUT", upload+"?digest="+faces.DigestOf([]byte("0123456789")), "")
				} else {
					require.Zero(t, last.Bytes)
					require.Equal(t, "0-0", e.Do(t, "GET", upload, "").Header.Get("Range"))
					require.Equal(t, 201, e.Do(t, "PUT", upload+"?digest="+faces.DigestOf([]byte(name)), name).Status)
				}

				expires := begun()
				server.Advance(24 * time.Hour)
				e.Authorization = "Basic " + faces.AuthorizationToken(t, server)
				require.Equal(t, 404, e.Do(t, "GET", expires, "").Status)
			})
		}
	}
}

// While one layer is on its way others come and go.
func TestUploadsDoNotWaitForEachOther(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		const clients = 8
		var all sync.WaitGroup
		var ends []*io.PipeWriter
		answers := make(chan int, clients)
		for range clients {
			body, end := io.Pipe()
			ends = append(ends, end)
			upload := e.Begin(t)
			all.Go(func() {
				req, err := http.NewRequestWithContext(t.Context(), "PUT", e.Origin+upload+"?digest="+faces.DigestOf([]byte("beginend")), body)
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Authorization", e.Authorization)
				response, err := e.Client.Do(req)
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
		pushed(t, e, faces.App, "another layer")
		e.Registry.MustPush("team/other:v1", fakeecr.RandomImage(1, 100))
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
	faces.Create(t, r, faces.App)
	e := &faces.Endpoint{Registry: r, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: r.Transport()}}
	upload := e.Begin(t)
	meanwhile := faces.ReaderFunc(func([]byte) (int, error) {
		require.Equal(t, 201, e.Do(t, "PATCH", upload, "quick").Status)
		return 0, io.EOF
	})
	got := stream(t, e, "PATCH", upload, io.MultiReader(strings.NewReader("slow"), meanwhile))
	require.Equal(t, 416, got.Status)
	require.Contains(t, got.Body, "First byte of the layer part is 0 instead of 5")
	require.Equal(t, 201, e.Do(t, "PUT", upload+"?digest="+faces.DigestOf([]byte("quick")), "").Status)
}

func TestMemoryOfAnUploadIsFreed(t *testing.T) {
	const size = 32 << 20
	for name, end := range map[string]func(e *faces.Endpoint, upload string){
		"cancelled": func(e *faces.Endpoint, upload string) {
			require.Equal(t, 204, e.Do(t, "DELETE", upload, "").Status)
		},
		"expired": func(e *faces.Endpoint, _ string) { e.Registry.Advance(24 * time.Hour) },
		"with its repository": func(e *faces.Endpoint, _ string) {
			_, err := e.Registry.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(faces.App)})
			require.NoError(t, err)
		},
		"of a layer that is there": func(e *faces.Endpoint, upload string) {
			require.Equal(t, 201, e.Do(t, "PUT", upload+"?digest="+faces.DigestOf(make([]byte, size)), "").Status)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := fakeecr.New(t, fakeecr.WithOpenRegistry())
			faces.Create(t, r, faces.App)
			e := &faces.Endpoint{Registry: r, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: r.Transport()}}
			if name == "of a layer that is there" {
				require.Equal(t, 201, stream(t, e, "POST", faces.UploadsOf+"?digest="+faces.DigestOf(make([]byte, size)), zeros(size)).Status)
			}
			before := faces.HeapInUse()
			upload := e.Begin(t)
			require.Equal(t, 201, stream(t, e, "PATCH", upload, zeros(size)).Status)
			require.Greater(t, faces.HeapInUse()-before, int64(size*9/10))
			end(e, upload)
			require.Less(t, faces.HeapInUse()-before, int64(1<<20))
			runtime.KeepAlive(r)
		})
	}
}

// zeros is a body of so many bytes that takes no memory.
func zeros(n int64) io.Reader {
	return io.LimitReader(faces.ReaderFunc(func(p []byte) (int, error) { clear(p); return len(p), nil }), n)
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
	digest := faces.DigestOf(whole)
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		if strings.HasSuffix(t.Name(), "/handler") {
			t.Skip("the recorder of httptest keeps what it is told")
		}
		faces.Create(t, e.Registry, faces.App)
		known := allocated(func() {
			req, err := http.NewRequestWithContext(t.Context(), "PUT", e.Origin+e.Begin(t)+"?digest="+digest, bytes.NewReader(whole))
			require.NoError(t, err)
			req.Header.Set("Authorization", e.Authorization)
			response, err := e.Client.Do(req)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, 201, response.StatusCode)
		})
		require.Less(t, known, int64(size*105/100))
		open := allocated(func() {
			require.Equal(t, 201, stream(t, e, "PATCH", e.Begin(t), zeros(size)).Status)
		})
		require.Less(t, open, int64(size*115/100))

		faces.Create(t, e.Registry, "team/image")
		e.Registry.MustPush(faces.App+":v1", faces.ImageOf([]byte("{}"), whole))
		at := e.Do(t, "GET", faces.BlobsOf+digest, "").Header.Get("Location")
		out := allocated(func() {
			response, err := e.Client.Get(at)
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
	server.MustPush(faces.App+":v1", faces.ImageOf([]byte("{}"), layer))
	f := faces.Loopback(server)
	way := &http.Transport{}
	response, err := (&http.Client{Transport: way}).Get(f.DownloadURL(t, faces.DigestOf(layer)))
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
			faces.Create(t, r, faces.App)
			e := &faces.Endpoint{Registry: r, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: r.Transport()}}
			upload := e.Begin(t)
			received, parts := "", 0
			for range 2 {
				first, last := -1, -1
				_, err := fmt.Sscanf(header+"\n", "%d-%d\n", &first, &last)
				follows := err == nil && first == len(received) && last-first == len(body)-1 && body != ""
				if header == "" {
					follows = mode == "spec" || received == "" || body == ""
				}
				got := e.Do(t, "PATCH", upload, body, "Content-Range", header)
				if got.Status == m.patched {
					require.True(t, follows, "%q with %d bytes after %d", header, len(body), len(received))
					received += body
					parts += min(len(body), 1)
				} else {
					require.Contains(t, []int{400, 416}, got.Status)
				}
				require.Equal(t, fmt.Sprintf("0-%d", max(len(received)-1, 0)), e.Do(t, "GET", upload, "").Header.Get("Range"))
			}
			want := 201
			if mode == "ECR" && parts != 1 { // none, or one before the last that is small
				want = 400
			}
			require.Equal(t, want, e.Do(t, "PUT", upload+"?digest="+url.QueryEscape(faces.DigestOf([]byte(received))), "").Status)
		}
	})
}

// availability is what BatchCheckLayerAvailability says of one layer.
func availability(t *testing.T, api fakeecr.API, digest string) types.LayerAvailability {
	t.Helper()
	out, err := api.BatchCheckLayerAvailability(t.Context(), &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String(faces.App), LayerDigests: []string{digest}})
	require.NoError(t, err)
	require.Empty(t, out.Failures)
	require.Len(t, out.Layers, 1)
	return out.Layers[0].LayerAvailability
}
