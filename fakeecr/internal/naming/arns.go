package naming

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
)

// RepositoryARN is the ARN of a repository, whether it exists or not.
func RepositoryARN(place Place, name string) string {
	return "arn:" + Partition(place.Region) + ":ecr:" + place.Region + ":" + place.Account + ":repository/" + name
}

// ParseRepositoryARN is the repository that an ARN names, and its registry. Nothing
// else in ECR has tags.
func ParseRepositoryARN(arn string) (place Place, repository string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "ecr" {
		return Place{}, "", false
	}
	place = Place{Account: parts[4], Region: parts[3]}
	name, ok := strings.CutPrefix(parts[5], "repository/")
	ok = ok && parts[1] == Partition(place.Region) && constraint.ValidRegistryID(place.Account) && constraint.ValidRepositoryName(name)
	return place, name, ok
}

// RootARN is that of the root of a registry's account.
func RootARN(place Place) string {
	return fmt.Sprintf("arn:%s:iam::%s:root", Partition(place.Region), place.Account)
}

// ServiceRoleARN is that of the role by which a service of AWS acts in a registry's
// account.
func ServiceRoleARN(place Place, service, role string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/aws-service-role/%s/%s", Partition(place.Region), place.Account, service, role)
}

var roleARN = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::([0-9]{12}):role/(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,64})$`)

// ParseRoleARN is the account of a role, and what the ARN of its session with a name
// is, which does not show the role's path.
func ParseRoleARN(arn string) (account string, session func(name string) string, ok bool) {
	parts := roleARN.FindStringSubmatch(arn)
	if parts == nil {
		return "", nil, false
	}
	return parts[2], func(name string) string {
		return fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", parts[1], parts[2], parts[3], name)
	}, true
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
