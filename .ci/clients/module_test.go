package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A module with old clients of registries builds with the fake, and keeps them as old as
// they are: the fake brings no requirement beyond its own packages'.
func TestModuleWithOldClients(t *testing.T) {
	fake, err := filepath.Abs("../..")
	require.NoError(t, err)
	directory := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600))
	}
	old := map[string]string{
		"github.com/docker/docker":               "v20.10.27+incompatible",
		"github.com/docker/go-connections":       "v0.4.0",
		"github.com/docker/cli":                  "v20.10.16+incompatible",
		"github.com/google/go-containerregistry": "v0.9.0",
		"github.com/sirupsen/logrus":             "v1.8.1",
		"github.com/stretchr/testify":            "v1.8.0",
	}
	requirements := ""
	for module, version := range old {
		requirements += "\t" + module + " " + version + "\n"
	}
	write("go.mod", "module example.com/old\n\ngo 1.25.0\n\nrequire (\n"+requirements+"\tgithub.com/fakeecr/ecr v0.0.0\n)\n\nreplace github.com/fakeecr/ecr => "+fake+"\n")
	write("old_test.go", `package old

import (
	"testing"

	"github.com/docker/docker/client"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sirupsen/logrus"

	"github.com/fakeecr/ecr/fakeecr"
)

func Test(t *testing.T) {
	registry := fakeecr.New(t)
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
	_ = remote.WithTransport(registry.Transport())
	_, _ = client.NewClientWithOpts()
	logrus.Debug()
}
`)
	command := func(args ...string) string {
		t.Helper()
		run := exec.CommandContext(t.Context(), "go", args...)
		run.Dir, run.Env = directory, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		output, err := run.CombinedOutput()
		require.NoError(t, err, "go %s\n%s", strings.Join(args, " "), output)
		return string(output)
	}
	command("test", ".")
	for module, version := range old {
		if module != "github.com/stretchr/testify" { // the fake's own tests are written with it
			require.Equal(t, module+" "+version, strings.TrimSpace(command("list", "-m", module)))
		}
	}
}
