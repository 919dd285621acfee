package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Value is JSON that knows where it stands, with its members in their order.
type Value struct {
	// At is the offset of its first byte.
	At int
	// Kind is "an object", "a list", "a text", "a number", "true or false" or
	// "null".
	Kind string
	// Text is a text without its quotes, a number as written, or true.
	Text  string
	Keys  []Value
	Items []Value
}

// mistake is what is wrong with a text, and where.
type mistake struct {
	at   int
	text string
}

func (m *mistake) Error() string { return m.text }

// Wrong is a mistake at the value.
func (v Value) Wrong(format string, args ...any) error {
	return &mistake{v.At, fmt.Sprintf(format, args...)}
}

// WrongInside is a mistake at the value that says itself in which member it was made.
func (v Value) WrongInside(format string, args ...any) error {
	return named{&mistake{v.At, fmt.Sprintf(format, args...)}}
}

// Place is an error of Parse: the line and the column, in characters from 1,
// before what is wrong there.
func Place(text []byte, err error) error {
	var m *mistake
	if !errors.As(err, &m) {
		return err
	}
	before := text[:min(m.at, len(text))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("%d:%d: %s", line, column, m.text)
}

// Scan reads a text that is one JSON value and nothing else.
func Scan(text []byte) (Value, error) {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return Value{}, &mistake{at, "this is no UTF-8"}
		}
		at += size
	}
	// Checked as a whole, so that the scanner meets tokens of well-formed JSON only.
	var whole json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(text, &whole); errors.As(err, &syntax) {
		at := max(0, int(syntax.Offset)-1)
		if int(syntax.Offset) == len(text) && !json.Valid(text) && bytes.HasPrefix([]byte(syntax.Error()), []byte("unexpected end")) {
			at = len(text)
		}
		return Value{}, &mistake{at, syntax.Error()}
	}
	s := scanner{text: text, tokens: json.NewDecoder(bytes.NewReader(text))}
	s.tokens.UseNumber()
	return s.value()
}

// scanner makes values of tokens.
type scanner struct {
	text   []byte
	tokens *json.Decoder
}

func (s *scanner) value() (v Value, err error) {
	v.At = int(s.tokens.InputOffset())
	v.At += len(s.text[v.At:]) - len(bytes.TrimLeft(s.text[v.At:], " \t\r\n,:"))
	token, err := s.tokens.Token()
	if err != nil {
		return v, err
	}
	switch token := token.(type) {
	case json.Delim:
		return s.several(v, token == '{')
	case string:
		v.Kind, v.Text = "a text", token
	case json.Number:
		v.Kind, v.Text = "a number", token.String()
	case bool:
		v.Kind, v.Text = "true or false", fmt.Sprint(token)
	default:
		v.Kind = "null"
	}
	return v, nil
}

func (s *scanner) several(v Value, named bool) (Value, error) {
	v.Kind = "a list"
	if named {
		v.Kind = "an object"
	}
	known := map[string]bool{}
	for s.tokens.More() {
		if named {
			key, err := s.value()
			if err != nil {
				return v, err
			}
			if known[key.Text] {
				return v, key.Wrong("%q stands here twice", key.Text)
			}
			known[key.Text] = true
			v.Keys = append(v.Keys, key)
		}
		item, err := s.value()
		if err != nil {
			return v, err
		}
		v.Items = append(v.Items, item)
	}
	_, err := s.tokens.Token()
	return v, err
}

// Is answers a mistake unless the value is of a kind.
func (v Value) Is(kind string) error {
	switch {
	case v.Kind == kind:
		return nil
	case v.Kind == "a text" || v.Kind == "a number" || v.Kind == "true or false":
		return v.Wrong("%q is not %s", v.Text, kind)
	default:
		return v.Wrong("%s is not %s", v.Kind, kind)
	}
}

// Has tells whether an object has a member.
func (v Value) Has(name string) bool {
	return slices.ContainsFunc(v.Keys, func(key Value) bool { return key.Text == name })
}

// Ordered is a JSON object that is written in its order.
type Ordered []Pair

// Pair is a name, which is a string, and a value.
type Pair [2]any

// MarshalJSON implements [json.Marshaler].
func (o Ordered) MarshalJSON() ([]byte, error) {
	text := []byte("{")
	for i, p := range o {
		if i > 0 {
			text = append(text, ',')
		}
		name, err := Readable(p[0])
		if err != nil {
			return nil, err
		}
		item, err := Readable(p[1])
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, name...), ':'), item...)
	}
	return append(text, '}'), nil
}

// Readable is a value as JSON for people too: with <, > and & as they are. Who writes it
// with [json.Marshal] gets them escaped all the same, by an encoder of its own does not.
func Readable(v any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}
