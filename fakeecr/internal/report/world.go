package report

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// API is what a view asks of a registry.
type API interface {
	AccountID() string
	Region() string
	ecr.DescribeRepositoriesAPIClient
	ecr.DescribeImagesAPIClient
	ecr.DescribeImageScanFindingsAPIClient
	ecr.DescribePullThroughCacheRulesAPIClient
	ecr.DescribeRepositoryCreationTemplatesAPIClient
	BatchGetImage(context.Context, *ecr.BatchGetImageInput, ...func(*ecr.Options)) (*ecr.BatchGetImageOutput, error)
	DescribeImageReplicationStatus(context.Context, *ecr.DescribeImageReplicationStatusInput, ...func(*ecr.Options)) (*ecr.DescribeImageReplicationStatusOutput, error)
	DescribeImageSigningStatus(context.Context, *ecr.DescribeImageSigningStatusInput, ...func(*ecr.Options)) (*ecr.DescribeImageSigningStatusOutput, error)
	DescribeRegistry(context.Context, *ecr.DescribeRegistryInput, ...func(*ecr.Options)) (*ecr.DescribeRegistryOutput, error)
	GetLifecyclePolicy(context.Context, *ecr.GetLifecyclePolicyInput, ...func(*ecr.Options)) (*ecr.GetLifecyclePolicyOutput, error)
	GetRegistryPolicy(context.Context, *ecr.GetRegistryPolicyInput, ...func(*ecr.Options)) (*ecr.GetRegistryPolicyOutput, error)
	GetRegistryScanningConfiguration(context.Context, *ecr.GetRegistryScanningConfigurationInput, ...func(*ecr.Options)) (*ecr.GetRegistryScanningConfigurationOutput, error)
	GetRepositoryPolicy(context.Context, *ecr.GetRepositoryPolicyInput, ...func(*ecr.Options)) (*ecr.GetRepositoryPolicyOutput, error)
	GetSigningConfiguration(context.Context, *ecr.GetSigningConfigurationInput, ...func(*ecr.Options)) (*ecr.GetSigningConfigurationOutput, error)
	ListImageReferrers(context.Context, *ecr.ListImageReferrersInput, ...func(*ecr.Options)) (*ecr.ListImageReferrersOutput, error)
	ListPullTimeUpdateExclusions(context.Context, *ecr.ListPullTimeUpdateExclusionsInput, ...func(*ecr.Options)) (*ecr.ListPullTimeUpdateExclusionsOutput, error)
	ListTagsForResource(context.Context, *ecr.ListTagsForResourceInput, ...func(*ecr.Options)) (*ecr.ListTagsForResourceOutput, error)
}

// What is asked of a registry here fails only where there is nothing to show: no
// policy, no scan, no such repository. Only the last is told.
var ctx = context.Background()

// pageSize is the most that one answer of the API lists.
const pageSize = 1000

// RegistryPage is a registry and a page of its repositories.
type RegistryPage struct {
	Account, Region string
	Repositories    []Repository
	// Next is the token of the page of repositories that follows, "" without one.
	Next string
	// Settings are what was put for the registry as a whole.
	Settings []Setting
}

// Query names the registry in a URL.
func (r RegistryPage) Query() template.URL {
	return query("account", r.Account, "region", r.Region)
}

// query is the query of a URL, of names and values by turns.
func query(pairs ...string) template.URL {
	values := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		values.Set(pair[0], pair[1])
	}
	return template.URL(values.Encode())
}

// Setting is a policy or a configuration, as JSON for people.
type Setting struct{ Name, Text string }

// NewRegistry is a registry with at most so many of its repositories, from where a
// page before it ended.
func NewRegistry(api API, token string, most int32) RegistryPage {
	reg := RegistryPage{Account: api.AccountID(), Region: api.Region()}
	in := &ecr.DescribeRepositoriesInput{MaxResults: &most}
	if token != "" {
		in.NextToken = &token
	}
	if out, err := api.DescribeRepositories(ctx, in); err == nil {
		for _, r := range out.Repositories {
			reg.Repositories = append(reg.Repositories, summary(api, r))
		}
		reg.Next = aws.ToString(out.NextToken)
	}
	reg.Settings = settings(api)
	return reg
}

// settings are those that differ from a new registry's.
func settings(api API) (all []Setting) {
	add := func(name string, there bool, shape any) {
		if there {
			all = append(all, Setting{name, document(shape)})
		}
	}
	if out, err := api.GetRegistryPolicy(ctx, nil); err == nil {
		all = append(all, Setting{"Registry policy", Pretty(aws.ToString(out.PolicyText))})
	}
	if out, err := api.DescribeRegistry(ctx, nil); err == nil && out.ReplicationConfiguration != nil {
		add("Replication", len(out.ReplicationConfiguration.Rules) > 0, out.ReplicationConfiguration)
	}
	if out, err := api.GetRegistryScanningConfiguration(ctx, nil); err == nil && out.ScanningConfiguration != nil {
		c := out.ScanningConfiguration
		add("Scanning", c.ScanType == types.ScanTypeEnhanced || len(c.Rules) > 0, c)
	}
	if out, err := api.DescribePullThroughCacheRules(ctx, nil); err == nil {
		add("Pull-through cache rules", len(out.PullThroughCacheRules) > 0, out)
	}
	if out, err := api.DescribeRepositoryCreationTemplates(ctx, nil); err == nil {
		add("Repository creation templates", len(out.RepositoryCreationTemplates) > 0, out)
	}
	if out, err := api.GetSigningConfiguration(ctx, nil); err == nil {
		add("Signing", true, out.SigningConfiguration)
	}
	if out, err := api.ListPullTimeUpdateExclusions(ctx, nil); err == nil {
		add("Pull-time update exclusions", len(out.PullTimeUpdateExclusions) > 0, out)
	}
	return all
}

// Repository is a repository and, unless it is one of a list, a page of its images.
type Repository struct {
	Account, Region string
	Name, URI, ARN  string
	CreatedAt       time.Time
	Mutability      string
	Encryption      string
	ScanOnPush      bool
	// Count is how many images there are, Archived how many of them are in the
	// archive; More that there are more than a list counts.
	Count, Archived int
	More            bool

	Tags     []types.Tag
	Policies []Setting
	Images   []Image
	// Matching is how many images the choice takes, of which Images are those from
	// From on. Before and After are where the pages next to this one begin, -1
	// without one.
	Matching, From, Before, After int
}

// Last is the number of the last image of the page.
func (r Repository) Last() int { return r.From + len(r.Images) }

// First is the number of the first image of the page.
func (r Repository) First() int { return min(r.From+1, r.Last()) }

// Query names the repository in a URL.
func (r Repository) Query() template.URL {
	return query("account", r.Account, "region", r.Region, "name", r.Name)
}

func summary(api API, r types.Repository) Repository {
	repo := Repository{
		Account: aws.ToString(r.RegistryId), Region: api.Region(),
		Name: aws.ToString(r.RepositoryName), URI: aws.ToString(r.RepositoryUri), ARN: aws.ToString(r.RepositoryArn),
		CreatedAt: aws.ToTime(r.CreatedAt), Mutability: mutability(r),
		ScanOnPush: r.ImageScanningConfiguration != nil && r.ImageScanningConfiguration.ScanOnPush,
	}
	if e := r.EncryptionConfiguration; e != nil {
		repo.Encryption = strings.TrimSpace(string(e.EncryptionType) + " " + aws.ToString(e.KmsKey))
	}
	out, err := api.DescribeImages(ctx, &ecr.DescribeImagesInput{
		RepositoryName: r.RepositoryName, MaxResults: aws.Int32(pageSize),
		Filter: &types.DescribeImagesFilter{ImageStatus: types.ImageStatusFilterAny},
	})
	if err == nil {
		repo.count(out.ImageDetails, out.NextToken != nil)
	}
	return repo
}

func (r *Repository) count(images []types.ImageDetail, more bool) {
	r.Count, r.Archived, r.More = len(images), 0, more
	for _, image := range images {
		if image.ImageStatus == types.ImageStatusArchived {
			r.Archived++
		}
	}
}

func mutability(r types.Repository) string {
	words := []string{string(r.ImageTagMutability)}
	for _, filter := range r.ImageTagMutabilityExclusionFilters {
		words = append(words, aws.ToString(filter.Filter))
	}
	return strings.Join(words, " ")
}

// Choice is which images of a repository are shown.
type Choice struct {
	// Text is in a tag or the digest of each, "" for all.
	Text string
	// From is how many are passed over, and Most how many are shown.
	From, Most int
}

// NewRepository is a repository with a page of its images, newest first. The error is
// that of one that is not there.
func NewRepository(api API, name string, choice Choice) (Repository, error) {
	out, err := api.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	if err != nil {
		return Repository{}, err
	}
	repo := summary(api, out.Repositories[0])
	if tags, err := api.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: &repo.ARN}); err == nil {
		repo.Tags = tags.Tags
		slices.SortFunc(repo.Tags, func(a, b types.Tag) int { return cmp.Compare(*a.Key, *b.Key) })
	}
	if out, err := api.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: &name}); err == nil {
		repo.Policies = append(repo.Policies, Setting{"Repository policy", Pretty(aws.ToString(out.PolicyText))})
	}
	if out, err := api.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: &name}); err == nil {
		repo.Policies = append(repo.Policies, Setting{"Lifecycle policy", Pretty(aws.ToString(out.LifecyclePolicyText))})
	}
	details := images(api, name)
	repo.count(details, false)
	details = slices.DeleteFunc(details, func(d types.ImageDetail) bool { return !mentions(d, choice.Text) })
	repo.page(len(details), choice)
	for _, detail := range details[repo.From:min(repo.From+choice.Most, len(details))] {
		repo.Images = append(repo.Images, newImage(api, repo.Name, detail))
	}
	return repo, nil
}

// page says which images of n are on the page.
func (r *Repository) page(n int, choice Choice) {
	r.Matching, r.From = n, min(max(choice.From, 0), n)
	r.Before, r.After = -1, -1
	if r.From > 0 {
		r.Before = max(r.From-choice.Most, 0)
	}
	if r.From+choice.Most < n {
		r.After = r.From + choice.Most
	}
}

// images are all of a repository, newest first.
func images(api API, name string) (all []types.ImageDetail) {
	pages := ecr.NewDescribeImagesPaginator(api, &ecr.DescribeImagesInput{
		RepositoryName: &name, MaxResults: aws.Int32(pageSize),
		Filter: &types.DescribeImagesFilter{ImageStatus: types.ImageStatusFilterAny},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			break
		}
		all = append(all, out.ImageDetails...)
	}
	slices.SortStableFunc(all, func(a, b types.ImageDetail) int { return b.ImagePushedAt.Compare(*a.ImagePushedAt) })
	return all
}

func mentions(d types.ImageDetail, text string) bool {
	return strings.Contains(*d.ImageDigest, text) ||
		slices.ContainsFunc(d.ImageTags, func(tag string) bool { return strings.Contains(tag, text) })
}

// findingsIn is how many findings a scan has of each severity, the worst first.
func findingsIn(counts map[string]int32) string {
	var words []string
	for _, severity := range []types.FindingSeverity{
		types.FindingSeverityCritical, types.FindingSeverityHigh, types.FindingSeverityMedium,
		types.FindingSeverityLow, types.FindingSeverityInformational, types.FindingSeverityUndefined,
	} {
		if n := counts[string(severity)]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, strings.ToLower(string(severity))))
		}
	}
	return strings.Join(words, ", ")
}
