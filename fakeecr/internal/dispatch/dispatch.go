// Package dispatch carries a call through middleware to its operation.
package dispatch

import (
	"context"
	"reflect"
	"strings"

	smithy "github.com/aws/smithy-go"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Operation is an entry of the table of operations. It never changes.
type Operation struct {
	Name string
	// NewInput makes an empty input.
	NewInput func() smithy.Serializable
	// run carries the operation out.
	run Handler
	// The fields of the input that say which repository the call is about, or nil.
	repositoryName, registryID []int
}

// Of is the entry of a method of the transaction, named after its input's type.
func Of[In, Out any](method func(*registry.Tx, context.Context, *In) (*Out, error)) *Operation {
	input := reflect.TypeFor[In]()
	op := &Operation{
		Name:     strings.TrimSuffix(input.Name(), "Input"),
		NewInput: func() smithy.Serializable { return any(new(In)).(smithy.Serializable) },
		run: func(ctx context.Context, call *Call) (any, error) {
			out, err := registry.Run(&call.Tx, func() (*Out, error) { return method(&call.Tx, ctx, call.Input.(*In)) })
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
	op.repositoryName = index(input, "RepositoryName")
	op.registryID = index(input, "RegistryId")
	return op
}

func index(input reflect.Type, member string) []int {
	if field, found := input.FieldByName(member); found && field.Type == reflect.TypeFor[*string]() {
		return field.Index
	}
	return nil
}

// Run carries the operation out; the call's transaction says for whom.
func (o *Operation) Run(ctx context.Context, call *Call) (any, error) { return o.run(ctx, call) }

// Repository is the repository that an input names, or "".
func (o *Operation) Repository(in any) string { return stringField(in, o.repositoryName) }

// RegistryID is the registry that an input names, or "".
func (o *Operation) RegistryID(in any) string { return stringField(in, o.registryID) }

func stringField(in any, index []int) string {
	if index == nil || in == nil {
		return ""
	}
	value := reflect.ValueOf(in).Elem().FieldByIndex(index).Addr().Interface().(**string)
	return aws.ToString(*value)
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

// Call is one attempt at an operation, on its way to it.
type Call struct {
	// Name is the operation's, and Run carries it out.
	Name string
	Run  Handler
	// Input is the operation's input. What could not be decoded is in
	// Unreadable, and is answered once the caller may know.
	Input      any
	Unreadable error
	Tx         registry.Tx
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
