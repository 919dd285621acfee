// Package dispatch carries a call through middleware to its operation.
package dispatch

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Operation is an entry of the table of operations. It never changes.
type Operation struct {
	Name string
	// NewInput makes an empty input.
	NewInput func() smithy.Serializable
	// Run carries the operation out; the call's transaction says for whom.
	Run Handler
	// The fields of the input that say what the call is about, or nil.
	registryID, repositoryName, repositoryNames, resourceARN, tags, tagKeys []int
}

// Of is the entry of a method of the transaction, named after its input's type.
// Its output carries the request id, as the client's does, unless no client gets it.
func Of[In, Out any](method func(*registry.Tx, context.Context, *In) (*Out, error)) *Operation {
	newInput := func() smithy.Serializable { return any(new(In)).(smithy.Serializable) }
	return newOperation(reflect.TypeFor[In](), reflect.TypeFor[Out](), newInput, func(ctx context.Context, call *Call) (any, error) {
		out, err := method(&call.Tx, ctx, call.Input.(*In))
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}

// newOperation is Of without the types of one operation, so that there is one of it and
// not 62.
func newOperation(input, output reflect.Type, newInput func() smithy.Serializable, method Handler) *Operation {
	metadata := index[middleware.Metadata](output, "ResultMetadata")
	return &Operation{
		Name:     strings.TrimSuffix(input.Name(), "Input"),
		NewInput: newInput,
		Run: func(ctx context.Context, call *Call) (any, error) {
			out, err := registry.Run(&call.Tx, func() (any, error) { return method(ctx, call) })
			if err != nil {
				return nil, err
			}
			if call.Tx.Endpoint != registry.APIEndpoint {
				return out, nil // no client of it sees metadata
			}
			metadata := reflect.ValueOf(out).Elem().FieldByIndex(metadata).Addr().Interface().(*middleware.Metadata)
			awsmiddleware.SetRequestIDMetadata(metadata, call.Record.RequestID)
			return out, nil
		},
		registryID:      index[*string](input, "RegistryId"),
		repositoryName:  index[*string](input, "RepositoryName"),
		repositoryNames: index[[]string](input, "RepositoryNames"),
		resourceARN:     index[*string](input, "ResourceArn"),
		tags:            index[[]types.Tag](input, "Tags"),
		tagKeys:         index[[]string](input, "TagKeys"),
	}
}

// Identify gives an output, a pointer, the request id that the client finds in its
// metadata.
func Identify(out any, requestID string) {
	metadata := reflect.ValueOf(out).Elem().FieldByName("ResultMetadata").Addr().Interface().(*middleware.Metadata)
	awsmiddleware.SetRequestIDMetadata(metadata, requestID)
}

func index[T any](shape reflect.Type, member string) []int {
	if field, found := shape.FieldByName(member); found && field.Type == reflect.TypeFor[T]() {
		return field.Index
	}
	return nil
}

// Target is the registry that an input is about, which is the one that was called
// unless the input names another, and the repository or "".
func (o *Operation) Target(in any, called registry.Place) (place registry.Place, repository string) {
	if o.resourceARN != nil {
		place, repository, ok := naming.ParseRepositoryARN(aws.ToString(field[*string](in, o.resourceARN)))
		if !ok {
			return called, ""
		}
		return place, repository
	}
	if id := aws.ToString(field[*string](in, o.registryID)); id != "" {
		called.Account = id
	}
	return called, aws.ToString(field[*string](in, o.repositoryName))
}

// Accesses is what an input needs permissions for: the operation's own name is
// the action, on each repository that the input names. Where it names none the
// resource is any repository of the registry or, for what is about a whole
// registry, *. A repository that is made with tags is tagged as well.
func (o *Operation) Accesses(in any, called registry.Place) []registry.Access {
	place, repository := o.Target(in, called)
	names := []string{repository}
	if several := field[[]string](in, o.repositoryNames); len(several) > 0 {
		names = several
	}
	var accesses []registry.Access
	for _, name := range names {
		access := registry.Access{Action: o.action(), Registry: place, Repository: name, Resource: "*"}
		switch {
		case name != "":
			access.Resource = naming.RepositoryARN(place, name)
		case o.registryID != nil || o.repositoryNames != nil:
			access.Resource = naming.RepositoryARN(place, "*")
		}
		access.Tags, access.TagKeys = o.requestTags(in)
		accesses = append(accesses, access)
		if o.Name == "CreateRepository" && len(access.Tags) > 0 {
			accesses = append(accesses, access.Tagging())
		}
	}
	return accesses
}

// action is the permission that the operation needs.
func (o *Operation) action() string {
	if o.Name == "ListImageReferrers" {
		return "ecr:BatchGetImage"
	}
	return "ecr:" + o.Name
}

// requestTags is the tags that an input puts on something, and the keys of the
// tags that it is about.
func (o *Operation) requestTags(in any) ([]types.Tag, []string) {
	tags, keys := field[[]types.Tag](in, o.tags), slices.Clip(field[[]string](in, o.tagKeys))
	for _, tag := range tags {
		keys = append(keys, aws.ToString(tag.Key))
	}
	return tags, keys
}

// field is the value of an input's field, or nothing where there is none.
func field[T any](in any, index []int) (value T) {
	if index == nil || in == nil {
		return value
	}
	return *reflect.ValueOf(in).Elem().FieldByIndex(index).Addr().Interface().(*T)
}

// Table is the operations by name.
type Table map[string]*Operation

// NewTable makes a table of operations.
func NewTable(operations ...*Operation) Table {
	table := make(Table, len(operations))
	for _, op := range operations {
		table[op.Name] = op
	}
	return table
}

// Call is one attempt at an operation, on its way to it. What users know as a call is
// its Record.
type Call struct {
	// Name is the operation's, and Run carries it out.
	Name string
	Run  Handler
	// Input is the operation's input. What could not be decoded is in
	// Unreadable, and is answered once the caller may know.
	Input      any
	Unreadable error
	// Unauthenticated is why the caller is not who it says it is, or nil.
	Unauthenticated error
	// Token is the serial of the token that the call came with, 0 without one.
	Token int64
	// Answered tells that a rule answers in the operation's place.
	Answered bool
	// Foreign tells that the call is of another service; see [scenarios.Identity].
	Foreign bool
	// Polls tells that a waiter of the SDK makes the call.
	Polls bool
	Tx    registry.Tx
	// Shown tells that rules in play met the call: a function of theirs may keep it.
	Shown bool
	// Ruling is the stage's own: the rules that the call met and that wait for its end.
	Ruling any
	// Record is what rules match and the trace keeps.
	Record scenarios.Call
}

// Handler answers a call.
type Handler func(ctx context.Context, call *Call) (any, error)

// Middleware answers a call with the help of the next handler, or without.
type Middleware func(next Handler) Handler

// Chain is a handler that passes a call through the middleware, the first one
// outermost, to what the call itself runs.
func Chain(middleware ...Middleware) Handler {
	handler := func(ctx context.Context, call *Call) (any, error) { return call.Run(ctx, call) }
	for i := len(middleware) - 1; i >= 0; i-- {
		handler = middleware[i](handler)
	}
	return handler
}
