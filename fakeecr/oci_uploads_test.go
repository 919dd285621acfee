package fakeecr_test

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
	"github.com/fakeecr/ecr/scenarios"
)

const (
	blobsOf     = "/v2/team/app/blobs/"
	uploadsOf   = blobsOf + "uploads/"
	noRepoOther = "The repository with name 'team/other' does not exist in the registry with id '123456789012'"
)

// begin opens an upload and answers the path that the endpoint gives it.
func (e *endpoint) begin(t *testing.T) string {
	t.Helper()
	got := e.do(t, "POST", uploadsOf, "")
	require.Equal(t, 202, got.status, got.body)
	return e.path(t, got)
}

// path is the path of an answer's Location, which is a URL of the endpoint.
func (e *endpoint) path(t *testing.T, r reply) string {
	t.Helper()
	path, ours := strings.CutPrefix(r.header.Get("Location"), e.origin)
	require.True(t, ours, r.header.Get("Location"))
	return path
}

// stream sends a body whose length nobody says, once the endpoint begins to read it.
func (e *endpoint) stream(t *testing.T, method, path string, body io.Reader) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, e.origin+path, struct{ io.Reader }{body})
	require.NoError(t, err)
	req.Header.Set("Authorization", e.authorization)
	req.Header.Set("Expect", "100-continue")
	response, err := e.client.Do(req)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return reply{response.StatusCode, response.Header, string(text)}
}

// layerOf is what a repository has under a digest, by the endpoint's redirection.
func (e *endpoint) layerOf(t *testing.T, digest string, headers ...string) reply {
	t.Helper()
	got := e.do(t, "GET", blobsOf+digest, "")
	require.Equal(t, 307, got.status, got.body)
	require.Equal(t, digest, got.header.Get("Docker-Content-Digest"))
	req, err := http.NewRequestWithContext(t.Context(), "GET", got.header.Get("Location"), nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	response, err := e.client.Do(req)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return reply{response.StatusCode, response.Header, string(content)}
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
			first = strings.Repeat(first, minPart/len(first)+1)
			told = len(first)
		}
		whole := first + last
		digest := digestOf([]byte(whole))
		finish := "?digest=" + url.QueryEscape(digest)
		for way, push := range map[string]func(t *testing.T, e *endpoint) reply{
			"one POST": func(t *testing.T, e *endpoint) reply {
				return e.do(t, "POST", uploadsOf+finish, whole)
			},
			"one POST of no known length": func(t *testing.T, e *endpoint) reply {
				return e.stream(t, "POST", uploadsOf+finish, strings.NewReader(whole))
			},
			"POST and PUT": func(t *testing.T, e *endpoint) reply {
				return e.do(t, "PUT", e.begin(t)+finish, whole)
			},
			"a POST with a digest alone": func(t *testing.T, e *endpoint) reply {
				got := e.do(t, "POST", uploadsOf+finish, "")
				require.Equal(t, 202, got.status)
				return e.do(t, "PUT", e.path(t, got)+finish, whole)
			},
			"a stream": func(t *testing.T, e *endpoint) reply {
				upload := e.begin(t)
				got := e.stream(t, "PATCH", upload, strings.NewReader(whole))
				require.Equal(t, m.patched, got.status)
				require.Equal(t, fmt.Sprintf("0-%d", len(whole)-1), got.header.Get("Range"))
				require.Equal(t, upload, e.path(t, got))
				return e.do(t, "PUT", upload+finish, "")
			},
			"chunks": func(t *testing.T, e *endpoint) reply {
				upload := e.begin(t)
				got := e.do(t, "PATCH", upload, first, ranged(0, len(first))...)
				require.Equal(t, m.patched, got.status)
				require.Equal(t, fmt.Sprintf("0-%d", len(first)-1), got.header.Get("Range"))
				got = e.do(t, "PATCH", upload, last, ranged(len(first), len(last))...)
				require.Equal(t, fmt.Sprintf("0-%d", told-1), got.header.Get("Range"))
				require.Equal(t, fmt.Sprintf("0-%d", told-1), e.do(t, "PATCH", upload, "").header.Get("Range"))
				require.Equal(t, fmt.Sprintf("0-%d", len(whole)-1), e.do(t, "GET", upload, "").header.Get("Range"))
				return e.do(t, "PUT", upload+finish, "")
			},
			"chunks without a range, as the specification appends them": func(t *testing.T, e *endpoint) reply {
				if mode == "ECR" {
					return e.do(t, "PUT", e.begin(t)+finish, whole)
				}
				upload := e.begin(t)
				require.Equal(t, m.patched, e.do(t, "PATCH", upload, first).status)
				return e.do(t, "PUT", upload+finish, last)
			},
			"chunks, the last with PUT": func(t *testing.T, e *endpoint) reply {
				upload := e.begin(t)
				require.Equal(t, m.patched, e.do(t, "PATCH", upload, first, ranged(0, len(first))...).status)
				return e.do(t, "PUT", upload+finish, last, ranged(len(first), len(last))...)
			},
		} {
			t.Run(mode+"/"+way, func(t *testing.T) {
				onAllEndpoints(t, func(t *testing.T, e *endpoint) {
					create(t, e.registry, app)
					for range 2 { // a layer that is there is pushed all the same
						got := push(t, e)
						require.Equal(t, 201, got.status, got.body)
						require.Equal(t, blobsOf+digest, e.path(t, got))
						require.Equal(t, digest, got.header.Get("Docker-Content-Digest"))
						require.Empty(t, got.header.Get("Content-Type"))
					}
					head := e.do(t, "HEAD", blobsOf+digest, "")
					require.Equal(t, 200, head.status)
					require.Equal(t, fmt.Sprint(len(whole)), head.header.Get("Content-Length"))
					require.Equal(t, digest, head.header.Get("Docker-Content-Digest"))
					require.Equal(t, types.LayerAvailabilityAvailable, direct(e.registry).availability(t, digest))

					e.registry.MustPush(app+":v1", imageOf([]byte("{}"), []byte(whole)))
					got := e.layerOf(t, digest)
					require.Equal(t, 200, got.status)
					require.True(t, whole == got.body)
				}, m.options...)
			})
		}
	}
}

// The answers of an upload, header by header.
func TestRegistryUploadAnswers(t *testing.T) {
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			onAllEndpoints(t, func(t *testing.T, e *endpoint) {
				create(t, e.registry, app)
				about := func(status int, path, received string) reply {
					want := reply{status: status, header: http.Header{
						"Docker-Distribution-Api-Version": {"registry/2.0"}, "Location": {e.origin + path}, "Range": {received},
					}}
					if status != 204 {
						want.header.Set("Content-Length", "0")
					}
					return want
				}
				same := func(want, got reply) {
					t.Helper()
					if want.status == 204 {
						got.header.Del("Content-Length") // which HTTP has none of
					}
					require.Equal(t, want, undated(got))
				}
				opened := e.do(t, "POST", uploadsOf, "")
				upload := e.path(t, opened)
				require.Regexp(t, "^"+uploadsOf+"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$", upload)
				same(about(202, upload, "0-0"), opened)
				same(about(204, upload, "0-0"), e.do(t, "GET", upload, ""))
				same(about(m.patched, upload, "0-0"), e.do(t, "PATCH", upload, ""))
				same(about(m.patched, upload, "0-4"), e.do(t, "PATCH", upload, "layer"))
				same(about(204, upload, "0-4"), e.do(t, "GET", upload, ""))
				same(about(m.patched, upload, "0-4"), e.do(t, "PATCH", upload, ""))
				require.Equal(t, m.patched, e.stream(t, "PATCH", upload, strings.NewReader("")).status)
				same(about(204, upload, "0-4"), e.do(t, "GET", upload, ""))

				gone := e.do(t, "DELETE", upload, "")
				require.Equal(t, 204, gone.status)
				require.Empty(t, gone.body)
				unknown := fmt.Sprintf(uploadNotInApp, strings.TrimPrefix(upload, uploadsOf))
				for _, method := range []string{"GET", "DELETE", "PATCH", "PUT"} {
					e.requireRefused(t, 404, "BLOB_UPLOAD_UNKNOWN", unknown, method, upload+"?digest="+digestNotThere, "layer")
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
	right := "?digest=" + digestOf([]byte("layer"))
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			onAllEndpoints(t, func(t *testing.T, e *endpoint) {
				create(t, e.registry, app)
				e.requireRefused(t, 404, "NAME_UNKNOWN", noRepoOther, "POST", "/v2/team/other/blobs/uploads/", "")
				e.requireRefused(t, 404, "NAME_UNKNOWN", noRepoOther, "POST", "/v2/team/other/blobs/uploads/"+right, "layer")
				for _, id := range []string{noUpload, "upload", noUpload + "0"} {
					for _, method := range []string{"GET", "DELETE", "PATCH", "PUT"} {
						e.requireRefused(t, 404, "BLOB_UPLOAD_UNKNOWN", fmt.Sprintf(uploadNotInApp, id), method, uploadsOf+id+right, "layer")
					}
				}
				e.requireRefused(t, 404, "NAME_UNKNOWN", noRepoOther, "PATCH", "/v2/team/other/blobs/uploads/"+noUpload, "layer")

				upload := e.begin(t)
				id := strings.TrimPrefix(upload, uploadsOf)
				e.requireRefused(t, 400, "DIGEST_INVALID", "Invalid digest ''", "PUT", upload, "layer")
				e.requireRefused(t, 400, "DIGEST_INVALID", "Invalid digest 'sha256'", "PUT", upload+"?digest=sha256", "layer")
				e.requireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 1, 0), "PATCH", upload, "layer", "Content-Range", "1-5")
				if mode == "ECR" {
					e.requireRefused(t, 400, "BLOB_UPLOAD_INVALID", fmt.Sprintf(empty, id), "PUT", upload+right, "")
				} else {
					e.requireRefused(t, 400, "BLOB_UPLOAD_INVALID", none, "PUT", upload+right, "")
				}

				require.Equal(t, m.patched, e.do(t, "PATCH", upload, "lay", "Content-Range", "0-2").status)
				e.requireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 0, 3), "PATCH", upload, "lay", "Content-Range", "0-2")
				e.requireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 2, 3), "PATCH", upload, "yer", "Content-Range", "2-4")
				e.requireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 4, 3), "PUT", upload+right, "r", "Content-Range", "4-4")
				e.requireRefused(t, 416, "BLOB_UPLOAD_INVALID", "Size of the layer part is 2 instead of 3", "PATCH", upload, "er", "Content-Range", "3-5")
				e.requireRefused(t, 416, "BLOB_UPLOAD_INVALID", "Size of the layer part is 0", "PATCH", upload, "", "Content-Range", "3-4")
				if mode == "ECR" { // a body without a range begins at the layer's first byte
					e.requireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 0, 3), "PATCH", upload, "yer")
					e.requireRefused(t, 416, "BLOB_UPLOAD_INVALID", fmt.Sprintf(gap, 0, 3), "PUT", upload+right, "er")
					got := e.stream(t, "PUT", upload+right, strings.NewReader("er"))
					require.Equal(t, 416, got.status)
					require.Contains(t, got.body, fmt.Sprintf(gap, 0, 3))
				}
				for _, odd := range []string{"bytes=3-4", "bytes 3-4/5", "3", "-4", "3-", "4-3-4", "a-b", "-1-4", "3-9223372036854775808"} {
					e.requireRefused(t, 400, "BLOB_UPLOAD_INVALID", "Content-Range '"+odd+"' is not of the form FIRST-LAST", "PATCH", upload, "er", "Content-Range", odd)
				}
				e.requireRefused(t, 400, "BLOB_UPLOAD_INVALID", none, "PUT", upload+"?digest="+digestNotThere, "")
				got := e.do(t, "PUT", upload+right, "er", "Content-Range", "3-4")
				if mode == "ECR" {
					require.Equal(t, 400, got.status)
					require.Contains(t, got.body, small)
				} else {
					require.Equal(t, 201, got.status, "what was refused changed nothing")
				}
				uploads := len(e.registry.Trace().For(scenarios.CancelLayerUpload))
				e.requireRefused(t, 400, "BLOB_UPLOAD_INVALID", none, "POST", uploadsOf+"?digest="+digestNotThere, "layer")
				require.Len(t, e.registry.Trace().For(scenarios.CancelLayerUpload), uploads+1, "nobody could go on with it")
			}, m.options...)
		})
	}
}

// An empty layer is none to ECR, and one like any other to the specification, which
// knows other digests too.
func TestRegistryLayersOfTheSpecificationAlone(t *testing.T) {
	const ofNothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	sha512 := "sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043"
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		for _, body := range []string{"", "hello"} {
			digest := ofNothing
			if body != "" {
				digest = sha512
			}
			require.Equal(t, 201, e.do(t, "PUT", e.begin(t)+"?digest="+digest, body).status, digest)
			require.Equal(t, 201, e.do(t, "PUT", e.begin(t)+"?digest="+digest, body).status, "again")
			head := e.do(t, "HEAD", blobsOf+digest, "")
			require.Equal(t, 200, head.status)
			require.Equal(t, fmt.Sprint(len(body)), head.header.Get("Content-Length"))
			got := e.layerOf(t, digest)
			require.Equal(t, 200, got.status)
			require.Equal(t, body, got.body)
		}
		e.requireRefused(t, 400, "BLOB_UPLOAD_INVALID", "None of the provided layer digests match the calculated layer digest",
			"PUT", e.begin(t)+"?digest="+sha512, "hullo")
	}, fakeecr.WithSpecRegistry())

	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		e.requireRefused(t, 400, "BLOB_UPLOAD_INVALID", "None of the provided layer digests match the calculated layer digest",
			"PUT", e.begin(t)+"?digest="+sha512, "hello")
	})
}

// An upload that is begun on one side goes on and ends on the other.
func TestUploadsOfTheAPIAndTheRegistryAreTheSame(t *testing.T) {
	part := strings.Repeat("0123456789", minPart/10+1)
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		f := direct(e.registry)
		digest := digestOf([]byte(part + part + "end"))

		begun := f.beginUpload(t, app)
		_, err := f.sendPart(t, app, begun, 0, []byte(part))
		require.NoError(t, err)
		require.Equal(t, 201, e.do(t, "PATCH", uploadsOf+*begun, part, ranged(len(part), len(part))...).status)
		require.Equal(t, fmt.Sprintf("0-%d", 2*len(part)-1), e.do(t, "GET", uploadsOf+*begun, "").header.Get("Range"))
		require.Equal(t, 201, e.do(t, "PUT", uploadsOf+*begun+"?digest="+digest, "end", ranged(2*len(part), 3)...).status)
		require.Equal(t, types.LayerAvailabilityAvailable, f.availability(t, digest))

		create(t, e.registry, "team/other")
		other := e.do(t, "POST", "/v2/team/other/blobs/uploads/", "")
		path := e.path(t, other)
		id := aws.String(path[strings.LastIndexByte(path, '/')+1:])
		require.Equal(t, 201, e.stream(t, "PATCH", path, strings.NewReader(part)).status)
		_, err = f.sendPart(t, "team/other", id, len(part), []byte(part))
		require.NoError(t, err)
		require.Equal(t, 201, e.do(t, "PATCH", path, "end", ranged(2*len(part), 3)...).status)
		done, err := f.completeUpload(t, "team/other", id, digest)
		require.NoError(t, err)
		require.Equal(t, digest, *done.LayerDigest)
	})
}

// A template makes the repository of a push when the push begins.
func TestRegistryUploadCreatesTheRepository(t *testing.T) {
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		_, err := e.registry.CreateRepositoryCreationTemplate(t.Context(), &ecr.CreateRepositoryCreationTemplateInput{
			Prefix: aws.String("team"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}, ImageTagMutability: types.ImageTagMutabilityImmutable,
		})
		require.NoError(t, err)
		e.requireRefused(t, 404, "NAME_UNKNOWN", "The repository with name 'app' does not exist in the registry with id '123456789012'", "POST", "/v2/app/blobs/uploads/", "")
		require.Equal(t, 201, e.do(t, "PUT", e.begin(t)+"?digest="+digestOf([]byte("layer")), "layer").status)
		out, err := e.registry.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
		require.NoError(t, err)
		require.Len(t, out.Repositories, 1)
		require.Equal(t, types.ImageTagMutabilityImmutable, out.Repositories[0].ImageTagMutability)
	})
}

func TestRegistryBytesPerLayer(t *testing.T) {
	const exceeded = "The limit of 10 bytes per layer has been exceeded"
	onAllEndpoints(t, func(t *testing.T, e *endpoint) {
		create(t, e.registry, app)
		upload := e.begin(t)
		e.requireRefused(t, 403, "DENIED", exceeded, "PATCH", upload, "01234567890")
		got := e.stream(t, "PATCH", upload, endless)
		require.Equal(t, 403, got.status)
		require.Contains(t, got.body, exceeded)
		require.Equal(t, 201, e.do(t, "PATCH", upload, "0123456789").status)
	}, fakeecr.WithQuota(fakeecr.BytesPerLayer, 10))
}

// endless is a body that nobody should read to its end.
var endless = readerFunc(func(p []byte) (int, error) { return len(p), nil })
