package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
)

var home = Place{Account: "123456789012", Region: "us-east-1"}

func newTx(w *World) *Tx { return txAt(w, home) }

func txAt(w *World, place Place) *Tx {
	tx := w.NewTx(place, "")
	return &tx
}

// do carries out one call of an operation on the registry home.
func do[In, Out any](w *World, method func(*Tx, context.Context, *In) (*Out, error), in *In) (*Out, error) {
	tx := newTx(w)
	return Run(tx, func() (*Out, error) { return method(tx, context.Background(), in) })
}

// change carries out one transaction that is no operation.
func change(w *World, call func(tx *Tx) error) error {
	tx := newTx(w)
	_, err := Run(tx, func() (struct{}, error) { return struct{}{}, call(tx) })
	return err
}

func create(t require.TestingT, w *World, name string) {
	_, err := do(w, (*Tx).CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: &name})
	require.NoError(t, err)
}

// pending is what is yet to happen, in the order of time.
func pending(w *World) []event {
	all := []event{}
	for _, e := range newTx(w).read().Events() {
		all = append(all, e.(event))
	}
	return all
}

// repositoryNames is the repositories of the registry home, in order.
func repositoryNames(t require.TestingT, w *World) []string {
	out, err := do(w, (*Tx).DescribeRepositories, &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(1000)})
	require.NoError(t, err)
	names := make([]string, len(out.Repositories))
	for i, repo := range out.Repositories {
		names[i] = *repo.RepositoryName
	}
	return names
}

// begin opens an upload and gives it one part.
func begin(t require.TestingT, w *World, name, content string) *string {
	begun, err := do(w, (*Tx).InitiateLayerUpload, &ecr.InitiateLayerUploadInput{RepositoryName: &name})
	require.NoError(t, err)
	_, err = do(w, (*Tx).UploadLayerPart, &ecr.UploadLayerPartInput{
		RepositoryName: &name, UploadId: begun.UploadId, LayerPartBlob: []byte(content),
		PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(content)) - 1),
	})
	require.NoError(t, err)
	return begun.UploadId
}

// push puts an image of one layer, which is its config too.
func push(t require.TestingT, w *World, name, content, tag string) {
	layer := manifest.Digest(content)
	_, err := do(w, (*Tx).CompleteLayerUpload, &ecr.CompleteLayerUploadInput{
		RepositoryName: &name, UploadId: begin(t, w, name, content), LayerDigests: []string{layer},
	})
	require.NoError(t, err)
	descriptor := fmt.Sprintf(`{"mediaType":"application/octet-stream","digest":%q,"size":%d}`, layer, len(content))
	_, err = do(w, (*Tx).PutImage, &ecr.PutImageInput{
		RepositoryName: &name, ImageTag: &tag, ImageManifestMediaType: aws.String(manifest.OCIManifest),
		ImageManifest: aws.String(fmt.Sprintf(`{"schemaVersion":2,"config":%s,"layers":[%[1]s]}`, descriptor)),
	})
	require.NoError(t, err)
}

func TestFailedCallLeavesNoTrace(t *testing.T) {
	w := NewWorld(1, Config{})
	create(t, w, "kept")
	push(t, w, "kept", "layer", "v1")
	before := newTx(w).read()
	refusal := errors.New("refused")

	spoil := func(tx *Tx) error {
		require.NoError(t, tx.addRepository(tx.newRepository(home, "new")))
		repo, err := tx.changeRepository(nil, aws.String("kept"))
		require.NoError(t, err)
		for _, img := range repo.images.All() {
			repo.forget(img)
		}
		tx.keepBlob("sha256:00", nil)
		tx.Schedule(tx.Now(), uploadExpiry{})
		return refusal
	}
	require.ErrorIs(t, change(w, spoil), refusal)
	require.Same(t, before, newTx(w).read())

	func() {
		defer func() { require.Equal(t, refusal, recover()) }()
		_ = change(w, func(tx *Tx) error { panic(spoil(tx)) })
	}()
	require.Same(t, before, newTx(w).read(), "nor does one that panics")
	require.Equal(t, []string{"kept"}, repositoryNames(t, w), "and the world is not locked")
	out, err := do(w, (*Tx).ListImages, &ecr.ListImagesInput{RepositoryName: aws.String("kept")})
	require.NoError(t, err)
	require.Len(t, out.ImageIds, 1)

	require.ErrorIs(t, change(w, func(tx *Tx) error {
		tx.CommitRefusal()
		return spoil(tx)
	}), refusal)
	require.Equal(t, []string{"kept", "new"}, repositoryNames(t, w), "unless it says so")
}

// A reader keeps the state that it began with.
func TestReaderDoesNotSeeWhatHappensLater(t *testing.T) {
	w := NewWorld(1, Config{})
	reader := newTx(w)
	reader.read()
	create(t, w, "later")
	require.Zero(t, reader.registry(home).repositories.Len())
	_, err := reader.repository(nil, aws.String("later"))
	require.Error(t, err)
}

// A record that was read before it was copied leads to the copy.
func TestOwnAnswersTheLatestCopy(t *testing.T) {
	w := NewWorld(1, Config{})
	create(t, w, "app")
	require.NoError(t, change(w, func(tx *Tx) error {
		tx.write()
		read, err := tx.repository(nil, aws.String("app"))
		require.NoError(t, err)
		tx.copyForChange(read).scanOnPush = true
		require.True(t, tx.copyForChange(read).scanOnPush)
		established, err := tx.establish(home, "app", types.RCTAppliedForReplication)
		require.NoError(t, err)
		require.True(t, established.scanOnPush)
		require.False(t, read.scanOnPush, "a published record stays as it is")
		return nil
	}))
}

// What a service of ECR fills is changed as it is now, whatever was read before.
func TestEstablishSeesWhatHappenedSinceTheRead(t *testing.T) {
	w := NewWorld(1, Config{})
	create(t, w, "app")
	tx := newTx(w)
	tx.read()
	push(t, w, "app", "layer", "v1")
	_, err := Run(tx, func() (*repository, error) {
		return tx.establish(home, "app", types.RCTAppliedForPullThroughCache)
	})
	require.NoError(t, err)
	out, err := do(w, (*Tx).ListImages, &ecr.ListImagesInput{RepositoryName: aws.String("app")})
	require.NoError(t, err)
	require.Len(t, out.ImageIds, 1)
}

func TestForksAreIndependent(t *testing.T) {
	original := NewWorld(1, Config{})
	create(t, original, "app")
	push(t, original, "app", "layer", "v1")
	upload := begin(t, original, "app", "part")
	fork := original.Fork(Config{})

	create(t, original, "original")
	create(t, fork, "fork")
	require.Equal(t, []string{"app", "original"}, repositoryNames(t, original))
	require.Equal(t, []string{"app", "fork"}, repositoryNames(t, fork))

	for _, w := range []*World{original, fork} {
		_, err := do(w, (*Tx).CompleteLayerUpload, &ecr.CompleteLayerUploadInput{
			RepositoryName: aws.String("app"), UploadId: upload, LayerDigests: []string{manifest.Digest("part")},
		})
		require.NoError(t, err, "an upload goes on in both")
	}

	original.Advance(time.Hour)
	require.Less(t, fork.Now().Sub(original.Now()), -50*time.Minute)
	_, err := do(fork, (*Tx).DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: aws.String("app"), Force: true})
	require.NoError(t, err)
	out, err := do(original, (*Tx).ListImages, &ecr.ListImagesInput{RepositoryName: aws.String("app")})
	require.NoError(t, err)
	require.Len(t, out.ImageIds, 1)
	require.Equal(t, 2, newTx(original).read().blobs.Len())
	require.Zero(t, newTx(fork).read().blobs.Len())
}

// Forks are made and changed by many goroutines at once, while the original
// changes: the race detector watches.
func TestForksOfABusyWorld(t *testing.T) {
	const workers, rounds = 16, 20
	original := NewWorld(1, Config{})
	create(t, original, "app")
	push(t, original, "app", "layer", "v1")
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			for j := range rounds {
				mine := fmt.Sprintf("app%d-%d", i, j)
				create(t, original, mine)
				fork := original.Fork(Config{})
				push(t, fork, "app", mine, "v1")
				push(t, fork, mine, mine, "v1")
				push(t, original, "app", "original "+mine, mine)
				repo, _ := newTx(fork).read().registries.Get(home.String())
				app, _ := repo.repositories.Get("app")
				if _, seen := app.tagged.Get(mine); seen {
					t.Errorf("%s of the original is in a fork made before", mine)
				}
			}
		})
	}
	all.Wait()
	require.Len(t, repositoryNames(t, original), workers*rounds+1)
	reg, _ := newTx(original).read().registries.Get(home.String())
	app, _ := reg.repositories.Get("app")
	require.Equal(t, workers*rounds+1, app.tagged.Len())
	holder, _ := app.tagged.Get("v1")
	img, _ := app.images.Get(holder)
	require.Equal(t, []string{"v1"}, img.tags, "no fork moved the original's tag")
}

// Layers with the same bytes are held once, however many repositories have them,
// and forgotten with the last one; what expires is not kept longer than what it
// belongs to.
func TestNothingIsLeftOfDeletedRepositories(t *testing.T) {
	w := NewWorld(1, Config{})
	for _, name := range []string{"one", "two"} {
		create(t, w, name)
		push(t, w, name, "shared", "v1")
		push(t, w, name, "of "+name, "v2")
		begin(t, w, name, "unfinished")
	}
	require.Equal(t, 3, newTx(w).read().blobs.Len())
	require.Len(t, pending(w), 2, "completed uploads do not expire")
	shared, _ := newTx(w).read().blobs.Get(manifest.Digest("shared"))
	require.Equal(t, 2, shared.layers)
	reg, _ := newTx(w).read().registries.Get(home.String())
	for _, repo := range reg.repositories.All() {
		l, _ := repo.layers.Get(manifest.Digest("shared"))
		require.Same(t, &shared.pieces[0][0], &l.pieces[0][0], "one array serves both repositories")
	}

	for i, name := range []string{"one", "two"} {
		_, err := do(w, (*Tx).DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: &name, Force: true})
		require.NoError(t, err)
		require.Equal(t, []int{2, 0}[i], newTx(w).read().blobs.Len())
		require.Len(t, pending(w), []int{1, 0}[i])
	}
}

func TestExpiredUploadIsForgotten(t *testing.T) {
	w := NewWorld(1, Config{})
	create(t, w, "app")
	begin(t, w, "app", "unfinished")
	w.Advance(uploadLifetime)
	require.Equal(t, []string{"app"}, repositoryNames(t, w))
	require.Empty(t, pending(w))
	reg, _ := newTx(w).read().registries.Get(home.String())
	app, _ := reg.repositories.Get("app")
	require.Zero(t, app.uploads.Len())
}
