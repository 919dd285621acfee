package fakeecr

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"

	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// Image is something to push: a manifest, the blobs that it needs and, of an
// index, the images. It never changes.
type Image struct {
	// Manifest is pushed as it is, under MediaType.
	Manifest  []byte
	MediaType string
	// Blobs are the config and the layers.
	Blobs [][]byte
	// Images are the children of an index, pushed without a tag.
	Images []Image
}

// Digest is the SHA-256 of the manifest, as ECR names the image.
func (i Image) Digest() string { return digest.FromBytes(i.Manifest).String() }

type descriptor struct {
	MediaType string            `json:"mediaType"`
	Digest    digest.Digest     `json:"digest"`
	Size      int               `json:"size"`
	Platform  map[string]string `json:"platform,omitempty"`
}

type document struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	ArtifactType  string       `json:"artifactType,omitempty"`
	Config        *descriptor  `json:"config,omitempty"`
	Layers        []descriptor `json:"layers,omitempty"`
	Manifests     []descriptor `json:"manifests,omitempty"`
	Subject       *descriptor  `json:"subject,omitempty"`
}

const (
	configMediaType = "application/vnd.oci.image.config.v1+json"
	layerMediaType  = "application/vnd.oci.image.layer.v1.tar"
	emptyMediaType  = "application/vnd.oci.empty.v1+json"
)

func describe(mediaType string, content []byte) descriptor {
	return descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: len(content)}
}

func newImage(d document, blobs ...[]byte) Image {
	d.SchemaVersion = 2
	return Image{Manifest: mustJSON(d), MediaType: d.MediaType, Blobs: blobs}
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the values are ours
	}
	return text
}

// RandomImage is an OCI image for linux/amd64 with one layer of each size, in
// bytes, that follows from the seed. Layers of 2 KiB and more are archives with
// one file, so that tools can unpack them. Without sizes there is one layer of 1 KiB,
// because ECR takes no image that has none. It panics for a negative size.
func RandomImage(seed uint64, layerSizes ...int) Image {
	if len(layerSizes) == 0 {
		layerSizes = []int{1 << 10}
	}
	return randomImage(seed, "linux/amd64", layerSizes)
}

// RandomIndex is an OCI index of one small image for each platform ("linux/amd64",
// "linux/arm64/v8") that follows from the seed.
func RandomIndex(seed uint64, platforms ...string) Image {
	index := document{MediaType: manifest.OCIIndex}
	var images []Image
	for i, platform := range platforms {
		image := randomImage(seed+uint64(i), platform, []int{4096})
		child := describe(image.MediaType, image.Manifest)
		child.Platform = platformOf(platform)
		index.Manifests = append(index.Manifests, child)
		images = append(images, image)
	}
	made := newImage(index)
	made.Images = images
	return made
}

// Referrer is an artifact that refers to an image, as a signature or an SBOM
// does: it has the type, and the content for its only layer.
func Referrer(subject Image, artifactType string, content []byte) Image {
	empty := []byte("{}")
	config, about := describe(emptyMediaType, empty), describe(subject.MediaType, subject.Manifest)
	return newImage(document{
		MediaType:    manifest.OCIManifest,
		ArtifactType: artifactType,
		Config:       &config,
		Layers:       []descriptor{describe("application/octet-stream", content)},
		Subject:      &about,
	}, empty, content)
}

func platformOf(platform string) map[string]string {
	parts := strings.SplitN(platform, "/", 3)
	fields := map[string]string{"os": parts[0]}
	if len(parts) > 1 {
		fields["architecture"] = parts[1]
	}
	if len(parts) > 2 {
		fields["variant"] = parts[2]
	}
	return fields
}

func randomImage(seed uint64, platform string, sizes []int) Image {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	random := rand.NewChaCha8(key)
	image := document{MediaType: manifest.OCIManifest}
	var blobs [][]byte
	var diffs []digest.Digest
	for _, size := range sizes {
		layer := randomLayer(random, size)
		blobs = append(blobs, layer)
		diffs = append(diffs, digest.FromBytes(layer))
		image.Layers = append(image.Layers, describe(layerMediaType, layer))
	}
	settings := map[string]any{"rootfs": map[string]any{"type": "layers", "diff_ids": diffs}, "seed": fmt.Sprint(seed)}
	for name, value := range platformOf(platform) {
		settings[name] = value
	}
	config := mustJSON(settings)
	about := describe(configMediaType, config)
	image.Config = &about
	return newImage(image, append(blobs, config)...)
}

// A tar archive is blocks: a header for each file and two at the end.
const (
	tarBlock   = 512
	archiveMin = 4 * tarBlock
)

func randomLayer(random *rand.ChaCha8, size int) []byte {
	if size < 0 {
		panic(fmt.Sprintf("fakeecr: RandomImage with a layer of %d bytes", size))
	}
	if size < archiveMin {
		layer := make([]byte, size)
		random.Read(layer)
		return layer
	}
	content := make([]byte, size/tarBlock*tarBlock-3*tarBlock)
	random.Read(content)
	var layer bytes.Buffer
	layer.Grow(size)
	archive := tar.NewWriter(&layer)
	// Writing to a buffer cannot fail, and the content has the size promised.
	_ = archive.WriteHeader(&tar.Header{Name: "data", Mode: 0o644, Size: int64(len(content))})
	_, _ = archive.Write(content)
	_ = archive.Close()
	return append(layer.Bytes(), make([]byte, size-layer.Len())...)
}

// MustPush pushes an image through the operations of a user's push, and makes
// its repository first if need be, by CreateRepository: templates have no say.
// The reference is "repository:tag", or "repository" for an image without a tag, and
// no URI that begins with a host. It answers the digest; an error ends the test, or
// panics without one.
//
// What is pushed is the fixture of a test and not its subject: rules do not see
// it and the trace does not show it.
func (r *Registry) MustPush(reference string, image Image) string {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	instanceOf(r).must(checkNoURI(reference))
	name, tag, tagged := strings.Cut(reference, ":")
	p := pusher{api: r.unobserved(), repository: &name}
	if tagged {
		p.tag = &tag
	}
	if err := p.push(context.Background(), image); err != nil {
		instanceOf(r).must(fmt.Errorf("push %s: %w", reference, err))
	}
	return image.Digest()
}

// checkNoURI refuses a reference that begins with the host of a registry, which might
// pass for the name of a repository.
func checkNoURI(reference string) error {
	_, rest, schemed := strings.Cut(reference, "://")
	if !schemed {
		rest = reference
	}
	host, path, inside := strings.Cut(rest, "/")
	if inside && (schemed || strings.Contains(host, ":") || naming.ParseHost(host).Service == naming.Registry) {
		return fmt.Errorf("a repository name is wanted, not a URI: %q, not %q", path, reference)
	}
	return nil
}

type pusher struct {
	api        API
	repository *string
	tag        *string
}

func (p pusher) push(ctx context.Context, image Image) error {
	_, err := p.api.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: p.repository})
	if err := unless[*types.RepositoryAlreadyExistsException](err); err != nil {
		return err
	}
	for _, child := range image.Images {
		untagged := p
		untagged.tag = nil
		if err := untagged.push(ctx, child); err != nil {
			return err
		}
	}
	for _, blob := range image.Blobs {
		if err := p.upload(ctx, blob); err != nil {
			return err
		}
	}
	_, err = p.api.PutImage(ctx, &ecr.PutImageInput{
		RepositoryName:         p.repository,
		ImageManifest:          aws.String(string(image.Manifest)),
		ImageManifestMediaType: aws.String(image.MediaType),
		ImageTag:               p.tag,
	})
	return unless[*types.ImageAlreadyExistsException](err)
}

func (p pusher) upload(ctx context.Context, blob []byte) error {
	name := digest.FromBytes(blob).String()
	checked, err := p.api.BatchCheckLayerAvailability(ctx, &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: p.repository, LayerDigests: []string{name}})
	if err != nil {
		return err
	}
	if checked.Layers[0].LayerAvailability == types.LayerAvailabilityAvailable {
		return nil
	}
	begun, err := p.api.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: p.repository})
	if err != nil {
		return err
	}
	for first := int64(0); first < int64(len(blob)); {
		part := blob[first:min(first+*begun.PartSize, int64(len(blob)))]
		received, err := p.api.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{
			RepositoryName: p.repository, UploadId: begun.UploadId, LayerPartBlob: part,
			PartFirstByte: aws.Int64(first), PartLastByte: aws.Int64(first + int64(len(part)) - 1),
		})
		if err != nil {
			return err
		}
		first = *received.LastByteReceived + 1
	}
	_, err = p.api.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{RepositoryName: p.repository, UploadId: begun.UploadId, LayerDigests: []string{name}})
	return unless[*types.LayerAlreadyExistsException](err)
}

// unless drops an error of one type.
func unless[E error](err error) error {
	var expected E
	if errors.As(err, &expected) {
		return nil
	}
	return err
}
