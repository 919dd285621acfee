package transcript

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Difference is where an answer is not what was claimed.
type Difference struct {
	// Line is that of the claim.
	Line int
	// Path leads to the member: "status", "header Location", "images[0].imageId".
	Path string
	// Want and Got are as people read them; "" stands for nothing.
	Want, Got string
	// Chosen tells that the claim is, in a transcript that is not.
	Chosen bool
}

// String is the difference in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: want %s, got %s", d.Path, nothing(d.Want), nothing(d.Got))
}

func nothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// match compares a value with what is claimed of it. Names that are not bound take
// what came.
func match(path string, want *Value, got any, b bindings) []Difference {
	differs := func() []Difference {
		return []Difference{{Path: path, Want: want.show(b), Got: show(got)}}
	}
	switch want.kind {
	case literal:
		if !sameLiteral(want.source, got) {
			return differs()
		}
	case text:
		if !matchText(path, want.text, got, b) {
			return differs()
		}
	case embedded:
		return matchEmbedded(path, want, got, b)
	case list:
		items, is := got.([]any)
		if !is {
			return differs()
		}
		if want.anyOrder {
			return matchAnyOrder(path, want, items, b)
		}
		return matchList(path, want, items, b)
	case object:
		members, is := got.(map[string]any)
		if !is {
			return differs()
		}
		return matchObject(path, want, members, b)
	}
	return nil
}

func sameLiteral(source string, got any) bool {
	switch got := got.(type) {
	case nil:
		return source == "null"
	case bool:
		return source == strconv.FormatBool(got)
	case json.Number:
		return sameNumber(source, got.String())
	default:
		return false
	}
}

// farthest is the exponent up to which numbers are compared by value.
const farthest = 400

func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	for _, text := range []string{a, b} {
		if _, exponent, has := strings.Cut(strings.ToLower(text), "e"); has {
			if n, err := strconv.Atoi(exponent); err != nil || n > farthest || n < -farthest {
				return false
			}
		}
	}
	x, isX := new(big.Rat).SetString(a)
	y, isY := new(big.Rat).SetString(b)
	return isX && isY && x.Cmp(y) == 0
}

func matchText(path string, want Text, got any, b bindings) bool {
	only := want.only()
	switch {
	case only.hole == "<any>":
		return true
	case only.hole == "<number>":
		_, is := got.(json.Number)
		return is
	case only.hole == "<time>":
		if n, is := got.(json.Number); is {
			return isTime(n)
		}
	case only.name != "":
		if content, is := made(only.name); is && only.detail == "" && carries(path) {
			return got == content.carried(path)
		}
		bound, is := b.value(only)
		if !is {
			return take(only.name, got, b)
		}
		if n, is := bound.(json.Number); is {
			return sameLiteral(n.String(), got)
		}
		return got == bound
	}
	s, is := got.(string)
	return is && want.matches(s, b)
}

// take binds a name to a value that is no object, list or null.
func take(name string, got any, b bindings) bool {
	switch got.(type) {
	case string, json.Number, bool:
		b[name] = got
		return true
	default:
		return false
	}
}

// isTime tells whether a number may be a time in seconds since 1970, as ECR answers
// it.
func isTime(n json.Number) bool {
	seconds, err := n.Float64()
	return err == nil && 1e9 <= seconds && seconds < 1e10
}

// carries tells whether a member holds content, and not its digest.
func carries(path string) bool {
	name := path[strings.LastIndex(path, ".")+1:]
	return name == "imageManifest" || name == "layerPartBlob"
}

// carried is the content as a member holds it.
func (c *content) carried(path string) string {
	if strings.HasSuffix(path, "layerPartBlob") {
		return makeBlob(c.bytes).facts["base64"].(string)
	}
	return string(c.bytes)
}

func matchEmbedded(path string, want *Value, got any, b bindings) []Difference {
	s, is := got.(string)
	inner, err := decode([]byte(s))
	if !is || err != nil {
		return []Difference{{Path: path, Want: want.show(b), Got: show(got)}}
	}
	return match(path+"{}", want.items[0], inner, b)
}

func matchList(path string, want *Value, got []any, b bindings) (all []Difference) {
	for i, item := range want.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		if i >= len(got) {
			all = append(all, Difference{Path: at, Want: item.show(b)})
			continue
		}
		all = append(all, match(at, item, got[i], b)...)
	}
	for i := len(want.items); i < len(got) && !want.open; i++ {
		all = append(all, Difference{Path: fmt.Sprintf("%s[%d]", path, i), Got: show(got[i])})
	}
	return all
}

// mostTries is how many ways of order are tried.
const mostTries = 10_000

func matchAnyOrder(path string, want *Value, got []any, b bindings) []Difference {
	used := make([]bool, len(got))
	tries := 0
	var fits func(i int, bound bindings) bindings
	fits = func(i int, bound bindings) bindings {
		if i == len(want.items) {
			return bound
		}
		for j, item := range got {
			if tries++; used[j] || tries > mostTries {
				continue
			}
			taken := maps.Clone(bound)
			if match("", want.items[i], item, taken) != nil {
				continue
			}
			used[j] = true
			if all := fits(i+1, taken); all != nil {
				return all
			}
			used[j] = false
		}
		return nil
	}
	if len(got) == len(want.items) || want.open && len(got) > len(want.items) {
		if bound := fits(0, b); bound != nil {
			maps.Copy(b, bound)
			return nil
		}
	}
	return unordered(path, want, got, b)
}

// unordered is the elements that have no counterpart, in order of appearance. Where
// one of each is left, they are compared.
func unordered(path string, want *Value, got []any, b bindings) (all []Difference) {
	used := make([]bool, len(got))
	var missing []*Value
	for _, item := range want.items {
		i := 0
		for ; i < len(got); i++ {
			taken := maps.Clone(b)
			if !used[i] && match("", item, got[i], taken) == nil {
				used[i] = true
				maps.Copy(b, taken)
				break
			}
		}
		if i == len(got) {
			missing = append(missing, item)
		}
	}
	var surplus []int
	for i := range got {
		if !used[i] {
			surplus = append(surplus, i)
		}
	}
	if len(missing) == 1 && len(surplus) == 1 {
		return match(fmt.Sprintf("%s[%d]", path, surplus[0]), missing[0], got[surplus[0]], b)
	}
	for _, item := range missing {
		all = append(all, Difference{Path: path + "[]", Want: item.show(b)})
	}
	for _, i := range surplus {
		if !want.open {
			all = append(all, Difference{Path: fmt.Sprintf("%s[%d]", path, i), Got: show(got[i])})
		}
	}
	return all
}

func matchObject(path string, want *Value, got map[string]any, b bindings) (all []Difference) {
	for _, m := range want.members {
		at := join(path, m.name)
		value, has := got[m.name]
		if !has {
			all = append(all, Difference{Path: at, Want: m.value.show(b)})
			continue
		}
		all = append(all, match(at, m.value, value, b)...)
	}
	if want.open {
		return all
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if want.member(name) == nil {
			all = append(all, Difference{Path: join(path, name), Got: show(got[name])})
		}
	}
	return all
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// decode reads JSON, and nothing after it.
func decode(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the JSON")
	}
	return v, nil
}

// show is a value of an answer as people read it.
func show(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
