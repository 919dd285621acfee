package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/fakeecr/ecr/scenarios/internal/form"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	smithy "github.com/aws/smithy-go"
)

// silences are the outcomes that are no answer, in the words of the JSON form.
var silences = []struct {
	said string
	err  error
}{
	{"connection refused", ErrConnectionRefused},
	{"connection reset", ErrConnectionReset},
	{"no answer", ErrNoAnswer},
	{"reply lost", ErrReplyLost},
}

// ok is the outcome of a call in a sequence that is carried out.
const ok = "ok"

// answer is an error as the JSON form tells it: an API error has a code, an error
// without a type a message only, and a bare HTTP answer a status and no code.
type answer struct {
	code, message, fault *string
	members              []exceptionMember
	status               *int
	header               http.Header
	body                 *string
}

// answers is the object of an answer.
func answers() form.Object[answer] {
	return form.Object[answer]{Members: []form.Property[answer]{
		form.Member("code", "The code of an API error, such as ThrottlingException. One of ECR's exceptions is the SDK's type.", form.Text,
			func(a answer) (string, bool) { return got(a.code) }, func(a answer, s string) answer { a.code = &s; return a }),
		form.Member("message", "The text of the error. Without a code, the error has no type and is an InternalFailure with status 500.", form.Text,
			func(a answer) (string, bool) { return got(a.message) }, func(a answer, s string) answer { a.message = &s; return a }),
		form.Member("fault", "Whose fault an API error is that is not the SDK's type: the client's, status 400, if it does not say.", form.OneOf("client", "server", "unknown"),
			func(a answer) (string, bool) { return got(a.fault) }, func(a answer, s string) answer { a.fault = &s; return a }),
		form.Member("members", "The other members of an exception, such as kmsError of KmsException.", exceptionMembers(),
			func(a answer) ([]exceptionMember, bool) { return a.members, a.members != nil }, func(a answer, m []exceptionMember) answer { a.members = m; return a }),
		form.Member("status", "The HTTP status of the error or, without code and message, of an answer in the service's place.", form.Between(200, 599),
			func(a answer) (int, bool) { return got(a.status) }, func(a answer, n int) answer { a.status = &n; return a }),
		form.Member("headers", "The headers of an answer in the service's place, each a text or a list of them.", headers,
			func(a answer) (http.Header, bool) { return a.header, len(a.header) > 0 }, func(a answer, h http.Header) answer { a.header = h; return a }),
		form.Member("body", "The body of an answer in the service's place, sent as it is.", form.Text,
			func(a answer) (string, bool) { return got(a.body) }, func(a answer, s string) answer { a.body = &s; return a }),
	}}
}

func got[V any](p *V) (v V, is bool) {
	if p != nil {
		v = *p
	}
	return v, p != nil
}

// outcomes is the form of an error or, where a call may be carried out, of nil.
func outcomes(mayPass bool) form.Of[error] {
	var words []string
	if mayPass {
		words = append(words, ok)
	}
	for _, s := range silences {
		words = append(words, s.said)
	}
	said, answers := form.OneOf(words...), answers()
	return form.Of[error]{
		Schema: form.Ordered{{"oneOf", []form.Ordered{said.Schema, {{"$ref", "#/$defs/error"}}}}},
		Read: func(v form.Value) (error, error) {
			if v.Kind == "a text" {
				word, err := said.Read(v)
				return silence(word), err
			}
			if v.Kind != "an object" {
				return nil, v.Wrong("%s is neither an object nor one of %s", v.Kind, strings.Join(words, ", "))
			}
			a, err := answers.Read(answer{}, v)
			if err != nil {
				return nil, err
			}
			outcome, err := a.err()
			if err != nil {
				return nil, v.Wrong("%v", err)
			}
			return outcome, nil
		},
		Write: func(outcome error) (any, error) {
			if outcome == nil {
				return ok, nil
			}
			for _, s := range silences {
				if errors.Is(outcome, s.err) {
					return s.said, nil
				}
			}
			a, err := answerOf(outcome)
			if err != nil {
				return nil, err
			}
			return answers.Write(a)
		},
	}
}

func silence(word string) error {
	for _, s := range silences {
		if s.said == word {
			return s.err
		}
	}
	return nil
}

// err is the error that the answer tells.
func (a answer) err() (err error, mistake error) {
	code, coded := got(a.code)
	message, worded := got(a.message)
	_, modelled := exceptions()[code]
	switch {
	case (coded || worded) && (a.header != nil || a.body != nil):
		return nil, errors.New("headers and body are those of an answer with a status and without code and message")
	case a.members != nil && (!modelled || a.fault != nil):
		return nil, errors.New("members are those of one of ECR's exceptions, without a fault")
	case !coded && a.fault != nil:
		return nil, errors.New("a fault without a code")
	case coded && modelled && a.fault == nil:
		if err, mistake = exception(code, a.message, a.members); mistake != nil {
			return nil, mistake
		}
	case coded:
		err = &smithy.GenericAPIError{Code: code, Message: message, Fault: faultOf(a.fault)}
	case worded:
		err = errors.New(message)
	case a.status != nil:
		body, _ := got(a.body)
		return &Response{Status: *a.status, Header: a.header, Body: body}, nil
	default:
		return nil, errors.New("an error has a code, a message or a status")
	}
	if a.status != nil {
		if *a.status < 400 || *a.status > 599 {
			return nil, fmt.Errorf("an error has no status %d", *a.status)
		}
		err = &withStatus{err, *a.status}
	}
	return err, nil
}

func faultOf(said *string) smithy.ErrorFault {
	for _, fault := range []smithy.ErrorFault{smithy.FaultServer, smithy.FaultUnknown} {
		if said != nil && *said == fault.String() {
			return fault
		}
	}
	return smithy.FaultClient
}

// withStatus is an error with an HTTP status of its own.
type withStatus struct {
	error
	status int
}

func (w *withStatus) Unwrap() error       { return w.error }
func (w *withStatus) HTTPStatusCode() int { return w.status }

// answerOf tells an error as the caller gets it.
func answerOf(err error) (a answer, mistake error) {
	var response *Response
	if errors.As(err, &response) {
		a.status, a.header = &response.Status, response.Header
		if response.Body != "" {
			a.body = &response.Body
		}
		return a, nil
	}
	var own interface{ HTTPStatusCode() int }
	if errors.As(err, &own) {
		if status := own.HTTPStatusCode(); status >= 400 && status < 600 {
			a.status = &status
		}
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		text := err.Error()
		a.message = &text
		return a, nil
	}
	code := api.ErrorCode()
	a.code = &code
	model, modelled := exceptions()[code]
	if modelled && model == reflect.TypeOf(api) {
		a.message, a.members = membersOf(api)
		return a, nil
	}
	for _, model := range exceptions() {
		if model == reflect.TypeOf(api) {
			return a, fmt.Errorf("%T with the code %q has no JSON", api, code)
		}
	}
	if text := api.ErrorMessage(); text != "" {
		a.message = &text
	}
	if fault := api.ErrorFault(); modelled || fault != smithy.FaultClient {
		said := fault.String()
		a.fault = &said
	}
	return a, nil
}

// exceptions are the SDK's types of ECR's exceptions, by their codes.
var exceptions = sync.OnceValue(func() map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for _, entry := range ecr.TypeRegistry.Entries {
		empty := entry.New()
		if err, is := empty.(smithy.APIError); is {
			all[err.ErrorCode()] = reflect.TypeOf(empty)
		}
	}
	return all
})

// exceptionMember is a member of an exception besides its message, with a pointer
// to its value.
type exceptionMember struct {
	name  string
	value any
}

// fieldsOf calls f with the members of an exception's type that are its own.
func fieldsOf(model reflect.Type, f func(name string, field reflect.StructField)) {
	for _, field := range reflect.VisibleFields(model.Elem()) {
		if field.IsExported() && field.Name != "Message" && field.Name != "ErrorCodeOverride" {
			f(lower(field.Name), field)
		}
	}
}

// lower is a Go name as the service writes it.
func lower(name string) string {
	letters := []rune(name)
	letters[0] = unicode.ToLower(letters[0])
	return string(letters)
}

// exception is one of ECR's with its members.
func exception(code string, message *string, members []exceptionMember) (error, error) {
	model := exceptions()[code]
	err := reflect.New(model.Elem())
	if message != nil {
		err.Elem().FieldByName("Message").Set(reflect.ValueOf(message))
	}
	for _, m := range members {
		set := false
		fieldsOf(model, func(name string, field reflect.StructField) {
			if name == m.name && field.Type == reflect.TypeOf(m.value) {
				err.Elem().FieldByIndex(field.Index).Set(reflect.ValueOf(m.value))
				set = true
			}
		})
		if !set {
			return nil, fmt.Errorf("%s has no member %q", code, m.name)
		}
	}
	return err.Interface().(error), nil
}

func membersOf(err smithy.APIError) (message *string, members []exceptionMember) {
	v := reflect.ValueOf(err).Elem()
	fieldsOf(reflect.TypeOf(err), func(name string, field reflect.StructField) {
		if set := v.FieldByIndex(field.Index); !set.IsNil() {
			members = append(members, exceptionMember{name, set.Interface()})
		}
	})
	return v.FieldByName("Message").Interface().(*string), members
}

// exceptionMembers is the form of the members of any exception.
func exceptionMembers() form.Of[[]exceptionMember] {
	known := map[string]form.Property[[]exceptionMember]{}
	for _, model := range exceptions() {
		fieldsOf(model, func(name string, field reflect.StructField) {
			says := "A member of " + model.Elem().Name() + "."
			if field.Type == reflect.TypeFor[*int64]() {
				known[name] = exceptionMemberOf(name, says, form.Whole[int64](0))
			} else {
				known[name] = exceptionMemberOf(name, says, form.Text)
			}
		})
	}
	all := form.Object[[]exceptionMember]{}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		all.Members = append(all.Members, known[name])
	}
	return all.Form(func() []exceptionMember { return []exceptionMember{} })
}

func exceptionMemberOf[V any](name, says string, f form.Of[V]) form.Property[[]exceptionMember] {
	return form.Member(name, says, f,
		func(all []exceptionMember) (v V, is bool) {
			for _, m := range all {
				if m.name == name {
					return *m.value.(*V), true
				}
			}
			return v, false
		},
		func(all []exceptionMember, v V) []exceptionMember {
			return append(all, exceptionMember{name, &v})
		})
}

// headers is an object of texts, or of lists of them.
var headers = form.Of[http.Header]{
	Schema: form.Ordered{{"type", "object"}, {"additionalProperties", form.OneOrMore(form.Text).Schema}},
	Read: func(v form.Value) (http.Header, error) {
		if err := v.Is("an object"); err != nil {
			return nil, err
		}
		header := http.Header{}
		for i, key := range v.Keys {
			name := http.CanonicalHeaderKey(key.Text)
			if header[name] != nil {
				return nil, key.Wrong("the header %s stands here twice", name)
			}
			values, err := form.OneOrMore(form.Text).Read(v.Items[i])
			if err != nil {
				return nil, err
			}
			header[name] = values
		}
		return header, nil
	},
	Write: func(header http.Header) (any, error) {
		written := form.Ordered{}
		for _, name := range slices.Sorted(maps.Keys(header)) {
			if len(header[name]) == 0 {
				continue
			}
			values, err := form.OneOrMore(form.Text).Write(header[name])
			if err != nil {
				return nil, err
			}
			written = append(written, form.Pair{http.CanonicalHeaderKey(name), values})
		}
		return written, nil
	},
}

// someRefused is the form of a sequence, of which one call at least is not carried
// out.
func someRefused(f form.Of[[]error]) form.Of[[]error] {
	read := f.Read
	f.Schema = append(slices.Clip(f.Schema), form.Pair{"contains", form.Ordered{{"not", form.Ordered{{"const", ok}}}}})
	f.Read = func(v form.Value) ([]error, error) {
		outcomes, err := read(v)
		if err == nil && !slices.ContainsFunc(outcomes, func(outcome error) bool { return outcome != nil }) {
			err = v.Wrong("every call is carried out")
		}
		return outcomes, err
	}
	return f
}
