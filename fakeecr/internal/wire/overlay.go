package wire

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/aws/smithy-go"
)

// overlayLayout is newLayout for an overlay, of which no schema knows.
func overlayLayout(t reflect.Type) layout {
	known := make(layout, t.NumField())
	for i := range t.NumField() {
		m := member{field: i}
		if held := element(t.Field(i).Type); held.Kind() == reflect.Struct {
			m.layout = overlayLayout(held)
		}
		known[wireName(t.Field(i))] = m
	}
	return known
}

func wireName(field reflect.StructField) string {
	return strings.ToLower(field.Name[:1]) + field.Name[1:]
}

// A merger is an encoder that writes, at the end of each structure, what an overlay has beside it.
type merger struct {
	encoder
	overlay reflect.Value
	open    []place
}

// A place is what of the overlay lies over an open container: no value where none of it does.
type place struct {
	reflect.Value
	schema *smithy.Schema
	next   int // the index of a list's next element
}

func (m *merger) enter(schema *smithy.Schema) {
	over := m.overlay
	if len(m.open) > 0 {
		over = m.open[len(m.open)-1].member(schema)
	}
	for over.Kind() == reflect.Pointer {
		over = over.Elem()
	}
	m.open = append(m.open, place{Value: over, schema: schema})
}

func (p *place) member(schema *smithy.Schema) reflect.Value {
	switch p.Kind() {
	case reflect.Struct:
		name := schema.MemberName()
		return p.FieldByName(strings.ToUpper(name[:1]) + name[1:])
	case reflect.Slice:
		if p.next++; p.next <= p.Len() {
			return p.Index(p.next - 1)
		}
	}
	return reflect.Value{}
}

func (m *merger) leave() {
	place := m.open[len(m.open)-1]
	m.open = m.open[:len(m.open)-1]
	if place.Kind() != reflect.Struct {
		return
	}
	for i := range place.NumField() {
		name := wireName(place.Type().Field(i))
		if _, known := place.schema.Members()[name]; known || place.Field(i).IsNil() {
			continue
		}
		value, err := json.Marshal(place.Field(i).Interface())
		if err != nil {
			panic(err) // an overlay is plain data
		}
		m.WriteKey(nil, name)
		m.text = append(m.text, value...)
	}
}

func (m *merger) WriteStruct(s *smithy.Schema) { m.enter(s); m.encoder.WriteStruct(s) }
func (m *merger) CloseStruct()                 { m.leave(); m.encoder.CloseStruct() }
func (m *merger) WriteList(s *smithy.Schema)   { m.enter(s); m.encoder.WriteList(s) }
func (m *merger) CloseList()                   { m.leave(); m.encoder.CloseList() }
func (m *merger) WriteMap(s *smithy.Schema)    { m.enter(s); m.encoder.WriteMap(s) }
func (m *merger) CloseMap()                    { m.leave(); m.encoder.CloseMap() }
