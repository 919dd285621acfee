package transcript

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Text is a text in which names are filled in and, if it is claimed, placeholders
// stand for what differs.
type Text []segment

// segment is a part of a text: what is written, a name, or a placeholder.
type segment struct {
	written string
	// name is bound to a value, of which detail is a part, or "".
	name, detail string
	hole         string
}

// holes are what placeholders in a text stand for.
var holes = map[string]string{
	"<time>":   `(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT)`,
	"<number>": `-?[0-9]+(?:\.[0-9]+)?`,
	"<uuid>":   `[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`,
	"<url>":    `https?://[^\s"']+`,
	"<caller>": `arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:[^\s"']+`,
	"<any>":    `(?s:.*)`,
}

var (
	nameInText = regexp.MustCompile(`^[a-z][A-Za-z0-9]*`)
	detail     = regexp.MustCompile(`^\.([a-z][A-Za-z0-9]*)`)
	holeInText = regexp.MustCompile(`^<(?:time|number|uuid|url|caller|any)>`)
)

// text reads a text that begins at an offset of the line.
func (s *scanner) text(start int, written string) (Text, error) {
	var t Text
	var plain strings.Builder
	flush := func(next segment) {
		if plain.Len() > 0 {
			t = append(t, segment{written: plain.String()})
			plain.Reset()
		}
		if next != (segment{}) {
			t = append(t, next)
		}
	}
	for rest := written; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "$$"):
			plain.WriteByte('$')
			rest = rest[2:]
		case rest[0] == '$':
			found, err := s.name(start, rest[1:])
			if err != nil {
				return nil, err
			}
			flush(found)
			rest = rest[1+len(found.name):]
			if found.detail != "" {
				rest = rest[1+len(found.detail):]
			}
		case rest[0] == '<' && holeInText.MatchString(rest):
			hole := holeInText.FindString(rest)
			flush(segment{hole: hole})
			rest = rest[len(hole):]
		default:
			plain.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	flush(segment{})
	return t, nil
}

// name reads a name after its dollar.
func (s *scanner) name(start int, rest string) (segment, error) {
	name := nameInText.FindString(rest)
	if name == "" {
		return segment{}, s.line.mistake(start, "a dollar begins the name of a value; $$ is a dollar")
	}
	if reason := s.names(name); reason != "" {
		return segment{}, s.line.mistake(start, "$%s: %s", name, reason)
	}
	found := segment{name: name}
	if part := detail.FindStringSubmatch(rest[len(name):]); part != nil && isMade(name) {
		content, _ := made(name)
		if _, has := content.detail(part[1]); !has {
			return segment{}, s.line.mistake(start, "%s has no %s, but %s", name, part[1], strings.Join(content.details(), ", "))
		}
		found.detail = part[1]
	}
	return found, nil
}

// scope is the names that are bound where a line is read.
type scope map[string]bool

// given are the names that every transcript has.
var given = []string{"repo", "repo2", "base", "account", "region", "region2"}

func newScope() scope {
	sc := scope{}
	for _, name := range given {
		sc[name] = true
	}
	return sc
}

func (sc scope) inRequest(name string) string {
	if sc[name] || isMade(name) {
		return ""
	}
	return "nothing before it binds this name; what is bound is $" + strings.Join(given, ", $") + ", made content such as $image1, and what earlier answers took"
}

// inAnswer binds a name that is not bound yet.
func (sc scope) inAnswer(name string) string {
	sc[name] = true
	return ""
}

// bindings are the values of names: a string, a json.Number or a bool.
type bindings map[string]any

// value is what a name stands for; false if nothing has bound it.
func (b bindings) value(g segment) (any, bool) {
	if content, is := made(g.name); is {
		if g.detail == "" {
			return content.digest(), true
		}
		return content.detail(g.detail)
	}
	v, bound := b[g.name]
	return v, bound
}

// fill is the text with its names filled in. Placeholders stay as they are. The error
// names what is not bound.
func (t Text) fill(b bindings) (string, error) {
	var filled strings.Builder
	for _, g := range t {
		switch {
		case g.name != "":
			v, bound := b.value(g)
			if !bound {
				return "", fmt.Errorf("no answer has bound $%s", g.name)
			}
			fmt.Fprint(&filled, v)
		default:
			filled.WriteString(g.written + g.hole)
		}
	}
	return filled.String(), nil
}

// only is the text's part if it has but one.
func (t Text) only() segment {
	if len(t) == 1 {
		return t[0]
	}
	return segment{}
}

// show is the text as people are told what was expected.
func (t Text) show(b bindings) string {
	var shown strings.Builder
	for _, g := range t {
		if v, bound := b.value(g); g.name != "" && bound {
			fmt.Fprint(&shown, v)
		} else if g.name != "" {
			shown.WriteString("$" + g.name)
		} else {
			shown.WriteString(g.written + g.hole)
		}
	}
	return shown.String()
}

// source is the text as it is written.
func (t Text) source() string {
	var written strings.Builder
	for _, g := range t {
		switch {
		case g.detail != "":
			written.WriteString("$" + g.name + "." + g.detail)
		case g.name != "":
			written.WriteString("$" + g.name)
		default:
			written.WriteString(strings.ReplaceAll(g.written, "$", "$$") + g.hole)
		}
	}
	return written.String()
}

// matches tells whether a string is what the text claims, and binds what it takes.
func (t Text) matches(got string, b bindings) bool {
	var pattern strings.Builder
	var taken []string
	pattern.WriteString(`\A`)
	for _, g := range t {
		switch {
		case g.name == "":
			if g.hole != "" {
				pattern.WriteString(holes[g.hole])
			} else {
				pattern.WriteString(regexp.QuoteMeta(g.written))
			}
		default:
			if v, bound := b.value(g); bound {
				pattern.WriteString(regexp.QuoteMeta(fmt.Sprint(v)))
			} else {
				pattern.WriteString(`((?s:.+?))`)
				taken = append(taken, g.name)
			}
		}
	}
	compiled, err := regexp.Compile(pattern.String() + `\z`)
	if err != nil {
		return false
	}
	found := compiled.FindStringSubmatch(got)
	if found == nil {
		return false
	}
	for i, name := range taken {
		if first := slices.Index(taken, name); found[first+1] != found[i+1] {
			return false
		}
	}
	for i, name := range taken {
		b[name] = found[i+1]
	}
	return true
}

// quote is a string as JSON, without the escapes that HTML would need.
func quote(s string) string {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.Encode(s) // a string has a form in JSON
	return strings.TrimSuffix(text.String(), "\n")
}
