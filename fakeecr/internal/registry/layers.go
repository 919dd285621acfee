package registry

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/scenarios"
)

// layer is a blob in a repository. Configs are layers like any other.
type layer struct {
	digest string
	// mediaType is the one under which the first of the images referred to the layer.
	mediaType string
	// images and archived count those of the repository that refer to the layer,
	// outside the archive and in it.
	images   int
	archived int
	// imported tells that it came from upstream, and cached that it may be
	// downloaded therefore, as no image need refer to it.
	imported bool
	cached   bool
	size     int64
	pieces   [][]byte
}

// blob is the bytes of layers, held once for all repositories of a world.
type blob struct {
	pieces [][]byte
	layers int
}

// keepBlob is the pieces of a layer that the transaction adds to a repository:
// those that the world has already, if it does.
func (tx *Tx) keepBlob(digest string, pieces [][]byte) [][]byte {
	root := tx.write()
	kept, found := root.blobs.Get(digest)
	if !found {
		kept.pieces = pieces
	}
	kept.layers++
	root.blobs.Set(root.Generation(), digest, kept)
	return kept.pieces
}

// addLayer gives a repository a layer, unless it has it.
func (tx *Tx) addLayer(repo *repository, digest string, size int64, pieces [][]byte) {
	if !repo.layers.Has(digest) {
		repo.layers.Set(repo.generation, digest, &layer{digest: digest, size: size, pieces: tx.keepBlob(digest, pieces)})
	}
}

// importLayer is addLayer for one that came from upstream.
func (tx *Tx) importLayer(repo *repository, came *layer) {
	if !repo.layers.Has(came.digest) {
		tx.addLayer(repo, came.digest, came.size, came.pieces)
		l, _ := repo.layers.Get(came.digest)
		l.imported = true // which nobody has seen yet
	}
}

func (tx *Tx) releaseBlob(l *layer) {
	root := tx.write()
	kept, _ := root.blobs.Get(l.digest)
	if kept.layers--; kept.layers > 0 {
		root.blobs.Set(root.Generation(), l.digest, kept)
		return
	}
	root.blobs.Delete(root.Generation(), l.digest)
}

// ErrLayerInUse is why a layer is not deleted: an image refers to it.
var ErrLayerInUse = errors.New("an image of the repository refers to the layer")

// DeleteLayer takes a layer from a repository, unless it is an ErrLayerInUse. ECR has
// nothing of the kind, but the specification has.
func (tx *Tx) DeleteLayer(_ context.Context, in *scenarios.DeleteLayerInput) error {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return err
	}
	l, found := repo.layers.Get(*in.LayerDigest)
	switch {
	case !found:
		return layerNotFound(repo, *in.LayerDigest)
	case l.referred():
		return ErrLayerInUse
	}
	repo.layers.Delete(repo.generation, l.digest)
	tx.releaseBlob(l)
	return nil
}

// BatchCheckLayerAvailability answers for each digest: a malformed one is a
// failure, one that the repository lacks is UNAVAILABLE.
func (tx *Tx) BatchCheckLayerAvailability(_ context.Context, in *ecr.BatchCheckLayerAvailabilityInput) (*ecr.BatchCheckLayerAvailabilityOutput, error) {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	out := &ecr.BatchCheckLayerAvailabilityOutput{Layers: []types.Layer{}, Failures: []types.LayerFailure{}}
	for _, digest := range in.LayerDigests {
		switch {
		case digest == "":
			out.Failures = append(out.Failures, types.LayerFailure{
				LayerDigest:   aws.String(digest),
				FailureCode:   types.LayerFailureCodeMissingLayerDigest,
				FailureReason: aws.String("Invalid request parameters: layer digest cannot be null"),
			})
		case !constraint.ValidDigest(digest):
			out.Failures = append(out.Failures, types.LayerFailure{
				LayerDigest:   aws.String(digest),
				FailureCode:   types.LayerFailureCodeInvalidLayerDigest,
				FailureReason: aws.String("Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"),
			})
		default:
			out.Layers = append(out.Layers, repo.availability(digest))
		}
	}
	return out, nil
}

func (r *repository) availability(digest string) types.Layer {
	l, found := r.layers.Get(digest)
	if !found {
		return types.Layer{LayerDigest: aws.String(digest), LayerAvailability: types.LayerAvailabilityUnavailable}
	}
	available := types.Layer{
		LayerDigest:       aws.String(digest),
		LayerAvailability: types.LayerAvailabilityAvailable,
		LayerSize:         aws.Int64(l.size),
	}
	if l.inArchive() {
		available.LayerAvailability = types.LayerAvailabilityArchived
	}
	if l.referred() && l.mediaType != "" {
		available.MediaType = aws.String(l.mediaType)
	}
	return available
}

// referred tells whether an image refers to the layer.
func (l *layer) referred() bool { return l.images+l.archived > 0 }

// reachable is a layer that a download URL is given for: one that an image refers
// to, or that upstream handed over. The specification knows no such condition.
func (tx *Tx) reachable(registryID, name, digest *string) (*repository, *layer, error) {
	repo, l, err := tx.stored(registryID, name, digest)
	if err == nil && l.images == 0 && !l.cached && tx.Endpoint != SpecEndpoint {
		return nil, nil, layerInaccessible(repo, *digest)
	}
	return repo, l, err
}

// stored is a layer whose bytes can be had, which those of the archive cannot.
func (tx *Tx) stored(registryID, name, digest *string) (*repository, *layer, error) {
	repo, err := tx.repository(registryID, name)
	if err != nil {
		return nil, nil, err
	}
	l, found := repo.layers.Get(*digest)
	switch {
	case !found:
		return nil, nil, layerNotFound(repo, *digest)
	case l.inArchive():
		return nil, nil, layerArchived(repo, *digest)
	}
	return repo, l, nil
}

func layerNotFound(repo *repository, digest string) error {
	return &types.LayersNotFoundException{Message: text("The layer with digest '%s' does not exist within the repository with name '%s' in the registry with id '%s'", digest, repo.name, repo.Account)}
}

// layerInaccessible is chosen.
func layerInaccessible(repo *repository, digest string) error {
	return &types.LayerInaccessibleException{Message: text("The layer with digest '%s' within the repository with name '%s' in the registry with id '%s' is not associated with an image",
		digest, repo.name, repo.Account)}
}

// layerAlreadyExists is chosen.
func layerAlreadyExists(repo *repository, digest string) error {
	return &types.LayerAlreadyExistsException{Message: text("The layer with digest '%s' already exists in the repository with name '%s' in registry with id '%s'", digest, repo.name, repo.Account)}
}
