package registry

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// cacheRule is a pull-through cache rule. A published record never changes.
type cacheRule struct {
	prefix   string
	upstream types.UpstreamRegistry
	url      string
	// upstreamPrefix, credential and role are nil without one.
	upstreamPrefix *string
	credential     *string
	role           *string
	createdAt      time.Time
	updatedAt      time.Time
}

// upstreamURLs are those that are the same for all who use them.
var upstreamURLs = map[string]types.UpstreamRegistry{
	"public.ecr.aws":       types.UpstreamRegistryEcrPublic,
	"registry.k8s.io":      types.UpstreamRegistryK8s,
	"quay.io":              types.UpstreamRegistryQuay,
	"registry-1.docker.io": types.UpstreamRegistryDockerHub,
	"ghcr.io":              types.UpstreamRegistryGitHubContainerRegistry,
	"registry.gitlab.com":  types.UpstreamRegistryGitLabContainerRegistry,
	"cgr.dev":              types.UpstreamRegistryChainguard,
}

var (
	azureURL = regexp.MustCompile(`^[a-zA-Z0-9-]+\.azurecr\.io$`)
)

// UpstreamOf is the kind of registry that a rule's URL stands for.
func UpstreamOf(url string) (kind types.UpstreamRegistry, ok bool) {
	if azureURL.MatchString(url) {
		return types.UpstreamRegistryAzureContainerRegistry, true
	}
	if _, isECR := naming.RegistryAt(url); isECR {
		return types.UpstreamRegistryEcr, true
	}
	kind, ok = upstreamURLs[url]
	return kind, ok
}

// isOpen tells whether a kind of registry asks for no credentials.
func isOpen(kind types.UpstreamRegistry) bool {
	return kind == types.UpstreamRegistryEcrPublic || kind == types.UpstreamRegistryK8s || kind == types.UpstreamRegistryQuay
}

// puller is who asks the registry of a neighbour: the rule's role, or else the one
// that ECR has in each account.
func (r *cacheRule) puller(place Place) string {
	return *orDefault(r.role, cacheRole(place))
}

// cacheRole is the role by which ECR pulls, and pushes what it pulled, in an account.
func cacheRole(place Place) string {
	return naming.ServiceRoleARN(place, "pullthroughcache.ecr.amazonaws.com", "AWSServiceRoleForECRPullThroughCache")
}

// cacheRule is the registry's rule for a repository, nil without one.
func (r *registryState) cacheRule(name string) *cacheRule {
	if r.cacheRules.Len() == 0 {
		return nil
	}
	for namespace := range namespaces(name) {
		if rule, found := r.cacheRules.Get(namespace); found {
			return rule
		}
	}
	return nil
}

// upstreamName is what upstream calls the repository of a name under the rule.
func (r *cacheRule) upstreamName(name string) string {
	if r.prefix != everywhere {
		name = strings.TrimPrefix(name, namespace(r.prefix)+"/")
	}
	if upstream := *orDefault(r.upstreamPrefix, everywhere); upstream != everywhere {
		name = namespace(upstream) + "/" + name
	}
	return name
}

func (r *cacheRule) output(place Place) *types.PullThroughCacheRule {
	return &types.PullThroughCacheRule{
		CreatedAt:                aws.Time(r.createdAt),
		CredentialArn:            copied(r.credential),
		CustomRoleArn:            copied(r.role),
		EcrRepositoryPrefix:      aws.String(r.prefix),
		RegistryId:               aws.String(place.Account),
		UpdatedAt:                aws.Time(r.updatedAt),
		UpstreamRegistry:         r.upstream,
		UpstreamRegistryUrl:      aws.String(r.url),
		UpstreamRepositoryPrefix: copied(r.upstreamPrefix),
	}
}

// CreatePullThroughCacheRule answers the new rule. Its registry is of the kind
// that the URL says.
func (tx *Tx) CreatePullThroughCacheRule(_ context.Context, in *ecr.CreatePullThroughCacheRuleInput) (*ecr.CreatePullThroughCacheRuleOutput, error) {
	reg := tx.changeRegistry(tx.target(in.RegistryId))
	rule := &cacheRule{
		prefix:         *in.EcrRepositoryPrefix,
		url:            *in.UpstreamRegistryUrl,
		upstreamPrefix: copied(in.UpstreamRepositoryPrefix),
		createdAt:      tx.Now(),
	}
	var known bool
	if rule.upstream, known = UpstreamOf(rule.url); !known {
		return nil, upstreamURLInvalid(rule.url)
	}
	// ECR takes any name for a registry that is open.
	if in.UpstreamRegistry != "" && in.UpstreamRegistry != rule.upstream && !isOpen(rule.upstream) {
		return nil, upstreamRegistryDoesNotMatch()
	}
	if rule.prefix == everywhere && *orDefault(rule.upstreamPrefix, everywhere) != everywhere {
		return nil, upstreamPrefixIsNotRoot()
	}
	if err := rule.update(tx, reg.Place, in.CredentialArn, in.CustomRoleArn); err != nil {
		return nil, err
	}
	if reg.cacheRules.Has(namespace(rule.prefix)) {
		return nil, cacheRuleAlreadyExists(reg.Place, rule.prefix)
	}
	if err := tx.within(PullThroughCacheRules, reg.cacheRules.Len()+1); err != nil {
		return nil, err
	}
	reg.cacheRules.Set(reg.generation, namespace(rule.prefix), rule)
	out := rule.output(reg.Place)
	return &ecr.CreatePullThroughCacheRuleOutput{
		CreatedAt:                out.CreatedAt,
		CredentialArn:            out.CredentialArn,
		CustomRoleArn:            out.CustomRoleArn,
		EcrRepositoryPrefix:      out.EcrRepositoryPrefix,
		RegistryId:               out.RegistryId,
		UpstreamRegistry:         out.UpstreamRegistry,
		UpstreamRegistryUrl:      out.UpstreamRegistryUrl,
		UpstreamRepositoryPrefix: out.UpstreamRepositoryPrefix,
	}, nil
}

// update checks and takes over the credentials that an input gives.
func (r *cacheRule) update(tx *Tx, place Place, credential, role *string) error {
	r.updatedAt = tx.Now()
	if err := setRole(&r.role, place, role); err != nil {
		return err
	}
	if credential != nil {
		r.credential = copied(credential)
	}
	source, isECR := naming.RegistryAt(r.url)
	switch {
	case isECR && source == place:
		return upstreamIsCache()
	case isOpen(r.upstream) && r.credential != nil:
		return upstreamNeedsNoCredentials()
	case isECR && r.credential != nil, !isECR && r.role != nil:
		return upstreamCredentialsDoNotMatch()
	case !isECR && !isOpen(r.upstream) && r.credential == nil:
		return upstreamNeedsCredentials()
	case credential == nil:
		return nil
	case !strings.HasPrefix(*credential, naming.SecretPrefix(place)):
		return secretElsewhere()
	}
	return tx.readSecret(*credential)
}

// UpdatePullThroughCacheRule changes the credentials or the role of a rule; what
// is left out stays.
func (tx *Tx) UpdatePullThroughCacheRule(_ context.Context, in *ecr.UpdatePullThroughCacheRuleInput) (*ecr.UpdatePullThroughCacheRuleOutput, error) {
	reg := tx.changeRegistry(tx.target(in.RegistryId))
	before, err := reg.mustRule(*in.EcrRepositoryPrefix)
	if err != nil {
		return nil, err
	}
	if in.CredentialArn == nil && in.CustomRoleArn == nil {
		return nil, nothingToUpdate()
	}
	rule := *before
	if err := rule.update(tx, reg.Place, in.CredentialArn, in.CustomRoleArn); err != nil {
		return nil, err
	}
	reg.cacheRules.Set(reg.generation, namespace(rule.prefix), &rule)
	out := rule.output(reg.Place)
	return &ecr.UpdatePullThroughCacheRuleOutput{
		CredentialArn:            out.CredentialArn,
		CustomRoleArn:            out.CustomRoleArn,
		EcrRepositoryPrefix:      out.EcrRepositoryPrefix,
		RegistryId:               out.RegistryId,
		UpdatedAt:                out.UpdatedAt,
		UpstreamRepositoryPrefix: out.UpstreamRepositoryPrefix,
	}, nil
}

// mustRule is the rule of a prefix.
func (r *registryState) mustRule(prefix string) (*cacheRule, error) {
	rule, found := r.cacheRules.Get(namespace(prefix))
	if !found {
		return nil, cacheRuleNotFound(r.Place, prefix)
	}
	return rule, nil
}

// DeletePullThroughCacheRule answers the rule that it removes. What was pulled
// stays.
func (tx *Tx) DeletePullThroughCacheRule(_ context.Context, in *ecr.DeletePullThroughCacheRuleInput) (*ecr.DeletePullThroughCacheRuleOutput, error) {
	reg := tx.changeRegistry(tx.target(in.RegistryId))
	rule, err := reg.mustRule(*in.EcrRepositoryPrefix)
	if err != nil {
		return nil, err
	}
	reg.cacheRules.Delete(reg.generation, namespace(rule.prefix))
	out := rule.output(reg.Place)
	return &ecr.DeletePullThroughCacheRuleOutput{
		CreatedAt:                out.CreatedAt,
		CredentialArn:            out.CredentialArn,
		CustomRoleArn:            out.CustomRoleArn,
		EcrRepositoryPrefix:      out.EcrRepositoryPrefix,
		RegistryId:               out.RegistryId,
		UpstreamRegistryUrl:      out.UpstreamRegistryUrl,
		UpstreamRepositoryPrefix: out.UpstreamRepositoryPrefix,
	}, nil
}

// DescribePullThroughCacheRules answers the rules, or those of some prefixes, by
// prefix. One prefix without a rule fails the call.
func (tx *Tx) DescribePullThroughCacheRules(_ context.Context, in *ecr.DescribePullThroughCacheRulesInput) (*ecr.DescribePullThroughCacheRulesOutput, error) {
	reg := tx.registry(tx.target(in.RegistryId))
	p, err := tx.newPage("DescribePullThroughCacheRules", reg.Place.String(), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	for _, prefix := range in.EcrRepositoryPrefixes {
		if _, err := reg.mustRule(prefix); err != nil {
			return nil, err
		}
	}
	out := &ecr.DescribePullThroughCacheRulesOutput{PullThroughCacheRules: []types.PullThroughCacheRule{}}
	for name, rule := range reg.cacheRules.From(p.start) {
		if in.EcrRepositoryPrefixes != nil && !names(in.EcrRepositoryPrefixes, name) {
			continue
		}
		if p.full(len(out.PullThroughCacheRules)) {
			out.NextToken = p.next()
			break
		}
		out.PullThroughCacheRules = append(out.PullThroughCacheRules, *rule.output(reg.Place))
		p.last = name
	}
	return out, nil
}

// ValidatePullThroughCacheRule tells whether a pull by the rule would reach
// upstream: its secret is readable, its role is there if it needs one, and there
// is an upstream.
func (tx *Tx) ValidatePullThroughCacheRule(_ context.Context, in *ecr.ValidatePullThroughCacheRuleInput) (*ecr.ValidatePullThroughCacheRuleOutput, error) {
	reg := tx.registry(tx.target(in.RegistryId))
	rule, err := reg.mustRule(*in.EcrRepositoryPrefix)
	if err != nil {
		return nil, err
	}
	described := rule.output(reg.Place)
	out := &ecr.ValidatePullThroughCacheRuleOutput{
		CredentialArn:            described.CredentialArn,
		CustomRoleArn:            described.CustomRoleArn,
		EcrRepositoryPrefix:      described.EcrRepositoryPrefix,
		IsValid:                  true,
		RegistryId:               described.RegistryId,
		UpstreamRegistryUrl:      described.UpstreamRegistryUrl,
		UpstreamRepositoryPrefix: described.UpstreamRepositoryPrefix,
	}
	if _, err := tx.upstream(reg.Place, rule); err != nil {
		out.IsValid, out.Failure = false, aws.String(sentence(err))
	}
	return out, nil
}

func cacheRuleNotFound(place Place, prefix string) error {
	return &types.PullThroughCacheRuleNotFoundException{Message: text("The pull through cache rule with Amazon ECR repository prefix '%s' does not exist in the registry with id '%s'", prefix, place.Account)}
}

func cacheRuleAlreadyExists(place Place, prefix string) error {
	return &types.PullThroughCacheRuleAlreadyExistsException{Message: text("The pull through cache rule with Amazon ECR repository prefix '%s' already exists in the registry with id '%s'", prefix, place.Account)}
}

func nothingToUpdate() error {
	return &types.InvalidParameterException{Message: aws.String("Invalid input: Please set either credential arn or role arn to update the credentials")}
}

func upstreamNeedsCredentials() error {
	return &types.UnsupportedUpstreamRegistryException{Message: aws.String("The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN containing the upstream registry credentials and try again.")}
}

// upstreamURLInvalid has a recorded text; its code is chosen.
func upstreamURLInvalid(url string) error {
	return &types.UnsupportedUpstreamRegistryException{Message: text("The upstream registry URL %s is invalid. Specify a valid upstream registry URL and try again", url)}
}

// upstreamRegistryDoesNotMatch has a recorded text; its code is chosen.
func upstreamRegistryDoesNotMatch() error {
	return validationFailed("Invalid input: Upstream registry URL and entered upstream registry do not match. Please verify input and try again.")
}

// upstreamPrefixIsNotRoot is chosen.
func upstreamPrefixIsNotRoot() error {
	return validationFailed("Invalid input: Upstream repository prefix must be ROOT where the Amazon ECR repository prefix is ROOT. Please verify input and try again.")
}

// Of the next three texts only the beginning is recorded; their ends and codes are
// chosen.

func upstreamNeedsNoCredentials() error {
	return validationFailed("The specified upstream registry doesn't require authentication. Remove the Secrets Manager ARN and try again.")
}

func upstreamCredentialsDoNotMatch() error {
	return validationFailed("Upstream registry URL and provided credential type do not match. Please verify input and try again.")
}

func upstreamIsCache() error {
	return validationFailed("Upstream registry URL cannot be the same as the cache registry. Please verify input and try again.")
}
