package registry_test

import (
	"slices"
	"strings"
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

func TestRegistryScanningConfiguration(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		get := func() *types.RegistryScanningConfiguration {
			out, err := f.GetRegistryScanningConfiguration(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, "123456789012", *out.RegistryId)
			return out.ScanningConfiguration
		}
		require.Equal(t, &types.RegistryScanningConfiguration{ScanType: "BASIC", Rules: []types.RegistryScanningRule{}}, get())

		rules := []types.RegistryScanningRule{faces.ScanRule("CONTINUOUS_SCAN", "prod-*", "team/app"), faces.ScanRule("SCAN_ON_PUSH")}
		want := &types.RegistryScanningConfiguration{ScanType: "ENHANCED", Rules: rules}
		put, err := f.PutRegistryScanningConfiguration(t.Context(), &ecr.PutRegistryScanningConfigurationInput{ScanType: "ENHANCED", Rules: rules})
		require.NoError(t, err)
		require.Equal(t, want, put.RegistryScanningConfiguration)
		require.Equal(t, want, get())
		neighbour, err := f.In("eu-west-1").GetRegistryScanningConfiguration(t.Context(), nil)
		require.NoError(t, err)
		require.EqualValues(t, "BASIC", neighbour.ScanningConfiguration.ScanType)

		t.Run("the state shares no memory", func(t *testing.T) {
			rules := []types.RegistryScanningRule{faces.ScanRule("SCAN_ON_PUSH", "a*")}
			faces.PutScanning(t, f, "BASIC", rules...)
			*rules[0].RepositoryFilters[0].Filter = "changed"
			*get().Rules[0].RepositoryFilters[0].Filter = "changed"
			require.Equal(t, "a*", *get().Rules[0].RepositoryFilters[0].Filter)
		})
	})
}

func TestRegistryScanningConfigurationRefusals(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		put := func(kind types.ScanType, rules ...types.RegistryScanningRule) error {
			_, err := f.PutRegistryScanningConfiguration(t.Context(), &ecr.PutRegistryScanningConfigurationInput{ScanType: kind, Rules: rules})
			return err
		}
		faces.RequireError[*types.InvalidParameterException](t, put("", faces.ScanRule("CONTINUOUS_SCAN", "*")),
			"Invalid parameter failed to satisfy constraint: 'Invalid scan frequency for scanType BASIC: CONTINUOUS_SCAN'")
		many := strings.Split(strings.Repeat("a ", 101), " ")[:101]
		faces.RequireError[*types.InvalidParameterException](t, put("BASIC", faces.ScanRule("SCAN_ON_PUSH", many...)),
			"Invalid parameter at 'rules.1.member.repositoryFilters' failed to satisfy constraint: 'Member must have length less than or equal to 100'")
		got, err := f.GetRegistryScanningConfiguration(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, got.ScanningConfiguration.Rules, "a refused configuration leaves no trace")
	})
}

func TestBatchGetRepositoryScanningConfiguration(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "prod")
		faces.Create(t, f, "flagged", scannedOnPush)
		get := func(names ...string) *ecr.BatchGetRepositoryScanningConfigurationOutput {
			out, err := f.BatchGetRepositoryScanningConfiguration(t.Context(), &ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: names})
			require.NoError(t, err)
			return out
		}
		item := func(name string, onPush bool, frequency types.ScanFrequency, filters ...string) types.RepositoryScanningConfiguration {
			return types.RepositoryScanningConfiguration{
				RepositoryArn:  aws.String("arn:aws:ecr:us-east-1:123456789012:repository/" + name),
				RepositoryName: aws.String(name), ScanOnPush: onPush, ScanFrequency: frequency,
				AppliedScanFilters: faces.ScanRule(frequency, filters...).RepositoryFilters,
			}
		}
		out := get("prod", "missing", "flagged")
		require.Equal(t, []types.RepositoryScanningConfiguration{item("prod", false, "MANUAL"), item("flagged", true, "MANUAL")}, out.ScanningConfigurations)
		require.Equal(t, []types.RepositoryScanningConfigurationFailure{{
			RepositoryName: aws.String("missing"), FailureCode: "REPOSITORY_NOT_FOUND", FailureReason: aws.String("REPOSITORY_NOT_FOUND"),
		}}, out.Failures)

		faces.PutScanning(t, f, "BASIC", faces.ScanRule("SCAN_ON_PUSH", "*", "pr*"))
		out = get("prod", "flagged")
		require.Equal(t, []types.RepositoryScanningConfiguration{
			item("prod", false, "SCAN_ON_PUSH", "pr*"), item("flagged", true, "SCAN_ON_PUSH", "*"),
		}, out.ScanningConfigurations, "the last filter that matches is the one applied, and the flag is the repository's own")
		require.Equal(t, []types.RepositoryScanningConfigurationFailure{}, out.Failures)

		faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("SCAN_ON_PUSH", "*"), faces.ScanRule("CONTINUOUS_SCAN", "prod"))
		require.Equal(t, []types.RepositoryScanningConfiguration{item("prod", false, "CONTINUOUS_SCAN", "prod"), item("flagged", true, "SCAN_ON_PUSH", "*")},
			get("prod", "flagged").ScanningConfigurations)

		faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("SCAN_ON_PUSH", "prod"))
		require.Equal(t, []types.RepositoryScanningConfiguration{item("flagged", true, "MANUAL")}, get("flagged").ScanningConfigurations,
			"the flag is shown, although enhanced scanning does not read it")
	})
}

// The names and filters are those of the user guide's table of filters.
func TestScanFilters(t *testing.T) {
	names := []string{"prod", "repo-prod", "prod-repo", "repo-prod-repo", "prodrepo"}
	for filter, matched := range map[string]string{
		"prod":      "prod repo-prod prod-repo repo-prod-repo prodrepo",
		"*prod":     "prod repo-prod",
		"prod*":     "prod prod-repo prodrepo",
		"*prod*":    "prod repo-prod prod-repo repo-prod-repo prodrepo",
		"prod*repo": "prod-repo prodrepo",
	} {
		t.Run(filter, func(t *testing.T) {
			f := faces.Direct(fakeecr.New(t))
			faces.PutScanning(t, f, "BASIC", faces.ScanRule("SCAN_ON_PUSH", filter))
			for _, name := range names {
				faces.Create(t, f, name)
			}
			out, err := f.BatchGetRepositoryScanningConfiguration(t.Context(), &ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: names})
			require.NoError(t, err)
			var got []string
			for _, of := range out.ScanningConfigurations {
				if of.ScanFrequency == types.ScanFrequencyScanOnPush {
					got = append(got, *of.RepositoryName)
				}
			}
			require.Equal(t, matched, strings.Join(got, " "))
		})
	}
}

func TestStartImageScan(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		f.Registry.SetScanFindings("team/app:v1")
		out, err := f.StartImageScan(t.Context(), &ecr.StartImageScanInput{RepositoryName: aws.String("team/app"), ImageId: faces.TagID("v1")})
		require.NoError(t, err)
		out.ResultMetadata = (&ecr.StartImageScanOutput{}).ResultMetadata
		require.Equal(t, &ecr.StartImageScanOutput{
			RegistryId: aws.String("123456789012"), RepositoryName: aws.String("team/app"),
			ImageId:         &types.ImageIdentifier{ImageDigest: &digest, ImageTag: aws.String("v1")},
			ImageScanStatus: &types.ImageScanStatus{Status: "IN_PROGRESS"},
		}, out)

		t.Run("an image pushed again has no scans", func(t *testing.T) {
			_, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{*faces.DigestID(digest)}})
			require.NoError(t, err)
			f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
			f.Registry.Advance(faces.Enough) // the end of the scan before passes it by
			_, err = faces.DescribeFindings(t, f, faces.TagID("v1"))
			faces.RequireError[*types.ScanNotFoundException](t, err, "Image scan does not exist for the image with "+
				"'{imageDigest:'null', imageTag:'v1'}' in the repository with name 'team/app' in the registry with id '123456789012'")
			require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		})
	})
}

func TestAnAttestationIsNotScanned(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		digest := f.Registry.MustPush("team/app", attestation())
		faces.RequireError[*types.UnsupportedImageTypeException](t, faces.StartScan(t, f, faces.DigestID(digest)),
			"An artifact with media type 'application/vnd.oci.image.config.v1+json' cannot be scanned. For more information, see the Amazon ECR documentation.")
	})
}

func TestScansOfAnArchivedImage(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		status := func() types.ScanStatus {
			out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
			require.NoError(t, err)
			shown := []types.ScanStatus{"COMPLETE", "ACTIVE", "PENDING"}
			require.Equal(t, slices.Contains(shown, out.ImageScanStatus.Status), out.ImageScanFindings != nil)
			return out.ImageScanStatus.Status
		}
		f.Registry.SetScanFindings("team/app:v1")
		f.Registry.SetEnhancedScanFindings("team/app:v1")
		digest := f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(faces.Enough)
		faces.UpdateStorage(t, f, digest, "ARCHIVE")
		faces.RequireError[*types.ImageArchivedException](t, faces.StartScan(t, f, faces.TagID("v1")), "The image with digest '"+digest+
			"' in the repository with name 'team/app' in the registry with id '123456789012' is archived. Restore it and try again.")
		require.EqualValues(t, "COMPLETE", status(), "what the scan found stays")

		faces.PutScanning(t, f, "BASIC", faces.ScanRule("SCAN_ON_PUSH", "*"))
		faces.UpdateStorage(t, f, digest, "STANDARD")
		f.Registry.Advance(20*time.Minute + faces.Enough)
		require.EqualValues(t, "COMPLETE", status(), "where the quota forbids another scan as well")

		faces.UpdateStorage(t, f, digest, "ARCHIVE")
		faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("CONTINUOUS_SCAN", "*"))
		f.Registry.Advance(faces.Enough)
		require.EqualValues(t, "IMAGE_ARCHIVED", status())

		faces.UpdateStorage(t, f, digest, "STANDARD")
		f.Registry.Advance(20 * time.Minute)
		require.EqualValues(t, "PENDING", status(), "a restored image is scanned like a new one")
		f.Registry.Advance(faces.Enough)
		require.EqualValues(t, "ACTIVE", status())
		faces.PutScanning(t, f, "BASIC", faces.ScanRule("SCAN_ON_PUSH", "*"))

		f.Registry.Advance(24 * time.Hour)
		faces.UpdateStorage(t, f, digest, "ARCHIVE")
		faces.UpdateStorage(t, f, digest, "STANDARD")
		f.Registry.Advance(20 * time.Minute)
		require.EqualValues(t, "IN_PROGRESS", status(), "a restored image is scanned like a new one")
	})
}

// attestation is what buildkit pushes beside an image: a container's config, and
// a layer that is a statement.
func attestation() fakeecr.Image {
	image := fakeecr.RandomImage(3, 100)
	manifest := strings.ReplaceAll(string(image.Manifest), "application/vnd.oci.image.layer.v1.tar", "application/vnd.in-toto+json")
	return fakeecr.Image{Manifest: []byte(manifest), MediaType: image.MediaType, Blobs: image.Blobs}
}

func TestScanQuotas(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 4096))
		f.Registry.MustPush("team/app:v2", fakeecr.RandomImage(2, 4096))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")), "the quota of an image is 2 here")
		const text = "The limit of 2 image scans in 24 hours has been exceeded"
		faces.RequireError[*types.LimitExceededException](t, faces.StartScan(t, f, faces.TagID("v2")), text)

		faces.Create(t, f, "scanned", scannedOnPush)
		f.Registry.MustPush("scanned:v1", fakeecr.RandomImage(1, 4096))
		out, err := f.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("scanned"), ImageId: faces.TagID("v1")})
		require.NoError(t, err, "the push succeeds without a scan")
		require.Equal(t, &types.ImageScanStatus{Status: "LIMIT_EXCEEDED", Description: aws.String(text)}, out.ImageScanStatus)
		require.Nil(t, out.ImageScanFindings)

		f.Registry.Advance(24 * time.Hour)
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v2")))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
	}, fakeecr.WithQuota(fakeecr.ScansPerDay, 2), fakeecr.WithQuota(fakeecr.ScansPerImagePerDay, 2))
}

func TestScansByTheClock(t *testing.T) {
	scan := func(t *testing.T, f faces.Face) types.ScanStatus {
		out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		return out.ImageScanStatus.Status
	}
	for name, open := range map[string]func(*fakeecr.Registry) faces.Face{"direct": faces.Direct, "client": faces.Socketless} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := open(fakeecr.New(t, fakeecr.WithQuota(fakeecr.ScansPerDay, 2)))
				f.Registry.SetScanFindings("team/app:v1")
				image := fakeecr.RandomImage(1, 4096)
				f.Registry.MustPush("team/app:v1", image)
				require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))

				// The scan of an image that goes is not that of the one that comes.
				time.Sleep(2 * time.Second)
				_, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: aws.String("team/app"), ImageIds: []types.ImageIdentifier{*faces.TagID("v1")}})
				require.NoError(t, err)
				f.Registry.MustPush("team/app:v1", image)
				require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
				time.Sleep(2 * time.Second)
				require.EqualValues(t, "IN_PROGRESS", scan(t, f))
				time.Sleep(time.Second)
				require.EqualValues(t, "COMPLETE", scan(t, f))

				// Both quotas count 24 hours, to the end.
				f.Registry.MustPush("team/app:v2", fakeecr.RandomImage(2, 4096))
				time.Sleep(24*time.Hour - 5*time.Second - time.Millisecond)
				faces.RequireError[*types.LimitExceededException](t, faces.StartScan(t, f, faces.TagID("v2")), "The limit of 2 image scans in 24 hours has been exceeded")
				time.Sleep(time.Millisecond)
				require.NoError(t, faces.StartScan(t, f, faces.TagID("v2")))
				time.Sleep(2*time.Second - time.Millisecond)
				faces.RequireError[*types.LimitExceededException](t, faces.StartScan(t, f, faces.TagID("v1")), "The scan quota per image has been exceeded. Wait and try again.")
				time.Sleep(time.Millisecond)
				require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
			})
		})
	}
}

func TestScanOnPush(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f, "flag", scannedOnPush)
		faces.Create(t, f, "team/rule")
		faces.Create(t, f, "neither")
		faces.PutScanning(t, f, "BASIC", faces.ScanRule("SCAN_ON_PUSH", "team/*"))
		for name, scanned := range map[string]bool{"flag": true, "team/rule": true, "neither": false} {
			f.Registry.SetScanFindings(name + ":v1")
			f.Registry.MustPush(name+":v1", fakeecr.RandomImage(1, 4096))
			describe := func() (*ecr.DescribeImageScanFindingsOutput, error) {
				return f.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String(name), ImageId: faces.TagID("v1")})
			}
			out, err := describe()
			if !scanned {
				faces.RequireError[*types.ScanNotFoundException](t, err, "Image scan does not exist for the image with "+
					"'{imageDigest:'null', imageTag:'v1'}' in the repository with name 'neither' in the registry with id '123456789012'")
				continue
			}
			require.NoError(t, err)
			require.EqualValues(t, "IN_PROGRESS", out.ImageScanStatus.Status)
			_, err = f.StartImageScan(t.Context(), &ecr.StartImageScanInput{RepositoryName: aws.String(name), ImageId: faces.TagID("v1")})
			faces.RequireError[*types.LimitExceededException](t, err, "The scan quota per image has been exceeded. Wait and try again.")
			f.Registry.Advance(faces.Enough)
			out, err = describe()
			require.NoError(t, err)
			require.EqualValues(t, "COMPLETE", out.ImageScanStatus.Status)
		}

		t.Run("not a basic one while scanning is enhanced", func(t *testing.T) {
			faces.PutScanning(t, f, "ENHANCED", faces.ScanRule("SCAN_ON_PUSH", "flag"))
			f.Registry.MustPush("flag:enhanced", fakeecr.RandomImage(4, 4096))
			faces.PutScanning(t, f, "BASIC", faces.ScanRule("SCAN_ON_PUSH", "team/*"))
			_, err := f.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("flag"), ImageId: faces.TagID("enhanced")})
			faces.RequireError[*types.ScanNotFoundException](t, err, "Image scan does not exist for the image with "+
				"'{imageDigest:'null', imageTag:'enhanced'}' in the repository with name 'flag' in the registry with id '123456789012'")
		})
		t.Run("of a replica where it arrives", func(t *testing.T) {
			replicateTo(t, f, destination("eu-west-1"))
			there := f.In("eu-west-1")
			faces.PutScanning(t, there, "BASIC", faces.ScanRule("SCAN_ON_PUSH", "*"))
			there.Registry.SetScanFindings("neither:v2")
			f.Registry.MustPush("neither:v2", fakeecr.RandomImage(5, 4096))
			f.Registry.Advance(2 * faces.Enough)
			out, err := there.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("neither"), ImageId: faces.TagID("v2")})
			require.NoError(t, err)
			require.EqualValues(t, "COMPLETE", out.ImageScanStatus.Status)
		})
		t.Run("not of an index nor an artifact", func(t *testing.T) {
			f.Registry.MustPush("flag:all", fakeecr.RandomIndex(2, "linux/amd64"))
			f.Registry.MustPush("flag:statement", attestation())
			for _, tag := range []string{"all", "statement"} {
				_, err := f.DescribeImageScanFindings(t.Context(), &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("flag"), ImageId: faces.TagID(tag)})
				var notFound *types.ScanNotFoundException
				require.ErrorAs(t, err, &notFound)
			}
		})
	})
}

func scannedOnPush(in *ecr.CreateRepositoryInput) {
	in.ImageScanningConfiguration = &types.ImageScanningConfiguration{ScanOnPush: true}
}
