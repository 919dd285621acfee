// Package clone copies values of the SDK's types.
package clone

import (
	"reflect"
	"sync"
)

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
			v.Set(detached(v))
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
		for _, i := range referring(v.Type()) {
			detach(v.Field(i))
		}
	}
}

// detached is a copy of a value that cannot be changed in its place.
func detached(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		same := reflect.New(v.Type().Elem())
		same.Elem().Set(v.Elem())
		detach(same.Elem())
		return same
	}
	same := reflect.New(v.Type()).Elem()
	same.Set(v)
	detach(same)
	return same
}

// known holds the answers of referring, which never change.
var known sync.Map

// referring is the exported fields of a struct that lead to something.
func referring(t reflect.Type) []int {
	if fields, found := known.Load(t); found {
		return fields.([]int)
	}
	var fields []int
	for i := range t.NumField() {
		if field := t.Field(i); field.IsExported() && refers(field.Type) {
			fields = append(fields, i)
		}
	}
	known.Store(t, fields)
	return fields
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
