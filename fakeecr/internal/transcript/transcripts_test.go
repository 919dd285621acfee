package transcript_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/overlay"
	"github.com/fakeecr/ecr/fakeecr/internal/transcript"
	"github.com/fakeecr/ecr/fakeecr/internal/wire"
)

// Every statement about ECR that is played holds on all faces:
//
//	go test ./fakeecr/internal/transcript -run 'TestTranscripts/repositories/A_repository_that_holds'
func TestTranscripts(t *testing.T) {
	files, err := transcript.All()
	require.NoError(t, err)
	for _, file := range files {
		t.Run(strings.TrimSuffix(file.Name, transcript.Ending), func(t *testing.T) {
			t.Parallel()
			for _, statement := range file.Transcripts {
				t.Run(strings.ReplaceAll(statement.Claim, "/", "_"), func(t *testing.T) {
					t.Parallel()
					playOnAllFaces(t, statement)
				})
			}
		})
	}
}

// transcriptFaces are the ways to play transcripts, each in a world of its own.
var transcriptFaces = map[string]func(t *testing.T, options ...fakeecr.Option) *transcript.Player{
	"direct": func(t *testing.T, options ...fakeecr.Option) *transcript.Player {
		r := fakeecr.New(nil, options...)
		return playerOf(r, directly{r}, "")
	},
	"client": func(t *testing.T, options ...fakeecr.Option) *transcript.Player {
		r := fakeecr.New(nil, append(options, fakeecr.WithSigV4())...)
		return playerOf(r, r.Transport(), "")
	},
	"loopback": func(t *testing.T, options ...fakeecr.Option) *transcript.Player {
		s := fakeecr.NewServer(nil, append(options, fakeecr.WithSigV4())...)
		t.Cleanup(s.Close)
		return playerOf(s.Registry, sockets(t, nil), s.URL)
	},
	"tls": func(t *testing.T, options ...fakeecr.Option) *transcript.Player {
		s := fakeecr.NewServer(nil, append(options, fakeecr.WithSigV4(), fakeecr.WithTLS())...)
		t.Cleanup(s.Close)
		return playerOf(s.Registry, sockets(t, &tls.Config{RootCAs: s.RootCAs()}), s.URL)
	},
	"proxy": func(t *testing.T, options ...fakeecr.Option) *transcript.Player {
		s := fakeecr.NewServer(nil, append(options, fakeecr.WithSigV4(), fakeecr.WithProxy())...)
		t.Cleanup(s.Close)
		way := sockets(t, &tls.Config{RootCAs: s.RootCAs()})
		way.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(s.URL) }
		return playerOf(s.Registry, way, "")
	},
}

func playOnAllFaces(t *testing.T, statement *transcript.Transcript) {
	for name, player := range transcriptFaces {
		t.Run(name, func(t *testing.T) {
			p := player(t)
			var calls strings.Builder
			p.Told = func(call string, reply *transcript.Reply, err error) {
				fmt.Fprintf(&calls, "\n> %.200s\n", call)
				if err != nil {
					fmt.Fprintf(&calls, "! %v", err)
					return
				}
				fmt.Fprintf(&calls, "< %s", reply)
			}
			result := p.Play(t.Context(), statement)
			for _, d := range result.Differences {
				t.Errorf("%s:%d: %s", statement.File, d.Line, d)
			}
			if result.Outcome != transcript.Held {
				t.Errorf("%s: %s%s", result.Outcome, result.Why, &calls)
			}
			require.Empty(t, result.Left)
		})
	}
}

// playerOf plays against a registry: at ECR's own names, or at a URL.
func playerOf(r *fakeecr.Registry, transport http.RoundTripper, url string) *transcript.Player {
	at := func(name string) func(string) string {
		return func(region string) string {
			if url != "" {
				return url
			}
			return "https://" + strings.ReplaceAll(name, "REGION", region)
		}
	}
	return &transcript.Player{Run: "fake", Target: transcript.Target{
		Account: r.AccountID(), Region: r.Region(), OtherRegion: "eu-west-1",
		API:         at("api.ecr.REGION.amazonaws.com"),
		Registry:    at(r.AccountID() + ".dkr.ecr.REGION.amazonaws.com"),
		Transport:   transport,
		Credentials: r.Client().Options().Credentials,
		Advance:     r.Advance,
	}}
}

func sockets(t *testing.T, config *tls.Config) *http.Transport {
	transport := &http.Transport{TLSClientConfig: config, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// directly makes Go calls of requests to the API, as the wire reads and writes them.
// What a Go call cannot say goes over the wire.
type directly struct{ registry *fakeecr.Registry }

func (d directly) RoundTrip(req *http.Request) (*http.Response, error) {
	name, api := strings.CutPrefix(req.Header.Get("X-Amz-Target"), wire.TargetPrefix)
	if !api {
		return d.registry.Transport().RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	region := strings.Split(req.URL.Host, ".")[2]
	method := reflect.ValueOf(d.registry.In(region)).MethodByName(name)
	input := reflect.New(method.Type().In(1).Elem())
	unreadable := wire.Read(bytes.NewReader(body), int64(len(body)), input.Interface().(smithy.Serializable), nil)
	overWire := func() (*http.Response, error) {
		req.Body = io.NopCloser(bytes.NewReader(body))
		return d.registry.Transport().RoundTrip(req)
	}
	if unreadable != nil || overlay.Of(input.Interface()) != nil || name == "DescribeRegistry" {
		return overWire()
	}
	answers := method.Call([]reflect.Value{reflect.ValueOf(req.Context()), input})
	failed, _ := answers[1].Interface().(error)
	var incomplete smithy.InvalidParamsError
	var refused smithy.APIError
	switch {
	case errors.As(failed, &incomplete):
		return overWire()
	case failed != nil && !errors.As(failed, &refused):
		return nil, failed
	case failed != nil:
		status, body := wire.WriteError(failed)
		var response *awshttp.ResponseError
		errors.As(failed, &response)
		return written(req, response.ServiceRequestID(), status, body), nil
	}
	metadata := answers[0].Elem().FieldByName("ResultMetadata").Interface().(middleware.Metadata)
	id, _ := awsmiddleware.GetRequestIDMetadata(metadata)
	return written(req, id, http.StatusOK, wire.Write(answers[0].Interface().(smithy.Serializable), nil)), nil
}

func written(req *http.Request, id string, status int, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {wire.ContentType}, "X-Amzn-Requestid": {id}},
		Body: io.NopCloser(bytes.NewReader(body)), Request: req,
	}
}
