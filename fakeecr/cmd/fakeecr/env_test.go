package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"
)

// What -env writes means the same to docker, which reads lines, and to a shell, and
// leads clients of ECR and of STS to the program.
func TestEnvFile(t *testing.T) {
	for name, flags := range map[string][]string{"plain": nil, "tls": {"-tls"}} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NO_PROXY", "corp, *.corp")
			t.Setenv("no_proxy", "")
			file := filepath.Join(t.TempDir(), "env")
			url, stop := start(t, append(flags, "-env", file, "-account", "210987654321", "-region", "eu-west-1", "-sigv4", "AKIA:secret")...)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			pairs := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
			require.Subset(t, pairs, []string{
				"AWS_ENDPOINT_URL=" + url, "AWS_ENDPOINT_URL_STS=" + url, "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=210987654321",
				"AWS_CONFIG_FILE=" + os.DevNull, "NO_PROXY=corp,*.corp,127.0.0.1",
			})
			shell := exec.CommandContext(t.Context(), "sh", "-c", "set -a; . "+file+"; env")
			shell.Env = []string{"PATH=" + os.Getenv("PATH")}
			read, err := shell.Output()
			require.NoError(t, err)
			require.Subset(t, strings.Split(string(read), "\n"), pairs)

			for _, pair := range pairs {
				name, value, _ := strings.Cut(pair, "=")
				t.Setenv(name, value)
			}
			loaded, err := awsconfig.LoadDefaultConfig(t.Context())
			require.NoError(t, err)
			who, err := sts.NewFromConfig(loaded).GetCallerIdentity(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, "210987654321", *who.Account)
			out, err := ecr.NewFromConfig(loaded).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
			require.NoError(t, err)
			require.Equal(t, "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/app", *out.Repository.RepositoryUri)
			require.NoError(t, stop())
		})
	}
}

// A value that a shell would read otherwise is refused, before anything is served.
func TestEnvFileRefuses(t *testing.T) {
	t.Setenv("NO_PROXY", "$HOME")
	file := filepath.Join(t.TempDir(), "env")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // it would serve on
	defer cancel()
	err := run(ctx, []string{"-env", file}, io.Discard, io.Discard)
	require.ErrorContains(t, err, `NO_PROXY would be "$HOME`)
	require.NoFileExists(t, file)
	require.Error(t, run(ctx, []string{"-env", filepath.Join(t.TempDir(), "no", "env")}, io.Discard, io.Discard))
}
