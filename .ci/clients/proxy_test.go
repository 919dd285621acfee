package clients

import (
	"os"
	"os/exec"
	"testing"

	ecrlogin "github.com/awslabs/amazon-ecr-credential-helper/ecr-login"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// A process with nothing but Env pushes and pulls by ECR's own names, as crane does
// behind Amazon's credential helper for Docker.
func TestThroughAProxy(t *testing.T) {
	const child = "FAKEECR_TEST_CHILD"
	if os.Getenv(child) == "" {
		server := fakeecr.NewServer(t, fakeecr.WithProxy(), fakeecr.WithSigV4())
		server.MustPush("team/app", fakeecr.RandomImage(1, 10)) // makes the repository
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		command.Env = append(os.Environ(), "HOME="+t.TempDir(), "AWS_ENDPOINT_URL=http://127.0.0.1:1", "NO_PROXY=*", "AWS_ECR_DISABLE_CACHE=true", child+"=1")
		command.Env = append(command.Env, server.Env()...)
		output, err := command.CombinedOutput()
		require.NoError(t, err, string(output))
		for _, operation := range []string{"GetAuthorizationToken", "PutImage", "DownloadLayer"} {
			require.NotZero(t, server.Count(operation), operation)
		}
		return
	}
	image, err := random.Image(1000, 2)
	require.NoError(t, err)
	tag, err := name.NewTag(registryHost + "/team/app:v1")
	require.NoError(t, err)
	login := remote.WithAuthFromKeychain(authn.NewKeychainFromHelper(ecrlogin.NewECRHelper()))
	require.NoError(t, remote.Write(tag, image, login))
	pulled, err := remote.Image(tag, login)
	require.NoError(t, err)
	require.NoError(t, validate.Image(pulled), "its layers are what they should be")
	elsewhere, err := name.NewTag("example.com/team/app:v1")
	require.NoError(t, err)
	_, err = remote.Image(elsewhere, login)
	require.ErrorContains(t, err, `and not to "example.com:443"`)
}
