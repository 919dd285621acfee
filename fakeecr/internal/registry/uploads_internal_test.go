package registry

import (
	"bytes"
	"hash"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
)

// interrupted is a hash during whose work something else happens, once.
type interrupted struct {
	hash.Cloner
	during *func()
}

func (i interrupted) Clone() (hash.Cloner, error) {
	if during := *i.during; during != nil {
		*i.during = nil
		during()
	}
	return i.Cloner.Clone()
}

// interrupt makes something happen while the next part of an upload is hashed.
func interrupt(t *testing.T, w *World, upload *string, during func()) {
	require.NoError(t, change(w, func(tx *Tx) error {
		repo, err := tx.changeRepository(nil, aws.String("app"))
		require.NoError(t, err)
		u, _ := repo.uploads.Get(*upload)
		changed := *u
		changed.hash = interrupted{u.hash, &during}
		repo.uploads.Set(repo.generation, u.id, &changed)
		return nil
	}))
}

func send(w *World, upload *string, first int64, content string) error {
	_, err := do(w, (*Tx).UploadLayerPart, &ecr.UploadLayerPartInput{
		RepositoryName: aws.String("app"), UploadId: upload, LayerPartBlob: []byte(content),
		PartFirstByte: &first, PartLastByte: aws.Int64(first + int64(len(content)) - 1),
	})
	return err
}

func complete(w *World, upload *string, content string) error {
	_, err := do(w, (*Tx).CompleteLayerUpload, &ecr.CompleteLayerUploadInput{
		RepositoryName: aws.String("app"), UploadId: upload, LayerDigests: []string{manifest.Digest(content)},
	})
	return err
}

// A part is hashed while others may change the world.
func TestWhatHappensWhileAPartIsHashed(t *testing.T) {
	for name, c := range map[string]struct {
		during func(t *testing.T, w *World, upload *string)
		check  func(t *testing.T, w *World, upload *string, err error)
	}{
		"another part comes in": {
			func(t *testing.T, w *World, upload *string) { require.NoError(t, send(w, upload, 0, "ours")) },
			func(t *testing.T, w *World, upload *string, err error) {
				var refused *types.InvalidLayerPartException
				require.ErrorAs(t, err, &refused)
				require.Equal(t, "First byte of the layer part is 0 instead of 4", *refused.Message)
				require.Equal(t, int64(3), *refused.LastValidByteReceived)
				require.NoError(t, complete(w, upload, "ours"))
			},
		},
		"something else changes": {
			func(t *testing.T, w *World, _ *string) { push(t, w, "app", "layer", "v1") },
			func(t *testing.T, w *World, upload *string, err error) {
				require.NoError(t, err)
				require.NoError(t, complete(w, upload, "part"))
				out, err := do(w, (*Tx).ListImages, &ecr.ListImagesInput{RepositoryName: aws.String("app")})
				require.NoError(t, err)
				require.Len(t, out.ImageIds, 1, "and is not undone")
			},
		},
		"the upload expires": {
			func(_ *testing.T, w *World, _ *string) { w.Advance(24 * time.Hour) },
			func(t *testing.T, _ *World, _ *string, err error) {
				var refused *types.UploadNotFoundException
				require.ErrorAs(t, err, &refused)
			},
		},
		"the repository is deleted": {
			func(t *testing.T, w *World, _ *string) {
				_, err := do(w, (*Tx).DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: aws.String("app")})
				require.NoError(t, err)
			},
			func(t *testing.T, w *World, _ *string, err error) {
				var refused *types.RepositoryNotFoundException
				require.ErrorAs(t, err, &refused)
				require.Empty(t, repositoryNames(t, w))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWorld(1, Config{})
			create(t, w, "app")
			begun, err := do(w, (*Tx).InitiateLayerUpload, &ecr.InitiateLayerUploadInput{RepositoryName: aws.String("app")})
			require.NoError(t, err)
			interrupt(t, w, begun.UploadId, func() { c.during(t, w, begun.UploadId) })
			c.check(t, w, begun.UploadId, send(w, begun.UploadId, 0, "part"))
		})
	}
}

// An upload goes on in a fork and in the original, each with parts of its own.
func TestUploadGoesOnInAFork(t *testing.T) {
	original := NewWorld(1, Config{})
	create(t, original, "app")
	upload := begin(t, original, "app", "0")
	for i := range int64(2) {
		require.NoError(t, send(original, upload, i+1, "0"))
	}
	fork := original.Fork(Config{})
	require.NoError(t, send(original, upload, 3, "original"))
	require.NoError(t, send(fork, upload, 3, "fork"))
	for content, w := range map[string]*World{"000original": original, "000fork": fork} {
		reg, _ := newTx(w).read().registries.Get(home.String())
		app, _ := reg.repositories.Get("app")
		u, _ := app.uploads.Get(*upload)
		require.Equal(t, content, string(bytes.Join(u.pieces, nil)))
		require.Equal(t, manifest.Digest(content), u.digest)
	}
}
