package fakeecr_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// A chunk meets at its end what became of its upload while it was on its way.
func TestUploadsMeanwhile(t *testing.T) {
	const (
		begun   = "begin"
		unknown = "BLOB_UPLOAD_UNKNOWN"
	)
	for name, c := range map[string]struct {
		happens func(t *testing.T, e *endpoint, upload string)
		status  int
		code    string
	}{
		"nothing":            {func(*testing.T, *endpoint, string) {}, 202, ""},
		"the clock moves on": {func(_ *testing.T, e *endpoint, _ string) { e.registry.Advance(13 * time.Hour) }, 202, ""},
		"the upload expires": {func(_ *testing.T, e *endpoint, _ string) { e.registry.Advance(24 * time.Hour) }, 404, unknown},
		"it is cancelled": {func(t *testing.T, e *endpoint, upload string) {
			require.Equal(t, 204, e.do(t, "DELETE", upload, "").status)
		}, 404, unknown},
		"it is completed": {func(t *testing.T, e *endpoint, upload string) {
			require.Equal(t, 201, e.do(t, "PUT", upload+"?digest="+digestOf([]byte(begun)), "").status)
		}, 404, unknown},
		"it goes on": {func(t *testing.T, e *endpoint, upload string) {
			require.Equal(t, 202, e.do(t, "PATCH", upload, "other").status)
		}, 416, "BLOB_UPLOAD_INVALID"},
		"the repository is deleted": {func(t *testing.T, e *endpoint, _ string) {
			_, err := e.registry.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(app)})
			require.NoError(t, err)
		}, 404, "NAME_UNKNOWN"},
		"the repository is another": {func(t *testing.T, e *endpoint, _ string) {
			_, err := e.registry.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(app)})
			require.NoError(t, err)
			create(t, e.registry, app)
		}, 404, unknown},
		"a fork completes it": {func(t *testing.T, e *endpoint, upload string) {
			fork := e.registry.Fork(t)
			other := &endpoint{registry: fork, origin: "https://" + registryHost, client: &http.Client{Transport: fork.Transport()}, authorization: e.authorization}
			require.Equal(t, 201, other.do(t, "PUT", upload+"?digest="+digestOf([]byte(begun+"other")), "other").status)
		}, 202, ""},
	} {
		t.Run(name, func(t *testing.T) {
			onAllEndpoints(t, func(t *testing.T, e *endpoint) {
				create(t, e.registry, app)
				upload := e.begin(t)
				require.Equal(t, 202, e.do(t, "PATCH", upload, begun).status)
				body, end := io.Pipe()
				answered := make(chan reply)
				go func() { answered <- e.stream(t, "PATCH", upload, body) }()
				_, err := io.WriteString(end, "mid")
				require.NoError(t, err)
				c.happens(t, e, upload)
				_, err = io.WriteString(end, "dle")
				require.NoError(t, err)
				require.NoError(t, end.Close())
				got := <-answered
				require.Equal(t, c.status, got.status, got.body)
				require.Contains(t, got.body, c.code)

				e.authorization = "Basic " + authorizationToken(t, e.registry)
				if c.status == 202 {
					require.Equal(t, 201, e.do(t, "PUT", upload+"?digest="+digestOf([]byte(begun+"middle")), "").status)
				}
			}, fakeecr.WithSpecRegistry()) // whose chunks may be small
		})
	}
}

// Many clients do anything to the same few uploads at once. Whatever they do, the
// endpoint does not fail, and a layer is what its digest says.
func TestManyClientsOfOneUpload(t *testing.T) {
	const piece = "0123456789"
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		uploads := []string{e.begin(t), e.begin(t)}
		var all sync.WaitGroup
		for client := range 8 {
			dice := rand.New(rand.NewPCG(1, uint64(client)))
			all.Go(func() {
				for range 25 {
					upload := uploads[dice.IntN(len(uploads))]
					var got reply
					var err error
					switch dice.IntN(10) {
					case 0:
						got, err = e.send(t, "PUT", upload+"?digest="+digestOf([]byte(strings.Repeat(piece, dice.IntN(20)))), "")
					case 1:
						got, err = e.send(t, "GET", upload, "")
					case 2:
						from := 10 * dice.IntN(20)
						got, err = e.send(t, "PATCH", upload, piece, "Content-Range", fmt.Sprintf("%d-%d", from, from+9))
					case 3:
						e.registry.Advance(time.Minute)
						continue
					case 4:
						e.registry.Fork(nil)
						continue
					default:
						got, err = e.send(t, "PATCH", upload, piece)
					}
					if err != nil || got.status >= 500 {
						t.Errorf("%d %s: %v", got.status, got.body, err)
					}
				}
			})
		}
		all.Wait()
		for n := range 200 {
			layer := strings.Repeat(piece, n)
			head := e.do(t, "HEAD", blobsOf+digestOf([]byte(layer)), "")
			if head.status == 200 {
				require.Equal(t, fmt.Sprint(len(layer)), head.header.Get("Content-Length"))
			}
		}
	}, fakeecr.WithSpecRegistry())
}
