package fakeecr_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

func TestServerEndsWithItsTest(t *testing.T) {
	var url string
	t.Run("test", func(t *testing.T) {
		server := fakeecr.NewServer(t)
		url = server.URL
		require.Equal(t, "http://"+server.Host, server.URL)
		faces.Create(t, server.Client(), "team/app")
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
			go func() { answered <- faces.Outcomes(context.WithoutCancel(t.Context()), api, 1) }()
			require.NoError(t, playing.WaitHeld(t.Context(), 1))
			return answered
		}
		t.Run(name+"/server", func(t *testing.T) {
			server := fakeecr.NewServer(t)
			called(t, server.Client(faces.Once), server.Play(scenarios.Scenario{rule}))
		})
		t.Run(name+"/server without a test", func(t *testing.T) {
			server := fakeecr.NewServer(nil)
			answered := called(t, server.Client(faces.Once), server.Play(scenarios.Scenario{rule}))
			server.Close()
			require.Equal(t, ".", <-answered)
			require.Equal(t, ".", faces.Outcomes(t.Context(), server, 1), "a call that comes later")
		})
		t.Run(name+"/a clean-up waits", func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				answered := called(t, f, f.Registry.Play(scenarios.Scenario{rule}))
				t.Cleanup(func() { require.Equal(t, ".", <-answered) })
			})
		})
	}
}

func TestServerInABubbleSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tb faces.RecordingTB
		require.PanicsWithError(t, "fatal", func() { fakeecr.NewServer(&tb) })
		require.Contains(t, tb.End(), "testing/synctest")
	})
}

// net/http may look for the end of a body after the SDK has closed it, which
// must not look like a failed write.
func TestClientSurvivesAClosedBody(t *testing.T) {
	server := fakeecr.NewServer(t)
	transport := server.Client().Options().HTTPClient.(*http.Client).Transport
	request, err := http.NewRequest(http.MethodPost, server.URL, &closedOnce{Reader: strings.NewReader(`{}`)})
	require.NoError(t, err)
	request.ContentLength = 2
	request.Header.Set("X-Amz-Target", faces.Target+"DescribeRepositories")
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
