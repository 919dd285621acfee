package fakeecr_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// scanStatus is the status of the image team/app:TAG, and how many findings are shown.
func scanStatus(t *testing.T, f face, tag string) (status types.ScanStatus, findings int) {
	t.Helper()
	out, err := describeFindings(t, f, tagID(tag))
	require.NoError(t, err)
	if found := out.ImageScanFindings; found != nil {
		findings = len(found.Findings) + len(found.EnhancedFindings)
	}
	return out.ImageScanStatus.Status, findings
}

func requireScanned(t *testing.T, f face, tag string, want types.ScanStatus, findings int, why ...any) {
	t.Helper()
	status, found := scanStatus(t, f, tag)
	require.Equal(t, want, status, why...)
	require.Equal(t, findings, found, why...)
}

func TestContinuousScanRuleCountsBeforeScanOnPush(t *testing.T) {
	rules := []types.RegistryScanningRule{scanRule("CONTINUOUS_SCAN", "team/*", "*app"), scanRule("SCAN_ON_PUSH", "*")}
	for name, rules := range map[string][]types.RegistryScanningRule{"as the guide has them": rules, "the other way round": {rules[1], rules[0]}} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
				f.registry.SetEnhancedScanFindings("team/app:v1", enhancedFinding())
				create(t, f, "other")
				putScanning(t, f, "ENHANCED", rules...)
				out, err := f.BatchGetRepositoryScanningConfiguration(t.Context(), &ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: []string{"team/app", "other"}})
				require.NoError(t, err)
				of := out.ScanningConfigurations
				require.Equal(t, types.ScanFrequencyContinuousScan, of[0].ScanFrequency)
				require.Equal(t, scanRule("CONTINUOUS_SCAN", "*app").RepositoryFilters, of[0].AppliedScanFilters)
				require.Equal(t, types.ScanFrequencyScanOnPush, of[1].ScanFrequency)
				require.Equal(t, scanRule("SCAN_ON_PUSH", "*").RepositoryFilters, of[1].AppliedScanFilters)
				f.registry.Advance(enough)
				requireScanned(t, f, "v1", "ACTIVE", 1)
			})
		})
	}
	t.Run("of basic scans the rule that scans", func(t *testing.T) {
		onAllFaces(t, func(t *testing.T, f face) {
			putScanning(t, f, "BASIC", scanRule("SCAN_ON_PUSH", "*"), scanRule("MANUAL", "*"))
			f.registry.SetScanFindings("team/app:v1")
			f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
			f.registry.Advance(enough)
			requireScanned(t, f, "v1", "COMPLETE", 0)
		})
	})
}

func TestEnhancedScanningWithoutRules(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		f.registry.SetEnhancedScanFindings("team/app:v1", enhancedFinding())
		putScanning(t, f, "ENHANCED")
		out, err := f.BatchGetRepositoryScanningConfiguration(t.Context(), &ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: []string{"team/app"}})
		require.NoError(t, err)
		require.Equal(t, types.ScanFrequencyContinuousScan, out.ScanningConfigurations[0].ScanFrequency)
		require.Equal(t, []types.ScanningRepositoryFilter{}, out.ScanningConfigurations[0].AppliedScanFilters)
		f.registry.Advance(enough)
		requireScanned(t, f, "v1", "ACTIVE", 1)

		putScanning(t, f, "BASIC")
		_, err = describeFindings(t, f, tagID("v1"))
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
			onAllFaces(t, func(t *testing.T, f face) {
				putScanning(t, f, "ENHANCED")
				image := fakeecr.RandomImage(1, 100)
				f.registry.MustPush("team/app:v1", image)
				f.registry.SetEnhancedScanFindings("team/app:v1", enhancedFinding())
				f.registry.Advance(enough)
				requireScanned(t, f, "v1", "ACTIVE", 1)
				if test.after == 0 {
					f.registry.Advance(20 * 365 * day)
					requireScanned(t, f, "v1", "ACTIVE", 1)
					return
				}
				f.registry.Advance(test.after - 2*enough)
				requireScanned(t, f, "v1", "ACTIVE", 1)
				f.registry.Advance(enough)
				requireScanned(t, f, "v1", "SCAN_ELIGIBILITY_EXPIRED", 0, "its findings are closed")
				f.registry.SetEnhancedScanFindings("team/app:v1", enhancedFinding(), enhancedFinding())
				requireScanned(t, f, "v1", "SCAN_ELIGIBILITY_EXPIRED", 0, "nor is it scanned")

				updateStorage(t, f, image.Digest(), types.TargetStorageClassArchive)
				updateStorage(t, f, image.Digest(), types.TargetStorageClassStandard)
				f.registry.Advance(20*time.Minute + enough)
				requireScanned(t, f, "v1", "ACTIVE", 2, "a restored image is as good as newly pushed")
			}, test.options...)
		})
	}
}

func TestAnEnhancedScanOnPushDoesNotEnd(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		putScanning(t, f, "ENHANCED", scanRule("SCAN_ON_PUSH", "*"))
		f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		f.registry.SetEnhancedScanFindings("team/app:v1", enhancedFinding())
		f.registry.Advance(15 * day)
		requireScanned(t, f, "v1", "COMPLETE", 1)
	})
}

// Of what was there when scanning is switched on, what is too old is not scanned.
func TestOldImagesAreNotScanned(t *testing.T) {
	for _, frequency := range []types.ScanFrequency{"CONTINUOUS_SCAN", "SCAN_ON_PUSH"} {
		t.Run(string(frequency), func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				f.registry.MustPush("team/app:old", fakeecr.RandomImage(1, 100))
				f.registry.Advance(13 * day)
				f.registry.MustPush("team/app:young", fakeecr.RandomImage(2, 100))
				f.registry.Advance(day)
				putScanning(t, f, "ENHANCED", scanRule(frequency, "*"))
				f.registry.SetEnhancedScanFindings("team/app:old", enhancedFinding())
				f.registry.SetEnhancedScanFindings("team/app:young", enhancedFinding())
				requireScanned(t, f, "old", "SCAN_ELIGIBILITY_EXPIRED", 0)
				f.registry.Advance(enough)
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
			onAllFaces(t, func(t *testing.T, f face) {
				f.registry.SetScanFindings("team/app:v1", cve(1, "LOW"))
				f.registry.SetScanStatus("team/app:v1", status, "as a test said")
				f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
				want := &types.ImageScanStatus{Status: status, Description: aws.String("as a test said")}
				requireStatus := func() {
					t.Helper()
					f.registry.Advance(enough)
					out, err := describeFindings(t, f, tagID("v1"))
					require.NoError(t, err)
					require.Equal(t, want, out.ImageScanStatus)
					require.Nil(t, out.ImageScanFindings)
				}
				require.NoError(t, startScan(t, f, tagID("v1")))
				requireStatus()
				putScanning(t, f, "ENHANCED")
				requireStatus()
				f.registry.SetScanStatus("team/app:v1", status, "")
				want.Description = nil
				requireStatus()
				f.registry.SetEnhancedScanFindings("team/app:v1", enhancedFinding())
				requireScanned(t, f, "v1", "ACTIVE", 1, "what was said last counts")
			})
		})
	}
}
