package fakeecr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// face is one of the ways to call a registry.
type face struct {
	fakeecr.API
	name     string
	registry *fakeecr.Registry
	// in and account are the same face of a neighbour.
	in, account func(string) face
	// as is the same face as another principal calls it.
	as func(arn string, policies ...string) face
}

func once(o *ecr.Options) { o.Retryer = aws.NopRetryer{} }

func direct(r *fakeecr.Registry) face {
	return face{API: r, name: "direct", registry: r,
		in:      func(region string) face { return direct(r.In(region)) },
		account: func(id string) face { return direct(r.Account(id)) },
		as:      func(arn string, policies ...string) face { return direct(r.As(arn, policies...)) },
	}
}

func socketless(r *fakeecr.Registry) face {
	return face{API: r.Client(once), name: "client", registry: r,
		in:      func(region string) face { return socketless(r.In(region)) },
		account: func(id string) face { return socketless(r.Account(id)) },
		as:      func(arn string, policies ...string) face { return socketless(r.As(arn, policies...)) },
	}
}

func loopback(s *fakeecr.Server) face {
	return face{API: s.Client(once), name: "loopback", registry: s.Registry,
		in:      func(region string) face { return loopback(s.In(region)) },
		account: func(id string) face { return loopback(s.Account(id)) },
		as:      func(arn string, policies ...string) face { return loopback(s.As(arn, policies...)) },
	}
}

// faces makes the three faces, each of a world of its own.
func faces(t *testing.T, options ...fakeecr.Option) []face {
	options = append([]fakeecr.Option{fakeecr.WithSeed(1)}, options...)
	return []face{
		direct(fakeecr.New(t, options...)),
		socketless(fakeecr.New(t, options...)),
		loopback(fakeecr.NewServer(t, options...)),
	}
}

// onAllFaces runs a test on a fresh world of each face.
func onAllFaces(t *testing.T, test func(t *testing.T, f face), options ...fakeecr.Option) {
	t.Helper()
	t.Run("direct", func(t *testing.T) { test(t, direct(fakeecr.New(t, options...))) })
	t.Run("client", func(t *testing.T) { test(t, socketless(fakeecr.New(t, options...))) })
	t.Run("loopback", func(t *testing.T) { test(t, loopback(fakeecr.NewServer(t, options...))) })
}

// requireError holds that a call was refused with an exception and its text.
func requireError[E error](t *testing.T, err error, message string) E {
	t.Helper()
	var exception E
	require.ErrorAs(t, err, &exception)
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, message, api.ErrorMessage())
	return exception
}

// chain is the types of an error and of those inside it.
func chain(err error) string {
	var types []string
	for ; err != nil; err = errors.Unwrap(err) {
		types = append(types, fmt.Sprintf("%T", err))
	}
	return strings.Join(types, " > ")
}

// requireCode is requireError for tables, where the type of the exception is data.
func requireCode(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode())
	require.Equal(t, message, api.ErrorMessage())
}
