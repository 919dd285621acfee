// Package naming knows what AWS calls things: partitions, hosts and ARNs.
package naming

import (
	"regexp"
	"strings"
)

// Place is where a registry is: there is one in each region of each account.
type Place struct{ Account, Region string }

func (p Place) String() string { return p.Account + "/" + p.Region }

var regionPattern = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)

// IsRegion tells whether a name has the form of a region's.
func IsRegion(name string) bool { return regionPattern.MatchString(name) }

// partition is a part of AWS: what the names of its regions begin with and what
// those of its hosts end with.
type partition struct{ name, regions, domain string }

// partitions are those whose regions have names of their own; all others are in
// the first part, aws.
var partitions = []partition{
	{"aws-cn", "cn-", ".amazonaws.com.cn"},
	{"aws-us-gov", "us-gov-", ".amazonaws.com"},
	{"aws-eusc", "eusc-", ".amazonaws.eu"},
	{"aws-iso", "us-iso-", ".c2s.ic.gov"},
	{"aws-iso-b", "us-isob-", ".sc2s.sgov.gov"},
	{"aws-iso-e", "eu-isoe-", ".cloud.adc-e.uk"},
	{"aws-iso-f", "us-isof-", ".csp.hci.ic.gov"},
}

func partitionOf(region string) partition {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.regions) {
			return p
		}
	}
	return partition{name: "aws", domain: ".amazonaws.com"}
}

// Partition is the part of AWS that a region belongs to.
func Partition(region string) string { return partitionOf(region).name }
