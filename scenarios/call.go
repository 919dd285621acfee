package scenarios

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	// Err is what the caller was refused with. Where the reply was lost it is
	// [ErrReplyLost], beside the Output that the caller never saw or with the refusal
	// in it: errors.As finds that too.
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
	// Actor is the name of who calls, "" without one; see fakeecr.Registry.Actor.
	Actor string
	// TokenIssued is when the token of a call to the registry endpoint was given out
	// by GetAuthorizationToken, zero for a call without one.
	TokenIssued time.Time

	// state is that of the playing whose rule looks at the call, and later are the
	// states that it last came to after the call's token was issued.
	state string
	later []string
	// failures are those of an output that is forgotten.
	failures []string
}

// String is the call in one line, as a failed test prints it. A word with what is no
// printable character stands there quoted, as Go quotes a text.
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
	if c.Actor != "" {
		line.WriteString(" as " + printable(c.Actor))
	}
	line.WriteString(" -> " + printable(c.Outcome()))
	if len(c.Rules) > 0 {
		rules := make([]string, len(c.Rules))
		for i, rule := range c.Rules {
			rules[i] = printable(rule)
		}
		line.WriteString(" [" + strings.Join(rules, "; ") + "]")
	}
	return line.String()
}

// Outcome is what the call came to, in words: ok, with what failed of a batch; the
// error; that the reply was lost, and of what.
func (c Call) Outcome() string {
	done := "ok"
	if failures := c.Failures(); len(failures) > 0 {
		done += ", " + failuresInWords(failures)
	}
	if run, ok := c.Output.(*RunLifecyclePolicyOutput); ok && len(run.Images) > 0 {
		done += ", " + run.String()
	}
	switch {
	case c.Err == nil:
		return done
	case errors.Is(c.Err, ErrReplyLost) && done != "ok":
		return c.Err.Error() + ": it was " + done
	default:
		return message(c.Err)
	}
}

// Failed tells whether the call was refused, its reply was lost or, of a batch, an
// item failed.
func (c Call) Failed() bool { return c.Err != nil || len(c.Failures()) > 0 }

// Failures are the codes of those items of a batch that failed, in the order of the
// output.
func (c Call) Failures() []string {
	if out := reflect.ValueOf(c.Output); out.Kind() != reflect.Pointer || out.IsNil() {
		return c.failures
	}
	ofImage := func(f types.ImageFailure) types.ImageFailureCode { return f.FailureCode }
	switch out := c.Output.(type) {
	case *ecr.BatchCheckLayerAvailabilityOutput:
		return codes(out.Failures, func(f types.LayerFailure) types.LayerFailureCode { return f.FailureCode })
	case *ecr.BatchDeleteImageOutput:
		return codes(out.Failures, ofImage)
	case *ecr.BatchGetImageOutput:
		return codes(out.Failures, ofImage)
	case *ecr.BatchGetRepositoryScanningConfigurationOutput:
		return codes(out.Failures, func(f types.RepositoryScanningConfigurationFailure) types.ScanningConfigurationFailureCode {
			return f.FailureCode
		})
	}
	return nil
}

func codes[Failure any, Code ~string](failures []Failure, of func(Failure) Code) (codes []string) {
	for _, failure := range failures {
		codes = append(codes, string(of(failure)))
	}
	return codes
}

// Forget lets go of the output. What failed of a batch is still known.
func (c *Call) Forget() { c.failures, c.Output = c.Failures(), nil }

func failuresInWords(codes []string) string {
	different := slices.Compact(slices.Sorted(slices.Values(codes)))
	words := strings.Join(different, ", ")
	if len(codes) == 1 {
		return "1 failure: " + words
	}
	return fmt.Sprintf("%d failures: %s", len(codes), words)
}

// printable is a text as it can stand in a line: quoted, if there is anything in it
// that is no printable character.
func printable(text string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, odd) {
		return text
	}
	return strconv.Quote(text)
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
	if errors.As(err, &api) && !errors.Is(err, ErrReplyLost) {
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
	case *AssumeRoleInput:
		return few(in.RoleArn, in.RoleSessionName)
	case *AssumeRoleWithWebIdentityInput:
		return few(in.RoleArn, in.RoleSessionName)
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
			end := wordLength
			for end > 0 && !utf8.RuneStart((*word)[end]) {
				end--
			}
			shown = append(shown, printable((*word)[:end])+"...")
			continue
		}
		shown = append(shown, printable(*word))
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
