package registry

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
)

// everywhere is the prefix that holds all repositories.
const everywhere = "ROOT"

// namespace is what a prefix stands for: a "/" at its end goes without saying.
func namespace(prefix string) string { return strings.TrimSuffix(prefix, "/") }

// namespaces is the namespaces that a repository is in, the longest first.
func namespaces(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			slash := strings.LastIndexByte(name, '/')
			if slash < 0 {
				yield(everywhere)
				return
			}
			name = name[:slash]
			if !yield(name) {
				return
			}
		}
	}
}

// template is the settings of repositories that ECR creates in a namespace. A
// published record never changes.
type template struct {
	prefix      string
	description *string
	appliedFor  []types.RCTAppliedFor
	mutability  mutability
	// encryption has the key as it was given, because KMS is asked only when a
	// repository is created.
	encryption encryption
	tags       []types.Tag
	// policy is nil without one, lifecycle is the text as it was given.
	policy    *policy.Document
	lifecycle string
	role      *string
	createdAt time.Time
	updatedAt time.Time
}

// template is the registry's template for a new repository, nil without one.
func (r *registryState) template(name string, purpose types.RCTAppliedFor) *template {
	for namespace := range namespaces(name) {
		if t, found := r.templates.Get(namespace); found && slices.Contains(t.appliedFor, purpose) {
			return t
		}
	}
	return nil
}

// lacksRole tells whether the template has settings that take a role, and none.
func (t *template) lacksRole() bool {
	return t.role == nil && (len(t.tags) > 0 || t.encryption.kind != types.EncryptionTypeAes256)
}

// apply gives a new repository the template's settings. ECR itself may neither
// tag a repository nor use a KMS key, only the template's role may.
func (t *template) apply(tx *Tx, repo *repository) error {
	var err error
	repo.mutability = t.mutability
	if repo.encryption, err = tx.grantKey(repo.Place, t.encryption); err != nil {
		return err
	}
	if t.role == nil && repo.encryption.kind != types.EncryptionTypeAes256 {
		return kmsException(KeyAccessDenied, kmsSentence(KeyAccessDenied, repo.encryption.key, templateRole(repo.Place), createGrant))
	}
	if t.role == nil && len(t.tags) > 0 {
		return templateRoleMissing(repo)
	}
	repo.policy = t.policy
	if t.lifecycle != "" {
		if err := tx.setLifecyclePolicy(repo, t.lifecycle); err != nil {
			return err
		}
	}
	return tx.addTags(repo, t.tags)
}

// creation is what whoever makes a repository by the template, or without one,
// needs permissions for, on the repository of another access.
func (t *template) creation(access Access) []Access {
	access.Action = "ecr:CreateRepository"
	if t == nil || len(t.tags) == 0 {
		return []Access{access}
	}
	access.Tags = t.tags
	for _, tag := range t.tags {
		access.TagKeys = append(access.TagKeys, *tag.Key)
	}
	return []Access{access, access.Tagging()}
}

func (t *template) output() *types.RepositoryCreationTemplate {
	out := &types.RepositoryCreationTemplate{
		AppliedFor:  slices.Clone(t.appliedFor),
		CreatedAt:   aws.Time(t.createdAt),
		Description: copied(t.description),
		EncryptionConfiguration: &types.EncryptionConfigurationForRepositoryCreationTemplate{
			EncryptionType: t.encryption.kind,
		},
		ImageTagMutability:                 t.mutability.mode,
		ImageTagMutabilityExclusionFilters: t.mutability.output(),
		Prefix:                             aws.String(t.prefix),
		ResourceTags:                       copyTags(t.tags),
		CustomRoleArn:                      copied(t.role),
		UpdatedAt:                          aws.Time(t.updatedAt),
	}
	if t.encryption.key != "" {
		out.EncryptionConfiguration.KmsKey = aws.String(t.encryption.key)
	}
	if t.policy != nil {
		out.RepositoryPolicy = aws.String(t.policy.String())
	}
	if t.lifecycle != "" {
		out.LifecyclePolicy = aws.String(t.lifecycle)
	}
	return out
}

// copied is a string that shares no memory with the state or with a caller.
func copied(s *string) *string {
	if s == nil {
		return nil
	}
	return aws.String(*s)
}

func copyTags(tags []types.Tag) []types.Tag {
	same := make([]types.Tag, len(tags))
	for i, tag := range tags {
		same[i] = types.Tag{Key: copied(tag.Key), Value: copied(tag.Value)}
	}
	return same
}

// CreateRepositoryCreationTemplate answers the new template with ECR's defaults:
// mutable tags, AES256.
func (tx *Tx) CreateRepositoryCreationTemplate(_ context.Context, in *ecr.CreateRepositoryCreationTemplateInput) (*ecr.CreateRepositoryCreationTemplateOutput, error) {
	reg := tx.changeRegistry(tx.Place)
	t := &template{
		prefix:     *in.Prefix,
		encryption: encryption{kind: types.EncryptionTypeAes256},
		createdAt:  tx.Now(),
	}
	err := t.update(tx, &ecr.UpdateRepositoryCreationTemplateInput{
		AppliedFor:                         in.AppliedFor,
		CustomRoleArn:                      in.CustomRoleArn,
		Description:                        in.Description,
		EncryptionConfiguration:            in.EncryptionConfiguration,
		ImageTagMutability:                 in.ImageTagMutability,
		ImageTagMutabilityExclusionFilters: in.ImageTagMutabilityExclusionFilters,
		LifecyclePolicy:                    in.LifecyclePolicy,
		RepositoryPolicy:                   in.RepositoryPolicy,
		ResourceTags:                       in.ResourceTags,
	})
	if err != nil {
		return nil, err
	}
	if reg.templates.Has(namespace(t.prefix)) {
		return nil, templateAlreadyExists(tx.Place, t.prefix)
	}
	if err := tx.within(RepositoryCreationTemplates, reg.templates.Len()+1); err != nil {
		return nil, err
	}
	reg.templates.Set(reg.generation, namespace(t.prefix), t)
	return &ecr.CreateRepositoryCreationTemplateOutput{
		RegistryId:                 aws.String(tx.Account),
		RepositoryCreationTemplate: t.output(),
	}, nil
}

// UpdateRepositoryCreationTemplate changes the settings that are given; an empty
// policy takes the old one away. Repositories that exist stay as they are.
func (tx *Tx) UpdateRepositoryCreationTemplate(_ context.Context, in *ecr.UpdateRepositoryCreationTemplateInput) (*ecr.UpdateRepositoryCreationTemplateOutput, error) {
	reg := tx.changeRegistry(tx.Place)
	before, found := reg.templates.Get(namespace(*in.Prefix))
	if !found {
		return nil, templateNotFound(tx.Place, *in.Prefix)
	}
	t := *before
	if err := t.update(tx, in); err != nil {
		return nil, err
	}
	reg.templates.Set(reg.generation, namespace(t.prefix), &t)
	return &ecr.UpdateRepositoryCreationTemplateOutput{
		RegistryId:                 aws.String(tx.Account),
		RepositoryCreationTemplate: t.output(),
	}, nil
}

// update checks and takes over the settings that an input gives.
func (t *template) update(tx *Tx, in *ecr.UpdateRepositoryCreationTemplateInput) error {
	t.updatedAt = tx.Now()
	if in.Description != nil {
		t.description = copied(in.Description)
	}
	if in.AppliedFor != nil {
		t.appliedFor = slices.Clone(in.AppliedFor)
	}
	if err := t.setEncryption(tx.Region, in.EncryptionConfiguration); err != nil {
		return err
	}
	if err := t.setTags(tx, in.ResourceTags); err != nil {
		return err
	}
	if err := t.setMutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters); err != nil {
		return err
	}
	if err := tx.setPolicies(t, in.RepositoryPolicy, in.LifecyclePolicy); err != nil {
		return err
	}
	return setRole(&t.role, tx.Place, in.CustomRoleArn)
}

func (t *template) setEncryption(region string, config *types.EncryptionConfigurationForRepositoryCreationTemplate) error {
	if config == nil {
		return nil
	}
	given := types.EncryptionConfiguration{EncryptionType: config.EncryptionType}
	if aws.ToString(config.KmsKey) != "" { // unlike elsewhere, a key may be empty here
		given.KmsKey = config.KmsKey
	}
	var err error
	t.encryption, err = newEncryption(region, &given)
	return err
}

func (t *template) setTags(tx *Tx, tags []types.Tag) error {
	switch most := tx.quota(TagsPerResource); {
	case tags == nil:
		return nil
	case !validTags(tags):
		return invalidParameter("resourceTags", "Tag parameters are invalid")
	case int64(len(tags)) > most:
		return tooManyTemplateTags(most)
	}
	t.tags = copyTags(tags)
	return nil
}

// setMutability keeps what is left out: filters, too, if the mode has any.
func (t *template) setMutability(mode types.ImageTagMutability, filters []types.ImageTagMutabilityExclusionFilter) error {
	if mode == "" {
		mode = t.mutability.mode
	}
	if filters == nil && strings.HasSuffix(string(mode), "_WITH_EXCLUSION") {
		filters = t.mutability.output()
	}
	var err error
	t.mutability, err = newMutability(mode, filters)
	return err
}

// setPolicies reads the policies as the operations on a repository do; an empty
// text takes the old one away.
func (tx *Tx) setPolicies(t *template, repository, expiry *string) (err error) {
	switch {
	case repository == nil:
	case *repository == "":
		t.policy = nil
	default:
		if t.policy, err = tx.repositoryPolicy(*repository); err != nil {
			return err
		}
	}
	if expiry == nil {
		return nil
	}
	t.lifecycle = *expiry
	if t.lifecycle != "" {
		_, err = parseLifecyclePolicy(t.lifecycle)
	}
	return err
}

// DeleteRepositoryCreationTemplate answers the template that it removes.
func (tx *Tx) DeleteRepositoryCreationTemplate(_ context.Context, in *ecr.DeleteRepositoryCreationTemplateInput) (*ecr.DeleteRepositoryCreationTemplateOutput, error) {
	reg := tx.changeRegistry(tx.Place)
	t, found := reg.templates.Get(namespace(*in.Prefix))
	if !found {
		return nil, templateNotFound(tx.Place, *in.Prefix)
	}
	reg.templates.Delete(reg.generation, namespace(t.prefix))
	return &ecr.DeleteRepositoryCreationTemplateOutput{
		RegistryId:                 aws.String(tx.Account),
		RepositoryCreationTemplate: t.output(),
	}, nil
}

// DescribeRepositoryCreationTemplates answers the templates, or those of some
// prefixes, by prefix. Prefixes without a template are left out.
func (tx *Tx) DescribeRepositoryCreationTemplates(_ context.Context, in *ecr.DescribeRepositoryCreationTemplatesInput) (*ecr.DescribeRepositoryCreationTemplatesOutput, error) {
	p, err := tx.newPage("DescribeRepositoryCreationTemplates", tx.Place.String(), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ecr.DescribeRepositoryCreationTemplatesOutput{
		RegistryId:                  aws.String(tx.Account),
		RepositoryCreationTemplates: []types.RepositoryCreationTemplate{},
	}
	for name, t := range tx.registry(tx.Place).templates.From(p.start) {
		if in.Prefixes != nil && !names(in.Prefixes, name) {
			continue
		}
		if p.full(len(out.RepositoryCreationTemplates)) {
			out.NextToken = p.next()
			break
		}
		out.RepositoryCreationTemplates = append(out.RepositoryCreationTemplates, *t.output())
		p.last = name
	}
	return out, nil
}

// names tells whether one of the prefixes stands for a namespace.
func names(prefixes []string, name string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return namespace(prefix) == name })
}

func templateNotFound(place Place, prefix string) error {
	return &types.TemplateNotFoundException{Message: text("The repository creation template with the prefix '%s' does not exist in the registry with id '%s'", prefix, place.Account)}
}

func templateAlreadyExists(place Place, prefix string) error {
	return &types.TemplateAlreadyExistsException{Message: text("The repository creation template with the prefix '%s' already exists in the registry with id '%s'", prefix, place.Account)}
}

// tooManyTemplateTags is chosen.
func tooManyTemplateTags(most int64) error {
	return invalidParameter("resourceTags", fmt.Sprintf("The resource cannot have more than %d tags", most))
}

// setRole takes over the role that an input gives; an empty one takes the old
// one away. ECR asks for a role of the registry's own account; the refusal is
// chosen.
func setRole(role **string, place Place, given *string) error {
	switch account, _ := naming.ParseRoleARN(aws.ToString(given)); {
	case given == nil:
	case *given == "":
		*role = nil
	case account != place.Account:
		return validationFailed(fmt.Sprintf("The custom role ARN '%s' is not valid. Specify a role in the same account as the registry and try again.", *given))
	default:
		*role = copied(given)
	}
	return nil
}

// templateRole is the role with which ECR makes a repository, if the template
// names none.
func templateRole(place Place) string {
	return naming.ServiceRoleARN(place, "ecr.amazonaws.com", "AWSServiceRoleForECRTemplate")
}

// templateRoleMissing is chosen: it is how AWS refuses a role what its policy
// does not allow.
func templateRoleMissing(repo *repository) error {
	return &smithy.GenericAPIError{
		Code: "AccessDeniedException",
		Message: fmt.Sprintf("User: %s is not authorized to perform: ecr:TagResource on resource: %s because no identity-based policy allows the ecr:TagResource action",
			templateRole(repo.Place), repo.arn),
		Fault: smithy.FaultClient,
	}
}
