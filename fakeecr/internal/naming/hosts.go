package naming

import "regexp"

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

// DownloadHost is the host of the download URLs in a region, where the registry
// has no server of its own.
func DownloadHost(region string) string {
	return "prod-" + region + "-starport-layer-bucket.s3." + region + domain(region)
}

// HostsOf are the names of ECR's hosts in a region, with a * for the account.
func HostsOf(region string) []string {
	return []string{"*.dkr.ecr." + region + domain(region), "api.ecr." + region + domain(region), DownloadHost(region)}
}
