package transcript

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
)

// content is something made to be pushed, the same on every machine.
type content struct {
	bytes     []byte
	mediaType string
	// blobs and children are what has to be there before it; of a layer nothing is.
	blobs    [][]byte
	children []*content
	facts    map[string]any
}

func (c *content) digest() string { return digest.FromBytes(c.bytes).String() }

func (c *content) isLayer() bool { return c.mediaType == layerType }

// detail is a fact about the content by its name.
func (c *content) detail(name string) (any, bool) {
	if name == "digest" {
		return c.digest(), true
	}
	v, has := c.facts[name]
	return v, has
}

func (c *content) details() []string { return slices.Sorted(maps.Keys(c.facts)) }

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
	emptyType    = "application/vnd.oci.empty.v1+json"
	artifactType = "application/vnd.example.statement"
)

var madeName = regexp.MustCompile(`^(?:(image|index|referrer|blob)([1-9])|absent)$`)

func isMade(name string) bool { return madeName.MatchString(name) }

// made is the content of a name.
func made(name string) (*content, bool) {
	if !isMade(name) {
		return nil, false
	}
	return allMade()[name], true
}

var allMade = sync.OnceValue(func() map[string]*content {
	all := map[string]*content{"absent": {bytes: []byte("nobody pushes this"), mediaType: layerType}}
	for n := 1; n <= 9; n++ {
		all["image"+strconv.Itoa(n)] = makeImage(fmt.Sprintf("image%d", n))
		all["blob"+strconv.Itoa(n)] = makeBlob(fmt.Appendf(nil, "blob%d\n", n))
	}
	for n := 1; n <= 9; n++ {
		all["referrer"+strconv.Itoa(n)] = makeReferrer(fmt.Sprintf("referrer%d", n), all["image"+strconv.Itoa(n)])
		first, second := (2*n-2)%9+1, (2*n-1)%9+1
		all["index"+strconv.Itoa(n)] = makeIndex(fmt.Sprintf("index%d", n), all["image"+strconv.Itoa(first)], all["image"+strconv.Itoa(second)])
	}
	return all
})

func makeBlob(bytes []byte) *content {
	c := &content{bytes: bytes, mediaType: layerType}
	c.facts = map[string]any{
		"size": number(len(bytes)), "type": c.mediaType,
		"base64": base64.StdEncoding.EncodeToString(bytes),
	}
	return c
}

func makeImage(name string) *content {
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{"Labels":{"name":"%s"}},"rootfs":{"type":"layers","diff_ids":[]}}`, name)
	return makeManifest("", config, configType, archive(name), layerType, nil)
}

func makeReferrer(name string, subject *content) *content {
	return makeManifest(artifactType, []byte("{}"), emptyType, []byte(name), "application/octet-stream", subject)
}

// makeManifest is a manifest with one layer, of an artifact if it has a type.
func makeManifest(kind string, config []byte, configType string, layer []byte, layerType string, subject *content) *content {
	var text strings.Builder
	fmt.Fprintf(&text, `{"schemaVersion":2,"mediaType":%q`, manifestType)
	if kind != "" {
		fmt.Fprintf(&text, `,"artifactType":%q`, kind)
	}
	fmt.Fprintf(&text, `,"config":%s,"layers":[%s]`, descriptor(configType, config), descriptor(layerType, layer))
	if subject != nil {
		fmt.Fprintf(&text, `,"subject":%s`, descriptor(subject.mediaType, subject.bytes))
	}
	text.WriteByte('}')
	c := &content{bytes: []byte(text.String()), mediaType: manifestType, blobs: [][]byte{config, layer}}
	c.facts = map[string]any{
		"type": manifestType, "manifest": text.String(), "manifestSize": number(text.Len()),
		"config": digest.FromBytes(config).String(), "configSize": number(len(config)),
		"layer": digest.FromBytes(layer).String(), "layerSize": number(len(layer)),
		"size": number(len(config) + len(layer)),
	}
	return c
}

func makeIndex(name string, children ...*content) *content {
	var list []string
	largest := 0
	for _, child := range children {
		list = append(list, descriptor(child.mediaType, child.bytes))
		size, _ := child.detail("size")
		n, _ := strconv.Atoi(size.(json.Number).String())
		largest = max(largest, n)
	}
	text := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s],"annotations":{"name":%q}}`, indexType, strings.Join(list, ","), name)
	return &content{bytes: []byte(text), mediaType: indexType, children: children, facts: map[string]any{
		"type": indexType, "manifest": text, "manifestSize": number(len(text)), "size": number(largest),
	}}
}

func descriptor(mediaType string, content []byte) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, digest.FromBytes(content), len(content))
}

// archive is a layer with one file.
func archive(name string) []byte {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	w.WriteHeader(&tar.Header{Name: name, Size: int64(len(name)), Mode: 0o644, Format: tar.FormatUSTAR})
	w.Write([]byte(name))
	w.Close() // a buffer takes all
	return layer.Bytes()
}

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }
