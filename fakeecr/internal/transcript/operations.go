package transcript

// class is what an operation may change.
type class string

const (
	// reads changes nothing but the time of an image's last pull.
	reads class = "reads"
	// below changes what a name of a repository, a rule or a template names.
	below class = "below"
	// tags changes the tags of a repository that an ARN names.
	tags class = "tags"
	// settings changes what a whole registry has but once.
	settings class = "settings"
)

// operation is what a player has to know of one, to keep what it changes in bounds
// and to undo it.
type operation struct {
	class class
	// names is the member that names what is changed.
	names string
}

var (
	reading    = operation{class: reads}
	repository = operation{class: below, names: "repositoryName"}
	rule       = operation{class: below, names: "ecrRepositoryPrefix"}
	template   = operation{class: below, names: "prefix"}
	tagging    = operation{class: tags, names: "resourceArn"}
	setting    = operation{class: settings}
)

// operations are all of ECR.
var operations = map[string]operation{
	"CreateRepository": repository, "DeleteRepository": repository, "DescribeRepositories": reading,
	"PutImageTagMutability": repository, "PutImageScanningConfiguration": repository,
	"TagResource": tagging, "UntagResource": tagging, "ListTagsForResource": reading,

	"BatchCheckLayerAvailability": reading, "InitiateLayerUpload": repository, "UploadLayerPart": repository,
	"CompleteLayerUpload": repository, "GetDownloadUrlForLayer": reading,

	"PutImage": repository, "BatchGetImage": reading, "BatchDeleteImage": repository, "ListImages": reading,
	"DescribeImages": reading, "ListImageReferrers": reading, "UpdateImageStorageClass": repository,

	"SetRepositoryPolicy": repository, "GetRepositoryPolicy": reading, "DeleteRepositoryPolicy": repository,
	"PutRegistryPolicy": setting, "GetRegistryPolicy": reading, "DeleteRegistryPolicy": setting,

	"PutLifecyclePolicy": repository, "GetLifecyclePolicy": reading, "DeleteLifecyclePolicy": repository,
	"StartLifecyclePolicyPreview": repository, "GetLifecyclePolicyPreview": reading,

	"StartImageScan": repository, "DescribeImageScanFindings": reading,
	"GetRegistryScanningConfiguration": reading, "PutRegistryScanningConfiguration": setting,
	"BatchGetRepositoryScanningConfiguration": reading,

	"DescribeRegistry": reading, "PutReplicationConfiguration": setting, "DescribeImageReplicationStatus": reading,
	"StartReplicationBackfill": setting, "StopReplicationBackfill": setting,
	"ListReplicationBackfills": reading, "DescribeReplicationBackfillResults": reading,

	"CreatePullThroughCacheRule": rule, "DescribePullThroughCacheRules": reading, "UpdatePullThroughCacheRule": rule,
	"DeletePullThroughCacheRule": rule, "ValidatePullThroughCacheRule": reading,

	"CreateRepositoryCreationTemplate": template, "DescribeRepositoryCreationTemplates": reading,
	"UpdateRepositoryCreationTemplate": template, "DeleteRepositoryCreationTemplate": template,

	"PutSigningConfiguration": setting, "GetSigningConfiguration": reading, "DeleteSigningConfiguration": setting,
	"DescribeImageSigningStatus": reading,

	"GetAuthorizationToken": reading, "GetAccountSetting": reading, "PutAccountSetting": setting,
	"RegisterPullTimeUpdateExclusion": setting, "DeregisterPullTimeUpdateExclusion": setting,
	"ListPullTimeUpdateExclusions": reading,
}

// Operations is how many there are.
func Operations() int { return len(operations) }
