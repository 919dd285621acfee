package naming

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesOfARegistry(t *testing.T) {
	for region, want := range map[string][]string{
		"us-east-1":     {"aws", "123456789012.dkr.ecr.us-east-1.amazonaws.com", "arn:aws:ecr:us-east-1:123456789012:repository/team/app"},
		"cn-north-1":    {"aws-cn", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "arn:aws-cn:ecr:cn-north-1:123456789012:repository/team/app"},
		"us-gov-west-1": {"aws-us-gov", "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/team/app"},
		"eusc-de-east-1": {
			"aws-eusc", "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "arn:aws-eusc:ecr:eusc-de-east-1:123456789012:repository/team/app",
		},
	} {
		place := Place{Account: "123456789012", Region: region}
		require.True(t, IsRegion(region))
		require.Equal(t, want, []string{Partition(region), RegistryHost(place), RepositoryARN(place, "team/app")})
		back, name, ok := ParseRepositoryARN(want[2])
		require.True(t, ok)
		require.Equal(t, place, back)
		require.Equal(t, "team/app", name)
	}
}

func TestWhatIsNoName(t *testing.T) {
	for _, arn := range []string{
		"", "team/app", "arn:aws:ecr:us-east-1:123456789012", "arn:aws:s3:us-east-1:123456789012:repository/team/app",
		"arn:aws-cn:ecr:us-east-1:123456789012:repository/team/app", "arn:aws:ecr:us-east-1:1234:repository/team/app",
		"arn:aws:ecr:us-east-1:123456789012:repository/", "arn:aws:ecr:us-east-1:123456789012:image/team/app",
	} {
		_, _, ok := ParseRepositoryARN(arn)
		require.False(t, ok, arn)
	}
	for _, url := range []string{"", "quay.io", "123456789012.dkr.ecr.cn-north-1.amazonaws.com", "123456789012.dkr.ecr.us-east-1.amazonaws.com/team"} {
		_, ok := RegistryAt(url)
		require.False(t, ok, url)
	}
	place, ok := RegistryAt("123456789012.dkr.ecr.eu-west-1.amazonaws.com")
	require.True(t, ok)
	require.Equal(t, Place{Account: "123456789012", Region: "eu-west-1"}, place)
	for arn, want := range map[string]string{
		"arn:aws:kms:eu-west-1:123456789012:key/1234abcd": "eu-west-1", "arn:aws:kms:eu-west-1:123456789012:alias/team": "eu-west-1",
		"arn:aws:kms:eu-west-1:123456789012:grant/1": "", "1234abcd": "",
	} {
		region, ok := ParseKMSKeyARN(arn)
		require.Equal(t, want, region)
		require.Equal(t, want != "", ok)
	}
}
