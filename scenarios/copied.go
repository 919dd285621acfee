package scenarios

import (
	"net/http"
	"reflect"
	"slices"
	"time"

	smithy "github.com/aws/smithy-go"
)

// copied is an error of a kind that can be changed as it is now: one of ECR's
// exceptions, another error of the API, a [*Response]. Others stay as they are.
func copied(err error) error {
	switch known := err.(type) {
	case *smithy.GenericAPIError:
		same := *known
		return &same
	case *Response:
		return &Response{Status: known.Status, Header: tidy(known.Header), Body: known.Body}
	}
	for _, model := range exceptions() {
		if reflect.TypeOf(err) == model {
			return copyOf(err).(error)
		}
	}
	return err
}

// tidy is a copy of a header by the canonical names of its fields, without those that
// have no value; nil for none.
func tidy(header http.Header) (tidied http.Header) {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range header[name] {
			if tidied == nil {
				tidied = http.Header{}
			}
			tidied.Add(name, value)
		}
	}
	return tidied
}

// copyOf is a copy of one of the SDK's shapes that shares nothing that can change.
// Its times are in UTC and in milliseconds, as they come over the wire.
func copyOf(shape any) any { return deep(reflect.ValueOf(shape)).Interface() }

func deep(v reflect.Value) reflect.Value {
	same := reflect.New(v.Type()).Elem()
	same.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			same.Set(reflect.New(v.Type().Elem()))
			same.Elem().Set(deep(v.Elem()))
		}
	case reflect.Struct:
		if at, is := v.Interface().(time.Time); is {
			same.Set(reflect.ValueOf(at.UTC().Truncate(time.Millisecond)))
			break
		}
		for _, field := range reflect.VisibleFields(v.Type()) {
			if field.IsExported() {
				same.FieldByIndex(field.Index).Set(deep(v.FieldByIndex(field.Index)))
			}
		}
	case reflect.Slice:
		if !v.IsNil() {
			same.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				same.Index(i).Set(deep(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			same.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
			for key, item := range v.Seq2() {
				same.SetMapIndex(key, deep(item))
			}
		}
	}
	return same
}
