package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGeneratedFilesAreCurrent(t *testing.T) {
	folder := t.TempDir()
	condensed, table := filepath.Join(folder, "model.json"), filepath.Join(folder, "table_gen.go")
	require.NoError(t, run("model.json", condensed, table))
	require.Equal(t, content(t, "../table_gen.go"), content(t, table), "run go generate")
	require.Equal(t, content(t, "model.json"), content(t, condensed))
}

// full is in the form in which botocore publishes models, with what nothing here needs.
const full = `{
	"version": "1.0",
	"metadata": {"protocol": "json"},
	"operations": {
		"PutImage": {
			"name": "PutImage",
			"http": {"method": "POST", "requestUri": "/"},
			"input": {"shape": "PutImageRequest", "documentation": "<p>An input.</p>"},
			"output": {"shape": "PutImageResponse"},
			"errors": [{"shape": "ServerException"}]
		}
	},
	"shapes": {
		"PutImageResponse": {"type": "structure", "members": {"counts": {"shape": "Counts"}}},
		"Counts": {"type": "map", "key": {"shape": "Tag"}, "value": {"shape": "Count"}},
		"Count": {"type": "integer"},
		"Unused": {"type": "string"},
		"ServerException": {"type": "structure", "members": {}, "exception": true, "fault": true},
		"PutImageRequest": {
			"type": "structure",
			"required": ["name"],
			"members": {
				"tags": {"shape": "TagList", "documentation": "<p>Tags.</p>"},
				"name": {"shape": "Name"}
			}
		},
		"TagList": {"type": "list", "member": {"shape": "Tag"}, "max": 5, "min": 0},
		"Tag": {"type": "string", "enum": ["MUTABLE", "IMMUTABLE"], "documentation": "<p>A tag.</p>"},
		"Name": {"type": "string", "pattern": "^\\w+$"}
	}
}`

func TestModel(t *testing.T) {
	folder := t.TempDir()
	file, condensed := filepath.Join(folder, "full.json"), filepath.Join(folder, "condensed.json")
	require.NoError(t, os.WriteFile(file, []byte(full), 0o666))
	table := filepath.Join(folder, "table.go")

	require.NoError(t, run(file, condensed, table))
	want := header + `var operations = []Operation{
	{"PutImage", reflect.TypeFor[ecr.PutImageInput](), &shapePutImageRequest},
}

var (
	shapeName            = Shape{Name: "Name", Kind: String, Pattern: ` + "`^\\w+$`" + `}
	shapePutImageRequest = Shape{Name: "PutImageRequest", Kind: Structure, Members: []Member{
		{Name: "tags", Shape: &shapeTagList},
		{Name: "name", Shape: &shapeName, Required: true},
	}}
	shapeTag     = Shape{Name: "Tag", Kind: String, Enum: []string{"IMMUTABLE", "MUTABLE"}}
	shapeTagList = Shape{Name: "TagList", Kind: List, Min: at(0), Max: at(5), Element: &shapeTag}
)
`
	require.Equal(t, want, content(t, table), "inputs only")

	shapes := content(t, condensed)
	for name, kept := range map[string]bool{"Count": true, "ServerException": true, "Unused": false, "documentation": false} {
		require.Equal(t, kept, strings.Contains(shapes, `"`+name+`"`), name)
	}
	require.NoError(t, run(condensed, "", table))
	require.Equal(t, want, content(t, table), "the condensed model makes the same table")
}

func TestBadModels(t *testing.T) {
	tests := map[string]struct{ model, message string }{
		"not JSON":        {`{`, "unexpected end of JSON input"},
		"a missing shape": {`{"operations": {"A": {"input": {"shape": "B"}, "output": {"shape": "B"}}}}`, `A: the model lacks the shape "B"`},
		"an unknown type": {
			`{"operations": {"A": {"input": {"shape": "B"}, "output": {"shape": "B"}}}, "shapes": {"B": {"type": "union"}}}`,
			`B: unknown type "union"`,
		},
		"a bad pattern": {
			`{"operations": {"A": {"input": {"shape": "B"}, "output": {"shape": "B"}}}, "shapes": {"B": {"type": "string", "pattern": "("}}}`,
			"missing closing )",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "model.json")
			require.NoError(t, os.WriteFile(file, []byte(test.model), 0o666))
			require.ErrorContains(t, run(file, "", filepath.Join(t.TempDir(), "table.go")), test.message)
		})
	}
}

// The first two orders are recorded from ECR, the last is what java.util.HashSet of Java 17 prints.
func TestHashSet(t *testing.T) {
	tests := []struct{ model, want []string }{
		{
			[]string{"MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"},
			[]string{"IMMUTABLE", "MUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"},
		},
		{
			[]string{"REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"},
			[]string{"REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"},
		},
		{
			[]string{
				"ecr", "ecr-public", "quay", "k8s", "docker-hub", "github-container-registry",
				"azure-container-registry", "gitlab-container-registry", "chainguard",
			},
			[]string{
				"ecr", "k8s", "gitlab-container-registry", "quay", "docker-hub", "github-container-registry",
				"azure-container-registry", "ecr-public", "chainguard",
			},
		},
	}
	for _, test := range tests {
		require.Equal(t, test.want, hashSet(test.model))
	}
}

func content(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(data)
}
