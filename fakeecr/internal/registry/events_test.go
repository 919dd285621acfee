package registry

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

var appKey = Key{Account: "123456789012", Region: "us-east-1"}

// call carries out an operation in the registry of the repository "app".
func call[In, Out any](w *World, operation func(*Tx, context.Context, *In) (*Out, error), in *In) (*Out, error) {
	tx := &Tx{World: w, Key: appKey}
	return Run(tx, func() (*Out, error) { return operation(tx, context.Background(), in) })
}

// worldOfApp is a world with the repository "app", which holds layers of three bytes.
func worldOfApp(t require.TestingT, layers ...string) *World {
	w := NewWorld(1, Config{})
	tx := &Tx{World: w, Key: appKey}
	_, err := Run(tx, func() (*repository, error) {
		repo := tx.newRepository(appKey, "app")
		for _, digest := range layers {
			repo.layers.set(repo.generation, digest, &layer{digest: digest, size: 3, parts: tx.keepBlob(digest, [][]byte{[]byte("abc")})})
		}
		return repo, tx.addRepository(repo)
	})
	require.NoError(t, err)
	return w
}

func TestUploadExpires(t *testing.T) {
	w, name := worldOfApp(t), aws.String("app")
	begun, err := call(w, (*Tx).InitiateLayerUpload, &ecr.InitiateLayerUploadInput{RepositoryName: name})
	require.NoError(t, err)
	w.Advance(uploadLifetime)
	_, err = call(w, (*Tx).CompleteLayerUpload, &ecr.CompleteLayerUploadInput{RepositoryName: name, UploadId: begun.UploadId})
	var gone *types.UploadNotFoundException
	require.ErrorAs(t, err, &gone)
}
