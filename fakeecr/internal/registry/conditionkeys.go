package registry

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	kind, name := kindOf(tx.Caller)
	switch key {
	case "aws:currenttime":
		return tx.Now().Format(time.RFC3339)
	case "aws:epochtime":
		return strconv.FormatInt(tx.Now().Unix(), 10)
	case "aws:principalaccount":
		return tx.Account
	case "aws:principalarn":
		return roleOf(tx.Caller)
	case "aws:principaltype":
		return kind
	case "aws:username":
		return name
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

// kindOf is the type of a principal as aws:PrincipalType says it, and a user's
// name.
func kindOf(arn string) (kind, user string) {
	switch {
	case strings.HasSuffix(arn, ":root"):
		return "Account", ""
	case strings.Contains(arn, ":user/"):
		return "User", arn[strings.LastIndexByte(arn, '/')+1:]
	case strings.Contains(arn, ":federated-user/"):
		return "FederatedUser", ""
	default:
		return "AssumedRole", ""
	}
}

// roleOf is the role behind a session, as aws:PrincipalArn has it, or else the
// principal itself. A session does not show the path of its role.
func roleOf(arn string) string {
	account, session, found := strings.Cut(arn, ":assumed-role/")
	if !found {
		return arn
	}
	role, _, _ := strings.Cut(session, "/")
	return strings.Replace(account, ":sts:", ":iam:", 1) + ":role/" + role
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
