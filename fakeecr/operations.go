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
	// Account
	dispatch.Of((*registry.Tx).GetAccountSetting),
	dispatch.Of((*registry.Tx).GetAuthorizationToken),
	dispatch.Of((*registry.Tx).PutAccountSetting),
)
