package registry

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// imageFilter chooses images for a list; its zero value takes all.
type imageFilter struct {
	tags   types.TagStatus
	status types.ImageStatusFilter
}

// listed has a list leave out what is in the archive or on its way back, unless it
// was asked for: "If not specified, only images with ACTIVE status are returned", as
// the SDK says of both lists.
func (f imageFilter) listed() imageFilter {
	f.status = cmp.Or(f.status, types.ImageStatusFilterActive)
	return f
}

func (f imageFilter) accepts(img *image) bool {
	if f.status != "" && f.status != types.ImageStatusFilterAny && string(f.status) != string(img.status()) {
		return false
	}
	switch f.tags {
	case types.TagStatusTagged:
		return len(img.tags) > 0
	case types.TagStatusUntagged:
		return len(img.tags) == 0
	default:
		return true
	}
}

// ListImages answers one entry for each tag of each active image and one for each
// of them without a tag.
func (tx *Tx) ListImages(_ context.Context, in *ecr.ListImagesInput) (*ecr.ListImagesOutput, error) {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	p, err := tx.newPage("ListImages", repo.arn, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	var filter imageFilter
	if in.Filter != nil {
		filter = imageFilter{in.Filter.TagStatus, in.Filter.ImageStatus}
	}
	filter = filter.listed()
	if tx.After != nil {
		return repo.listTags(p, filter), nil
	}
	// The texts of a page are one piece of memory, not one for each.
	room := p.most(repo.images.Len())
	out := &ecr.ListImagesOutput{ImageIds: make([]types.ImageIdentifier, 0, room)}
	texts := make([]string, 0, 2*room)
	text := func(s string) *string {
		texts = append(texts, s)
		return &texts[len(texts)-1]
	}
	var last types.ImageIdentifier
	// A page may end between two tags of one image.
	lastDigest, lastTag, _ := strings.Cut(p.last, "@")
	for digest, img := range repo.images.From(lastDigest) {
		if !filter.accepts(img) {
			continue
		}
		for tag := range everyTag(img) {
			if digest == lastDigest && aws.ToString(tag) <= lastTag {
				continue
			}
			if p.full(len(out.ImageIds)) {
				if len(out.ImageIds) > 0 {
					p.last = link(*last.ImageDigest, aws.ToString(last.ImageTag))
				}
				out.NextToken = p.next()
				return out, nil
			}
			last = types.ImageIdentifier{ImageDigest: text(digest)}
			if tag != nil {
				last.ImageTag = text(*tag)
			}
			out.ImageIds = append(out.ImageIds, last)
		}
	}
	return out, nil
}

// listTags is the tags in order, each with its image.
func (r *repository) listTags(p *pages, filter imageFilter) *ecr.ListImagesOutput {
	out := &ecr.ListImagesOutput{ImageIds: []types.ImageIdentifier{}}
	for tag, digest := range r.tagged.From(p.start) {
		if img, _ := r.images.Get(digest); !filter.accepts(img) {
			continue
		}
		if p.full(len(out.ImageIds)) {
			out.NextToken = p.next()
			break
		}
		out.ImageIds = append(out.ImageIds, *imageID(digest, &tag))
		p.last = tag
	}
	return out
}

// DescribeImages answers the images asked for, whatever their status, in that order,
// or a page of those that are active, by digest. One missing image fails the call.
func (tx *Tx) DescribeImages(_ context.Context, in *ecr.DescribeImagesInput) (*ecr.DescribeImagesOutput, error) {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	var filter imageFilter
	if in.Filter != nil {
		filter = imageFilter{in.Filter.TagStatus, in.Filter.ImageStatus}
	}
	if in.ImageIds != nil {
		if in.MaxResults != nil || in.NextToken != nil {
			return nil, invalidTogether(pagingMember(in.NextToken), "images with imageIds")
		}
		return repo.describe(in.ImageIds, filter)
	}
	p, err := tx.newPage("DescribeImages", repo.arn, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	filter = filter.listed()
	out := &ecr.DescribeImagesOutput{ImageDetails: make([]types.ImageDetail, 0, p.most(repo.images.Len()))}
	for digest, img := range repo.images.From(p.start) {
		if !filter.accepts(img) {
			continue
		}
		if p.full(len(out.ImageDetails)) {
			out.NextToken = p.next()
			break
		}
		out.ImageDetails = append(out.ImageDetails, repo.detail(img))
		p.last = digest
	}
	return out, nil
}

func (r *repository) describe(ids []types.ImageIdentifier, filter imageFilter) (*ecr.DescribeImagesOutput, error) {
	out := &ecr.DescribeImagesOutput{ImageDetails: make([]types.ImageDetail, 0, len(ids))}
	for _, id := range ids {
		img, err := r.one(id)
		if err != nil {
			return nil, err
		}
		there := func(detail types.ImageDetail) bool { return *detail.ImageDigest == img.digest }
		if filter.accepts(img) && !slices.ContainsFunc(out.ImageDetails, there) {
			out.ImageDetails = append(out.ImageDetails, r.detail(img))
		}
	}
	return out, nil
}

// detail is an image as DescribeImages shows it. An untagged image has no
// imageTags, not an empty list. Of scans it tells nothing: neither of enhanced
// ones nor of basic ones of today's version, AWS_NATIVE.
func (r *repository) detail(img *image) types.ImageDetail {
	// One allocation for what every image has: a page has a thousand of them.
	v := &struct {
		digest, mediaType, artifactMediaType, account, name string
		pushedAt                                            time.Time
		size                                                int64
		tag                                                 [1]string // most have one
	}{digest: img.digest, mediaType: img.mediaType, artifactMediaType: img.artifactMediaType, account: r.Account, name: r.name, pushedAt: img.pushedAt, size: img.size}
	detail := types.ImageDetail{
		ImageDigest:            &v.digest,
		ImageManifestMediaType: &v.mediaType,
		ImagePushedAt:          &v.pushedAt,
		ImageSizeInBytes:       &v.size,
		ImageStatus:            img.status(),
		RegistryId:             &v.account,
		RepositoryName:         &v.name,
	}
	if len(img.tags) > 0 {
		detail.ImageTags = append(v.tag[:0], img.tags...)
	}
	if img.artifactMediaType != "" {
		detail.ArtifactMediaType = &v.artifactMediaType
	}
	if img.subject != "" {
		detail.SubjectManifestDigest = aws.String(img.subject)
	}
	if !img.pulledAt.IsZero() {
		detail.LastRecordedPullTime = aws.Time(img.pulledAt)
	}
	if !img.archivedAt.IsZero() {
		detail.LastArchivedAt = aws.Time(img.archivedAt)
	}
	if !img.activatedAt.IsZero() {
		detail.LastActivatedAt = aws.Time(img.activatedAt)
	}
	return detail
}
