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
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func TestBasicFindings(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		_, err := faces.DescribeFindings(t, f, faces.DigestID(digest))
		faces.RequireError[*types.ScanNotFoundException](t, err, "Image scan does not exist for the image with "+
			"'{imageDigest:'"+digest+"', imageTag:'null'}' in the repository with name 'team/app' in the registry with id '123456789012'")

		said := f.Registry.Now()
		f.Registry.SetScanFindings("team/app:v1", faces.CVE(1, "HIGH"), faces.CVE(2, "LOW"), faces.CVE(3, "HIGH"))
		f.Registry.Advance(time.Minute)
		started := f.Registry.Now()
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		require.Equal(t, &types.ImageScanStatus{Status: "IN_PROGRESS"}, out.ImageScanStatus)
		require.Nil(t, out.ImageScanFindings)
		require.Equal(t, &types.ImageIdentifier{ImageDigest: &digest, ImageTag: aws.String("v1")}, out.ImageId)
		require.Equal(t, "123456789012 team/app", *out.RegistryId+" "+*out.RepositoryName)

		f.Registry.Advance(faces.Enough)
		f.Registry.SetScanFindings("team/app:v1", faces.CVE(4, "CRITICAL"))
		out, err = faces.DescribeFindings(t, f, faces.DigestID(digest))
		require.NoError(t, err)
		require.Equal(t, &types.ImageScanStatus{Status: "COMPLETE", Description: aws.String("The scan was completed successfully.")}, out.ImageScanStatus)
		require.Equal(t, faces.DigestID(digest), out.ImageId)
		found := out.ImageScanFindings
		require.Equal(t, []types.ImageScanFinding{faces.CVE(1, "HIGH"), faces.CVE(2, "LOW"), faces.CVE(3, "HIGH")}, found.Findings, "as of the scan's end")
		require.Equal(t, map[string]int32{"HIGH": 2, "LOW": 1}, found.FindingSeverityCounts)
		require.Nil(t, found.EnhancedFindings)
		require.WithinRange(t, *found.ImageScanCompletedAt, started.Add(time.Second), started.Add(faces.Enough))
		require.WithinRange(t, *found.VulnerabilitySourceUpdatedAt, said, said.Add(time.Minute-time.Millisecond))

		details, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		require.Nil(t, details.ImageDetails[0].ImageScanStatus)
		require.Nil(t, details.ImageDetails[0].ImageScanFindingsSummary)

		f.Registry.Advance(24 * time.Hour)
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(faces.Enough)
		out, err = faces.DescribeFindings(t, f, faces.DigestID(digest))
		require.NoError(t, err)
		require.Equal(t, []types.ImageScanFinding{faces.CVE(4, "CRITICAL")}, out.ImageScanFindings.Findings)
	})
}

func TestFindingsThatATestSays(t *testing.T) {
	scanned := func(t *testing.T, f faces.Face) *ecr.DescribeImageScanFindingsOutput {
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(faces.Enough)
		out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		return out
	}
	image := fakeecr.RandomImage(1, 4096)
	faces.Each(t, func(t *testing.T, f faces.Face) {
		t.Run("nothing is invented", func(t *testing.T) {
			f := f.Account("210987654321")
			f.Registry.MustPush("team/app:v1", image)
			f.Registry.SetEnhancedScanFindings("team/app:v1") // of another type
			out := scanned(t, f)
			require.EqualValues(t, "FAILED", out.ImageScanStatus.Status)
			require.Contains(t, *out.ImageScanStatus.Description, "SetScanFindings")
			require.Nil(t, out.ImageScanFindings)
		})
		t.Run("an image said to be clean", func(t *testing.T) {
			f := f.Account("210987654322")
			f.Registry.SetScanFindings("team/app:v1")
			f.Registry.MustPush("team/app:v1", image)
			out := scanned(t, f)
			require.EqualValues(t, "COMPLETE", out.ImageScanStatus.Status)
			require.Equal(t, []types.ImageScanFinding{}, out.ImageScanFindings.Findings)
			require.Equal(t, map[string]int32{}, out.ImageScanFindings.FindingSeverityCounts)
		})
		t.Run("findings without a severity", func(t *testing.T) {
			f := f.Account("210987654325")
			f.Registry.SetScanFindings("team/app:v1", faces.CVE(1, ""), faces.CVE(2, "UNDEFINED"))
			f.Registry.SetEnhancedScanFindings("team/app:v1", types.EnhancedImageScanFinding{})
			f.Registry.MustPush("team/app:v1", image)
			require.Equal(t, map[string]int32{"UNDEFINED": 2}, scanned(t, f).ImageScanFindings.FindingSeverityCounts)
			faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("SCAN_ON_PUSH", "*"))
			f.Registry.Advance(faces.Enough)
			out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
			require.NoError(t, err)
			require.Equal(t, map[string]int32{"UNTRIAGED": 1}, out.ImageScanFindings.FindingSeverityCounts)
		})
		t.Run("the digest counts before the tag", func(t *testing.T) {
			f := f.Account("210987654323")
			f.Registry.SetScanFindings("team/app:v1", faces.CVE(1, "LOW"))
			f.Registry.SetScanFindings("team/app@"+image.Digest(), faces.CVE(2, "LOW"))
			f.Registry.MustPush("team/app:v1", image)
			require.Equal(t, []types.ImageScanFinding{faces.CVE(2, "LOW")}, scanned(t, f).ImageScanFindings.Findings)
		})
		t.Run("the state shares no memory", func(t *testing.T) {
			f := f.Account("210987654324")
			finding := faces.CVE(1, "LOW")
			f.Registry.SetScanFindings("team/app:v1", finding)
			finding.Attributes[0].Key = aws.String("changed")
			f.Registry.MustPush("team/app:v1", image)
			out := scanned(t, f)
			*out.ImageScanFindings.Findings[0].Name = "changed"
			out.ImageScanFindings.FindingSeverityCounts["LOW"] = 7
			again, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
			require.NoError(t, err)
			require.Equal(t, []types.ImageScanFinding{faces.CVE(1, "LOW")}, again.ImageScanFindings.Findings)
			require.Equal(t, map[string]int32{"LOW": 1}, again.ImageScanFindings.FindingSeverityCounts)
		})
	})
}

func TestFindingsPages(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		var all []types.ImageScanFinding
		var enhanced []types.EnhancedImageScanFinding
		for i := range 250 {
			all = append(all, faces.CVE(i, "LOW"))
			enhanced = append(enhanced, types.EnhancedImageScanFinding{Title: aws.String(fmt.Sprint(i)), Severity: aws.String("LOW")})
		}
		f.Registry.SetScanFindings("team/app:v1", all...)
		f.Registry.SetEnhancedScanFindings("team/app:v1", enhanced...)
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(faces.Enough)

		pages := func(maxResults *int32) (basic []types.ImageScanFinding, enhanced []types.EnhancedImageScanFinding, sizes []int) {
			paginator := ecr.NewDescribeImageScanFindingsPaginator(f, &ecr.DescribeImageScanFindingsInput{
				RepositoryName: aws.String("team/app"), ImageId: faces.TagID("v1"), MaxResults: maxResults,
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
		first, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		f.Registry.MustPush("team/app:v2", fakeecr.RandomImage(2, 4096))
		_, err = f.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{
			RepositoryName: aws.String("team/app"), ImageId: faces.TagID("v2"), NextToken: first.NextToken,
		})
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")

		faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("CONTINUOUS_SCAN", "*"))
		f.Registry.Advance(faces.Enough)
		_, found, sizes := pages(aws.Int32(1000))
		require.Equal(t, enhanced, found)
		require.Equal(t, []int{100, 100, 50}, sizes, "ECR ignores maxResults for enhanced findings")
	})
}

func TestEnhancedFindings(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		f.Registry.MustPush("team/app:all", fakeecr.RandomIndex(2, "linux/amd64"))
		f.Registry.SetEnhancedScanFindings("team/app:v1", faces.EnhancedFinding())
		f.Registry.SetScanFindings("team/app:v1", faces.CVE(1, "LOW"))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(faces.Enough)
		faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("CONTINUOUS_SCAN", "team/*"))

		out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		pending := &types.ImageScanStatus{Status: "PENDING", Description: aws.String("Pending start of the image scan.")}
		require.Equal(t, pending, out.ImageScanStatus, "images from before are scanned as well")
		require.Equal(t, &types.ImageScanFindings{Findings: []types.ImageScanFinding{}, EnhancedFindings: []types.EnhancedImageScanFinding{}},
			out.ImageScanFindings, "what the basic scan found is of another type")

		f.Registry.Advance(faces.Enough)
		out, err = faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		require.Equal(t, &types.ImageScanStatus{Status: "ACTIVE", Description: aws.String("Continuous scan is selected for image.")}, out.ImageScanStatus)
		found := out.ImageScanFindings
		require.Equal(t, []types.EnhancedImageScanFinding{faces.EnhancedFinding()}, found.EnhancedFindings)
		require.Nil(t, found.Findings)
		require.Equal(t, map[string]int32{"CRITICAL": 1}, found.FindingSeverityCounts)

		detail := func() types.ImageDetail {
			details, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{*faces.TagID("v1")}})
			require.NoError(t, err)
			return details.ImageDetails[0]
		}
		require.Nil(t, detail().ImageScanStatus)
		require.Nil(t, detail().ImageScanFindingsSummary)
		faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("CONTINUOUS_SCAN", "team/*"))
		again, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		require.Equal(t, out.ImageScanStatus, again.ImageScanStatus, "enhanced scanning was on already")

		f.Registry.Advance(time.Hour)
		said := f.Registry.Now()
		f.Registry.SetEnhancedScanFindings("team/app:v1")
		out, err = faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		require.False(t, out.ImageScanFindings.ImageScanCompletedAt.Before(said))
		require.Equal(t, []types.EnhancedImageScanFinding{}, out.ImageScanFindings.EnhancedFindings, "it goes on scanning")
		require.Equal(t, map[string]int32{}, out.ImageScanFindings.FindingSeverityCounts)

		_, err = faces.DescribeFindings(t, f, faces.TagID("all"))
		var notFound *types.ScanNotFoundException
		require.ErrorAs(t, err, &notFound, "an index is not scanned")

		f.Registry.MustPush("team/app:v2", fakeecr.RandomImage(4, 4096))
		f.Registry.Advance(faces.Enough)
		out, err = faces.DescribeFindings(t, f, faces.TagID("v2"))
		require.NoError(t, err)
		require.EqualValues(t, "FAILED", out.ImageScanStatus.Status, "nothing is invented")

		faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("CONTINUOUS_SCAN", "other/*"))
		_, err = faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.ErrorAs(t, err, &notFound, "no rule covers the repository")

		faces.PutScanning(t, f, "BASIC")
		out, err = faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		require.Equal(t, []types.ImageScanFinding{faces.CVE(1, "LOW")}, out.ImageScanFindings.Findings)
	})
}

func TestEnhancedFindingsHaveTheGrainOfTheWire(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		finding := faces.EnhancedFinding()
		fine := finding.UpdatedAt.Add(789 * time.Nanosecond).In(time.FixedZone("", 3600))
		finding.UpdatedAt = &fine
		f.Registry.SetEnhancedScanFindings("team/app:v1", finding)
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("SCAN_ON_PUSH", "*"))
		f.Registry.Advance(faces.Enough)
		out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		require.Equal(t, []types.EnhancedImageScanFinding{faces.EnhancedFinding()}, out.ImageScanFindings.EnhancedFindings)
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
		prepare func(t *testing.T, f faces.Face)
		most    time.Duration
		fails   string
	}{
		{"completes", func(*testing.T, faces.Face) {}, time.Minute, ""},
		{"completes in the last poll", func(*testing.T, faces.Face) {}, 8010 * time.Millisecond, ""},
		{"a single poll", func(*testing.T, faces.Face) {}, 5 * time.Second, timeout},
		{"a poll too early", func(*testing.T, faces.Face) {}, 6 * time.Second, timeout},
		{"nothing is said", func(t *testing.T, f faces.Face) {
			f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(2, 4096))
			require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		}, time.Minute, "waiter state transitioned to Failure"},
		{"an enhanced scan on push completes", func(t *testing.T, f faces.Face) {
			faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("SCAN_ON_PUSH", "*"))
		}, time.Minute, ""},
		{"a continuous scan never completes", func(t *testing.T, f faces.Face) {
			faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("CONTINUOUS_SCAN", "*"))
		}, time.Minute, timeout},
	}
	for face, open := range map[string]func(*fakeecr.Registry) faces.Face{"direct": faces.Direct, "client": faces.Socketless} {
		for _, test := range tests {
			t.Run(face+"/"+test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := open(fakeecr.New(t))
					digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
					f.Registry.SetScanFindings("team/app@" + digest)
					f.Registry.SetEnhancedScanFindings("team/app@" + digest)
					require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
					test.prepare(t, f)
					began := time.Now()
					err := ecr.NewImageScanCompleteWaiter(f).Wait(t.Context(),
						&ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("team/app"), ImageId: faces.TagID("v1")}, test.most)
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
	faces.Each(t, func(t *testing.T, f faces.Face) {
		api.Store(f.Registry)
		scans.Store(0)
		image := fakeecr.RandomImage(1, 4096, 1<<20)
		f.Registry.MustPush("team/app:v1", image)
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(faces.Enough)
		for range 2 {
			out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
			require.NoError(t, err)
			require.EqualValues(t, "COMPLETE", out.ImageScanStatus.Status)
			require.Equal(t, []types.ImageScanFinding{{Name: aws.String("data"), Description: aws.String("1047040"), Severity: "INFORMATIONAL"}},
				out.ImageScanFindings.Findings)
			require.Equal(t, out.ImageScanFindings.ImageScanCompletedAt, out.ImageScanFindings.VulnerabilitySourceUpdatedAt)
		}
		require.EqualValues(t, 1, scans.Load(), "once for a scan")

		f.Registry.SetScanFindings("team/app:v1")
		f.Registry.Advance(24 * time.Hour)
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(faces.Enough)
		out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		require.Empty(t, out.ImageScanFindings.Findings, "what the test says counts")
		require.EqualValues(t, 1, scans.Load())

		f.Registry.MustPush("team/app:arm", fakeecr.RandomIndex(2, "linux/arm64").Images[0])
		require.NoError(t, faces.StartScan(t, f, faces.TagID("arm")))
		f.Registry.Advance(faces.Enough)
		out, err = faces.DescribeFindings(t, f, faces.TagID("arm"))
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
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(faces.Enough)
		out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
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
	faces.Each(t, func(t *testing.T, f faces.Face) {
		image := fakeecr.RandomImage(1, 4096, 100)
		f.Registry.MustPush("team/app:v1", image)
		faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("SCAN_ON_PUSH", "team"))
		f.Registry.Advance(faces.Enough)
		out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
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

		faces.PutScanning(t, f, "BASIC")
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(faces.Enough)
		out, err = faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		require.EqualValues(t, "FAILED", out.ImageScanStatus.Status, "this scanner knows nothing of basic scans")
	}, fakeecr.WithEnhancedScanner(scanner))
}

func TestFindingsInAFork(t *testing.T) {
	fixture := fakeecr.New(t)
	fixture.SetScanFindings("team/app:v1", faces.CVE(1, "LOW"))
	fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
	fork := fixture.Fork(t)
	fork.SetScanFindings("team/app:v1")
	for registry, findings := range map[*fakeecr.Registry][]types.ImageScanFinding{fixture: {faces.CVE(1, "LOW")}, fork: {}} {
		f := faces.Direct(registry)
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		registry.Advance(faces.Enough)
		out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		require.Equal(t, findings, out.ImageScanFindings.Findings)
	}
}

func TestSetScanFindingsOfNoImage(t *testing.T) {
	registry := fakeecr.New(faces.RefusedTB{})
	for _, reference := range []string{"team/app", "team/app:", "team/app@v1", "Team:v1", ":v1", "team/app:v1@sha256:ab", "team/app:" + strings.Repeat("v", 301)} {
		want := fmt.Sprintf("fakeecr: an image is team/app:v1 or team/app@sha256:…, not %q", reference)
		require.PanicsWithValue(t, want, func() { registry.SetScanFindings(reference) })
		require.PanicsWithValue(t, want, func() { registry.SetEnhancedScanFindings(reference) })
	}
}
