package fakeecr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/schemas"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/wire"
)

// invoke is a direct call: one attempt, with the output and the errors of the
// SDK's client.
func invoke[Out, In any](ctx context.Context, r *Registry, name string, in *In, optFns []func(*ecr.Options)) (*Out, error) {
	if in == nil {
		in = new(In)
	}
	if err := ctx.Err(); err != nil {
		return nil, operationError(name, err)
	}
	if !constraint.Complete(in) {
		return nil, refuseIncomplete(ctx, name, in)
	}
	r, polls := r.selected(optFns)
	call := r.world.newCall(name, r.key, r.caller)
	call.Input, call.Polls = in, polls
	call.Tx.Origin = r.world.origin
	operation(call, operations[name])
	handler := r.world.calls
	if r.through != nil {
		handler = r.through
	}
	out, err := handler(ctx, call)
	if err != nil {
		return nil, operationError(name, r.responseError(ctx, call.Record.RequestID, err))
	}
	return out.(*Out), nil
}

// selected is the registry that a call's options select by their region, and
// whether they are those of a waiter.
func (r *Registry) selected(optFns []func(*ecr.Options)) (selected *Registry, polls bool) {
	if len(optFns) == 0 {
		return r, false
	}
	options := ecr.Options{Region: r.key.Region}
	for _, fn := range optFns {
		fn(&options)
	}
	polls = len(options.APIOptions) > 0 && isWaiter(userAgent(options.APIOptions))
	if options.Region == r.key.Region {
		return r, polls
	}
	return r.In(options.Region), polls
}

func operationError(name string, err error) error {
	return &smithy.OperationError{ServiceID: ecr.ServiceID, OperationName: name, Err: err}
}

// responseError is what the client makes of the service's answer to a failed
// call, or of the lack of one.
func (r *Registry) responseError(ctx context.Context, requestID string, err error) error {
	response := &smithyhttp.Response{Response: &http.Response{Header: http.Header{}}}
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		err, requestID = &smithy.CanceledError{Err: ctx.Err()}, ""
	case ended(ctx, err):
		lost := &url.Error{Op: "Post", URL: r.endpoint() + "/", Err: io.EOF}
		err, requestID = &smithyhttp.RequestSendError{Err: lost}, ""
	default:
		status, body := wire.WriteError(err)
		response.StatusCode = status
		response.Status = fmt.Sprintf("%d %s", status, http.StatusText(status))
		response.Header.Set("Content-Type", wire.ContentType)
		response.Header.Set(requestIDHeader, requestID)
		response.Body = io.NopCloser(bytes.NewReader(body))
		err = decodeError(response)
	}
	return &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: response, Err: err},
		RequestID:     requestID,
	}
}

// decodeError is the error that the client reads from an answer.
func decodeError(response *smithyhttp.Response) error {
	protocol := awsjson.New11(schemas.AmazonEC2ContainerRegistry_V20150921)
	schema := smithy.NewOperationSchema(schemas.DescribeRegistry, nil, nil)
	return protocol.DeserializeResponse(context.Background(), schema, ecr.TypeRegistry, response, nil)
}

// refuseIncomplete is the client's own refusal of an input that lacks a required
// member: its stack for the operation, cut off after the validation.
func refuseIncomplete(ctx context.Context, name string, in any) error {
	client := ecr.New(ecr.Options{
		Region:      defaultRegion,
		Credentials: aws.AnonymousCredentials{},
		APIOptions: []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
			return stack.Serialize.Add(middleware.SerializeMiddlewareFunc("stop", stopBeforeSerialize), middleware.Before)
		}},
	})
	answers := reflect.ValueOf(client).MethodByName(name).Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(in)})
	err, _ := answers[1].Interface().(error)
	return err
}

func stopBeforeSerialize(context.Context, middleware.SerializeInput, middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
	return middleware.SerializeOutput{}, middleware.Metadata{}, errors.New("the input is complete")
}
