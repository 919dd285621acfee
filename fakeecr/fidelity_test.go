package fakeecr

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/stage"
)

// FIDELITY.md names each operation of the table once, and says what those leave out
// that are not full.
func TestTablesAgreeWithTheCode(t *testing.T) {
	fidelity, err := os.ReadFile("FIDELITY.md")
	require.NoError(t, err)
	var named, full []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\w+) \| (full|partial) \|(.*)\|$`).FindAllStringSubmatch(string(fidelity), -1) {
		named = append(named, row[1])
		if row[2] == "full" {
			full = append(full, row[1])
		} else {
			require.NotEmpty(t, strings.TrimSpace(row[3]), "what %s leaves out", row[1])
		}
	}
	slices.Sort(named)
	require.Equal(t, slices.Sorted(maps.Keys(stage.Operations)), named)

	require.NotContains(t, full, "PutImage", "it converts no manifest")
	require.NotContains(t, full, "BatchGetImage", "it converts no manifest")
}

// Each row of the table of the registry endpoint says where it is known from.
func TestEveryRowOfTheRegistryEndpointHasASource(t *testing.T) {
	fidelity, err := os.ReadFile("FIDELITY.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(fidelity), "| ECR | source | `WithSpecRegistry` |\n| --- | --- | --- |\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	for _, row := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		require.Len(t, cells, 3, row)
		require.Regexp(t, `recorded|documented|service model|chosen|^S3 `, cells[1], row)
	}
}
