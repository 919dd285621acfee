package registry

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/engine"
	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
	"github.com/fakeecr/ecr/scenarios"
)

const (
	// scanTime is how long a scan takes on the clock, less than a poll of the
	// SDK's waiter.
	scanTime = 3 * time.Second
	// DefaultScanDuration is how long after its push an image is scanned continuously,
	// as Amazon Inspector's guide has it.
	DefaultScanDuration = 14 * 24 * time.Hour
	// scanWindow is the time in which the quotas count scans.
	scanWindow = 24 * time.Hour
)

// scanning says how a registry scans. The zero value is ECR's default: BASIC
// without rules.
type scanning struct {
	// enhancedSince is when enhanced scanning was turned on, zero while basic.
	enhancedSince time.Time
	rules         []scanRule
}

type scanRule struct {
	frequency types.ScanFrequency
	filters   []string
}

func (s *scanning) enhanced() bool { return !s.enhancedSince.IsZero() }

func (s *scanning) kind() types.ScanType {
	if s.enhanced() {
		return types.ScanTypeEnhanced
	}
	return types.ScanTypeBasic
}

// frequencies are from the least to the one that is enforced over the others.
var frequencies = []types.ScanFrequency{types.ScanFrequencyManual, types.ScanFrequencyScanOnPush, types.ScanFrequencyContinuousScan}

// applied is how often a repository is scanned, and the filter that says so: of
// those of a rule that match, the last. Enhanced scanning without rules is
// continuous for all repositories. Both are the user guide's.
func (s *scanning) applied(name string) (types.ScanFrequency, []string) {
	if s.enhanced() && len(s.rules) == 0 {
		return types.ScanFrequencyContinuousScan, nil
	}
	frequency, filters := types.ScanFrequencyManual, []string(nil)
	for _, rule := range s.rules {
		for _, filter := range rule.filters {
			if scanFilterMatches(filter, name) && slices.Index(frequencies, rule.frequency) >= slices.Index(frequencies, frequency) {
				frequency, filters = rule.frequency, []string{filter}
			}
		}
	}
	return frequency, filters
}

// scanFilterMatches follows the user guide: a filter without a wildcard matches
// every name that contains it, one with wildcards must match the whole name.
func scanFilterMatches(filter, name string) bool {
	if !strings.Contains(filter, "*") {
		return strings.Contains(name, filter)
	}
	return wildcard(filter, name)
}

func (s *scanning) output() *types.RegistryScanningConfiguration {
	rules := make([]types.RegistryScanningRule, len(s.rules))
	for i, rule := range s.rules {
		rules[i] = types.RegistryScanningRule{ScanFrequency: rule.frequency, RepositoryFilters: scanFilters(rule.filters)}
	}
	return &types.RegistryScanningConfiguration{ScanType: s.kind(), Rules: rules}
}

func scanFilters(filters []string) []types.ScanningRepositoryFilter {
	out := make([]types.ScanningRepositoryFilter, len(filters))
	for i, filter := range filters {
		out[i] = types.ScanningRepositoryFilter{Filter: aws.String(filter), FilterType: types.ScanningRepositoryFilterTypeWildcard}
	}
	return out
}

// frequencyNotIn is the frequency that a type of scanning does not have.
var frequencyNotIn = map[types.ScanType]types.ScanFrequency{
	types.ScanTypeBasic:    types.ScanFrequencyContinuousScan,
	types.ScanTypeEnhanced: types.ScanFrequencyManual,
}

// GetRegistryScanningConfiguration answers BASIC without rules until it is put.
func (tx *Tx) GetRegistryScanningConfiguration(context.Context, *ecr.GetRegistryScanningConfigurationInput) (*ecr.GetRegistryScanningConfigurationOutput, error) {
	return &ecr.GetRegistryScanningConfigurationOutput{
		RegistryId:            aws.String(tx.Account),
		ScanningConfiguration: tx.registry(tx.Place).scanning.output(),
	}, nil
}

// PutRegistryScanningConfiguration replaces the rules. That the scan type stays
// as it was when none is given is chosen.
func (tx *Tx) PutRegistryScanningConfiguration(_ context.Context, in *ecr.PutRegistryScanningConfigurationInput) (*ecr.PutRegistryScanningConfigurationOutput, error) {
	reg := tx.changeRegistry(tx.Place)
	next := scanning{}
	if in.ScanType == types.ScanTypeEnhanced || in.ScanType == "" && reg.scanning.enhanced() {
		if next.enhancedSince = reg.scanning.enhancedSince; !reg.scanning.enhanced() {
			next.enhancedSince = tx.Now()
		}
	}
	var frequencies []types.ScanFrequency
	for _, rule := range in.Rules {
		if slices.Contains(frequencies, rule.ScanFrequency) {
			return nil, duplicateScanFrequencies(rule.ScanFrequency)
		}
		if rule.ScanFrequency == frequencyNotIn[next.kind()] {
			return nil, invalidScanFrequency(next.kind(), rule.ScanFrequency)
		}
		frequencies = append(frequencies, rule.ScanFrequency)
		kept := scanRule{frequency: rule.ScanFrequency}
		for _, filter := range rule.RepositoryFilters {
			kept.filters = append(kept.filters, *filter.Filter)
		}
		next.rules = append(next.rules, kept)
	}
	reg.scanning = next
	return &ecr.PutRegistryScanningConfigurationOutput{RegistryScanningConfiguration: next.output()}, nil
}

// BatchGetRepositoryScanningConfiguration answers each repository's own flag and
// how often the registry's rules have it scanned, and a failure for each that is
// not there.
func (tx *Tx) BatchGetRepositoryScanningConfiguration(_ context.Context, in *ecr.BatchGetRepositoryScanningConfigurationInput) (*ecr.BatchGetRepositoryScanningConfigurationOutput, error) {
	reg := tx.registry(tx.Place)
	out := &ecr.BatchGetRepositoryScanningConfigurationOutput{
		ScanningConfigurations: []types.RepositoryScanningConfiguration{},
		Failures:               []types.RepositoryScanningConfigurationFailure{},
	}
	for _, name := range in.RepositoryNames {
		repo, found := reg.repositories.Get(name)
		if !found {
			code := types.ScanningConfigurationFailureCodeRepositoryNotFound
			out.Failures = append(out.Failures, types.RepositoryScanningConfigurationFailure{
				RepositoryName: aws.String(name), FailureCode: code, FailureReason: aws.String(string(code)),
			})
			continue
		}
		frequency, filters := reg.scanning.applied(name)
		out.ScanningConfigurations = append(out.ScanningConfigurations, types.RepositoryScanningConfiguration{
			RepositoryArn:      aws.String(repo.arn),
			RepositoryName:     aws.String(repo.name),
			ScanOnPush:         repo.scanOnPush,
			ScanFrequency:      frequency,
			AppliedScanFilters: scanFilters(filters),
		})
	}
	return out, nil
}

// scansOnPush tells whether a push into a repository starts a basic scan, by a
// rule of the registry or by the repository's own flag.
func (r *registryState) scansOnPush(repo *repository) bool {
	frequency, _ := r.scanning.applied(repo.name)
	return !r.scanning.enhanced() && (repo.scanOnPush || frequency == types.ScanFrequencyScanOnPush)
}

// PutImageScanningConfiguration sets the repository's own flag.
func (tx *Tx) PutImageScanningConfiguration(_ context.Context, in *ecr.PutImageScanningConfigurationInput) (*ecr.PutImageScanningConfigurationOutput, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if tx.registry(repo.Place).scanning.enhanced() {
		return nil, featureDisabled()
	}
	repo.scanOnPush = in.ImageScanningConfiguration.ScanOnPush
	return &ecr.PutImageScanningConfigurationOutput{
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: repo.scanOnPush},
		RegistryId:                 aws.String(repo.Account),
		RepositoryName:             aws.String(repo.name),
	}, nil
}

// scan is the last basic scan of an image. A published record never changes.
type scan struct {
	// starts are the times of the image's scans in the last 24 hours.
	starts []time.Time
	// completedAt is zero while the scan is in progress; then result is nil.
	completedAt time.Time
	result      scanResult
}

// StartImageScan starts a basic scan, which completes on the clock.
func (tx *Tx) StartImageScan(_ context.Context, in *ecr.StartImageScanInput) (*ecr.StartImageScanOutput, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if tx.registry(repo.Place).scanning.enhanced() {
		return nil, featureDisabled()
	}
	img, err := repo.one(*in.ImageId)
	switch {
	case err != nil:
		return nil, err
	case !img.container:
		return nil, unsupportedImageType(img)
	case img.archived:
		return nil, imageArchived(repo, img.digest)
	}
	scanned := *img
	if err := tx.startScan(repo, &scanned); err != nil {
		return nil, err
	}
	repo.images.Set(repo.generation, img.digest, &scanned)
	return &ecr.StartImageScanOutput{
		ImageId:         imageID(img.digest, in.ImageId.ImageTag),
		ImageScanStatus: &types.ImageScanStatus{Status: types.ScanStatusInProgress},
		RegistryId:      aws.String(repo.Account),
		RepositoryName:  aws.String(repo.name),
	}, nil
}

// scanOnPush starts the basic scan of an image that is being pushed or comes back
// from the archive, if the repository wants it. The push succeeds also where the
// quotas forbid a scan; what an earlier scan found stays.
func (tx *Tx) scanOnPush(repo *repository, img *image) {
	if !img.container || !tx.registry(repo.Place).scansOnPush(repo) {
		return
	}
	if err := tx.startScan(repo, img); err != nil && img.scan == nil {
		img.scan = &scan{completedAt: tx.Now(), result: failedScan(err)}
	}
}

// startScan starts a basic scan of an image whose record the transaction may
// change.
func (tx *Tx) startScan(repo *repository, img *image) error {
	var starts []time.Time
	if img.scan != nil {
		starts = slices.DeleteFunc(slices.Clone(img.scan.starts), func(start time.Time) bool { return tx.Now().Sub(start) >= scanWindow })
	}
	if int64(len(starts)) >= tx.quota(ScansPerImagePerDay) {
		return imageScanQuotaExceeded()
	}
	if err := tx.countScan(repo.Place); err != nil {
		return err
	}
	img.scan = &scan{starts: append(starts, tx.Now())}
	tx.Schedule(tx.Now().Add(scanTime), scanCompletion{repo.Place, repo.name, img.digest, img.scan})
	return nil
}

// countScan holds a registry to its quota of basic scans in 24 hours.
func (tx *Tx) countScan(place Place) error {
	reg := tx.changeRegistry(place)
	past := engine.LastKey(tx.Now().Add(-scanWindow))
	for start, _, found := reg.scanStarts.Min(); found && start <= past; start, _, found = reg.scanStarts.Min() {
		reg.scanStarts.Delete(reg.generation, start)
	}
	if err := tx.within(ScansPerDay, reg.scanStarts.Len()+1); err != nil {
		return err
	}
	reg.scanStarts.Set(reg.generation, tx.KeyAt(tx.Now()), struct{}{})
	return nil
}

type scanCompletion struct {
	registry           Place
	repository, digest string
	// scan is the one that was started: the image may have a later one, or may
	// have been deleted and pushed again.
	scan *scan
}

func (e scanCompletion) call(tx *Tx) *scenarios.Call {
	img := tx.imageOf(e.registry, e.repository, e.digest)
	if img == nil || img.scan != e.scan {
		return nil
	}
	return eventCall(e.registry, e.repository, scenarios.CompleteScan, &scenarios.CompleteScanInput{
		RegistryId: aws.String(e.registry.Account), RepositoryName: aws.String(e.repository),
		ImageDigest: aws.String(e.digest), ImageTags: slices.Clone(img.tags),
	})
}

func (e scanCompletion) happen(tx *Tx) (any, error) {
	repo, img := tx.changeImageOf(e.registry, e.repository, e.digest)
	result := tx.examine(repo, img, types.ScanTypeBasic)
	e.end(tx, repo, img, result)
	if tx.World.config.Scanners[types.ScanTypeBasic] != nil {
		return nil, nil // a scanner runs when its result is asked for
	}
	_, err := result(context.Background(), tx.World) // which is known, without a scanner
	return nil, err
}

func (e scanCompletion) fail(tx *Tx, failure error) {
	repo, img := tx.changeImageOf(e.registry, e.repository, e.digest)
	e.end(tx, repo, img, failedScan(failure))
}

func (e scanCompletion) end(tx *Tx, repo *repository, img *image, result scanResult) {
	completed, scanned := *e.scan, *img
	completed.completedAt, completed.result = tx.Now(), result
	scanned.scan = &completed
	repo.images.Set(repo.generation, img.digest, &scanned)
}

// isContainer tells whether a manifest is that of a container's image, which can
// be scanned, and not an index, an attestation or another artifact.
func isContainer(document *manifest.Manifest) bool {
	switch document.Config.MediaType {
	case "application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json":
	default:
		return false
	}
	return slices.ContainsFunc(document.Layers, func(layer manifest.Descriptor) bool {
		return strings.HasPrefix(layer.MediaType, "application/vnd.docker.image.rootfs.") ||
			strings.HasPrefix(layer.MediaType, "application/vnd.oci.image.layer.")
	})
}

// featureDisabled is what the operations of basic scanning answer while the
// registry has enhanced scanning.
func featureDisabled() error {
	return &types.ValidationException{Message: aws.String("This feature is disabled")}
}

func scanNotFound(repo *repository, id types.ImageIdentifier) error {
	return &types.ScanNotFoundException{Message: text("Image scan does not exist for the image with '{imageDigest:'%s', imageTag:'%s'}' in the repository with name '%s' in the registry with id '%s'",
		orNull(id.ImageDigest), orNull(id.ImageTag), repo.name, repo.Account)}
}

func imageScanQuotaExceeded() error {
	return limitExceeded("The scan quota per image has been exceeded. Wait and try again.")
}

// imageArchived is chosen.
func imageArchived(repo *repository, digest string) error {
	return &types.ImageArchivedException{Message: text("The image with digest '%s' in the repository with name '%s' in the registry with id '%s' is archived. Restore it and try again.",
		digest, repo.name, repo.Account)}
}

// unsupportedImageType has a text that is recorded for an index; that another
// artifact goes by its own media type is chosen.
func unsupportedImageType(img *image) error {
	mediaType := img.artifactMediaType
	if mediaType == "" {
		mediaType = img.mediaType
	}
	return &types.UnsupportedImageTypeException{Message: text("An artifact with media type '%s' cannot be scanned. For more information, see the Amazon ECR documentation.", mediaType)}
}

// invalidScanFrequency is recorded for CONTINUOUS_SCAN in BASIC, and chosen for
// MANUAL in ENHANCED.
func invalidScanFrequency(kind types.ScanType, frequency types.ScanFrequency) error {
	return &types.InvalidParameterException{Message: text("Invalid parameter failed to satisfy constraint: 'Invalid scan frequency for scanType %s: %s'", kind, frequency)}
}

// duplicateScanFrequencies has a recorded text; the exception is chosen.
func duplicateScanFrequencies(frequency types.ScanFrequency) error {
	return &types.ValidationException{Message: text("Invalid input. Contains duplicate scan frequencies: [%s]", frequency)}
}

// errNoFindings is the fake's own, in the description of a failed scan: a result
// that nobody asked for would be invented.
var errNoFindings = errors.New("fakeecr was not told what this scan finds: use SetScanFindings or WithScanner, or for enhanced scanning SetEnhancedScanFindings or WithEnhancedScanner; of the program, POST /_fakeecr/findings?image=repository:tag")
