package transcript

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

type kind int

const (
	literal kind = iota // null, true, false or a number
	text
	list
	object
	embedded // JSON inside of a text
)

// Value is a value of JSON, as it is sent or as it is claimed.
type Value struct {
	kind kind
	// source is what a literal is written as.
	source string
	text   Text
	// items are a list's elements, and the object inside of a text.
	items   []*Value
	members []member
	// open tells that there may be more, anyOrder that a list's order does not matter.
	open, anyOrder bool
}

type member struct {
	name  string
	value *Value
}

func (v *Value) member(name string) *Value {
	for _, m := range v.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// naming tells why a name may not be used, "" if it may.
type naming func(name string) string

// scanner reads a line of words and values.
type scanner struct {
	line  *line
	names naming
	at    int
	// answer tells that values are claims.
	answer bool
}

func (s *scanner) rest() string { return s.line.text[s.at:] }

func (s *scanner) space() {
	for s.at < len(s.line.text) && strings.IndexByte(" \t\n", s.line.text[s.at]) >= 0 {
		s.at++
	}
}

// next is where the next word begins.
func (s *scanner) next() int {
	s.space()
	return s.at
}

func (s *scanner) atEnd() bool { return s.next() == len(s.line.text) }

func (s *scanner) end() error {
	if !s.atEnd() {
		return s.line.mistake(s.at, "the line was to end here")
	}
	return nil
}

// peek is the next word, or "".
func (s *scanner) peek() string {
	s.space()
	if i := strings.IndexAny(s.rest(), " \t\n"); i >= 0 {
		return s.rest()[:i]
	}
	return s.rest()
}

func (s *scanner) word() string {
	w := s.peek()
	s.at += len(w)
	return w
}

// textWord is a word that names may be part of.
func (s *scanner) textWord(what string) (Text, error) {
	start := s.next()
	w := s.word()
	if w == "" {
		return nil, s.line.mistake(start, "here goes %s", what)
	}
	return s.text(start, w)
}

// body reads what is left of a line; nil is nothing.
func (s *scanner) body() (*Body, error) {
	if s.atEnd() {
		return nil, nil
	}
	if name := strings.TrimPrefix(s.peek(), "$"); isMade(name) {
		s.word()
		return &Body{Content: name}, nil
	}
	v, err := s.value(0)
	return &Body{Value: v}, err
}

// deepest is how deep values may be nested.
const deepest = 100

// value reads a value.
func (s *scanner) value(depth int) (*Value, error) {
	start := s.next()
	if depth > deepest {
		return nil, s.line.mistake(start, "values are nested %d deep at most", deepest)
	}
	rest := s.rest()
	switch {
	case strings.HasPrefix(rest, `"`):
		return s.quoted()
	case strings.HasPrefix(rest, "{{"):
		return s.embedded(depth)
	case strings.HasPrefix(rest, "{"):
		return s.object(depth)
	case strings.HasPrefix(rest, "["):
		return s.list(depth)
	}
	if found := literalPattern.FindString(rest); found != "" {
		s.at += len(found)
		return &Value{kind: literal, source: found}, nil
	}
	return nil, s.line.mistake(start, "this is no value of JSON")
}

// embedded reads JSON inside of a text: an object whose braces are doubled, or any
// value between such braces.
func (s *scanner) embedded(depth int) (*Value, error) {
	s.at++
	inside := strings.TrimLeft(s.rest()[1:], " \t\n")
	around := strings.HasPrefix(inside, "{") || strings.HasPrefix(inside, "[")
	if around {
		s.at++
	}
	inner, err := s.value(depth + 1)
	if err == nil && around {
		err = s.expect("}", "a text that is JSON ends with }}")
	}
	if err != nil {
		return nil, err
	}
	return &Value{kind: embedded, items: []*Value{inner}}, s.expect("}", "a text that is JSON ends with }}")
}

var literalPattern = regexp.MustCompile(`^(?:null|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\b`)

func (s *scanner) expect(token, reason string) error {
	s.space()
	if !strings.HasPrefix(s.rest(), token) {
		return s.line.mistake(s.at, "%s", reason)
	}
	s.at += len(token)
	return nil
}

// more reads what stands between the parts of an object or a list: it answers false
// at its end. A bare ... is the last part of one that is open.
func (s *scanner) more(v *Value, n int, closing string) (bool, error) {
	s.space()
	if strings.HasPrefix(s.rest(), closing) {
		s.at += len(closing)
		return false, nil
	}
	if n > 0 {
		if err := s.expect(",", "here goes a comma or "+closing); err != nil {
			return false, err
		}
		s.space()
	}
	if !strings.HasPrefix(s.rest(), "...") {
		return true, nil
	}
	if !s.answer {
		return false, s.line.mistake(s.at, "only what is claimed may be left open")
	}
	s.at += len("...")
	v.open = true
	return false, s.expect(closing, "... is the last member")
}

func (s *scanner) object(depth int) (*Value, error) {
	v := &Value{kind: object}
	s.at++
	for {
		more, err := s.more(v, len(v.members), "}")
		if err != nil || !more {
			return v, err
		}
		start := s.next()
		if !strings.HasPrefix(s.rest(), `"`) {
			return nil, s.line.mistake(start, "here goes the name of a member, in quotes, or }")
		}
		name, err := s.unquote()
		if err != nil {
			return nil, err
		}
		if v.member(name) != nil {
			return nil, s.line.mistake(start, "the object has this member already")
		}
		if err := s.expect(":", "after the name of a member goes a colon"); err != nil {
			return nil, err
		}
		value, err := s.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.members = append(v.members, member{name, value})
	}
}

// anyOrder is in a list whose order does not matter.
const anyOrder = "<any order>"

func (s *scanner) list(depth int) (*Value, error) {
	v := &Value{kind: list}
	s.at++
	for n := 0; ; n++ {
		more, err := s.more(v, n, "]")
		if err != nil || !more {
			return v, err
		}
		if s.answer && strings.HasPrefix(s.rest(), `"`+anyOrder+`"`) {
			s.at += len(anyOrder) + 2
			v.anyOrder = true
			continue
		}
		item, err := s.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
}

func (s *scanner) quoted() (*Value, error) {
	start := s.at
	found, err := s.unquote()
	if err != nil {
		return nil, err
	}
	t, err := s.text(start, found)
	return &Value{kind: text, text: t}, err
}

// unquote reads a string of JSON.
func (s *scanner) unquote() (string, error) {
	start := s.at
	for i := start + 1; i < len(s.line.text); i++ {
		switch s.line.text[i] {
		case '\\':
			i++
		case '\n':
			return "", s.line.mistake(start, "a text ends in the line that it begins in")
		case '"':
			raw := s.line.text[start : i+1]
			var found string
			if err := json.Unmarshal([]byte(raw), &found); err != nil || !wellPaired(raw) {
				return "", s.line.mistake(start, "this is no text of JSON")
			}
			s.at = i + 1
			return found, nil
		}
	}
	return "", s.line.mistake(start, "the text has no closing quote")
}

// wellPaired tells whether the surrogates that a text escapes are pairs, which
// encoding/json does not ask.
func wellPaired(raw string) bool {
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		first, second := unit(raw[i-1:]), unit(raw[min(i+5, len(raw)):])
		if utf16.IsSurrogate(first) {
			if utf16.DecodeRune(first, second) == utf8.RuneError {
				return false
			}
			i += 6
		}
	}
	return true
}

// unit is the UTF-16 unit that a text begins with as \uXXXX, -1 if it does not.
func unit(raw string) rune {
	if len(raw) < 6 || raw[:2] != `\u` {
		return -1
	}
	var r rune
	for _, c := range raw[2:6] {
		digit := strings.IndexRune("0123456789abcdef", c|0x20)
		if digit < 0 {
			return -1
		}
		r = r<<4 | rune(digit)
	}
	return r
}
