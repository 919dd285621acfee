package manifest

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is skipped is JSON all the same: skip takes what encoding/json takes.
func FuzzSkip(f *testing.F) {
	for _, text := range []string{
		``, ` `, `{}`, `[]`, `""`, `0`, `-0`, `-1.50e+10`, `1E5`, `01`, `1.`, `.5`, `+1`, `1e`, `--1`, `- 1`, `-`, `1 2`, `0x1`, `1_0`, `NaN`,
		`true`, `false`, `null`, `True`, `nul`, `nullx`, `truefalse`,
		` { "a" : [ 1 , { "b" : null } ] , "" : "" } `, `{"a":null,"a":null}`, `[null,true]`, "\t[\r\n]\v", "\ufeff{}",
		`{`, `}`, `[`, `]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{1:2}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":nullx}`, `{"a":null`, `[1,]`, `[,1]`, `[1 2]`, `[1}`, `{"a":1]`,
		`"a`, `"\"`, `"\\"`, `"\u00e9\ud83d\ude00\n\/"`, `"\ud800"`, `"\x"`, `"\u12"`, "\"\n\"", "\"\\\n\"", "\"\x7f\"", "\"a\x00\"", `'a'`, "\x00", "[]\x00", `{"\u0061":1}`, `{"\q":1}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "[")+strings.Count(text, "{") > maxDepth {
			return
		}
		r := reader{text: text}
		r.skip()
		r.end()
		require.Equal(t, json.Valid([]byte(text)), r.reason == "", "%q: %s", text, r.reason)
	})
}

func TestStrings(t *testing.T) {
	for text, want := range map[string]string{
		`"plain"`:                 "plain",
		`"a\"b\\\/\b\f\n\r\t"`:    "a\"b\\/\b\f\n\r\t",
		`"\u00e9\ud83d\ude00 é😀"`: "é😀 é😀",
		`"\ud800x"`:               "\ufffdx",
	} {
		r := reader{text: text}
		require.Equal(t, want, r.string())
		require.Empty(t, r.reason)
	}
	m, err := Parse(`{"schema\u0056ersion":2,"m\u0061nifests":[{"mediaType":"application\/vnd.oci.image.index.v1+json","digest":"sha256\u003aa1","size":1}]}`, OCIIndex, ECR)
	require.NoError(t, err)
	require.Equal(t, []Descriptor{{MediaType: OCIIndex, Digest: "sha256:a1", Size: 1}}, m.Manifests)
}

// Texts of a mebibyte, written to cost much: each is read in a small part of a second, where anything
// quadratic takes many minutes.
func TestLargeTexts(t *testing.T) {
	const size = 1 << 20
	fill := func(open, unit, end string) string {
		return open + strings.Repeat(unit, (size-len(open)-len(end))/len(unit)) + end
	}
	nested := strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	custom := func(value string) string {
		return strings.TrimSuffix(image(layer("a/b", "sha256:1a")), "}") + `,"custom":` + value + `}`
	}
	tests := map[string]struct {
		text string
		spec bool // whether Spec takes it; ECR never does
	}{
		"nested objects":             {nested, false},
		"nested lists":               {strings.Repeat("[", size), false},
		"nested in a member":         {custom(nested), false},
		"nested lists in a member":   {custom(strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), false},
		"nested just deep enough":    {custom(strings.Repeat("[", 999) + strings.Repeat("]", 999)), true},
		"nested a level too deep":    {custom(strings.Repeat("[", 1000) + strings.Repeat("]", 1000)), false},
		"nested in a schema 1":       {`{"schemaVersion":1,"history":` + nested, false},
		"white space":                {fill("", " ", ""), false},
		"a number":                   {custom(fill("1", "0", "")), true},
		"a size":                     {strings.Replace(image(layer("a/b", "sha256:1a")), `"size":1`, fill(`"size":`, "9", ""), 1), false},
		"a string":                   {custom(fill(`"`, "x", `"`)), true},
		"escapes":                    {custom(fill(`"`, `\"`, `"`)), true},
		"a string without an end":    {fill(`{"`, `\\`, ``), false},
		"a digest":                   {image(layer("a/b", fill("sha256:", "z", ""))), false},
		"many layers":                {image(fill("", layer("a/b", "sha256:1a")+",", layer("a/b", "sha256:1b"))), true},
		"the same member repeatedly": {fill(`{`, `"layers":[],`, image("")[1:]), true},
		"many members":               {fill(`{`, `"\u0061":0,`, image("")[1:]), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			for _, mediaType := range []string{"", OCIManifest} {
				_, err := Parse(test.text, mediaType, ECR)
				require.Error(t, err)
				require.Less(t, len(err.(*Error).Reason), 1000)
			}
			m, err := Parse(test.text, OCIManifest, Spec)
			require.Equal(t, test.spec, err == nil)
			if m != nil {
				m.References()
			}
			require.Less(t, time.Since(start), time.Minute)
		})
	}
}

func TestReferencesOfManyLayers(t *testing.T) {
	var layers []string
	for n := range 10_000 {
		layers = append(layers, layer("a/b", Digest(strconv.Itoa(n))))
	}
	m, err := Parse(image(strings.Join(layers, ",")), OCIManifest, Spec)
	require.NoError(t, err)
	require.Equal(t, 10_001, len(m.References()))
	require.EqualValues(t, 10_001, sizeOf(m))
}

// FuzzParse holds Parse against encoding/json: what is taken is JSON and says the same to both.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, file := range files {
		text := read(f, strings.TrimSuffix(filepath.Base(file), ".json"))
		for _, mediaType := range []string{"", DockerSchema1, DockerSchema2, DockerList, OCIManifest, OCIIndex} {
			f.Add(text, mediaType)
		}
	}
	f.Fuzz(func(t *testing.T, text, mediaType string) {
		m, err := Parse(text, mediaType, ECR)
		again, errAgain := Parse(text, mediaType, ECR)
		require.Equal(t, m, again)
		require.Equal(t, err, errAgain)
		bySpec, errSpec := Parse(text, mediaType, Spec)
		if errSpec == nil {
			require.True(t, json.Valid([]byte(text)))
			bySpec.References()
		}
		if err != nil {
			require.Contains(t, []string{"Invalid JSON syntax", "Limit on number of layers per image exceeded"}, err.Error())
			return
		}
		require.NoError(t, errSpec)
		require.Equal(t, m, bySpec)
		if !strings.Contains(text, "null") && !repeatsMembers(t, text) {
			requireSameAsJSON(t, text, m)
		}
	})
}

func requireSameAsJSON(t *testing.T, text string, m *Manifest) {
	var document struct {
		SchemaVersion int
		MediaType     string
		Config        Descriptor
		Layers        []Descriptor
		FSLayers      []struct{ BlobSum string }
		Manifests     []Descriptor
		Subject       *Descriptor
		ArtifactType  string
		Annotations   map[string]string
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	require.NoError(t, decoder.Decode(&document))
	for _, layer := range document.FSLayers {
		document.Layers = append(document.Layers, Descriptor{Digest: layer.BlobSum})
	}
	for i, child := range document.Manifests {
		if child.Platform != nil { // its os.version has no tag here
			document.Manifests[i].Platform.OSVersion = m.Manifests[i].Platform.OSVersion
		}
	}
	if document.Subject != nil && document.Subject.Platform != nil {
		document.Subject.Platform = nil // which nobody asks for
	}
	for i := range document.Layers {
		document.Layers[i].Foreign = m.Layers[i].Foreign
	}
	if document.MediaType != "" {
		require.Equal(t, document.MediaType, m.MediaType)
	}
	if document.ArtifactType != "" {
		require.Equal(t, document.ArtifactType, m.ArtifactType)
	}
	require.Equal(t, document.Config, m.Config)
	require.Equal(t, document.Layers, m.Layers)
	require.Equal(t, document.Manifests, m.Manifests)
	require.Equal(t, document.Subject, m.Subject)
	require.Equal(t, document.Annotations, m.Annotations)
}

// repeatsMembers reports whether an object has a member twice: encoding/json merges the two.
func repeatsMembers(t *testing.T, text string) bool {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	repeated := false
	var value func()
	value = func() {
		token, err := decoder.Token()
		require.NoError(t, err)
		if token != json.Delim('{') && token != json.Delim('[') {
			return
		}
		names := make(map[json.Token]bool)
		for decoder.More() {
			if token == json.Delim('{') {
				name, err := decoder.Token()
				require.NoError(t, err)
				repeated = repeated || names[name]
				names[name] = true
			}
			value()
		}
		_, err = decoder.Token()
		require.NoError(t, err)
	}
	value()
	return repeated
}
