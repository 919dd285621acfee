package registry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

const (
	newSecret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/new-AbCdEf"
	cacheRole = "arn:aws:iam::123456789012:role/ecr-cache"
)

func TestUpstreamRegistries(t *testing.T) {
	secret, role := aws.String(faces.HubSecret), aws.String(cacheRole)
	for url, test := range map[string]struct {
		registry         types.UpstreamRegistry
		credential, role *string
	}{
		"public.ecr.aws":       {types.UpstreamRegistryEcrPublic, nil, nil},
		"registry.k8s.io":      {types.UpstreamRegistryK8s, nil, nil},
		"quay.io":              {types.UpstreamRegistryQuay, nil, nil},
		"registry-1.docker.io": {types.UpstreamRegistryDockerHub, secret, nil},
		"ghcr.io":              {types.UpstreamRegistryGitHubContainerRegistry, secret, nil},
		"registry.gitlab.com":  {types.UpstreamRegistryGitLabContainerRegistry, secret, nil},
		"cgr.dev":              {types.UpstreamRegistryChainguard, secret, nil},
		"team.azurecr.io":      {types.UpstreamRegistryAzureContainerRegistry, secret, nil},
		"210987654321.dkr.ecr.us-east-1.amazonaws.com":     {types.UpstreamRegistryEcr, nil, role},
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com":     {types.UpstreamRegistryEcr, nil, nil},
		"210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn": {types.UpstreamRegistryEcr, nil, role},
	} {
		t.Run(url, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				in := faces.Cached("cache", url)
				in.CredentialArn, in.CustomRoleArn = test.credential, test.role
				created, err := f.CreatePullThroughCacheRule(t.Context(), in)
				require.NoError(t, err)
				require.WithinRange(t, *created.CreatedAt, f.Registry.Now().Add(-time.Minute), f.Registry.Now())
				require.Equal(t, types.PullThroughCacheRule{
					EcrRepositoryPrefix: aws.String("cache"), RegistryId: aws.String("123456789012"),
					UpstreamRegistry: test.registry, UpstreamRegistryUrl: &url,
					CredentialArn: test.credential, CustomRoleArn: test.role, CreatedAt: created.CreatedAt,
				}, types.PullThroughCacheRule{
					EcrRepositoryPrefix: created.EcrRepositoryPrefix, RegistryId: created.RegistryId,
					UpstreamRegistry: created.UpstreamRegistry, UpstreamRegistryUrl: created.UpstreamRegistryUrl, UpstreamRepositoryPrefix: created.UpstreamRepositoryPrefix,
					CredentialArn: created.CredentialArn, CustomRoleArn: created.CustomRoleArn, CreatedAt: created.CreatedAt,
				})
			})
		})
	}
}

// Terraform makes a rule anew, plan after plan, if it is shown a prefix that it
// did not give.
func TestUpstreamRepositoryPrefixIsThatOfTheRule(t *testing.T) {
	for name, given := range map[string]*string{"none": nil, "ROOT": aws.String("ROOT"), "library": aws.String("library"), "library/": aws.String("library/")} {
		for url, secret := range map[string]*string{"quay.io": nil, "registry-1.docker.io": aws.String(faces.HubSecret), "210987654321.dkr.ecr.us-east-1.amazonaws.com": nil} {
			t.Run(name+" of "+url, func(t *testing.T) {
				faces.Each(t, func(t *testing.T, f faces.Face) {
					in := faces.Cached("hub", url)
					in.UpstreamRepositoryPrefix, in.CredentialArn = given, secret
					created, err := f.CreatePullThroughCacheRule(t.Context(), in)
					require.NoError(t, err)
					described, err := f.DescribePullThroughCacheRules(t.Context(), &ecr.DescribePullThroughCacheRulesInput{})
					require.NoError(t, err)
					validated, err := f.ValidatePullThroughCacheRule(t.Context(), &ecr.ValidatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub")})
					require.NoError(t, err)
					update := &ecr.UpdatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub"), CredentialArn: secret}
					if secret == nil {
						update.CustomRoleArn = aws.String("") // what has no credentials has none to update
					}
					updated, err := f.UpdatePullThroughCacheRule(t.Context(), update)
					require.NoError(t, err)
					deleted, err := f.DeletePullThroughCacheRule(t.Context(), &ecr.DeletePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub")})
					require.NoError(t, err)
					require.Equal(t, []*string{given, given, given, given, given}, []*string{
						created.UpstreamRepositoryPrefix, described.PullThroughCacheRules[0].UpstreamRepositoryPrefix,
						validated.UpstreamRepositoryPrefix, updated.UpstreamRepositoryPrefix, deleted.UpstreamRepositoryPrefix,
					})
				})
			})
		}
	}
}

func TestCreatePullThroughCacheRuleRefusals(t *testing.T) {
	named := func(in *ecr.CreatePullThroughCacheRuleInput, registry types.UpstreamRegistry) *ecr.CreatePullThroughCacheRuleInput {
		in.UpstreamRegistry = registry
		return in
	}
	withRole := func(in *ecr.CreatePullThroughCacheRuleInput, role string) *ecr.CreatePullThroughCacheRuleInput {
		in.CustomRoleArn = &role
		return in
	}
	from := func(upstreamPrefix string, in *ecr.CreatePullThroughCacheRuleInput) *ecr.CreatePullThroughCacheRuleInput {
		in.UpstreamRepositoryPrefix = &upstreamPrefix
		return in
	}
	const (
		invalidURL  = "The upstream registry URL %s is invalid. Specify a valid upstream registry URL and try again"
		needsSecret = "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN containing the upstream registry credentials and try again."
		noMatch     = "Invalid input: Upstream registry URL and entered upstream registry do not match. Please verify input and try again."
		wrongKind   = "Upstream registry URL and provided credential type do not match. Please verify input and try again."
		elsewhere   = "Please verify the secret exists in the same region and account that the pullthrough cache rule will be created in and try again."
	)
	for name, test := range map[string]struct {
		in            *ecr.CreatePullThroughCacheRuleInput
		code, message string
	}{
		"ROOT of a part":    {from("library", faces.Cached("ROOT", "quay.io")), "ValidationException", "Invalid input: Upstream repository prefix must be ROOT where the Amazon ECR repository prefix is ROOT. Please verify input and try again."},
		"a scheme":          {faces.Cached("cache", "https://quay.io"), "UnsupportedUpstreamRegistryException", fmt.Sprintf(invalidURL, "https://quay.io")},
		"a path":            {faces.Cached("cache", "quay.io/team"), "UnsupportedUpstreamRegistryException", fmt.Sprintf(invalidURL, "quay.io/team")},
		"capital letters":   {faces.Cached("cache", "Quay.io"), "UnsupportedUpstreamRegistryException", fmt.Sprintf(invalidURL, "Quay.io")},
		"the website":       {faces.Cached("cache", "docker.io"), "UnsupportedUpstreamRegistryException", fmt.Sprintf(invalidURL, "docker.io")},
		"azure itself":      {faces.Cached("cache", "azurecr.io"), "UnsupportedUpstreamRegistryException", fmt.Sprintf(invalidURL, "azurecr.io")},
		"no account":        {faces.Cached("cache", "1.dkr.ecr.us-east-1.amazonaws.com"), "UnsupportedUpstreamRegistryException", fmt.Sprintf(invalidURL, "1.dkr.ecr.us-east-1.amazonaws.com")},
		"not in China":      {faces.Cached("cache", "123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn"), "UnsupportedUpstreamRegistryException", fmt.Sprintf(invalidURL, "123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn")},
		"no registry":       {faces.Cached("cache", ".dkr.ecr..amazonaws.com"), "UnsupportedUpstreamRegistryException", fmt.Sprintf(invalidURL, ".dkr.ecr..amazonaws.com")},
		"no credentials":    {faces.Cached("cache", "ghcr.io"), "UnsupportedUpstreamRegistryException", needsSecret},
		"another registry":  {named(faces.CachedWithSecret("cache", "ghcr.io", faces.HubSecret), types.UpstreamRegistryDockerHub), "ValidationException", noMatch},
		"not an ECR":        {named(faces.Cached("cache", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"), types.UpstreamRegistryEcrPublic), "ValidationException", noMatch},
		"needless secret":   {faces.CachedWithSecret("cache", "quay.io", faces.HubSecret), "ValidationException", "The specified upstream registry doesn't require authentication. Remove the Secrets Manager ARN and try again."},
		"a secret for ECR":  {faces.CachedWithSecret("cache", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", faces.HubSecret), "ValidationException", wrongKind},
		"a role for GitHub": {withRole(faces.Cached("cache", "ghcr.io"), cacheRole), "ValidationException", wrongKind},
		"a foreign role":    {withRole(faces.Cached("cache", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"), "arn:aws:iam::210987654321:role/x"), "ValidationException", "The custom role ARN 'arn:aws:iam::210987654321:role/x' is not valid. Specify a role in the same account as the registry and try again."},
		"itself":            {faces.Cached("cache", "123456789012.dkr.ecr.us-east-1.amazonaws.com"), "ValidationException", "Upstream registry URL cannot be the same as the cache registry. Please verify input and try again."},
		"a secret of another region": {
			faces.CachedWithSecret("cache", "ghcr.io", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf"), "SecretNotFoundException", elsewhere,
		},
		"a secret of another account": {
			faces.CachedWithSecret("cache", "ghcr.io", "arn:aws:secretsmanager:us-east-1:210987654321:secret:ecr-pullthroughcache/hub-AbCdEf"), "SecretNotFoundException", elsewhere,
		},
		"a secret of another name": {
			faces.CachedWithSecret("cache", "ghcr.io", "arn:aws:secretsmanager:us-east-1:123456789012:secret:hub-AbCdEf"), "InvalidParameterException",
			`Invalid parameter at 'credentialArn' failed to satisfy constraint: 'Member must satisfy regular expression pattern: ^arn:aws(-\w+)*:secretsmanager:[a-zA-Z0-9-:]+:secret:ecr\-pullthroughcache\/[a-zA-Z0-9\/_+=.@-]+$'`,
		},
		"a prefix that is there":  {faces.Cached("there/", "quay.io"), "PullThroughCacheRuleAlreadyExistsException", "The pull through cache rule with Amazon ECR repository prefix 'there/' already exists in the registry with id '123456789012'"},
		"one more than the quota": {faces.Cached("cache", "quay.io"), "LimitExceededException", "The limit of 1 pull through cache rules has been exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.CreateRule(t, f, faces.Cached("there", "public.ecr.aws"))
				_, err := f.CreatePullThroughCacheRule(t.Context(), test.in)
				faces.RequireRefusal(t, err, test.code, test.message)
				require.Equal(t, []string{"there"}, rulePrefixes(t, f))
			}, fakeecr.WithQuota(fakeecr.PullThroughCacheRules, 1))
		})
	}
}

func rulePrefixes(t *testing.T, api fakeecr.API) []string {
	t.Helper()
	out, err := api.DescribePullThroughCacheRules(t.Context(), &ecr.DescribePullThroughCacheRulesInput{})
	require.NoError(t, err)
	prefixes := []string{}
	for _, rule := range out.PullThroughCacheRules {
		prefixes = append(prefixes, *rule.EcrRepositoryPrefix)
	}
	return prefixes
}

func TestSecretsOfRules(t *testing.T) {
	const missing = "The ARN of the secret specified in the pull through cache rule was not found. Update the pull through cache rule with a valid secret ARN and try again."
	for name, test := range map[string]struct {
		options       []fakeecr.Option
		code, message string
	}{
		"nothing declared": {},
		"declared":         {options: []fakeecr.Option{fakeecr.WithSecret(newSecret, fakeecr.SecretReadable), fakeecr.WithSecret(faces.HubSecret, fakeecr.SecretReadable)}},
		"another declared": {[]fakeecr.Option{fakeecr.WithSecret(faces.HubSecret, fakeecr.SecretReadable)}, "SecretNotFoundException", missing},
		"missing":          {[]fakeecr.Option{fakeecr.WithSecret(faces.HubSecret, ""), fakeecr.WithSecret(newSecret, fakeecr.SecretNotFound)}, "SecretNotFoundException", missing},
		"closed": {
			[]fakeecr.Option{fakeecr.WithSecret(faces.HubSecret, ""), fakeecr.WithSecret(newSecret, fakeecr.SecretAccessDenied)},
			"UnableToAccessSecretException", "The secret is unable to be accessed. Verify the resource permissions for the secret and try again.",
		},
		"undecryptable": {
			[]fakeecr.Option{fakeecr.WithSecret(faces.HubSecret, ""), fakeecr.WithSecret(newSecret, fakeecr.SecretUndecryptable)},
			"UnableToDecryptSecretValueException", "The secret is accessible but is unable to be decrypted. Verify the resource permissions and try again.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				require := require.New(t)
				faces.CreateRule(t, f, faces.CachedWithSecret("hub", "registry-1.docker.io", faces.HubSecret))
				_, createErr := f.CreatePullThroughCacheRule(t.Context(), faces.CachedWithSecret("git", "ghcr.io", newSecret))
				_, updateErr := f.UpdatePullThroughCacheRule(t.Context(), &ecr.UpdatePullThroughCacheRuleInput{
					EcrRepositoryPrefix: aws.String("hub"), CredentialArn: aws.String(newSecret),
				})
				if test.code == "" {
					require.NoError(createErr)
					require.NoError(updateErr)
					return
				}
				faces.RequireRefusal(t, createErr, test.code, test.message)
				faces.RequireRefusal(t, updateErr, test.code, test.message)
			}, test.options...)
		})
	}
}

func TestUpdatePullThroughCacheRule(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.CreateRule(t, f, faces.CachedWithSecret("hub", "registry-1.docker.io", faces.HubSecret))
		remote := faces.Cached("remote", "210987654321.dkr.ecr.us-east-1.amazonaws.com")
		remote.UpstreamRepositoryPrefix = aws.String("team")
		faces.CreateRule(t, f, remote)
		before, err := f.DescribePullThroughCacheRules(t.Context(), &ecr.DescribePullThroughCacheRulesInput{})
		require.NoError(t, err)
		hub, other := before.PullThroughCacheRules[0], before.PullThroughCacheRules[1]
		require.Equal(t, hub.CreatedAt, hub.UpdatedAt)

		f.Registry.Advance(time.Minute)
		updated, err := f.UpdatePullThroughCacheRule(t.Context(), &ecr.UpdatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub/"), CredentialArn: aws.String(newSecret)})
		require.NoError(t, err)
		require.Equal(t, []string{"hub", "123456789012", newSecret}, []string{
			*updated.EcrRepositoryPrefix, *updated.RegistryId, *updated.CredentialArn,
		})
		require.Nil(t, updated.CustomRoleArn)
		require.GreaterOrEqual(t, updated.UpdatedAt.Sub(*hub.CreatedAt), time.Minute)
		hub.CredentialArn, hub.UpdatedAt = aws.String(newSecret), updated.UpdatedAt

		roled, err := f.UpdatePullThroughCacheRule(t.Context(), &ecr.UpdatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("remote"), CustomRoleArn: aws.String(cacheRole)})
		require.NoError(t, err)
		require.Equal(t, cacheRole, *roled.CustomRoleArn)
		require.Equal(t, "team", *roled.UpstreamRepositoryPrefix)
		other.CustomRoleArn, other.UpdatedAt = aws.String(cacheRole), roled.UpdatedAt

		after, err := f.DescribePullThroughCacheRules(t.Context(), &ecr.DescribePullThroughCacheRulesInput{})
		require.NoError(t, err)
		require.Equal(t, []types.PullThroughCacheRule{hub, other}, after.PullThroughCacheRules)

		_, err = f.UpdatePullThroughCacheRule(t.Context(), &ecr.UpdatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("remote"), CredentialArn: aws.String(faces.HubSecret)})
		faces.RequireError[*types.ValidationException](t, err, "Upstream registry URL and provided credential type do not match. Please verify input and try again.")
		_, err = f.UpdatePullThroughCacheRule(t.Context(), &ecr.UpdatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub")})
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid input: Please set either credential arn or role arn to update the credentials")
		unchanged, err := f.DescribePullThroughCacheRules(t.Context(), &ecr.DescribePullThroughCacheRulesInput{})
		require.NoError(t, err)
		require.Equal(t, after.PullThroughCacheRules, unchanged.PullThroughCacheRules)
	})
}

func TestDeletePullThroughCacheRule(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		in := faces.CachedWithSecret("hub", "registry-1.docker.io", faces.HubSecret)
		in.UpstreamRepositoryPrefix = aws.String("library")
		faces.CreateRule(t, f, in)
		deleted, err := f.DeletePullThroughCacheRule(t.Context(), &ecr.DeletePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub/")})
		require.NoError(t, err)
		require.NotNil(t, deleted.CreatedAt)
		require.Equal(t, []string{"hub", "123456789012", "registry-1.docker.io", faces.HubSecret, "library"}, []string{
			*deleted.EcrRepositoryPrefix, *deleted.RegistryId, *deleted.UpstreamRegistryUrl, *deleted.CredentialArn, *deleted.UpstreamRepositoryPrefix,
		})
		require.Empty(t, rulePrefixes(t, f))
	})
}

func TestRulesThatDoNotExist(t *testing.T) {
	const message = "The pull through cache rule with Amazon ECR repository prefix 'hub' does not exist in the registry with id '210987654321'"
	for name, call := range map[string]func(t *testing.T, f faces.Face) error{
		"delete": func(t *testing.T, f faces.Face) error {
			_, err := f.DeletePullThroughCacheRule(t.Context(), &ecr.DeletePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub")})
			return err
		},
		"describe": func(t *testing.T, f faces.Face) error {
			_, err := f.DescribePullThroughCacheRules(t.Context(), &ecr.DescribePullThroughCacheRulesInput{EcrRepositoryPrefixes: []string{"there", "hub"}})
			return err
		},
		"update": func(t *testing.T, f faces.Face) error {
			_, err := f.UpdatePullThroughCacheRule(t.Context(), &ecr.UpdatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub")})
			return err
		},
		"validate": func(t *testing.T, f faces.Face) error {
			_, err := f.ValidatePullThroughCacheRule(t.Context(), &ecr.ValidatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("hub")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.CreateRule(t, f, faces.Cached("hub", "quay.io")) // of another account
				neighbour := f.Account("210987654321")
				faces.CreateRule(t, neighbour, faces.Cached("there", "quay.io"))
				faces.RequireError[*types.PullThroughCacheRuleNotFoundException](t, call(t, neighbour), message)
			})
		})
	}
}

func TestRulesByPage(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		for _, prefix := range []string{"bb", "aa/", "ROOT", "cc/d"} {
			faces.CreateRule(t, f, faces.Cached(prefix, "quay.io"))
		}
		pages := func(in *ecr.DescribePullThroughCacheRulesInput) [][]string {
			return paged(t, ecr.NewDescribePullThroughCacheRulesPaginator(f, in), func(page *ecr.DescribePullThroughCacheRulesOutput) (prefixes []string) {
				for _, rule := range page.PullThroughCacheRules {
					prefixes = append(prefixes, *rule.EcrRepositoryPrefix)
				}
				return prefixes
			})
		}
		require.Equal(t, [][]string{{"ROOT", "aa/", "bb"}, {"cc/d"}}, pages(&ecr.DescribePullThroughCacheRulesInput{MaxResults: aws.Int32(3)}))
		require.Equal(t, [][]string{{"aa/", "cc/d"}}, pages(&ecr.DescribePullThroughCacheRulesInput{EcrRepositoryPrefixes: []string{"cc/d", "aa"}}))
		_, err := f.DescribePullThroughCacheRules(t.Context(), &ecr.DescribePullThroughCacheRulesInput{NextToken: aws.String("x")})
		faces.RequireError[*types.InvalidParameterException](t, err, "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
	})
}

func TestValidatePullThroughCacheRule(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		validate := func(prefix string) *ecr.ValidatePullThroughCacheRuleOutput {
			t.Helper()
			out, err := f.ValidatePullThroughCacheRule(t.Context(), &ecr.ValidatePullThroughCacheRuleInput{EcrRepositoryPrefix: &prefix})
			require.NoError(t, err)
			return out
		}
		faces.CreateRule(t, f, faces.CachedWithSecret("hub", "registry-1.docker.io", faces.HubSecret))
		valid := validate("hub")
		require.True(t, valid.IsValid)
		require.Nil(t, valid.Failure)
		require.Equal(t, []string{"hub", "123456789012", "registry-1.docker.io", faces.HubSecret}, []string{
			*valid.EcrRepositoryPrefix, *valid.RegistryId, *valid.UpstreamRegistryUrl, *valid.CredentialArn,
		})
		for state, failure := range map[fakeecr.SecretState]string{
			fakeecr.SecretNotFound:      "The ARN of the secret specified in the pull through cache rule was not found. Update the pull through cache rule with a valid secret ARN and try again.",
			fakeecr.SecretAccessDenied:  "The secret is unable to be accessed. Verify the resource permissions for the secret and try again.",
			fakeecr.SecretUndecryptable: "The secret is accessible but is unable to be decrypted. Verify the resource permissions and try again.",
		} {
			f.Registry.SetSecret(faces.HubSecret, state)
			invalid := validate("hub")
			require.False(t, invalid.IsValid)
			require.Equal(t, failure, *invalid.Failure)
		}
		f.Registry.SetSecret(faces.HubSecret, fakeecr.SecretReadable)
		require.True(t, validate("hub").IsValid)

		faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
		require.False(t, validate("quay").IsValid)
		require.Equal(t, "the upstream registry is unavailable: the fake was given no upstream for it", *validate("quay").Failure)

		faces.CreateRule(t, f, faces.Cached("near", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"))
		require.True(t, validate("near").IsValid)
		faces.CreateRule(t, f, faces.Cached("far", "210987654321.dkr.ecr.us-east-1.amazonaws.com"))
		require.False(t, validate("far").IsValid)
		require.Equal(t, "the upstream registry denied access: the rule has no custom role for the registry of another account", *validate("far").Failure)
		_, err := f.UpdatePullThroughCacheRule(t.Context(), &ecr.UpdatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("far"), CustomRoleArn: aws.String(cacheRole)})
		require.NoError(t, err)
		require.True(t, validate("far").IsValid)
	}, fakeecr.WithUpstream("registry-1.docker.io", fakeecr.New(t).Upstream()))
}

func TestMalformedPrefixes(t *testing.T) {
	prefix := aws.String("Hub")
	for name, call := range map[string]func(t *testing.T, f faces.Face) error{
		"ecrRepositoryPrefix of CreatePullThroughCacheRule": func(t *testing.T, f faces.Face) error {
			_, err := f.CreatePullThroughCacheRule(t.Context(), faces.Cached(*prefix, "quay.io"))
			return err
		},
		"ecrRepositoryPrefix of DeletePullThroughCacheRule": func(t *testing.T, f faces.Face) error {
			_, err := f.DeletePullThroughCacheRule(t.Context(), &ecr.DeletePullThroughCacheRuleInput{EcrRepositoryPrefix: prefix})
			return err
		},
		"ecrRepositoryPrefix of UpdatePullThroughCacheRule": func(t *testing.T, f faces.Face) error {
			_, err := f.UpdatePullThroughCacheRule(t.Context(), &ecr.UpdatePullThroughCacheRuleInput{EcrRepositoryPrefix: prefix})
			return err
		},
		"ecrRepositoryPrefix of ValidatePullThroughCacheRule": func(t *testing.T, f faces.Face) error {
			_, err := f.ValidatePullThroughCacheRule(t.Context(), &ecr.ValidatePullThroughCacheRuleInput{EcrRepositoryPrefix: prefix})
			return err
		},
		"prefix of CreateRepositoryCreationTemplate": func(t *testing.T, f faces.Face) error {
			_, err := f.CreateRepositoryCreationTemplate(t.Context(), forEverything(*prefix))
			return err
		},
		"prefix of DeleteRepositoryCreationTemplate": func(t *testing.T, f faces.Face) error {
			_, err := f.DeleteRepositoryCreationTemplate(t.Context(), &ecr.DeleteRepositoryCreationTemplateInput{Prefix: prefix})
			return err
		},
		"prefix of UpdateRepositoryCreationTemplate": func(t *testing.T, f faces.Face) error {
			_, err := f.UpdateRepositoryCreationTemplate(t.Context(), &ecr.UpdateRepositoryCreationTemplateInput{Prefix: prefix})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			member, _, _ := strings.Cut(name, " ")
			faces.Each(t, func(t *testing.T, f faces.Face) {
				faces.RequireError[*types.InvalidParameterException](t, call(t, f), `Invalid parameter at '`+member+`' failed to satisfy constraint: 'Member must satisfy regular expression pattern: `+
					`^([a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\/?|ROOT)$'`)
			})
		})
	}
}

// paged is what a paginator's pages name, page by page.
func paged[Out any](t *testing.T, pages interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*ecr.Options)) (*Out, error)
}, names func(*Out) []string) (all [][]string) {
	t.Helper()
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		all = append(all, names(page))
	}
	return all
}
