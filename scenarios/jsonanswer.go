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
)

// Shapes of the SDK as they are on the wire: by the service's own names, with times
// as seconds since 1970 and bytes as base64.

// lastSecond is the last of the year 9999.
const lastSecond = 253402300799

var (
	numberOf32 = between[int64](math.MinInt32, math.MaxInt32)
	numberOf64 = between[int64](math.MinInt64, math.MaxInt64)
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
func readShape(v value, model reflect.Type) (reflect.Value, error) {
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
			content, err := base64.StdEncoding.DecodeString(v.text)
			if v.kind != "a text" || err != nil {
				return shape, v.wrong("no base64")
			}
			shape.SetBytes(content)
			return shape, nil
		}
		if err := v.is("a list"); err != nil {
			return shape, err
		}
		shape.Set(reflect.MakeSlice(model, 0, len(v.items)))
		for _, item := range v.items {
			read, err := readShape(item, model.Elem())
			if err != nil {
				return shape, err
			}
			shape.Set(reflect.Append(shape, read))
		}
		return shape, nil
	case reflect.Map:
		if err := v.is("an object"); err != nil {
			return shape, err
		}
		shape.Set(reflect.MakeMap(model))
		for i, key := range v.keys {
			read, err := readShape(v.items[i], model.Elem())
			if err != nil {
				return shape, err
			}
			shape.SetMapIndex(reflect.ValueOf(key.text).Convert(model.Key()), read)
		}
		return shape, nil
	default:
		return shape, readScalar(v, shape)
	}
}

func readMembers(v value, shape reflect.Value) error {
	if err := v.is("an object"); err != nil {
		return err
	}
	fields := shapeMembers(shape.Type())
	for i, key := range v.keys {
		at := slices.IndexFunc(fields, func(field reflect.StructField) bool { return lower(field.Name) == key.text })
		if at < 0 {
			return key.wrong("%s has no member %q", shape.Type().Name(), key.text)
		}
		read, err := readShape(v.items[i], fields[at].Type)
		if err != nil {
			return within(v.items[i], key.text, err)
		}
		shape.FieldByIndex(fields[at].Index).Set(read)
	}
	return nil
}

func readScalar(v value, shape reflect.Value) (err error) {
	switch shape.Kind() {
	case reflect.String:
		if err = v.is("a text"); err == nil {
			shape.SetString(v.text)
		}
	case reflect.Bool:
		if err = v.is("true or false"); err == nil {
			shape.SetBool(v.text == "true")
		}
	case reflect.Int32, reflect.Int64:
		whole := numberOf64
		if shape.Kind() == reflect.Int32 {
			whole = numberOf32
		}
		n, err := whole.read(v)
		shape.SetInt(n)
		return err
	default: // reflect.Float64
		if err = v.is("a number"); err == nil {
			f, err := strconv.ParseFloat(v.text, 64)
			if err != nil {
				return v.wrong("%s is too much", v.text)
			}
			shape.SetFloat(f)
		}
	}
	return err
}

func readTime(v value) (time.Time, error) {
	if err := v.is("a number"); err != nil {
		return time.Time{}, v.wrong("%v: a time is the seconds since 1970", err)
	}
	seconds, err := strconv.ParseFloat(v.text, 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return time.Time{}, v.wrong("%s seconds are none from 1970 to 9999", v.text)
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
		written := ordered{}
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
				written = append(written, pair{lower(field.Name), item})
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
		return str.write(v.String())
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%v has no JSON", f)
		}
	}
	return v.Interface(), nil
}

func writeMap(v reflect.Value) (any, error) {
	written := ordered{}
	keys := map[string]reflect.Value{}
	for key, item := range v.Seq2() {
		keys[key.String()] = item
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if _, err := str.write(key); err != nil {
			return nil, err
		}
		item, err := writeShape(keys[key])
		if err != nil {
			return nil, err
		}
		written = append(written, pair{key, item})
	}
	return written, nil
}

// shapeSchemas are the schemas of shapes, by the names of their types.
type shapeSchemas map[string]ordered

// of is the schema of a type. Those of shapes are kept, and named.
func (s shapeSchemas) of(model reflect.Type) ordered {
	switch model.Kind() {
	case reflect.Pointer:
		return s.of(model.Elem())
	case reflect.Struct:
		if model == reflect.TypeFor[time.Time]() {
			return ordered{{"type", "number"}, {"minimum", 0}, {"maximum", lastSecond}}
		}
		if _, known := s[model.Name()]; !known {
			s[model.Name()] = nil // a shape may have itself for a member
			members := ordered{}
			for _, field := range shapeMembers(model) {
				members = append(members, pair{lower(field.Name), s.of(field.Type)})
			}
			s[model.Name()] = ordered{{"type", "object"}, {"properties", members}, {"additionalProperties", false}}
		}
		return defined(model.Name())
	case reflect.Slice:
		if model.Elem().Kind() == reflect.Uint8 {
			return ordered{{"type", "string"}, {"pattern", "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"}}
		}
		return ordered{{"type", "array"}, {"items", s.of(model.Elem())}}
	case reflect.Map:
		return ordered{{"type", "object"}, {"additionalProperties", s.of(model.Elem())}}
	case reflect.String:
		return str.schema
	case reflect.Bool:
		return truth.schema
	case reflect.Int32:
		return numberOf32.schema
	case reflect.Int64:
		return numberOf64.schema
	case reflect.Float64:
		return ordered{{"type", "number"}, {"minimum", -math.MaxFloat64}, {"maximum", math.MaxFloat64}}
	default:
		panic(fmt.Sprintf("scenarios: %v has no JSON", model)) // no shape of the SDK's today
	}
}

// schema is that of a rule that answers: its one operation's output. The shapes are
// kept beside it.
func (s shapeSchemas) schema() ordered {
	var outputs []ordered
	for _, operation := range apiOperations() {
		on := ordered{{"enum", []any{operation, []string{operation}}}}
		outputs = append(outputs, ordered{{"properties", ordered{
			{"on", on}, {"do", ordered{{"properties", ordered{{"answer", s.of(outputOf(operation))}}}}},
		}}})
	}
	return ordered{
		{"if", ordered{{"properties", ordered{{"do", ordered{{"required", []string{"answer"}}}}}}}},
		{"then", ordered{{"anyOf", outputs}}},
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
		return nil, named{&mistake{raw.at, "answer: it is the output of one operation of the API, which alone the rule is on"}}
	}
	out, err := readShape(raw, model)
	if err != nil {
		return nil, within(raw, "answer", err)
	}
	return r.Answer(out.Interface()), nil
}
