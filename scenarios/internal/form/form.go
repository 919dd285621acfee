// Package form has forms of JSON: how a kind of value is read, with the place of a
// mistake, how it is written, and its schema. It knows nothing of rules.
package form

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
type Of[V any] struct {
	Schema Ordered
	Read   func(Value) (V, error)
	Write  func(V) (any, error)
}

// Property is a member of a JSON object that stands for an O.
type Property[O any] struct {
	Described
	Read func(O, Value) (O, error)
	// Write answers nil for a member that is left out.
	Write func(O) (any, error)
}

// Member is the member of a form, with what gets it from an O, unless it is not there,
// and what sets it.
func Member[O, V any](name, says string, f Of[V], get func(O) (V, bool), set func(O, V) O) Property[O] {
	return Property[O]{
		Described: Described{Name: name, Says: says, Schema: f.Schema},
		Read: func(o O, v Value) (O, error) {
			read, err := f.Read(v)
			if err != nil {
				return o, err
			}
			return set(o, read), nil
		},
		Write: func(o O) (any, error) {
			got, is := get(o)
			if !is {
				return nil, nil
			}
			return f.Write(got)
		},
	}
}

// Needed is the member as one that must be there.
func (p Property[O]) Needed() Property[O] {
	p.Required = true
	return p
}

// Object is a JSON object that stands for an O.
type Object[O any] struct {
	Members []Property[O]
	// Either are groups of members of which there is one at most.
	Either [][]string
	// Check answers what a member has made wrong. It may be nil.
	Check func(O) error
}

func (object Object[O]) Read(o O, v Value) (O, error) {
	shape := object.shape()
	if err := v.Is("an object"); err != nil {
		return o, err
	}
	for i, key := range v.Keys {
		at, err := shape.find(v, i)
		if err != nil {
			return o, err
		}
		if o, err = object.Members[at].Read(o, v.Items[i]); err == nil && object.Check != nil {
			err = object.Check(o)
		}
		if err != nil {
			return o, Within(v.Items[i], key.Text, err)
		}
	}
	return o, shape.complete(v)
}

// named is a mistake that says in which member it was made.
type named struct{ *mistake }

func (n named) Unwrap() error { return n.mistake }

// Within is a mistake in a member: it is named unless one inside of it is.
func Within(v Value, name string, err error) error {
	var inner named
	if errors.As(err, &inner) {
		return err
	}
	at := v.At
	var m *mistake
	if errors.As(err, &m) {
		at = m.at
	}
	return named{&mistake{at, name + ": " + err.Error()}}
}

func (object Object[O]) Write(o O) (Ordered, error) {
	written := Ordered{}
	for _, m := range object.Members {
		item, err := m.Write(o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		if item != nil {
			written = append(written, Pair{m.Name, item})
		}
	}
	return written, nil
}

// Schema describes the object.
func (object Object[O]) Schema() Ordered { return object.shape().schema() }

// Described is what is said of its members.
func (object Object[O]) Described() (all []Described) {
	for _, m := range object.Members {
		all = append(all, m.Described)
	}
	return all
}

// shape is the object without its O.
func (object Object[O]) shape() shape { return shape{object.Described(), object.Either} }

// Form is the object as a form, read into what begin answers.
func (object Object[O]) Form(begin func() O) Of[O] {
	return Of[O]{
		Schema: object.Schema(),
		Read:   func(v Value) (O, error) { return object.Read(begin(), v) },
		Write:  func(o O) (any, error) { return object.Write(o) },
	}
}

// Text is a JSON string; a text that is no UTF-8 has none.
var Text = Of[string]{
	Schema: Ordered{{"type", "string"}},
	Read:   func(v Value) (string, error) { return v.Text, v.Is("a text") },
	Write: func(s string) (any, error) {
		if !utf8.ValidString(s) {
			return nil, fmt.Errorf("%q is no UTF-8 and has no JSON", s)
		}
		return s, nil
	},
}

// Word is a text that is not empty.
var Word = Of[string]{
	Schema: Ordered{{"type", "string"}, {"minLength", 1}},
	Read: func(v Value) (string, error) {
		if err := v.Is("a text"); err != nil {
			return "", err
		}
		if v.Text == "" {
			return "", v.Wrong("an empty text")
		}
		return v.Text, nil
	},
	Write: Text.Write,
}

// OneOf is a text of some.
func OneOf(texts ...string) Of[string] {
	return Of[string]{
		Schema: Ordered{{"enum", texts}},
		Read: func(v Value) (string, error) {
			if err := v.Is("a text"); err != nil {
				return "", err
			}
			if !slices.Contains(texts, v.Text) {
				return "", v.Wrong("%q is none of %s", v.Text, strings.Join(texts, ", "))
			}
			return v.Text, nil
		},
		Write: func(s string) (any, error) { return s, nil },
	}
}

// Truth is true or false.
var Truth = Of[bool]{
	Schema: Ordered{{"type", "boolean"}},
	Read:   func(v Value) (bool, error) { return v.Text == "true", v.Is("true or false") },
	Write:  func(b bool) (any, error) { return b, nil },
}

// Whole is a whole number that is not below the lowest.
func Whole[N int | int64](lowest N) Of[N] { return Between(lowest, math.MaxInt) }

// Between is a whole number from the lowest to the highest. Other languages write
// one as 3.0 or 1e3 too.
func Between[N int | int64](lowest, highest N) Of[N] {
	return Of[N]{
		Schema: Ordered{{"type", "integer"}, {"minimum", lowest}, {"maximum", highest}},
		Read: func(v Value) (N, error) {
			if err := v.Is("a number"); err != nil {
				return 0, err
			}
			f, _ := strconv.ParseFloat(v.Text, 64)
			switch {
			case f < float64(lowest):
				return 0, v.Wrong("%s is below %d", v.Text, lowest)
			case f > float64(highest):
				return 0, v.Wrong("%s is above %d", v.Text, highest)
			}
			n, isWhole := wholeOf(v.Text, f)
			switch {
			case !isWhole:
				return 0, v.Wrong("%s is no whole number", v.Text)
			case !n.IsInt64():
				return 0, v.Wrong("%s is above %d", v.Text, highest)
			}
			return N(n.Int64()), nil
		},
		Write: func(n N) (any, error) { return n, nil },
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

// Number is any number above 0, up to a greatest.
func Number(greatest float64) Of[float64] {
	return Of[float64]{
		Schema: Ordered{{"type", "number"}, {"exclusiveMinimum", 0}, {"maximum", greatest}},
		Read: func(v Value) (float64, error) {
			if err := v.Is("a number"); err != nil {
				return 0, err
			}
			f, err := strconv.ParseFloat(v.Text, 64)
			switch {
			case err != nil || f > greatest:
				return 0, v.Wrong("%s is too much", v.Text)
			case f <= 0:
				return 0, v.Wrong("%s is not above 0", v.Text)
			}
			return f, nil
		},
		Write: func(f float64) (any, error) {
			if math.IsInf(f, 1) {
				return nil, fmt.Errorf("%v has no JSON", f)
			}
			return f, nil
		},
	}
}

// Duration is a text such as 1h30m.
var Duration = Of[time.Duration]{
	Schema: Ordered{{"type", "string"}, {"pattern", `^(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`}},
	Read: func(v Value) (time.Duration, error) {
		if err := v.Is("a text"); err != nil {
			return 0, v.Wrong(`%v: a duration is a text such as "5s"`, err)
		}
		d, err := time.ParseDuration(v.Text)
		if err != nil || strings.ContainsAny(v.Text, "+-") {
			return 0, v.Wrong(`%q is no duration such as "1h30m" or "250ms"`, v.Text)
		}
		return d, nil
	},
	Write: func(d time.Duration) (any, error) {
		said := d.String()
		for _, none := range []string{"m0s", "h0m"} {
			if strings.HasSuffix(said, none) {
				said = said[:len(said)-2]
			}
		}
		return said, nil
	},
}

// Positive is a duration that is not zero.
var Positive = Of[time.Duration]{
	Schema: append(slices.Clip(Duration.Schema), Pair{"allOf", []Ordered{{{"pattern", "[1-9]"}}}}),
	Read: func(v Value) (time.Duration, error) {
		d, err := Duration.Read(v)
		if err == nil && d == 0 {
			err = v.Wrong("%q is no time at all", v.Text)
		}
		return d, err
	},
	Write: Duration.Write,
}

// List is a list of a form, of some length at least.
func List[V any](f Of[V], shortest int) Of[[]V] {
	schema := Ordered{{"type", "array"}, {"items", f.Schema}}
	if shortest > 0 {
		schema = append(schema, Pair{"minItems", shortest})
	}
	return Of[[]V]{
		Schema: schema,
		Read: func(v Value) ([]V, error) {
			if err := v.Is("a list"); err != nil {
				return nil, err
			}
			if len(v.Items) < shortest {
				return nil, v.Wrong("a list of %d at least", shortest)
			}
			all := make([]V, len(v.Items))
			for i, item := range v.Items {
				var err error
				if all[i], err = f.Read(item); err != nil {
					return nil, err
				}
			}
			return all, nil
		},
		Write: func(all []V) (any, error) {
			written := make([]any, len(all))
			for i, item := range all {
				var err error
				if written[i], err = f.Write(item); err != nil {
					return nil, err
				}
			}
			return written, nil
		},
	}
}

// OneOrMore is a list of a form, or one by itself.
func OneOrMore[V any](f Of[V]) Of[[]V] {
	several := List(f, 1)
	return Of[[]V]{
		Schema: Ordered{{"oneOf", []any{f.Schema, several.Schema}}},
		Read: func(v Value) ([]V, error) {
			if v.Kind == "a list" {
				return several.Read(v)
			}
			one, err := f.Read(v)
			return []V{one}, err
		},
		Write: func(all []V) (any, error) {
			if len(all) == 1 {
				return f.Write(all[0])
			}
			return several.Write(all)
		},
	}
}
