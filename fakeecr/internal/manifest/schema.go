package manifest

import (
	"slices"
	"strings"
)

// parser reads documents by the schemas of ECR, which are closed: a member that they do not have
// is refused. Docker schema 2 and OCI image manifests are read by one schema, Docker manifest lists
// and OCI indexes by another.
type parser struct {
	reader
	rules         Rules
	schemaVersion int64
}

// declared returns the media type that the document gives, and leaves the reader at the start.
func (p *parser) declared() (mediaType string) {
	for name := range p.object {
		if name == "mediaType" {
			mediaType = p.string()
			break
		}
		p.skip()
	}
	if p.reason == "" {
		p.reader = reader{text: p.text}
	}
	return mediaType
}

func (p *parser) image(m *Manifest) {
	for name := range p.object {
		switch name {
		case "config":
			m.Config = p.descriptor(inConfig)
		case "layers":
			m.Layers = p.descriptors(inLayers)
		case "manifests": // refused by both rules: readers could take the document for an index
			p.fail("an image with manifests")
		default:
			p.member(m, name)
		}
	}
	if p.schemaVersion != 2 {
		p.fail("schemaVersion is not 2")
	}
	if m.Config.Digest == "" {
		p.fail("no config")
	}
	if p.rules == ECR && len(m.Layers) == 0 {
		p.fail("no layers")
	}
	m.ArtifactMediaType = m.Config.MediaType
	if m.ArtifactType == "" {
		m.ArtifactType = m.Config.MediaType
	} else if m.Config.MediaType == emptyType {
		m.ArtifactMediaType = m.ArtifactType
	}
}

func (p *parser) index(m *Manifest) {
	m.Index = true
	for name := range p.object {
		switch name {
		case "manifests":
			m.Manifests = p.descriptors(inManifests)
		case "config", "layers":
			p.fail("an index with " + name)
		default:
			p.member(m, name)
		}
	}
	if p.schemaVersion != 2 {
		p.fail("schemaVersion is not 2")
	}
}

// schema1 reads a Docker schema 1 manifest. Its signatures are not verified.
func (p *parser) schema1(m *Manifest) {
	for name := range p.object {
		switch name {
		case "schemaVersion", "mediaType":
			p.member(m, name)
		case "fsLayers":
			m.Layers = p.fsLayers()
		case "name", "tag", "architecture":
			p.string()
		case "history", "signatures":
			for range p.array {
				p.skip()
			}
		default:
			p.unknown(name)
		}
	}
	if p.schemaVersion != 1 {
		p.fail("schemaVersion is not 1")
	}
	if p.rules == ECR && len(m.Layers) == 0 {
		p.fail("no fsLayers")
	}
}

// member reads what images and indexes have in common.
func (p *parser) member(m *Manifest, name string) {
	switch name {
	case "schemaVersion":
		p.schemaVersion = p.natural()
	case "mediaType":
		if declared := p.string(); declared != "" && declared != m.MediaType {
			p.fail("the request's media type is not the document's")
		}
	case "subject":
		subject := p.descriptor(inSubject)
		m.Subject = &subject
	case "artifactType":
		m.ArtifactType = p.mediaType()
	case "annotations":
		m.Annotations = p.annotations()
	default:
		p.unknown(name)
	}
}

// unknown stands for a member that the schema of its place does not have.
func (p *parser) unknown(name string) {
	if p.rules == ECR {
		p.fail("unknown member " + quote(name))
	}
	p.skip()
}

func (p *parser) fsLayers() []Descriptor {
	var layers []Descriptor
	for range p.array {
		var layer Descriptor
		for name := range p.object {
			if name == "blobSum" {
				layer.Digest = p.digest()
			} else {
				p.unknown(name)
			}
		}
		if layer.Digest == "" {
			p.fail("an fsLayer without blobSum")
		}
		layers = append(layers, layer)
	}
	return layers
}

// place is where a descriptor stands, as its schema differs from place to place.
type place int

const (
	inConfig place = iota
	inLayers
	inManifests
	inSubject
)

func (p *parser) descriptors(in place) []Descriptor {
	var few [16]Descriptor // most images have fewer layers: one allocation of the right size
	list := few[:0]
	for range p.array {
		list = append(list, p.descriptor(in))
	}
	return slices.Clone(list)
}

// descriptor reads a descriptor. ECR takes data in the empty descriptor of OCI artifacts, which oras
// always writes with its two bytes. It takes a platform of an index's children alone, though buildkit
// writes one into subjects.
func (p *parser) descriptor(in place) Descriptor {
	d := Descriptor{Size: -1}
	var data string
	for name := range p.object {
		switch {
		case name == "mediaType":
			d.MediaType = p.mediaType()
		case name == "digest":
			d.Digest = p.digest()
		case name == "size":
			d.Size = p.natural()
		case name == "artifactType":
			d.ArtifactType = p.mediaType()
		case name == "urls":
			p.strings()
		case name == "data":
			data = p.string()
		case name == "annotations" && in != inConfig:
			for range p.object {
				p.string()
			}
		case name == "platform" && in == inManifests:
			d.Platform = p.platform()
		default:
			p.unknown(name)
		}
	}
	if d.MediaType == "" || d.Digest == "" || d.Size < 0 {
		p.fail("a descriptor without mediaType, digest or size")
	}
	if p.rules == ECR && data != "" && (d.MediaType != emptyType || data != emptyData) {
		p.fail("a descriptor with data")
	}
	d.Foreign = in == inLayers && isForeign(d.MediaType)
	return d
}

// platform reads the members that ECR takes. It refuses features, though Docker's manifest lists
// have it, and os.features, though both specifications have it.
func (p *parser) platform() *Platform {
	var platform Platform
	for name := range p.object {
		switch name {
		case "architecture":
			platform.Architecture = p.string()
		case "os":
			platform.OS = p.string()
		case "os.version":
			platform.OSVersion = p.string()
		case "variant":
			platform.Variant = p.string()
		default:
			p.unknown(name)
		}
	}
	return &platform
}

func (p *parser) annotations() map[string]string {
	annotations := make(map[string]string)
	for key := range p.object {
		annotations[key] = p.string()
	}
	return annotations
}

func (p *parser) strings() {
	for range p.array {
		p.string()
	}
}

// mediaType reads a media type in a descriptor or an artifact type.
func (p *parser) mediaType() string {
	s := p.string()
	if p.rules == ECR && !isMediaType(s) {
		p.fail("malformed media type " + quote(s))
	}
	return s
}

func (p *parser) digest() string {
	s := p.string()
	if !isDigest(s) {
		p.fail("malformed digest " + quote(s))
	}
	return s
}

// isMediaType matches \w{1,127}/[-+.\w]{1,127}: no parameters behind a semicolon.
func isMediaType(s string) bool {
	kind, subtype, _ := strings.Cut(s, "/")
	return consists(kind, "") && consists(subtype, "-+.") && len(kind) <= 127 && len(subtype) <= 127
}

// isDigest matches [a-zA-Z0-9-_+.]+:[a-fA-F0-9]+, the service model's pattern of digests.
func isDigest(s string) bool {
	algorithm, hex, _ := strings.Cut(s, ":")
	if hex == "" || !consists(algorithm, "-+.") {
		return false
	}
	for i := range len(hex) {
		if c := hex[i] | 0x20; !isDigit(hex[i]) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// consists reports whether s is made of letters, digits, underscores and the bytes of more.
func consists(s, more string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && !isDigit(c) && c != '_' && strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return s != ""
}

// The OCI empty descriptor's media type, and its two bytes {} in base64.
const (
	emptyType = "application/vnd.oci.empty.v1+json"
	emptyData = "e30="
)

// isForeign reports whether layers of the media type need not be pushed: Docker calls them foreign,
// OCI nondistributable.
func isForeign(mediaType string) bool {
	switch mediaType {
	case "application/vnd.docker.image.rootfs.foreign.diff.tar",
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
		"application/vnd.oci.image.layer.nondistributable.v1.tar",
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
		"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd":
		return true
	}
	return false
}
