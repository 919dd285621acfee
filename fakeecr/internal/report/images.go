package report

import (
	"encoding/json"
	"fmt"
	"html/template"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Image is an image of a repository. What is behind Full is there in full only.
type Image struct {
	Account, Region, Repository string
	Digest                      string
	Tags                        []string
	Size                        int64
	PushedAt, PulledAt          time.Time
	Status                      string
	MediaType, ArtifactType     string
	Subject                     string
	// Scan is the last scan's status, or "", and Findings what it found in a few
	// words.
	Scan, Findings string
	Replicas       []Replica

	Full bool
	// Manifest is as JSON for people, or else Unreadable says why it is not to be
	// had.
	Manifest, Unreadable string
	Blobs                []Descriptor
	Children             []Descriptor
	Referrers            []Descriptor
	Signings             []types.ImageSigningStatus
	// Report is what the scan found, as JSON for people, of which the end may be
	// left out.
	Report Text
}

// Query names the image in a URL.
func (i Image) Query() template.URL { return i.query(i.Digest) }

func (i Image) query(digest string) template.URL {
	return query("account", i.Account, "region", i.Region, "repository", i.Repository, "digest", digest)
}

// Replica is where an image was replicated to.
type Replica struct{ Account, Region, Status, Failure string }

// Descriptor is what an image is made of or what is about it.
type Descriptor struct {
	MediaType, Digest string
	Size              int64
	// Note is its platform or the type of the artifact.
	Note string
	// Query names the image that it is, "" for a blob.
	Query template.URL
}

// newImage is an image of a list.
func newImage(api API, repository string, d types.ImageDetail) Image {
	img := Image{
		Account: api.AccountID(), Region: api.Region(), Repository: repository,
		Digest: aws.ToString(d.ImageDigest), Tags: d.ImageTags, Size: aws.ToInt64(d.ImageSizeInBytes),
		PushedAt: aws.ToTime(d.ImagePushedAt), PulledAt: aws.ToTime(d.LastRecordedPullTime), Status: string(d.ImageStatus),
		MediaType: aws.ToString(d.ImageManifestMediaType), ArtifactType: aws.ToString(d.ArtifactMediaType),
		Subject: aws.ToString(d.SubjectManifestDigest),
	}
	id := &types.ImageIdentifier{ImageDigest: d.ImageDigest}
	out, err := api.DescribeImageScanFindings(ctx, &ecr.DescribeImageScanFindingsInput{RepositoryName: &repository, ImageId: id, MaxResults: aws.Int32(1)})
	if err == nil && out.ImageScanStatus != nil {
		img.Scan = string(out.ImageScanStatus.Status)
		if out.ImageScanFindings != nil {
			img.Findings = findingsIn(out.ImageScanFindings.FindingSeverityCounts)
		}
	}
	replicas, err := api.DescribeImageReplicationStatus(ctx, &ecr.DescribeImageReplicationStatusInput{RepositoryName: &repository, ImageId: id})
	if err == nil {
		for _, r := range replicas.ReplicationStatuses {
			img.Replicas = append(img.Replicas, Replica{aws.ToString(r.RegistryId), aws.ToString(r.Region), string(r.Status), aws.ToString(r.FailureCode)})
		}
	}
	return img
}

// NewImage is an image in full. The error is that of one that is not there.
func NewImage(api API, repository, digest string) (Image, error) {
	id := types.ImageIdentifier{ImageDigest: &digest}
	out, err := api.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: &repository, ImageIds: []types.ImageIdentifier{id}})
	if err != nil {
		return Image{}, err
	}
	if len(out.ImageDetails) == 0 {
		return Image{}, fmt.Errorf("%s has no image %s", repository, digest)
	}
	img := newImage(api, repository, out.ImageDetails[0])
	img.Full = true
	img.readReferrers(api)
	if img.Scan != "" {
		found, err := api.DescribeImageScanFindings(ctx, &ecr.DescribeImageScanFindingsInput{RepositoryName: &repository, ImageId: &id})
		if err == nil {
			img.Report = cut(document(found.ImageScanFindings), reportedBytes)
		}
	}
	if signings, err := api.DescribeImageSigningStatus(ctx, &ecr.DescribeImageSigningStatusInput{RepositoryName: &repository, ImageId: &id}); err == nil {
		img.Signings = signings.SigningStatuses
	}
	img.readManifest(api, id)
	return img, nil
}

func (i *Image) readReferrers(api API) {
	out, err := api.ListImageReferrers(ctx, &ecr.ListImageReferrersInput{
		RepositoryName: &i.Repository, SubjectId: &types.SubjectIdentifier{ImageDigest: &i.Digest}, MaxResults: aws.Int32(50),
		Filter: &types.ListImageReferrersFilter{ArtifactStatus: types.ArtifactStatusFilterAny},
	})
	if err != nil {
		return
	}
	for _, r := range out.Referrers {
		digest := aws.ToString(r.Digest)
		i.Referrers = append(i.Referrers, Descriptor{aws.ToString(r.MediaType), digest, aws.ToInt64(r.Size), aws.ToString(r.ArtifactType), i.query(digest)})
	}
}

// parts is a manifest, as far as its parts are shown.
type parts struct {
	Config    *descriptor
	Layers    []descriptor
	FSLayers  []struct{ BlobSum string }
	Manifests []descriptor
}

type descriptor struct {
	MediaType, Digest string
	Size              int64
	Platform          *struct{ OS, Architecture, Variant string }
}

func (i *Image) readManifest(api API, id types.ImageIdentifier) {
	out, err := api.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: &i.Repository, ImageIds: []types.ImageIdentifier{id}})
	switch {
	case err != nil:
		i.Unreadable = err.Error()
		return
	case len(out.Failures) > 0:
		i.Unreadable = aws.ToString(out.Failures[0].FailureReason)
		return
	case len(out.Images) == 0:
		return
	}
	text := aws.ToString(out.Images[0].ImageManifest)
	i.Manifest = Pretty(text)
	var p parts
	if json.Unmarshal([]byte(text), &p) != nil {
		return // ECR read it, by rules of its own
	}
	if p.Config != nil {
		i.Blobs = append(i.Blobs, p.Config.shown("config"))
	}
	for _, layer := range p.Layers {
		i.Blobs = append(i.Blobs, layer.shown(""))
	}
	for _, layer := range p.FSLayers {
		i.Blobs = append(i.Blobs, Descriptor{Digest: layer.BlobSum})
	}
	for _, child := range p.Manifests {
		shown := child.shown("")
		if on := child.Platform; on != nil {
			shown.Note = on.OS + "/" + on.Architecture
			if on.Variant != "" {
				shown.Note += "/" + on.Variant
			}
		}
		shown.Query = i.query(child.Digest)
		i.Children = append(i.Children, shown)
	}
}

func (d descriptor) shown(note string) Descriptor {
	return Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, Note: note}
}
