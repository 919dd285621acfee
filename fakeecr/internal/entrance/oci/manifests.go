package oci

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
)

// maxManifest is how many bytes a manifest may have.
const maxManifest = 4 << 20

// getManifest answers the bytes that were pushed, and converts nothing for those
// who accept another type. ECR tells the digest to HEAD alone.
func getManifest(r *request) (*exchange.Answer, error) {
	out, err := do[ecr.BatchGetImageOutput](r, r.newCall("BatchGetImage", &ecr.BatchGetImageInput{
		RegistryId:         &r.registry.Account,
		RepositoryName:     &r.repository,
		ImageIds:           []types.ImageIdentifier{r.imageID()},
		AcceptedMediaTypes: r.accepted(),
	}))
	switch {
	case err != nil:
		return nil, r.orNoTag(err)
	case len(out.Images) == 0:
		return nil, r.orNoTag(imageRefused(out.Failures))
	}
	image := out.Images[0]
	answer := exchange.New(http.StatusOK, aws.ToString(image.ImageManifestMediaType), []byte(aws.ToString(image.ImageManifest)))
	if id := image.ImageId; id != nil && (r.Method == http.MethodHead || r.Spec) {
		answer.Header.Set("Docker-Content-Digest", aws.ToString(id.ImageDigest))
	}
	return answer, nil
}

// putManifest stores a manifest under its digest and, if the path names one, a
// tag. The spec allows more tags beside a digest. An image that is there already is
// as good as one that was put.
func putManifest(r *request) (*exchange.Answer, error) {
	text, err := r.manifest()
	if err != nil {
		return nil, err
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	id, digest := r.imageID(), manifest.Digest(text)
	if id.ImageDigest != nil {
		digest = *id.ImageDigest // of which PutImage has seen that it is the manifest's
	}
	ids := []types.ImageIdentifier{id}
	for i, tag := range r.tags() {
		ids = append(ids[:i], types.ImageIdentifier{ImageDigest: id.ImageDigest, ImageTag: &tag})
	}
	for _, id := range ids {
		if r.Spec && id.ImageTag != nil && !isTag(*id.ImageTag) {
			return nil, tagUnfit(*id.ImageTag)
		}
	}
	for _, id := range ids {
		err := r.put(&ecr.PutImageInput{
			RegistryId:             &r.registry.Account,
			RepositoryName:         &r.repository,
			ImageManifest:          &text,
			ImageManifestMediaType: orNil(mediaType),
			ImageDigest:            id.ImageDigest,
			ImageTag:               id.ImageTag,
		})
		if err != nil {
			return nil, err
		}
	}
	answer := empty(http.StatusCreated)
	answer.Header.Set("Docker-Content-Digest", digest)
	if document, err := manifest.Parse(text, mediaType, manifest.Spec); err == nil && document.Subject != nil {
		answer.Header.Set("OCI-Subject", document.Subject.Digest)
	}
	if r.Spec {
		answer.Header.Set("Location", r.at(root+r.repository+"/manifests/"+digest, nil))
		for _, tag := range r.tags() {
			answer.Header.Add("OCI-Tag", tag)
		}
	}
	return answer, nil
}

// put carries out one PutImage.
func (r *request) put(in *ecr.PutImageInput) error {
	_, err := do[ecr.PutImageOutput](r, r.newCall("PutImage", in))
	var there *types.ImageAlreadyExistsException
	var missing *types.LayersNotFoundException
	var invalid *types.InvalidParameterException
	switch {
	case errors.As(err, &there):
		return nil
	case errors.As(err, &missing) && r.Spec:
		return &refusal{status: http.StatusBadRequest, code: "MANIFEST_BLOB_UNKNOWN", message: missing.ErrorMessage()}
	case errors.As(err, &missing):
		return &refusal{status: http.StatusNotFound, code: "BLOB_UPLOAD_UNKNOWN", message: missing.ErrorMessage()}
	case errors.As(err, &invalid) && r.Spec:
		return &refusal{status: http.StatusBadRequest, code: "MANIFEST_INVALID", message: invalid.ErrorMessage()}
	}
	return err
}

// manifest is the request's body.
func (r *request) manifest() (string, error) {
	var text strings.Builder
	read, err := io.Copy(&text, io.LimitReader(r.Body, maxManifest+1))
	switch {
	case err != nil:
		return "", manifestCut
	case read > maxManifest:
		return "", manifestTooLarge
	}
	return text.String(), nil
}

// tags are those that a request asks for beside a digest. ECR passes over them.
func (r *request) tags() []string {
	if !r.Spec || !isDigest(r.reference) {
		return nil
	}
	return r.URL.Query()["tag"]
}

// deleteManifest removes an image by its digest or a tag, with which an image goes
// that has no other.
func deleteManifest(r *request) (*exchange.Answer, error) {
	out, err := do[ecr.BatchDeleteImageOutput](r, r.newCall("BatchDeleteImage", &ecr.BatchDeleteImageInput{
		RegistryId:     &r.registry.Account,
		RepositoryName: &r.repository,
		ImageIds:       []types.ImageIdentifier{r.imageID()},
	}))
	switch {
	case err != nil:
		return nil, r.orNoTag(err)
	case len(out.Failures) > 0:
		return nil, r.orNoTag(imageRefused(out.Failures))
	}
	return empty(http.StatusAccepted), nil
}

// mostTag is how many characters a tag may have by the specification; ECR's API takes
// more.
const mostTag = 128

// isTag tells whether something is a tag by the specification, which takes less than
// ECR's API.
func isTag(tag string) bool {
	return len(tag) <= mostTag && constraint.ValidTag(tag) && tag[0] != '-' && tag[0] != '.'
}

// orNoTag is why there is no such image. Of a tag that is none, because it is too long
// or not as the specification wants it, that is the reason.
func (r *request) orNoTag(err error) error {
	var refused *refusal
	var invalid *types.InvalidParameterException
	missing := errors.As(err, &refused) && refused.code == "MANIFEST_UNKNOWN"
	unfit := !isDigest(r.reference) && (len(r.reference) > mostTag || r.Spec && !isTag(r.reference))
	if unfit && (missing || errors.As(err, &invalid)) {
		return tagInvalid(r.reference)
	}
	return err
}

// imageID is the image that the path names.
func (r *request) imageID() types.ImageIdentifier {
	if isDigest(r.reference) {
		return types.ImageIdentifier{ImageDigest: &r.reference}
	}
	return types.ImageIdentifier{ImageTag: &r.reference}
}

// mostAccepted is how many media types BatchGetImage takes.
const mostAccepted = 100

// accepted are the media types of manifests that the client accepts, nil for any.
func (r *request) accepted() []string {
	var accepted []string
	for _, header := range r.Header.Values("Accept") {
		for _, word := range strings.Split(header, ",") {
			mediaType, _, err := mime.ParseMediaType(word)
			if err == nil && !strings.Contains(mediaType, "*") && len(accepted) < mostAccepted {
				accepted = append(accepted, mediaType)
			}
		}
	}
	return accepted
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
