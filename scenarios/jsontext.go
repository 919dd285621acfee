package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// value is JSON that knows where it stands, with its members in their order.
type value struct {
	// at is the offset of its first byte.
	at int
	// kind is "an object", "a list", "a text", "a number", "true or false" or
	// "null".
	kind string
	// text is a text without its quotes, a number as written, or true.
	text  string
	keys  []value
	items []value
}

// mistake is what is wrong with a text, and where.
type mistake struct {
	at   int
	text string
}

func (m *mistake) Error() string { return m.text }

// wrong is a mistake at the value.
func (v value) wrong(format string, args ...any) error {
	return &mistake{v.at, fmt.Sprintf(format, args...)}
}

// place is an error of Parse: the line and the column, in characters from 1,
// before what is wrong there.
func place(text []byte, err error) error {
	var m *mistake
	if !errors.As(err, &m) {
		return err
	}
	before := text[:min(m.at, len(text))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("%d:%d: %s", line, column, m.text)
}

// scan reads a text that is one JSON value and nothing else.
func scan(text []byte) (value, error) {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return value{}, &mistake{at, "this is no UTF-8"}
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
		return value{}, &mistake{at, syntax.Error()}
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

func (s *scanner) value() (v value, err error) {
	v.at = int(s.tokens.InputOffset())
	v.at += len(s.text[v.at:]) - len(bytes.TrimLeft(s.text[v.at:], " \t\r\n,:"))
	token, err := s.tokens.Token()
	if err != nil {
		return v, err
	}
	switch token := token.(type) {
	case json.Delim:
		return s.several(v, token == '{')
	case string:
		v.kind, v.text = "a text", token
	case json.Number:
		v.kind, v.text = "a number", token.String()
	case bool:
		v.kind, v.text = "true or false", fmt.Sprint(token)
	default:
		v.kind = "null"
	}
	return v, nil
}

func (s *scanner) several(v value, named bool) (value, error) {
	v.kind = "a list"
	if named {
		v.kind = "an object"
	}
	known := map[string]bool{}
	for s.tokens.More() {
		if named {
			key, err := s.value()
			if err != nil {
				return v, err
			}
			if known[key.text] {
				return v, key.wrong("%q stands here twice", key.text)
			}
			known[key.text] = true
			v.keys = append(v.keys, key)
		}
		item, err := s.value()
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
	}
	_, err := s.tokens.Token()
	return v, err
}

// is answers a mistake unless the value is of a kind.
func (v value) is(kind string) error {
	switch {
	case v.kind == kind:
		return nil
	case v.kind == "a text" || v.kind == "a number" || v.kind == "true or false":
		return v.wrong("%q is not %s", v.text, kind)
	default:
		return v.wrong("%s is not %s", v.kind, kind)
	}
}

// has tells whether an object has a member.
func (v value) has(name string) bool {
	return slices.ContainsFunc(v.keys, func(key value) bool { return key.text == name })
}

// ordered is a JSON object that is written in its order.
type ordered []pair

type pair struct {
	name  string
	value any
}

// MarshalJSON implements [json.Marshaler].
func (o ordered) MarshalJSON() ([]byte, error) {
	text := []byte("{")
	for i, p := range o {
		if i > 0 {
			text = append(text, ',')
		}
		name, err := readable(p.name)
		if err != nil {
			return nil, err
		}
		item, err := readable(p.value)
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, name...), ':'), item...)
	}
	return append(text, '}'), nil
}

// readable is a value as JSON for people too: with <, > and & as they are. Who writes it
// with [json.Marshal] gets them escaped all the same, by an encoder of its own does not.
func readable(v any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}
