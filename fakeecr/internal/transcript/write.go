package transcript

import (
	"encoding/json"
	"strings"
)

// writer writes a value: what becomes of its texts is up to who writes.
type writer struct {
	b strings.Builder
	// text writes a text that is a member of a path.
	text func(path string, t Text) (string, error)
	// spaced puts blanks between members, as people write them, and writes what is not
	// sent: that a value is open, or in any order, or inside of a text.
	spaced bool
}

func (w *writer) gap() string {
	if w.spaced {
		return " "
	}
	return ""
}

func (w *writer) value(path string, v *Value) error {
	switch v.kind {
	case literal:
		w.b.WriteString(v.source)
		return nil
	case text:
		written, err := w.text(path, v.text)
		w.b.WriteString(written)
		return err
	case embedded:
		return w.embedded(path, v)
	case list:
		return w.list(path, v)
	default:
		return w.object(path, v)
	}
}

func (w *writer) embedded(path string, v *Value) error {
	if w.spaced {
		opening, closing := "{", "}"
		if v.items[0].kind != object {
			opening, closing = "{{", "}}"
		}
		w.b.WriteString(opening)
		defer w.b.WriteString(closing)
		return w.value(path, v.items[0])
	}
	inner := writer{text: w.text}
	if err := inner.value(path, v.items[0]); err != nil {
		return err
	}
	w.b.WriteString(quote(inner.b.String()))
	return nil
}

func (w *writer) list(path string, v *Value) error {
	w.b.WriteString("[")
	first := true
	next := func() {
		if !first {
			w.b.WriteString("," + w.gap())
		}
		first = false
	}
	if v.anyOrder {
		next()
		w.b.WriteString(quote(anyOrder))
	}
	for _, item := range v.items {
		next()
		if err := w.value(path, item); err != nil {
			return err
		}
	}
	if v.open {
		next()
		w.b.WriteString("...")
	}
	w.b.WriteString("]")
	return nil
}

func (w *writer) object(path string, v *Value) error {
	w.b.WriteString("{")
	for i, m := range v.members {
		if i > 0 {
			w.b.WriteString("," + w.gap())
		}
		w.b.WriteString(quote(m.name) + ":" + w.gap())
		if err := w.value(join(path, m.name), m.value); err != nil {
			return err
		}
	}
	if v.open {
		if len(v.members) > 0 {
			w.b.WriteString("," + w.gap())
		}
		w.b.WriteString("...")
	}
	w.b.WriteString("}")
	return nil
}

// send is a value as a request carries it.
func (v *Value) send(b bindings) ([]byte, error) {
	w := writer{text: func(path string, t Text) (string, error) {
		if only := t.only(); only.name != "" {
			if content, is := made(only.name); is && only.detail == "" && carries(path) {
				return quote(content.carried(path)), nil
			}
			switch bound, _ := b.value(only); bound := bound.(type) {
			case json.Number:
				return bound.String(), nil
			case bool:
				return show(bound), nil
			}
		}
		filled, err := t.fill(b)
		return quote(filled), err
	}}
	err := w.value("", v)
	return []byte(w.b.String()), err
}

// show is a value as people are told what was expected.
func (v *Value) show(b bindings) string {
	w := writer{spaced: true, text: func(_ string, t Text) (string, error) {
		if only := t.only(); only.name != "" {
			if bound, is := b.value(only); is {
				return show(bound), nil
			}
		}
		return quote(t.show(b)), nil
	}}
	w.value("", v)
	return w.b.String()
}

// written is a value as it stands in a transcript.
func (v *Value) written() string {
	w := writer{spaced: true, text: func(_ string, t Text) (string, error) { return quote(t.source()), nil }}
	w.value("", v)
	return w.b.String()
}
