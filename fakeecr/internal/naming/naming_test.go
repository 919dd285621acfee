package naming

import (
	"strings"
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

func TestHosts(t *testing.T) {
	const account = "123456789012"
	for host, want := range map[string]Host{
		"api.ecr.us-east-1.amazonaws.com":                                 {API, Place{Region: "us-east-1"}, true},
		"API.ECR.us-east-1.amazonaws.com:443":                             {API, Place{Region: "us-east-1"}, true},
		"ecr.eu-west-1.api.aws":                                           {API, Place{Region: "eu-west-1"}, true},
		"ecr-fips.us-gov-west-1.amazonaws.com":                            {API, Place{Region: "us-gov-west-1"}, true},
		"api.ecr.cn-north-1.amazonaws.com.cn":                             {API, Place{Region: "cn-north-1"}, true},
		"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov":                   {Registry, Place{account, "us-iso-east-1"}, true},
		"123456789012.dkr-ecr.us-west-2.on.aws":                           {Registry, Place{account, "us-west-2"}, true},
		"123456789012.dkr-ecr-fips.us-east-1.on.aws":                      {Registry, Place{account, "us-east-1"}, true},
		"123456789012.dkr.ecr.us-east-1.localhost:4510":                   {Registry, Place{account, "us-east-1"}, false},
		"prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com": {Store, Place{Region: "us-east-1"}, true},
		"sts.amazonaws.com":                                               {STS, Place{}, true},
		"sts.us-east-1.amazonaws.com":                                     {STS, Place{Region: "us-east-1"}, true},
		"api.ecr-public.us-east-1.amazonaws.com":                          {Public, Place{Region: "us-east-1"}, true},
		"ecr-public.us-east-1.api.aws":                                    {Public, Place{Region: "us-east-1"}, true},

		"":                                                 {},
		"127.0.0.1:4510":                                   {},
		"api.ecr.us-east-1.localhost":                      {},
		"sts.us-east-1.localhost":                          {},
		"ecr-public.amazonaws.com":                         {},
		"ecr.amazonaws.com":                                {},
		"123456789012.dkr.ecr.us-east-1":                   {},
		"12345.dkr.ecr.us-east-1.amazonaws.com":            {},
		"123456789012.ecr.us-east-1.amazonaws.com":         {},
		".dkr.ecr.us-east-1.amazonaws.com":                 {},
		"api.ecr.us_east_1.amazonaws.com":                  {},
		"api.ecr.us-east-1.amazonaws.com.example.com":      {},
		"starport-layer-bucket.s3.us-east-1.amazonaws.com": {},
		"s3.us-east-1.amazonaws.com":                       {},
	} {
		require.Equal(t, want, ParseHost(host), host)
		require.Equal(t, want.OfAWS && (want.Service == API || want.Service == Registry), ParseHost(host).OfECR())
	}
	for _, region := range []string{"us-east-1", "cn-north-1", "eusc-de-east-1", "us-isof-south-1"} {
		place := Place{Account: account, Region: region}
		require.Equal(t, Host{API, Place{Region: region}, true}, ParseHost(APIHost(region)))
		require.Equal(t, Host{Registry, place, true}, ParseHost(RegistryHost(place)))
		require.Equal(t, Host{Store, Place{Region: region}, true}, ParseHost(DownloadHost(region)))
		require.True(t, strings.HasPrefix(RegistryHost(place), RegistryName(place)+"."))
	}
}
