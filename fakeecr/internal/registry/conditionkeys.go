package registry

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// conditionKeys gives a policy's conditions what the fake knows of a call. Calls
// come from this machine and, as to ECR, over TLS, whichever way they came in.
// The keys are in lower case.
func (tx *Tx) conditionKeys(a *Access, repo *repository) func(key string) ([]string, bool) {
	return func(key string) ([]string, bool) {
		name, tag, tagged := strings.Cut(key, "/")
		switch {
		case tagged && (name == "aws:resourcetag" || name == "ecr:resourcetag"):
			return repo.tagValue(tag)
		case tagged && name == "aws:requesttag":
			return a.tagValue(tag)
		case key == "aws:tagkeys":
			return a.TagKeys, a.TagKeys != nil
		}
		value := tx.conditionValue(a, key)
		return []string{value}, value != ""
	}
}

// conditionValue is the value of a key that has one, or "".
func (tx *Tx) conditionValue(a *Access, key string) string {
	switch key {
	case "aws:currenttime":
		return tx.Now().Format(time.RFC3339)
	case "aws:epochtime":
		return strconv.FormatInt(tx.Now().Unix(), 10)
	case "aws:principalaccount":
		return tx.Account
	case "aws:principalarn":
		return naming.RoleOf(tx.Caller)
	case "aws:principaltype":
		return principalType(tx.Caller)
	case "aws:username":
		return userName(tx.Caller)
	case "aws:requestedregion":
		return tx.Region
	case "aws:resourceaccount":
		return a.Registry.Account
	case "aws:sourceip":
		return "127.0.0.1"
	case "aws:securetransport":
		return "true"
	case "aws:viaawsservice", "aws:principalisawsservice":
		return "false"
	default:
		return ""
	}
}

// principalType is what aws:PrincipalType says a caller is.
func principalType(caller string) string {
	switch naming.KindOf(caller) {
	case naming.Root:
		return "Account"
	case naming.User:
		return "User"
	case naming.FederatedUser:
		return "FederatedUser"
	default:
		return "AssumedRole"
	}
}

// userName is a caller's aws:username, "" for one that is no user.
func userName(caller string) string {
	if naming.KindOf(caller) != naming.User {
		return ""
	}
	return naming.NameOf(caller)
}

// tagValue is the value of a tag, whose key is matched as IAM does, without
// regard to case.
func (r *repository) tagValue(key string) ([]string, bool) {
	if r == nil {
		return nil, false
	}
	for k, value := range r.resourceTags.All() {
		if strings.EqualFold(k, key) {
			return []string{value}, true
		}
	}
	return nil, false
}

func (a *Access) tagValue(key string) ([]string, bool) {
	for _, tag := range a.Tags {
		if strings.EqualFold(aws.ToString(tag.Key), key) {
			return []string{aws.ToString(tag.Value)}, true
		}
	}
	return nil, false
}
