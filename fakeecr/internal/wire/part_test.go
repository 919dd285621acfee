package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// sequence returns n bytes of which no stretch repeats soon.
func sequence(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i/251)
	}
	return b
}

func TestReadPart(t *testing.T) {
	sizes := []int{0, 1, 2, 3, 4, 5, 1 << 20}
	for n := range 12 {
		sizes = append(sizes, chunkSize/4*3-n, chunkSize/2*3-n) // the string ends about where a chunk does
	}
	forms := map[string]string{
		"first":        `{"layerPartBlob":"%s","partFirstByte":0,"partLastByte":9,"repositoryName":"a","uploadId":"u"}`,
		"last":         `{"partFirstByte":0,"partLastByte":9,"repositoryName":"a","uploadId":"u","layerPartBlob":"%s"}`,
		"between":      "{ \"partFirstByte\" : 0, \"partLastByte\" : 9, \"layerPartBlob\" :\n\"%s\"\r, \"repositoryName\":\"a\", \"uploadId\":\"u\" }",
		"after itself": `{"layerPartBlob":"YQ==","layerPartBlob":"%s","layerPartBlob":null,"partFirstByte":0,"partLastByte":9,"repositoryName":"a","uploadId":"u"}`,
		"not it": `{"x":{"layerPartBlob":"YQ=="},"x\"layerPartBlob":"YQ==","layerPartBlob":null,"layerPartBlob":"%s",` +
			`"partFirstByte":0,"partLastByte":9,"repositoryName":"a","uploadId":"u"}`,
		"far":     `{"x":"` + strings.Repeat("x", chunkSize) + `","layerPartBlob":"%s","partFirstByte":0,"partLastByte":9,"repositoryName":"a","uploadId":"u"}`,
		"escaped": `{"layerPart\u0042lob":"%s","partFirstByte":0,"partLastByte":9,"repositoryName":"a","uploadId":"u"}`,
	}
	for form, format := range forms {
		for _, size := range sizes {
			t.Run(fmt.Sprint(form, " ", size), func(t *testing.T) {
				want := &ecr.UploadLayerPartInput{
					LayerPartBlob: sequence(size),
					PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(9), RepositoryName: aws.String("a"), UploadId: aws.String("u"),
				}
				body := fmt.Sprintf(format, base64.StdEncoding.EncodeToString(want.LayerPartBlob))
				for _, length := range []int64{int64(len(body)), int64(len(body)) / 2, -1} {
					var in ecr.UploadLayerPartInput
					require.NoError(t, Read(iotest.HalfReader(strings.NewReader(body)), length, &in, nil))
					require.Equal(t, want, &in)
				}
			})
		}
	}
}

func TestReadPartAbsent(t *testing.T) {
	for _, body := range []string{
		`{"uploadId":"u"}`,
		`{"layerPartBlob":null,"uploadId":"u"}`,
		`{"x":{"layerPartBlob":"YQ=="},"uploadId":"u"}`,
		`{"x\"layerPartBlob":"YQ==","uploadId":"u"}`,
		`{"LayerPartBlob":"YQ==","uploadId":"u"}`,
		`{"x":"\"layerPartBlob\":\"YQ==\"","uploadId":"u"}`,
	} {
		var in ecr.UploadLayerPartInput
		require.NoError(t, readString(body, &in), body)
		require.Equal(t, ecr.UploadLayerPartInput{UploadId: aws.String("u")}, in, body)
	}
}

// The bytes stay with the input: memory is theirs and next to nothing beside it.
func TestReadPartMemory(t *testing.T) {
	part := sequence(5 << 20)
	body := Write(&ecr.UploadLayerPartInput{LayerPartBlob: part, RepositoryName: aws.String("a"), UploadId: aws.String("u")}, nil)
	var before, after runtime.MemStats
	var in ecr.UploadLayerPartInput
	runtime.ReadMemStats(&before)
	require.NoError(t, Read(bytes.NewReader(body), int64(len(body)), &in, nil))
	runtime.ReadMemStats(&after)
	require.Equal(t, part, in.LayerPartBlob)
	require.Less(t, cap(in.LayerPartBlob), len(part)+1024)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(len(part)+2*chunkSize))
}

// What is odd about a part is decoded, or refused, as if it were read at once.
func TestReadPartOdd(t *testing.T) {
	full := sequence(chunkSize * 3)
	long := base64.StdEncoding.EncodeToString(full)
	for _, head := range []string{"", long} {
		for tail, want := range map[string]string{
			`YWJj\/\/\/\/`:                "abc\xff\xff\xff",
			`\u0059WJj`:                   "abc",
			`YWJj","x":"\u0059`:           "abc",
			`YW\nJj`:                      "abc",
			`YQ==","x":"` + long:          "a",
			`YQ==","layerPartBlob":"Yg==`: "b",
		} {
			body := `{"layerPartBlob":"` + head + tail + `"}`
			var in ecr.UploadLayerPartInput
			require.NoError(t, readString(body, &in), body)
			if !strings.Contains(tail, "layerPartBlob") {
				want = string(full[:len(head)/4*3]) + want
			}
			require.Equal(t, want, string(in.LayerPartBlob), body)
		}
		for tail, message := range map[string]string{
			"YW\nJj\"}":               "unexpected '\\n' after ",
			"YWJj\n\n\n\n\"}":         "unexpected '\\n' after ",
			`YWJj`:                    "the body is not valid JSON: it ends too early",
			`YWJjY`:                   "the body is not valid JSON: it ends too early",
			`YWJj"`:                   "the body is not valid JSON: it ends too early",
			`YWJj"}}`:                 "the body is not valid JSON: unexpected '}' after ",
			`YWJj","uploadId":5}`:     "'uploadId' must be a string, not a number",
			`YWJj","x":"` + "\xff\"}": "the body is not valid JSON: it is not UTF-8",
			`YQ==YWJj"}`:              "'layerPartBlob' must be a base64 string: illegal base64 data",
			`YQ==` + long + `"}`:      "'layerPartBlob' must be a base64 string: illegal base64 data",
			`YQ="}`:                   "'layerPartBlob' must be a base64 string: illegal base64 data",
			`===="}`:                  "'layerPartBlob' must be a base64 string: illegal base64 data",
			`YWJ-"}`:                  "'layerPartBlob' must be a base64 string: illegal base64 data",
		} {
			body := `{"layerPartBlob":"` + head + tail
			var in ecr.UploadLayerPartInput
			var api smithy.APIError
			require.ErrorAs(t, readString(body, &in), &api, body)
			require.Equal(t, "SerializationException", api.ErrorCode())
			require.Contains(t, api.ErrorMessage(), message)
		}
	}
}

// FuzzReadPart holds that a part read as it arrives, in chunks of any size, is the part that is read at once.
func FuzzReadPart(f *testing.F) {
	f.Add([]byte(`{"layerPartBlob":"YWJjZGVm","partFirstByte":0,"partLastByte":5,"uploadId":"u"}`), uint8(24), uint8(0))
	f.Add([]byte(`{"partLastByte":1, "layerPartBlob": "YWJjZGVmYWJjZGVmYWI=", "layerPartBlob":"YQ=="}`), uint8(64), uint8(9))
	f.Add([]byte(`{"layerPartBlob":"YWJj\/\/\/\/YQ==\n\u0059"}`), uint8(20), uint8(1))
	f.Add([]byte("{\"layerPartBlob\":\"YWJj\nYWJjYWJjYQ==YWJj\"}"), uint8(20), uint8(0))
	f.Fuzz(func(t *testing.T, body []byte, chunk, short uint8) {
		if len(body) == 0 || chunk == 0 {
			return
		}
		var whole, part ecr.UploadLayerPartInput
		wantErr := Read(bytes.NewReader(body), -1, &whole, nil)
		size := max(1, len(body)-int(short)) // what the client says, which need not be true
		err := readPart(bytes.NewReader(body), int64(size), make([]byte, min(size, int(chunk))), &part)
		if wantErr != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, whole, part)
	})
}
