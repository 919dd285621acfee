// Package manifest reads image manifests as ECR's PutImage does: what it takes, what it refuses
// and with which sentence, and which blobs and images a manifest needs. It holds no state.
package manifest

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// The media types of the manifests that ECR stores. The OCI artifact manifest of the 1.1 release
// candidates is not among them.
const (
	DockerSchema1       = "application/vnd.docker.distribution.manifest.v1+json"
	DockerSchema1Signed = "application/vnd.docker.distribution.manifest.v1+prettyjws"
	DockerSchema2       = "application/vnd.docker.distribution.manifest.v2+json"
	DockerList          = "application/vnd.docker.distribution.manifest.list.v2+json"
	OCIManifest         = "application/vnd.oci.image.manifest.v1+json"
	OCIIndex            = "application/vnd.oci.image.index.v1+json"
)

// MaxLayers is how many layers ECR takes in one image. Its quota pages once said 127; today the
// number is not documented, and about 300 layers are known to exceed it.
const MaxLayers = 127

// Constraints that ECR names when it refuses a manifest. InvalidJSON stands for nearly everything,
// also where the JSON is fine.
const (
	InvalidJSON = "Invalid JSON syntax"
	LayerLimit  = "Limit on number of layers per image exceeded"
)

// Error is the refusal of a manifest.
type Error struct {
	// Constraint is ECR's sentence: what stands between the inner quotes of
	// Invalid parameter at 'ImageManifest' failed to satisfy constraint: '…'.
	Constraint string
	// Reason says what is wrong in words of ours, for a trace or a log. ECR never tells.
	Reason string
}

// Error returns ECR's sentence, the constraint.
func (e *Error) Error() string { return e.Constraint }

// Rules says by whose rules manifests are read.
type Rules int

const (
	// ECR refuses what ECR refuses: an image without layers, members that its schemas do not
	// have, media types outside \w{1,127}/[-+.\w]{1,127}, more than MaxLayers layers.
	ECR Rules = iota
	// Spec takes what the OCI specifications allow: besides what ECR takes, images without
	// layers, unknown members, data, annotations and a platform in any descriptor, any media type
	// in a descriptor, any number of layers.
	Spec
)

// Manifest is what ECR reads of a manifest. Its strings share the memory of the text.
type Manifest struct {
	MediaType string // the request's, else the document's
	Index     bool   // a Docker manifest list or an OCI index

	Config    Descriptor   // zero in indexes and in Docker schema 1
	Layers    []Descriptor // of an image, in the document's order; schema 1 gives only digests
	Manifests []Descriptor // of an index, in the document's order
	Subject   *Descriptor  // nil unless the manifest refers to another

	// ArtifactType is what ListImageReferrers and the referrers endpoint show: the document's
	// artifactType, else the config's media type.
	ArtifactType string
	// ArtifactMediaType is what DescribeImages shows: the config's media type, or the
	// document's artifactType where the config is the OCI empty descriptor. Indexes and schema 1
	// have none.
	ArtifactMediaType string

	Annotations map[string]string // of the document itself; nil when it has none
}

// Descriptor points to a blob or to another manifest.
type Descriptor struct {
	MediaType    string
	Digest       string // in the form of ECR's digests, not necessarily SHA-256
	Size         int64  // in bytes, never negative
	ArtifactType string
	Platform     *Platform // of an index's children, where given
	Foreign      bool      // a layer that need not be in the repository
}

// Platform is what an image runs on; buildkit gives its attestations unknown/unknown.
type Platform struct {
	Architecture string
	OS           string
	OSVersion    string
	Variant      string
}

// Parse reads the text of a manifest. mediaType is the request's, empty when it gives none; then
// the document's own counts. A document that names another one than the request is refused, as a
// client must send the media type that the manifest names. Every error is an *Error.
func Parse(text, mediaType string, rules Rules) (*Manifest, error) {
	p := parser{reader: reader{text: text}, rules: rules}
	if !utf8.ValidString(text) {
		p.fail("not UTF-8")
	}
	if mediaType == "" {
		mediaType = p.declared()
	}
	m := &Manifest{MediaType: mediaType}
	switch mediaType {
	case DockerSchema2, OCIManifest:
		p.image(m)
	case DockerList, OCIIndex:
		p.index(m)
	case DockerSchema1, DockerSchema1Signed:
		p.schema1(m)
	case "":
		p.fail("neither the request nor the document gives a media type")
	default:
		p.fail("not a media type of manifests: " + quote(mediaType))
	}
	p.end()
	if p.reason != "" {
		return nil, &Error{Constraint: InvalidJSON, Reason: p.reason}
	}
	if rules == ECR && len(m.Layers) > MaxLayers {
		return nil, &Error{Constraint: LayerLimit, Reason: "too many layers"}
	}
	return m, nil
}

// References returns the digests of the blobs that must be in the repository before the image is
// put: the config's, then those of the layers that are not foreign, each once.
func (m *Manifest) References() []string {
	digests := make([]string, 0, len(m.Layers)+1)
	for blob := range m.Blobs {
		digests = append(digests, blob.Digest)
	}
	return digests
}

// Blobs yields the descriptors of [Manifest.References].
func (m *Manifest) Blobs(yield func(*Descriptor) bool) {
	seen := make(map[string]struct{}, len(m.Layers)+1)
	if m.Config.Digest != "" {
		seen[m.Config.Digest] = struct{}{}
		if !yield(&m.Config) {
			return
		}
	}
	for i := range m.Layers {
		layer := &m.Layers[i]
		if _, ok := seen[layer.Digest]; ok || layer.Foreign {
			continue
		}
		seen[layer.Digest] = struct{}{}
		if !yield(layer) {
			return
		}
	}
}

// Digest returns the digest under which a manifest is stored: sha256 of its exact bytes.
func Digest(text string) string {
	hash := sha256.New()
	var chunk [4096]byte // a conversion to []byte would copy up to 4 MiB to the heap
	for len(text) > 0 {
		n := copy(chunk[:], text)
		hash.Write(chunk[:n])
		text = text[n:]
	}
	digest := append(make([]byte, 0, 71), "sha256:"...)
	return string(hex.AppendEncode(digest, hash.Sum(chunk[:0])))
}

// DigestLike returns the digest of a manifest's exact bytes by the algorithm of another digest:
// sha512, which ECR does not know, or else sha256.
func DigestLike(other, text string) string {
	if !strings.HasPrefix(other, "sha512:") {
		return Digest(text)
	}
	sum := sha512.Sum512([]byte(text))
	return "sha512:" + hex.EncodeToString(sum[:])
}
