package fakeecr

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// SetScanFindings says what basic scans find in an image, "team/app:v1" or
// "team/app@sha256:…", from the next scan that completes. Without findings the
// image is clean. The image need not be there yet. What is said of its digest
// counts before what is said of its tags.
//
// A scan of an image about which nothing is said, in a registry without
// [WithScanner], ends in the status FAILED: no result is invented.
func (r *Registry) SetScanFindings(reference string, findings ...types.ImageScanFinding) {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	r.setFindings(types.ScanTypeBasic, reference, registry.ScanFindings{Basic: findings})
}

// SetEnhancedScanFindings says what enhanced scanning finds in an image, as
// [Registry.SetScanFindings] does for basic scans. It takes effect at once, as
// Amazon Inspector goes on scanning, in repositories that are scanned on push as
// in those of a continuous scan. DescribeImageScanFindings answers pages of
// 100, because ECR ignores maxResults for enhanced findings.
func (r *Registry) SetEnhancedScanFindings(reference string, findings ...types.EnhancedImageScanFinding) {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	r.setFindings(types.ScanTypeEnhanced, reference, registry.ScanFindings{Enhanced: findings})
}

// scanFailures are the statuses in which a scan ends without findings. The SDK does not
// know all of them.
var scanFailures = []types.ScanStatus{
	types.ScanStatusFailed, types.ScanStatusFindingsUnavailable, "IMAGE_SIZE_EXCEEDED",
	types.ScanStatusLimitExceeded, types.ScanStatusUnsupportedImage,
}

// SetScanStatus says that scans of an image, basic ones from the next that completes
// and enhanced ones at once, have this status and no findings: FAILED,
// FINDINGS_UNAVAILABLE, IMAGE_SIZE_EXCEEDED, LIMIT_EXCEEDED or UNSUPPORTED_IMAGE. The
// description may be empty. It takes the place of findings that were said, as
// [Registry.SetScanFindings] and [Registry.SetEnhancedScanFindings] take its place.
func (r *Registry) SetScanStatus(reference string, status types.ScanStatus, description string) {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	instanceOf(r).must(checkReference(reference))
	if !slices.Contains(scanFailures, status) {
		instanceOf(r).must(fmt.Errorf("a scan without findings ends as one of %q, not as %q", scanFailures, status))
	}
	instanceOf(r).stage.World.SetScanFailure(r.caller.Place, reference, registry.ScanFailure{Status: status, Description: description})
}

// ScanLifetime has images scanned for good; see [WithScanDuration].
const ScanLifetime time.Duration = 0

// WithScanDuration sets how long after its push, or its return from the archive, an
// image is scanned continuously, as the setting of Amazon Inspector does for an
// account. Then its status is SCAN_ELIGIBILITY_EXPIRED, without findings, as it is of
// an image that is older when enhanced scanning is switched on. Without the option it
// is 14 days; [ScanLifetime] is for good.
func WithScanDuration(d time.Duration) Option {
	return func(s *setup) error {
		if d < 0 {
			return fmt.Errorf("images are not scanned for %s, but for some time or for good, which is 0", d)
		}
		s.config.ScanDuration = d
		return nil
	}
}

func (r *Registry) setFindings(kind types.ScanType, reference string, found registry.ScanFindings) {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	instanceOf(r).must(checkReference(reference))
	instanceOf(r).must(checkSeverities(found))
	instanceOf(r).stage.World.SetFindings(r.caller.Place, kind, reference, found)
}

// longestTag is how many characters ECR takes.
const longestTag = 300

// checkReference holds that a reference names one image by tag or by digest.
func checkReference(reference string) error {
	if err := checkNoURI(reference); err != nil {
		return err
	}
	name, digest, byDigest := strings.Cut(reference, "@")
	valid := byDigest && constraint.ValidDigest(digest)
	if !byDigest {
		var tag string
		name, tag, _ = strings.Cut(reference, ":")
		valid = constraint.ValidTag(tag) && len(tag) <= longestTag
	}
	if !valid || !constraint.ValidRepositoryName(name) {
		return fmt.Errorf("an image is team/app:v1 or team/app@sha256:…, not %q", reference)
	}
	return nil
}

// checkSeverities holds that the severities of findings are the service's. A
// finding may also have none.
func checkSeverities(found registry.ScanFindings) error {
	known := types.FindingSeverity("").Values()
	for _, finding := range found.Basic {
		if err := checkSeverity(finding.Severity, known); err != nil {
			return err
		}
	}
	known = append(known, "UNTRIAGED") // Amazon Inspector's
	for _, finding := range found.Enhanced {
		if err := checkSeverity(types.FindingSeverity(aws.ToString(finding.Severity)), known); err != nil {
			return err
		}
	}
	return nil
}

func checkSeverity(severity types.FindingSeverity, known []types.FindingSeverity) error {
	if severity == "" || slices.Contains(known, severity) {
		return nil
	}
	return fmt.Errorf("a finding's severity is one of %q or none, not %q", known, severity)
}

// ScannedImage is an image as a scanner sees it: see [WithScanner].
type ScannedImage struct {
	Account, Region, Repository string
	Digest                      string
	// Tags are those of the image when the scan completed, in order.
	Tags      []string
	MediaType string
	Manifest  []byte
	Config    ScannedBlob
	// Layers are in the manifest's order, each once.
	Layers []ScannedBlob
}

// ScannedBlob is a config or a layer of a [ScannedImage].
type ScannedBlob struct {
	Digest string
	// Size counts the bytes.
	Size int64
	open func() io.ReadSeeker
}

// Open reads the bytes as they were pushed, from their beginning.
func (b ScannedBlob) Open() io.ReadSeeker { return b.open() }

// WithScanner computes the findings of basic scans from the image itself, where
// [Registry.SetScanFindings] does not say them. An error makes the status FAILED
// with the error's text for description, which ECR makes 'UnsupportedImageError: The
// operating system and/or package manager are not supported.' of a system that it
// does not know; a *types.LimitExceededException makes it
// LIMIT_EXCEEDED, with the exception's message. A scanner that panics fails the
// test, and the scan. One that ends its goroutine, as t.FailNow does, fails both and
// ends the call: a direct call ends the test there, and a client over a socket sees
// its connection end.
//
// The scanner is called once for each completed scan, by the first call of
// DescribeImageScanFindings that wants its findings, and so by several goroutines
// at once if the test has them. Those who ask meanwhile wait for it until their
// contexts end. It may call the registry, but not
// DescribeImageScanFindings of the image that it scans: that waits for it.
func WithScanner(scan func(ScannedImage) ([]types.ImageScanFinding, error)) Option {
	if scan == nil {
		return func(*setup) error { return errors.New("WithScanner of a nil function") }
	}
	return withScanner(types.ScanTypeBasic, func(image registry.ScannedImage) (registry.ScanFindings, error) {
		findings, err := scan(newScannedImage(image))
		return registry.ScanFindings{Basic: findings}, err
	})
}

// WithEnhancedScanner computes the findings of enhanced scanning, as [WithScanner]
// does those of basic scans. Because enhanced scanning goes on, the scanner is
// called whenever DescribeImageScanFindings shows the image; so it may not call
// that for the image that it scans.
func WithEnhancedScanner(scan func(ScannedImage) ([]types.EnhancedImageScanFinding, error)) Option {
	if scan == nil {
		return func(*setup) error { return errors.New("WithEnhancedScanner of a nil function") }
	}
	return withScanner(types.ScanTypeEnhanced, func(image registry.ScannedImage) (registry.ScanFindings, error) {
		findings, err := scan(newScannedImage(image))
		return registry.ScanFindings{Enhanced: findings}, err
	})
}

func withScanner(kind types.ScanType, scanner registry.Scanner) Option {
	return func(s *setup) error {
		scanners := maps.Clone(s.config.Scanners)
		if scanners == nil {
			scanners = map[types.ScanType]registry.Scanner{}
		}
		scanners[kind] = scanner
		s.config.Scanners = scanners
		return nil
	}
}

func newScannedImage(from registry.ScannedImage) ScannedImage {
	image := ScannedImage{
		Account: from.Account, Region: from.Region, Repository: from.Repository,
		Digest: from.Digest, Tags: from.Tags, MediaType: from.MediaType, Manifest: []byte(from.Manifest),
	}
	for i, blob := range from.Blobs {
		scanned := ScannedBlob{Digest: blob.Digest, Size: blob.Size, open: blob.Open}
		if i == 0 {
			image.Config = scanned
		} else {
			image.Layers = append(image.Layers, scanned)
		}
	}
	return image
}
