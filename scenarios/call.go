package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
)

// Call is one attempt at an operation: what rules match, and what a trace
// keeps. A client that retries makes several calls. What the world does by itself
// is a call too (see [World]), without a caller, a face or a request id.
type Call struct {
	// Number counts the calls of a world from 1.
	Number    int
	Operation string
	// Account and Region name the registry that was called.
	Account, Region string
	// Repository is empty where the operation names none.
	Repository string
	RequestID  string
	// Time is the world's clock when the call arrived; for what the world does by
	// itself, when it was due.
	Time time.Time
	// Input is the operation's input (*ecr.PutImageInput for PutImage,
	// *CompleteScanInput for [CompleteScan]) without the bytes of a layer part; nil
	// if the request could not be read.
	Input any
	// Output is what the caller was given, nil beside an error. It is the
	// caller's own value: read it, do not change it. The oldest outputs become nil
	// when all of them together list more than 10,000 items.
	Output any
	// Err is what the caller was refused with, or, where only the reply was
	// lost, [ErrReplyLost] beside the Output that it never saw.
	Err error
	// Bytes counts the layer bytes that the call carried, and Digest is the
	// SHA-256 of the layer up to and with them.
	Bytes  int64
	Digest string
	// Rules names the rules that played on this call, in order.
	Rules []string
	// Caller is the ARN of the principal that called, and Face how the call came in.
	Caller string
	Face   Face

	// state is that of the playing whose rule looks at the call.
	state string
}

// String is the call in one line, as a failed test prints it.
func (c Call) String() string {
	var line strings.Builder
	fmt.Fprintf(&line, "%4d %s %s", c.Number, c.Time.Format("15:04:05.000"), c.Operation)
	for _, word := range []string{few(&c.Repository), c.About()} {
		if word != "" {
			line.WriteString(" " + word)
		}
	}
	if c.Bytes > 0 {
		fmt.Fprintf(&line, " (%d bytes)", c.Bytes)
	}
	switch {
	case c.Err != nil:
		line.WriteString(" -> " + message(c.Err))
	default:
		line.WriteString(" -> ok")
	}
	if run, ok := c.Output.(*RunLifecyclePolicyOutput); ok && len(run.Images) > 0 {
		line.WriteString(", " + run.String())
	}
	if len(c.Rules) > 0 {
		line.WriteString(" [" + strings.Join(c.Rules, "; ") + "]")
	}
	return line.String()
}

// short is an error in a word or two.
func short(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return err.Error()
}

// message leaves out what the client's chain of errors repeats on each line.
func message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return err.Error()
}

// About is what the call was about besides its repository, in a few words: a tag, a
// digest, a range of bytes.
func (c Call) About() string {
	switch in := c.Input.(type) {
	case *ecr.PutImageInput:
		return few(in.ImageTag)
	case *ecr.BatchGetImageInput:
		return few(ids(in.ImageIds)...)
	case *ecr.BatchDeleteImageInput:
		return few(ids(in.ImageIds)...)
	case *ecr.DescribeImagesInput:
		return few(ids(in.ImageIds)...)
	case *ecr.UploadLayerPartInput:
		if in.PartFirstByte != nil && in.PartLastByte != nil {
			return fmt.Sprintf("%d-%d", *in.PartFirstByte, *in.PartLastByte)
		}
	case *ecr.CompleteLayerUploadInput:
		return few(pointers(in.LayerDigests)...)
	case *ecr.BatchCheckLayerAvailabilityInput:
		return few(pointers(in.LayerDigests)...)
	case *ecr.GetDownloadUrlForLayerInput:
		return few(in.LayerDigest)
	case *DownloadLayerInput:
		return few(in.LayerDigest, in.Range)
	case *DeleteLayerInput:
		return few(in.LayerDigest)
	case *MountLayerInput:
		from := "from " + *in.SourceRepositoryName
		return few(in.LayerDigest, &from)
	}
	return c.aboutWorld()
}

// What a line shows of a list, and of one word of it.
const (
	fewWords   = 3
	wordLength = 80
)

func few(words ...*string) string {
	var shown []string
	for i, word := range words {
		if i == fewWords {
			return fmt.Sprintf("%s and %d more", strings.Join(shown, " "), len(words)-fewWords)
		}
		if word == nil {
			continue
		}
		if len(*word) > wordLength {
			shown = append(shown, (*word)[:wordLength]+"...")
			continue
		}
		shown = append(shown, *word)
	}
	return strings.Join(shown, " ")
}

func pointers(list []string) []*string {
	words := make([]*string, len(list))
	for i := range list {
		words[i] = &list[i]
	}
	return words
}

func ids(list []types.ImageIdentifier) []*string {
	words := make([]*string, len(list))
	for i, id := range list {
		switch {
		case id.ImageTag != nil && id.ImageDigest != nil:
			both := *id.ImageTag + "@" + *id.ImageDigest
			words[i] = &both
		case id.ImageTag != nil:
			words[i] = id.ImageTag
		default:
			words[i] = id.ImageDigest
		}
	}
	return words
}
