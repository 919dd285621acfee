// Package faces is what the tests of several packages share: the faces on which a table
// of tests runs, and what they push and ask there. Only tests import it.
//
//   - [Face] is a way to call the API: a registry's methods, the client of the SDK
//     without a socket, and over one. [Each] runs a test on all of them.
//   - [Endpoint] is a way to the registry endpoint, and [EachEndpoint] runs a test on
//     all of these.
//
// What is said about an image without naming its repository is about [App].
//
// # Where what is
//
//	faces                            the faces of the API, and tests on each
//	endpoint, http                   the registry endpoint, and any HTTP
//	callers                          principals, their policies and credentials
//	images, scanning, signing        what calls are asked of a repository and its images
//	push, layers, content            images and layers as they are pushed and downloaded
//	upstream                         caches, and the registries they are of
//	events, playing                  what happens by itself, and what rules do to a call
//	errors, recording                refusals, and what a registry says to its test
package faces

import (
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/fakeecr/ecr/fakeecr"
)

// Face is one of the ways to call a registry.
type Face struct {
	fakeecr.API
	Name     string
	Registry *fakeecr.Registry
	// In and Account are the same face of a neighbour.
	In, Account func(string) Face
	// As is the same face as another principal calls it.
	As func(arn string, policies ...string) Face
}

// Once has a client call once, as a direct caller does.
func Once(o *ecr.Options) { o.Retryer = aws.NopRetryer{} }

// Direct calls the methods of a registry.
func Direct(r *fakeecr.Registry) Face {
	return Face{API: r, Name: "direct", Registry: r,
		In:      func(region string) Face { return Direct(r.In(region)) },
		Account: func(id string) Face { return Direct(r.Account(id)) },
		As:      func(arn string, policies ...string) Face { return Direct(r.As(arn, policies...)) },
	}
}

// Socketless calls by the client of the SDK without a socket.
func Socketless(r *fakeecr.Registry) Face {
	return Face{API: r.Client(Once), Name: "client", Registry: r,
		In:      func(region string) Face { return Socketless(r.In(region)) },
		Account: func(id string) Face { return Socketless(r.Account(id)) },
		As:      func(arn string, policies ...string) Face { return Socketless(r.As(arn, policies...)) },
	}
}

// Loopback calls by the client of the SDK over a socket.
func Loopback(s *fakeecr.Server) Face {
	return Face{API: s.Client(Once), Name: "loopback", Registry: s.Registry,
		In:      func(region string) Face { return Loopback(s.In(region)) },
		Account: func(id string) Face { return Loopback(s.Account(id)) },
		As:      func(arn string, policies ...string) Face { return Loopback(s.As(arn, policies...)) },
	}
}

// New makes the three faces, each of a world of its own.
func New(t *testing.T, options ...fakeecr.Option) []Face {
	options = append([]fakeecr.Option{fakeecr.WithSeed(1)}, options...)
	return []Face{
		Direct(fakeecr.New(t, options...)),
		Socketless(fakeecr.New(t, options...)),
		Loopback(fakeecr.NewServer(t, options...)),
	}
}

// Each runs a test on a fresh world of each face.
func Each(t *testing.T, test func(t *testing.T, f Face), options ...fakeecr.Option) {
	t.Helper()
	t.Run("direct", func(t *testing.T) { test(t, Direct(fakeecr.New(t, options...))) })
	t.Run("client", func(t *testing.T) { test(t, Socketless(fakeecr.New(t, options...))) })
	t.Run("loopback", func(t *testing.T) { test(t, Loopback(fakeecr.NewServer(t, options...))) })
}

// EachReported is Each for worlds that may report mistakes.
func EachReported(t *testing.T, test func(t *testing.T, f Face), options ...fakeecr.Option) {
	for name, of := range map[string]func(tb fakeecr.TB) Face{
		"direct":   func(tb fakeecr.TB) Face { return Direct(fakeecr.New(tb, options...)) },
		"client":   func(tb fakeecr.TB) Face { return Socketless(fakeecr.New(tb, options...)) },
		"loopback": func(tb fakeecr.TB) Face { return Loopback(fakeecr.NewServer(tb, options...)) },
	} {
		t.Run(name, func(t *testing.T) {
			var tb RecordingTB
			defer tb.End()
			test(t, of(&tb))
		})
	}
}

// EachInBubble runs a test on the faces without a socket, where time passes only
// when all wait.
func EachInBubble(t *testing.T, test func(t *testing.T, f Face)) {
	t.Helper()
	for name, of := range map[string]func(*fakeecr.Registry) Face{"direct": Direct, "client": Socketless} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, of(fakeecr.New(t))) })
		})
	}
}
