package fakeecr_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// endsGoroutine makes one call in a goroutine of its own, and tells whether it came
// back from there.
func endsGoroutine(call func() error) (returned bool, err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = call()
		returned = true
	}()
	<-ended
	return returned, err
}

// A function of the user's that ends its goroutine, as t.FailNow does, ends a test
// that calls directly, and the connection of a client over a socket.
func TestAFunctionOfTheUsersThatEndsItsGoroutine(t *testing.T) {
	describe := func(ctx context.Context, f faces.Face) error {
		_, err := f.DescribeRepositories(ctx, nil)
		return err
	}
	pull := func(ctx context.Context, f faces.Face) error {
		_, err := f.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: aws.String("quay/etcd"), ImageIds: faces.Tagged("v1")})
		return err
	}
	findings := func(ctx context.Context, f faces.Face) error {
		_, err := f.DescribeImageScanFindings(ctx, &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String(faces.App), ImageId: faces.TagID("v1")})
		return err
	}
	on := scenarios.On("DescribeRepositories")
	playing := func(rule *scenarios.Rule) fakeecr.Option {
		return fakeecr.WithScenario(scenarios.Scenario{rule.Named("mine").Optional()})
	}
	end := func() { runtime.Goexit() }
	type around = func(context.Context, *ecr.DescribeRepositoriesInput) (*ecr.DescribeRepositoriesOutput, error)
	for name, c := range map[string]struct {
		option fakeecr.Option
		call   func(context.Context, faces.Face) error
		ends   string
	}{
		"When":     {playing(scenarios.On("DescribeRepositories", scenarios.When(func(*ecr.DescribeRepositoriesInput) bool { end(); return true })).Drop()), describe, `a function of the rule "mine"`},
		"WhenCall": {playing(scenarios.On("DescribeRepositories", scenarios.WhenCall(func(*scenarios.Call) bool { end(); return true })).Drop()), describe, `a function of the rule "mine"`},
		"Ask":      {playing(on.Ask(func(*scenarios.Call) error { end(); return nil })), describe, `a function of the rule "mine"`},
		"Around": {playing(on.With(scenarios.Around(func(ctx context.Context, in *ecr.DescribeRepositoriesInput, next around) (*ecr.DescribeRepositoriesOutput, error) {
			end()
			return next(ctx, in)
		}))), describe, `a function of the rule "mine"`},
		"Change": {playing(on.With(scenarios.Change(func(*ecr.DescribeRepositoriesOutput) { end() }))), describe, `a function of the rule "mine"`},
		"upstream": {fakeecr.WithUpstream("quay.io", fakeecr.UpstreamFunc(func(context.Context, string, string) (string, []byte, error) {
			end()
			return "", nil, nil
		})), pull, "the upstream of a pull-through cache rule"},
		"scanner":          {fakeecr.WithScanner(func(fakeecr.ScannedImage) ([]types.ImageScanFinding, error) { end(); return nil, nil }), findings, "the scanner"},
		"enhanced scanner": {fakeecr.WithEnhancedScanner(func(fakeecr.ScannedImage) ([]types.EnhancedImageScanFinding, error) { end(); return nil, nil }), findings, "the scanner"},
	} {
		t.Run(name, func(t *testing.T) {
			for face, open := range map[string]func(fakeecr.TB) faces.Face{
				"direct":   func(tb fakeecr.TB) faces.Face { return faces.Direct(fakeecr.New(tb, c.option)) },
				"client":   func(tb fakeecr.TB) faces.Face { return faces.Socketless(fakeecr.New(tb, c.option)) },
				"loopback": func(tb fakeecr.TB) faces.Face { return faces.Loopback(fakeecr.NewServer(tb, c.option)) },
			} {
				t.Run(face, func(t *testing.T) {
					var tb faces.RecordingTB
					f := open(&tb)
					fixture := faces.Direct(f.Registry)
					faces.CreateRule(t, fixture, faces.Cached("quay", "quay.io"))
					f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
					if name == "enhanced scanner" {
						faces.PutScanning(t, fixture, "ENHANCED", faces.ScanRule("SCAN_ON_PUSH", "team"))
					} else {
						require.NoError(t, faces.StartScan(t, fixture, faces.TagID("v1")))
					}
					f.Registry.Advance(time.Minute)
					before := len(f.Registry.Trace())

					returned, err := endsGoroutine(func() error { return c.call(t.Context(), f) })
					require.Equal(t, face == "loopback", returned)
					if returned {
						require.ErrorIs(t, err, io.EOF)
					}
					calls := f.Registry.Trace()[before:]
					require.NotEmpty(t, calls)
					for _, call := range calls {
						require.EqualError(t, call.Err, "did not end")
					}
					require.Equal(t, []string{faces.App}, faces.Repositories(t, f.Registry.Fork(t)), "nothing is locked")
					require.Contains(t, tb.End(), "fakeecr: "+c.ends+" ends its goroutine, as t.FailNow does: its call does not end")
					require.True(t, tb.Failed())
				})
			}
		})
	}
}

// What the world does by itself fails where a function of its rule does not end.
func TestAHookOfTheWorldThatEndsItsGoroutine(t *testing.T) {
	faces.EachReported(t, func(t *testing.T, f faces.Face) {
		f.Registry.SetScanFindings("team/app:v1")
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Play(scenarios.Scenario{scenarios.On(scenarios.CompleteScan).Ask(func(*scenarios.Call) error { runtime.Goexit(); return nil })})
		returned, _ := endsGoroutine(func() error { f.Registry.Advance(time.Minute); return nil })
		require.False(t, returned)
		out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
		require.NoError(t, err)
		require.Equal(t, &types.ImageScanStatus{Status: "FAILED", Description: aws.String("a function of the test's did not end")}, out.ImageScanStatus)
	})
}

// Those who wait for a scanner leave with their contexts; it still runs once.
func TestScannerThatBlocks(t *testing.T) {
	var scans atomic.Int32
	var lets atomic.Pointer[chan struct{}]
	scanner := fakeecr.WithScanner(func(fakeecr.ScannedImage) ([]types.ImageScanFinding, error) {
		scans.Add(1)
		<-*lets.Load()
		return []types.ImageScanFinding{{Name: aws.String("slow")}}, nil
	})
	faces.Each(t, func(t *testing.T, f faces.Face) {
		scans.Store(0)
		let := make(chan struct{})
		lets.Store(&let)
		f.Registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
		require.NoError(t, faces.StartScan(t, f, faces.TagID("v1")))
		f.Registry.Advance(time.Minute)
		looked := make(chan error)
		look := func() {
			out, err := faces.DescribeFindings(t, f, faces.TagID("v1"))
			if err == nil && (len(out.ImageScanFindings.Findings) != 1 || *out.ImageScanFindings.Findings[0].Name != "slow") {
				err = errors.New("other findings")
			}
			looked <- err
		}
		go look()
		require.Eventually(t, func() bool { return scans.Load() == 1 }, time.Minute, time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := f.DescribeImageScanFindings(ctx, &ecr.DescribeImageScanFindingsInput{RepositoryName: aws.String(faces.App), ImageId: faces.TagID("v1")})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		go look()
		close(let)
		require.NoError(t, <-looked)
		require.NoError(t, <-looked)
		require.EqualValues(t, 1, scans.Load())
	}, scanner)
}

// Forks of one fixture wait for no other's scanner, also in bubbles of their own.
func TestScannerOfManyForks(t *testing.T) {
	fixture := fakeecr.New(t, fakeecr.WithScanner(func(fakeecr.ScannedImage) ([]types.ImageScanFinding, error) {
		time.Sleep(time.Millisecond)
		return []types.ImageScanFinding{}, nil
	}))
	fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 100))
	require.NoError(t, faces.StartScan(t, faces.Direct(fixture), faces.TagID("v1")))
	fixture.Advance(time.Minute)
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fork := faces.Direct(fixture.Fork(t))
				done := make(chan error)
				for range 4 {
					go func() {
						_, err := faces.DescribeFindings(t, fork, faces.TagID("v1"))
						done <- err
					}()
				}
				for range 4 {
					require.NoError(t, <-done)
				}
			})
		})
	}
}

// unending is bytes without end, and how many of them were read.
type unending struct{ read *atomic.Int64 }

func (e unending) Read(p []byte) (int, error) {
	e.read.Add(int64(len(p)))
	return len(p), nil
}

// blobs is an upstream whose blobs are what a function says.
type blobs struct {
	fakeecr.Upstream
	blob func(ctx context.Context) (io.ReadCloser, error)
}

func (b blobs) Blob(ctx context.Context, _, _ string) (io.ReadCloser, error) { return b.blob(ctx) }

func TestBlobsOfAnUpstreamThatAreNone(t *testing.T) {
	const from = "Unable to pull from the upstream registry registry-1.docker.io: the upstream registry is unavailable: "
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, upstream *faces.Switched) {
		image := fakeecr.RandomImage(1, 100)
		config := image.Blobs[len(image.Blobs)-1]
		hub.MustPush("nginx:1", image)
		layer := &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: aws.String(faces.DigestOf(config))}

		var read atomic.Int64
		var none atomic.Bool // a server may still read for a caller who has left
		upstream.Upstream = blobs{hub.Upstream(), func(context.Context) (io.ReadCloser, error) {
			if none.Load() {
				return nil, nil
			}
			return io.NopCloser(unending{&read}), nil
		}}
		faces.RequireFailure(t, f, "hub/nginx", faces.Tagged("1"), types.ImageFailureCodeUpstreamUnavailable,
			from+"layer "+faces.DigestOf(config)+" has more than the "+strconv.Itoa(len(config))+" bytes that its descriptor says")
		require.EqualValues(t, len(config)+1, read.Load())

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := f.GetDownloadUrlForLayer(ctx, layer) // of which no manifest tells the size
		require.ErrorIs(t, err, context.DeadlineExceeded)

		none.Store(true)
		reason := from + "its Blob answers neither layer " + faces.DigestOf(config) + " nor an error"
		faces.RequireFailure(t, f, "hub/nginx", faces.Tagged("1"), types.ImageFailureCodeUpstreamUnavailable, reason)
		_, err = f.GetDownloadUrlForLayer(t.Context(), layer)
		faces.RequireError[*types.UnableToGetUpstreamLayerException](t, err, reason)
	})
}

// recorder is a handler as a round tripper, whose answers know no request.
type recorder struct{ http.Handler }

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, req)
	return answer.Result(), nil
}

func TestUpstreamRegistryOfARecorder(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	var more atomic.Bool
	handler := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.URL.Path == "/v2/etcd/manifests/large":
			w.Write(make([]byte, 4<<20+1))
		case req.URL.Path == "/v2/etcd/manifests/1":
			w.Write(image.Manifest)
		case req.URL.Path == "/v2/etcd/referrers/"+image.Digest() && req.URL.RawQuery == "":
			w.Header().Set("Link", "</v2/etcd/referrers/"+image.Digest()+`?n=2>; rel="next"`)
			w.Write([]byte(`{"manifests":[]}`))
		case req.URL.Path == "/v2/etcd/referrers/"+image.Digest():
			more.Store(true)
			w.Write([]byte(`{"manifests":[]}`))
		default:
			for _, blob := range image.Blobs {
				if req.URL.Path == "/v2/etcd/blobs/"+faces.DigestOf(blob) {
					http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(blob))
					return
				}
			}
			http.NotFound(w, req)
		}
	})
	faces.Each(t, func(t *testing.T, f faces.Face) {
		more.Store(false)
		faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
		faces.RequirePulled(t, f, "quay/etcd", faces.Tagged("1"), image)
		_, err := faces.ReferrersOf(t, f, "quay/etcd", image.Digest())
		require.NoError(t, err)
		require.True(t, more.Load(), "the next page")
		faces.RequireFailure(t, f, "quay/etcd", faces.Tagged("large"), types.ImageFailureCodeUpstreamUnavailable,
			"Unable to pull from the upstream registry quay.io: the upstream registry is unavailable: more than 4194304 bytes at /v2/etcd/manifests/large")
	}, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamRegistry{Transport: recorder{handler}}))
}

func TestCallsAndCount(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		require.Zero(t, f.Registry.Count("PutImage"))
		faces.Create(t, f, faces.App)
		_, err := f.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(faces.App), ImageManifest: aws.String("{}")})
		require.Error(t, err)
		require.Equal(t, 1, f.Registry.Count("PutImage"))
		require.Equal(t, 2, f.Registry.Count(scenarios.Writes))
		calls := f.Registry.Calls("CreateRepository")
		require.Len(t, calls, 1)
		require.Equal(t, faces.App, calls[0].Repository)
	})
}

func TestSetenvWithoutATemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere")
	var tb faces.RecordingTB
	server := fakeecr.NewServer(&tb)
	require.PanicsWithError(t, "fatal", func() { server.Setenv(t) })
	require.Contains(t, tb.End(), "fakeecr: no folder for the files that Env and Setenv name, a profile and certificates; TMPDIR says where it is made: ")
}
