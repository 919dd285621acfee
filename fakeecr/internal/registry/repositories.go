package registry

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/cow"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
)

// repository is the record of one repository. A published record never changes.
type repository struct {
	// What a page of repositories shows stands together: with many of them each
	// cache line that a page takes is one more to wait for.
	name       string
	arn, uri   string
	createdAt  time.Time
	mutability mutability
	encryption encryption
	scanOnPush bool
	Place
	generation uint64

	// policy is the repository's policy, nil without one.
	policy *policy.Document

	// resourceTags are by key.
	resourceTags cow.Map[string]
	// images are by digest, tagged is the digest that a tag stands for.
	images cow.Map[*image]
	tagged cow.Map[string]
	// layers are by digest, whether an image refers to them or not.
	layers  cow.Map[*layer]
	uploads cow.Map[*upload]
	// parents has an entry for each child of each index, referrers one for each
	// image with a subject; see link.
	parents   cow.Map[struct{}]
	referrers cow.Map[struct{}]

	// checked is when upstream was last asked for a tag that came from there, or for
	// the referrers of a digest.
	checked cow.Map[time.Time]
	// archived counts the images in the archive.
	archived int
	// lifecycle and preview are nil without one.
	lifecycle *lifecyclePolicy
	preview   *preview
}

// link is the key under which one digest leads to others.
func link(from, to string) string { return from + "@" + to }

// linked is the digests that a digest leads to.
func linked(links *cow.Map[struct{}], from string) []string {
	var to []string
	for key := range links.Under(link(from, "")) {
		to = append(to, key[len(from)+1:])
	}
	return to
}

// named is a repository of which only the name is known.
func named(place Place, name string) *repository {
	return &repository{Place: place, name: name, arn: naming.RepositoryARN(place, name), uri: naming.RegistryHost(place) + "/" + name}
}

// output is the repository as the API shows it to a call.
func (r *repository) output(tx *Tx) types.Repository {
	// One allocation for what every repository has, as for images.
	v := &struct {
		account, arn, name, uri, kmsKey string
		createdAt                       time.Time
		encryption                      types.EncryptionConfiguration
		scanning                        types.ImageScanningConfiguration
	}{account: r.Account, arn: r.arn, name: r.name, uri: tx.uri(r), kmsKey: r.encryption.key, createdAt: r.createdAt}
	v.scanning.ScanOnPush = r.scanOnPush
	v.encryption.EncryptionType = r.encryption.kind
	if v.kmsKey != "" {
		v.encryption.KmsKey = &v.kmsKey
	}
	return types.Repository{
		CreatedAt:                          &v.createdAt,
		EncryptionConfiguration:            &v.encryption,
		ImageScanningConfiguration:         &v.scanning,
		ImageTagMutability:                 r.mutability.mode,
		ImageTagMutabilityExclusionFilters: r.mutability.output(),
		RegistryId:                         &v.account,
		RepositoryArn:                      &v.arn,
		RepositoryName:                     &v.name,
		RepositoryUri:                      &v.uri,
	}
}

// NotSince is the error of a call on the first of some repositories that was made
// after a time, nil if there is none.
func (w *World) NotSince(place Place, at time.Time, names []string) error {
	tx := w.NewTx(place, "")
	for _, name := range names {
		if repo, err := tx.repositoryOf(place, name); err == nil && repo.createdAt.After(at) {
			return repositoryNotFound(place, name)
		}
	}
	return nil
}

// CreateRepository answers the new repository with ECR's defaults: mutable tags,
// no scan on push, AES256.
func (tx *Tx) CreateRepository(_ context.Context, in *ecr.CreateRepositoryInput) (*ecr.CreateRepositoryOutput, error) {
	repo := tx.newRepository(tx.target(in.RegistryId), *in.RepositoryName)
	var err error
	if repo.mutability, err = newMutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters); err != nil {
		return nil, err
	}
	if repo.encryption, err = newEncryption(repo.Region, in.EncryptionConfiguration); err != nil {
		return nil, err
	}
	if repo.encryption, err = tx.grantKey(repo.Place, repo.encryption); err != nil {
		return nil, err
	}
	if in.ImageScanningConfiguration != nil {
		repo.scanOnPush = in.ImageScanningConfiguration.ScanOnPush
	}
	if err := tx.addTags(repo, in.Tags); err != nil {
		return nil, err
	}
	if err := tx.addRepository(repo); err != nil {
		return nil, err
	}
	created := repo.output(tx)
	return &ecr.CreateRepositoryOutput{Repository: &created}, nil
}

// newRepository is a repository with ECR's defaults, which is not there yet.
func (tx *Tx) newRepository(place Place, name string) *repository {
	repo := named(place, name)
	repo.generation = tx.write().Generation()
	repo.createdAt = tx.Now()
	repo.mutability.mode = types.ImageTagMutabilityMutable
	repo.encryption.kind = types.EncryptionTypeAes256
	return repo
}

// addRepository puts a new repository into its registry.
func (tx *Tx) addRepository(repo *repository) error {
	reg := tx.changeRegistry(repo.Place)
	if reg.repositories.Has(repo.name) {
		return repositoryAlreadyExists(repo.Place, repo.name)
	}
	if err := tx.within(RepositoriesPerRegistry, reg.repositories.Len()+1); err != nil {
		return err
	}
	reg.repositories.Set(reg.generation, repo.name, repo)
	return nil
}

// establish is a repository that a service of ECR fills: the one that is there,
// else a new one with the settings of the registry's template for the purpose.
// Without a template it has ECR's defaults, but a push makes none. Whoever pushes
// must be allowed to create it; replication and pulls have asked for that before.
func (tx *Tx) establish(place Place, name string, purpose types.RCTAppliedFor) (*repository, error) {
	if repo, err := tx.changeRepositoryOf(place, name); err == nil {
		return repo, nil
	}
	template := tx.registry(place).template(name, purpose)
	if purpose == types.RCTAppliedForPullThroughCache && template != nil && template.lacksRole() {
		return nil, repositoryNotFound(place, name) // recorded of tags: ECR has not found it
	}
	if purpose == types.RCTAppliedForCreateOnPush {
		if template == nil {
			return nil, repositoryNotFound(place, name)
		}
		create := Access{Action: "ecr:CreateRepository", Resource: naming.RepositoryARN(place, name), Registry: place, Repository: name}
		if err := tx.Authorize(create); err != nil {
			return nil, err
		}
	}
	repo := tx.newRepository(place, name)
	if template != nil {
		if err := template.apply(tx, repo); err != nil {
			return nil, err
		}
	}
	return repo, tx.addRepository(repo)
}

// DeleteRepository refuses a repository with images unless forced. Layers and
// uploads without an image do not keep it.
func (tx *Tx) DeleteRepository(_ context.Context, in *ecr.DeleteRepositoryInput) (*ecr.DeleteRepositoryOutput, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if repo.images.Len() > 0 && !in.Force {
		return nil, repositoryNotEmpty(repo)
	}
	if err := tx.useKey(repo.Place, repo.encryption, retireGrant); err != nil {
		return nil, err
	}
	for _, layer := range repo.layers.All() {
		tx.releaseBlob(layer)
	}
	for _, upload := range repo.uploads.All() {
		tx.Unschedule(upload.expiry)
	}
	tx.dropLifecyclePolicy(repo)
	tx.dropPreview(repo)
	reg := tx.changeRegistry(repo.Place)
	reg.repositories.Delete(reg.generation, repo.name)
	deleted := repo.output(tx)
	return &ecr.DeleteRepositoryOutput{Repository: &deleted}, nil
}

// DescribeRepositories answers the repositories named, in that order, or a page
// of all, by name. One missing name fails the call.
func (tx *Tx) DescribeRepositories(_ context.Context, in *ecr.DescribeRepositoriesInput) (*ecr.DescribeRepositoriesOutput, error) {
	place := tx.target(in.RegistryId)
	if in.RepositoryNames != nil {
		if in.MaxResults != nil || in.NextToken != nil {
			return nil, invalidTogether(pagingMember(in.NextToken), "repositories with repositoryNames")
		}
		return tx.describeNamed(place, in.RepositoryNames)
	}
	p, err := tx.newPage("DescribeRepositories", place.String(), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	repositories := &tx.registry(place).repositories
	out := &ecr.DescribeRepositoriesOutput{Repositories: make([]types.Repository, 0, p.most(repositories.Len()))}
	for name, repo := range repositories.From(p.start) {
		if p.full(len(out.Repositories)) {
			out.NextToken = p.next()
			break
		}
		out.Repositories = append(out.Repositories, repo.output(tx))
		p.last = name
	}
	return out, nil
}

func (tx *Tx) describeNamed(place Place, names []string) (*ecr.DescribeRepositoriesOutput, error) {
	reg := tx.registry(place)
	out := &ecr.DescribeRepositoriesOutput{Repositories: make([]types.Repository, 0, len(names))}
	for i, name := range names {
		repo, found := reg.repositories.Get(name)
		if !found {
			return nil, repositoryNotFound(place, name)
		}
		if !slices.Contains(names[:i], name) {
			out.Repositories = append(out.Repositories, repo.output(tx))
		}
	}
	return out, nil
}

func repositoryNotFound(place Place, name string) error {
	return &types.RepositoryNotFoundException{Message: text("The repository with name '%s' does not exist in the registry with id '%s'", name, place.Account)}
}

func repositoryAlreadyExists(place Place, name string) error {
	return &types.RepositoryAlreadyExistsException{Message: text("The repository with name '%s' already exists in the registry with id '%s'", name, place.Account)}
}

func repositoryNotEmpty(repo *repository) error {
	return &types.RepositoryNotEmptyException{Message: text("The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", repo.name, repo.Account)}
}
