package wire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/aws/smithy-go"
)

// A layout says which field of a Go struct holds a member, by the member's name on the wire.
type layout map[string]member

type member struct {
	field  int
	layout layout // of a structure, or of the structures in a list
}

// layouts keeps the layout of each type of input that has been asked for. It follows from the type alone and never
// changes.
var layouts sync.Map // reflect.Type to layout

func layoutOf(in any) layout {
	t := reflect.TypeOf(in)
	if known, ok := layouts.Load(t); ok {
		return known.(layout)
	}
	var made layout
	if empty, ok := reflect.New(t.Elem()).Interface().(smithy.Serializable); ok {
		var root rootSchema
		empty.Serialize(&root)
		made = newLayout(root.schema, t.Elem())
	} else {
		made = overlayLayout(t.Elem())
	}
	known, _ := layouts.LoadOrStore(t, made)
	return known.(layout)
}

// rootSchema is a serializer that notes the schema of what is serialized: nothing else leads from an input to its
// schema. An empty input writes its structure and no member.
type rootSchema struct {
	encoder
	schema *smithy.Schema
}

func (r *rootSchema) WriteStruct(schema *smithy.Schema) { r.schema = schema }
func (r *rootSchema) CloseStruct()                      {}

// newLayout descends into the structures of an input; none of ECR's holds itself.
func newLayout(schema *smithy.Schema, t reflect.Type) layout {
	known := make(layout, len(schema.Members()))
	for name, target := range schema.Members() {
		field, ok := t.FieldByName(strings.ToUpper(name[:1]) + name[1:])
		if !ok {
			continue
		}
		m := member{field: field.Index[0]}
		if target.Type() == smithy.ShapeTypeList {
			target = target.ListMember()
		}
		if held := element(field.Type); held.Kind() == reflect.Struct {
			m.layout = newLayout(target, held)
		}
		known[name] = m
	}
	return known
}

// element is what a pointer points to, or a slice holds.
func element(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		return t.Elem()
	}
	return t
}

func decode(text []byte, in any) error {
	if !utf8.Valid(text) {
		return errors.New("the body is not valid JSON: it is not UTF-8")
	}
	d := decoder{scanner{text: text}}
	if err := d.structure(layoutOf(in), reflect.ValueOf(in).Elem()); err != nil {
		return err
	}
	if d.peek(); d.pos < len(d.text) {
		return d.unexpected()
	}
	return nil
}

// A decoder reads values of the Go types that the SDK's inputs consist of.
type decoder struct{ scanner }

func (d *decoder) structure(known layout, v reflect.Value) error {
	if d.peek() != '{' {
		return d.mismatch("an object")
	}
	d.pos++
	for first := true; ; first = false {
		if more, err := d.more('}', first); !more || err != nil {
			return err
		}
		name, err := d.key()
		if err != nil {
			return err
		}
		m, ok := known[string(name)]
		if !ok || d.peek() == 'n' {
			err = d.skip()
		} else {
			err = within(string(name), d.value(m, v.Field(m.field)))
		}
		if err != nil {
			return err
		}
	}
}

func (d *decoder) value(m member, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(m, v.Elem())
	case reflect.Struct:
		return d.structure(m.layout, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return d.blob(v)
		}
		return d.list(m, v)
	case reflect.String:
		return d.string(v)
	case reflect.Bool:
		return d.bool(v)
	case reflect.Int32, reflect.Int64:
		return d.integer(v)
	default:
		return &mismatch{reason: fmt.Sprintf("is of type %s, which cannot be read", v.Type())}
	}
}

func (d *decoder) list(m member, v reflect.Value) error {
	if d.peek() != '[' {
		return d.mismatch("a list")
	}
	d.pos++
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for n := 0; ; n++ {
		if more, err := d.more(']', n == 0); !more || err != nil {
			return err
		}
		v.Grow(1)
		v.SetLen(n + 1)
		if err := d.value(m, v.Index(n)); err != nil {
			return within(strconv.Itoa(n+1)+".member", err)
		}
	}
}

func (d *decoder) string(v reflect.Value) error {
	if d.peek() != '"' {
		return d.mismatch("a string")
	}
	raw, escaped, err := d.str()
	if err != nil {
		return err
	}
	if escaped {
		v.SetString(unescape(raw))
	} else {
		v.SetString(string(raw))
	}
	return nil
}

func (d *decoder) blob(v reflect.Value) error {
	if d.peek() != '"' {
		return d.mismatch("a base64 string")
	}
	raw, escaped, err := d.str()
	if err != nil {
		return err
	}
	if escaped {
		raw = []byte(unescape(raw))
	}
	blob := make([]byte, base64.StdEncoding.DecodedLen(len(raw)))
	n, err := base64.StdEncoding.Decode(blob, raw)
	if err != nil {
		return &mismatch{reason: fmt.Sprintf("must be a base64 string: %v", err)}
	}
	v.SetBytes(blob[:n])
	return nil
}

func (d *decoder) bool(v reflect.Value) error {
	switch d.peek() {
	case 't':
		v.SetBool(true)
		return d.literal("true")
	case 'f':
		v.SetBool(false)
		return d.literal("false")
	default:
		return d.mismatch("a boolean")
	}
}

func (d *decoder) integer(v reflect.Value) error {
	if c := d.peek(); c != '-' && (c < '0' || '9' < c) {
		return d.mismatch("an integer")
	}
	raw, err := d.number()
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(string(raw), 10, v.Type().Bits())
	if err != nil {
		return &mismatch{reason: fmt.Sprintf("must be an integer of %d bits, not %.40s", v.Type().Bits(), raw)}
	}
	v.SetInt(n)
	return nil
}

// A mismatch is a value that is JSON but not of the type that the shape demands. Its path is of the form that ECR
// names members with: imageIds.1.member.imageTag.
type mismatch struct{ path, reason string }

func (m *mismatch) Error() string {
	if m.path == "" {
		return "the body " + m.reason
	}
	return "'" + m.path + "' " + m.reason
}

// within puts a step before the path of a mismatch.
func within(step string, err error) error {
	if m, ok := err.(*mismatch); ok {
		m.path = strings.TrimSuffix(step+"."+m.path, ".")
	}
	return err
}

func (d *decoder) mismatch(want string) error {
	var found string
	switch c := d.peek(); {
	case c == '{':
		found = "an object"
	case c == '[':
		found = "a list"
	case c == '"':
		found = "a string"
	case c == 't', c == 'f':
		found = "a boolean"
	case c == 'n':
		found = "null"
	case c == '-', '0' <= c && c <= '9':
		found = "a number"
	default:
		return d.unexpected()
	}
	return &mismatch{reason: "must be " + want + ", not " + found}
}
