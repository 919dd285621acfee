package registry_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// scanStatus is the status of the image team/app:TAG, and how many findings are shown.
func scanStatus(t *testing.T, f faces.Face, tag string) (status types.ScanStatus, findings int) {
	t.Helper()
	out, err := faces.DescribeFindings(t, f, faces.TagID(tag))
	require.NoError(t, err)
	if found := out.ImageScanFindings; found != nil {
		findings = len(found.Findings) + len(found.EnhancedFindings)
	}
	return out.ImageScanStatus.Status, findings
}

func requireScanned(t *testing.T, f faces.Face, tag string, want types.ScanStatus, findings int, why ...any) {
	t.Helper()
	status, found := scanStatus(t, f, tag)
	require.Equal(t, want, status, why...)
	require.Equal(t, findings, found, why...)
}

func TestContinuousScanRuleCountsBeforeScanOnPush(t *testing.T) {
	rules := []types.RegistryScanningRule{faces.ScanRule("CONTINUOUS_SCAN", "team/*", "*app"), faces.ScanRule("SCAN_ON_PUSH", "*")}
	for name, rules := range map[string][]types.RegistryScanningRule{"as the guide has them": rules, "the other way round": {rules[1], rules[0]}} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
				f.Registry.SetEnhancedScanFindings("team/app:v1", faces.EnhancedFinding())
				faces.Create(t, f, "other")
				faces.PutScanning(t, f, "ENHANCED", rules...)
				out, err := f.BatchGetRepositoryScanningConfiguration(t.Context(), &ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: []string{"team/app", "other"}})
				require.NoError(t, err)
				of := out.ScanningConfigurations
				require.Equal(t, types.ScanFrequencyContinuousScan, of[0].ScanFrequency)
				require.Equal(t, faces.ScanRule("CONTINUOUS_SCAN", "*app").RepositoryFilters, of[0].AppliedScanFilters)
				require.Equal(t, types.ScanFrequencyScanOnPush, of[1].ScanFrequency)
				require.Equal(t, faces.ScanRule("SCAN_ON_PUSH", "*").RepositoryFilters, of[1].AppliedScanFilters)
				f.Registry.Advance(faces.Enough)
				requireScanned(t, f, "v1", "ACTIVE", 1)
			})
		})
	}
	t.Run("of basic scans the rule that scans", func(t *testing.T) {
		faces.Each(t, func(t *testing.T, f faces.Face) {
			faces.PutScanning(t, f, "BASIC", faces.ScanRule("SCAN_ON_PUSH", "*"), faces.ScanRule("MANUAL", "*"))
			f.Registry.SetScanFindings("team/app:v1")
			f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
			f.Registry.Advance(faces.Enough)
			requireScanned(t, f, "v1", "COMPLETE", 0)
		})
	})
}

func TestEnhancedScanningWithoutRules(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		f.Registry.SetEnhancedScanFindings("team/app:v1", faces.EnhancedFinding())
		faces.PutScanning(t, f, "ENHANCED")
		out, err := f.BatchGetRepositoryScanningConfiguration(t.Context(), &ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: []string{"team/app"}})
		require.NoError(t, err)
		require.Equal(t, types.ScanFrequencyContinuousScan, out.ScanningConfigurations[0].ScanFrequency)
		require.Equal(t, []types.ScanningRepositoryFilter{}, out.ScanningConfigurations[0].AppliedScanFilters)
		f.Registry.Advance(faces.Enough)
		requireScanned(t, f, "v1", "ACTIVE", 1)

		faces.PutScanning(t, f, "BASIC")
		_, err = faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.ErrorAs(t, err, new(*types.ScanNotFoundException), "basic scanning without rules scans nothing")
	})
}

func TestContinuousScanningEnds(t *testing.T) {
	for name, test := range map[string]struct {
		options []fakeecr.Option
		// after is when it ends, zero for never.
		after time.Duration
	}{
		"by default":         {nil, 14 * day},
		"when a test says":   {[]fakeecr.Option{fakeecr.WithScanDuration(30 * day)}, 30 * day},
		"never":              {[]fakeecr.Option{fakeecr.WithScanDuration(fakeecr.ScanLifetime)}, 0},
		"the last that says": {[]fakeecr.Option{fakeecr.WithScanDuration(0), fakeecr.WithScanDuration(time.Hour)}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.PutScanning(t, f, "ENHANCED")
				image := fakeecr.RandomImage(1, 100)
				f.Registry.MustPush("team/app:v1", image)
				f.Registry.SetEnhancedScanFindings("team/app:v1", faces.EnhancedFinding())
				f.Registry.Advance(faces.Enough)
				requireScanned(t, f, "v1", "ACTIVE", 1)
				if test.after == 0 {
					f.Registry.Advance(20 * 365 * day)
					requireScanned(t, f, "v1", "ACTIVE", 1)
					return
				}
				f.Registry.Advance(test.after - 2*faces.Enough)
				requireScanned(t, f, "v1", "ACTIVE", 1)
				f.Registry.Advance(faces.Enough)
				requireScanned(t, f, "v1", "SCAN_ELIGIBILITY_EXPIRED", 0, "its findings are closed")
				f.Registry.SetEnhancedScanFindings("team/app:v1", faces.EnhancedFinding(), faces.EnhancedFinding())
				requireScanned(t, f, "v1", "SCAN_ELIGIBILITY_EXPIRED", 0, "nor is it scanned")

				faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
				faces.UpdateStorage(t, f, image.Digest(), types.TargetStorageClassStandard)
				f.Registry.Advance(20*time.Minute + faces.Enough)
				requireScanned(t, f, "v1", "ACTIVE", 2, "a restored image is as good as newly pushed")
			}, test.options...)
		})
	}
}

func TestAnEnhancedScanOnPushDoesNotEnd(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("SCAN_ON_PUSH", "*"))
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		f.Registry.SetEnhancedScanFindings("team/app:v1", faces.EnhancedFinding())
		f.Registry.Advance(15 * day)
		requireScanned(t, f, "v1", "COMPLETE", 1)
	})
}

// Of what was there when scanning is switched on, what is too old is not scanned.
func TestOldImagesAreNotScanned(t *testing.T) {
	for _, frequency := range []types.ScanFrequency{"CONTINUOUS_SCAN", "SCAN_ON_PUSH"} {
		t.Run(string(frequency), func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.MustPush("team/app:old", fakeecr.RandomImage(1, 100))
				f.Registry.Advance(13 * day)
				f.Registry.MustPush("team/app:young", fakeecr.RandomImage(2, 100))
				f.Registry.Advance(day)
				faces.PutScanning(t, f, "ENHANCED", faces.ScanRule(frequency, "*"))
				f.Registry.SetEnhancedScanFindings("team/app:old", faces.EnhancedFinding())
				f.Registry.SetEnhancedScanFindings("team/app:young", faces.EnhancedFinding())
				requireScanned(t, f, "old", "SCAN_ELIGIBILITY_EXPIRED", 0)
				f.Registry.Advance(faces.Enough)
				requireScanned(t, f, "old", "SCAN_ELIGIBILITY_EXPIRED", 0)
				status, findings := scanStatus(t, f, "young")
				require.Contains(t, []types.ScanStatus{"ACTIVE", "COMPLETE"}, status)
				require.Equal(t, 1, findings)
			})
		})
	}
}

func TestScanStatusThatATestSays(t *testing.T) {
	for _, status := range []types.ScanStatus{"FAILED", "FINDINGS_UNAVAILABLE", "IMAGE_SIZE_EXCEEDED", "LIMIT_EXCEEDED", "UNSUPPORTED_IMAGE"} {
		t.Run(string(status), func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				f.Registry.SetScanFindings("team/app:v1", faces.CVE(1, "LOW"))
				f.Registry.SetScanStatus("team/app:v1", status, "as a test said")
				f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
				want := &types.ImageScanStatus{Status: status, Description: aws.String("as a test said")}
				requireStatus := func() {
					t.Helper()
					f.Registry.Advance(faces.Enough)
					out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
					require.NoError(t, err)
					require.Equal(t, want, out.ImageScanStatus)
					require.Nil(t, out.ImageScanFindings)
				}
				require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
				requireStatus()
				faces.PutScanning(t, f, "ENHANCED")
				requireStatus()
				f.Registry.SetScanStatus("team/app:v1", status, "")
				want.Description = nil
				requireStatus()
				f.Registry.SetEnhancedScanFindings("team/app:v1", faces.EnhancedFinding())
				requireScanned(t, f, "v1", "ACTIVE", 1, "what was said last counts")
			})
		})
	}
}
