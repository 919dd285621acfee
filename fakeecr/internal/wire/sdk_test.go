package wire

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/schemas"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/stretchr/testify/require"
)

type shape = smithy.Serializable

// An operation of the SDK's client, with constructors of its input and output.
type operation struct {
	name          string
	input, output func() shape
}

// operations finds what the client can be asked: every method that takes an input and returns an output.
func operations(t testing.TB) map[string]operation {
	t.Helper()
	found := map[string]operation{}
	client := reflect.TypeFor[*ecr.Client]()
	for i := range client.NumMethod() {
		method := client.Method(i)
		if method.Type.NumIn() != 4 || method.Type.NumOut() != 2 {
			continue
		}
		of := func(t reflect.Type) func() shape {
			return func() shape { return reflect.New(t.Elem()).Interface().(shape) }
		}
		found[method.Name] = operation{method.Name, of(method.Type.In(2)), of(method.Type.Out(0))}
	}
	require.Len(t, found, 62)
	return found
}

// sdkOperation stands for any operation: the SDK's protocol only asks whether it has an input and an output.
var sdkOperation = smithy.NewOperationSchema(schemas.PutImage, schemas.PutImageRequest, schemas.PutImageResponse)

func sdkProtocol() *awsjson.Protocol {
	return awsjson.New11(schemas.AmazonEC2ContainerRegistry_V20150921)
}

// sdkWrite is Write by the SDK's own serializer.
func sdkWrite(t testing.TB, out shape) []byte {
	t.Helper()
	request := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	require.NoError(t, sdkProtocol().SerializeRequest(context.Background(), sdkOperation, out, request))
	body, err := io.ReadAll(request.GetStream())
	require.NoError(t, err)
	return body
}

// sdkRead reads a response as the SDK's client does.
func sdkRead(status int, body []byte, out smithy.Deserializable) error {
	response := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
	return sdkProtocol().DeserializeResponse(context.Background(), sdkOperation, ecr.TypeRegistry,
		&smithyhttp.Response{Response: response}, out)
}

func readString(body string, in shape) error {
	return Read(strings.NewReader(body), int64(len(body)), in, nil)
}
