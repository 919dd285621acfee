package registry

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
)

func appOf(w *World) *repository {
	tx := newTx(w)
	repo, _ := tx.repository(nil, aws.String("app"))
	return repo
}

func digestOf(n int) string { return fmt.Sprintf("sha256:%064x", n) }

func descriptorOf(mediaType, digest string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":3}`, mediaType, digest)
}

// relatedImages are manifests over the layers 0 to 3: images that share layers, an
// index of the first two and referrers to the first and to each other.
func relatedImages() []string {
	layer := func(n int) string { return descriptorOf("application/vnd.oci.image.layer.v1.tar", digestOf(n)) }
	image := func(more string, layers ...string) string {
		config := descriptorOf("application/vnd.oci.image.config.v1+json", digestOf(0))
		return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]%s}`, manifest.OCIManifest, config, strings.Join(layers, ","), more)
	}
	child := func(text string) string { return descriptorOf(manifest.OCIManifest, manifest.Digest(text)) }
	subject := func(text string) string { return `,"subject":` + child(text) }
	first, second := image("", layer(1), layer(2)), image("", layer(2), layer(3))
	index := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s,%s]}`, manifest.OCIIndex, child(first), child(second))
	referrer := image(subject(first), layer(3))
	return []string{first, second, index, referrer, image(subject(referrer), layer(1)), image("", layer(1))}
}

// However images come, move and go, the counts are those that a count finds.
func TestBookkeeping(t *testing.T) {
	texts := relatedImages()
	rapid.Check(t, func(t *rapid.T) {
		w := worldOfApp(t, digestOf(0), digestOf(1), digestOf(2), digestOf(3))
		name := aws.String("app")
		text := rapid.SampledFrom(texts)
		id := func(t *rapid.T) *types.ImageIdentifier {
			return &types.ImageIdentifier{ImageDigest: aws.String(manifest.Digest(text.Draw(t, "image")))}
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				tag := rapid.SampledFrom([]*string{nil, aws.String("a"), aws.String("b")}).Draw(t, "tag")
				do(w, (*Tx).PutImage, &ecr.PutImageInput{RepositoryName: name, ImageManifest: aws.String(text.Draw(t, "image")), ImageTag: tag})
			},
			"update": func(t *rapid.T) {
				target := rapid.SampledFrom(types.TargetStorageClass("").Values()).Draw(t, "class")
				do(w, (*Tx).UpdateImageStorageClass, &ecr.UpdateImageStorageClassInput{RepositoryName: name, ImageId: id(t), TargetStorageClass: target})
			},
			"delete": func(t *rapid.T) {
				do(w, (*Tx).BatchDeleteImage, &ecr.BatchDeleteImageInput{RepositoryName: name, ImageIds: []types.ImageIdentifier{*id(t)}})
			},
			"policy": func(t *rapid.T) {
				action := rapid.SampledFrom([]string{`"type":"expire"`, `"type":"transition","targetStorageClass":"archive"`}).Draw(t, "action")
				text := fmt.Sprintf(`{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":1},"action":{%s}}]}`, action)
				_, err := do(w, (*Tx).PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: &text})
				require.NoError(t, err)
			},
			"time": func(t *rapid.T) {
				w.Advance(rapid.SampledFrom([]time.Duration{time.Minute, 20 * time.Minute, 13 * time.Hour}).Draw(t, "time"))
			},
			"": func(t *rapid.T) { requireBooks(t, w) },
		})
	})
}

func requireBooks(t require.TestingT, w *World) {
	repo := appOf(w)
	uses, archivedUses, archived := map[string]int{}, map[string]int{}, 0
	for _, img := range repo.images.All() {
		counts := uses
		if img.archived {
			counts = archivedUses
			archived++
		}
		for _, digest := range img.layers {
			counts[digest]++
		}
		for _, tag := range img.tags {
			holder, _ := repo.tagged.Get(tag)
			require.Equal(t, img.digest, holder)
		}
		if img.status() == types.ImageStatusActivating {
			require.True(t, img.activeFrom.After(w.Now()), "it becomes active in time")
		}
		for _, digest := range append(linked(&repo.referrers, img.digest), img.children...) {
			related, _ := repo.images.Get(digest)
			require.True(t, img.status() == types.ImageStatusArchived || related.status() != types.ImageStatusArchived,
				"in the archive without its index or subject")
		}
		if img.subject != "" {
			require.True(t, repo.referrers.Has(link(img.subject, img.digest)))
			require.True(t, img.subjectSeen || !repo.images.Has(img.subject))
		}
	}
	require.Equal(t, archived, repo.archived)
	for digest, l := range repo.layers.All() {
		require.Equal(t, uses[digest], l.images)
		require.Equal(t, archivedUses[digest], l.archived)
	}
	for key := range repo.referrers.All() {
		parts := strings.Split(key, "@")
		require.True(t, repo.images.Has(parts[1]))
	}
}

// worldOfApp is a world with the repository "app", which holds layers of three bytes.
func worldOfApp(t require.TestingT, layers ...string) *World {
	w := NewWorld(1, Config{})
	tx := newTx(w)
	_, err := Run(tx, func() (*repository, error) {
		repo := tx.newRepository(home, "app")
		for _, digest := range layers {
			repo.layers.Set(repo.generation, digest, &layer{digest: digest, size: 3, pieces: tx.keepBlob(digest, [][]byte{[]byte("abc")})})
		}
		return repo, tx.addRepository(repo)
	})
	require.NoError(t, err)
	return w
}
