package report

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Pretty is JSON with a line for each member, in its own order. A text in it that is
// a document itself, as a manifest or a policy in an input is, is shown as one. What
// is no JSON stays as it is.
func Pretty(text string) string {
	if !json.Valid([]byte(text)) {
		return text
	}
	var flat, indented bytes.Buffer
	unfold(&flat, text)
	if json.Indent(&indented, flat.Bytes(), "", "  ") != nil {
		return text
	}
	return indented.String()
}

// unfold writes valid JSON with the documents in its texts as values.
func unfold(w *bytes.Buffer, text string) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	unfolder{w, decoder}.value()
}

type unfolder struct {
	w       *bytes.Buffer
	decoder *json.Decoder
}

// token is the next token; there is one, because the text is valid.
func (u unfolder) token() json.Token {
	token, _ := u.decoder.Token()
	return token
}

func (u unfolder) value() {
	switch token := u.token().(type) {
	case json.Delim:
		u.items(token)
	case string:
		if strings.HasPrefix(strings.TrimSpace(token), "{") && json.Valid([]byte(token)) {
			unfold(u.w, token)
			return
		}
		u.scalar(token)
	default:
		u.scalar(token)
	}
}

// items writes what is in an object or an array, and its end.
func (u unfolder) items(open json.Delim) {
	u.w.WriteString(open.String())
	for i := 0; u.decoder.More(); i++ {
		if i > 0 {
			u.w.WriteByte(',')
		}
		if open == '{' {
			u.scalar(u.token())
			u.w.WriteByte(':')
		}
		u.value()
	}
	u.token()
	u.w.WriteByte(byte(open) + 2) // } and ] come two after { and [
}

func (u unfolder) scalar(value any) {
	encoder := json.NewEncoder(u.w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // a token of JSON is JSON; the line's end is space
}
