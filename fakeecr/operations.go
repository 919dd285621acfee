package fakeecr

import (
	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

//go:generate go run ./internal/generate api_gen.go

// operations is the table of the operations, and the project's page of contents.
var operations = dispatch.NewTable(
	// Repositories
	dispatch.Of((*registry.Tx).CreateRepository),
	dispatch.Of((*registry.Tx).DeleteRepository),
	dispatch.Of((*registry.Tx).DescribeRepositories),
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
	dispatch.Of((*registry.Tx).GetAuthorizationToken),
)
