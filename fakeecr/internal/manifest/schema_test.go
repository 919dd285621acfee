package manifest

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func layer(mediaType, digest string) string {
	return `{"mediaType":"` + mediaType + `","digest":"` + digest + `","size":1}`
}

func image(layers string) string {
	return `{"schemaVersion":2,"config":` + layer(ociConfig, "sha256:c0") + `,"layers":[` + layers + `]}`
}

func index(members string) string { return `{"schemaVersion":2,` + members + `}` }

// Each refusal is one edit of a manifest that is taken. Where spec is set, the OCI specifications
// allow the document.
func TestRefusals(t *testing.T) {
	const (
		imageText = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
			`"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:c0","size":3},` +
			`"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:1a","size":5}],` +
			`"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:5b","size":7}}`
		indexText = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",` +
			`"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:a1","size":3,` +
			`"platform":{"architecture":"amd64","os":"linux"}}]}`
		schema1Text = `{"schemaVersion":1,"mediaType":"application/vnd.docker.distribution.manifest.v1+json",` +
			`"name":"app","fsLayers":[{"blobSum":"sha256:1a"}],"history":[{"v1Compatibility":"{}"}]}`
		layersText = `"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:1a","size":5}]`
		childText  = `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:a1","size":3,` +
			`"platform":{"architecture":"amd64","os":"linux"}}`
	)
	tests := map[string]struct {
		text, old, new string
		reason         string
		spec           bool
	}{
		"not JSON":                        {imageText, imageText, `manifest`, "not JSON", false},
		"nothing":                         {imageText, imageText, ``, "not JSON", false},
		"no object":                       {imageText, imageText, `[]`, "not JSON", false},
		"null":                            {imageText, imageText, `null`, "not JSON", false},
		"a second document":               {imageText, `"size":7}}`, `"size":7}}{}`, "text after", false},
		"not UTF-8":                       {imageText, `sha256:5b`, "sha256:5b\xff", "not UTF-8", false},
		"no schemaVersion":                {imageText, `"schemaVersion":2,`, ``, "schemaVersion", false},
		"an image of schemaVersion 1":     {imageText, `"schemaVersion":2`, `"schemaVersion":1`, "schemaVersion", false},
		"an index of schemaVersion 3":     {indexText, `"schemaVersion":2`, `"schemaVersion":3`, "schemaVersion", false},
		"schema 1 of schemaVersion 2":     {schema1Text, `"schemaVersion":1`, `"schemaVersion":2`, "schemaVersion", false},
		"a schemaVersion in quotes":       {imageText, `"schemaVersion":2`, `"schemaVersion":"2"`, "natural", false},
		"no media type":                   {imageText, `"mediaType":"application/vnd.oci.image.manifest.v1+json","config"`, `"config"`, "neither", false},
		"a null media type":               {indexText, `"application/vnd.oci.image.index.v1+json"`, `null`, "neither", false},
		"an SBOM as manifest":             {indexText, `application/vnd.oci.image.index.v1+json`, `application/spdx+json`, "not a media type of manifests", false},
		"an OCI artifact manifest":        {indexText, `application/vnd.oci.image.index.v1+json`, `application/vnd.oci.artifact.manifest.v1+json`, "not a media type of manifests", false},
		"a media type that is no string":  {indexText, `"application/vnd.oci.image.index.v1+json"`, `2`, `no "`, false},
		"media types that differ":         {indexText, `"manifests"`, `"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests"`, "the request's media type", false},
		"a member in another case":        {imageText, `"config"`, `"Config"`, "unknown member \"Config\"", false},
		"an unknown member":               {imageText, `"config"`, `"custom":{"a":[1,null]},"config"`, `unknown member "custom"`, true},
		"an unknown member of an index":   {indexText, `"manifests"`, `"custom":true,"manifests"`, `unknown member "custom"`, true},
		"an unknown member of schema 1":   {schema1Text, `"name"`, `"annotations":{},"name"`, `unknown member "annotations"`, true},
		"an unknown member of a layer":    {imageText, `"size":5`, `"size":5,"custom":-1.5e3`, `unknown member "custom"`, true},
		"an unknown member of an fsLayer": {schema1Text, `"blobSum"`, `"size":1,"blobSum"`, `unknown member "size"`, true},

		"no config":                     {imageText, `"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:c0","size":3},`, ``, "no config", false},
		"a config that is a list":       {imageText, `"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:c0","size":3}`, `"config":[]`, "wrong type", false},
		"annotations of the config":     {imageText, `"size":3`, `"size":3,"annotations":{"a":"b"}`, `unknown member "annotations"`, true},
		"a platform of the config":      {imageText, `"size":3`, `"size":3,"platform":{}`, `unknown member "platform"`, true},
		"data in the config":            {imageText, `"size":3`, `"size":3,"data":"e30="`, "with data", true},
		"data in a layer":               {imageText, `"size":5`, `"size":5,"data":"aGVsbG8="`, "with data", true},
		"data in a subject":             {imageText, `"size":7`, `"size":7,"data":"aGVsbG8="`, "with data", true},
		"data in a child":               {indexText, `"size":3`, `"size":3,"data":"aGVsbG8="`, "with data", true},
		"other data in the empty layer": {imageText, `layer.v1.tar","digest":"sha256:1a","size":5`, `layer.v1.tar","digest":"sha256:1a","mediaType":"application/vnd.oci.empty.v1+json","size":5,"data":"e30K"`, "with data", true},
		"data that is no string":        {imageText, `"size":5`, `"size":5,"data":{}`, `no "`, false},

		"no layers":                     {imageText, layersText + `,`, ``, "no layers", true},
		"layers that are null":          {imageText, layersText, `"layers":null`, "no layers", true},
		"layers that are empty":         {imageText, layersText, `"layers":[]`, "no layers", true},
		"layers that are an object":     {imageText, layersText, `"layers":{}`, "wrong type", false},
		"a layer that is null":          {imageText, layersText, `"layers":[null]`, "wrong type", false},
		"a layer that is a digest":      {imageText, layersText, `"layers":["sha256:1a"]`, "wrong type", false},
		"an image with manifests":       {imageText, `"config"`, `"manifests":[],"config"`, "an image with manifests", false},
		"a layer without a media type":  {imageText, `"mediaType":"application/vnd.oci.image.layer.v1.tar",`, ``, "a descriptor without", false},
		"a layer without a digest":      {imageText, `"digest":"sha256:1a",`, ``, "a descriptor without", false},
		"a layer without a size":        {imageText, `,"size":5`, ``, "a descriptor without", false},
		"a negative size":               {imageText, `"size":5`, `"size":-5`, "natural", false},
		"a size with a fraction":        {imageText, `"size":5`, `"size":5.0`, "natural", false},
		"a size with an exponent":       {imageText, `"size":5`, `"size":5e0`, "natural", false},
		"a size with a leading zero":    {imageText, `"size":5`, `"size":05`, "natural", false},
		"a size with a sign":            {imageText, `"size":5`, `"size":+5`, "natural", false},
		"a size of more than 63 bits":   {imageText, `"size":5`, `"size":9223372036854775808`, "natural", false},
		"a size in quotes":              {imageText, `"size":5`, `"size":"5"`, "natural", false},
		"a digest without an algorithm": {imageText, `sha256:1a`, `1a`, "malformed digest", false},
		"a digest without digits":       {imageText, `sha256:1a`, `sha256:`, "malformed digest", false},
		"a digest with other letters":   {imageText, `sha256:1a`, `sha256:1g`, "malformed digest", false},
		"a digest that is a number":     {imageText, `"sha256:1a"`, `1`, `no "`, false},
		"urls that are a string":        {imageText, `"size":5`, `"size":5,"urls":"https://example.com"`, "wrong type", false},
		"annotations that are a list":   {imageText, `"size":5`, `"size":5,"annotations":[]`, "wrong type", false},
		"an annotation with a number":   {imageText, `"size":5`, `"size":5,"annotations":{"a":1}`, `no "`, false},
		"a layer type with a parameter": {imageText, `layer.v1.tar`, `layer.v1.tar;version=0.2`, "malformed media type", true},
		"an artifactType of a layer":    {imageText, `"size":5`, `"size":5,"artifactType":"a/b c"`, "malformed media type", true},
		"an artifactType with ;":        {imageText, `"config"`, `"artifactType":"application/vnd.dev.sigstore.bundle+json;version=0.2","config"`, "malformed media type", true},
		"an artifactType with no slash": {indexText, `"manifests"`, `"artifactType":"sbom","manifests"`, "malformed media type", true},
		"a subject without a digest":    {imageText, `"digest":"sha256:5b",`, ``, "a descriptor without", false},
		"a malformed subject":           {imageText, `sha256:5b`, `sha256:subject`, "malformed digest", false},

		"an index with layers":          {indexText, `"manifests"`, layersText + `,"manifests"`, "an index with layers", false},
		"an index with a config":        {indexText, `"manifests"`, `"config":{},"manifests"`, "an index with config", false},
		"a platform of a subject":       {imageText, `"size":7`, `"size":7,"platform":{"architecture":"amd64","os":"linux"}`, `unknown member "platform"`, true},
		"a platform of a layer":         {imageText, `"size":5`, `"size":5,"platform":{"architecture":"amd64","os":"linux"}`, `unknown member "platform"`, true},
		"features of a platform":        {indexText, `"os":"linux"`, `"os":"linux","features":["sse4"]`, `unknown member "features"`, true},
		"os.features of a platform":     {indexText, `"os":"linux"`, `"os":"linux","os.features":["win32k"]`, `unknown member "os.features"`, true},
		"a platform that is a string":   {indexText, `{"architecture":"amd64","os":"linux"}`, `"linux/amd64"`, "wrong type", false},
		"os.features that are a string": {indexText, `"os":"linux"`, `"os":"linux","os.features":"win32k"`, `unknown member "os.features"`, true},
		"an architecture that is none":  {indexText, `"amd64"`, `64`, `no "`, false},

		"no fsLayers":                  {schema1Text, `"fsLayers":[{"blobSum":"sha256:1a"}],`, ``, "no fsLayers", true},
		"fsLayers that are empty":      {schema1Text, `{"blobSum":"sha256:1a"}`, ``, "no fsLayers", true},
		"an fsLayer without a blobSum": {schema1Text, `{"blobSum":"sha256:1a"}`, `{}`, "without blobSum", false},
		"a malformed blobSum":          {schema1Text, `sha256:1a`, `sha256-1a`, "malformed digest", false},
		"a name that is a number":      {schema1Text, `"app"`, `1`, `no "`, false},
		"a history that is a string":   {schema1Text, `[{"v1Compatibility":"{}"}]`, `"{}"`, "wrong type", false},
	}
	for _, text := range []string{imageText, indexText, schema1Text} {
		_, err := Parse(text, "", ECR)
		require.NoError(t, err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(test.text, test.old), "the edit has one place")
			text := strings.Replace(test.text, test.old, test.new, 1)

			m, err := Parse(text, "", ECR)
			require.Nil(t, m)
			var refusal *Error
			require.ErrorAs(t, err, &refusal)
			require.EqualError(t, err, "Invalid JSON syntax")
			require.Contains(t, refusal.Reason, test.reason)

			_, err = Parse(text, "", Spec)
			if test.spec {
				require.NoError(t, err)
				require.True(t, json.Valid([]byte(text)), "the refusal is not for the JSON")
			} else {
				require.EqualError(t, err, "Invalid JSON syntax")
			}
		})
	}
}

// The spec allows an index of nothing, and ECR is not known to refuse it.
func TestIndexWithoutManifests(t *testing.T) {
	for _, rules := range []Rules{ECR, Spec} {
		m, err := Parse(index(`"manifests":[]`), OCIIndex, rules)
		require.NoError(t, err)
		require.True(t, m.Index)
		require.Empty(t, m.Manifests)
	}
}

func TestMediaTypeOfTheRequest(t *testing.T) {
	docker, oci := read(t, "docker-schema2"), read(t, "oci-image")
	tests := map[string]struct {
		text, mediaType, want string
	}{
		"the document's":               {docker, "", DockerSchema2},
		"the request's":                {oci, OCIManifest, OCIManifest},
		"both":                         {docker, DockerSchema2, DockerSchema2},
		"schema 1":                     {read(t, "docker-schema1"), DockerSchema1, DockerSchema1},
		"null in the document":         {index(`"mediaType":null,"manifests":[` + layer(OCIIndex, "sha256:a1") + `]`), OCIIndex, OCIIndex},
		"empty in the document":        {index(`"mediaType":"","manifests":[` + layer(OCIIndex, "sha256:a1") + `]`), OCIIndex, OCIIndex},
		"behind everything else":       {`{"custom":{"mediaType":1},` + strings.TrimSuffix(image(""), "}")[1:] + `,"mediaType":"` + OCIManifest + `"}`, "", OCIManifest},
		"neither":                      {oci, "", ""},
		"another than the document's":  {docker, OCIManifest, ""},
		"an unsupported one":           {docker, "application/spdx+json", ""},
		"with parameters":              {docker, DockerSchema2 + "; charset=utf-8", ""},
		"an index that is an image":    {oci, OCIIndex, ""},
		"an image that is an index":    {index(`"manifests":[]`), OCIManifest, ""},
		"an image that is of schema 1": {oci, DockerSchema1, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := Parse(test.text, test.mediaType, Spec)
			if test.want == "" {
				require.EqualError(t, err, "Invalid JSON syntax")
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, m.MediaType)
		})
	}
}

// Members that no recorded case refuses and that tools write.
func TestOptionalMembersAreTaken(t *testing.T) {
	optional := `,"urls":["https://example.com/a"],"artifactType":"sbom/example","annotations":{"a":"b"}}`
	child := strings.TrimSuffix(layer(OCIManifest, "sha256:5b"), "}") + `,"platform":{"architecture":"arm","os":"linux","os.version":"6.1","variant":"v7"}` + optional
	for name, text := range map[string]string{
		"config":  strings.Replace(image(layer("a/b", "sha256:1a")), `c0",`, `c0","urls":[],"artifactType":"a/b",`, 1),
		"layer":   image(strings.TrimSuffix(layer("a/b", "sha256:1a"), "}") + optional),
		"child":   index(`"mediaType":"` + OCIIndex + `","manifests":[` + child + `]`),
		"subject": strings.TrimSuffix(image(layer("a/b", "sha256:1a")), "}") + `,"subject":` + strings.TrimSuffix(layer(OCIManifest, "sha256:5b"), "}") + optional + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			mediaType := OCIManifest
			if name == "child" {
				mediaType = ""
			}
			_, err := Parse(text, mediaType, ECR)
			require.NoError(t, err)
		})
	}
}

func TestLayerLimit(t *testing.T) {
	layers := func(n int) string {
		return strings.TrimSuffix(strings.Repeat(layer(ociLayer, "sha256:1a")+",", n), ",")
	}
	m, err := Parse(image(layers(127)), OCIManifest, ECR)
	require.NoError(t, err)
	require.Len(t, m.Layers, 127)

	for _, n := range []int{128, 300} {
		_, err = Parse(image(layers(n)), OCIManifest, ECR)
		require.EqualError(t, err, "Limit on number of layers per image exceeded")
		m, err = Parse(image(layers(n)), OCIManifest, Spec)
		require.NoError(t, err)
		require.Len(t, m.Layers, n)
	}
	_, err = Parse(image(layers(300)+",{}"), OCIManifest, ECR)
	require.EqualError(t, err, "Invalid JSON syntax", "the document is read before its layers are counted")
}

func TestTheLastOfTwoMembersCounts(t *testing.T) {
	text := `{"schemaVersion":1,"config":` + layer("a/b", "sha256:c0") + `,"layers":[` + layer("a/b", "sha256:1a") + `,` +
		layer("a/b", "sha256:1b") + `],"layers":[` + layer("c/d", "sha256:1c") + `],"schemaVersion":2,"config":` + layer("e/f", "sha256:c1") + `}`
	m, err := Parse(text, OCIManifest, ECR)
	require.NoError(t, err)
	require.Equal(t, []Descriptor{{MediaType: "c/d", Digest: "sha256:1c", Size: 1}}, m.Layers)
	require.Equal(t, Descriptor{MediaType: "e/f", Digest: "sha256:c1", Size: 1}, m.Config)
}

// The patterns of the service: the recorded one of media types, the model's of digests.
func FuzzPatterns(f *testing.F) {
	mediaTypes := regexp.MustCompile(`^\w{1,127}/[-+.\w]{1,127}$`)
	digests := regexp.MustCompile(`^[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+$`)
	long := strings.Repeat("x", 127)
	for _, s := range []string{
		"", "/", ":", "a/", "/b", "a/b", "a/b/c", "a-b/c", "a/-", long + "/" + long, long + "x/b", "a/" + long + "x", "a/b;c", "a/b=c", "ä/b",
		"text/plain", "application/vnd.oci.image.layer.v1.tar+gzip", "a/b\n", "@/[", "`/{", "Z_9/Z_9",
		"sha256:0123456789abcdefABCDEF", "sha256:", ":00", "sha256:0:0", "sha+b64.u-x_1:0f", "sha256:0g", "sha256:@", "sha256:`", "a:\x11", "/:0", "a:0\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		require.Equal(t, mediaTypes.MatchString(s), isMediaType(s), "media type %q", s)
		require.Equal(t, digests.MatchString(s), isDigest(s), "digest %q", s)
	})
}
