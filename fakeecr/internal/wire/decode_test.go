package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

func TestRead(t *testing.T) {
	tests := []struct {
		name, body string
		want       shape
	}{
		{"no body", "", &ecr.DescribeImagesInput{}},
		{"no member", " {\t} \r\n", &ecr.DescribeImagesInput{}},
		{"null is absent", `{"imageIds":null,"maxResults":null,"filter":null}`, &ecr.DescribeImagesInput{}},
		{"null in a structure is absent", `{"imageIds":[{"imageTag":null}]}`, &ecr.DescribeImagesInput{ImageIds: []types.ImageIdentifier{{}}}},
		{"empty list", `{"imageIds":[ ]}`, &ecr.DescribeImagesInput{ImageIds: []types.ImageIdentifier{}}},
		{"empty structure", `{"filter":{}}`, &ecr.DescribeImagesInput{Filter: &types.DescribeImagesFilter{}}},
		{"empty strings", `{"repositoryName":"","nextToken":""}`, &ecr.ListImagesInput{RepositoryName: aws.String(""), NextToken: aws.String("")}},
		{"empty blob", `{"layerPartBlob":""}`, &ecr.UploadLayerPartInput{LayerPartBlob: []byte{}}},
		{"white space", "{ \"imageIds\" :\n[ { \"imageTag\"\t:\r\"a\" } , { } ] , \"maxResults\" : 5 }",
			&ecr.DescribeImagesInput{ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("a")}, {}}, MaxResults: aws.Int32(5)}},
		{"unknown members", `{"x":[{"y":[1,-2.5e+3,"]}",true,false,null,[],{}]},{}],"repositoryName":"a","z":{"repositoryName":"b"}}`,
			&ecr.PutImageInput{RepositoryName: aws.String("a")}},
		{"names are case-sensitive", `{"RepositoryName":"a","repositoryname":"b"}`, &ecr.PutImageInput{}},
		{"a name with escapes", `{"repository\u004eame":"a"}`, &ecr.PutImageInput{RepositoryName: aws.String("a")}},
		{"tags are capitalised", `{"tags":[{"Key":"a","Value":"b"},{"key":"c","value":"d"}]}`,
			&ecr.TagResourceInput{Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}, {}}}},
		{"the last of a name wins", `{"imageIds":[{"imageTag":"a"},{}],"imageIds":[{}],"repositoryName":"a","repositoryName":"b"}`,
			&ecr.DescribeImagesInput{ImageIds: []types.ImageIdentifier{{}}, RepositoryName: aws.String("b")}},
		{"the last of a structure wins", `{"imageId":{"imageTag":"a"},"imageId":{"imageDigest":"b"}}`,
			&ecr.StartImageScanInput{ImageId: &types.ImageIdentifier{ImageDigest: aws.String("b")}}},
		{"enums", `{"appliedFor":["CREATE_ON_PUSH","no such value"],"imageTagMutability":"IMMUTABLE"}`,
			&ecr.CreateRepositoryCreationTemplateInput{
				AppliedFor:         []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush, "no such value"},
				ImageTagMutability: types.ImageTagMutabilityImmutable,
			}},
		{"booleans", `{"force":true,"imageScanningConfiguration":{"scanOnPush":true}}`, &ecr.DeleteRepositoryInput{Force: true}},
		{"smallest integers", `{"partFirstByte":-9223372036854775808,"partLastByte":-0}`,
			&ecr.UploadLayerPartInput{PartFirstByte: aws.Int64(math.MinInt64), PartLastByte: aws.Int64(0)}},
		{"largest integers", `{"partFirstByte":9223372036854775807}`, &ecr.UploadLayerPartInput{PartFirstByte: aws.Int64(math.MaxInt64)}},
		{"escapes", `{"repositoryName":"\"\\\/\b\f\n\r\t\u00e9\ud83d\udc33 é"}`,
			&ecr.PutImageInput{RepositoryName: aws.String("\"\\/\b\f\n\r\té🐳 é")}},
		{"half pairs", `{"repositoryName":"\ud83d","imageTag":"\ud83d\u0061\udc33","imageManifest":"\ud83d\n"}`,
			&ecr.PutImageInput{RepositoryName: aws.String("\uFFFD"), ImageTag: aws.String("\uFFFDa\uFFFD"), ImageManifest: aws.String("\uFFFD\n")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, length := range []int64{int64(len(test.body)), -1} {
				in := reflect.New(reflect.TypeOf(test.want).Elem()).Interface().(shape)
				require.NoError(t, Read(iotest.OneByteReader(strings.NewReader(test.body)), length, in, nil))
				require.Equal(t, test.want, in)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	const notJSON = "the body is not valid JSON: "
	tests := []struct {
		body    string
		in      shape
		message string
	}{
		{`{"repositoryName":5}`, &ecr.PutImageInput{}, "'repositoryName' must be a string, not a number"},
		{`{"repositoryName":{}}`, &ecr.PutImageInput{}, "'repositoryName' must be a string, not an object"},
		{`{"repositoryName":["a"]}`, &ecr.PutImageInput{}, "'repositoryName' must be a string, not a list"},
		{`{"imageTagMutability":true}`, &ecr.CreateRepositoryInput{}, "'imageTagMutability' must be a string, not a boolean"},
		{`{"imageIds":{}}`, &ecr.DescribeImagesInput{}, "'imageIds' must be a list, not an object"},
		{`{"imageIds":"a"}`, &ecr.DescribeImagesInput{}, "'imageIds' must be a list, not a string"},
		{`{"imageIds":[5]}`, &ecr.DescribeImagesInput{}, "'imageIds.1.member' must be an object, not a number"},
		{`{"imageIds":[{},{"imageTag":5}]}`, &ecr.DescribeImagesInput{}, "'imageIds.2.member.imageTag' must be a string, not a number"},
		{`{"imageIds":[{},null]}`, &ecr.DescribeImagesInput{}, "'imageIds.2.member' must be an object, not null"},
		{`{"repositoryNames":[null]}`, &ecr.DescribeRepositoriesInput{}, "'repositoryNames.1.member' must be a string, not null"},
		{`{"tags":[{"Key":5}]}`, &ecr.TagResourceInput{}, "'tags.1.member.Key' must be a string, not a number"},
		{`{"replicationConfiguration":{"rules":[{"destinations":[{"region":1}]}]}}`, &ecr.PutReplicationConfigurationInput{},
			"'replicationConfiguration.rules.1.member.destinations.1.member.region' must be a string, not a number"},
		{`{"imageId":[]}`, &ecr.StartImageScanInput{}, "'imageId' must be an object, not a list"},
		{`{"force":"true"}`, &ecr.DeleteRepositoryInput{}, "'force' must be a boolean, not a string"},
		{`{"force":1}`, &ecr.DeleteRepositoryInput{}, "'force' must be a boolean, not a number"},
		{`{"maxResults":"5"}`, &ecr.DescribeImagesInput{}, "'maxResults' must be an integer, not a string"},
		{`{"maxResults":true}`, &ecr.DescribeImagesInput{}, "'maxResults' must be an integer, not a boolean"},
		{`{"maxResults":1.5}`, &ecr.DescribeImagesInput{}, "'maxResults' must be an integer of 32 bits, not 1.5"},
		{`{"maxResults":1.0}`, &ecr.DescribeImagesInput{}, "'maxResults' must be an integer of 32 bits, not 1.0"},
		{`{"maxResults":1e2}`, &ecr.DescribeImagesInput{}, "'maxResults' must be an integer of 32 bits, not 1e2"},
		{`{"maxResults":2147483648}`, &ecr.DescribeImagesInput{}, "'maxResults' must be an integer of 32 bits, not 2147483648"},
		{`{"partFirstByte":9223372036854775808}`, &ecr.UploadLayerPartInput{}, "'partFirstByte' must be an integer of 64 bits, not 9223372036854775808"},
		{`{"partFirstByte":-9223372036854775809}`, &ecr.UploadLayerPartInput{}, "'partFirstByte' must be an integer of 64 bits, not -9223372036854775809"},
		{`{"layerPartBlob":"a"}`, &ecr.UploadLayerPartInput{}, "'layerPartBlob' must be a base64 string: illegal base64 data at input byte 0"},
		{`{"layerPartBlob":"YQ"}`, &ecr.UploadLayerPartInput{}, "'layerPartBlob' must be a base64 string: illegal base64 data at input byte 0"},
		{`{"layerPartBlob":"YQ==YQ=="}`, &ecr.UploadLayerPartInput{}, "'layerPartBlob' must be a base64 string: illegal base64 data at input byte 4"},
		{`{"layerPartBlob":"YW_-"}`, &ecr.UploadLayerPartInput{}, "'layerPartBlob' must be a base64 string: illegal base64 data at input byte 2"},
		{`{"layerPartBlob":5}`, &ecr.UploadLayerPartInput{}, "'layerPartBlob' must be a base64 string, not a number"},
		{`null`, &ecr.PutImageInput{}, "the body must be an object, not null"},
		{`[]`, &ecr.PutImageInput{}, "the body must be an object, not a list"},
		{` `, &ecr.PutImageInput{}, notJSON + "it ends too early"},
		{`{`, &ecr.PutImageInput{}, notJSON + "it ends too early"},
		{`{"repositoryName"`, &ecr.PutImageInput{}, notJSON + "it ends too early"},
		{`{"repositoryName":`, &ecr.PutImageInput{}, notJSON + "it ends too early"},
		{`{"repositoryName":"a`, &ecr.PutImageInput{}, notJSON + "it ends too early"},
		{`{"repositoryName":"a"`, &ecr.PutImageInput{}, notJSON + "it ends too early"},
		{`{"x":[{"y":1}`, &ecr.PutImageInput{}, notJSON + "it ends too early"},
		{`<xml/>`, &ecr.PutImageInput{}, notJSON + `unexpected '<' after ""`},
		{`{} {}`, &ecr.PutImageInput{}, notJSON + `unexpected '{' after "{} "`},
		{`{"repositoryName":"a"}}`, &ecr.PutImageInput{}, notJSON + `unexpected '}' after "repositoryName\":\"a\"}"`},
		{`{"repositoryName":x}`, &ecr.PutImageInput{}, notJSON + `unexpected 'x' after "{\"repositoryName\":"`},
		{`{"repositoryName":nil}`, &ecr.PutImageInput{}, notJSON + `unexpected 'n' after "{\"repositoryName\":"`},
		{`{"repositoryName":"a",}`, &ecr.PutImageInput{}, notJSON + `unexpected '}' after "repositoryName\":\"a\","`},
		{`{"imageIds":[{},]}`, &ecr.DescribeImagesInput{}, notJSON + `unexpected ']' after "{\"imageIds\":[{},"`},
		{`{"imageIds":[{} {}]}`, &ecr.DescribeImagesInput{}, notJSON + `unexpected '{' after "{\"imageIds\":[{} "`},
		{`{"imageIds":[,{}]}`, &ecr.DescribeImagesInput{}, notJSON + `unexpected ',' after "{\"imageIds\":["`},
		{`{"x":[1}`, &ecr.PutImageInput{}, notJSON + `unexpected '}' after "{\"x\":[1"`},
		{`{"x":{"y":1]}`, &ecr.PutImageInput{}, notJSON + `unexpected ']' after "{\"x\":{\"y\":1"`},
		{`{"x":{"y"}}`, &ecr.PutImageInput{}, notJSON + `unexpected '}' after "{\"x\":{\"y\""`},
		{`{"x":{,}}`, &ecr.PutImageInput{}, notJSON + `unexpected ',' after "{\"x\":{"`},
		{`{"maxResults":05}`, &ecr.DescribeImagesInput{}, notJSON + `unexpected '5' after "{\"maxResults\":0"`},
		{`{"maxResults":-}`, &ecr.DescribeImagesInput{}, notJSON + `unexpected '}' after "{\"maxResults\":-"`},
		{`{"x":1.}`, &ecr.PutImageInput{}, notJSON + `unexpected '}' after "{\"x\":1."`},
		{`{"x":1e+}`, &ecr.PutImageInput{}, notJSON + `unexpected '}' after "{\"x\":1e+"`},
		{`{"x":"\q"}`, &ecr.PutImageInput{}, notJSON + `unexpected '\\' after "{\"x\":\""`},
		{`{"x":"\u12g4"}`, &ecr.PutImageInput{}, notJSON + `unexpected '\\' after "{\"x\":\""`},
		{"{\"x\":\"\n\"}", &ecr.PutImageInput{}, notJSON + `unexpected '\n' after "{\"x\":\""`},
		{"{\"x\":\"\x00\"}", &ecr.PutImageInput{}, notJSON + `unexpected '\x00' after "{\"x\":\""`},
		{"{\x00}", &ecr.PutImageInput{}, notJSON + `unexpected '\x00' after "{"`},
		{"{\"repositoryName\":\"\xff\"}", &ecr.PutImageInput{}, notJSON + "it is not UTF-8"},
		{"{\"repositoryName\":\"\xed\xa0\x80\"}", &ecr.PutImageInput{}, notJSON + "it is not UTF-8"},
	}
	for _, test := range tests {
		t.Run(test.body, func(t *testing.T) {
			requireRefusal(t, readString(test.body, test.in), "SerializationException", test.message)
		})
	}
}

func requireRefusal(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode())
	require.Equal(t, message, api.ErrorMessage())
	require.Equal(t, smithy.FaultClient, api.ErrorFault())
}

// A frame of the stack for each level, or for each member that nobody knows, would end the process here.
func TestReadHasNoDepth(t *testing.T) {
	before := debug.SetMaxStack(1 << 20)
	t.Cleanup(func() { debug.SetMaxStack(before) })
	const n = 1 << 18
	for name, body := range map[string]string{
		"lists":           `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`,
		"structures":      strings.Repeat(`{"x":`, n) + "0" + strings.Repeat("}", n),
		"unknown members": "{" + strings.Repeat(`"":0,`, n) + `"":0}`,
		"absent members":  "{" + strings.Repeat(`"imageIds":null,`, n) + `"":0}`,
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, readString(body, &ecr.DescribeImagesInput{}))
			cut := body[:len(body)-1]
			requireRefusal(t, readString(cut, &ecr.DescribeImagesInput{}), "SerializationException",
				"the body is not valid JSON: it ends too early")
		})
	}
}

func TestReadLimit(t *testing.T) {
	tooLong := func(t *testing.T, err error) {
		requireRefusal(t, err, "RequestEntityTooLargeException", "the body is longer than 33554432 bytes")
		status, body := WriteError(err)
		require.Equal(t, 413, status)
		require.Equal(t, `{"__type":"RequestEntityTooLargeException","message":"the body is longer than 33554432 bytes"}`, string(body))
	}
	spaces := func(n int) io.Reader {
		return io.MultiReader(strings.NewReader("{"), bytes.NewReader(bytes.Repeat([]byte(" "), n-2)), strings.NewReader("}"))
	}
	for name, in := range map[string]shape{"any input": &ecr.PutImageInput{}, "a part": &ecr.UploadLayerPartInput{}} {
		t.Run(name, func(t *testing.T) {
			tooLong(t, Read(iotest.ErrReader(errors.New("read")), MaxBody+1, in, nil))
			tooLong(t, Read(spaces(MaxBody+1), -1, in, nil))
			tooLong(t, Read(spaces(MaxBody+1), 10, in, nil))
			require.NoError(t, Read(spaces(MaxBody), MaxBody, in, nil))
			require.NoError(t, Read(spaces(MaxBody), -1, in, nil))

			endless := &counter{}
			tooLong(t, Read(endless, -1, in, nil))
			require.LessOrEqual(t, endless.read, MaxBody+1)
		})
	}
}

// A counter is a body without end that notes how much of it was read.
type counter struct{ read int }

func (c *counter) Read(p []byte) (int, error) {
	c.read += len(p)
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestReadUnreadable(t *testing.T) {
	broken := io.MultiReader(strings.NewReader(`{"layerPartBlob":"YWJj`), iotest.ErrReader(io.ErrUnexpectedEOF))
	for _, in := range []shape{&ecr.UploadLayerPartInput{}, &ecr.PutImageInput{}} {
		requireRefusal(t, Read(broken, 1000, in, nil), "SerializationException", "the body cannot be read: unexpected EOF")
	}
}

func FuzzRead(f *testing.F) {
	for name, snapshot := range snapshots(f, "request_snapshot/*.request.snap", 62) {
		_, body := requestBody(f, snapshot)
		f.Add(name, []byte(body))
	}
	f.Add("PutImage", []byte(`{"imageManifest":"{\"a\":1}\ud83d\ud83d\udc33é","x":[{"y":[-1.5e+3,true,false,null]},{}]}`))
	f.Add("DescribeImages", []byte(`{"imageIds":[{"imageTag":"a"},null,{}],"maxResults":1e3,"filter":{"tagStatus":5}}`))
	known := operations(f)

	f.Fuzz(func(t *testing.T, name string, body []byte) {
		nested := bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > 9999 // more than encoding/json takes
		isObject := json.Valid(body) && bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) && bytes.Equal(body, bytes.ToValidUTF8(body, nil))
		err := Read(bytes.NewReader(body), int64(len(body)), &ecr.DescribeRegistryInput{}, nil) // has no member
		if len(body) > 0 && !nested {
			require.Equal(t, isObject, err == nil, "%v", err)
		}

		op, ok := known[name]
		if !ok {
			return
		}
		in, again := op.input(), op.input()
		if err := Read(bytes.NewReader(body), int64(len(body)), in, nil); err != nil {
			var api smithy.APIError
			require.ErrorAs(t, err, &api)
			require.Equal(t, "SerializationException", api.ErrorCode())
			return
		}
		if len(body) > 0 && !nested {
			require.True(t, isObject)
		}
		require.NoError(t, readString(string(Write(in, nil)), again))
		require.Equal(t, in, again)
	})
}
