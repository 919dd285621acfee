package scenarios

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// form is the JSON of a kind of value: how it is read, written and described.
type form[V any] struct {
	schema ordered
	read   func(value) (V, error)
	write  func(V) (any, error)
}

// property is a member of a JSON object that stands for an O.
type property[O any] struct {
	name, says string
	required   bool
	// flag is for a member that counts only where it is true.
	flag   bool
	schema ordered
	read   func(O, value) (O, error)
	// write answers nil for a member that is left out.
	write func(O) (any, error)
}

// of is the member of a form, with what gets it from an O, unless it is not there,
// and what sets it.
func of[O, V any](name, says string, f form[V], get func(O) (V, bool), set func(O, V) O) property[O] {
	return property[O]{
		name: name, says: says, schema: f.schema,
		read: func(o O, v value) (O, error) {
			read, err := f.read(v)
			if err != nil {
				return o, err
			}
			return set(o, read), nil
		},
		write: func(o O) (any, error) {
			got, is := get(o)
			if !is {
				return nil, nil
			}
			return f.write(got)
		},
	}
}

// needed is the member as one that must be there.
func (m property[O]) needed() property[O] {
	m.required = true
	return m
}

// object is a JSON object that stands for an O.
type object[O any] struct {
	members []property[O]
	// either are groups of members of which there is one at most.
	either [][]string
	// check answers what a member has made wrong. It may be nil.
	check func(O) error
}

func (f object[O]) read(o O, v value) (O, error) {
	if err := v.is("an object"); err != nil {
		return o, err
	}
	for i, key := range v.keys {
		at := slices.IndexFunc(f.members, func(m property[O]) bool { return m.name == key.text })
		if at < 0 {
			return o, key.wrong("there is no %q here, but %s", key.text, strings.Join(f.names(), ", "))
		}
		for _, group := range f.either {
			for _, other := range v.keys[:i] {
				if slices.Contains(group, key.text) && slices.Contains(group, other.text) && f.counts(other.text, v) && f.counts(key.text, v) {
					return o, key.wrong("either %q or %q", other.text, key.text)
				}
			}
		}
		var err error
		if o, err = f.members[at].read(o, v.items[i]); err == nil && f.check != nil {
			err = f.check(o)
		}
		if err != nil {
			return o, within(v.items[i], key.text, err)
		}
	}
	for _, m := range f.members {
		if m.required && !v.has(m.name) {
			return o, v.wrong("%q is missing", m.name)
		}
	}
	return o, nil
}

// named is a mistake that says in which member it was made.
type named struct{ *mistake }

func (n named) Unwrap() error { return n.mistake }

// within is a mistake in a member: it is named unless one inside of it is.
func within(v value, name string, err error) error {
	var inner named
	if errors.As(err, &inner) {
		return err
	}
	at := v.at
	var m *mistake
	if errors.As(err, &m) {
		at = m.at
	}
	return named{&mistake{at, name + ": " + err.Error()}}
}

func (f object[O]) names() []string {
	names := make([]string, len(f.members))
	for i, m := range f.members {
		names[i] = m.name
	}
	return names
}

func (f object[O]) write(o O) (ordered, error) {
	written := ordered{}
	for _, m := range f.members {
		item, err := m.write(o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		if item != nil {
			written = append(written, pair{m.name, item})
		}
	}
	return written, nil
}

func (f object[O]) schema() ordered {
	properties, required := ordered{}, []string{}
	for _, m := range f.members {
		properties = append(properties, pair{m.name, append(ordered{{"description", m.says}}, m.schema...)})
		if m.required {
			required = append(required, m.name)
		}
	}
	schema := ordered{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}}
	if len(required) > 0 {
		schema = append(schema, pair{"required", required})
	}
	var both []ordered
	for _, group := range f.either {
		for i, one := range group {
			for _, other := range group[i+1:] {
				both = append(both, ordered{{"allOf", []ordered{f.has(one), f.has(other)}}})
			}
		}
	}
	if len(both) > 0 {
		schema = append(schema, pair{"not", ordered{{"anyOf", both}}})
	}
	return schema
}

// has describes an object that has a member and, where it is a flag, has it set.
func (f object[O]) has(member string) ordered {
	return has(slices.DeleteFunc(slices.Clone(f.members), func(m property[O]) bool { return m.name != member }))
}

// counts tells whether a member of an object counts: a flag does where it is true.
func (f object[O]) counts(member string, v value) bool {
	at := slices.IndexFunc(v.keys, func(key value) bool { return key.text == member })
	flag := slices.ContainsFunc(f.members, func(m property[O]) bool { return m.name == member && m.flag })
	return !flag || v.items[at].text == "true"
}

// form is the object as a form, read into what begin answers.
func (f object[O]) form(begin func() O) form[O] {
	return form[O]{
		schema: f.schema(),
		read:   func(v value) (O, error) { return f.read(begin(), v) },
		write:  func(o O) (any, error) { return f.write(o) },
	}
}

// str is a JSON string; a text that is no UTF-8 has none.
var str = form[string]{
	schema: ordered{{"type", "string"}},
	read:   func(v value) (string, error) { return v.text, v.is("a text") },
	write: func(s string) (any, error) {
		if !utf8.ValidString(s) {
			return nil, fmt.Errorf("%q is no UTF-8 and has no JSON", s)
		}
		return s, nil
	},
}

// word is a text that is not empty.
var word = form[string]{
	schema: ordered{{"type", "string"}, {"minLength", 1}},
	read: func(v value) (string, error) {
		if err := v.is("a text"); err != nil {
			return "", err
		}
		if v.text == "" {
			return "", v.wrong("an empty text")
		}
		return v.text, nil
	},
	write: str.write,
}

// oneOf is a text of some.
func oneOf(texts ...string) form[string] {
	return form[string]{
		schema: ordered{{"enum", texts}},
		read: func(v value) (string, error) {
			if err := v.is("a text"); err != nil {
				return "", err
			}
			if !slices.Contains(texts, v.text) {
				return "", v.wrong("%q is none of %s", v.text, strings.Join(texts, ", "))
			}
			return v.text, nil
		},
		write: func(s string) (any, error) { return s, nil },
	}
}

// truth is true or false.
var truth = form[bool]{
	schema: ordered{{"type", "boolean"}},
	read:   func(v value) (bool, error) { return v.text == "true", v.is("true or false") },
	write:  func(b bool) (any, error) { return b, nil },
}

// whole is a whole number that is not below the lowest.
func whole[N int | int64](lowest N) form[N] { return between(lowest, math.MaxInt) }

// between is a whole number from the lowest to the highest. Other languages write
// one as 3.0 or 1e3 too.
func between[N int | int64](lowest, highest N) form[N] {
	return form[N]{
		schema: ordered{{"type", "integer"}, {"minimum", lowest}, {"maximum", highest}},
		read: func(v value) (N, error) {
			if err := v.is("a number"); err != nil {
				return 0, err
			}
			f, _ := strconv.ParseFloat(v.text, 64)
			switch {
			case f < float64(lowest):
				return 0, v.wrong("%s is below %d", v.text, lowest)
			case f > float64(highest):
				return 0, v.wrong("%s is above %d", v.text, highest)
			}
			n, isWhole := wholeOf(v.text, f)
			switch {
			case !isWhole:
				return 0, v.wrong("%s is no whole number", v.text)
			case !n.IsInt64():
				return 0, v.wrong("%s is above %d", v.text, highest)
			}
			return N(n.Int64()), nil
		},
		write: func(n N) (any, error) { return n, nil },
	}
}

// wholeOf is the whole number that a text says, which is about f.
func wholeOf(text string, f float64) (n *big.Int, is bool) {
	if math.Abs(f) < 1 { // of one as small as 1e-99999999 nobody needs the digits
		mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
		return new(big.Int), !strings.ContainsAny(mantissa, "123456789")
	}
	exact, _ := new(big.Rat).SetString(text)
	return exact.Num(), exact.IsInt()
}

// number is any number above 0, up to a greatest.
func number(greatest float64) form[float64] {
	return form[float64]{
		schema: ordered{{"type", "number"}, {"exclusiveMinimum", 0}, {"maximum", greatest}},
		read: func(v value) (float64, error) {
			if err := v.is("a number"); err != nil {
				return 0, err
			}
			f, err := strconv.ParseFloat(v.text, 64)
			switch {
			case err != nil || f > greatest:
				return 0, v.wrong("%s is too much", v.text)
			case f <= 0:
				return 0, v.wrong("%s is not above 0", v.text)
			}
			return f, nil
		},
		write: func(f float64) (any, error) {
			if math.IsInf(f, 1) {
				return nil, fmt.Errorf("%v has no JSON", f)
			}
			return f, nil
		},
	}
}

// duration is a text such as 1h30m.
var duration = form[time.Duration]{
	schema: ordered{{"type", "string"}, {"pattern", `^(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`}},
	read: func(v value) (time.Duration, error) {
		if err := v.is("a text"); err != nil {
			return 0, v.wrong(`%v: a duration is a text such as "5s"`, err)
		}
		d, err := time.ParseDuration(v.text)
		if err != nil || strings.ContainsAny(v.text, "+-") {
			return 0, v.wrong(`%q is no duration such as "1h30m" or "250ms"`, v.text)
		}
		return d, nil
	},
	write: func(d time.Duration) (any, error) {
		said := d.String()
		for _, none := range []string{"m0s", "h0m"} {
			if strings.HasSuffix(said, none) {
				said = said[:len(said)-2]
			}
		}
		return said, nil
	},
}

// positive is a duration that is not zero.
var positive = form[time.Duration]{
	schema: append(slices.Clip(duration.schema), pair{"allOf", []ordered{{{"pattern", "[1-9]"}}}}),
	read: func(v value) (time.Duration, error) {
		d, err := duration.read(v)
		if err == nil && d == 0 {
			err = v.wrong("%q is no time at all", v.text)
		}
		return d, err
	},
	write: duration.write,
}

// list is a list of a form, of some length at least.
func list[V any](f form[V], shortest int) form[[]V] {
	schema := ordered{{"type", "array"}, {"items", f.schema}}
	if shortest > 0 {
		schema = append(schema, pair{"minItems", shortest})
	}
	return form[[]V]{
		schema: schema,
		read: func(v value) ([]V, error) {
			if err := v.is("a list"); err != nil {
				return nil, err
			}
			if len(v.items) < shortest {
				return nil, v.wrong("a list of %d at least", shortest)
			}
			all := make([]V, len(v.items))
			for i, item := range v.items {
				var err error
				if all[i], err = f.read(item); err != nil {
					return nil, err
				}
			}
			return all, nil
		},
		write: func(all []V) (any, error) {
			written := make([]any, len(all))
			for i, item := range all {
				var err error
				if written[i], err = f.write(item); err != nil {
					return nil, err
				}
			}
			return written, nil
		},
	}
}

// oneOrMore is a list of a form, or one by itself.
func oneOrMore[V any](f form[V]) form[[]V] {
	several := list(f, 1)
	return form[[]V]{
		schema: ordered{{"oneOf", []any{f.schema, several.schema}}},
		read: func(v value) ([]V, error) {
			if v.kind == "a list" {
				return several.read(v)
			}
			one, err := f.read(v)
			return []V{one}, err
		},
		write: func(all []V) (any, error) {
			if len(all) == 1 {
				return f.write(all[0])
			}
			return several.write(all)
		},
	}
}
