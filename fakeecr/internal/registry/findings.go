package registry

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/clone"
)

// ScanFindings is what a scan finds: of the two lists, the one for its type.
type ScanFindings struct {
	Basic    []types.ImageScanFinding
	Enhanced []types.EnhancedImageScanFinding
}

// Scanner computes what a scan finds in an image.
type Scanner func(ScannedImage) (ScanFindings, error)

// ScannedImage is an image as a scanner sees it.
type ScannedImage struct {
	Place
	Repository, Digest  string
	Tags                []string
	MediaType, Manifest string
	// Blobs are the config and then the layers.
	Blobs []ScannedBlob
}

// ScannedBlob is a config or a layer.
type ScannedBlob struct {
	// Digest is the SHA-256 of the bytes, and Size counts them.
	Digest string
	Size   int64
	// Open reads the bytes from their beginning.
	Open func() io.ReadSeeker
}

// findings is what a scan found. It never changes, and nobody else has it.
type findings struct {
	ScanFindings
	// since is when a test said so; zero for what a scanner found.
	since time.Time
	// failure is why there are none.
	failure *ScanFailure
}

// ScanFailure is the status in which a scan ends that has no findings.
type ScanFailure struct {
	Status types.ScanStatus
	// Description is empty without one.
	Description string
}

func (f *ScanFailure) Error() string {
	if f.Description == "" {
		return string(f.Status)
	}
	return string(f.Status) + ": " + f.Description
}

// scanResult is what comes of a scan, for a call in a world. It may be asked often,
// but not while the world is locked, because it may run a test's code.
type scanResult func(context.Context, *World) (*findings, error)

func failedScan(err error) scanResult {
	return func(context.Context, *World) (*findings, error) { return nil, err }
}

// SetFindings says what scans of one type find in an image: "repository:tag" or
// "repository@digest". The image need not be there yet.
func (w *World) SetFindings(place Place, kind types.ScanType, reference string, found ScanFindings) {
	w.say(place, reference, &findings{ScanFindings: keepFindings(found)}, kind)
}

// SetScanFailure says that scans of an image, of either type, end without findings.
func (w *World) SetScanFailure(place Place, reference string, failure ScanFailure) {
	w.say(place, reference, &findings{failure: &failure}, types.ScanTypeBasic, types.ScanTypeEnhanced)
}

// say keeps what a test says of scans of some types.
func (w *World) say(place Place, reference string, said *findings, kinds ...types.ScanType) {
	_ = w.do(place, func(tx *Tx) error {
		reg := tx.changeRegistry(place)
		said.since = tx.Now()
		for _, kind := range kinds {
			reg.findings.Set(reg.generation, findingsKey(kind, reference), said)
		}
		return nil
	})
}

func findingsKey(kind types.ScanType, reference string) string { return string(kind) + " " + reference }

// seeded is what a test said that scans find in an image, under its digest or
// else under the first of its tags.
func (tx *Tx) seeded(repo *repository, img *image, kind types.ScanType) (*findings, bool) {
	seeds := &tx.registry(repo.Place).findings
	if found, ok := seeds.Get(findingsKey(kind, repo.name+"@"+img.digest)); ok {
		return found, true
	}
	for _, tag := range img.tags {
		if found, ok := seeds.Get(findingsKey(kind, repo.name+":"+tag)); ok {
			return found, true
		}
	}
	return nil, false
}

// examine is the result of a scan that completes now: what a test said, else what
// the scanner answers. The scanner runs once, when the result is first asked for.
func (tx *Tx) examine(repo *repository, img *image, kind types.ScanType) scanResult {
	if found, ok := tx.seeded(repo, img, kind); ok {
		if found.failure != nil {
			return failedScan(found.failure)
		}
		return func(context.Context, *World) (*findings, error) { return found, nil }
	}
	scanner := tx.World.config.Scanners[kind]
	if scanner == nil {
		return failedScan(errNoFindings)
	}
	e := &examination{world: tx.World, scanner: scanner, subject: repo.scannedImage(img)}
	return e.result
}

func (r *repository) scannedImage(img *image) ScannedImage {
	seen := ScannedImage{
		Place: r.Place, Repository: r.name, Digest: img.digest, Tags: slices.Clone(img.tags),
		MediaType: img.mediaType, Manifest: img.manifest,
	}
	for _, digest := range img.layers {
		l, _ := r.layers.Get(digest)
		seen.Blobs = append(seen.Blobs, ScannedBlob{l.digest, l.size, func() io.ReadSeeker { return l.open() }})
	}
	return seen
}

// keepFindings is a copy for the state, with times in the grain of the wire.
func keepFindings(found ScanFindings) ScanFindings {
	kept := clone.Of(found)
	for i := range kept.Enhanced {
		finding := &kept.Enhanced[i]
		times := []**time.Time{&finding.FirstObservedAt, &finding.LastObservedAt, &finding.UpdatedAt}
		if details := finding.PackageVulnerabilityDetails; details != nil {
			times = append(times, &details.VendorCreatedAt, &details.VendorUpdatedAt)
		}
		for _, resource := range finding.Resources {
			if resource.Details != nil && resource.Details.AwsEcrContainerImage != nil {
				about := resource.Details.AwsEcrContainerImage
				times = append(times, &about.PushedAt, &about.LastInUseAt)
			}
		}
		for _, at := range times {
			if *at != nil {
				**at = (*at).UTC().Truncate(time.Millisecond)
			}
		}
	}
	return kept
}

// scanReport is what is known of an image's scan.
type scanReport struct {
	status      types.ImageScanStatus
	completedAt time.Time
	// findings is nil unless the scan has succeeded.
	findings *findings
}

// scanReport is false for an image that was never scanned.
func (tx *Tx) scanReport(ctx context.Context, repo *repository, img *image) (scanReport, bool) {
	if tx.registry(repo.Place).scanning.enhanced() {
		return tx.enhancedReport(ctx, repo, img)
	}
	switch {
	case img.scan == nil:
		return scanReport{}, false
	case img.scan.result == nil:
		return scanReport{status: types.ImageScanStatus{Status: types.ScanStatusInProgress}}, true
	}
	return tx.newScanReport(ctx, scanComplete(), img.scan.completedAt, img.scan.result), true
}

func scanComplete() types.ImageScanStatus {
	return types.ImageScanStatus{Status: types.ScanStatusComplete, Description: aws.String("The scan was completed successfully.")}
}

// enhancedReport is that of Amazon Inspector, which scans the images of all
// repositories that a rule covers, those pushed before the rule included unless they
// were too old when scanning began. Continuous scanning never completes, but ends.
func (tx *Tx) enhancedReport(ctx context.Context, repo *repository, img *image) (scanReport, bool) {
	scanning := &tx.registry(repo.Place).scanning
	frequency, _ := scanning.applied(repo.name)
	if !img.container || frequency == types.ScanFrequencyManual {
		return scanReport{}, false
	}
	if img.archived {
		return scanReport{status: types.ImageScanStatus{Status: types.ScanStatusImageArchived}}, true
	}
	pushedAt := latest(img.pushedAt, img.activatedAt)
	begun := latest(scanning.enhancedSince, pushedAt)
	completedAt := begun.Add(scanTime)
	continuous := frequency == types.ScanFrequencyContinuousScan
	if tx.tooOld(pushedAt, begun) || continuous && tx.tooOld(pushedAt, tx.Now()) {
		return scanReport{status: types.ImageScanStatus{Status: types.ScanStatusScanEligibilityExpired}}, true
	}
	if tx.Now().Before(completedAt) {
		return scanReport{status: types.ImageScanStatus{
			Status: types.ScanStatusPending, Description: aws.String("Pending start of the image scan."),
		}}, true
	}
	status := scanComplete()
	if continuous {
		status = types.ImageScanStatus{Status: types.ScanStatusActive, Description: aws.String("Continuous scan is selected for image.")}
	}
	return tx.newScanReport(ctx, status, completedAt, tx.examine(repo, img, types.ScanTypeEnhanced)), true
}

// tooOld tells whether an image is at a time no longer one that enhanced scanning
// goes on with.
func (tx *Tx) tooOld(pushedAt, now time.Time) bool {
	most := tx.World.config.ScanDuration
	return most > 0 && now.Sub(pushedAt) >= most
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// newScanReport is that of a scan that is over; the status is for its success.
func (tx *Tx) newScanReport(ctx context.Context, status types.ImageScanStatus, completedAt time.Time, result scanResult) scanReport {
	found, err := result(ctx, tx.World)
	if err != nil {
		return scanReport{status: failedStatus(err), completedAt: completedAt}
	}
	if found.since.After(completedAt) {
		completedAt = found.since
	}
	return scanReport{status: status, completedAt: completedAt, findings: found}
}

func failedStatus(err error) types.ImageScanStatus {
	var failure *ScanFailure
	if errors.As(err, &failure) {
		return types.ImageScanStatus{Status: failure.Status, Description: optional(failure.Description)}
	}
	var limit *types.LimitExceededException
	if errors.As(err, &limit) {
		return types.ImageScanStatus{Status: types.ScanStatusLimitExceeded, Description: aws.String(limit.ErrorMessage())}
	}
	return types.ImageScanStatus{Status: types.ScanStatusFailed, Description: aws.String(sentence(err))}
}

// untriaged is Amazon Inspector's severity of what has none yet.
const untriaged = "UNTRIAGED"

// severityCounts counts the findings by their severity.
func (f *findings) severityCounts() map[string]int32 {
	counts := map[string]int32{}
	for _, finding := range f.Basic {
		counts[string(cmp.Or(finding.Severity, types.FindingSeverityUndefined))]++
	}
	for _, finding := range f.Enhanced {
		counts[cmp.Or(aws.ToString(finding.Severity), untriaged)]++
	}
	return counts
}

// DescribeImageScanFindings answers the last scan's status and, if it succeeded,
// a page of findings.
func (tx *Tx) DescribeImageScanFindings(ctx context.Context, in *ecr.DescribeImageScanFindingsInput) (*ecr.DescribeImageScanFindingsOutput, error) {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	img, err := repo.one(*in.ImageId)
	if err != nil {
		return nil, err
	}
	p, err := tx.newPage("DescribeImageScanFindings", link(repo.arn, img.digest), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	report, scanned := tx.scanReport(ctx, repo, img)
	switch {
	case ctx.Err() != nil: // while a scanner was waited for
		return nil, ctx.Err()
	case !scanned:
		return nil, scanNotFound(repo, *in.ImageId)
	}
	out := &ecr.DescribeImageScanFindingsOutput{
		ImageId:         imageID(img.digest, in.ImageId.ImageTag),
		ImageScanStatus: &report.status,
		RegistryId:      aws.String(repo.Account),
		RepositoryName:  aws.String(repo.name),
	}
	switch {
	case report.status.Status == types.ScanStatusPending:
		out.ImageScanFindings = &types.ImageScanFindings{
			Findings: []types.ImageScanFinding{}, EnhancedFindings: []types.EnhancedImageScanFinding{},
		}
		return out, nil
	case report.findings == nil:
		return out, nil
	}
	var more bool
	if out.ImageScanFindings, more = report.page(p, tx.registry(repo.Place).scanning.enhanced()); more {
		out.NextToken = p.next()
	}
	return out, nil
}

// page is a page of the findings. ECR ignores maxResults for enhanced ones.
func (r scanReport) page(p *pages, enhanced bool) (page *types.ImageScanFindings, more bool) {
	updated := r.findings.since
	if updated.IsZero() {
		updated = r.completedAt
	}
	page = &types.ImageScanFindings{
		FindingSeverityCounts:        r.findings.severityCounts(),
		ImageScanCompletedAt:         aws.Time(r.completedAt),
		VulnerabilitySourceUpdatedAt: aws.Time(updated),
	}
	if enhanced {
		p.limit, p.short = defaultPage, false
		page.EnhancedFindings, more = findingsPage(p, r.findings.Enhanced)
	} else {
		page.Findings, more = findingsPage(p, r.findings.Basic)
	}
	return page, more
}

// findingsPage is a page of a list that never changes, so its positions are
// counts.
func findingsPage[T any](p *pages, list []T) (page []T, more bool) {
	start, _ := strconv.Atoi(p.last)
	start = min(max(start, 0), len(list))
	end := min(start+p.limit, len(list))
	p.last = strconv.Itoa(end)
	if page = clone.Of(list[start:end]); page == nil {
		page = []T{}
	}
	return page, end < len(list)
}
