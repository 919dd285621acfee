package fakeecr_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// compare runs ours and the floor in turns and reports the median of each, in
// nanoseconds, and of their ratio. Times differ from run to run; ratios do not.
func compare(b *testing.B, batch int, ours, floor func()) {
	b.Helper()
	timed := func(f func()) float64 {
		begun := time.Now()
		for range batch {
			f()
		}
		return float64(time.Since(begun)) / float64(batch)
	}
	ours()
	floor()
	var oursNs, floorNs, ratios []float64
	for b.Loop() {
		f, o := timed(floor), timed(ours)
		oursNs, floorNs, ratios = append(oursNs, o), append(floorNs, f), append(ratios, o/f)
	}
	b.ReportMetric(median(oursNs), "ours-ns")
	b.ReportMetric(median(floorNs), "floor-ns")
	b.ReportMetric(median(ratios), "x-floor")
	b.ReportMetric(0, "ns/op")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// images gives a repository n images of one layer, by their manifests' 1.3 KB.
func images(b testing.TB, registry *fakeecr.Registry, n int) []string {
	b.Helper()
	registry.MustPush("team/app:base", fakeecr.RandomImage(1, 100))
	digests := make([]string, n)
	for i := range n {
		digests[i] = putImage(b, registry, i)
	}
	return digests
}

// manifestNumber is one of many manifests over the same config and layer.
func manifestNumber(n int) string {
	base := string(fakeecr.RandomImage(1, 100).Manifest)
	padding := strings.Repeat("x", 700)
	return strings.TrimSuffix(base, "}") + fmt.Sprintf(`,"annotations":{"number":"%d","padding":"%s"}}`, n, padding)
}

func putImage(b testing.TB, api fakeecr.API, n int) string {
	b.Helper()
	out, err := api.PutImage(b.Context(), &ecr.PutImageInput{
		RepositoryName: aws.String("team/app"), ImageManifest: aws.String(manifestNumber(n)), ImageTag: aws.String(fmt.Sprintf("v%d", n)),
	})
	require.NoError(b, err)
	return *out.Image.ImageId.ImageDigest
}

func BenchmarkDirectRead(b *testing.B) {
	for _, n := range []int{1, 99_000} {
		b.Run(fmt.Sprintf("images=%d", n), func(b *testing.B) {
			registry := fakeecr.New(nil)
			digests := images(b, registry, n)
			repository := aws.String("team/app")
			ids := []types.ImageIdentifier{{ImageDigest: aws.String(digests[n/2])}}
			for name, read := range map[string]func() error{
				"DescribeRepositories": func() error {
					_, err := registry.DescribeRepositories(b.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/app"}})
					return err
				},
				"DescribeImages": func() error {
					_, err := registry.DescribeImages(b.Context(), &ecr.DescribeImagesInput{RepositoryName: repository, ImageIds: ids})
					return err
				},
				"BatchGetImage": func() error {
					_, err := registry.BatchGetImage(b.Context(), &ecr.BatchGetImageInput{RepositoryName: repository, ImageIds: ids})
					return err
				},
				"ListImages": func() error {
					_, err := registry.ListImages(b.Context(), &ecr.ListImagesInput{RepositoryName: repository, MaxResults: aws.Int32(100)})
					return err
				},
			} {
				b.Run(name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := read(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

func BenchmarkDirectWrite(b *testing.B) {
	b.Run("CreateRepository", func(b *testing.B) {
		registry := fakeecr.New(nil, fakeecr.WithQuota(fakeecr.RepositoriesPerRegistry, 1<<40))
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			_, err := registry.CreateRepository(b.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(fmt.Sprintf("team/%d", n))})
			require.NoError(b, err)
		}
	})
	for _, there := range []int{1, 100_000} {
		b.Run(fmt.Sprintf("PutImage/images=%d", there), func(b *testing.B) {
			fixture := fakeecr.New(nil, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 1<<40))
			images(b, fixture, there)
			manifests := make([]string, 1000)
			for i := range manifests {
				manifests[i] = manifestNumber(there + i)
			}
			registry := fixture.Fork(nil)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%len(manifests) == 0 {
					b.StopTimer()
					registry = fixture.Fork(nil)
					b.StartTimer()
				}
				_, err := registry.PutImage(b.Context(), &ecr.PutImageInput{
					RepositoryName: aws.String("team/app"), ImageManifest: &manifests[n%len(manifests)], ImageTag: aws.String("moving")})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// canned answers every request with the same bytes, as a handler that does
// nothing but read and write.
func canned(body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		io.Copy(io.Discard, req.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-Requestid", "206011ec-03bf-4d55-b2bc-c9f15acd67ba")
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body)
	})
}

type handlerTransport struct{ http.Handler }

func (t handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	t.ServeHTTP(answer, req)
	req.Body.Close()
	return answer.Result(), nil
}

func clientOf(transport http.RoundTripper, url string) *ecr.Client {
	return ecr.New(ecr.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "fakeecr", ""),
	})
}

// answerTo is the bytes with which the fake answers a call.
func answerTo(b *testing.B, registry *fakeecr.Registry, call func(fakeecr.API) error) []byte {
	b.Helper()
	var body bytes.Buffer
	tee := handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		answer := httptest.NewRecorder()
		registry.Handler().ServeHTTP(answer, req)
		body = *bytes.NewBuffer(answer.Body.Bytes())
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Write(answer.Body.Bytes())
	})}
	require.NoError(b, call(clientOf(tee, "http://127.0.0.1")))
	return body.Bytes()
}

// calls are what the clients are compared by.
func calls(b *testing.B, digests []string) map[string]func(fakeecr.API) error {
	repository := aws.String("team/app")
	var hundred []types.ImageIdentifier
	for _, digest := range digests[:100] {
		hundred = append(hundred, types.ImageIdentifier{ImageDigest: aws.String(digest)})
	}
	return map[string]func(fakeecr.API) error{
		"DescribeRepositories": func(api fakeecr.API) error {
			_, err := api.DescribeRepositories(b.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/app"}})
			return err
		},
		"BatchGetImage": func(api fakeecr.API) error {
			_, err := api.BatchGetImage(b.Context(), &ecr.BatchGetImageInput{RepositoryName: repository, ImageIds: hundred[:1]})
			return err
		},
		"BatchGetImage100": func(api fakeecr.API) error {
			_, err := api.BatchGetImage(b.Context(), &ecr.BatchGetImageInput{RepositoryName: repository, ImageIds: hundred})
			return err
		},
		"DescribeImagesPage": func(api fakeecr.API) error {
			_, err := api.DescribeImages(b.Context(), &ecr.DescribeImagesInput{RepositoryName: repository, MaxResults: aws.Int32(1000)})
			return err
		},
	}
}

func BenchmarkClient(b *testing.B) {
	server := fakeecr.NewServer(nil)
	defer server.Close()
	digests := images(b, server.Registry, 2000)
	for name, call := range calls(b, digests) {
		body := answerTo(b, server.Registry, call)
		b.Run(name+"/socketless", func(b *testing.B) {
			ours, floor := server.Registry.Client(), clientOf(handlerTransport{canned(body)}, "http://127.0.0.1")
			compare(b, 20, func() { require.NoError(b, call(ours)) }, func() { require.NoError(b, call(floor)) })
		})
		b.Run(name+"/loopback", func(b *testing.B) {
			other := httptest.NewServer(canned(body))
			defer other.Close()
			ours, floor := server.Client(), clientOf(other.Client().Transport, other.URL)
			compare(b, 20, func() { require.NoError(b, call(ours)) }, func() { require.NoError(b, call(floor)) })
		})
	}
}

// BenchmarkPages walks all images of a repository.
func BenchmarkPages(b *testing.B) {
	for _, n := range []int{1_000, 99_000} {
		b.Run(fmt.Sprintf("images=%d", n), func(b *testing.B) {
			registry := fakeecr.New(nil)
			images(b, registry, n)
			b.ReportAllocs()
			for b.Loop() {
				seen := 0
				pages := ecr.NewDescribeImagesPaginator(registry, &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app"), MaxResults: aws.Int32(1000)})
				for pages.HasMorePages() {
					page, err := pages.NextPage(b.Context())
					require.NoError(b, err)
					seen += len(page.ImageDetails)
				}
				require.Equal(b, n+1, seen)
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(n), "ns/image")
		})
	}
}

// BenchmarkRepositoryPages walks all repositories of a registry.
func BenchmarkRepositoryPages(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("repositories=%d", n), func(b *testing.B) {
			registry := fakeecr.New(nil)
			for i := range n {
				_, err := registry.CreateRepository(b.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(fmt.Sprintf("team/%d", i))})
				require.NoError(b, err)
			}
			b.ReportAllocs()
			for b.Loop() {
				seen := 0
				pages := ecr.NewDescribeRepositoriesPaginator(registry, &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(1000)})
				for pages.HasMorePages() {
					page, err := pages.NextPage(b.Context())
					require.NoError(b, err)
					seen += len(page.Repositories)
				}
				require.Equal(b, n, seen)
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(n), "ns/repository")
		})
	}
}

const (
	layerSize = 100 << 20
	partSize  = 10 << 20
)

// uploadLayer uploads a layer in parts and completes it if it is not there yet.
func uploadLayer(b testing.TB, api fakeecr.API, layer []byte, digest string) {
	b.Helper()
	repository := aws.String("team/app")
	begun, err := api.InitiateLayerUpload(b.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: repository})
	require.NoError(b, err)
	for first := 0; first < len(layer); first += partSize {
		_, err := api.UploadLayerPart(b.Context(), &ecr.UploadLayerPartInput{
			RepositoryName: repository, UploadId: begun.UploadId, LayerPartBlob: layer[first : first+partSize],
			PartFirstByte: aws.Int64(int64(first)), PartLastByte: aws.Int64(int64(first + partSize - 1)),
		})
		require.NoError(b, err)
	}
	_, err = api.CompleteLayerUpload(b.Context(), &ecr.CompleteLayerUploadInput{
		RepositoryName: repository, UploadId: begun.UploadId, LayerDigests: []string{digest},
	})
	require.NoError(b, err)
}

func BenchmarkUpload(b *testing.B) {
	layer := make([]byte, layerSize)
	digest := faces.DigestOf(layer)
	fresh := func(api func() fakeecr.API) func() {
		return func() {
			a := api()
			_, err := a.DeleteRepository(b.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("team/app"), Force: true})
			require.NoError(b, unlessMissing(err))
			_, err = a.CreateRepository(b.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")})
			require.NoError(b, err)
			uploadLayer(b, a, layer, digest)
		}
	}
	b.Run("direct", func(b *testing.B) {
		registry := fakeecr.New(nil)
		compare(b, 1, fresh(func() fakeecr.API { return registry }), func() {
			hash := sha256.New()
			var kept [][]byte
			for first := 0; first < len(layer); first += partSize {
				part := slices.Clone(layer[first : first+partSize])
				hash.Write(part)
				kept = append(kept, part)
			}
			runtime.KeepAlive(kept)
		})
	})
	b.Run("loopback", func(b *testing.B) {
		server := fakeecr.NewServer(nil)
		defer server.Close()
		other := httptest.NewServer(&layerFloor{})
		defer other.Close()
		floor := clientOf(other.Client().Transport, other.URL)
		ours := server.Client()
		compare(b, 1, fresh(func() fakeecr.API { return ours }), func() { uploadLayer(b, floor, layer, digest) })
	})
}

func unlessMissing(err error) error {
	if err != nil && strings.Contains(err.Error(), "RepositoryNotFoundException") {
		return nil
	}
	return err
}

// layerFloor only finds a part, decodes it and hashes it.
type layerFloor struct{ parts [][]byte }

func (f *layerFloor) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	answer := `{"uploadId":"206011ec-03bf-4d55-b2bc-c9f15acd67ba","partSize":10485760}`
	if strings.HasSuffix(req.Header.Get("X-Amz-Target"), "UploadLayerPart") {
		body := make([]byte, req.ContentLength)
		io.ReadFull(req.Body, body)
		_, blob, _ := bytes.Cut(body, []byte(`"layerPartBlob":"`))
		blob = blob[:bytes.IndexByte(blob, '"')]
		part := make([]byte, base64.StdEncoding.DecodedLen(len(blob)))
		n, _ := base64.StdEncoding.Decode(part, blob)
		sha256.Sum256(part[:n])
		f.parts = append(f.parts, part[:n])
		answer = `{}`
	} else {
		f.parts = nil
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	io.WriteString(w, answer)
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		fakeecr.New(nil)
	}
}

func BenchmarkFork(b *testing.B) {
	for _, n := range []int{1, 99_000} {
		b.Run(fmt.Sprintf("images=%d", n), func(b *testing.B) {
			registry := fakeecr.New(nil)
			images(b, registry, n)
			b.ReportAllocs()
			for b.Loop() {
				registry.Fork(nil)
			}
		})
	}
}

// BenchmarkNewServer includes the first call and Close.
func BenchmarkNewServer(b *testing.B) {
	first := func(url string) {
		request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(`{}`))
		require.NoError(b, err)
		request.Header.Set("X-Amz-Target", faces.Target+"DescribeRepositories")
		transport := &http.Transport{}
		response, err := transport.RoundTrip(request)
		require.NoError(b, err)
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		transport.CloseIdleConnections()
	}
	compare(b, 10, func() {
		server := fakeecr.NewServer(nil)
		first(server.URL)
		server.Close()
	}, func() {
		server := httptest.NewServer(canned([]byte(`{"repositories":[]}`)))
		first(server.URL)
		server.Close()
	})
}

// BenchmarkMemory reports what an image's record and a layer cost beside their
// own bytes.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		const n = 20_000
		registry := fakeecr.New(nil)
		before := faces.HeapInUse()
		images(b, registry, n)
		registry = registry.Fork(nil) // without the trace of the pushes
		b.ReportMetric(float64(faces.HeapInUse()-before)/n-float64(len(manifestNumber(0))), "B/image")
		runtime.KeepAlive(registry)

		layer := make([]byte, layerSize)
		other := fakeecr.New(nil)
		create := &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")}
		_, err := other.CreateRepository(b.Context(), create)
		require.NoError(b, err)
		before = faces.HeapInUse()
		uploadLayer(b, other, layer, faces.DigestOf(layer))
		b.ReportMetric(float64(faces.HeapInUse()-before)/layerSize, "B/layer-byte")
		runtime.KeepAlive(other)
		runtime.KeepAlive(layer)
	}
}

func BenchmarkReadUnderAPolicy(b *testing.B) {
	registry := fakeecr.New(b)
	registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
	in := &ecr.DescribeImagesInput{RepositoryName: aws.String("team/app")}
	const deny = `{"Statement":{"Effect":"Deny","Principal":{"AWS":"210987654321"},"Action":"ecr:*"}}`
	for _, name := range []string{"no policy", "policy"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := registry.DescribeImages(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
		_, err := registry.SetRepositoryPolicy(b.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("team/app"), PolicyText: aws.String(deny)})
		require.NoError(b, err)
	}
}
