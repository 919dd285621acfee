package manifest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	dockerConfig = "application/vnd.docker.container.image.v1+json"
	dockerLayer  = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	ociConfig    = "application/vnd.oci.image.config.v1+json"
	ociLayer     = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// emptyDigest is that of the two bytes {}, the OCI empty descriptor's.
const emptyDigest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

// sha repeats two digits into a digest, as the files under testdata do.
func sha(digits string) string { return "sha256:" + strings.Repeat(digits, 32) }

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	return string(text)
}

// What docker, buildkit, crane, helm, cosign and oras push must be taken.
func TestParse(t *testing.T) {
	created := map[string]string{"org.opencontainers.image.created": "2026-03-02T09:15:31Z"}
	empty := Descriptor{MediaType: emptyType, Digest: emptyDigest, Size: 2}
	tests := map[string]struct {
		mediaType  string // of the request
		want       Manifest
		references []string
		size       int64
	}{
		"docker-schema2": {
			want: Manifest{
				MediaType: DockerSchema2,
				Config:    Descriptor{MediaType: dockerConfig, Digest: sha("c0"), Size: 7682},
				Layers: []Descriptor{
					{MediaType: dockerLayer, Digest: sha("1a"), Size: 29126484},
					{MediaType: dockerLayer, Digest: sha("1b"), Size: 41891342},
					{MediaType: dockerLayer, Digest: sha("1c"), Size: 628},
					{MediaType: dockerLayer, Digest: sha("1d"), Size: 955},
					{MediaType: dockerLayer, Digest: sha("1e"), Size: 366},
				},
				ArtifactType:      dockerConfig,
				ArtifactMediaType: dockerConfig,
			},
			references: []string{sha("c0"), sha("1a"), sha("1b"), sha("1c"), sha("1d"), sha("1e")},
			size:       71027457,
		},
		"docker-list": {
			mediaType: DockerList,
			want: Manifest{
				MediaType: DockerList,
				Index:     true,
				Manifests: []Descriptor{
					{MediaType: DockerSchema2, Digest: sha("a1"), Size: 1362, Platform: &Platform{Architecture: "amd64", OS: "linux"}},
					{MediaType: DockerSchema2, Digest: sha("a2"), Size: 1362, Platform: &Platform{Architecture: "arm", OS: "linux", Variant: "v7"}},
					{MediaType: DockerSchema2, Digest: sha("a3"), Size: 2061, Platform: &Platform{Architecture: "amd64", OS: "windows", OSVersion: "10.0.20348.2113"}},
				},
			},
			references: []string{},
		},
		"oci-image": { // has no media type of its own, and one layer twice
			mediaType: OCIManifest,
			want: Manifest{
				MediaType: OCIManifest,
				Config:    Descriptor{MediaType: ociConfig, Digest: sha("c0"), Size: 1457},
				Layers: []Descriptor{
					{MediaType: ociLayer, Digest: sha("1a"), Size: 3626897},
					{MediaType: ociLayer, Digest: sha("1b"), Size: 32},
					{MediaType: ociLayer, Digest: sha("1b"), Size: 32},
				},
				ArtifactType:      ociConfig,
				ArtifactMediaType: ociConfig,
				Annotations:       map[string]string{"org.opencontainers.image.base.name": "cgr.dev/chainguard/static:latest"},
			},
			references: []string{sha("c0"), sha("1a"), sha("1b")},
			size:       3628386,
		},
		"oci-index-buildkit": {
			want: Manifest{
				MediaType: OCIIndex,
				Index:     true,
				Manifests: []Descriptor{
					{MediaType: OCIManifest, Digest: sha("a1"), Size: 1048, Platform: &Platform{Architecture: "amd64", OS: "linux"}},
					{MediaType: OCIManifest, Digest: sha("a2"), Size: 1048, Platform: &Platform{Architecture: "arm64", OS: "linux", Variant: "v8"}},
					{MediaType: OCIManifest, Digest: sha("b1"), Size: 566, Platform: &Platform{Architecture: "unknown", OS: "unknown"}},
				},
			},
			references: []string{},
		},
		"buildkit-attestation": {
			mediaType: OCIManifest,
			want: Manifest{
				MediaType:         OCIManifest,
				Config:            Descriptor{MediaType: ociConfig, Digest: sha("c0"), Size: 167},
				Layers:            []Descriptor{{MediaType: "application/vnd.in-toto+json", Digest: sha("1a"), Size: 2456}},
				ArtifactType:      ociConfig,
				ArtifactMediaType: ociConfig,
			},
			references: []string{sha("c0"), sha("1a")},
			size:       2623,
		},
		"helm-chart": {
			mediaType: OCIManifest,
			want: Manifest{
				MediaType: OCIManifest,
				Config:    Descriptor{MediaType: "application/vnd.cncf.helm.config.v1+json", Digest: sha("c0"), Size: 138},
				Layers: []Descriptor{
					{MediaType: "application/vnd.cncf.helm.chart.provenance.v1.prov", Digest: sha("1a"), Size: 695},
					{MediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip", Digest: sha("1b"), Size: 3772},
				},
				ArtifactType:      "application/vnd.cncf.helm.config.v1+json",
				ArtifactMediaType: "application/vnd.cncf.helm.config.v1+json",
				Annotations: map[string]string{
					"org.opencontainers.image.created": "2026-03-02T09:15:31Z",
					"org.opencontainers.image.title":   "mychart",
					"org.opencontainers.image.version": "0.1.0",
				},
			},
			references: []string{sha("c0"), sha("1a"), sha("1b")},
			size:       4605,
		},
		"cosign-signature": {
			want: Manifest{
				MediaType:         OCIManifest,
				Config:            Descriptor{MediaType: ociConfig, Digest: sha("c0"), Size: 233},
				Layers:            []Descriptor{{MediaType: "application/vnd.dev.cosign.simplesigning.v1+json", Digest: sha("1a"), Size: 246}},
				ArtifactType:      ociConfig,
				ArtifactMediaType: ociConfig,
			},
			references: []string{sha("c0"), sha("1a")},
			size:       479,
		},
		"oras-artifact": { // written by oras-go: data in the empty config
			want: Manifest{
				MediaType:         OCIManifest,
				Config:            empty,
				Layers:            []Descriptor{{MediaType: "application/spdx+json", Digest: sha("1a"), Size: 26}},
				Subject:           &Descriptor{MediaType: OCIManifest, Digest: sha("5b"), Size: 1372},
				ArtifactType:      "application/vnd.example.sbom.v1",
				ArtifactMediaType: "application/vnd.example.sbom.v1",
				Annotations:       created,
			},
			references: []string{emptyDigest, sha("1a")},
			size:       28,
		},
		"oras-flag": { // written by oras-go: config and layer are the same blob
			want: Manifest{
				MediaType:         OCIManifest,
				Config:            empty,
				Layers:            []Descriptor{empty},
				ArtifactType:      "application/vnd.example.flag.v1",
				ArtifactMediaType: "application/vnd.example.flag.v1",
				Annotations:       created,
			},
			references: []string{emptyDigest},
			size:       2,
		},
		"oci-index-referrer": {
			mediaType: OCIIndex,
			want: Manifest{
				MediaType:    OCIIndex,
				Index:        true,
				Manifests:    []Descriptor{{MediaType: OCIManifest, Digest: sha("a1"), Size: 708, ArtifactType: "application/vnd.example.sbom.v1"}},
				Subject:      &Descriptor{MediaType: OCIIndex, Digest: sha("5b"), Size: 856},
				ArtifactType: "application/vnd.example.bundle.v1",
				Annotations:  map[string]string{"team": "platform"},
			},
			references: []string{},
		},
		"windows": { // its base layer stays at Microsoft
			want: Manifest{
				MediaType: DockerSchema2,
				Config:    Descriptor{MediaType: dockerConfig, Digest: sha("c0"), Size: 2089},
				Layers: []Descriptor{
					{MediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Digest: sha("1a"), Size: 1718332879, Foreign: true},
					{MediaType: dockerLayer, Digest: sha("1b"), Size: 1374},
				},
				ArtifactType:      dockerConfig,
				ArtifactMediaType: dockerConfig,
			},
			references: []string{sha("c0"), sha("1b")},
			size:       3463,
		},
		"docker-schema1": {
			mediaType: DockerSchema1Signed,
			want: Manifest{
				MediaType: DockerSchema1Signed,
				Layers:    []Descriptor{{Digest: sha("1b")}, {Digest: sha("1a")}, {Digest: sha("1b")}},
			},
			references: []string{sha("1b"), sha("1a")},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, rules := range []Rules{ECR, Spec} {
				m, err := Parse(read(t, name), test.mediaType, rules)
				require.NoError(t, err)
				require.Equal(t, &test.want, m)
				require.Equal(t, test.references, m.References())
				require.Equal(t, test.size, sizeOf(m))
			}
		})
	}
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.Len(t, tests, len(files), "every file of testdata is read")
}

func TestArtifactTypes(t *testing.T) {
	document := func(config, artifactType string) string {
		return fmt.Sprintf(`{"schemaVersion":2,%s"config":{"mediaType":%q,"digest":"sha256:c0","size":2},
			"layers":[{"mediaType":"text/plain","digest":"sha256:1a","size":1}]}`, artifactType, config)
	}
	tests := map[string]struct {
		config, artifactType             string
		wantReferrer, wantDescribeImages string
	}{
		"an image":                         {ociConfig, ``, ociConfig, ociConfig},
		"an artifact with a config":        {"application/vnd.a", `"artifactType":"sbom/example",`, "sbom/example", "application/vnd.a"},
		"an artifact with none":            {emptyType, `"artifactType":"sbom/example",`, "sbom/example", "sbom/example"},
		"an empty config and no type":      {emptyType, ``, emptyType, emptyType},
		"a null artifactType is not there": {ociConfig, `"artifactType":null,`, ociConfig, ociConfig},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := Parse(document(test.config, test.artifactType), OCIManifest, ECR)
			require.NoError(t, err)
			require.Equal(t, test.wantReferrer, m.ArtifactType)
			require.Equal(t, test.wantDescribeImages, m.ArtifactMediaType)
		})
	}
}

func TestForeignLayers(t *testing.T) {
	for mediaType, foreign := range map[string]bool{
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":     true,
		"application/vnd.oci.image.layer.nondistributable.v1.tar":       true,
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip":  true,
		"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd":  true,
		"application/vnd.docker.image.rootfs.diff.tar.gzip":             false,
		"application/vnd.oci.image.layer.v1.tar":                        false,
		"application/vnd.oci.image.layer.nondistributable.v1.other+zip": false,
	} {
		m, err := Parse(image(layer(mediaType, sha("1a"))), OCIManifest, ECR)
		require.NoError(t, err)
		require.Equal(t, foreign, m.Layers[0].Foreign, mediaType)

		m, err = Parse(strings.Replace(image(layer("a/b", sha("1a"))), ociConfig, mediaType, 1), OCIManifest, ECR)
		require.NoError(t, err)
		require.False(t, m.Config.Foreign, "a config is always pushed")
	}
}

func TestDigest(t *testing.T) {
	tests := map[string]string{
		"":                       "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"abc":                    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		strings.Repeat("a", 1e6): "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
		"{}":                     emptyDigest,
	}
	for text, want := range tests {
		require.Equal(t, want, Digest(text))
	}
}

func TestDigestDoesNotCopyTheText(t *testing.T) {
	text := strings.Repeat("x", 4<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	Digest(text)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

// A put of an image is mostly the reading of its manifest.
func TestParseAllocatesLittle(t *testing.T) {
	text := read(t, "docker-schema2")
	allocations := testing.AllocsPerRun(100, func() { _, _ = Parse(text, DockerSchema2, ECR) })
	require.LessOrEqual(t, allocations, 2.0, "the manifest and its layers")
}

func BenchmarkParse(b *testing.B) {
	text := read(b, "docker-schema2")
	b.Run("reader", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(text, DockerSchema2, ECR); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		data := []byte(text)
		b.ReportAllocs()
		for b.Loop() {
			var m Manifest
			if err := json.Unmarshal(data, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDigest(b *testing.B) {
	text := read(b, "docker-schema2")
	b.ReportAllocs()
	for b.Loop() {
		Digest(text)
	}
}

func BenchmarkReferences(b *testing.B) {
	m, err := Parse(read(b, "docker-schema2"), DockerSchema2, ECR)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		m.References()
	}
}

// sizeOf is the bytes of the blobs that an image refers to.
func sizeOf(m *Manifest) (total int64) {
	for blob := range m.Blobs {
		total += blob.Size
	}
	return total
}
