package scenarios

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	smithy "github.com/aws/smithy-go"
)

// GoString is the scenario in Go, as %#v prints it, to be kept in a test. A function of
// a rule, which has no text, stands there as func.
func (s Scenario) GoString() string {
	lines := []string{"scenarios.Scenario{"}
	for _, r := range s {
		lines = append(lines, "\t"+r.GoString()+",")
	}
	text := strings.Join(append(lines, "}"), "\n")
	if len(s) > 0 && s[0] != nil && s[0].budget != nil {
		text += fmt.Sprintf(".Within(%d)", s[0].budget.Most)
	}
	return text
}

// GoString is the rule in Go, as it was written or could have been.
func (r *Rule) GoString() string {
	if r == nil {
		return "nil"
	}
	w := &goWriter{}
	names := append([]string{""}, r.named...) // a rule without an operation is a mistake
	if len(r.named) > 0 {
		names = r.named
	}
	on := []string{fmt.Sprintf("%q", names[0])}
	for _, c := range r.conditions {
		on = append(on, c.GoString())
	}
	fmt.Fprintf(w, "scenarios.On(%s)", strings.Join(on, ", "))
	for _, name := range names[1:] {
		w.call("Or", fmt.Sprintf("%q", name))
	}
	w.turn(r.turn)
	w.before(r.effects)
	w.behind(r.effects)
	if r.effects.Then != nil {
		w.call("Then", fmt.Sprintf("%q", *r.effects.Then))
	}
	if r.name != "" {
		w.call("Named", fmt.Sprintf("%q", r.name))
	}
	if r.optional {
		w.call("Optional")
	}
	return w.String()
}

// GoString is the condition in Go.
func (c Condition) GoString() string {
	switch c.kind {
	case "":
		return "scenarios.WhenCall(func)"
	case "failed":
		return "scenarios.Failed()"
	case "face":
		return fmt.Sprintf("scenarios.Through(%q)", c.value)
	}
	return fmt.Sprintf("scenarios.%s(%q)", strings.ToUpper(c.kind[:1])+c.kind[1:], c.value)
}

// goWriter writes a chain of methods.
type goWriter struct{ strings.Builder }

func (w *goWriter) call(method string, arguments ...string) {
	fmt.Fprintf(w, ".%s(%s)", method, strings.Join(arguments, ", "))
}

// number calls a method with a number that is set.
func (w *goWriter) number(method string, n int) {
	if n != 0 {
		w.call(method, fmt.Sprint(n))
	}
}

func (w *goWriter) duration(method string, d time.Duration) {
	if d != 0 {
		w.call(method, goDuration(d))
	}
}

func (w *goWriter) turn(t Turn) {
	w.number("After", t.After)
	w.number("First", t.First)
	w.number("Nth", t.Nth)
	w.number("Every", t.Every)
	if t.From != 0 || t.To != 0 {
		w.call("Between", goDuration(t.From), goDuration(t.To))
	}
	w.duration("For", t.For)
	if t.Chance != 0 {
		w.call("Sometimes", fmt.Sprint(t.Chance))
	}
}

// flag calls a method that takes nothing.
func (w *goWriter) flag(is bool, method string, arguments ...string) {
	if is {
		w.call(method, arguments...)
	}
}

// offset calls a method with a number that may be 0.
func (w *goWriter) offset(n *int64, method string) {
	if n != nil {
		w.call(method, fmt.Sprint(*n))
	}
}

// before writes what comes before the operation and in its place.
func (w *goWriter) before(e Effects) {
	w.duration("Delay", e.Delay)
	w.flag(e.Hold, "Hold")
	w.number("Together", e.Together)
	if e.Rate != nil {
		w.call("AtMost", fmt.Sprint(e.Rate.PerSecond), fmt.Sprint(e.Rate.Burst))
	}
	w.flag(e.Hook != nil, "Ask", "func")
	if e.Err != nil {
		w.call("Fail", goError(e.Err))
	}
	if e.Sequence != nil {
		outcomes := make([]string, len(e.Sequence))
		for i, err := range e.Sequence {
			outcomes[i] = goError(err)
		}
		w.call("Sequence", outcomes...)
	}
	w.duration("NotThereFor", e.NotThereFor)
	if e.Answer != nil {
		w.call("Answer", goShape(reflect.ValueOf(e.Answer)))
	}
	if stale := e.Stale; stale != nil {
		w.duration("Stale", stale.Age)
		w.number("StaleBy", stale.Writes)
		w.flag(*stale == Stale{}, "Frozen")
	}
	w.offset(e.Garble, "Garble")
	w.flag(e.Twice, "Twice")
	w.flag(e.around != nil, "With", "scenarios.Around(func)")
}

// behind writes what becomes of the answer.
func (w *goWriter) behind(e Effects) {
	if e.Item != nil {
		w.call("FailItem", fmt.Sprint(e.Item.Nth), fmt.Sprintf("%q", e.Item.Code), fmt.Sprintf("%q", e.Item.Reason))
	}
	if e.Page != nil {
		w.number("ShortPage", *e.Page)
		w.flag(*e.Page == 0, "EmptyPage")
	}
	w.flag(e.change != nil, "With", "scenarios.Change(func)")
	w.flag(e.Reserialise, "Reserialise")
	w.offset(e.Flip, "Flip")
	w.offset(e.Keep, "Keep")
	w.duration("Stall", e.Reply.Wait)
	w.number("Trickle", int(e.Reply.BytesPerSecond))
	if cut := e.Reply.Cut; cut != nil && e.Reply.Reset {
		w.offset(cut, "ResetAfter")
	} else {
		w.offset(cut, "CutAfter")
	}
	w.flag(e.Reply.Lost, "Drop")
}

// goDuration is a duration in the largest unit that it is a whole number of.
func goDuration(d time.Duration) string {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"time.Hour", time.Hour}, {"time.Minute", time.Minute}, {"time.Second", time.Second}, {"time.Millisecond", time.Millisecond}} {
		if d != 0 && d%unit.of == 0 {
			if n := d / unit.of; n != 1 {
				return fmt.Sprintf("%d*%s", n, unit.name)
			}
			return unit.name
		}
	}
	return fmt.Sprint(int64(d))
}

// goError is an outcome in Go.
func goError(err error) string {
	for _, silence := range []struct {
		name string
		err  error
	}{
		{"ErrConnectionRefused", ErrConnectionRefused}, {"ErrConnectionReset", ErrConnectionReset},
		{"ErrNoAnswer", ErrNoAnswer}, {"ErrReplyLost", ErrReplyLost},
	} {
		if errors.Is(err, silence.err) {
			return "scenarios." + silence.name
		}
	}
	var response *Response
	var generic *smithy.GenericAPIError
	switch {
	case err == nil:
		return "nil"
	case reflect.DeepEqual(err, Throttled()):
		return "scenarios.Throttled()"
	case errors.As(err, &response):
		return goResponse(response)
	case errors.As(err, &generic):
		return fmt.Sprintf("&smithy.GenericAPIError{Code: %q, Message: %q, Fault: %d}", generic.Code, generic.Message, generic.Fault)
	}
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.Type().Implements(reflect.TypeFor[smithy.APIError]()) {
		return goException(v.Elem())
	}
	return fmt.Sprintf("errors.New(%q)", err.Error())
}

func goResponse(r *Response) string {
	text := fmt.Sprintf("&scenarios.Response{Status: %d", r.Status)
	if len(r.Header) > 0 {
		text += fmt.Sprintf(", Header: http.Header(%#v)", map[string][]string(r.Header))
	}
	if r.Body != "" {
		text += fmt.Sprintf(", Body: %q", r.Body)
	}
	return text + "}"
}

// goException is one of the SDK's exceptions.
func goException(v reflect.Value) string {
	var members []string
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		if !field.IsExported() || value.Kind() != reflect.Pointer || value.IsNil() {
			continue
		}
		switch set := value.Elem().Interface().(type) {
		case string:
			members = append(members, fmt.Sprintf("%s: aws.String(%q)", field.Name, set))
		case int64:
			members = append(members, fmt.Sprintf("%s: aws.Int64(%d)", field.Name, set))
		}
	}
	return fmt.Sprintf("&types.%s{%s}", v.Type().Name(), strings.Join(members, ", "))
}

// goShape is one of the SDK's shapes in Go.
func goShape(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		switch to := v.Elem(); to.Kind() {
		case reflect.Struct:
			if to.Type() == reflect.TypeFor[time.Time]() {
				return "aws.Time(" + goShape(to) + ")"
			}
			return "&" + goShape(to)
		default:
			name := to.Kind().String()
			return fmt.Sprintf("aws.%s(%s)", strings.ToUpper(name[:1])+name[1:], goShape(to))
		}
	case reflect.Struct:
		if at, is := v.Interface().(time.Time); is {
			return fmt.Sprintf("time.UnixMilli(%d).UTC()", at.UnixMilli())
		}
		var members []string
		for _, field := range shapeMembers(v.Type()) {
			if member := v.FieldByIndex(field.Index); !member.IsZero() {
				members = append(members, field.Name+": "+goShape(member))
			}
		}
		return fmt.Sprintf("%v{%s}", v.Type(), strings.Join(members, ", "))
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = goShape(v.Index(i))
		}
		return fmt.Sprintf("%v{%s}", v.Type(), strings.Join(items, ", "))
	default: // what a text, a number or a map of them is in Go's own words
		return fmt.Sprintf("%#v", v.Interface())
	}
}
