package scenarios

import (
	"errors"
	"reflect"
	"time"

	"github.com/fakeecr/ecr/scenarios/internal/form"

	smithy "github.com/aws/smithy-go"
)

// MarshalJSON is the call for programs: what a line of the trace says and, with
// the service's own names of their members, the input and the output. What is
// empty is left out. The outcome is in words, as in the line; an error has a message
// and, unless it has no type or its reply was lost, a code.
func (c Call) MarshalJSON() ([]byte, error) {
	written := form.Ordered{{"number", c.Number}, {"time", c.Time}, {"operation", c.Operation}}
	for _, word := range []struct{ name, text string }{
		{"account", c.Account}, {"region", c.Region}, {"repository", c.Repository},
		{"requestId", c.RequestID}, {"caller", c.Caller}, {"face", string(c.Face)}, {"actor", c.Actor},
	} {
		if word.text != "" {
			written = append(written, form.Pair{word.name, word.text})
		}
	}
	if !c.TokenIssued.IsZero() {
		written = append(written, form.Pair{"tokenIssued", c.TokenIssued})
	}
	for _, side := range []struct {
		name  string
		value any
	}{{"input", c.Input}, {"output", c.Output}} {
		if shape := plain(reflect.ValueOf(side.value)); shape != nil {
			written = append(written, form.Pair{side.name, shape})
		}
	}
	written = append(written, form.Pair{"outcome", c.Outcome()})
	if c.Err != nil {
		refused := form.Ordered{{"message", c.Err.Error()}}
		var api smithy.APIError
		if errors.As(c.Err, &api) && !errors.Is(c.Err, ErrReplyLost) {
			refused = form.Ordered{{"code", api.ErrorCode()}, {"message", api.ErrorMessage()}}
		}
		written = append(written, form.Pair{"error", refused})
	}
	if c.Digest != "" {
		written = append(written, form.Pair{"bytes", c.Bytes}, form.Pair{"digest", c.Digest})
	}
	if len(c.Rules) > 0 {
		written = append(written, form.Pair{"rules", c.Rules})
	}
	return form.Readable(written)
}

// plain is a shape of the SDK's with the service's own names, or nil for one that
// is not set.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer:
		return plain(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return v.Interface()
		}
		members := form.Ordered{}
		for _, field := range reflect.VisibleFields(v.Type()) {
			if !field.IsExported() || field.Name == "ResultMetadata" {
				continue
			}
			if member := plain(v.FieldByIndex(field.Index)); member != nil {
				members = append(members, form.Pair{lower(field.Name), member})
			}
		}
		return members
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Interface()
		}
		items := make([]any, v.Len())
		for i := range items {
			items[i] = plain(v.Index(i))
		}
		return items
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
	case reflect.String:
		if v.Len() == 0 { // an enumeration that is not set
			return nil
		}
	}
	return v.Interface()
}
