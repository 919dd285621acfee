package registry

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fakeecr/ecr/fakeecr/internal/engine"
)

// Tx is one call's view of a world: the registry that was called, by whom, and
// the state, which it reads as of one moment. The operations are its methods.
// They run after the service model's constraints were checked: required members
// are there.
type Tx struct {
	engine.Tx
	World *World
	// Place is the registry that was called: the caller's own region and account.
	Place
	// Caller is the ARN of the principal that calls.
	Caller string
	// Session is the access key of the role's session that calls, "" for another caller.
	Session string
	// WebIdentityToken is what an AssumeRoleWithWebIdentity came with, nil without. No
	// input has it: it may be a real one.
	WebIdentityToken *string
	// Origin is the scheme and host that the call came to, "" for a name of ECR.
	// Downloads is what download URLs begin with, "" for those of the region's store.
	Origin, Downloads string
	// HandsOver tells that the input's bytes may be kept: the wire made them.
	HandsOver bool
	// Endpoint is the one that the call came to.
	Endpoint Endpoint
	// After is the name behind which a list goes on, nil where its token says that.
	// Images are then listed by tag.
	After *string
	// Part is the bytes of an UploadLayerPart that came as a stream, nil if the input
	// has them.
	Part *Part
	// Page is how many items a page of a list has at most, 0 for an empty one, nil
	// where the input says it. Shortened tells that it left items out.
	Page      *int
	Shortened bool
	// InputOverlay and OutputOverlay are what the SDK's types of the call lack, nil
	// where they lack nothing or the call was not made on the wire.
	InputOverlay, OutputOverlay any
	// Bytes and Digest are what a call on layers moved, for the trace.
	Bytes  int64
	Digest string
	// FirstPart is how many bytes the first part had of the upload that received
	// another one.
	FirstPart int64
}

// Endpoint is an endpoint of ECR. It says what a call may do that another may not.
type Endpoint int

const (
	// APIEndpoint is that of the API.
	APIEndpoint Endpoint = iota
	// RegistryEndpoint is that of registry clients, which calls the operations for
	// them.
	RegistryEndpoint
	// SpecEndpoint is the same but as the OCI distribution spec wants it: it takes
	// what ECR refuses and the spec allows.
	SpecEndpoint
)

// NewTx is a transaction of a call to a registry by a principal.
func (w *World) NewTx(place Place, caller string) Tx {
	return Tx{Tx: w.Begin(), World: w, Place: place, Caller: caller}
}

// as is what the transaction sees, for a call to another registry or by somebody
// else. It changes nothing.
func (tx *Tx) as(place Place, caller string) *Tx {
	return &Tx{Tx: tx.Tx, World: tx.World, Place: place, Caller: caller}
}

// Run carries out one call as a transaction. What it changed is published if it
// answered no error, else forgotten.
func Run[Out any](tx *Tx, call func() (Out, error)) (out Out, err error) {
	return engine.Run(&tx.Tx, call)
}

// do is Run for what a test tells the world, which no operation does.
func (w *World) do(place Place, change func(tx *Tx) error) error {
	tx := w.NewTx(place, "")
	_, err := Run(&tx, func() (struct{}, error) { return struct{}{}, change(&tx) })
	return err
}

// read opens the transaction for reading; see [engine.Tx.Read].
func (tx *Tx) read() *root { return tx.Read().(*root) }

// write opens the transaction for changes; see [engine.Tx.Write].
func (tx *Tx) write() *root { return tx.Write().(*root) }

// target is the registry that an input with a registryId is about.
func (tx *Tx) target(registryID *string) Place {
	return Place{Account: aws.ToString(orDefault(registryID, tx.Account)), Region: tx.Region}
}

func orDefault(s *string, otherwise string) *string {
	if s == nil {
		return &otherwise
	}
	return s
}

// registry is the state of a registry; one that nothing was put in is empty.
func (tx *Tx) registry(place Place) *registryState {
	if reg, found := tx.read().registries.Get(place.String()); found {
		return reg
	}
	return &registryState{Place: place, key: place.String()}
}

// changeRegistry is a copy of a registry that the transaction may change.
func (tx *Tx) changeRegistry(place Place) *registryState {
	root := tx.write()
	reg := tx.registry(place)
	if reg.generation != root.Generation() {
		changed := *reg
		changed.generation = root.Generation()
		reg = &changed
		root.registries.Set(root.Generation(), reg.key, reg)
	}
	return reg
}

// repository is the repository that an input names.
func (tx *Tx) repository(registryID, name *string) (*repository, error) {
	return tx.repositoryOf(tx.target(registryID), *name)
}

// repositoryOf is a repository by its registry and name.
func (tx *Tx) repositoryOf(place Place, name string) (*repository, error) {
	repo, found := tx.registry(place).repositories.Get(name)
	if !found {
		return nil, repositoryNotFound(place, name)
	}
	return repo, nil
}

// changeRepository is a copy of the repository that an input names, which the
// transaction may change.
func (tx *Tx) changeRepository(registryID, name *string) (*repository, error) {
	return tx.changeRepositoryOf(tx.target(registryID), *name)
}

// changeRepositoryOf is changeRepository for an event, which no registry was
// called for.
func (tx *Tx) changeRepositoryOf(place Place, name string) (*repository, error) {
	tx.write()
	repo, err := tx.repositoryOf(place, name)
	if err != nil {
		return nil, err
	}
	return tx.copyForChange(repo), nil
}

// imageOf is the image that an event is about, or nil if it has gone.
func (tx *Tx) imageOf(place Place, name, digest string) *image {
	repo, err := tx.repositoryOf(place, name)
	if err != nil {
		return nil
	}
	img, _ := repo.images.Get(digest)
	return img
}

// changeImageOf is the image that an event is about, and the repository that it is
// in; nil if it has gone.
func (tx *Tx) changeImageOf(place Place, name, digest string) (*repository, *image) {
	repo, err := tx.changeRepositoryOf(place, name)
	if err != nil {
		return nil, nil
	}
	img, _ := repo.images.Get(digest)
	return repo, img
}

// copyForChange is a repository's copy that the transaction may change. The repository was
// read after the transaction was opened for changes; it may have been copied
// since. As its images may change, its lifecycle policy runs again on its next day.
func (tx *Tx) copyForChange(repo *repository) *repository {
	reg := tx.changeRegistry(repo.Place)
	if latest, found := reg.repositories.Get(repo.name); found {
		repo = latest
	}
	if repo.generation != reg.generation {
		changed := *repo
		changed.generation = reg.generation
		repo = &changed
		reg.repositories.Set(reg.generation, repo.name, repo)
	}
	tx.planLifecycle(repo, tx.Now())
	return repo
}
