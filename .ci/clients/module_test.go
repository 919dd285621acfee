package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A module with old clients of registries and of AWS works with the fake, and keeps them
// as old as they are: the fake raises the SDK's core and its client of ECR alone, which
// its own packages are made of. Clients of AWS from before the end of November 2023 work
// with no newer core ("not found: ComputePayloadHash"), so these are the oldest there are.
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
		"github.com/google/uuid":                 "v1.5.0",

		"github.com/aws/aws-sdk-go-v2/config":      "v1.26.0",
		"github.com/aws/aws-sdk-go-v2/credentials": "v1.16.11",
		"github.com/aws/aws-sdk-go-v2/service/sts": "v1.26.4",
	}
	requirements := ""
	for module, version := range old {
		requirements += "\t" + module + " " + version + "\n"
	}
	write("go.mod", "module example.com/old\n\ngo 1.25.0\n\nrequire (\n"+requirements+"\tgithub.com/fakeecr/ecr v0.0.0\n)\n\nreplace github.com/fakeecr/ecr => "+fake+"\n")
	write("old_test.go", `package old

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/docker/docker/client"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

func Test(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithSigV4())
	server.Setenv(t)
	loaded, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(loaded), "arn:aws:iam::123456789012:role/puller")
	keys, err := role.Retrieve(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, keys.SessionToken)
	_ = remote.WithTransport(server.Transport())
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
		require.Equal(t, module+" "+version, strings.TrimSpace(command("list", "-m", module)))
	}
}
