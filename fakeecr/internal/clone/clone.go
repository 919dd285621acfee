// Package clone copies values of the SDK's types.
package clone

import (
	"reflect"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Of is a copy of a value that shares nothing that can change: what its pointers,
// slices and maps lead to is copied as well. Unexported fields, as in time.Time,
// stay as they are.
func Of[T any](value T) T {
	v := reflect.ValueOf(value)
	if !v.IsValid() { // a nil interface
		return value
	}
	return new(copier).detached(v).Interface().(T)
}

// copier copies one value.
type copier struct {
	// texts is room for strings that pointers lead to: inputs have some.
	texts []string
}

// text is a new place for the string that a pointer leads to.
func (c *copier) text(s *string) *string {
	if s == nil {
		return nil
	}
	if len(c.texts) == cap(c.texts) {
		c.texts = make([]string, 0, 4)
	}
	c.texts = append(c.texts, *s)
	return &c.texts[len(c.texts)-1]
}

// detach copies what a value refers to. Most inputs consist of what reflection is
// spared for.
func (c *copier) detach(v reflect.Value) {
	switch place := v.Addr().Interface().(type) {
	case **string:
		*place = c.text(*place)
	case *[]string:
		*place = slices.Clone(*place)
	case *[]types.ImageIdentifier:
		*place = slices.Clone(*place)
		for i, id := range *place {
			(*place)[i].ImageDigest, (*place)[i].ImageTag = c.text(id.ImageDigest), c.text(id.ImageTag)
		}
	default:
		c.walk(v)
	}
}

func (c *copier) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			v.Set(c.detached(v))
		}
	case reflect.Interface:
		if !v.IsNil() {
			v.Set(c.detached(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			same := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(same, v)
			v.Set(same)
			if refers(v.Type().Elem()) {
				for i := range v.Len() {
					c.detach(v.Index(i))
				}
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			same := reflect.MakeMapWithSize(v.Type(), v.Len())
			for _, key := range v.MapKeys() {
				same.SetMapIndex(key, c.detached(v.MapIndex(key)))
			}
			v.Set(same)
		}
	case reflect.Struct:
		for _, i := range referring(v.Type()) {
			c.detach(v.Field(i))
		}
	}
}

// detached is a copy of a value that cannot be changed in its place.
func (c *copier) detached(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		same := reflect.New(v.Type().Elem())
		same.Elem().Set(v.Elem())
		c.detach(same.Elem())
		return same
	}
	same := reflect.New(v.Type()).Elem()
	same.Set(v)
	c.detach(same)
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
