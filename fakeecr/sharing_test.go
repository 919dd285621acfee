package fakeecr

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"
)

// No output or input shares memory with the state or with the inputs that the
// trace keeps: a caller may do with its own what it likes.
func TestOutputsAndInputsShareNothingWithTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where nothing falls due meanwhile
		eachExample(t, func(r *Registry, name string, in, out any) {
			before := picture(held(r)...)
			scramble(reflect.ValueOf(in))
			scramble(reflect.ValueOf(out))
			require.Equal(t, before, picture(held(r)...), "a caller changed what %s took or gave", name)
		})
	})
}

// Nor does a full trace, whose parts of layers came over the wire and stay.
func TestFullTraceSharesNothingWithTheState(t *testing.T) {
	r := New(t, WithFullTrace())
	p := pusher{api: r.Client(), repository: exampleName}
	require.NoError(t, p.push(t.Context(), exampleImage))
	before := picture(stateOf(r))
	for _, call := range r.Trace() {
		scramble(reflect.ValueOf(call.Input))
	}
	require.Equal(t, before, picture(stateOf(r)))
}

// A list that is empty is [] and not absent, but for those that ECR leaves out.
func TestEmptyListsAreNotNil(t *testing.T) {
	leftOut := []string{
		"ImageDetail.ImageTags", // of an untagged image
		"PutImageTagMutabilityOutput.ImageTagMutabilityExclusionFilters",
		"Repository.ImageTagMutabilityExclusionFilters",
		"RepositoryCreationTemplate.ImageTagMutabilityExclusionFilters",
	}
	eachExample(t, func(_ *Registry, name string, _, out any) {
		for _, list := range nilLists(reflect.ValueOf(out)) {
			require.Contains(t, leftOut, list, "of %s", name)
		}
	})
}

// nilLists is the lists in an output that are nil, as Shape.Member.
func nilLists(v reflect.Value) (lists []string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return nilLists(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			lists = append(lists, nilLists(v.Index(i))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.Type == reflect.TypeFor[middleware.Metadata]() || !field.IsExported() {
				continue
			}
			if field.Type.Kind() == reflect.Slice && v.Field(i).IsNil() {
				lists = append(lists, v.Type().Name()+"."+field.Name)
			}
			lists = append(lists, nilLists(v.Field(i))...)
		}
	}
	return lists
}

// scramble changes everything that a value leads to.
func scramble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			scramble(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				scramble(v.Field(i))
			}
		}
	case reflect.Slice:
		all := v.Slice(0, v.Cap()) // what is behind its end may be somebody's too
		for i := range all.Len() {
			scramble(all.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			scramble(value)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString("scrambled")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int32, reflect.Int64:
		v.SetInt(^v.Int())
	case reflect.Uint8:
		v.SetUint(^v.Uint() & 0xff)
	}
}

func stateOf(r *Registry) reflect.Value {
	return reflect.ValueOf(instanceOf(r).stage.World.Engine).Elem().FieldByName("state").Elem()
}

// held is all that a world holds: its state, and the inputs in its trace, whose
// outputs are the callers'.
func held(r *Registry) []reflect.Value {
	values := []reflect.Value{stateOf(r)}
	for _, call := range r.Trace() {
		values = append(values, reflect.ValueOf(call.Input))
	}
	return values
}

// picture is what values lead to, as text.
func picture(values ...reflect.Value) string {
	p := painter{seen: map[uintptr]int{}}
	for _, v := range values {
		p.paint(v)
	}
	return p.text.String()
}

// A painter writes down what a value leads to, also what other packages keep to
// themselves.
type painter struct {
	text strings.Builder
	seen map[uintptr]int
}

func (p *painter) paint(v reflect.Value) {
	switch v.Kind() {
	case reflect.Invalid:
		p.text.WriteString("nil")
	case reflect.Pointer:
		if v.IsNil() {
			p.text.WriteString("nil")
			return
		}
		number, again := p.seen[v.Pointer()]
		if !again {
			number = len(p.seen)
			p.seen[v.Pointer()] = number
		}
		fmt.Fprintf(&p.text, "&%d", number)
		if !again {
			p.paint(v.Elem())
		}
	case reflect.Interface:
		p.paint(v.Elem())
	case reflect.Struct:
		fmt.Fprintf(&p.text, "%s{", v.Type())
		for i := range v.NumField() {
			p.text.WriteString(v.Type().Field(i).Name + ":")
			p.paint(v.Field(i))
			p.text.WriteByte(' ')
		}
		p.text.WriteByte('}')
	case reflect.Slice, reflect.Array:
		p.text.WriteByte('[')
		for i := range v.Len() {
			p.paint(v.Index(i))
			p.text.WriteByte(' ')
		}
		p.text.WriteByte(']')
	case reflect.Map:
		var entries []string
		for _, key := range v.MapKeys() {
			entry := painter{seen: p.seen}
			entry.paint(key)
			entry.paint(v.MapIndex(key))
			entries = append(entries, entry.text.String())
		}
		slices.Sort(entries)
		fmt.Fprint(&p.text, entries)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		p.text.WriteString(v.Type().String())
	case reflect.String:
		fmt.Fprintf(&p.text, "%q", v.String())
	default:
		fmt.Fprint(&p.text, v)
	}
}
