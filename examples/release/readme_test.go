package release_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/examples/release"
	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/explore"
)

const root = "../.."

func readme(t *testing.T) string {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	return string(text)
}

// blocks are the code in a language, in order.
func blocks(text, language string) (blocks []string) {
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, block[1])
	}
	return blocks
}

func TestReadmeHasNoLongSection(t *testing.T) {
	for _, section := range strings.Split(readme(t), "\n## ") {
		title, _, _ := strings.Cut(section, "\n")
		require.LessOrEqual(t, strings.Count(section, "\n"), 45, title)
	}
}

// What is in no language is not run.
func TestReadmeHasNoOtherCode(t *testing.T) {
	opened := 0
	for _, fence := range regexp.MustCompile("(?m)^ *```.*$").FindAllString(readme(t), -1) {
		require.Contains(t, []string{"```", "```go", "```sh", "```text"}, fence)
		if fence != "```" {
			opened++
		}
	}
	require.Equal(t, 2*opened, strings.Count(readme(t), "```"))
}

// README's Go is code that runs here or in the scenarios' examples.
func TestReadmeShowsRealCode(t *testing.T) {
	var code string
	for _, file := range []string{"first_test.go", "release_test.go", root + "/scenarios/example_test.go"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		code += string(text)
	}
	shown := blocks(readme(t), "go")
	require.NotEmpty(t, shown)
	for _, block := range shown {
		block = strings.Replace(block, "badDay := ", "var badDay = ", 1)
		block = strings.TrimSuffix(block, "playing := registry.Play(badDay)\n")
		require.Contains(t, code, "\n"+block)
	}
}

// The table is what the exploration above it prints.
func TestReadmeShowsTheTable(t *testing.T) {
	fixture := fakeecr.New(t)
	fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<20))
	report := explore.Run(t, fixture, func(ctx context.Context, registry *fakeecr.Registry) (any, error) {
		return nil, release.Publish(ctx, registry.Client(), "team/app")
	})
	require.Contains(t, blocks(readme(t), "text"), report.String())
}

// reader is what stands around the commands. The module is this one, and what .ci/run
// runs is left to it. Nothing stays on the machine.
const reader = `
set -euo pipefail
for name in $(compgen -e AWS_); do unset "$name"; done
export PATH=$SCRATCH:$PATH NO_PROXY=127.0.0.1 AWS_PAGER='' AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
export DOCKER_CONFIG=$SCRATCH/docker REGISTRY_AUTH_FILE=$SCRATCH/auth.json
export HELM_CACHE_HOME=$SCRATCH/helm HELM_CONFIG_HOME=$SCRATCH/helm HELM_DATA_HOME=$SCRATCH/helm
programs=() output=2
trap 'kill "${programs[@]}"' EXIT

fakeecr() {
	case "$*" in
	"verify -endpoint=aws "*) # no test asks AWS
		command fakeecr "${@/#-endpoint=aws/-endpoint=http://127.0.0.1:4512}" -run ^repositories/
		return ;;
	esac
	output=$((output + 1))
	mkfifo "$SCRATCH/output$output"
	command fakeecr "$@" >"$SCRATCH/output$output" &
	programs+=($!)
	eval "exec $output<$SCRATCH/output$output; read -r line <&$output"
	[[ $line == 'fakeecr listening on '* ]]
}

go() {
	case "$*" in
	"get "*) [ "$2" = "$(command go -C "$MODULE" list -m)" ] ;;
	"install "*@latest) command go -C "$MODULE" build -o "$SCRATCH/" "${2%@latest}" ;;
	"test ./..." | "generate ./...") grep "^go $1 .*\./\.\.\." "$MODULE/.ci/run" ;;
	"test -C "* | "test -modfile="*) grep "^go test $2" "$MODULE/.ci/run" ;;
	"test "*) command go -C "$MODULE" "${@/#1m/1x}" -benchtime 1x ;;
	*) command go -C "$MODULE" "$@" ;;
	esac
}

git() {
	case "$*" in
	"clone "*) mkdir "${2##*/}" ;;
	"-C ecr diff") grep '^# recorded: http' ecr/fakeecr/internal/transcript/repositories.txt ;;
	esac
}
examples/run() { grep examples/run "$MODULE/.ci/run"; }
.ci/run() { [ -x "$MODULE/.ci/run" ]; }
`

// Commands are run in one shell, in order, as a reader would. A block with a program
// that this machine lacks is left out, and the log says so.
func TestReadmeShowsRealCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs programs")
	}
	if missing := missing("bash curl"); missing != "" {
		t.Skip("no " + missing)
	}
	module, err := filepath.Abs(root)
	require.NoError(t, err)
	scratch := t.TempDir()
	storage := filepath.Join(scratch, "storage.conf")
	require.NoError(t, os.WriteFile(storage, []byte("[storage]\ndriver = 'vfs'\ngraphroot = '"+scratch+"/storage'\nrunroot = '"+scratch+"/run'\n"), 0o600))
	t.Setenv("CONTAINERS_STORAGE_CONF", storage)
	t.Setenv("STORAGE_DRIVER", "vfs")
	require.NoError(t, os.WriteFile(filepath.Join(scratch, "README.md"), []byte(readme(t)), 0o600))

	script := reader
	for _, block := range blocks(readme(t), "sh") {
		if missing := missing(block); missing != "" {
			t.Logf("no %s for\n%s", missing, block)
			continue
		}
		script += regexp.MustCompile("(?m)^(fakeecr .*) &$").ReplaceAllString(block, "$1")
	}
	script = strings.NewReplacer("4510", freePort(t), "4511", freePort(t), "4512", freePort(t)).Replace(script)
	command := shell(t, byLoopback(script)+"touch done\n", sooner(t))
	command.Dir = scratch
	command.Env = append(os.Environ(), "SCRATCH="+scratch, "MODULE="+module)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.FileExists(t, filepath.Join(scratch, "done"), "%s", output)
}

// byLoopback is a script whose programs other machines cannot reach.
func byLoopback(script string) string {
	return regexp.MustCompile(`(-addr[ =])\S*:(\d+)`).ReplaceAllString(script, "${1}127.0.0.1:$2")
}

// sooner is a while before the test's deadline, which would take with it what has been
// seen.
func sooner(t *testing.T) time.Duration {
	deadline, has := t.Deadline()
	if !has {
		return time.Hour
	}
	return time.Until(deadline) * 9 / 10
}

// shell runs a script for so long at most. It and what it has started end with the
// test.
func shell(t *testing.T, script string, most time.Duration) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), most)
	command := exec.CommandContext(ctx, "bash", "-xc", script)
	command.WaitDelay = time.Second
	end := asGroup(command)
	command.Cancel = end
	t.Cleanup(func() { end(); cancel() })
	return command
}

// What is seen of commands that do not end is told, and nothing of them is left.
func TestCommandsEndBeforeTheTest(t *testing.T) {
	if missing := missing("bash curl"); missing != "" {
		t.Skip("no " + missing)
	}
	for name, script := range map[string]string{
		"without an end":   "echo so far; sleep 300 & sleep 300",
		"that leave child": "echo so far; sleep 300 & true",
	} {
		alive, held, err := os.Pipe()
		require.NoError(t, err)
		defer alive.Close()
		t.Run(name, func(t *testing.T) {
			command := shell(t, script, 3*time.Second)
			command.ExtraFiles = []*os.File{held}
			output, err := command.CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(output), "so far")
		})
		require.NoError(t, held.Close())
		require.NoError(t, alive.SetReadDeadline(time.Now().Add(time.Minute)))
		_, err = alive.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "%s: nobody has the other end", name)
	}
}

func TestProgramsAreReachedByTheLoopback(t *testing.T) {
	for said, want := range map[string]string{
		"fakeecr -addr 0.0.0.0:4512 -token secret": "fakeecr -addr 127.0.0.1:4512 -token secret",
		"fakeecr -addr=[::]:0":                     "fakeecr -addr=127.0.0.1:0",
		"fakeecr -addr :1 -tls":                    "fakeecr -addr 127.0.0.1:1 -tls",
	} {
		require.Equal(t, want, byLoopback(said))
	}
}

// missing is a program that commands need and this machine lacks.
func missing(commands string) string {
	for _, tool := range []string{"bash", "curl", "aws", "tar", "crane", "helm", "oras", "podman", "skopeo", "buildah", "docker"} {
		if regexp.MustCompile(`(?m)(^|\| |&& | )` + tool + `( |$)`).MatchString(commands) {
			if _, err := exec.LookPath(tool); err != nil {
				return tool
			}
			if tool == "podman" && exec.Command(tool, "info").Run() != nil {
				return "podman that works here"
			}
		}
	}
	return ""
}

// freePort is a port that no server or client is given meanwhile: systems give away those
// from 32768 on.
func freePort(t *testing.T) string {
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
	require.Fail(t, "no port is free")
	return ""
}
