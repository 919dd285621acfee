package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ecrActions are the operations of ECR, and the permissions that no operation goes by.
var ecrActions = lowerCase(
	"BatchImportUpstreamImage",
	"GetImageCopyStatus",
	"ReplicateImage",

	"BatchCheckLayerAvailability",
	"BatchDeleteImage",
	"BatchGetImage",
	"BatchGetRepositoryScanningConfiguration",
	"CompleteLayerUpload",
	"CreatePullThroughCacheRule",
	"CreateRepository",
	"CreateRepositoryCreationTemplate",
	"DeleteLifecyclePolicy",
	"DeletePullThroughCacheRule",
	"DeleteRegistryPolicy",
	"DeleteRepository",
	"DeleteRepositoryCreationTemplate",
	"DeleteRepositoryPolicy",
	"DeleteSigningConfiguration",
	"DeregisterPullTimeUpdateExclusion",
	"DescribeImageReplicationStatus",
	"DescribeImageScanFindings",
	"DescribeImageSigningStatus",
	"DescribeImages",
	"DescribePullThroughCacheRules",
	"DescribeRegistry",
	"DescribeReplicationBackfillResults",
	"DescribeRepositories",
	"DescribeRepositoryCreationTemplates",
	"GetAccountSetting",
	"GetAuthorizationToken",
	"GetDownloadUrlForLayer",
	"GetLifecyclePolicy",
	"GetLifecyclePolicyPreview",
	"GetRegistryPolicy",
	"GetRegistryScanningConfiguration",
	"GetRepositoryPolicy",
	"GetSigningConfiguration",
	"InitiateLayerUpload",
	"ListImageReferrers",
	"ListImages",
	"ListPullTimeUpdateExclusions",
	"ListReplicationBackfills",
	"ListTagsForResource",
	"PutAccountSetting",
	"PutImage",
	"PutImageScanningConfiguration",
	"PutImageTagMutability",
	"PutLifecyclePolicy",
	"PutRegistryPolicy",
	"PutRegistryScanningConfiguration",
	"PutReplicationConfiguration",
	"PutSigningConfiguration",
	"RegisterPullTimeUpdateExclusion",
	"SetRepositoryPolicy",
	"StartImageScan",
	"StartLifecyclePolicyPreview",
	"StartReplicationBackfill",
	"StopReplicationBackfill",
	"TagResource",
	"UntagResource",
	"UpdateImageStorageClass",
	"UpdatePullThroughCacheRule",
	"UpdateRepositoryCreationTemplate",
	"UploadLayerPart",
	"ValidatePullThroughCacheRule",
)

// v1Actions are all that a registry policy of scope V1 may speak of.
var v1Actions = lowerCase("ReplicateImage", "BatchImportUpstreamImage", "CreateRepository")

func lowerCase(names ...string) []string {
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
	return names
}

// checkECRAction accepts "*" and what is, or with wildcards matches, a permission of ECR.
func checkECRAction(action string) error {
	if action == "*" || slices.ContainsFunc(ecrActions, covers(action)) {
		return nil
	}
	return fmt.Errorf("%q is no action of ECR", action)
}

// checkV1Action accepts what matches nothing but the actions of scope V1.
func checkV1Action(action string) error {
	matches := covers(action)
	if !slices.ContainsFunc(v1Actions, matches) {
		return fmt.Errorf("%q is outside scope V1", action)
	}
	for _, name := range ecrActions {
		if matches(name) && !slices.Contains(v1Actions, name) {
			return fmt.Errorf("%q reaches outside scope V1", action)
		}
	}
	return nil
}

// covers returns a function that tells whether an action of a policy stands for a permission of ECR.
func covers(action string) func(name string) bool {
	pattern, ok := strings.CutPrefix(actionPattern(action), "ecr:")
	return func(name string) bool { return ok && match(pattern, name) }
}

// checkAnyAction accepts actions of every service, known or not, as IAM does in an identity policy.
func checkAnyAction(action string) error {
	service, name, _ := strings.Cut(action, ":")
	if action == "*" || service != "" && name != "" && only(service, alphabet+"-") && only(name, alphabet+"*?") {
		return nil
	}
	return errors.New(`an action is "*" or service:name`)
}

func actionPattern(action string) string {
	return wildcards.Replace(strings.ToLower(action))
}
