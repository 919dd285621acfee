package registry

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The map at the door names each file once, and no other; test files have the name of one,
// or are named there as well.
func TestTheMapNamesEachFile(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), "// # Where what is\n")
	table, _, _ := strings.Cut(rest, "// # ")
	var named []string
	for _, line := range regexp.MustCompile(`(?m)^//\t(.*?)(?:  |$)`).FindAllStringSubmatch(table, -1) {
		named = append(named, strings.Split(strings.TrimSuffix(line[1], ","), ", ")...)
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var want []string
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") && file != "doc.go" {
			want = append(want, strings.TrimSuffix(file, ".go"))
		}
	}
	for _, file := range files {
		if of, is := strings.CutSuffix(file, "_test.go"); is && !slices.Contains(append(want, "doc"), strings.TrimSuffix(of, "_internal")) {
			require.Contains(t, string(text), file)
		}
	}
	require.ElementsMatch(t, want, named)
}
