package naming

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
)

// split takes an ARN apart: "arn", the partition, the service, the region, the account
// and the resource.
func split(arn string) (parts [6]string, ok bool) {
	for i := range 5 {
		if parts[i], arn, ok = strings.Cut(arn, ":"); !ok {
			return [6]string{}, false
		}
	}
	parts[5] = arn
	return parts, parts[0] == "arn"
}

// RepositoryARN is the ARN of a repository, whether it exists or not.
func RepositoryARN(place Place, name string) string {
	return "arn:" + Partition(place.Region) + ":ecr:" + place.Region + ":" + place.Account + ":repository/" + name
}

// ParseRepositoryARN is the repository that an ARN names, and its registry. Nothing
// else in ECR has tags.
func ParseRepositoryARN(arn string) (place Place, repository string, ok bool) {
	parts, ok := split(arn)
	if !ok || parts[2] != "ecr" {
		return Place{}, "", false
	}
	place = Place{Account: parts[4], Region: parts[3]}
	name, ok := strings.CutPrefix(parts[5], "repository/")
	ok = ok && parts[1] == Partition(place.Region) && constraint.ValidRegistryID(place.Account) && constraint.ValidRepositoryName(name)
	return place, name, ok
}

// RootARN is that of an account's root.
func RootARN(partition, account string) string {
	return "arn:" + partition + ":iam::" + account + ":root"
}

// UserARN is that of a user in a registry's account.
func UserARN(place Place, name string) string {
	return "arn:" + Partition(place.Region) + ":iam::" + place.Account + ":user/" + name
}

// ServiceRoleARN is that of the role by which a service of AWS acts in a registry's
// account.
func ServiceRoleARN(place Place, service, role string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/aws-service-role/%s/%s", Partition(place.Region), place.Account, service, role)
}

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/(?:[\x21-\x7e]+/)?[\w+=,.@-]{1,64}$`)

// ParseRoleARN is the account of a role.
func ParseRoleARN(arn string) (account string, ok bool) {
	parts := roleARN.FindStringSubmatch(arn)
	if parts == nil {
		return "", false
	}
	return parts[1], true
}

// SecretPrefix begins the ARNs of a registry's own secrets.
func SecretPrefix(place Place) string {
	return fmt.Sprintf("arn:%s:secretsmanager:%s:%s:secret:", Partition(place.Region), place.Region, place.Account)
}

// KMSPrefix begins the ARNs of a registry's own KMS keys.
func KMSPrefix(place Place) string {
	return fmt.Sprintf("arn:%s:kms:%s:%s:", Partition(place.Region), place.Region, place.Account)
}

var kmsKeyARN = regexp.MustCompile(`^arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:(key|alias)/.+$`)

// ParseKMSKeyARN is the region of the KMS key, or of the alias of one, that an ARN
// names.
func ParseKMSKeyARN(arn string) (region string, ok bool) {
	parts := kmsKeyARN.FindStringSubmatch(arn)
	if parts == nil {
		return "", false
	}
	return parts[1], true
}

var signingProfileARN = regexp.MustCompile(`^arn:aws(?:-[a-z]+)*:signer:([a-z0-9-]+):[0-9]{12}:/signing-profiles/[a-zA-Z0-9_]{2,}$`)

// ParseSigningProfileARN is the region of the profile of AWS Signer that an ARN names.
func ParseSigningProfileARN(arn string) (region string, ok bool) {
	parts := signingProfileARN.FindStringSubmatch(arn)
	if parts == nil {
		return "", false
	}
	return parts[1], true
}

var secretARN = regexp.MustCompile(`^arn:aws(-\w+)*:secretsmanager:[a-zA-Z0-9-:]+:secret:ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]+$`)

// IsCacheSecret tells whether an ARN is that of a secret for a pull-through cache, with
// ECR's prefix.
func IsCacheSecret(arn string) bool { return secretARN.MatchString(arn) }
