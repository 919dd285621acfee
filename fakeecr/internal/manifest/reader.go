package manifest

import (
	"encoding/json"
	"strconv"
	"strings"
)

// maxDepth bounds the nesting of a document, and with it the stack of skip. Manifests need 6 levels.
const maxDepth = 1000

// reader reads JSON front to back without building values: its strings are pieces of the text.
// encoding/json takes four times as long, and takes member names in any case.
//
// The first failure is kept and moves the reader to the end of the text, where everything else
// fails: callers need not check each step.
type reader struct {
	text   string
	pos    int
	depth  int
	reason string // why the reader failed, empty while it has not
}

func (r *reader) fail(reason string) {
	if r.reason == "" {
		r.reason = reason
	}
	r.pos = len(r.text)
}

// end fails unless the whole text has been read.
func (r *reader) end() {
	if r.peek(); r.pos < len(r.text) {
		r.fail("not JSON: text after the document")
	}
}

// peek skips white space and returns the byte behind it, 0 at the end.
func (r *reader) peek() byte {
	for ; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (r *reader) accept(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.pos++
	return true
}

func (r *reader) expect(c byte) {
	if !r.accept(c) {
		r.fail("not JSON, or a value of the wrong type: no " + string(rune(c)))
	}
}

func (r *reader) acceptWord(word string) bool {
	r.peek()
	if !strings.HasPrefix(r.text[r.pos:], word) {
		return false
	}
	r.pos += len(word)
	return true
}

// object yields the name of each member with the reader before its value, which the loop's body
// must read. Members that are null count as absent.
func (r *reader) object(yield func(name string) bool) {
	r.open('{')
	for more := !r.accept('}'); more; more = r.more('}') {
		name := r.string()
		r.expect(':')
		if !r.acceptWord("null") && !yield(name) {
			return
		}
	}
	r.depth--
}

// array yields before each element, which the loop's body must read.
func (r *reader) array(yield func() bool) {
	r.open('[')
	for more := !r.accept(']'); more; more = r.more(']') {
		if !yield() {
			return
		}
	}
	r.depth--
}

func (r *reader) open(bracket byte) {
	r.expect(bracket)
	if r.depth++; r.depth > maxDepth {
		r.fail("nested too deeply")
	}
}

// more reads what follows an element: a comma, or the bracket that ends the list.
func (r *reader) more(bracket byte) bool {
	if r.accept(',') {
		return true
	}
	r.expect(bracket)
	return false
}

func (r *reader) string() string {
	r.expect('"')
	start, escaped := r.pos, false
	for i := start; i < len(r.text); i++ {
		c := r.text[i]
		if c > '\\' { // most of what manifests are made of
			continue
		}
		switch {
		case c == '"':
			r.pos = i + 1
			if escaped {
				return r.unquote(r.text[start-1 : r.pos])
			}
			return r.text[start:i]
		case c == '\\':
			escaped = true
			i++ // what follows does not end the string
		case c < ' ':
			r.fail("not JSON: control character in a string")
		}
	}
	r.fail("not JSON: string without an end")
	return ""
}

func (r *reader) unquote(quoted string) (s string) {
	if json.Unmarshal([]byte(quoted), &s) != nil {
		r.fail("not JSON: wrong escape in a string")
	}
	return s
}

// natural reads an integer that is not negative, in digits alone.
func (r *reader) natural() int64 {
	digits := r.number()
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || len(digits) > 1 && digits[0] == '0' {
		r.fail("not a natural number of 63 bits")
	}
	return int64(n)
}

// number returns the longest run of characters that numbers are made of.
func (r *reader) number() string {
	r.peek()
	rest := r.text[r.pos:]
	n := 0
	for n < len(rest) && (isDigit(rest[n]) || strings.IndexByte("+-.eE", rest[n]) >= 0) {
		n++
	}
	r.pos += n
	return rest[:n]
}

// skip reads a value of any type.
func (r *reader) skip() {
	switch r.peek() {
	case '{':
		for range r.object {
			r.skip()
		}
	case '[':
		for range r.array {
			r.skip()
		}
	case '"':
		r.string()
	default:
		if r.acceptWord("true") || r.acceptWord("false") || r.acceptWord("null") {
			return
		}
		if !json.Valid([]byte(r.number())) {
			r.fail("not JSON: no value")
		}
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// quote keeps reasons short: a name in a document can have megabytes.
func quote(s string) string { return strconv.Quote(s[:min(len(s), 100)]) }
