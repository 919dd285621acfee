package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/fakeecr/ecr/scenarios"
)

// ErrNotMountable is why a layer is not mounted: whoever pushes uploads it.
var ErrNotMountable = errors.New("the layer cannot be mounted")

func notMountable(reason string, args ...any) error {
	return fmt.Errorf("%w: "+reason, append([]any{ErrNotMountable}, args...)...)
}

// MountLayer gives a repository a layer of another one in its registry without an
// upload, if the registry's BLOB_MOUNTING is enabled, both repositories are
// encrypted alike, an image of the source refers to the layer, which did not come
// from upstream, and the caller may download it. What is not so is an
// ErrNotMountable. A layer that was mounted belongs to its repository like any
// other. The specification knows neither the setting nor that an image must refer
// to the layer.
func (tx *Tx) MountLayer(_ context.Context, in *scenarios.MountLayerInput) error {
	repo, err := tx.establishForUpload(in.RegistryId, in.RepositoryName)
	if err != nil {
		return err
	}
	if tx.Endpoint != SpecEndpoint && tx.registry(repo.Place).setting(blobMounting) != "ENABLED" {
		return notMountable("%s is not enabled", blobMounting)
	}
	l, err := tx.mountable(repo, *in.SourceRepositoryName, *in.LayerDigest)
	if err != nil {
		return err
	}
	tx.addLayer(repo, l.digest, l.size, l.pieces)
	tx.Bytes, tx.Digest = l.size, l.digest
	return nil
}

// mountable is the layer of a source that a repository may have as well.
func (tx *Tx) mountable(repo *repository, source, digest string) (*layer, error) {
	from, err := tx.repositoryOf(repo.Place, source)
	if err != nil {
		return nil, notMountable("%s", sentence(err))
	}
	l, found := from.layers.Get(digest)
	switch {
	case !found:
		return nil, notMountable("%s", sentence(layerNotFound(from, digest)))
	case from.encryption != repo.encryption:
		return nil, notMountable("the repositories differ in their encryption")
	case l.images == 0 && tx.Endpoint != SpecEndpoint:
		return nil, notMountable("no image of the source refers to it")
	case l.imported:
		return nil, notMountable("it came through a pull through cache")
	}
	download := Access{Action: "ecr:GetDownloadUrlForLayer", Resource: from.arn, Registry: from.Place, Repository: from.name}
	if err := tx.Authorize(download); err != nil {
		return nil, notMountable("%s", sentence(err))
	}
	return l, nil
}
