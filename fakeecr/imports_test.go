package fakeecr

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"
)

var (
	_ API = (*ecr.Client)(nil)
	_ API = (*Registry)(nil)
	_ API = (*Server)(nil)
)

// Imports run downward: a package may import those of its own rows' below.
func TestImportsRunDownward(t *testing.T) {
	const module = "github.com/fakeecr/ecr/"
	allowed := map[string][]string{
		"scenarios":                                  {"scenarios/internal/form"},
		"scenarios/internal/generate":                {"scenarios"},
		"fakeecr":                                    {"scenarios", "fakeecr/internal/"},
		"fakeecr/cmd/fakeecr":                        {"fakeecr", "fakeecr/internal/entrance", "fakeecr/internal/exploration", "fakeecr/internal/naming", "fakeecr/internal/report", "fakeecr/internal/transcript", "scenarios"},
		"fakeecr/explore":                            {"fakeecr", "fakeecr/internal/exploration", "scenarios"},
		"fakeecr/internal/exploration":               {"fakeecr", "fakeecr/internal/report", "scenarios"},
		"fakeecr/internal/faces":                     {"fakeecr", "scenarios"}, // for tests alone
		"fakeecr/internal/report":                    {"scenarios"},
		"fakeecr/internal/entrance":                  {"scenarios", "fakeecr/internal/entrance/", "fakeecr/internal/stage", "fakeecr/internal/registry", "fakeecr/internal/naming", "fakeecr/internal/constraint", "fakeecr/internal/wire"},
		"fakeecr/internal/entrance/api":              {"scenarios", "fakeecr/internal/dispatch", "fakeecr/internal/entrance/exchange", "fakeecr/internal/overlay", "fakeecr/internal/stage", "fakeecr/internal/wire"},
		"fakeecr/internal/entrance/direct":           {"scenarios", "fakeecr/internal/dispatch", "fakeecr/internal/entrance/exchange", "fakeecr/internal/entrance/api", "fakeecr/internal/stage", "fakeecr/internal/naming", "fakeecr/internal/constraint"},
		"fakeecr/internal/entrance/oci":              {"scenarios", "fakeecr/internal/dispatch", "fakeecr/internal/entrance/exchange", "fakeecr/internal/stage", "fakeecr/internal/registry", "fakeecr/internal/manifest", "fakeecr/internal/naming", "fakeecr/internal/constraint", "fakeecr/internal/wire"},
		"fakeecr/internal/entrance/store":            {"scenarios", "fakeecr/internal/entrance/exchange", "fakeecr/internal/stage", "fakeecr/internal/registry", "fakeecr/internal/wire"},
		"fakeecr/internal/entrance/sts":              {"scenarios", "fakeecr/internal/dispatch", "fakeecr/internal/entrance/api", "fakeecr/internal/entrance/exchange", "fakeecr/internal/stage", "fakeecr/internal/wire"},
		"fakeecr/internal/entrance/exchange":         {"scenarios", "fakeecr/internal/dispatch", "fakeecr/internal/stage"},
		"fakeecr/internal/stage":                     {"scenarios", "fakeecr/internal/dispatch", "fakeecr/internal/engine", "fakeecr/internal/registry", "fakeecr/internal/naming", "fakeecr/internal/constraint", "fakeecr/internal/clone"},
		"fakeecr/internal/dispatch":                  {"scenarios", "fakeecr/internal/registry", "fakeecr/internal/naming"},
		"fakeecr/internal/upstream":                  {"fakeecr/internal/registry", "fakeecr/internal/manifest"},
		"fakeecr/internal/registry":                  {"scenarios", "fakeecr/internal/clone", "fakeecr/internal/constraint", "fakeecr/internal/cow", "fakeecr/internal/engine", "fakeecr/internal/lifecycle", "fakeecr/internal/manifest", "fakeecr/internal/naming", "fakeecr/internal/overlay", "fakeecr/internal/page", "fakeecr/internal/policy"},
		"fakeecr/internal/transcript":                {"fakeecr/internal/wire"},
		"fakeecr/internal/engine":                    {"scenarios", "fakeecr/internal/cow"},
		"fakeecr/internal/naming":                    {"fakeecr/internal/constraint"},
		"fakeecr/internal/policy":                    {"fakeecr/internal/naming"},
		"fakeecr/internal/constraint":                {"fakeecr/internal/overlay"},
		"fakeecr/internal/constraint/constrainttest": {"fakeecr/internal/constraint"},
		"fakeecr/internal/constraint/generate":       {},
		"examples/":                                  {"fakeecr", "fakeecr/explore", "scenarios"},
	}
	output, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"...").Output()
	require.NoError(t, err)
	for _, line := range strings.Split(strings.TrimSpace(string(output)), "\n") {
		words := strings.Fields(line)
		importer := strings.TrimPrefix(words[0], module)
		may := allowed[importer]
		if strings.HasPrefix(importer, "examples/") {
			may = allowed["examples/"]
		}
		for _, imported := range words[1:] {
			if importer != "fakeecr/internal/faces" {
				require.NotRegexp(t, "testify|internal/faces$", imported, "%s is not for tests alone", importer)
			}
			if path, ours := strings.CutPrefix(imported, module); ours {
				require.True(t, slices.ContainsFunc(may, func(allowed string) bool {
					return path == allowed || strings.HasSuffix(allowed, "/") && strings.HasPrefix(path, allowed)
				}), "%s imports %s", importer, path)
			}
		}
	}
}
