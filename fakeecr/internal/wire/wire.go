// Package wire is AWS JSON 1.1 as a server of ECR speaks it: it reads request bodies into the SDK's inputs and
// writes the SDK's outputs and errors as response bodies.
//
// What members a shape has, and what they are called on the wire, comes from the SDK's schemas; nothing is written
// per operation, the bytes of UploadLayerPart excepted. The decoder is not the SDK's: that one serves a client, who
// trusts his server. It takes garbage after the body and bytes that are not UTF-8, and it recurses for each member
// that it does not know, so that 32 MiB of such members end the process.
package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"
)

const (
	// ContentType is the media type of every request and every response.
	ContentType = "application/x-amz-json-1.1"

	// TargetPrefix stands before the operation's name in the X-Amz-Target header.
	TargetPrefix = "AmazonEC2ContainerRegistry_V20150921."

	// MaxBody is the size in bytes of the largest request body that is read. The largest layer part that the service
	// model allows, 20,971,520 bytes, is 28 MB of base64; the largest manifest is 4,194,304 characters, which may be
	// escaped up to six times their size.
	MaxBody = 32 << 20
)

// Read decodes a request body into in, which points to a zero input of the SDK. The content length is -1 where it is
// unknown.
//
// An empty body is {}, a member that is null is absent, a member that the shape does not have is ignored, and an empty
// list is empty, not nil. Numbers, strings and booleans are never converted, a list holds no null, and an integer has
// neither fraction nor exponent. Of a member that comes twice the last one wins.
//
// The errors are of type [smithy.APIError]: SerializationException where the body is not what the shape demands, and
// RequestEntityTooLargeException, with HTTP status 413, where it is longer than [MaxBody]. After an error the content
// of in is undefined.
//
// An overlay of the input, nil where there is none, is read from the same body: see package overlay.
func Read(body io.Reader, contentLength int64, in smithy.Serializable, over any) error {
	if contentLength > MaxBody {
		return tooLarge()
	}
	body = http.MaxBytesReader(nil, io.NopCloser(body), MaxBody)
	if part, ok := in.(*ecr.UploadLayerPartInput); ok && contentLength > 0 {
		return readPart(body, contentLength, make([]byte, min(contentLength, chunkSize)), part)
	}
	return readAll(body, contentLength, in, over)
}

// readAll reads the whole body, about size bytes, and decodes it.
func readAll(body io.Reader, size int64, in, over any) error {
	var text bytes.Buffer
	text.Grow(int(max(size, 0)) + bytes.MinRead)
	if _, err := text.ReadFrom(body); err != nil {
		return Unreadable(err)
	}
	if text.Len() == 0 {
		return nil
	}
	err := decode(text.Bytes(), in)
	if err == nil && over != nil {
		err = decode(text.Bytes(), over)
	}
	if err != nil {
		return malformed(err.Error())
	}
	return nil
}

func malformed(message string) error {
	return &smithy.GenericAPIError{Code: "SerializationException", Message: message, Fault: smithy.FaultClient}
}

// Unreadable is the answer to a body that could not be read to its end.
func Unreadable(err error) error {
	if limit := (*http.MaxBytesError)(nil); errors.As(err, &limit) {
		return tooLarge()
	}
	return malformed(fmt.Sprintf("the body cannot be read: %v", err))
}

type tooLargeError struct{ smithy.GenericAPIError }

func (*tooLargeError) HTTPStatusCode() int { return http.StatusRequestEntityTooLarge }

func tooLarge() error {
	return &tooLargeError{smithy.GenericAPIError{
		Code:    "RequestEntityTooLargeException",
		Message: fmt.Sprintf("the body is longer than %d bytes", MaxBody),
		Fault:   smithy.FaultClient,
	}}
}
