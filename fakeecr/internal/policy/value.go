package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const maxDepth = 1000 // as Jackson's StreamReadConstraints

type kind int

const (
	null kind = iota
	str
	scalar
	array
	object
)

// A value is JSON with the order of its keys.
type value struct {
	kind  kind
	text  string // a string unescaped; a number or boolean as written
	keys  []string
	items []value
}

func parse(text string) (value, error) {
	// Checked in one go, so that the walk below meets tokens of a well-formed text only.
	if !json.Valid([]byte(text)) {
		return value{}, errors.New("not valid JSON")
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return read(dec, maxDepth)
}

func read(dec *json.Decoder, depth int) (value, error) {
	token, err := dec.Token()
	if err != nil {
		return value{}, err
	}
	switch t := token.(type) {
	case string:
		return value{kind: str, text: t}, nil
	case json.Number:
		return value{kind: scalar, text: t.String()}, nil
	case bool:
		return value{kind: scalar, text: fmt.Sprint(t)}, nil
	case json.Delim:
		if depth == 0 {
			return value{}, fmt.Errorf("nested more than %d levels deep", maxDepth)
		}
		return readMany(dec, t, depth-1)
	default:
		return value{}, nil
	}
}

func readMany(dec *json.Decoder, open json.Delim, depth int) (value, error) {
	v := value{kind: array}
	if open == '{' {
		v.kind = object
	}
	for dec.More() {
		if v.kind == object {
			key, err := dec.Token()
			if err != nil {
				return value{}, err
			}
			v.keys = append(v.keys, key.(string))
		}
		item, err := read(dec, depth)
		if err != nil {
			return value{}, err
		}
		v.items = append(v.items, item)
	}
	_, err := dec.Token()
	return v, err
}

func (v value) get(key string) (value, bool) {
	if i := slices.Index(v.keys, key); i >= 0 {
		return v.items[i], true
	}
	return value{}, false
}

// optional returns the string of a key, and nothing when there is no such key.
func (v value) optional(key string) (string, error) {
	item, ok := v.get(key)
	if ok && item.kind != str {
		return "", fmt.Errorf("%s is not a string", key)
	}
	return item.text, nil
}

// unique fails unless v is an object in which no key stands twice: of two equal keys one would be lost.
func (v value) unique() error {
	if v.kind != object {
		return errors.New("not an object")
	}
	for i, key := range v.keys {
		if slices.Contains(v.keys[:i], key) {
			return fmt.Errorf("%q stands twice", key)
		}
	}
	return nil
}

// allow fails unless v is an object of some of these keys, each once at most.
func (v value) allow(keys ...string) error {
	for _, key := range v.keys {
		if !slices.Contains(keys, key) {
			return fmt.Errorf("unknown element %q", key)
		}
	}
	return v.unique()
}

// strings returns a string, or an array of them that is not empty.
func (v value) strings() ([]string, error) { return v.list(str) }

// scalars is strings, with numbers and booleans by their text.
func (v value) scalars() ([]string, error) { return v.list(str, scalar) }

func (v value) list(kinds ...kind) ([]string, error) {
	items := []value{v}
	if v.kind == array {
		items = v.items
	}
	if len(items) == 0 {
		return nil, errors.New("an empty list")
	}
	var texts []string
	for _, item := range items {
		if !slices.Contains(kinds, item.kind) {
			return nil, errors.New("neither a value nor a list of values")
		}
		texts = append(texts, item.text)
	}
	return texts, nil
}
