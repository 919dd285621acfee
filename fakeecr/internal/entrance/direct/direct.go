// Package direct is the entrance of a Go method call: one attempt, with the
// output and the errors of the SDK's client.
package direct

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/api"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// Call is a method call on its way in.
type Call struct {
	Stage  *stage.Stage
	Caller stage.Caller
	// Seeds tells that a test's fixture makes the call.
	Seeds bool
}

// Do carries out an operation by its name and its input.
func (c Call) Do(ctx context.Context, name string, in any) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, operationError(name, err)
	}
	if !constraint.Complete(in) {
		return nil, refuseIncomplete(ctx, name, in)
	}
	call := c.Stage.NewCall(name, c.Caller, scenarios.FaceGo)
	call.Input = in
	origin := c.Stage.Origin()
	call.Tx.Origin, call.Tx.Downloads = origin, origin
	do := c.Stage.Do
	if c.Seeds {
		do = c.Stage.DoFixture
	}
	out, err := do(ctx, call)
	_, bare := exchange.Bare(err)
	switch {
	case call.Ruling == nil && (ctx.Err() != nil && err != nil || !bare && err != nil && !stage.Unanswered(ctx, err)):
		return nil, operationError(name, responseError(ctx, call.Record.RequestID, err))
	case err != nil || call.Ruling != nil:
		return c.receive(ctx, call, in, out, err)
	}
	c.Stage.End(call)
	return out, nil
}

// endpoint is where the registry's API is: at its server, or at the name that the
// transport without a socket knows.
func (c Call) endpoint() string {
	if origin := c.Stage.Origin(); origin != "" {
		return origin
	}
	return "https://" + naming.APIHost(c.Caller.Region)
}

func operationError(name string, err error) error {
	return &smithy.OperationError{ServiceID: ecr.ServiceID, OperationName: name, Err: err}
}

// responseError is what the client makes of the service's refusal, or of a context
// that has ended.
func responseError(ctx context.Context, requestID string, err error) error {
	response := &smithyhttp.Response{Response: &http.Response{Header: http.Header{}}}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err, requestID = &smithy.CanceledError{Err: ctx.Err()}, ""
	} else {
		answer := api.Refusal(requestID, err)
		response.StatusCode = answer.Status
		response.Status = fmt.Sprintf("%d %s", answer.Status, http.StatusText(answer.Status))
		answer.Header.Write(response.Header)
		response.Body = io.NopCloser(bytes.NewReader(answer.Body))
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

// receive is what the SDK's client makes of an answer that does not arrive whole.
func (c Call) receive(ctx context.Context, call *dispatch.Call, in, out any, err error) (any, error) {
	var answer *exchange.Answer
	if stage.Unanswered(ctx, err) {
		c.Stage.Lose(call)
	} else {
		answer = api.Answer(call, out, err).On(c.Stage, nil, call)
		defer answer.Reply.Leave()
	}
	client := ecr.New(ecr.Options{
		Region:       c.Caller.Region,
		BaseEndpoint: aws.String(c.endpoint()),
		Credentials:  aws.AnonymousCredentials{},
		Retryer:      aws.NopRetryer{},
		HTTPClient: &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			if answer == nil {
				return nil, exchange.ConnectionError(ctx, err)
			}
			return answer.Response(req)
		})},
	})
	answers := reflect.ValueOf(client).MethodByName(call.Name).Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(in)})
	if err, failed := answers[1].Interface().(error); failed {
		return nil, err
	}
	return answers[0].Interface(), nil
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// refuseIncomplete is the client's own refusal of an input that lacks a required
// member: its stack for the operation, cut off after the validation.
func refuseIncomplete(ctx context.Context, name string, in any) error {
	client := ecr.New(ecr.Options{
		Region:      "us-east-1",
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
