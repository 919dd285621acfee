// Package sts is what is answered of STS, by the query protocol that all of its clients
// speak: https://docs.aws.amazon.com/STS/latest/APIReference/CommonParameters.html.
package sts

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"reflect"
	"strconv"

	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/api"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// Name is that of STS in signatures.
const Name = "sts"

// version is that of STS's API, which tells it from other services by the same protocol.
const version = "2011-06-15"

// Asked is what a request asks STS for, nil for a request that is not for STS or for
// something that is not answered of it. Signed names the service of its signature, or
// is empty.
func Asked(req *http.Request, signed string) (action string, asked url.Values) {
	if signed != "" && signed != Name || req.URL.Path != api.Path {
		return "", nil
	}
	asked = api.Queried(req)
	switch action = asked.Get("Action"); action {
	case scenarios.GetCallerIdentity, scenarios.AssumeRole, scenarios.AssumeRoleWithWebIdentity:
		if signed == Name || asked.Get("Version") == version {
			return action, asked
		}
	}
	return "", nil
}

// Serve answers a request of STS; an error means that there is no answer.
func Serve(s *stage.Stage, req *exchange.Request, action string, asked url.Values) (*exchange.Answer, error) {
	op := stage.Identity[action]
	caller := req.Caller
	if op.Unsigned {
		caller.ARN, caller.Session = "", "" // nobody's
	}
	call := s.NewCall(action, caller, req.Face)
	input := op.NewInput()
	if call.Unreadable = read(asked, input); call.Unreadable == nil {
		call.Input = input
	}
	if token := asked["WebIdentityToken"]; token != nil {
		call.Tx.WebIdentityToken = &token[0]
	}
	if err := req.Authenticate(); err != nil && !op.Unsigned {
		call.Unauthenticated = bySTS(err)
	}
	out, err := s.Identify(req.Context(), call)
	if stage.Unanswered(req.Context(), err) {
		s.Lose(call)
		return nil, err
	}
	return answer(call, out, err).On(s, req.Request, call), nil
}

// read fills an input with the parameters that have the names of its fields.
func read(asked url.Values, input any) error {
	in := reflect.ValueOf(input).Elem()
	for i := range in.NumField() {
		given := asked[in.Type().Field(i).Name]
		if given == nil {
			continue
		}
		switch member := in.Field(i).Addr().Interface().(type) {
		case **string:
			*member = &given[0]
		case **int32:
			n, err := strconv.ParseInt(given[0], 10, 32)
			if err != nil {
				return &smithy.GenericAPIError{Code: "MalformedInput", Message: in.Type().Field(i).Name + " is no integer: " + given[0], Fault: smithy.FaultClient}
			}
			whole := int32(n)
			*member = &whole
		}
	}
	return nil
}

// answer is the answer to a call.
func answer(call *dispatch.Call, out any, err error) *exchange.Answer {
	if bare, is := exchange.Bare(err); is {
		return bare
	}
	if err != nil {
		return refusal(call.Record.RequestID, err)
	}
	return write(http.StatusOK, call.Record.RequestID, call.Name+"Response", func(e *xml.Encoder) error {
		if err := e.EncodeElement(out, element(call.Name+"Result")); err != nil {
			return err
		}
		return e.EncodeElement(struct{ RequestId string }{call.Record.RequestID}, element("ResponseMetadata"))
	})
}

func element(name string) xml.StartElement { return xml.StartElement{Name: xml.Name{Local: name}} }

// write makes a document of STS's.
func write(status int, requestID, root string, content func(*xml.Encoder) error) *exchange.Answer {
	var text bytes.Buffer
	encoder := xml.NewEncoder(&text)
	whole := element(root)
	whole.Attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: "https://sts.amazonaws.com/doc/" + version + "/"}}
	encoder.EncodeToken(whole) // a buffer takes everything
	if err := content(encoder); err != nil {
		return refusal(requestID, err)
	}
	encoder.EncodeToken(whole.End())
	encoder.Flush()
	answer := exchange.New(status, "text/xml", text.Bytes())
	answer.Header.Set(api.RequestIDHeader, requestID)
	return answer
}
