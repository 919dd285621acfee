package registry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
)

// defaultReferrers is the size of a page when the caller does not choose one.
const defaultReferrers = 20

// ListImageReferrers answers a page of the images whose manifests have a subject,
// by digest, here or upstream. A subject that is not there has those that came
// before it or that it left behind, or none.
func (tx *Tx) ListImageReferrers(ctx context.Context, in *ecr.ListImageReferrersInput) (*ecr.ListImageReferrersOutput, error) {
	if _, err := tx.repository(in.RegistryId, in.RepositoryName); err != nil {
		return nil, err
	}
	subject := *in.SubjectId.ImageDigest
	if !constraint.ValidDigest(subject) {
		return nil, invalidParameter("imageDigest", fmt.Sprintf("must satisfy regular expression '%s'", digestPattern))
	}
	if err := tx.pullReferrers(ctx, in); err != nil {
		return nil, err
	}
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	p, err := tx.newPage("ListImageReferrers", link(repo.arn, subject), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	if in.MaxResults == nil {
		p.limit = defaultReferrers
	}
	out := &ecr.ListImageReferrersOutput{Referrers: []types.ImageReferrer{}}
	for key := range repo.referrers.From(link(subject, p.start)) {
		digest, found := strings.CutPrefix(key, link(subject, ""))
		if !found {
			break
		}
		img, _ := repo.images.Get(digest)
		if !acceptsReferrer(in.Filter, img) {
			continue
		}
		if p.full(len(out.Referrers)) {
			out.NextToken = p.next()
			break
		}
		out.Referrers = append(out.Referrers, referrerOutput(img))
		p.last = digest
	}
	return out, nil
}

// acceptsReferrer chooses active referrers, unless the filter says otherwise.
func acceptsReferrer(filter *types.ListImageReferrersFilter, img *image) bool {
	if filter == nil {
		filter = &types.ListImageReferrersFilter{}
	}
	status := cmp.Or(filter.ArtifactStatus, types.ArtifactStatusFilterActive)
	return (status == types.ArtifactStatusFilterAny || string(status) == string(img.status())) &&
		(len(filter.ArtifactTypes) == 0 || slices.Contains(filter.ArtifactTypes, img.artifactType))
}

// referrerOutput describes an image as an OCI descriptor does: the size is that
// of the manifest.
func referrerOutput(img *image) types.ImageReferrer {
	referrer := types.ImageReferrer{
		Annotations:    maps.Clone(img.annotations),
		ArtifactStatus: types.ArtifactStatus(img.status()),
		Digest:         aws.String(img.digest),
		MediaType:      aws.String(img.mediaType),
		Size:           aws.Int64(int64(len(img.manifest))),
	}
	if img.artifactType != "" {
		referrer.ArtifactType = aws.String(img.artifactType)
	}
	return referrer
}
