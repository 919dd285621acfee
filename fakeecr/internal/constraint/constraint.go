// Package constraint checks the service model's constraints of every input, and answers a violation
// in ECR's own words.
//
// It knows what the model knows: required members, lengths, ranges, patterns and enumerations. Rules
// that depend on the state or on several members belong to the operations.
package constraint

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf16"
)

// Check returns nil, or a *types.InvalidParameterException for the first violation in the order of
// the model's members, depth first. In is a pointer to the input of an operation, such as
// *ecr.PutImageInput, or to its overlay; a nil one is an input without members, as it is to the
// client. Anything else is an error of another type.
//
// A member is absent if it is a nil pointer, a nil slice or the empty value of an enumeration.
// Lengths of strings are counted in UTF-16 code units, as Java, in which ECR is written, counts them.
func Check(in any) error {
	r, ok := rules()[reflect.TypeOf(in)]
	if !ok {
		return fmt.Errorf("constraint: %T is no input of an operation", in)
	}
	v := reflect.ValueOf(in)
	if v.IsNil() {
		v = reflect.New(v.Type().Elem())
	}
	if broken := r.check(v.Elem()); broken != nil {
		return broken.exception()
	}
	return nil
}

func (r *rule) check(v reflect.Value) *violation {
	switch r.shape.Kind {
	case String:
		return r.checkString(v.String())
	case Number:
		return r.checkSize(v.Int())
	case Blob:
		return r.checkSize(int64(v.Len()))
	case List:
		return r.checkList(v)
	case Structure:
		return r.checkMembers(v)
	}
	return nil
}

func (r *rule) checkMembers(v reflect.Value) *violation {
	for i := range r.fields {
		f := &r.fields[i]
		value := v.Field(f.index)
		if absent(value) {
			if !f.required {
				continue
			}
			missing := f.missing
			return &missing
		}
		if value.Kind() == reflect.Pointer {
			value = value.Elem()
		}
		if broken := f.rule.check(value); broken != nil {
			return broken.within(f.name)
		}
	}
	return nil
}

func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

func (r *rule) checkList(v reflect.Value) *violation {
	if broken := r.checkSize(int64(v.Len())); broken != nil || r.element == nil {
		return broken
	}
	for i := range v.Len() {
		broken := r.element.check(v.Index(i))
		switch {
		case broken == nil:
		case broken.absolute:
			return broken
		case r.element.shape.Kind == Structure:
			return broken.within(strconv.Itoa(i+1) + ".member")
		default:
			return r.fails(r.element.satisfied())
		}
	}
	return nil
}

func (r *rule) checkString(s string) *violation {
	// A code unit takes one to three bytes, so most strings need not be counted.
	n := int64(len(s))
	if n > r.max || (n+2)/3 < r.min {
		n = characters(s)
		if broken := r.checkSize(n); broken != nil {
			return broken
		}
	}
	switch {
	case r.match != nil && !r.match(s):
		return r.fails(r.matching())
	case r.shape.Enum != nil && !slices.Contains(r.shape.Enum, s):
		return r.fails(r.oneOf())
	}
	return nil
}

func characters(s string) int64 {
	units := 0
	for _, char := range s {
		units += utf16.RuneLen(char)
	}
	return int64(units)
}

func (r *rule) checkSize(n int64) *violation {
	switch {
	case n < r.min:
		return r.fails(r.atLeast())
	case n > r.max:
		return r.fails(r.atMost())
	}
	return nil
}
