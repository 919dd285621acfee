package policy

import (
	"fmt"
	"strings"
)

// pretty is a value as Jackson's default pretty-printer writes it, which ECR gives policies back by: two
// spaces of indent, `"Key" : value`, arrays in line, and no newline at the end. The order of keys and the
// spelling of numbers are kept.
func (v value) pretty() string {
	var b strings.Builder
	v.print(&b, 0)
	return b.String()
}

func (v value) print(b *strings.Builder, indent int) {
	switch v.kind {
	case null:
		b.WriteString("null")
	case str:
		quote(b, v.text)
	case scalar:
		b.WriteString(v.text)
	case array:
		b.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte(' ')
			item.print(b, indent)
		}
		b.WriteString(" ]")
	case object:
		v.printObject(b, indent+1)
	}
}

func (v value) printObject(b *strings.Builder, indent int) {
	if len(v.items) == 0 {
		b.WriteString("{ }")
		return
	}
	separator := "{"
	for i, item := range v.items {
		b.WriteString(separator)
		newline(b, indent)
		quote(b, v.keys[i])
		b.WriteString(" : ")
		item.print(b, indent)
		separator = ","
	}
	newline(b, indent-1)
	b.WriteByte('}')
}

func newline(b *strings.Builder, indent int) {
	b.WriteString("\n")
	for range indent {
		b.WriteString("  ")
	}
}

// quote escapes what JSON requires and nothing else, as Jackson does.
func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			if c < ' ' {
				fmt.Fprintf(b, `\u%04X`, c)
			} else {
				b.WriteByte(c)
			}
		}
	}
	b.WriteByte('"')
}
