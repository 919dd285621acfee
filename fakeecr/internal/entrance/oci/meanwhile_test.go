package oci_test

import (
	"fmt"
	"io"
	rand "math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// A chunk meets at its end what became of its upload while it was on its way.
func TestUploadsMeanwhile(t *testing.T) {
	const (
		begun   = "begin"
		unknown = "BLOB_UPLOAD_UNKNOWN"
	)
	for name, c := range map[string]struct {
		happens func(t *testing.T, e *faces.Endpoint, upload string)
		status  int
		code    string
	}{
		"nothing":            {func(*testing.T, *faces.Endpoint, string) {}, 202, ""},
		"the clock moves on": {func(_ *testing.T, e *faces.Endpoint, _ string) { e.Registry.Advance(13 * time.Hour) }, 202, ""},
		"the upload expires": {func(_ *testing.T, e *faces.Endpoint, _ string) { e.Registry.Advance(24 * time.Hour) }, 404, unknown},
		"it is cancelled": {func(t *testing.T, e *faces.Endpoint, upload string) {
			require.Equal(t, 204, e.Do(t, "DELETE", upload, "").Status)
		}, 404, unknown},
		"it is completed": {func(t *testing.T, e *faces.Endpoint, upload string) {
			require.Equal(t, 201, e.Do(t, "PUT", upload+"?digest="+faces.DigestOf([]byte(begun)), "").Status)
		}, 404, unknown},
		"it goes on": {func(t *testing.T, e *faces.Endpoint, upload string) {
			require.Equal(t, 202, e.Do(t, "PATCH", upload, "other").Status)
		}, 416, "BLOB_UPLOAD_INVALID"},
		"the repository is deleted": {func(t *testing.T, e *faces.Endpoint, _ string) {
			_, err := e.Registry.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(faces.App)})
			require.NoError(t, err)
		}, 404, "NAME_UNKNOWN"},
		"the repository is another": {func(t *testing.T, e *faces.Endpoint, _ string) {
			_, err := e.Registry.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String(faces.App)})
			require.NoError(t, err)
			faces.Create(t, e.Registry, faces.App)
		}, 404, unknown},
		"a fork completes it": {func(t *testing.T, e *faces.Endpoint, upload string) {
			fork := e.Registry.Fork(t)
			other := &faces.Endpoint{Registry: fork, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: fork.Transport()}, Authorization: e.Authorization}
			require.Equal(t, 201, other.Do(t, "PUT", upload+"?digest="+faces.DigestOf([]byte(begun+"other")), "other").Status)
		}, 202, ""},
	} {
		t.Run(name, func(t *testing.T) {
			faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
				faces.Create(t, e.Registry, faces.App)
				upload := e.Begin(t)
				require.Equal(t, 202, e.Do(t, "PATCH", upload, begun).Status)
				body, end := io.Pipe()
				answered := make(chan faces.Reply)
				go func() { answered <- stream(t, e, "PATCH", upload, body) }()
				_, err := io.WriteString(end, "mid")
				require.NoError(t, err)
				c.happens(t, e, upload)
				_, err = io.WriteString(end, "dle")
				require.NoError(t, err)
				require.NoError(t, end.Close())
				got := <-answered
				require.Equal(t, c.status, got.Status, got.Body)
				require.Contains(t, got.Body, c.code)

				e.Authorization = "Basic " + faces.AuthorizationToken(t, e.Registry)
				if c.status == 202 {
					require.Equal(t, 201, e.Do(t, "PUT", upload+"?digest="+faces.DigestOf([]byte(begun+"middle")), "").Status)
				}
			}, fakeecr.WithSpecRegistry()) // whose chunks may be small
		})
	}
}

// Many clients do anything to the same few uploads at once. Whatever they do, the
// endpoint does not fail, and a layer is what its digest says.
func TestManyClientsOfOneUpload(t *testing.T) {
	const piece = "0123456789"
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		uploads := []string{e.Begin(t), e.Begin(t)}
		var all sync.WaitGroup
		for client := range 8 {
			dice := rand.New(rand.NewPCG(1, uint64(client)))
			all.Go(func() {
				for range 25 {
					upload := uploads[dice.IntN(len(uploads))]
					var got faces.Reply
					var err error
					switch dice.IntN(10) {
					case 0:
						got, err = e.Send(t, "PUT", upload+"?digest="+faces.DigestOf([]byte(strings.Repeat(piece, dice.IntN(20)))), "")
					case 1:
						got, err = e.Send(t, "GET", upload, "")
					case 2:
						from := 10 * dice.IntN(20)
						got, err = e.Send(t, "PATCH", upload, piece, "Content-Range", fmt.Sprintf("%d-%d", from, from+9))
					case 3:
						e.Registry.Advance(time.Minute)
						continue
					case 4:
						e.Registry.Fork(nil)
						continue
					default:
						got, err = e.Send(t, "PATCH", upload, piece)
					}
					if err != nil || got.Status >= 500 {
						t.Errorf("%d %s: %v", got.Status, got.Body, err)
					}
				}
			})
		}
		all.Wait()
		for n := range 200 {
			layer := strings.Repeat(piece, n)
			head := e.Do(t, "HEAD", faces.BlobsOf+faces.DigestOf([]byte(layer)), "")
			if head.Status == 200 {
				require.Equal(t, fmt.Sprint(len(layer)), head.Header.Get("Content-Length"))
			}
		}
	}, fakeecr.WithSpecRegistry())
}
