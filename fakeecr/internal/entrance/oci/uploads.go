package oci

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// startUpload opens an upload, unless the layer can be mounted from another
// repository or comes with the request, whole.
func startUpload(r *request) (*exchange.Answer, error) {
	query := r.URL.Query()
	if digest, from := query.Get("mount"), query.Get("from"); digest != "" && from != "" {
		if mounted, err := r.mount(digest, from); mounted || err != nil {
			return r.created(digest), err
		}
	}
	out, err := do[ecr.InitiateLayerUploadOutput](r, r.newCall("InitiateLayerUpload", &ecr.InitiateLayerUploadInput{
		RegistryId:     &r.registry.Account,
		RepositoryName: &r.repository,
	}))
	if err != nil {
		return nil, err
	}
	r.reference = aws.ToString(out.UploadId)
	if !query.Has("digest") || !r.hasBody() {
		return r.uploading(http.StatusAccepted, 0), nil
	}
	answer, err := finishUpload(r)
	if err != nil {
		r.cancel() // nobody else knows of it
	}
	return answer, err
}

// mount asks for a layer of another repository. That it cannot be had is no error.
func (r *request) mount(digest, from string) (mounted bool, err error) {
	call := r.newCall(scenarios.MountLayer, &scenarios.MountLayerInput{
		RegistryId:           &r.registry.Account,
		RepositoryName:       &r.repository,
		LayerDigest:          &digest,
		SourceRepositoryName: &from,
	})
	err = r.Stage.Mount(r.Context(), call)
	if errors.Is(err, registry.ErrNotMountable) {
		return false, nil
	}
	return err == nil, err
}

// patchUpload takes the next chunk of a layer, or all of it.
func patchUpload(r *request) (*exchange.Answer, error) {
	size, err := r.receive()
	if err != nil {
		return nil, err
	}
	status := http.StatusCreated
	if r.Spec {
		status = http.StatusAccepted
	}
	return r.uploading(status, size), nil
}

// finishUpload makes the layer, of what the request brings as well. A layer that
// is there already is as good as a new one.
func finishUpload(r *request) (*exchange.Answer, error) {
	digest := r.URL.Query().Get("digest")
	if !constraint.ValidDigest(digest) {
		return nil, digestInvalid(digest)
	}
	if r.hasBody() {
		if _, err := r.receive(); err != nil {
			return nil, err
		}
	}
	if err := r.knowsUpload(); err != nil {
		return nil, err
	}
	_, err := do[ecr.CompleteLayerUploadOutput](r, r.newCall("CompleteLayerUpload", &ecr.CompleteLayerUploadInput{
		RegistryId:     &r.registry.Account,
		RepositoryName: &r.repository,
		UploadId:       &r.reference,
		LayerDigests:   []string{digest},
	}))
	if err != nil {
		if there := new(types.LayerAlreadyExistsException); !errors.As(err, &there) {
			return nil, err
		}
	}
	return r.created(digest), nil
}

func (r *request) hasBody() bool { return r.ContentLength != 0 && r.Body != http.NoBody }

// receive takes the body as the next part of the upload, and answers how many
// bytes there are then. ECR answers those of the first part, however many came
// since.
func (r *request) receive() (size int64, err error) {
	if err := r.knowsUpload(); err != nil {
		return 0, err
	}
	in := &ecr.UploadLayerPartInput{RegistryId: &r.registry.Account, RepositoryName: &r.repository, UploadId: &r.reference}
	if header := r.Header.Get("Content-Range"); header != "" {
		first, last, ok := contentRange(header)
		if !ok {
			return 0, rangeInvalid(header)
		}
		in.PartFirstByte, in.PartLastByte = &first, &last
	}
	call := r.newCall("UploadLayerPart", in)
	answer, err := r.Stage.UploadPart(r.Context(), call, r.Body, r.ContentLength)
	out, err := answered[ecr.UploadLayerPartOutput](answer, err)
	switch {
	case errors.Is(err, registry.ErrBrokenOff):
		return 0, uploadInvalid(err)
	case err != nil:
		return 0, err
	case !r.Spec && call.Tx.FirstPart > 0:
		return call.Tx.FirstPart, nil
	}
	return aws.ToInt64(out.LastByteReceived) + 1, nil
}

// contentRange reads the range of a chunk, which is written without a unit.
func contentRange(header string) (first, last int64, ok bool) {
	from, to, _ := strings.Cut(header, "-")
	begin, err := strconv.ParseUint(from, 10, 63)
	end, err2 := strconv.ParseUint(to, 10, 63)
	return int64(begin), int64(end), err == nil && err2 == nil
}

// statUpload answers how many bytes an upload has.
func statUpload(r *request) (*exchange.Answer, error) {
	if err := r.knowsUpload(); err != nil {
		return nil, err
	}
	call := r.newCall(scenarios.GetLayerUpload, &scenarios.GetLayerUploadInput{
		RegistryId: &r.registry.Account, RepositoryName: &r.repository, UploadId: &r.reference,
	})
	size, err := r.Stage.UploadSize(r.Context(), call)
	if err != nil {
		return nil, err
	}
	return r.uploading(http.StatusNoContent, size), nil
}

// cancelUpload ends an upload.
func cancelUpload(r *request) (*exchange.Answer, error) {
	if err := r.knowsUpload(); err != nil {
		return nil, err
	}
	return empty(http.StatusNoContent), r.cancel()
}

func (r *request) cancel() error {
	call := r.newCall(scenarios.CancelLayerUpload, &scenarios.CancelLayerUploadInput{
		RegistryId: &r.registry.Account, RepositoryName: &r.repository, UploadId: &r.reference,
	})
	err := r.Stage.Cancel(r.Context(), call)
	return err
}

// knowsUpload refuses what is no id of an upload, in words other than the API's.
func (r *request) knowsUpload() error {
	if !constraint.ValidUploadID(r.reference) {
		return uploadUnknown(r)
	}
	return nil
}

// uploading is the answer about an upload that has so many bytes. That an empty
// one has the first is how registries say it.
func (r *request) uploading(status int, size int64) *exchange.Answer {
	answer := empty(status)
	answer.Header.Set("Location", r.at(root+r.repository+"/blobs/uploads/"+r.reference, nil))
	answer.Header.Set("Range", "0-"+strconv.FormatInt(max(size-1, 0), 10))
	return answer
}

// created is the answer about a layer that is in the repository now.
func (r *request) created(digest string) *exchange.Answer {
	answer := empty(http.StatusCreated)
	answer.Header.Set("Location", r.blobURL(digest))
	answer.Header.Set("Docker-Content-Digest", digest)
	return answer
}
