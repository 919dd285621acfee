package backup_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/examples/backup"
	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// production is a configuration as config.LoadDefaultConfig answers it: it names no
// endpoint, so requests go to ECR's own host names.
var production = aws.Config{
	Region:      "us-east-1",
	Credentials: credentials.NewStaticCredentialsProvider("123456789012", "any", ""), // 12 digits are the account
}

// Transport knows ECR's host names and those of its downloads.
func TestImage(t *testing.T) {
	registry := fakeecr.New(t)
	image := fakeecr.RandomImage(1, 1<<20, 1<<10)
	registry.MustPush("team/app:v1", image)

	client := &http.Client{Transport: registry.Transport()}
	saved, err := backup.Image(t.Context(), production, client, "team/app", "v1")
	require.NoError(t, err)
	require.Len(t, saved, 1+len(image.Blobs))
	require.Equal(t, image.Manifest, saved[image.Digest()])
	for _, blob := range image.Blobs {
		require.Equal(t, blob, saved[digest(blob)])
	}
}

// A transport of the project's own goes around it.
func TestImageIsMeasured(t *testing.T) {
	registry := fakeecr.New(t)
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<10))

	hosts := map[string]int{}
	client := &http.Client{Transport: roundTripper(func(request *http.Request) (*http.Response, error) {
		hosts[request.URL.Host]++
		return registry.Transport().RoundTrip(request)
	})}
	_, err := backup.Image(t.Context(), production, client, "team/app", "v1")
	require.NoError(t, err)
	require.Len(t, hosts, 2)
	require.Equal(t, 3, hosts["api.ecr.us-east-1.amazonaws.com"])
}

// What went wrong on the way is not saved.
func TestImageOnABadDay(t *testing.T) {
	image := fakeecr.RandomImage(1, 1<<10)
	layer := digest(image.Blobs[len(image.Blobs)-1])
	for name, test := range map[string]struct {
		scenario scenarios.Scenario
		says     string
	}{
		"damaged": {scenarios.CorruptLayer(layer), "the content is sha256:"},
		"cut":     {scenarios.Scenario{scenarios.On(scenarios.DownloadLayer).First(1).CutAfter(100)}, "unexpected EOF"},
		"refused": {scenarios.Scenario{scenarios.On(scenarios.DownloadLayer).First(1).Fail(&scenarios.Response{Status: 503})}, "503"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := fakeecr.New(t, fakeecr.WithScenario(test.scenario))
			registry.MustPush("team/app:v1", image)
			_, err := backup.Image(t.Context(), production, &http.Client{Transport: registry.Transport()}, "team/app", "v1")
			require.ErrorContains(t, err, test.says)
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }
