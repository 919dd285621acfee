package scenarios

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Pseudo-operations: what is no operation of the API, but is played and recorded
// as one.
const (
	// GetEndpoint is a request of /v2/, by which clients of the registry endpoint see
	// that it is there and that it takes their token: docker login, and the health
	// checks of many, consist of it. It needs no permission. Rules meet it before it is
	// refused for want of a token, which stands in the trace.
	GetEndpoint = "GetEndpoint"
	// DownloadLayer is a GET of the URL that GetDownloadUrlForLayer gives. What answers
	// there is S3: throttled it says 503 SlowDown, and for a ServerException 500
	// InternalError.
	DownloadLayer = "DownloadLayer"
	// MountLayer is a push to the registry endpoint that asks for a layer of another
	// repository in place of an upload. Where the layer cannot be mounted, and the
	// error says why, an InitiateLayerUpload follows.
	MountLayer = "MountLayer"
	// GetLayerUpload asks the registry endpoint how much an upload has received, and
	// CancelLayerUpload ends it.
	GetLayerUpload    = "GetLayerUpload"
	CancelLayerUpload = "CancelLayerUpload"
	// DeleteLayer removes a layer by the registry endpoint that follows the OCI
	// distribution spec. ECR removes none.
	DeleteLayer = "DeleteLayer"
	// CompleteScan is the end of a basic scan. One that fails has the status FAILED
	// with the error's text, or LIMIT_EXCEEDED if the error is a
	// *types.LimitExceededException.
	CompleteScan = "CompleteScan"
	// CompleteLifecyclePolicyPreview is the end of a preview. One that fails has the
	// status FAILED.
	CompleteLifecyclePolicyPreview = "CompleteLifecyclePolicyPreview"
	// RunLifecyclePolicy is a daily run of a repository's policy; its output is a
	// [RunLifecyclePolicyOutput]. One that fails does nothing, and the next is on
	// the next day. Runs that would find nothing to do, because no image has changed
	// and none has come of age, are left out: no rule meets them.
	RunLifecyclePolicy = "RunLifecyclePolicy"
	// ReceiveReplica is the arrival of an image in the registry that it is replicated
	// to, whose account and region are the call's. One that fails has the status
	// FAILED with the error's code, and so has its result of a backfill.
	ReceiveReplica = "ReceiveReplica"
	// ActivateImage is the return of an image from the archive. One that fails leaves
	// the image there.
	ActivateImage = "ActivateImage"
	// SignImage is the making of a signature after a push. One that fails has the
	// status FAILED with the error's code and message.
	SignImage = "SignImage"
	// PullFromUpstream is one look at the upstream registry of a pull-through cache
	// rule: for a manifest, a layer or the referrers of an image. It is part of the
	// call that pulls, which waits for it. Its failure is upstream's: an
	// AccessDeniedException or a throttled call becomes UpstreamAccessDenied or
	// UpstreamTooManyRequests, most others UpstreamUnavailable.
	PullFromUpstream = "PullFromUpstream"
)

// GetEndpointInput says whose endpoint a [GetEndpoint] asks for.
type GetEndpointInput struct {
	RegistryId *string
}

// DownloadLayerInput is what a call of [DownloadLayer] asks for.
type DownloadLayerInput struct {
	RegistryId     *string
	RepositoryName *string
	LayerDigest    *string
	// Range is the request's Range header, nil for the whole layer.
	Range *string
}

// MountLayerInput is what a call of [MountLayer] asks for: a layer of the source,
// which is in the same registry, for the repository.
type MountLayerInput struct {
	RegistryId           *string
	RepositoryName       *string
	LayerDigest          *string
	SourceRepositoryName *string
}

// GetLayerUploadInput says which upload a [GetLayerUpload] is about.
type GetLayerUploadInput struct {
	RegistryId     *string
	RepositoryName *string
	UploadId       *string
}

// CancelLayerUploadInput says which upload a [CancelLayerUpload] ends.
type CancelLayerUploadInput struct {
	RegistryId     *string
	RepositoryName *string
	UploadId       *string
}

// DeleteLayerInput says which layer a [DeleteLayer] removes.
type DeleteLayerInput struct {
	RegistryId     *string
	RepositoryName *string
	LayerDigest    *string
}

// CompleteScanInput says which scan a [CompleteScan] ends.
type CompleteScanInput struct {
	RegistryId     *string
	RepositoryName *string
	ImageDigest    *string
	// ImageTags are those that the image has now.
	ImageTags []string
}

// CompleteLifecyclePolicyPreviewInput says whose preview ends.
type CompleteLifecyclePolicyPreviewInput struct {
	RegistryId     *string
	RepositoryName *string
}

// RunLifecyclePolicyInput says whose policy runs.
type RunLifecyclePolicyInput struct {
	RegistryId     *string
	RepositoryName *string
}

// RunLifecyclePolicyOutput is what a run did.
type RunLifecyclePolicyOutput struct {
	// Images are those that it expired or archived, with the priority of the rule
	// that did it, in the order in which they went.
	Images []types.LifecyclePolicyPreviewResult
}

// String is the output in a few words, "" where nothing was done.
func (o *RunLifecyclePolicyOutput) String() string {
	var words []string
	for i, img := range o.Images {
		if i == fewWords {
			words = append(words, fmt.Sprintf("and %d more", len(o.Images)-fewWords))
			break
		}
		did, which := "expired", *img.ImageDigest
		if img.Action.Type == types.ImageActionTypeTransition {
			did = "archived"
		}
		if len(img.ImageTags) > 0 {
			which = fmt.Sprint(img.ImageTags)
		}
		words = append(words, fmt.Sprintf("rule %d %s %s", *img.AppliedRulePriority, did, which))
	}
	return strings.Join(words, ", ")
}

// ReceiveReplicaInput says which image arrives, and from where.
type ReceiveReplicaInput struct {
	RegistryId     *string
	RepositoryName *string
	ImageDigest    *string
	// ImageTag is the tag that it arrives with, nil without one.
	ImageTag *string
	// SourceRegistryId and SourceRegion are the registry that it comes from.
	SourceRegistryId *string
	SourceRegion     *string
}

// ActivateImageInput says which image comes back from the archive.
type ActivateImageInput struct {
	RegistryId     *string
	RepositoryName *string
	ImageDigest    *string
	// ImageTags are those that the image has now.
	ImageTags []string
}

// SignImageInput says which image is signed, and with which profile.
type SignImageInput struct {
	RegistryId     *string
	RepositoryName *string
	ImageDigest    *string
	// ImageTags are those that the image has now.
	ImageTags         []string
	SigningProfileArn *string
}

// PullFromUpstreamInput says what upstream is asked for: a manifest by its tag or
// digest, a layer or config, or what refers to an image.
type PullFromUpstreamInput struct {
	RegistryId     *string
	RepositoryName *string
	// UpstreamRegistryUrl and UpstreamRepositoryName are where it is asked for.
	UpstreamRegistryUrl    *string
	UpstreamRepositoryName *string
	ImageTag               *string
	ImageDigest            *string
	LayerDigest            *string
	SubjectId              *types.SubjectIdentifier
}

// aboutWorld is [Call.About] for what the world does by itself.
func (c Call) aboutWorld() string {
	switch in := c.Input.(type) {
	case *CompleteScanInput:
		return few(in.ImageDigest)
	case *ReceiveReplicaInput:
		to := "in " + c.Region
		if in.SourceRegistryId != nil && *in.SourceRegistryId != c.Account {
			to += " of " + c.Account
		}
		return few(in.ImageTag, in.ImageDigest, &to)
	case *ActivateImageInput:
		return few(in.ImageDigest)
	case *SignImageInput:
		return few(in.ImageDigest, in.SigningProfileArn)
	case *PullFromUpstreamInput:
		switch {
		case in.LayerDigest != nil:
			return few(in.UpstreamRegistryUrl, in.LayerDigest)
		case in.SubjectId != nil:
			referrers := "referrers of"
			return few(in.UpstreamRegistryUrl, &referrers, in.SubjectId.ImageDigest)
		}
		return few(in.UpstreamRegistryUrl, in.ImageTag, in.ImageDigest)
	}
	return ""
}
