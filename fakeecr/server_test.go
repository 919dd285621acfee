package fakeecr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

func TestServerEndsWithItsTest(t *testing.T) {
	var url string
	t.Run("test", func(t *testing.T) {
		server := fakeecr.NewServer(t)
		url = server.URL
		require.Equal(t, "http://"+server.Host, server.URL)
		create(t, server.Client(), "team/app")
		server.Close()
	})
	_, err := http.Get(url)
	require.Error(t, err)
}

// A call that a rule keeps does not keep its test from ending, whichever clean-up
// waits for it.
func TestKeptCallsLetTheirTestEnd(t *testing.T) {
	for name, rule := range map[string]*scenarios.Rule{
		"held":    scenarios.On("DescribeRepositories").Hold(),
		"delayed": scenarios.On("DescribeRepositories").Delay(time.Hour),
	} {
		called := func(t *testing.T, api fakeecr.API, playing *fakeecr.Playing) (answered chan string) {
			answered = make(chan string, 1)
			go func() { answered <- outcomes(context.WithoutCancel(t.Context()), api, 1) }()
			require.Eventually(t, func() bool { return playing.Fired(rule) > 0 }, time.Minute, time.Millisecond)
			return answered
		}
		t.Run(name+"/server", func(t *testing.T) {
			server := fakeecr.NewServer(t)
			called(t, server.Client(once), server.Play(scenarios.Scenario{rule}))
		})
		t.Run(name+"/server without a test", func(t *testing.T) {
			server := fakeecr.NewServer(nil)
			answered := called(t, server.Client(once), server.Play(scenarios.Scenario{rule}))
			server.Close()
			require.Equal(t, ".", <-answered)
			require.Equal(t, ".", outcomes(t.Context(), server, 1), "a call that comes later")
		})
		t.Run(name+"/a clean-up waits", func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				answered := called(t, f, f.registry.Play(scenarios.Scenario{rule}))
				t.Cleanup(func() { require.Equal(t, ".", <-answered) })
			})
		})
	}
}

func TestServerInABubbleSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tb recordingTB
		require.PanicsWithError(t, "fatal", func() { fakeecr.NewServer(&tb) })
		require.Contains(t, tb.end(), "testing/synctest")
	})
}

func TestSetenv(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithRegion("eu-west-1"))
	server.Setenv(t)
	loaded, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	out := create(t, ecr.NewFromConfig(loaded), "team/app")
	require.Equal(t, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app", *out.Repository.RepositoryUri)
	require.Equal(t, []string{"team/app"}, repositories(t, server))
}

// TestMain runs this binary as the child of TestChildProcess.
func TestMain(m *testing.M) {
	if os.Getenv("FAKEECR_TEST_CHILD") != "" {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

func child() int {
	loaded, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		os.Stderr.WriteString(err.Error())
		return 1
	}
	out, err := ecr.NewFromConfig(loaded).CreateRepository(context.Background(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/child")})
	if err != nil {
		os.Stderr.WriteString(err.Error())
		return 1
	}
	json.NewEncoder(os.Stdout).Encode(*out.Repository.RepositoryUri)
	return 0
}

// A child process with nothing but Env, on a clean HOME, finds the server, its
// region and its account.
func TestChildProcess(t *testing.T) {
	server := fakeecr.NewServer(t)
	neighbour := server.In("eu-west-1").Account("210987654321")
	command := exec.Command(os.Args[0])
	command.Env = append(neighbour.Env(), "FAKEECR_TEST_CHILD=1", "HOME="+t.TempDir())
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	require.NoError(t, err, stderr.String())
	require.Equal(t, `"210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/child"`, strings.TrimSpace(string(output)))
	require.Equal(t, []string{"team/child"}, repositories(t, neighbour))
	require.Empty(t, repositories(t, server))
}

// net/http may look for the end of a body after the SDK has closed it, which
// must not look like a failed write.
func TestClientSurvivesAClosedBody(t *testing.T) {
	server := fakeecr.NewServer(t)
	transport := server.Client().Options().HTTPClient.(*http.Client).Transport
	request, err := http.NewRequest(http.MethodPost, server.URL, &closedOnce{Reader: strings.NewReader(`{}`)})
	require.NoError(t, err)
	request.ContentLength = 2
	request.Header.Set("X-Amz-Target", target+"DescribeRepositories")
	response, err := transport.RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, `{"repositories":[]}`, string(body))
}

// closedOnce is a body as the SDK makes it: it answers its bytes, and at the
// place of its end the error of a body that was closed.
type closedOnce struct{ *strings.Reader }

func (c *closedOnce) Close() error { return nil }

func (c *closedOnce) WriteTo(w io.Writer) (int64, error) {
	n, err := c.Reader.WriteTo(w)
	if err == nil {
		err = io.EOF
	}
	return n, err
}
