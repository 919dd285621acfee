package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Neighbour is a registry of the stage that another one pulls from.
type Neighbour struct {
	stage  *Stage
	caller Caller
	// account is whose registry it is, nil for that of the caller.
	account *string
	// unseen pulls are not played on and not traced.
	unseen bool
}

// AsUpstream is the caller's registry as an upstream. Pulls are calls to it.
func (s *Stage) AsUpstream(caller Caller) Neighbour { return Neighbour{stage: s, caller: caller} }

func do[Out any](ctx context.Context, n Neighbour, name string, in any) (*Out, error) {
	call := n.stage.NewCall(name, n.caller, scenarios.FaceGo)
	call.Input = in
	call.Tx.Downloads = n.stage.Origin()
	prepare(call)
	handler := n.stage.calls
	if n.unseen {
		handler = n.stage.imports
	}
	out, err := handler(ctx, call)
	if err := n.stage.deliver(ctx, call, err); err != nil {
		return nil, upstreamError(err)
	}
	return out.(*Out), nil
}

// Manifest is the manifest that a repository has under a tag or a digest.
func (n Neighbour) Manifest(ctx context.Context, repository, reference string) (string, []byte, error) {
	id := types.ImageIdentifier{ImageTag: &reference}
	if strings.Contains(reference, ":") {
		id = types.ImageIdentifier{ImageDigest: &reference}
	}
	out, err := do[ecr.BatchGetImageOutput](ctx, n, "BatchGetImage", &ecr.BatchGetImageInput{
		RegistryId: n.account, RepositoryName: &repository, ImageIds: []types.ImageIdentifier{id},
	})
	switch {
	case err != nil:
		return "", nil, err
	case len(out.Images) > 0:
		return *out.Images[0].ImageManifestMediaType, []byte(*out.Images[0].ImageManifest), nil
	case out.Failures[0].FailureCode == types.ImageFailureCodeImageNotFound:
		return "", nil, registry.ErrUpstreamNotFound
	default:
		return "", nil, fmt.Errorf("%w: %s", registry.ErrUpstreamUnavailable, *out.Failures[0].FailureReason)
	}
}

// Blob opens the config or layer that a repository has under a digest.
func (n Neighbour) Blob(ctx context.Context, repository, digest string) (io.ReadCloser, error) {
	out, err := do[ecr.GetDownloadUrlForLayerOutput](ctx, n, "GetDownloadUrlForLayer", &ecr.GetDownloadUrlForLayerInput{
		RegistryId: n.account, RepositoryName: &repository, LayerDigest: &digest,
	})
	if err != nil {
		return nil, err
	}
	from, err := url.Parse(*out.DownloadUrl)
	if err != nil {
		return nil, err
	}
	content, err := n.download(ctx, from)
	if err != nil {
		return nil, upstreamError(err)
	}
	return io.NopCloser(content), nil
}

func (n Neighbour) download(ctx context.Context, from *url.URL) (*registry.Download, error) {
	place, in, err := registry.ParseDownload(from.Path)
	if err != nil {
		return nil, err
	}
	call := n.stage.NewCall(scenarios.DownloadLayer, Own(place), scenarios.FaceGo)
	call.Input = in
	if n.unseen {
		prepareDownload(call, from)
		return downloaded(call.Run(ctx, call))
	}
	content, err := n.stage.Download(ctx, call, from)
	return content, n.stage.deliver(ctx, call, err)
}

// Referrers answers the digests of the manifests in a repository whose subject is
// the manifest of a digest.
func (n Neighbour) Referrers(ctx context.Context, repository, digest string) (digests []string, err error) {
	in := &ecr.ListImageReferrersInput{
		RegistryId: n.account, RepositoryName: &repository, SubjectId: &types.SubjectIdentifier{ImageDigest: &digest},
	}
	for {
		out, err := do[ecr.ListImageReferrersOutput](ctx, n, "ListImageReferrers", in)
		if err != nil {
			return nil, err
		}
		for _, referrer := range out.Referrers {
			digests = append(digests, *referrer.Digest)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return digests, nil
		}
	}
}

// upstreamError is what a refusal by ECR means to the registry that pulls.
func upstreamError(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.ErrorCode() {
	case "RepositoryNotFoundException", "LayersNotFoundException", "LayerInaccessibleException":
		return fmt.Errorf("%w: %s", registry.ErrUpstreamNotFound, api.ErrorMessage())
	case "AccessDeniedException":
		return fmt.Errorf("%w: %s", registry.ErrUpstreamAccessDenied, api.ErrorMessage())
	case "ThrottlingException", "TooManyRequestsException":
		return fmt.Errorf("%w: %s", registry.ErrUpstreamTooManyRequests, api.ErrorMessage())
	default:
		return err
	}
}
