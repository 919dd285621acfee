package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// In a pattern the wildcards are bytes that occur in no UTF-8 text, so that a literal * (written ${*},
// or part of a variable's value) stays one.
const (
	anyText = '\xff' // *
	anyRune = '\xfe' // ?
)

var wildcards = strings.NewReplacer("*", "\xff", "?", "\xfe")

// match reports whether the pattern matches all of s. On a mismatch only the last * grows, because the
// earlier ones could gain nothing: the cost is at most len(pattern) times len(s).
func match(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == anyText:
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == anyRune:
			p, i = p+1, i+width(s[i:])
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			mark += width(s[mark:])
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anyText {
		p++
	}
	return p == len(pattern)
}

func width(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// matchARN compares the six parts of two ARNs one by one, so that a * in the policy does not reach over
// a colon, as the Arn operators of IAM do.
func matchARN(pattern, arn string) bool {
	if pattern == "\xff" {
		return true
	}
	for range 5 {
		want, restWant, ok := strings.Cut(pattern, ":")
		got, restGot, found := strings.Cut(arn, ":")
		if !ok || !found || !match(want, got) {
			return false
		}
		pattern, arn = restWant, restGot
	}
	return match(pattern, arn)
}

// A lookup gives the values of a condition key; see Request.Context.
type lookup = func(key string) ([]string, bool)

func find(context lookup, key string) ([]string, bool) {
	if context == nil {
		return nil, false
	}
	values, ok := context(key)
	return values, ok && len(values) > 0
}

// A template is a pattern or a plain text that may hold variables (${aws:PrincipalTag/team}). IAM reads
// variables in the resources and in the string and ARN conditions of version 2012-10-17; in older
// documents they are plain text.
type template struct {
	text  string // when there is no variable
	parts []part
}

// A part is a variable, or text when it has no key.
type part struct {
	key        string
	text       string // the text, or the variable's default
	hasDefault bool
}

func compile(text string, variables, wild bool) (template, error) {
	literal := func(s string) string { return s }
	if wild {
		literal = wildcards.Replace
	}
	var t template
	for variables {
		before, rest, ok := strings.Cut(text, "${")
		if !ok {
			break
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return template{}, fmt.Errorf("variable without an end in %q", text)
		}
		t.text += literal(before)
		text = after
		if name == "*" || name == "?" || name == "$" {
			t.text += name
			continue
		}
		p, err := variable(name)
		if err != nil {
			return template{}, err
		}
		t.parts = append(t.parts, part{text: t.text}, p)
		t.text = ""
	}
	t.text += literal(text)
	if t.parts != nil {
		t.parts, t.text = append(t.parts, part{text: t.text}), ""
	}
	return t, nil
}

// variable reads what stands between the braces: a condition key, or a key and its default
// (aws:PrincipalTag/team, 'none').
func variable(name string) (part, error) {
	name, fallback, hasDefault := strings.Cut(name, ",")
	key, err := conditionKey(strings.TrimSpace(name))
	if err != nil {
		return part{}, err
	}
	if hasDefault {
		fallback = strings.TrimSpace(fallback)
		if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
			return part{}, errors.New("the default of a variable needs single quotes")
		}
		fallback = fallback[1 : len(fallback)-1]
	}
	return part{key: key, text: fallback, hasDefault: hasDefault}, nil
}

// expand puts values in the place of the variables. A variable that has neither one value nor a default
// makes it false: such a template matches nothing.
func (t *template) expand(context lookup) (string, bool) {
	if t.parts == nil {
		return t.text, true
	}
	var b strings.Builder
	for _, p := range t.parts {
		text := p.text
		if p.key != "" {
			values, ok := find(context, p.key)
			switch {
			case ok && len(values) == 1:
				text = strings.ToValidUTF8(values[0], "\uFFFD") // no wildcard comes in by a value
			case ok || !p.hasDefault:
				return "", false
			}
		}
		b.WriteString(text)
	}
	return b.String(), true
}
