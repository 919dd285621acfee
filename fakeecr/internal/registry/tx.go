package registry

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Tx is one call's view of a world: the registry that was called, by whom, and
// the state, which it reads as of one moment. The operations are its methods.
// They run after the service model's constraints were checked: required members
// are there.
type Tx struct {
	World *World
	// Key is the registry that was called: the caller's own region and account.
	Key
	// Caller is the ARN of the principal that calls.
	Caller string
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
	// View is the earlier state that a read sees, or none.
	View View
	// InputOverlay and OutputOverlay are what the SDK's types of the call lack, nil
	// where they lack nothing or the call was not made on the wire.
	InputOverlay, OutputOverlay any
	// Bytes and Digest are what a call on layers moved, for the trace.
	Bytes  int64
	Digest string
	// FirstPart is how many bytes the first part had of the upload that received
	// another one.
	FirstPart int64

	now    time.Time
	root   *root
	locked bool
	kept   bool
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

// Run carries out one call as a transaction. What it changed is published if it
// answered no error, else forgotten.
func Run[Out any](tx *Tx, call func() (Out, error)) (out Out, err error) {
	committed := false
	defer func() {
		if tx.locked {
			if committed {
				tx.World.publish(tx.root, tx.now)
			}
			tx.locked = false
			tx.World.mu.Unlock()
		}
	}()
	out, err = call()
	committed = err == nil || tx.kept
	return out, err
}

// do is Run for what a test tells the world, which no operation does.
func (w *World) do(key Key, change func(tx *Tx) error) error {
	tx := &Tx{World: w, Key: key}
	_, err := Run(tx, func() (struct{}, error) { return struct{}{}, change(tx) })
	return err
}

// commitRefusal publishes what the call changed although it answers an error.
func (tx *Tx) commitRefusal() { tx.kept = true }

// read opens the transaction for reading, if it is not open. Nothing that
// happens later is seen.
func (tx *Tx) read() *root {
	if tx.root == nil {
		tx.World.mu.Lock()
		defer tx.World.mu.Unlock()
		tx.now = tx.World.settle()
		tx.root = tx.World.root
		if tx.View.root != nil {
			tx.root = tx.View.root
		}
	}
	return tx.root
}

// write opens the transaction for changes: until the call ends no other call
// changes the world. What was read before may be out of date.
func (tx *Tx) write() *root {
	if !tx.locked {
		tx.World.mu.Lock()
		tx.locked = true
		tx.now = tx.World.settle()
		tx.root = tx.World.root.next()
	}
	return tx.root
}

// next is a copy of the root that its transaction may change.
func (r *root) next() *root {
	next := *r
	next.generation++
	return &next
}

// attempt makes changes that are taken back if they fail, and those before them
// are kept. Records that were read before may be out of date after it.
func (tx *Tx) attempt(change func() error) error {
	before := tx.write()
	tx.root = before.next()
	err := change()
	if err != nil {
		tx.root = before
	}
	return err
}

// target is the registry that an input with a registryId is about.
func (tx *Tx) target(registryID *string) Key {
	return Key{Account: aws.ToString(orDefault(registryID, tx.Account)), Region: tx.Region}
}

func orDefault(s *string, otherwise string) *string {
	if s == nil {
		return &otherwise
	}
	return s
}

// registry is the state of a registry; one that nothing was put in is empty.
func (tx *Tx) registry(key Key) *registry {
	if reg, found := tx.read().registries.Get(key.String()); found {
		return reg
	}
	return &registry{Key: key}
}

// changeRegistry is a copy of a registry that the transaction may change.
func (tx *Tx) changeRegistry(key Key) *registry {
	root := tx.write()
	reg := tx.registry(key)
	if reg.generation != root.generation {
		changed := *reg
		changed.generation = root.generation
		reg = &changed
		root.registries.Set(root.generation, key.String(), reg)
	}
	return reg
}

// repository is the repository that an input names.
func (tx *Tx) repository(registryID, name *string) (*repository, error) {
	return tx.repositoryOf(tx.target(registryID), *name)
}

// repositoryOf is a repository by its registry and name.
func (tx *Tx) repositoryOf(key Key, name string) (*repository, error) {
	repo, found := tx.registry(key).repositories.Get(name)
	if !found {
		return nil, repositoryNotFound(key, name)
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
func (tx *Tx) changeRepositoryOf(key Key, name string) (*repository, error) {
	tx.write()
	repo, err := tx.repositoryOf(key, name)
	if err != nil {
		return nil, err
	}
	return tx.own(repo), nil
}

// imageOf is the image that an event is about, or nil if it has gone.
func (tx *Tx) imageOf(key Key, name, digest string) *image {
	repo, err := tx.repositoryOf(key, name)
	if err != nil {
		return nil
	}
	img, _ := repo.images.Get(digest)
	return img
}

// changeImageOf is the image that an event is about, and the repository that it is
// in; nil if it has gone.
func (tx *Tx) changeImageOf(key Key, name, digest string) (*repository, *image) {
	repo, err := tx.changeRepositoryOf(key, name)
	if err != nil {
		return nil, nil
	}
	img, _ := repo.images.Get(digest)
	return repo, img
}

// own is a repository's copy that the transaction may change. The repository was
// read after the transaction was opened for changes; it may have been copied
// since. As its images may change, its lifecycle policy runs again on its next day.
func (tx *Tx) own(repo *repository) *repository {
	reg := tx.changeRegistry(repo.Key)
	if latest, found := reg.repositories.Get(repo.name); found {
		repo = latest
	}
	if repo.generation != reg.generation {
		changed := *repo
		changed.generation = reg.generation
		repo = &changed
		reg.repositories.Set(reg.generation, repo.name, repo)
	}
	tx.planLifecycle(repo, tx.now)
	return repo
}
