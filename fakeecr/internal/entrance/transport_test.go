package entrance_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// The hosts of ECR in every partition are the fake's, those of the API and those of
// registries, and say which registry is meant.
func TestTransportKnowsTheHostsOfECR(t *testing.T) {
	for domain, region := range map[string]string{
		"amazonaws.com":                "eu-west-1",
		"amazonaws.com.cn":             "cn-north-1",
		"amazonaws.eu":                 "eusc-de-east-1",
		"sc2s.sgov.gov":                "us-isob-east-1",
		"c2s.ic.gov":                   "us-iso-east-1",
		"cloud.adc-e.uk":               "eu-isoe-west-1",
		"csp.hci.ic.gov":               "us-isof-south-1",
		"on.aws":                       "eu-west-1",
		"on.amazonwebservices.com.cn":  "cn-north-1",
		"api.aws":                      "eu-west-1",
		"api.amazonwebservices.com.cn": "cn-north-1",
		"api.amazonwebservices.eu":     "eusc-de-east-1",
	} {
		world := fakeecr.New(t, fakeecr.WithRegion("ap-south-1"))
		faces.Create(t, world.In(region).Account("210987654321"), "team/app")
		for _, host := range []string{
			"210987654321.dkr.ecr", "210987654321.dkr.ecr-fips", "210987654321.dkr-ecr", "210987654321.dkr-ecr-fips", "api.ecr", "ecr-fips",
		} {
			name := fmt.Sprintf("%s.%s.%s", host, region, domain)
			for _, url := range []string{"https://" + name, "https://" + name + ":443/", "http://" + strings.ToUpper(name)} {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
				require.NoError(t, err)
				request.Header.Set("X-Amz-Target", faces.Target+"DescribeRepositories")
				if !strings.HasPrefix(host, "2") {
					request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=210987654321/20260101/us-east-1/ecr/aws4_request")
				}
				response, err := world.Transport().RoundTrip(request)
				require.NoError(t, err)
				body, err := io.ReadAll(response.Body)
				require.NoError(t, err)
				require.Contains(t, string(body), ":210987654321:repository/team/app", url)
				require.Same(t, request, response.Request)
			}
		}
	}
}

func TestTransportKnowsNoOtherHost(t *testing.T) {
	transport := fakeecr.New(t).Transport()
	for _, host := range []string{
		"example.com", "ecr.example.com", "s3.us-east-1.amazonaws.com", "public.ecr.aws", "12345678901.dkr.ecr.us-east-1.amazonaws.com",
		"123456789012.dkr.ecr.us-east-1.localhost", "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com", "127.0.0.1:5000", "[::1]:5000",
	} {
		request, err := http.NewRequest(http.MethodGet, "https://"+host+"/v2/", nil)
		require.NoError(t, err)
		_, err = transport.RoundTrip(request)
		require.EqualError(t, err, "fakeecr: the transport of a registry carries requests to ECR, not to "+host)
	}
}

// credentialHelper is which hosts Amazon's credential helper for Docker knows.
const credentialHelper = `^(\d{12})\.dkr[\.\-]ecr(\-fips)?\.([a-zA-Z0-9][a-zA-Z0-9-_]*)\.(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`

// The SDK's client finds the registry by its own endpoints, of whatever partition
// and form they are.
func TestTransportCarriesTheEndpointsOfTheSDK(t *testing.T) {
	for region, domain := range map[string]string{
		"us-east-1": "amazonaws.com", "us-gov-west-1": "amazonaws.com", "cn-north-1": "amazonaws.com.cn", "eusc-de-east-1": "amazonaws.eu",
		"us-iso-east-1": "c2s.ic.gov", "us-isob-east-1": "sc2s.sgov.gov", "eu-isoe-west-1": "cloud.adc-e.uk", "us-isof-south-1": "csp.hci.ic.gov",
	} {
		registry := fakeecr.New(t, fakeecr.WithRegion(region))
		image := fakeecr.RandomImage(1, 100)
		registry.MustPush("team/app:v1", image)
		for form, endpoint := range map[string]func(*ecr.EndpointResolverOptions){
			"default":        func(*ecr.EndpointResolverOptions) {},
			"FIPS":           func(o *ecr.EndpointResolverOptions) { o.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled },
			"both IPs":       func(o *ecr.EndpointResolverOptions) { o.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled },
			"FIPS, both IPs": func(o *ecr.EndpointResolverOptions) { o.UseFIPSEndpoint, o.UseDualStackEndpoint = 2, 2 },
		} {
			f := faces.Socketless(registry)
			f.API = registry.Client(faces.Once, func(o *ecr.Options) { endpoint(&o.EndpointOptions) })
			repository, proxy := faces.URIs(t, f, "")
			require.Equal(t, "123456789012.dkr.ecr."+region+"."+domain+"/team/app", repository, form)
			require.Regexp(t, credentialHelper, strings.TrimPrefix(proxy, "https://"))
			require.Equal(t, image.Blobs[0], f.Download(t, "team/app", faces.DigestOf(image.Blobs[0])))
		}
	}
}

// A layer is read where it is, however large.
func TestTransportStreamsAnswers(t *testing.T) {
	const size = 64 << 20
	f := faces.Socketless(fakeecr.New(t))
	image := fakeecr.RandomImage(1, size)
	f.Registry.MustPush(faces.App+":v1", image)
	url := f.DownloadURL(t, faces.DigestOf(image.Blobs[0]))
	image = fakeecr.Image{}

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	response, err := (&http.Client{Transport: f.Registry.Transport()}).Get(url)
	require.NoError(t, err)
	require.EqualValues(t, size, response.ContentLength)
	read, err := io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	require.EqualValues(t, size, read)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

func TestAnswersEndWithTheirRequest(t *testing.T) {
	f := faces.Socketless(fakeecr.New(t))
	image := fakeecr.RandomImage(1, 1000)
	f.Registry.MustPush(faces.App+":v1", image)
	url := f.DownloadURL(t, faces.DigestOf(image.Blobs[0]))
	get := func(ctx context.Context) (*http.Response, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		require.NoError(t, err)
		return f.Registry.Transport().RoundTrip(request)
	}

	ctx, cancel := context.WithCancel(t.Context())
	response, err := get(ctx)
	require.NoError(t, err)
	_, err = response.Body.Read(make([]byte, 10))
	require.NoError(t, err)
	cancel()
	_, err = response.Body.Read(make([]byte, 10))
	require.ErrorIs(t, err, context.Canceled)
	_, err = get(ctx)
	require.ErrorIs(t, err, context.Canceled)

	response, err = get(t.Context())
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	_, err = response.Body.Read(make([]byte, 10))
	require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
}

// A client that does not know the length of its body sends it all the same, and one
// that never ends it can still give up.
func TestTransportStreamsRequests(t *testing.T) {
	registry := fakeecr.New(t)
	faces.Create(t, registry, "team/app")
	faces.Create(t, registry, "team/db")
	send := func(ctx context.Context, body io.Reader) (*http.Response, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.ecr.us-east-1.amazonaws.com", body)
		require.NoError(t, err)
		request.Header.Set("X-Amz-Target", faces.Target+"DescribeRepositories")
		return registry.Transport().RoundTrip(request)
	}
	response, err := send(t.Context(), io.MultiReader(strings.NewReader(`{"repositoryNames":`), strings.NewReader(`["team/db"]}`)))
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NotContains(t, string(body), "team/app")
	require.Contains(t, string(body), "team/db")

	const size = 64 << 20
	transport := &faces.Endpoint{Registry: registry, Origin: "https://" + faces.RegistryHost, Client: &http.Client{Transport: registry.Transport()}}
	transport.Authorization = "Basic " + faces.AuthorizationToken(t, registry)
	upload := transport.Do(t, http.MethodPost, "/v2/team/app/blobs/uploads/", "").Header.Get("Location")
	request, err := http.NewRequest(http.MethodPatch, upload, io.LimitReader(nothing{}, size))
	require.NoError(t, err)
	request.Header.Set("Authorization", transport.Authorization)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	response, err = transport.Client.Do(request)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, response.StatusCode)
	require.Equal(t, fmt.Sprintf("0-%d", size-1), response.Header.Get("Range"))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size+size/8), "once, as what is stored")

	ctx, cancel := context.WithCancel(t.Context())
	endless, writer := io.Pipe()
	answered := make(chan error)
	go func() {
		_, err := send(ctx, endless)
		answered <- err
	}()
	_, err = writer.Write([]byte("{"))
	require.NoError(t, err)
	cancel()
	require.ErrorIs(t, <-answered, context.Canceled)
	_, err = writer.Write([]byte("{"))
	require.ErrorIs(t, err, io.ErrClosedPipe, "the body was closed")
}

// nothing is a body of zeros without an end.
type nothing struct{}

func (nothing) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
