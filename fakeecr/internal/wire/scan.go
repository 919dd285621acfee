package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A scanner walks over JSON text (RFC 8259) that is known to be UTF-8.
type scanner struct {
	text []byte
	pos  int
}

// peek returns the next byte that is not white space, and 0 at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) take(c byte) error {
	if s.peek() != c {
		return s.unexpected()
	}
	s.pos++
	return nil
}

// more reports whether another element follows in the container that ends with the byte end; it consumes the comma
// before the element, or the end.
func (s *scanner) more(end byte, first bool) (bool, error) {
	switch c := s.peek(); {
	case c == end:
		s.pos++
		return false, nil
	case first:
		return true, nil
	default:
		return true, s.take(',')
	}
}

// key reads the name of a member and the colon after it.
func (s *scanner) key() ([]byte, error) {
	name, escaped, err := s.str()
	if err != nil {
		return nil, err
	}
	if escaped {
		name = []byte(unescape(name))
	}
	return name, s.take(':')
}

// str reads a string and returns what stands between its quotes, and whether there is a backslash in it.
func (s *scanner) str() (raw []byte, escaped bool, err error) {
	if err := s.take('"'); err != nil {
		return nil, false, err
	}
	start := s.pos
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return s.text[start : s.pos-1], escaped, nil
		case c < ' ':
			return nil, false, s.unexpected()
		case c == '\\':
			n := escapeLen(s.text[s.pos:])
			if n == 0 {
				return nil, false, s.unexpected()
			}
			s.pos += n
			escaped = true
		default:
			s.pos++
		}
	}
	return nil, false, s.unexpected()
}

// escapeLen returns the length of the escape sequence that text begins with, 0 if it is none.
func escapeLen(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(text) >= 6 && hex4(text[2:6]) >= 0 {
			return 6
		}
	}
	return 0
}

// hex4 returns the number that four hexadecimal digits stand for, -1 if they are not.
func hex4(digits []byte) rune {
	var r rune
	for _, c := range digits[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// unescape resolves the escape sequences of a string, which are known to be valid. Half a surrogate pair becomes
// U+FFFD.
func unescape(raw []byte) string {
	var b strings.Builder
	b.Grow(len(raw))
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			b.Write(raw)
			return b.String()
		}
		b.Write(raw[:i])
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r := hex4(raw)
			raw = raw[4:]
			if utf16.IsSurrogate(r) && bytes.HasPrefix(raw, []byte(`\u`)) {
				if pair := utf16.DecodeRune(r, hex4(raw[2:])); pair != '\uFFFD' {
					r, raw = pair, raw[6:]
				}
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
		}
	}
}

func (s *scanner) literal(word string) error {
	if !bytes.HasPrefix(s.text[s.pos:], []byte(word)) {
		return s.unexpected()
	}
	s.pos += len(word)
	return nil
}

func (s *scanner) number() ([]byte, error) {
	start := s.pos
	s.accept("-")
	if !s.accept("0") && !s.digits() {
		return nil, s.unexpected()
	}
	if s.accept(".") && !s.digits() {
		return nil, s.unexpected()
	}
	if s.accept("eE") {
		s.accept("+-")
		if !s.digits() {
			return nil, s.unexpected()
		}
	}
	return s.text[start:s.pos], nil
}

func (s *scanner) accept(set string) bool {
	ok := s.pos < len(s.text) && strings.IndexByte(set, s.text[s.pos]) >= 0
	if ok {
		s.pos++
	}
	return ok
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.accept("0123456789") {
	}
	return s.pos > start
}

// skip reads over a value of any shape. It keeps a byte for each open container rather than a stack frame, so that no
// depth is too deep.
func (s *scanner) skip() error {
	var ends []byte
	for {
		first := true
		switch s.peek() {
		case '{':
			s.pos++
			ends = append(ends, '}')
		case '[':
			s.pos++
			ends = append(ends, ']')
		default:
			if err := s.scalar(); err != nil {
				return err
			}
			first = false
		}
		for ; len(ends) > 0; ends = ends[:len(ends)-1] {
			end := ends[len(ends)-1]
			more, err := s.more(end, first)
			if more && err == nil && end == '}' {
				_, err = s.key()
			}
			if err != nil {
				return err
			}
			if more {
				break
			}
			first = false
		}
		if len(ends) == 0 {
			return nil
		}
	}
}

func (s *scanner) scalar() (err error) {
	switch s.peek() {
	case '"':
		_, _, err = s.str()
	case 't':
		err = s.literal("true")
	case 'f':
		err = s.literal("false")
	case 'n':
		err = s.literal("null")
	default:
		_, err = s.number()
	}
	return err
}

// unexpected is the error of text that is not JSON at the scanner's position.
func (s *scanner) unexpected() error {
	if s.pos >= len(s.text) {
		return errors.New("the body is not valid JSON: it ends too early")
	}
	before := s.text[max(0, s.pos-20):s.pos]
	return fmt.Errorf("the body is not valid JSON: unexpected %s after %q", strconv.QuoteRune(rune(s.text[s.pos])), before)
}
