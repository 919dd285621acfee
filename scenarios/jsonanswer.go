package scenarios

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/fakeecr/ecr/scenarios/internal/form"
)

// Shapes of the SDK as they are on the wire: by the service's own names, with times
// as seconds since 1970 and bytes as base64.

// lastSecond is the last of the year 9999.
const lastSecond = 253402300799

var (
	numberOf32 = form.Between[int64](math.MinInt32, math.MaxInt32)
	numberOf64 = form.Between[int64](math.MinInt64, math.MaxInt64)
)

// shapeMembers are the fields of a shape that are members on the wire.
func shapeMembers(model reflect.Type) (fields []reflect.StructField) {
	for _, field := range reflect.VisibleFields(model) {
		if field.IsExported() && field.Name != "ResultMetadata" {
			fields = append(fields, field)
		}
	}
	return fields
}

// readShape reads a value of a type.
func readShape(v form.Value, model reflect.Type) (reflect.Value, error) {
	shape := reflect.New(model).Elem()
	switch model.Kind() {
	case reflect.Pointer:
		to, err := readShape(v, model.Elem())
		if err == nil {
			shape.Set(reflect.New(model.Elem()))
			shape.Elem().Set(to)
		}
		return shape, err
	case reflect.Struct:
		if model == reflect.TypeFor[time.Time]() {
			at, err := readTime(v)
			shape.Set(reflect.ValueOf(at))
			return shape, err
		}
		return shape, readMembers(v, shape)
	case reflect.Slice:
		if model.Elem().Kind() == reflect.Uint8 {
			content, err := base64.StdEncoding.DecodeString(v.Text)
			if v.Kind != "a text" || err != nil {
				return shape, v.Wrong("no base64")
			}
			shape.SetBytes(content)
			return shape, nil
		}
		if err := v.Is("a list"); err != nil {
			return shape, err
		}
		shape.Set(reflect.MakeSlice(model, 0, len(v.Items)))
		for _, item := range v.Items {
			read, err := readShape(item, model.Elem())
			if err != nil {
				return shape, err
			}
			shape.Set(reflect.Append(shape, read))
		}
		return shape, nil
	case reflect.Map:
		if err := v.Is("an object"); err != nil {
			return shape, err
		}
		shape.Set(reflect.MakeMap(model))
		for i, key := range v.Keys {
			read, err := readShape(v.Items[i], model.Elem())
			if err != nil {
				return shape, err
			}
			shape.SetMapIndex(reflect.ValueOf(key.Text).Convert(model.Key()), read)
		}
		return shape, nil
	default:
		return shape, readScalar(v, shape)
	}
}

func readMembers(v form.Value, shape reflect.Value) error {
	if err := v.Is("an object"); err != nil {
		return err
	}
	fields := shapeMembers(shape.Type())
	for i, key := range v.Keys {
		at := slices.IndexFunc(fields, func(field reflect.StructField) bool { return lower(field.Name) == key.Text })
		if at < 0 {
			return key.Wrong("%s has no member %q", shape.Type().Name(), key.Text)
		}
		read, err := readShape(v.Items[i], fields[at].Type)
		if err != nil {
			return form.Within(v.Items[i], key.Text, err)
		}
		shape.FieldByIndex(fields[at].Index).Set(read)
	}
	return nil
}

func readScalar(v form.Value, shape reflect.Value) (err error) {
	switch shape.Kind() {
	case reflect.String:
		if err = v.Is("a text"); err == nil {
			shape.SetString(v.Text)
		}
	case reflect.Bool:
		if err = v.Is("true or false"); err == nil {
			shape.SetBool(v.Text == "true")
		}
	case reflect.Int32, reflect.Int64:
		whole := numberOf64
		if shape.Kind() == reflect.Int32 {
			whole = numberOf32
		}
		n, err := whole.Read(v)
		shape.SetInt(n)
		return err
	default: // reflect.Float64
		if err = v.Is("a number"); err == nil {
			f, err := strconv.ParseFloat(v.Text, 64)
			if err != nil {
				return v.Wrong("%s is too much", v.Text)
			}
			shape.SetFloat(f)
		}
	}
	return err
}

func readTime(v form.Value) (time.Time, error) {
	if err := v.Is("a number"); err != nil {
		return time.Time{}, v.Wrong("%v: a time is the seconds since 1970", err)
	}
	seconds, err := strconv.ParseFloat(v.Text, 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return time.Time{}, v.Wrong("%s seconds are none from 1970 to 9999", v.Text)
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
}

// writeShape is what readShape reads, nil for what is not set.
func writeShape(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return writeShape(v.Elem())
	case reflect.Invalid:
		return nil, nil
	case reflect.Struct:
		if at, is := v.Interface().(time.Time); is {
			if at.Before(time.Unix(0, 0)) || at.Unix() > lastSecond {
				return nil, fmt.Errorf("the time %v has no JSON: there are those from 1970 to 9999", at)
			}
			return float64(at.UnixMilli()) / 1000, nil
		}
		written := form.Ordered{}
		for _, field := range shapeMembers(v.Type()) {
			member := v.FieldByIndex(field.Index)
			if member.Kind() == reflect.String && member.Len() == 0 { // an enumeration that is not set
				continue
			}
			item, err := writeShape(member)
			if err != nil {
				return nil, err
			}
			if item != nil {
				written = append(written, form.Pair{lower(field.Name), item})
			}
		}
		return written, nil
	case reflect.Slice:
		if v.IsNil() {
			return nil, nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes(), nil
		}
		items := make([]any, v.Len())
		for i := range items {
			var err error
			if items[i], err = writeShape(v.Index(i)); err != nil {
				return nil, err
			}
		}
		return items, nil
	case reflect.Map:
		if v.IsNil() {
			return nil, nil
		}
		return writeMap(v)
	case reflect.String:
		return form.Text.Write(v.String())
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%v has no JSON", f)
		}
	}
	return v.Interface(), nil
}

func writeMap(v reflect.Value) (any, error) {
	written := form.Ordered{}
	keys := map[string]reflect.Value{}
	for key, item := range v.Seq2() {
		keys[key.String()] = item
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if _, err := form.Text.Write(key); err != nil {
			return nil, err
		}
		item, err := writeShape(keys[key])
		if err != nil {
			return nil, err
		}
		written = append(written, form.Pair{key, item})
	}
	return written, nil
}

// shapeSchemas are the schemas of shapes, by the names of their types.
type shapeSchemas map[string]form.Ordered

// of is the schema of a type. Those of shapes are kept, and named.
func (s shapeSchemas) of(model reflect.Type) form.Ordered {
	switch model.Kind() {
	case reflect.Pointer:
		return s.of(model.Elem())
	case reflect.Struct:
		if model == reflect.TypeFor[time.Time]() {
			return form.Ordered{{"type", "number"}, {"minimum", 0}, {"maximum", lastSecond}}
		}
		if _, known := s[model.Name()]; !known {
			s[model.Name()] = nil // a shape may have itself for a member
			members := form.Ordered{}
			for _, field := range shapeMembers(model) {
				members = append(members, form.Pair{lower(field.Name), s.of(field.Type)})
			}
			s[model.Name()] = form.Ordered{{"type", "object"}, {"properties", members}, {"additionalProperties", false}}
		}
		return defined(model.Name())
	case reflect.Slice:
		if model.Elem().Kind() == reflect.Uint8 {
			return form.Ordered{{"type", "string"}, {"pattern", "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"}}
		}
		return form.Ordered{{"type", "array"}, {"items", s.of(model.Elem())}}
	case reflect.Map:
		return form.Ordered{{"type", "object"}, {"additionalProperties", s.of(model.Elem())}}
	case reflect.String:
		return form.Text.Schema
	case reflect.Bool:
		return form.Truth.Schema
	case reflect.Int32:
		return numberOf32.Schema
	case reflect.Int64:
		return numberOf64.Schema
	case reflect.Float64:
		return form.Ordered{{"type", "number"}, {"minimum", -math.MaxFloat64}, {"maximum", math.MaxFloat64}}
	default:
		panic(fmt.Sprintf("scenarios: %v has no JSON", model)) // no shape of the SDK's today
	}
}

// schema is that of a rule that answers: its one operation's output. The shapes are
// kept beside it.
func (s shapeSchemas) schema() form.Ordered {
	var outputs []form.Ordered
	for _, operation := range apiOperations() {
		on := form.Ordered{{"enum", []any{operation, []string{operation}}}}
		outputs = append(outputs, form.Ordered{{"properties", form.Ordered{
			{"on", on}, {"do", form.Ordered{{"properties", form.Ordered{{"answer", s.of(outputOf(operation))}}}}},
		}}})
	}
	return form.Ordered{
		{"if", form.Ordered{{"properties", form.Ordered{{"do", form.Ordered{{"required", []string{"answer"}}}}}}}},
		{"then", form.Ordered{{"anyOf", outputs}}},
	}
}

// readAnswer gives a rule, all of which is read, what it answers.
func (r *Rule) readAnswer() (*Rule, error) {
	raw := *r.answer
	r = r.with(func(r *Rule) { r.answer = nil })
	var model reflect.Type
	if len(r.named) == 1 {
		model = outputOf(r.named[0])
	}
	if model == nil {
		return nil, raw.WrongInside("answer: it is the output of one operation of the API, which alone the rule is on")
	}
	out, err := readShape(raw, model)
	if err != nil {
		return nil, form.Within(raw, "answer", err)
	}
	return r.Answer(out.Interface()), nil
}
