package faces

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

// DescribeFindings asks for the findings of an image of App.
func DescribeFindings(t *testing.T, f Face, id *types.ImageIdentifier) (*ecr.DescribeImageScanFindingsOutput, error) {
	t.Helper()
	return f.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String(App), ImageId: id})
}

// CVE is a finding of the basic scan.
func CVE(number int, severity types.FindingSeverity) types.ImageScanFinding {
	return types.ImageScanFinding{
		Name: aws.String(fmt.Sprintf("CVE-2026-%d", number)), Severity: severity,
		Uri:        aws.String("https://example.com/cve"),
		Attributes: []types.Attribute{{Key: aws.String("package_name"), Value: aws.String("glibc")}},
	}
}

// EnhancedFinding is a finding of the enhanced scan.
func EnhancedFinding() types.EnhancedImageScanFinding {
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

// Enough is longer than a scan or a signature takes.
const Enough = 10 * time.Second

// ScanRule is a rule of the registry's scanning configuration.
func ScanRule(frequency types.ScanFrequency, filters ...string) types.RegistryScanningRule {
	rule := types.RegistryScanningRule{ScanFrequency: frequency, RepositoryFilters: []types.ScanningRepositoryFilter{}}
	for _, filter := range filters {
		rule.RepositoryFilters = append(rule.RepositoryFilters, types.ScanningRepositoryFilter{Filter: aws.String(filter), FilterType: "WILDCARD"})
	}
	return rule
}

// PutScanning sets how the registry scans.
func PutScanning(t *testing.T, f Face, kind types.ScanType, rules ...types.RegistryScanningRule) {
	t.Helper()
	_, err := f.PutRegistryScanningConfiguration(t.Context(), &ecr.PutRegistryScanningConfigurationInput{ScanType: kind, Rules: rules})
	require.NoError(t, err)
}

// StartScan starts a scan of an image of App.
func StartScan(t *testing.T, f Face, id *types.ImageIdentifier) error {
	t.Helper()
	_, err := f.StartImageScan(t.Context(), &ecr.StartImageScanInput{RepositoryName: aws.String(App), ImageId: id})
	return err
}
