package report

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/scenarios"
)

// Call is a call of a timeline.
type Call struct {
	Number                int
	Time                  time.Time
	Operation, Repository string
	// About is a few words on what else the call was about.
	About string
	// Code is the error's, or what became of the reply; "" for a call that went well,
	// of which Failures says what failed of a batch.
	Code, Message, Failures string
	Rules                   []string
	// What the world does by itself has no face, no caller and no request id.
	Face, Caller, RequestID string
	Account, Region         string
	Bytes                   int64
	Digest                  string
	// Input and Output are there in full only.
	Full          bool
	Input, Output Text

	of *scenarios.Call
}

// Text is a text of which the end may be left out.
type Text struct {
	Text string
	// Left is how many bytes are left out.
	Left int
}

// NewCall is a call in a line.
func NewCall(c *scenarios.Call) Call {
	call := Call{
		Number: c.Number, Time: c.Time, Operation: c.Operation, Repository: printable(c.Repository), About: c.About(),
		Face: string(c.Face), Caller: c.Caller, RequestID: c.RequestID,
		Account: c.Account, Region: c.Region, Bytes: c.Bytes, Digest: c.Digest, of: c,
	}
	for _, rule := range c.Rules {
		call.Rules = append(call.Rules, printable(rule))
	}
	if c.Err == nil && c.Failed() {
		call.Failures = strings.TrimPrefix(c.Outcome(), "ok, ")
	}
	var api smithy.APIError
	switch {
	case errors.Is(c.Err, scenarios.ErrReplyLost):
		call.Code, call.Message = "no answer", c.Outcome()
	case errors.As(c.Err, &api):
		call.Code, call.Message = api.ErrorCode(), api.ErrorMessage()
	case c.Err != nil:
		call.Code, call.Message = "failed", c.Err.Error()
		for _, silence := range []error{scenarios.ErrConnectionRefused, scenarios.ErrConnectionReset, scenarios.ErrNoAnswer} {
			if errors.Is(c.Err, silence) {
				call.Code = "no answer"
			}
		}
	}
	call.Message = printable(call.Message)
	return call
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

// InFull is the call with its input and output, of each at most so many bytes.
func (c Call) InFull(most int) Call {
	c.Full = true
	c.Input = cut(document(c.of.Input), most)
	c.Output = cut(document(c.of.Output), most)
	return c
}

// cut leaves out the end of a text that is too long, from the beginning of a line.
func cut(text string, most int) Text {
	if len(text) <= most {
		return Text{Text: text}
	}
	end := most
	for end > 0 && text[end-1] != '\n' {
		end--
	}
	if end == 0 {
		end = most
	}
	return Text{text[:end], len(text) - end}
}

// document is a shape of the SDK's as JSON for people, with the service's names.
func document(shape any) string {
	text, err := json.Marshal(scenarios.Call{Output: shape})
	if err != nil {
		return err.Error()
	}
	var call struct{ Output json.RawMessage }
	if err := json.Unmarshal(text, &call); err != nil || call.Output == nil {
		return ""
	}
	return Pretty(string(call.Output))
}
