package constraint

import "reflect"

// Complete reports whether every required member of an input is there, at any depth. The SDK's
// clients refuse an input that is not complete before they send it. In is as for [Check].
func Complete(in any) bool {
	r, ok := rules()[reflect.TypeOf(in)]
	return ok && r.complete(reflect.ValueOf(in).Elem())
}

func (r *rule) complete(v reflect.Value) bool {
	switch {
	case !r.requires:
	case r.element != nil:
		for i := range v.Len() {
			if !r.element.complete(v.Index(i)) {
				return false
			}
		}
	case r.fields != nil:
		for i := range r.fields {
			if f := &r.fields[i]; !f.complete(v.Field(f.index)) {
				return false
			}
		}
	}
	return true
}

func (f *field) complete(v reflect.Value) bool {
	if absent(v) {
		return !f.required
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return f.rule.complete(v)
}
