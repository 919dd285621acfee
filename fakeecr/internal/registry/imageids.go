package registry

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
)

const (
	digestPattern = "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+"
	tagPattern    = "[a-zA-Z0-9-_.]+"
)

// find is the image that an id stands for, or the failure that BatchGetImage and
// BatchDeleteImage answer for it. A tag that is not there is not found, whatever
// the digest beside it; a tag of another image does not match.
func (r *repository) find(id types.ImageIdentifier) (*image, *types.ImageFailure) {
	code, reason := types.ImageFailureCode(""), ""
	switch {
	case id.ImageDigest == nil && id.ImageTag == nil:
		code, reason = types.ImageFailureCodeMissingDigestAndTag, "Invalid request parameters: both tag and digest cannot be null"
	case id.ImageDigest != nil && !constraint.ValidDigest(*id.ImageDigest):
		code, reason = types.ImageFailureCodeInvalidImageDigest, "Invalid request parameters: image digest should satisfy the regex '"+digestPattern+"'"
	case id.ImageTag != nil && !constraint.ValidTag(*id.ImageTag):
		code, reason = types.ImageFailureCodeInvalidImageTag, "Invalid request parameters: image tag should satisfy the regex '"+tagPattern+"'"
	default:
		img, matches := r.lookup(id)
		switch {
		case img == nil:
			code, reason = types.ImageFailureCodeImageNotFound, "Requested image not found"
		case !matches:
			code, reason = types.ImageFailureCodeImageTagDoesNotMatchDigest, "Invalid request parameters: given tag does not map to the given digest"
		default:
			return img, nil
		}
	}
	return nil, imageFailure(id, code, reason)
}

// lookup is the image of a well-formed id. With a tag and a digest it is the
// tag's, and matches tells whether the digest is its own.
func (r *repository) lookup(id types.ImageIdentifier) (img *image, matches bool) {
	digest := aws.ToString(id.ImageDigest)
	if id.ImageTag != nil {
		holder, found := r.tagged.Get(*id.ImageTag)
		if !found {
			return nil, false
		}
		matches = digest == "" || digest == holder
		digest = holder
	}
	img, found := r.images.Get(digest)
	if !found {
		return nil, false
	}
	return img, matches || id.ImageTag == nil
}

func imageFailure(id types.ImageIdentifier, code types.ImageFailureCode, reason string) *types.ImageFailure {
	return &types.ImageFailure{FailureCode: code, FailureReason: aws.String(reason), ImageId: ptr(copyID(id))}
}

func copyID(id types.ImageIdentifier) types.ImageIdentifier {
	var same types.ImageIdentifier
	if id.ImageDigest != nil {
		same.ImageDigest = aws.String(*id.ImageDigest)
	}
	if id.ImageTag != nil {
		same.ImageTag = aws.String(*id.ImageTag)
	}
	return same
}

// one is the image that an operation on a single image is about. Unlike the
// batch operations it fails the call.
func (r *repository) one(id types.ImageIdentifier) (*image, error) {
	img, failure := r.find(id)
	if failure == nil {
		return img, nil
	}
	switch failure.FailureCode {
	case types.ImageFailureCodeMissingDigestAndTag:
		return nil, invalidParameter("imageId", "both tag and digest cannot be null")
	case types.ImageFailureCodeInvalidImageDigest:
		return nil, invalidParameter("imageDigest", fmt.Sprintf("must satisfy regular expression '%s'", digestPattern))
	case types.ImageFailureCodeInvalidImageTag:
		return nil, invalidParameter("imageTag", fmt.Sprintf("must satisfy regular expression '%s'", tagPattern))
	default:
		return nil, imageNotFound(r, id)
	}
}

// indexesOf is the indexes that refer to an image, as ECR lists them.
func (r *repository) indexesOf(img *image) []string { return linked(&r.parents, img.digest) }

func referencedByManifestList(id types.ImageIdentifier, indexes []string) *types.ImageFailure {
	return imageFailure(id, types.ImageFailureCodeImageReferencedByManifestList,
		"Requested image referenced by manifest list: ["+strings.Join(indexes, ", ")+"]")
}

// sameID tells whether two ids of one answer are the same entry.
func sameID(a, b types.ImageIdentifier) bool {
	return aws.ToString(a.ImageDigest) == aws.ToString(b.ImageDigest) && aws.ToString(a.ImageTag) == aws.ToString(b.ImageTag)
}

// addID adds an entry unless it is there.
func addID(ids []types.ImageIdentifier, id types.ImageIdentifier) []types.ImageIdentifier {
	if slices.ContainsFunc(ids, func(other types.ImageIdentifier) bool { return sameID(id, other) }) {
		return ids
	}
	return append(ids, id)
}

// everyTag is an image's tags in order, or nil once for an image without.
func everyTag(img *image) iter.Seq[*string] {
	return func(yield func(*string) bool) {
		if len(img.tags) == 0 {
			yield(nil)
		}
		for i := range img.tags {
			if !yield(&img.tags[i]) {
				return
			}
		}
	}
}

// everyID is an image's entries: one a tag, or the digest alone.
func everyID(img *image) []types.ImageIdentifier {
	ids := make([]types.ImageIdentifier, 0, max(1, len(img.tags)))
	for tag := range everyTag(img) {
		ids = append(ids, *imageID(img.digest, tag))
	}
	return ids
}
