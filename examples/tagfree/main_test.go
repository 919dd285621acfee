package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// Setenv leads each client of this process to the fake.
func TestTagIsFree(t *testing.T) {
	server := fakeecr.NewServer(t)
	server.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<10))
	server.Setenv(t)

	code, stdout, stderr := tagfree(t, "team/app", "v2")
	require.Zero(t, code)
	require.Equal(t, "team/app:v2 is free\n", stdout)
	require.Empty(t, stderr)
}

func TestTagIsTaken(t *testing.T) {
	server := fakeecr.NewServer(t)
	digest := server.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<10))
	server.Setenv(t)

	code, stdout, stderr := tagfree(t, "team/app", "v1")
	require.Equal(t, 1, code)
	require.Equal(t, "team/app:v1 is "+digest+"\n", stdout)
	require.Empty(t, stderr)
}

// A tag is not free because ECR could not be asked.
func TestNobodyKnows(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithScenario(scenarios.CredentialsExpired(0)))
	server.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<10))
	server.Setenv(t)

	code, stdout, stderr := tagfree(t, "team/app", "v2")
	require.Equal(t, 2, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "ExpiredTokenException")
}

// Env does the same for a process of its own, so tests may be parallel.
func TestProgram(t *testing.T) {
	t.Parallel()
	server := fakeecr.NewServer(t)
	server.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<10))

	program := exec.Command("go", "run", ".", "team/app", "v2")
	program.Env = append(os.Environ(), server.Env()...)
	output, err := program.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Equal(t, "team/app:v2 is free\n", string(output))
}

func tagfree(t *testing.T, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}
