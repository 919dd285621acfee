package registry

import (
	"net"
	"net/netip"
	"strings"
)

// partitionOfAWS is a part of AWS: what the names of its regions begin with and what
// those of its hosts end with.
type partitionOfAWS struct{ name, regions, domain string }

// partitions are those whose regions have names of their own; all others are in
// the first part, aws.
var partitions = []partitionOfAWS{
	{"aws-cn", "cn-", ".amazonaws.com.cn"},
	{"aws-us-gov", "us-gov-", ".amazonaws.com"},
	{"aws-eusc", "eusc-", ".amazonaws.eu"},
	{"aws-iso", "us-iso-", ".c2s.ic.gov"},
	{"aws-iso-b", "us-isob-", ".sc2s.sgov.gov"},
	{"aws-iso-e", "eu-isoe-", ".cloud.adc-e.uk"},
	{"aws-iso-f", "us-isof-", ".csp.hci.ic.gov"},
}

func partitionOf(region string) partitionOfAWS {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.regions) {
			return p
		}
	}
	return partitionOfAWS{name: "aws", domain: ".amazonaws.com"}
}

// partition is the part of AWS that a region belongs to.
func partition(region string) string { return partitionOf(region).name }

// domain is what the names of a region's hosts end with.
func domain(region string) string { return partitionOf(region).domain }

// registryName begins the host of a registry's endpoint for images, whatever the
// domain.
func registryName(key Key) string { return key.Account + ".dkr.ecr." + key.Region }

// registryHost is the host of a registry's endpoint for images.
func registryHost(key Key) string { return registryName(key) + domain(key.Region) }

// DownloadHost is the host of the download URLs in a region, where the registry
// has no server of its own.
func DownloadHost(region string) string {
	return "prod-" + region + "-starport-layer-bucket.s3." + region + domain(region)
}

// HostsOf are the names of ECR's hosts in a region, with a * for the account.
func HostsOf(region string) []string {
	return []string{"*.dkr.ecr." + region + domain(region), "api.ecr." + region + domain(region), DownloadHost(region)}
}

// endpoint is where the caller finds a registry's endpoint for images: at ECR's
// name or, if the world says so, where the call came to. A token tells the caller's
// own registry from the neighbours that others call there; for that of another
// account, which the same token opens, the host has to.
func (tx *Tx) endpoint(key Key) (scheme, host string) {
	if !tx.World.config.ReachableURIs || tx.Origin == "" {
		return "https", registryHost(key)
	}
	scheme, host, _ = strings.Cut(tx.Origin, "://")
	if key != tx.Key {
		host = registryName(key) + "." + domainAt(strings.TrimPrefix(host, registryName(tx.Key)+"."))
	}
	return scheme, host
}

// uri is a repository's.
func (tx *Tx) uri(repo *repository) string {
	if !tx.World.config.ReachableURIs {
		return repo.uri
	}
	_, host := tx.endpoint(repo.Key)
	return host + "/" + repo.name
}

// domainAt is a domain that leads to where a host leads: the names under localhost
// are those of the machine.
func domainAt(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err != nil {
		return host
	}
	if port == "" {
		return "localhost"
	}
	return net.JoinHostPort("localhost", port)
}
