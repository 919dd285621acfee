package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
)

var (
	sourceRegistry = Place{Account: "123456789012", Region: "us-east-1"}
	otherRegistry  = Place{Account: "210987654321", Region: "eu-west-1"}
)

// callIn carries out an operation on the registry at a place.
func callIn[In, Out any](t *testing.T, w *World, place Place, method func(*Tx, context.Context, *In) (*Out, error), in *In) *Out {
	t.Helper()
	tx := txAt(w, place)
	out, err := Run(tx, func() (*Out, error) { return method(tx, t.Context(), in) })
	require.NoError(t, err)
	return out
}

// alterWorld changes a world as a call does.
func alterWorld(t *testing.T, w *World, do func(tx *Tx) error) {
	t.Helper()
	tx := txAt(w, sourceRegistry)
	_, err := Run(tx, func() (any, error) { return nil, do(tx) })
	require.NoError(t, err)
}

// pushOne pushes an image, made of a blob, as app:v1.
func pushOne(t *testing.T, w *World, place Place, content string) (layer string) {
	t.Helper()
	name := aws.String("app")
	upload := callIn(t, w, place, (*Tx).InitiateLayerUpload, &ecr.InitiateLayerUploadInput{RepositoryName: name}).UploadId
	callIn(t, w, place, (*Tx).UploadLayerPart, &ecr.UploadLayerPartInput{
		RepositoryName: name, UploadId: upload, LayerPartBlob: []byte(content),
		PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(content) - 1)),
	})
	layer = manifest.Digest(content)
	callIn(t, w, place, (*Tx).CompleteLayerUpload, &ecr.CompleteLayerUploadInput{RepositoryName: name, UploadId: upload, LayerDigests: []string{layer}})
	about := fmt.Sprintf(`{"mediaType":"application/octet-stream","digest":%q,"size":%d}`, layer, len(content))
	text := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`, manifest.OCIManifest, about, about)
	callIn(t, w, place, (*Tx).PutImage, &ecr.PutImageInput{RepositoryName: name, ImageManifest: &text, ImageTag: aws.String("v1")})
	return layer
}

func replicatingWorld(t *testing.T) *World {
	t.Helper()
	w := NewWorld(1, Config{})
	callIn(t, w, sourceRegistry, (*Tx).CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")})
	callIn(t, w, sourceRegistry, (*Tx).PutReplicationConfiguration, &ecr.PutReplicationConfigurationInput{ReplicationConfiguration: &types.ReplicationConfiguration{
		Rules: []types.ReplicationRule{{Destinations: []types.ReplicationDestination{destinationOf(otherRegistry)}}},
	}})
	return w
}

func TestAnotherAccountsPolicyDecidesOnReplication(t *testing.T) {
	statement := func(effect, actions, principal, name string) string {
		return fmt.Sprintf(`{"Effect":%q,"Action":[%s],"Principal":{"AWS":%q},"Resource":"arn:aws:ecr:eu-west-1:210987654321:repository/%s"}`, effect, actions, principal, name)
	}
	const both, replicate, root = `"ecr:ReplicateImage","ecr:CreateRepository"`, `"ecr:ReplicateImage"`, "arn:aws:iam::123456789012:root"
	for name, test := range map[string]struct {
		statements []string
		// there tells that the repository is in the destination already.
		there   bool
		arrives bool
	}{
		"both actions":                  {[]string{statement("Allow", both, root, "*")}, false, true},
		"both, for an account id":       {[]string{statement("Allow", both, "123456789012", "app")}, false, true},
		"no repository may be made":     {[]string{statement("Allow", replicate, root, "*")}, false, false},
		"none needs to be made":         {[]string{statement("Allow", replicate, root, "*")}, true, true},
		"may only be made":              {[]string{statement("Allow", `"ecr:CreateRepository"`, root, "*")}, true, false},
		"another repository":            {[]string{statement("Allow", both, root, "team/*")}, false, false},
		"another account":               {[]string{statement("Allow", both, "arn:aws:iam::999999999999:root", "*")}, false, false},
		"denied after all":              {[]string{statement("Allow", both, root, "*"), statement("Deny", replicate, root, "app")}, false, false},
		"a user of the source account":  {[]string{statement("Allow", both, "arn:aws:iam::123456789012:user/ci", "*")}, false, false},
		"everyone and another's denial": {[]string{statement("Allow", both, "*", "*"), statement("Deny", both, "999999999999", "*")}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := replicatingWorld(t)
			document, err := policy.ParseRegistry(`{"Version":"2012-10-17","Statement":[`+strings.Join(test.statements, ",")+`]}`, "aws", policy.V2)
			require.NoError(t, err)
			alterWorld(t, w, func(tx *Tx) error {
				tx.changeRegistry(otherRegistry).policy = document
				return nil
			})
			if test.there {
				callIn(t, w, otherRegistry, (*Tx).CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")})
			}
			pushOne(t, w, sourceRegistry, "content")
			w.Advance(replicationLag)
			status := callIn(t, w, sourceRegistry, (*Tx).DescribeImageReplicationStatus, &ecr.DescribeImageReplicationStatusInput{
				RepositoryName: aws.String("app"), ImageId: &types.ImageIdentifier{ImageTag: aws.String("v1")},
			}).ReplicationStatuses
			tx := newTx(w)
			repo, made := tx.registry(otherRegistry).repositories.Get("app")
			require.Equal(t, test.there || test.arrives, made)
			if test.arrives {
				require.True(t, repo.tagged.Has("v1"))
				require.Equal(t, []types.ImageReplicationStatus{{Region: aws.String("eu-west-1"), RegistryId: aws.String("210987654321"), Status: types.ReplicationStatusComplete}}, status)
				return
			}
			require.Equal(t, []types.ImageReplicationStatus{{Region: aws.String("eu-west-1"), RegistryId: aws.String("210987654321"), Status: types.ReplicationStatusFailed, FailureCode: aws.String("DESTINATION_REGISTRY_ACCESS_DENIED")}}, status)
		})
	}
}

func TestReplicasShareTheirLayers(t *testing.T) {
	w := replicatingWorld(t)
	there := Place{Account: sourceRegistry.Account, Region: "eu-west-1"}
	alterWorld(t, w, func(tx *Tx) error {
		tx.changeRegistry(sourceRegistry).replication = []replicationRule{{destinations: []Place{there}}}
		return nil
	})
	digest := pushOne(t, w, sourceRegistry, "content")
	w.Advance(replicationLag)
	tx := newTx(w)
	from, _ := tx.registry(sourceRegistry).repositories.Get("app")
	to, _ := tx.registry(there).repositories.Get("app")
	original, _ := from.layers.Get(digest)
	replica, _ := to.layers.Get(digest)
	require.Same(t, &original.pieces[0][0], &replica.pieces[0][0])
	require.Equal(t, 1, replica.images)
	require.Equal(t, original.mediaType, replica.mediaType)

	for _, place := range []Place{sourceRegistry, there} {
		held, found := newTx(w).read().blobs.Get(digest)
		require.True(t, found)
		require.NotZero(t, held.layers)
		callIn(t, w, place, (*Tx).DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: aws.String("app"), Force: true})
	}
	require.False(t, newTx(w).read().blobs.Has(digest), "nobody holds the bytes any more")
}

func TestPushPlansOneArrivalForEachDestination(t *testing.T) {
	ireland, paris := Place{Account: sourceRegistry.Account, Region: "eu-west-1"}, Place{Account: sourceRegistry.Account, Region: "eu-west-3"}
	for name, test := range map[string]struct {
		rules []replicationRule
		want  int
	}{
		"no rules":         {nil, 0},
		"no covering rule": {[]replicationRule{{destinations: []Place{ireland}, prefixes: []string{"team/"}}}, 0},
		"one":              {[]replicationRule{{destinations: []Place{ireland}}}, 1},
		"two rules for one": {[]replicationRule{
			{destinations: []Place{ireland}},
			{destinations: []Place{paris, ireland, paris}, prefixes: []string{"ap"}},
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := replicatingWorld(t)
			alterWorld(t, w, func(tx *Tx) error {
				tx.changeRegistry(sourceRegistry).replication = test.rules
				return nil
			})
			pushOne(t, w, sourceRegistry, "content")
			require.Len(t, pending(w), test.want)
		})
	}
}

func TestAttempt(t *testing.T) {
	w := NewWorld(1, Config{})
	names := func() (names []string) {
		for name := range newTx(w).registry(sourceRegistry).repositories.All() {
			names = append(names, name)
		}
		return names
	}
	failed := errors.New("failed")
	alterWorld(t, w, func(tx *Tx) error {
		create := func(name string) error { return tx.addRepository(tx.newRepository(sourceRegistry, name)) }
		require.NoError(t, create("before"))
		require.ErrorIs(t, tx.Attempt(func() error {
			require.NoError(t, create("failed"))
			require.NoError(t, tx.Attempt(func() error { return create("failed/inner") }))
			tx.Schedule(tx.Now(), replicaArrival{})
			return failed
		}), failed)
		require.NoError(t, create("between"))
		require.NoError(t, tx.Attempt(func() error {
			require.ErrorIs(t, tx.Attempt(func() error {
				require.NoError(t, create("kept/failed"))
				return failed
			}), failed)
			return create("kept")
		}))
		return create("after")
	})
	require.Equal(t, []string{"after", "before", "between", "kept"}, names())
	require.Empty(t, pending(w))
}
