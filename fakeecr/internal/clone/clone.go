// Package clone copies values of the SDK's types.
package clone

import "reflect"

// Of is a copy of a value that shares nothing that can change: what its pointers,
// slices and maps lead to is copied as well. Unexported fields, as in time.Time,
// stay as they are.
func Of[T any](value T) T {
	detach(reflect.ValueOf(&value).Elem())
	return value
}

// detach copies what a value refers to.
func detach(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			same := reflect.New(v.Type().Elem())
			same.Elem().Set(v.Elem())
			detach(same.Elem())
			v.Set(same)
		}
	case reflect.Interface:
		if !v.IsNil() {
			v.Set(detached(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			same := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(same, v)
			v.Set(same)
			if refers(v.Type().Elem()) {
				for i := range v.Len() {
					detach(v.Index(i))
				}
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			same := reflect.MakeMapWithSize(v.Type(), v.Len())
			for key, value := range v.Seq2() {
				same.SetMapIndex(key, detached(value))
			}
			v.Set(same)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.CanSet() {
				detach(field)
			}
		}
	}
}

// detached is a copy of a value that cannot be changed in its place.
func detached(v reflect.Value) reflect.Value {
	same := reflect.New(v.Type()).Elem()
	same.Set(v)
	detach(same)
	return same
}

// refers spares the walk over the bytes of a layer.
func refers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map, reflect.Struct:
		return true
	default:
		return false
	}
}
