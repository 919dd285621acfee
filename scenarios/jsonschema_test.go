package scenarios_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakeecr/ecr/scenarios"
)

var update = flag.Bool("update", false, "write testdata/texts.json anew")

func TestSchemaIsUpToDate(t *testing.T) {
	file, err := os.ReadFile("scenario.schema.json")
	require.NoError(t, err)
	require.Equal(t, string(scenarios.Schema()), string(file), "go generate ./scenarios writes it anew")
}

// The texts that the tests here write and read are a file for the tests under .ci, which
// validate them by the schema.
func TestTextsAreUpToDate(t *testing.T) {
	texts := map[string][]string{
		"rules": slices.Sorted(maps.Keys(written())),
		"ready": slices.Sorted(maps.Keys(readyMade())),
	}
	for rule := range answers() {
		text, err := json.Marshal(rule)
		require.NoError(t, err)
		texts["answers"] = append(texts["answers"], string(text))
	}
	drawn := rapid.Custom(anyScenario)
	for seed := range 50 {
		text, err := json.Marshal(drawn.Example(seed))
		require.NoError(t, err)
		texts["drawn"] = append(texts["drawn"], string(text))
	}
	for _, m := range parseMistakes {
		texts["mistakes"] = append(texts["mistakes"], m.text)
	}
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "\t")
	require.NoError(t, encoder.Encode(texts))

	path := filepath.Join("testdata", "texts.json")
	if *update {
		require.NoError(t, os.WriteFile(path, want.Bytes(), 0o644))
	}
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want.String(), string(file), "go generate ./scenarios writes it anew")
}
