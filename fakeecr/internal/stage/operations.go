package stage

import (
	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// Operations is the table of the operations, and the project's page of contents.
var Operations = dispatch.NewTable(
	// Repositories
	dispatch.Of((*registry.Tx).CreateRepository),
	dispatch.Of((*registry.Tx).DeleteRepository),
	dispatch.Of((*registry.Tx).DescribeRepositories),
	dispatch.Of((*registry.Tx).PutImageTagMutability),
	// Layers
	dispatch.Of((*registry.Tx).BatchCheckLayerAvailability),
	dispatch.Of((*registry.Tx).CompleteLayerUpload),
	dispatch.Of((*registry.Tx).GetDownloadUrlForLayer),
	dispatch.Of((*registry.Tx).InitiateLayerUpload),
	dispatch.Of((*registry.Tx).UploadLayerPart),
	// Images
	dispatch.Of((*registry.Tx).BatchDeleteImage),
	dispatch.Of((*registry.Tx).BatchGetImage),
	dispatch.Of((*registry.Tx).DescribeImages),
	dispatch.Of((*registry.Tx).ListImages),
	dispatch.Of((*registry.Tx).PutImage),
	// Replication
	dispatch.Of((*registry.Tx).DescribeImageReplicationStatus),
	dispatch.Of((*registry.Tx).DescribeRegistry),
	dispatch.Of((*registry.Tx).DescribeReplicationBackfillResults),
	dispatch.Of((*registry.Tx).ListReplicationBackfills),
	dispatch.Of((*registry.Tx).PutReplicationConfiguration),
	dispatch.Of((*registry.Tx).StartReplicationBackfill),
	dispatch.Of((*registry.Tx).StopReplicationBackfill),
	// Pull-through cache rules
	dispatch.Of((*registry.Tx).CreatePullThroughCacheRule),
	dispatch.Of((*registry.Tx).DeletePullThroughCacheRule),
	dispatch.Of((*registry.Tx).DescribePullThroughCacheRules),
	dispatch.Of((*registry.Tx).UpdatePullThroughCacheRule),
	dispatch.Of((*registry.Tx).ValidatePullThroughCacheRule),
	// Repository creation templates
	dispatch.Of((*registry.Tx).CreateRepositoryCreationTemplate),
	dispatch.Of((*registry.Tx).DeleteRepositoryCreationTemplate),
	dispatch.Of((*registry.Tx).DescribeRepositoryCreationTemplates),
	dispatch.Of((*registry.Tx).UpdateRepositoryCreationTemplate),
	// Scanning
	dispatch.Of((*registry.Tx).BatchGetRepositoryScanningConfiguration),
	dispatch.Of((*registry.Tx).DescribeImageScanFindings),
	dispatch.Of((*registry.Tx).GetRegistryScanningConfiguration),
	dispatch.Of((*registry.Tx).PutImageScanningConfiguration),
	dispatch.Of((*registry.Tx).PutRegistryScanningConfiguration),
	dispatch.Of((*registry.Tx).StartImageScan),
	// Signing
	dispatch.Of((*registry.Tx).DeleteSigningConfiguration),
	dispatch.Of((*registry.Tx).DescribeImageSigningStatus),
	dispatch.Of((*registry.Tx).GetSigningConfiguration),
	dispatch.Of((*registry.Tx).PutSigningConfiguration),
	// Pull-time update exclusions
	dispatch.Of((*registry.Tx).DeregisterPullTimeUpdateExclusion),
	dispatch.Of((*registry.Tx).ListPullTimeUpdateExclusions),
	dispatch.Of((*registry.Tx).RegisterPullTimeUpdateExclusion),
	// Policies
	dispatch.Of((*registry.Tx).DeleteRegistryPolicy),
	dispatch.Of((*registry.Tx).DeleteRepositoryPolicy),
	dispatch.Of((*registry.Tx).GetRegistryPolicy),
	dispatch.Of((*registry.Tx).GetRepositoryPolicy),
	dispatch.Of((*registry.Tx).PutRegistryPolicy),
	dispatch.Of((*registry.Tx).SetRepositoryPolicy),
	// Tags of repositories
	dispatch.Of((*registry.Tx).ListTagsForResource),
	dispatch.Of((*registry.Tx).TagResource),
	dispatch.Of((*registry.Tx).UntagResource),
	// Referrers
	dispatch.Of((*registry.Tx).ListImageReferrers),
	// Archive
	dispatch.Of((*registry.Tx).UpdateImageStorageClass),
	// Lifecycle policies
	dispatch.Of((*registry.Tx).DeleteLifecyclePolicy),
	dispatch.Of((*registry.Tx).GetLifecyclePolicy),
	dispatch.Of((*registry.Tx).GetLifecyclePolicyPreview),
	dispatch.Of((*registry.Tx).PutLifecyclePolicy),
	dispatch.Of((*registry.Tx).StartLifecyclePolicyPreview),
	// Account
	dispatch.Of((*registry.Tx).GetAccountSetting),
	dispatch.Of((*registry.Tx).GetAuthorizationToken),
	dispatch.Of((*registry.Tx).PutAccountSetting),
)
