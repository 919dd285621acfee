package registry

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
)

// SetRepositoryPolicy refuses, unless forced, a policy under which the caller
// could not set the next one.
func (tx *Tx) SetRepositoryPolicy(_ context.Context, in *ecr.SetRepositoryPolicyInput) (*ecr.SetRepositoryPolicyOutput, error) {
	document, refused := tx.repositoryPolicy(*in.PolicyText)
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	switch {
	case err != nil:
		return nil, err
	case refused != nil:
		return nil, refused
	}
	repo.policy = document
	again := Access{Action: "ecr:SetRepositoryPolicy", Registry: repo.Place, Repository: repo.name, Resource: repo.arn}
	if !in.Force && tx.Authorize(again) != nil {
		return nil, policyLocksOut()
	}
	return &ecr.SetRepositoryPolicyOutput{
		PolicyText:     aws.String(document.String()),
		RegistryId:     aws.String(repo.Account),
		RepositoryName: aws.String(repo.name),
	}, nil
}

// GetRepositoryPolicy answers the text that SetRepositoryPolicy answered.
func (tx *Tx) GetRepositoryPolicy(_ context.Context, in *ecr.GetRepositoryPolicyInput) (*ecr.GetRepositoryPolicyOutput, error) {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	switch {
	case err != nil:
		return nil, err
	case repo.policy == nil:
		return nil, repositoryPolicyNotFound(repo)
	}
	return &ecr.GetRepositoryPolicyOutput{
		PolicyText:     aws.String(repo.policy.String()),
		RegistryId:     aws.String(repo.Account),
		RepositoryName: aws.String(repo.name),
	}, nil
}

// DeleteRepositoryPolicy answers the text that it deletes.
func (tx *Tx) DeleteRepositoryPolicy(_ context.Context, in *ecr.DeleteRepositoryPolicyInput) (*ecr.DeleteRepositoryPolicyOutput, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	switch {
	case err != nil:
		return nil, err
	case repo.policy == nil:
		return nil, repositoryPolicyNotFound(repo)
	}
	deleted := repo.policy
	repo.policy = nil
	return &ecr.DeleteRepositoryPolicyOutput{
		PolicyText:     aws.String(deleted.String()),
		RegistryId:     aws.String(repo.Account),
		RepositoryName: aws.String(repo.name),
	}, nil
}

// PutRegistryPolicy replaces the policy of the caller's registry.
func (tx *Tx) PutRegistryPolicy(_ context.Context, in *ecr.PutRegistryPolicyInput) (*ecr.PutRegistryPolicyOutput, error) {
	reg := tx.changeRegistry(tx.Place)
	document, err := tx.registryPolicy(*in.PolicyText, policy.Scope(reg.setting(registryPolicyScope)))
	if err != nil {
		return nil, err
	}
	reg.policy = document
	return &ecr.PutRegistryPolicyOutput{PolicyText: aws.String(document.String()), RegistryId: aws.String(reg.Account)}, nil
}

// GetRegistryPolicy answers the text that PutRegistryPolicy answered.
func (tx *Tx) GetRegistryPolicy(context.Context, *ecr.GetRegistryPolicyInput) (*ecr.GetRegistryPolicyOutput, error) {
	reg := tx.registry(tx.Place)
	if reg.policy == nil {
		return nil, registryPolicyNotFound(tx.Place)
	}
	return &ecr.GetRegistryPolicyOutput{PolicyText: aws.String(reg.policy.String()), RegistryId: aws.String(reg.Account)}, nil
}

// DeleteRegistryPolicy answers the text that it deletes.
func (tx *Tx) DeleteRegistryPolicy(context.Context, *ecr.DeleteRegistryPolicyInput) (*ecr.DeleteRegistryPolicyOutput, error) {
	reg := tx.changeRegistry(tx.Place)
	if reg.policy == nil {
		return nil, registryPolicyNotFound(tx.Place)
	}
	deleted := reg.policy
	reg.policy = nil
	return &ecr.DeleteRegistryPolicyOutput{PolicyText: aws.String(deleted.String()), RegistryId: aws.String(reg.Account)}, nil
}

// repositoryPolicy reads the policy of a repository.
func (tx *Tx) repositoryPolicy(text string) (*policy.Document, error) {
	document, err := policy.ParseRepository(text, naming.Partition(tx.Region))
	return tx.adoptPolicy(document, err)
}

func (tx *Tx) registryPolicy(text string, scope policy.Scope) (*policy.Document, error) {
	document, err := policy.ParseRegistry(text, naming.Partition(tx.Region), scope)
	return tx.adoptPolicy(document, err)
}

// adoptPolicy answers what is wrong with a policy that is to hold. From the first good one on, the
// world's calls are authorized.
func (tx *Tx) adoptPolicy(document *policy.Document, err error) (*policy.Document, error) {
	if err != nil {
		return nil, invalidParameter("PolicyText", err.Error())
	}
	for _, name := range document.Principals() {
		if !tx.principalExists(name) {
			return nil, principalNotFound()
		}
	}
	tx.World.hasPolicies.Store(true)
	return document, nil
}

// principalExists takes accounts, sessions and, unless the world was told which
// there are, users and roles for existing.
func (tx *Tx) principalExists(name string) bool {
	known, kind := tx.World.config.Principals, naming.KindOf(name)
	if known == nil || kind != naming.User && kind != naming.Role {
		return true
	}
	return known[name] || tx.read().principals.Has(name)
}

func repositoryPolicyNotFound(repo *repository) error {
	return &types.RepositoryPolicyNotFoundException{Message: text("Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", repo.name, repo.Account)}
}

func registryPolicyNotFound(place Place) error {
	return &types.RegistryPolicyNotFoundException{Message: text("Registry policy does not exist in the registry with id '%s'", place.Account)}
}

func principalNotFound() error { return invalidParameter("PolicyText", "Principal not found") }

// policyLocksOut is chosen.
func policyLocksOut() error {
	return invalidParameter("PolicyText", "The repository policy would prevent you from setting another policy in the future")
}
