package fakeecr_test

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

func describeFindings(t *testing.T, f face, id *types.ImageIdentifier) (*ecr.DescribeImageScanFindingsOutput, error) {
	t.Helper()
	return f.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("team/app"), ImageId: id})
}

func cve(number int, severity types.FindingSeverity) types.ImageScanFinding {
	return types.ImageScanFinding{
		Name: aws.String(fmt.Sprintf("CVE-2026-%d", number)), Severity: severity,
		Uri:        aws.String("https://example.com/cve"),
		Attributes: []types.Attribute{{Key: aws.String("package_name"), Value: aws.String("glibc")}},
	}
}

func TestBasicFindings(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		digest := f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		_, err := describeFindings(t, f, digestID(digest))
		requireError[*types.ScanNotFoundException](t, err, "Image scan does not exist for the image with "+
			"'{imageDigest:'"+digest+"', imageTag:'null'}' in the repository with name 'team/app' in the registry with id '123456789012'")

		said := f.registry.Now()
		f.registry.SetScanFindings("team/app:v1", cve(1, "HIGH"), cve(2, "LOW"), cve(3, "HIGH"))
		f.registry.Advance(time.Minute)
		started := f.registry.Now()
		require.NoError(t, startScan(t, f, tagID("v1")))
		out, err := describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.Equal(t, &types.ImageScanStatus{Status: "IN_PROGRESS"}, out.ImageScanStatus)
		require.Nil(t, out.ImageScanFindings)
		require.Equal(t, &types.ImageIdentifier{ImageDigest: &digest, ImageTag: aws.String("v1")}, out.ImageId)
		require.Equal(t, "123456789012 team/app", *out.RegistryId+" "+*out.RepositoryName)

		f.registry.Advance(enough)
		f.registry.SetScanFindings("team/app:v1", cve(4, "CRITICAL"))
		out, err = describeFindings(t, f, digestID(digest))
		require.NoError(t, err)
		require.Equal(t, &types.ImageScanStatus{Status: "COMPLETE", Description: aws.String("The scan was completed successfully.")}, out.ImageScanStatus)
		require.Equal(t, digestID(digest), out.ImageId)
		found := out.ImageScanFindings
		require.Equal(t, []types.ImageScanFinding{cve(1, "HIGH"), cve(2, "LOW"), cve(3, "HIGH")}, found.Findings, "as of the scan's end")
		require.Equal(t, map[string]int32{"HIGH": 2, "LOW": 1}, found.FindingSeverityCounts)
		require.Nil(t, found.EnhancedFindings)
		require.WithinRange(t, *found.ImageScanCompletedAt, started.Add(time.Second), started.Add(enough))
		require.WithinRange(t, *found.VulnerabilitySourceUpdatedAt, said, said.Add(time.Minute-time.Millisecond))

		details, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		require.Nil(t, details.ImageDetails[0].ImageScanStatus)
		require.Nil(t, details.ImageDetails[0].ImageScanFindingsSummary)

		f.registry.Advance(24 * time.Hour)
		require.NoError(t, startScan(t, f, tagID("v1")))
		f.registry.Advance(enough)
		out, err = describeFindings(t, f, digestID(digest))
		require.NoError(t, err)
		require.Equal(t, []types.ImageScanFinding{cve(4, "CRITICAL")}, out.ImageScanFindings.Findings)
	})
}

func TestFindingsThatATestSays(t *testing.T) {
	scanned := func(t *testing.T, f face) *ecr.DescribeImageScanFindingsOutput {
		require.NoError(t, startScan(t, f, tagID("v1")))
		f.registry.Advance(enough)
		out, err := describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		return out
	}
	image := fakeecr.RandomImage(1, 4096)
	onAllFaces(t, func(t *testing.T, f face) {
		t.Run("nothing is invented", func(t *testing.T) {
			f := f.account("210987654321")
			f.registry.MustPush("team/app:v1", image)
			f.registry.SetEnhancedScanFindings("team/app:v1") // of another type
			out := scanned(t, f)
			require.EqualValues(t, "FAILED", out.ImageScanStatus.Status)
			require.Contains(t, *out.ImageScanStatus.Description, "SetScanFindings")
			require.Nil(t, out.ImageScanFindings)
		})
		t.Run("an image said to be clean", func(t *testing.T) {
			f := f.account("210987654322")
			f.registry.SetScanFindings("team/app:v1")
			f.registry.MustPush("team/app:v1", image)
			out := scanned(t, f)
			require.EqualValues(t, "COMPLETE", out.ImageScanStatus.Status)
			require.Equal(t, []types.ImageScanFinding{}, out.ImageScanFindings.Findings)
			require.Equal(t, map[string]int32{}, out.ImageScanFindings.FindingSeverityCounts)
		})
		t.Run("findings without a severity", func(t *testing.T) {
			f := f.account("210987654325")
			f.registry.SetScanFindings("team/app:v1", cve(1, ""), cve(2, "UNDEFINED"))
			f.registry.SetEnhancedScanFindings("team/app:v1", types.EnhancedImageScanFinding{})
			f.registry.MustPush("team/app:v1", image)
			require.Equal(t, map[string]int32{"UNDEFINED": 2}, scanned(t, f).ImageScanFindings.FindingSeverityCounts)
			putScanning(t, f, "ENHANCED", scanRule("SCAN_ON_PUSH", "*"))
			f.registry.Advance(enough)
			out, err := describeFindings(t, f, tagID("v1"))
			require.NoError(t, err)
			require.Equal(t, map[string]int32{"UNTRIAGED": 1}, out.ImageScanFindings.FindingSeverityCounts)
		})
		t.Run("the digest counts before the tag", func(t *testing.T) {
			f := f.account("210987654323")
			f.registry.SetScanFindings("team/app:v1", cve(1, "LOW"))
			f.registry.SetScanFindings("team/app@"+image.Digest(), cve(2, "LOW"))
			f.registry.MustPush("team/app:v1", image)
			require.Equal(t, []types.ImageScanFinding{cve(2, "LOW")}, scanned(t, f).ImageScanFindings.Findings)
		})
		t.Run("the state shares no memory", func(t *testing.T) {
			f := f.account("210987654324")
			finding := cve(1, "LOW")
			f.registry.SetScanFindings("team/app:v1", finding)
			finding.Attributes[0].Key = aws.String("changed")
			f.registry.MustPush("team/app:v1", image)
			out := scanned(t, f)
			*out.ImageScanFindings.Findings[0].Name = "changed"
			out.ImageScanFindings.FindingSeverityCounts["LOW"] = 7
			again, err := describeFindings(t, f, tagID("v1"))
			require.NoError(t, err)
			require.Equal(t, []types.ImageScanFinding{cve(1, "LOW")}, again.ImageScanFindings.Findings)
			require.Equal(t, map[string]int32{"LOW": 1}, again.ImageScanFindings.FindingSeverityCounts)
		})
	})
}

func TestFindingsPages(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		var all []types.ImageScanFinding
		var enhanced []types.EnhancedImageScanFinding
		for i := range 250 {
			all = append(all, cve(i, "LOW"))
			enhanced = append(enhanced, types.EnhancedImageScanFinding{Title: aws.String(fmt.Sprint(i)), Severity: aws.String("LOW")})
		}
		f.registry.SetScanFindings("team/app:v1", all...)
		f.registry.SetEnhancedScanFindings("team/app:v1", enhanced...)
		f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		require.NoError(t, startScan(t, f, tagID("v1")))
		f.registry.Advance(enough)

		pages := func(maxResults *int32) (basic []types.ImageScanFinding, enhanced []types.EnhancedImageScanFinding, sizes []int) {
			paginator := ecr.NewDescribeImageScanFindingsPaginator(f, &ecr.DescribeImageScanFindingsInput{
				RepositoryName: aws.String("team/app"), ImageId: tagID("v1"), MaxResults: maxResults,
			})
			for paginator.HasMorePages() {
				page, err := paginator.NextPage(t.Context())
				require.NoError(t, err)
				found := page.ImageScanFindings
				basic, enhanced = append(basic, found.Findings...), append(enhanced, found.EnhancedFindings...)
				sizes = append(sizes, len(found.Findings)+len(found.EnhancedFindings))
				require.Equal(t, map[string]int32{"LOW": 250}, found.FindingSeverityCounts, "counts are of the image, not of the page")
			}
			return basic, enhanced, sizes
		}
		for _, test := range []struct {
			maxResults *int32
			sizes      []int
		}{{nil, []int{100, 100, 50}}, {aws.Int32(125), []int{125, 125}}, {aws.Int32(1000), []int{250}}} {
			found, _, sizes := pages(test.maxResults)
			require.Equal(t, all, found)
			require.Equal(t, test.sizes, sizes)
		}
		first, err := describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		f.registry.MustPush("team/app:v2", fakeecr.RandomImage(2, 4096))
		_, err = f.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{
			RepositoryName: aws.String("team/app"), ImageId: tagID("v2"), NextToken: first.NextToken,
		})
		requireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")

		putScanning(t, f, "ENHANCED", scanRule("CONTINUOUS_SCAN", "*"))
		f.registry.Advance(enough)
		_, found, sizes := pages(aws.Int32(1000))
		require.Equal(t, enhanced, found)
		require.Equal(t, []int{100, 100, 50}, sizes, "ECR ignores maxResults for enhanced findings")
	})
}

func enhancedFinding() types.EnhancedImageScanFinding {
	at := time.UnixMilli(1787109743563).UTC()
	return types.EnhancedImageScanFinding{
		AwsAccountId: aws.String("123456789012"), Title: aws.String("CVE-2026-1 - glibc"), Severity: aws.String("CRITICAL"), Score: 9.8,
		FirstObservedAt: &at, LastObservedAt: &at, UpdatedAt: &at,
		PackageVulnerabilityDetails: &types.PackageVulnerabilityDetails{
			VulnerabilityId: aws.String("CVE-2026-1"), VendorCreatedAt: &at, VendorUpdatedAt: &at,
			Cvss:               []types.CvssScore{{BaseScore: 9.8, Version: aws.String("3.1")}},
			VulnerablePackages: []types.VulnerablePackage{{Name: aws.String("glibc"), Epoch: aws.Int32(1)}},
		},
		Resources: []types.Resource{{
			Tags:    map[string]string{"team": "app"},
			Details: &types.ResourceDetails{AwsEcrContainerImage: &types.AwsEcrContainerImageDetails{PushedAt: &at, LastInUseAt: &at, ImageTags: []string{"v1"}}},
		}},
	}
}

func TestEnhancedFindings(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		f.registry.MustPush("team/app:all", fakeecr.RandomIndex(2, "linux/amd64"))
		f.registry.SetEnhancedScanFindings("team/app:v1", enhancedFinding())
		f.registry.SetScanFindings("team/app:v1", cve(1, "LOW"))
		require.NoError(t, startScan(t, f, tagID("v1")))
		f.registry.Advance(enough)
		putScanning(t, f, "ENHANCED", scanRule("CONTINUOUS_SCAN", "team/*"))

		out, err := describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		pending := &types.ImageScanStatus{Status: "PENDING", Description: aws.String("Pending start of the image scan.")}
		require.Equal(t, pending, out.ImageScanStatus, "images from before are scanned as well")
		require.Equal(t, &types.ImageScanFindings{Findings: []types.ImageScanFinding{}, EnhancedFindings: []types.EnhancedImageScanFinding{}},
			out.ImageScanFindings, "what the basic scan found is of another type")

		f.registry.Advance(enough)
		out, err = describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.Equal(t, &types.ImageScanStatus{Status: "ACTIVE", Description: aws.String("Continuous scan is selected for image.")}, out.ImageScanStatus)
		found := out.ImageScanFindings
		require.Equal(t, []types.EnhancedImageScanFinding{enhancedFinding()}, found.EnhancedFindings)
		require.Nil(t, found.Findings)
		require.Equal(t, map[string]int32{"CRITICAL": 1}, found.FindingSeverityCounts)

		detail := func() types.ImageDetail {
			details, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{*tagID("v1")}})
			require.NoError(t, err)
			return details.ImageDetails[0]
		}
		require.Nil(t, detail().ImageScanStatus)
		require.Nil(t, detail().ImageScanFindingsSummary)
		putScanning(t, f, "ENHANCED", scanRule("CONTINUOUS_SCAN", "team/*"))
		again, err := describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.Equal(t, out.ImageScanStatus, again.ImageScanStatus, "enhanced scanning was on already")

		f.registry.Advance(time.Hour)
		said := f.registry.Now()
		f.registry.SetEnhancedScanFindings("team/app:v1")
		out, err = describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.False(t, out.ImageScanFindings.ImageScanCompletedAt.Before(said))
		require.Equal(t, []types.EnhancedImageScanFinding{}, out.ImageScanFindings.EnhancedFindings, "it goes on scanning")
		require.Equal(t, map[string]int32{}, out.ImageScanFindings.FindingSeverityCounts)

		_, err = describeFindings(t, f, tagID("all"))
		var notFound *types.ScanNotFoundException
		require.ErrorAs(t, err, &notFound, "an index is not scanned")

		f.registry.MustPush("team/app:v2", fakeecr.RandomImage(4, 4096))
		f.registry.Advance(enough)
		out, err = describeFindings(t, f, tagID("v2"))
		require.NoError(t, err)
		require.EqualValues(t, "FAILED", out.ImageScanStatus.Status, "nothing is invented")

		putScanning(t, f, "ENHANCED", scanRule("CONTINUOUS_SCAN", "other/*"))
		_, err = describeFindings(t, f, tagID("v1"))
		require.ErrorAs(t, err, &notFound, "no rule covers the repository")

		putScanning(t, f, "BASIC")
		out, err = describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.Equal(t, []types.ImageScanFinding{cve(1, "LOW")}, out.ImageScanFindings.Findings)
	})
}

func TestEnhancedFindingsHaveTheGrainOfTheWire(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		finding := enhancedFinding()
		fine := finding.UpdatedAt.Add(789 * time.Nanosecond).In(time.FixedZone("", 3600))
		finding.UpdatedAt = &fine
		f.registry.SetEnhancedScanFindings("team/app:v1", finding)
		f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		putScanning(t, f, "ENHANCED", scanRule("SCAN_ON_PUSH", "*"))
		f.registry.Advance(enough)
		out, err := describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.Equal(t, []types.EnhancedImageScanFinding{enhancedFinding()}, out.ImageScanFindings.EnhancedFindings)
		complete := &types.ImageScanStatus{Status: "COMPLETE", Description: aws.String("The scan was completed successfully.")}
		require.Equal(t, complete, out.ImageScanStatus, "an enhanced scan on push completes")
	})
}

func TestImageScanCompleteWaiter(t *testing.T) {
	const timeout = "exceeded max wait time for ImageScanComplete waiter"
	// The waiter pauses for 5 seconds at least, and a scan takes 3. In the time
	// in between it has to give up, although it would like to ask again at once.
	tests := []struct {
		name    string
		prepare func(t *testing.T, f face)
		most    time.Duration
		fails   string
	}{
		{"completes", func(*testing.T, face) {}, time.Minute, ""},
		{"completes in the last poll", func(*testing.T, face) {}, 8010 * time.Millisecond, ""},
		{"a single poll", func(*testing.T, face) {}, 5 * time.Second, timeout},
		{"a poll too early", func(*testing.T, face) {}, 6 * time.Second, timeout},
		{"nothing is said", func(t *testing.T, f face) {
			f.registry.MustPush("team/app:v1", fakeecr.RandomImage(2, 4096))
			require.NoError(t, startScan(t, f, tagID("v1")))
		}, time.Minute, "waiter state transitioned to Failure"},
		{"an enhanced scan on push completes", func(t *testing.T, f face) { putScanning(t, f, "ENHANCED", scanRule("SCAN_ON_PUSH", "*")) }, time.Minute, ""},
		{"a continuous scan never completes", func(t *testing.T, f face) { putScanning(t, f, "ENHANCED", scanRule("CONTINUOUS_SCAN", "*")) }, time.Minute, timeout},
	}
	for face, open := range map[string]func(*fakeecr.Registry) face{"direct": direct, "client": socketless} {
		for _, test := range tests {
			t.Run(face+"/"+test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := open(fakeecr.New(t))
					digest := f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
					f.registry.SetScanFindings("team/app@" + digest)
					f.registry.SetEnhancedScanFindings("team/app@" + digest)
					require.NoError(t, startScan(t, f, tagID("v1")))
					test.prepare(t, f)
					began := time.Now()
					err := ecr.NewImageScanCompleteWaiter(f).Wait(t.Context(),
						&ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("team/app"), ImageId: tagID("v1")}, test.most)
					require.LessOrEqual(t, time.Since(began), test.most)
					if test.fails == "" {
						require.NoError(t, err)
					} else {
						require.ErrorContains(t, err, test.fails)
					}
				})
			})
		}
	}
}

// longestFile is a scanner: it finds the longest file of the image's archives.
func longestFile(image fakeecr.ScannedImage) ([]types.ImageScanFinding, error) {
	var longest *tar.Header
	for _, layer := range image.Layers {
		for archive := tar.NewReader(layer.Open()); ; {
			header, err := archive.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, err
			}
			if longest == nil || header.Size > longest.Size {
				longest = header
			}
		}
	}
	return []types.ImageScanFinding{{Name: aws.String(longest.Name), Description: aws.String(fmt.Sprint(longest.Size)), Severity: "INFORMATIONAL"}}, nil
}

func TestWithScanner(t *testing.T) {
	var scans atomic.Int32
	var api atomic.Pointer[fakeecr.Registry]
	scanner := func(image fakeecr.ScannedImage) ([]types.ImageScanFinding, error) {
		scans.Add(1)
		// A scanner may use the registry.
		if _, err := api.Load().DescribeImages(context.Background(), &ecr.DescribeImagesInput{RepositoryName: &image.Repository}); err != nil {
			return nil, err
		}
		var config struct{ Architecture string }
		if err := json.NewDecoder(image.Config.Open()).Decode(&config); err != nil || config.Architecture != "amd64" {
			return nil, fmt.Errorf("architecture %q is not supported (%w)", config.Architecture, err)
		}
		return longestFile(image)
	}
	onAllFaces(t, func(t *testing.T, f face) {
		api.Store(f.registry)
		scans.Store(0)
		image := fakeecr.RandomImage(1, 4096, 1<<20)
		f.registry.MustPush("team/app:v1", image)
		require.NoError(t, startScan(t, f, tagID("v1")))
		f.registry.Advance(enough)
		for range 2 {
			out, err := describeFindings(t, f, tagID("v1"))
			require.NoError(t, err)
			require.EqualValues(t, "COMPLETE", out.ImageScanStatus.Status)
			require.Equal(t, []types.ImageScanFinding{{Name: aws.String("data"), Description: aws.String("1047040"), Severity: "INFORMATIONAL"}},
				out.ImageScanFindings.Findings)
			require.Equal(t, out.ImageScanFindings.ImageScanCompletedAt, out.ImageScanFindings.VulnerabilitySourceUpdatedAt)
		}
		require.EqualValues(t, 1, scans.Load(), "once for a scan")

		f.registry.SetScanFindings("team/app:v1")
		f.registry.Advance(24 * time.Hour)
		require.NoError(t, startScan(t, f, tagID("v1")))
		f.registry.Advance(enough)
		out, err := describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.Empty(t, out.ImageScanFindings.Findings, "what the test says counts")
		require.EqualValues(t, 1, scans.Load())

		f.registry.MustPush("team/app:arm", fakeecr.RandomIndex(2, "linux/arm64").Images[0])
		require.NoError(t, startScan(t, f, tagID("arm")))
		f.registry.Advance(enough)
		out, err = describeFindings(t, f, tagID("arm"))
		require.NoError(t, err)
		require.EqualValues(t, "FAILED", out.ImageScanStatus.Status)
		require.Contains(t, *out.ImageScanStatus.Description, `architecture "arm64" is not supported`)
		require.Nil(t, out.ImageScanFindings)
	}, fakeecr.WithScanner(scanner))
}

func TestScannerAtItsLimit(t *testing.T) {
	busy := func(fakeecr.ScannedImage) ([]types.ImageScanFinding, error) {
		return nil, fmt.Errorf("the scanner is busy: %w", &types.LimitExceededException{Message: aws.String("Too many scans")})
	}
	onAllFaces(t, func(t *testing.T, f face) {
		f.registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		require.NoError(t, startScan(t, f, tagID("v1")))
		f.registry.Advance(enough)
		out, err := describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.Equal(t, &types.ImageScanStatus{Status: "LIMIT_EXCEEDED", Description: aws.String("Too many scans")}, out.ImageScanStatus)
	}, fakeecr.WithScanner(busy))
}

func TestWithEnhancedScanner(t *testing.T) {
	var seen atomic.Pointer[fakeecr.ScannedImage]
	scanner := func(image fakeecr.ScannedImage) ([]types.EnhancedImageScanFinding, error) {
		seen.Store(&image)
		if len(image.Tags) == 0 {
			return nil, errors.New("no tag")
		}
		return []types.EnhancedImageScanFinding{{Title: aws.String(image.Tags[0])}}, nil
	}
	onAllFaces(t, func(t *testing.T, f face) {
		image := fakeecr.RandomImage(1, 4096, 100)
		f.registry.MustPush("team/app:v1", image)
		putScanning(t, f, "ENHANCED", scanRule("SCAN_ON_PUSH", "team"))
		f.registry.Advance(enough)
		out, err := describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.Equal(t, []types.EnhancedImageScanFinding{{Title: aws.String("v1")}}, out.ImageScanFindings.EnhancedFindings)

		got := seen.Load()
		require.Equal(t, "123456789012 us-east-1 team/app", got.Account+" "+got.Region+" "+got.Repository)
		require.Equal(t, []string{image.Digest(), image.MediaType, string(image.Manifest)}, []string{got.Digest, got.MediaType, string(got.Manifest)})
		require.Len(t, got.Layers, 2)
		for i, blob := range append(got.Layers, got.Config) {
			content, err := io.ReadAll(blob.Open())
			require.NoError(t, err)
			require.Equal(t, image.Blobs[i], content)
			require.EqualValues(t, len(content), blob.Size)
			require.Contains(t, string(image.Manifest), blob.Digest)
		}

		putScanning(t, f, "BASIC")
		require.NoError(t, startScan(t, f, tagID("v1")))
		f.registry.Advance(enough)
		out, err = describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.EqualValues(t, "FAILED", out.ImageScanStatus.Status, "this scanner knows nothing of basic scans")
	}, fakeecr.WithEnhancedScanner(scanner))
}

func TestFindingsInAFork(t *testing.T) {
	fixture := fakeecr.New(t)
	fixture.SetScanFindings("team/app:v1", cve(1, "LOW"))
	fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
	fork := fixture.Fork(t)
	fork.SetScanFindings("team/app:v1")
	for registry, findings := range map[*fakeecr.Registry][]types.ImageScanFinding{fixture: {cve(1, "LOW")}, fork: {}} {
		f := direct(registry)
		require.NoError(t, startScan(t, f, tagID("v1")))
		registry.Advance(enough)
		out, err := describeFindings(t, f, tagID("v1"))
		require.NoError(t, err)
		require.Equal(t, findings, out.ImageScanFindings.Findings)
	}
}

// refused collects what a registry says to its test about a misuse.
type refused struct{ fakeecr.TB }

func (refused) Helper()        {}
func (refused) Cleanup(func()) {}
func (refused) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

func TestSetScanFindingsOfNoImage(t *testing.T) {
	registry := fakeecr.New(refused{})
	for _, reference := range []string{"team/app", "team/app:", "team/app@v1", "Team:v1", ":v1", "team/app:v1@sha256:ab", "team/app:" + strings.Repeat("v", 301)} {
		want := fmt.Sprintf("fakeecr: an image is team/app:v1 or team/app@sha256:…, not %q", reference)
		require.PanicsWithValue(t, want, func() { registry.SetScanFindings(reference) })
		require.PanicsWithValue(t, want, func() { registry.SetEnhancedScanFindings(reference) })
	}
}
