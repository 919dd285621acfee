package oci_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

const noRepoOther = "The repository with name 'team/other' does not exist in the registry with id '123456789012'"

// stream sends a body whose length nobody says, once the endpoint begins to read it.
func stream(t *testing.T, e *faces.Endpoint, method, path string, body io.Reader) faces.Reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, e.Origin+path, struct{ io.Reader }{body})
	require.NoError(t, err)
	req.Header.Set("Authorization", e.Authorization)
	req.Header.Set("Expect", "100-continue")
	response, err := e.Client.Do(req)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return faces.Reply{Status: response.StatusCode, Header: response.Header, Body: string(text)}
}

// getBlob is what a repository has under a digest, by the endpoint's redirection.
func getBlob(t *testing.T, e *faces.Endpoint, digest string, headers ...string) faces.Reply {
	t.Helper()
	got := e.Do(t, "GET", faces.BlobsOf+digest, "")
	require.Equal(t, 307, got.Status, got.Body)
	require.Equal(t, digest, got.Header.Get("Docker-Content-Digest"))
	req, err := http.NewRequestWithContext(t.Context(), "GET", got.Header.Get("Location"), nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	response, err := e.Client.Do(req)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return faces.Reply{Status: response.StatusCode, Header: response.Header, Body: string(content)}
}

// ranged is the header of a chunk of so many bytes.
func ranged(from, size int) []string {
	return []string{"Content-Range", fmt.Sprintf("%d-%d", from, from+size-1)}
}

// modes are the endpoint as ECR has it and as the specification wants it.
var modes = map[string]struct {
	options []fakeecr.Option
	patched int
}{
	"ECR":  {nil, 201},
	"spec": {[]fakeecr.Option{fakeecr.WithSpecRegistry()}, 202},
}

// Clients push a layer in one of these ways.
func TestRegistryUploads(t *testing.T) {
	for mode, m := range modes {
		first, last := "first", "and the last"
		told := len(first + last)
		if mode == "ECR" { // which wants no less of a part that is not the last, and tells of the first alone
			first = strings.Repeat(first, faces.MinPart/len(first)+1)
			told = len(first)
		}
		whole := first + last
		digest := faces.DigestOf([]byte(whole))
		finish := "?digest=" + url.QueryEscape(digest)
		for way, push := range map[string]func(t *testing.T, e *faces.Endpoint) faces.Reply{
			"one POST": func(t *testing.T, e *faces.Endpoint) faces.Reply {
				return e.Do(t, "POST", faces.UploadsOf+finish, whole)
			},
			"one POST of no known length": func(t *testing.T, e *faces.Endpoint) faces.Reply {
				return stream(t, e, "POST", faces.UploadsOf+finish, strings.NewReader(whole))
			},
			"POST and PUT": func(t *testing.T, e *faces.Endpoint) faces.Reply {
				return e.Do(t, "PUT", e.Begin(t)+finish, whole)
			},
			"a POST with a digest alone": func(t *testing.T, e *faces.Endpoint) faces.Reply {
				got := e.Do(t, "POST", faces.UploadsOf+finish, "")
				require.Equal(t, 202, got.Status)
				return e.Do(t, "PUT", e.Path(t, got)+finish, whole)
			},
			"a stream": func(t *testing.T, e *faces.Endpoint) faces.Reply {
				upload := e.Begin(t)
				got := stream(t, e, "PATCH", upload, strings.NewReader(whole))
				require.Equal(t, m.patched, got.Status)
				require.Equal(t, fmt.Sprintf("0-%d", len(whole)-1), got.Header.Get("Range"))
				require.Equal(t, upload, e.Path(t, got))
				return e.Do(t, "PUT", upload+finish, "")
			},
			"chunks": func(t *testing.T, e *faces.Endpoint) faces.Reply {
				upload := e.Begin(t)
				got := e.Do(t, "PATCH", upload, first, ranged(0, len(first))...)
				require.Equal(t, m.patched, got.Status)
				require.Equal(t, fmt.Sprintf("0-%d", len(first)-1), got.Header.Get("Range"))
				got = e.Do(t, "PATCH", upload, last, ranged(len(first), len(last))...)
				require.Equal(t, fmt.Sprintf("0-%d", told-1), got.Header.Get("Range"))
				require.Equal(t, fmt.Sprintf("0-%d", told-1), e.Do(t, "PATCH", upload, "").Header.Get("Range"))
				require.Equal(t, fmt.Sprintf("0-%d", len(whole)-1), e.Do(t, "GET", upload, "").Header.Get("Range"))
				return e.Do(t, "PUT", upload+finish, "")
			},
			"chunks without a range, as the specification appends them": func(t *testing.T, e *faces.Endpoint) faces.Reply {
				if mode == "ECR" {
					return e.Do(t, "PUT", e.Begin(t)+finish, whole)
				}
				upload := e.Begin(t)
				require.Equal(t, m.patched, e.Do(t, "PATCH", upload, first).Status)
				return e.Do(t, "PUT", upload+finish, last)
			},
			"chunks, the last with PUT": func(t *testing.T, e *faces.Endpoint) faces.Reply {
				upload := e.Begin(t)
				require.Equal(t, m.patched, e.Do(t, "PATCH", upload, first, ranged(0, len(first))...).Status)
				return e.Do(t, "PUT", upload+finish, last, ranged(len(first), len(last))...)
			},
		} {
			t.Run(mode+"/"+way, func(t *testing.T) {
				faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
					faces.Create(t, e.Registry, faces.App)
					for range 2 { // a layer that is there is pushed all the same
						got := push(t, e)
						require.Equal(t, 201, got.Status, got.Body)
						require.Equal(t, faces.BlobsOf+digest, e.Path(t, got))
						require.Equal(t, digest, got.Header.Get("Docker-Content-Digest"))
						require.Empty(t, got.Header.Get("Content-Type"))
					}
					head := e.Do(t, "HEAD", faces.BlobsOf+digest, "")
					require.Equal(t, 200, head.Status)
					require.Equal(t, fmt.Sprint(len(whole)), head.Header.Get("Content-Length"))
					require.Equal(t, digest, head.Header.Get("Docker-Content-Digest"))
					require.Equal(t, types.LayerAvailabilityAvailable, availability(t, e.Registry, digest))

					e.Registry.MustPush(faces.App+":v1", faces.ImageOf([]byte("{}"), []byte(whole)))
					got := getBlob(t, e, digest)
					require.Equal(t, 200, got.Status)
					require.True(t, whole == got.Body)
				}, m.options...)
			})
		}
	}
}

// The answers of an upload, header by header.
func TestRegistryUploadAnswers(t *testing.T) {
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
				faces.Create(t, e.Registry, faces.App)
				about := func(status int, path, received string) faces.Reply {
					want := faces.Reply{Status: status, Header: http.Header{
						"Docker-Distribution-Api-Version": {"registry/2.0"}, "Location": {e.Origin + path}, "Range": {received},
					}}
					if status != 204 {
						want.Header.Set("Content-Length", "0")
					}
					return want
				}
				same := func(want, got faces.Reply) {
					t.Helper()
					if want.Status == 204 {
						got.Header.Del("Content-Length") // which HTTP has none of
					}
					require.Equal(t, want, undated(got))
				}
				opened := e.Do(t, "POST", faces.UploadsOf, "")
				upload := e.Path(t, opened)
				require.Regexp(t, "^"+faces.UploadsOf+"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$", upload)
				same(about(202, upload, "0-0"), opened)
				same(about(204, upload, "0-0"), e.Do(t, "GET", upload, ""))
				same(about(m.patched, upload, "0-0"), e.Do(t, "PATCH", upload, ""))
				same(about(m.patched, upload, "0-4"), e.Do(t, "PATCH", upload, "layer"))
				same(about(204, upload, "0-4"), e.Do(t, "GET", upload, ""))
				same(about(m.patched, upload, "0-4"), e.Do(t, "PATCH", upload, ""))
				require.Equal(t, m.patched, stream(t, e, "PATCH", upload, strings.NewReader("")).Status)
				same(about(204, upload, "0-4"), e.Do(t, "GET", upload, ""))

				gone := e.Do(t, "DELETE", upload, "")
				require.Equal(t, 204, gone.Status)
				require.Empty(t, gone.Body)
				unknown := fmt.Sprintf(faces.UploadNotInApp, strings.TrimPrefix(upload, faces.UploadsOf))
				for _, method := range []string{"GET", "DELETE", "PATCH", "PUT"} {
					e.RequireRefused(t, 404, "BLOB_UPLOAD_UNKNOWN", unknown, method, upload+"?digest="+faces.DigestNotThere, "layer")
				}
			}, m.options...)
		})
	}
}

func TestRegistryUploadsRefused(t *testing.T) {
	const (
		gap   = "First byte of the layer part is %d instead of %d"
		none  = "None of the provided layer digests match the calculated layer digest"
		empty = "The upload with id '%s' in the repository with name 'team/app' in registry with id '123456789012' cannot be completed because it does not have any parts"
		small = "All layer parts except the last part should be at least 5MB"
	)
	right := "?digest=" + faces.DigestOf([]byte("layer"))
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
				faces.Create(t, e.Registry, faces.App)
				e.RequireRefused(t, 404, "NAME_UNKNOWN", noRepoOther, "POST", "/v2/team/other/blobs/uploads/", "")
				e.RequireRefused(t, 404, "NAME_UNKNOWN", noRepoOther, "POST", "/v2/team/other/blobs/uploads/"+right, "layer")
				for _, id := range []string{faces.NoUpload, "upload", faces.NoUpload + "0"} {
					for _, method := range []string{"GET", "DELETE", "PATCH", "PUT"} {
						e.RequireRefused(t, 404, "BLOB_UPLOAD_UNKNOWN", fmt.Sprintf(faces.UploadNotInApp, id), method, faces.UploadsOf+id+right, "layer")
					}
				}
				e.RequireRefused(t, 404, "NAME_UNKNOWN", noRepoOther, "PATCH", "/v2/team/other/blobs/uploads/"+faces.NoUpload, "layer")

				upload := e.Begin(t)
				id := strings.TrimPrefix(upload, faces.UploadsOf)
				e.RequireRefused(t, 400, "DIGEST_INVALID", "Invalid digest ''", "PUT", upload, "layer")
				e.RequireRefused(t, 400, "DIGEST_INVALID", "Invalid digest 'sha256'", "PUT", upload+"?digest=sha256", "layer")
				e.RequireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 1, 0), "PATCH", upload, "layer", "Content-Range", "1-5")
				if mode == "ECR" {
					e.RequireRefused(t, 400, "BLOB_UPLOAD_INVALID", fmt.Sprintf(empty, id), "PUT", upload+right, "")
				} else {
					e.RequireRefused(t, 400, "BLOB_UPLOAD_INVALID", none, "PUT", upload+right, "")
				}

				require.Equal(t, m.patched, e.Do(t, "PATCH", upload, "lay", "Content-Range", "0-2").Status)
				e.RequireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 0, 3), "PATCH", upload, "lay", "Content-Range", "0-2")
				e.RequireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 2, 3), "PATCH", upload, "yer", "Content-Range", "2-4")
				e.RequireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 4, 3), "PUT", upload+right, "r", "Content-Range", "4-4")
				e.RequireRefused(t, 416, "BLOB_UPLOAD_INVALID", "Size of the layer part is 2 instead of 3", "PATCH", upload, "er", "Content-Range", "3-5")
				e.RequireRefused(t, 416, "BLOB_UPLOAD_INVALID", "Size of the layer part is 0", "PATCH", upload, "", "Content-Range", "3-4")
				if mode == "ECR" { // a body without a range begins at the layer's first byte
					e.RequireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 0, 3), "PATCH", upload, "yer")
					e.RequireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 0, 3), "PUT", upload+right, "er")
					got := stream(t, e, "PUT", upload+right, strings.NewReader("er"))
					require.Equal(t, 416, got.Status)
					require.Contains(t, got.Body, fmt.Sprintf(gap, 0, 3))
				}
				for _, odd := range []string{"bytes=3-4", "bytes 3-4/5", "3", "-4", "3-", "4-3-4", "a-b", "-1-4", "3-9223372036854775808"} {
					e.RequireRefused(t, 400, "BLOB_UPLOAD_INVALID", "Content-Range '"+odd+"' is not of the form FIRST-LAST", "PATCH", upload, "er", "Content-Range", odd)
				}
				e.RequireRefused(t, 400, "BLOB_UPLOAD_INVALID", none, "PUT", upload+"?digest="+faces.DigestNotThere, "")
				got := e.Do(t, "PUT", upload+right, "er", "Content-Range", "3-4")
				if mode == "ECR" {
					require.Equal(t, 400, got.Status)
					require.Contains(t, got.Body, small)
				} else {
					require.Equal(t, 201, got.Status, "what was refused changed nothing")
				}
				uploads := len(e.Registry.Trace().For(scenarios.CancelLayerUpload))
				e.RequireRefused(t, 400, "BLOB_UPLOAD_INVALID", none, "POST", faces.UploadsOf+"?digest="+faces.DigestNotThere, "layer")
				require.Len(t, e.Registry.Trace().For(scenarios.CancelLayerUpload), uploads+1, "nobody could go on with it")
			}, m.options...)
		})
	}
}

// An empty layer is none to ECR, and one like any other to the specification, which
// knows other digests too.
func TestRegistryLayersOfTheSpecificationAlone(t *testing.T) {
	const ofNothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	sha512 := "sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043"
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		for _, body := range []string{"", "hello"} {
			digest := ofNothing
			if body != "" {
				digest = sha512
			}
			require.Equal(t, 201, e.Do(t, "PUT", e.Begin(t)+"?digest="+digest, body).Status, digest)
			require.Equal(t, 201, e.Do(t, "PUT", e.Begin(t)+"?digest="+digest, body).Status, "again")
			head := e.Do(t, "HEAD", faces.BlobsOf+digest, "")
			require.Equal(t, 200, head.Status)
			require.Equal(t, fmt.Sprint(len(body)), head.Header.Get("Content-Length"))
			got := getBlob(t, e, digest)
			require.Equal(t, 200, got.Status)
			require.Equal(t, body, got.Body)
		}
		e.RequireRefused(t, 400, "BLOB_UPLOAD_INVALID", "None of the provided layer digests match the calculated layer digest",
			"PUT", e.Begin(t)+"?digest="+sha512, "hullo")
	}, fakeecr.WithSpecRegistry())

	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		e.RequireRefused(t, 400, "BLOB_UPLOAD_INVALID", "None of the provided layer digests match the calculated layer digest",
			"PUT", e.Begin(t)+"?digest="+sha512, "hello")
	})
}

// An upload that is begun on one side goes on and ends on the other.
func TestUploadsOfTheAPIAndTheRegistryAreTheSame(t *testing.T) {
	part := strings.Repeat("0123456789", faces.MinPart/10+1)
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		f := faces.Direct(e.Registry)
		digest := faces.DigestOf([]byte(part + part + "end"))

		begun := f.BeginUpload(t, faces.App)
		_, err := f.SendPart(t, faces.App, begun, 0, []byte(part))
		require.NoError(t, err)
		require.Equal(t, 201, e.Do(t, "PATCH", faces.UploadsOf+*begun, part, ranged(len(part), len(part))...).Status)
		require.Equal(t, fmt.Sprintf("0-%d", 2*len(part)-1), e.Do(t, "GET", faces.UploadsOf+*begun, "").Header.Get("Range"))
		require.Equal(t, 201, e.Do(t, "PUT", faces.UploadsOf+*begun+"?digest="+digest, "end", ranged(2*len(part), 3)...).Status)
		require.Equal(t, types.LayerAvailabilityAvailable, availability(t, f, digest))

		faces.Create(t, e.Registry, "team/other")
		other := e.Do(t, "POST", "/v2/team/other/blobs/uploads/", "")
		path := e.Path(t, other)
		id := aws.String(path[strings.LastIndexByte(path, '/')+1:])
		require.Equal(t, 201, stream(t, e, "PATCH", path, strings.NewReader(part)).Status)
		_, err = f.SendPart(t, "team/other", id, len(part), []byte(part))
		require.NoError(t, err)
		require.Equal(t, 201, e.Do(t, "PATCH", path, "end", ranged(2*len(part), 3)...).Status)
		done, err := f.CompleteUpload(t, "team/other", id, digest)
		require.NoError(t, err)
		require.Equal(t, digest, *done.LayerDigest)
	})
}

// A template makes the repository of a push when the push begins.
func TestRegistryUploadCreatesTheRepository(t *testing.T) {
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		_, err := e.Registry.CreateRepositoryCreationTemplate(t.Context(), &ecr.CreateRepositoryCreationTemplateInput{
			Prefix: aws.String("team"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}, ImageTagMutability: types.ImageTagMutabilityImmutable,
		})
		require.NoError(t, err)
		e.RequireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'app' does not exist in the registry with id '123456789012'", "POST", "/v2/app/blobs/uploads/", "")
		require.Equal(t, 201, e.Do(t, "PUT", e.Begin(t)+"?digest="+faces.DigestOf([]byte("layer")), "layer").Status)
		out, err := e.Registry.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
		require.NoError(t, err)
		require.Len(t, out.Repositories, 1)
		require.Equal(t, types.ImageTagMutabilityImmutable, out.Repositories[0].ImageTagMutability)
	})
}

func TestRegistryBytesPerLayer(t *testing.T) {
	const exceeded = "The limit of 10 bytes per layer has been exceeded"
	faces.EachEndpoint(t, func(t *testing.T, e *faces.Endpoint) {
		faces.Create(t, e.Registry, faces.App)
		upload := e.Begin(t)
		e.RequireRefused(t, 403, "DENIED", exceeded, "PATCH", upload, "01234567890")
		got := stream(t, e, "PATCH", upload, endless)
		require.Equal(t, 403, got.Status)
		require.Contains(t, got.Body, exceeded)
		require.Equal(t, 201, e.Do(t, "PATCH", upload, "0123456789").Status)
	}, fakeecr.WithQuota(fakeecr.BytesPerLayer, 10))
}

// endless is a body that nobody should read to its end.
var endless = faces.ReaderFunc(func(p []byte) (int, error) { return len(p), nil })
