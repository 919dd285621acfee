package wire

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// snapshots reads the requests and responses that the SDK's module brings with it, by the part of the file's name
// before the suffix.
func snapshots(t testing.TB, pattern string, want int) map[string]string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/ecr").Output()
	require.NoError(t, err)
	paths, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), pattern))
	require.NoError(t, err)
	require.Len(t, paths, want)

	found := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		found[name] = string(text)
	}
	return found
}

// requestBody returns what follows the request line, the headers and the blank lines after both.
func requestBody(t testing.TB, snapshot string) (header, body string) {
	parts := strings.SplitN(snapshot, "\n\n", 3)
	require.Len(t, parts, 3)
	return parts[1], parts[2]
}

func responseBody(t testing.TB, snapshot string) (status int, body string) {
	header, body, ok := strings.Cut(snapshot, "\n\n")
	require.True(t, ok)
	line, _, _ := strings.Cut(header, "\n")
	status, err := strconv.Atoi(line)
	require.NoError(t, err)
	return status, body
}

func TestReadSnapshots(t *testing.T) {
	known := operations(t)
	for name, snapshot := range snapshots(t, "request_snapshot/*.request.snap", 62) {
		t.Run(name, func(t *testing.T) {
			header, body := requestBody(t, snapshot)
			require.Equal(t, "Content-Type: "+ContentType+"\nX-Amz-Target: "+TargetPrefix+name, header)

			in := known[name].input()
			require.NoError(t, readString(body, in))
			require.Equal(t, body, string(sdkWrite(t, in)))
		})
	}
}

func TestWriteSnapshots(t *testing.T) {
	known := operations(t)
	for name, snapshot := range snapshots(t, "response_snapshot/*.response.snap", 62) {
		t.Run(name, func(t *testing.T) {
			status, body := responseBody(t, snapshot)
			out := known[name].output()
			require.NoError(t, sdkRead(status, []byte(body), out.(smithy.Deserializable)))
			require.Equal(t, body, string(Write(out, nil)))
		})
	}
}

func TestWriteErrorSnapshots(t *testing.T) {
	for name, snapshot := range snapshots(t, "response_snapshot/*.error.snap", 50) {
		t.Run(name, func(t *testing.T) {
			wantStatus, want := responseBody(t, snapshot)
			failure := sdkRead(wantStatus, []byte(want), nil)
			var modelled smithy.DeserializableError
			require.ErrorAs(t, failure, &modelled)

			status, body := WriteError(failure)
			require.Equal(t, wantStatus, status)
			require.Equal(t, want, string(body))
		})
	}
	require.Len(t, ecr.TypeRegistry.Entries, 50)
}
