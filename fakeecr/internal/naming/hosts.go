package naming

import (
	"regexp"
	"slices"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
)

// domain is what the names of a region's hosts end with.
func domain(region string) string { return partitionOf(region).domain }

// RegistryName begins the host of a registry's endpoint for images, whatever the
// domain.
func RegistryName(place Place) string { return place.Account + ".dkr.ecr." + place.Region }

// RegistryHost is the host of a registry's endpoint for images.
func RegistryHost(place Place) string { return RegistryName(place) + domain(place.Region) }

var registryURL = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr\.([a-z]{2,}(?:-[a-z]+)+-[0-9]+)\.amazonaws\.com`)

// RegistryAt is the registry of ECR that a URL of a pull-through cache rule stands
// for.
func RegistryAt(url string) (place Place, ok bool) {
	parts := registryURL.FindStringSubmatch(url)
	if parts == nil {
		return Place{}, false
	}
	place = Place{Account: parts[1], Region: parts[2]}
	return place, url == RegistryHost(place)
}

// APIHost is the host of the API in a region.
func APIHost(region string) string { return "api.ecr." + region + domain(region) }

// DownloadHost is the host of the download URLs in a region, where the registry
// has no server of its own.
func DownloadHost(region string) string {
	return "prod-" + region + "-starport-layer-bucket.s3." + region + domain(region)
}

// HostsIn are the names of ECR's hosts in a region, with a * for the account.
func HostsIn(region string) []string {
	return []string{"*.dkr.ecr." + region + domain(region), APIHost(region), DownloadHost(region)}
}

// Service is what answers under the name of a host.
type Service int

// The services that clients of ECR ask.
const (
	Unknown  Service = iota
	API              // ECR's API: api.ecr.REGION
	Registry         // a registry's endpoint for images: ACCOUNT.dkr.ecr.REGION
	Store            // downloads of layers
	STS              // Security Token Service: sts.REGION, or sts alone
	Public           // the API of ECR Public
)

// Host is what the name of a host says.
type Host struct {
	Service Service
	// Place is as much as the name says: a region, but for that of STS for its
	// whole partition, and an account if it is a registry's.
	Place Place
	// OfAWS tells whether the name is under a domain of AWS. That of a registry may
	// be under any, such as localhost.
	OfAWS bool
}

// OfECR tells whether the name is one of ECR's API or of its registries.
func (h Host) OfECR() bool { return h.OfAWS && (h.Service == API || h.Service == Registry) }

// domains are what the names of AWS end with, in all of its partitions and for
// IPv4 and both versions of IP.
var domains = []string{
	"amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "c2s.ic.gov", "sc2s.sgov.gov", "cloud.adc-e.uk", "csp.hci.ic.gov",
	"api.aws", "api.amazonwebservices.com.cn", "api.amazonwebservices.eu", "on.aws", "on.amazonwebservices.com.cn", "on.amazonwebservices.eu",
	"api.aws.ic.gov", "api.aws.scloud", "api.aws.hci.ic.gov", "api.cloud-aws.adc-e.uk",
}

// services are those that answer under names which begin so. The account stands
// before those of registries.
var services = []struct {
	prefix  string
	service Service
}{
	{"api.ecr.", API}, {"ecr.", API}, {"api.ecr-fips.", API}, {"ecr-fips.", API},
	{".dkr.ecr.", Registry}, {".dkr-ecr.", Registry}, {".dkr.ecr-fips.", Registry}, {".dkr-ecr-fips.", Registry},
	{"sts.", STS}, {"sts-fips.", STS}, {"api.ecr-public.", Public}, {"ecr-public.", Public},
}

// ParseHost is what the name of a host says, with its port or without, and the zero
// Host of a name that says nothing.
func ParseHost(host string) Host {
	name, _, _ := strings.Cut(host, ":")
	service, account, rest := parseService(strings.ToLower(name))
	if service == Unknown {
		return Host{}
	}
	if service == STS && slices.Contains(domains, rest) {
		return Host{Service: STS, OfAWS: true}
	}
	region, domain, more := strings.Cut(rest, ".")
	ofAWS := slices.Contains(domains, domain)
	if !isLabel(region) || !more || !ofAWS && service != Registry {
		return Host{}
	}
	return Host{Service: service, Place: Place{Account: account, Region: region}, OfAWS: ofAWS}
}

// parseService is the service that a name is of, and what follows: the region and
// the domain.
func parseService(name string) (service Service, account, rest string) {
	if bucket, rest, ok := strings.Cut(name, "-starport-layer-bucket.s3."); ok {
		if region, ok := strings.CutPrefix(bucket, "prod-"); ok && isLabel(region) {
			return Store, "", rest
		}
	}
	if len(name) > 12 && constraint.ValidRegistryID(name[:12]) {
		account, name = name[:12], name[12:]
	}
	for _, known := range services {
		if rest, ok := strings.CutPrefix(name, known.prefix); ok && (known.service == Registry) == (account != "") {
			return known.service, account, rest
		}
	}
	return Unknown, "", ""
}

func isLabel(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
