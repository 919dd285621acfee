package constrainttest

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
)

// identifiers are the members of inputs of which ECR speaks in other words than of the rest, and
// their patterns as it prints them.
var identifiers = map[string]string{
	"imageTag":       "'[a-zA-Z0-9-_.]+'",
	"layerDigest":    "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
	"registryId":     "[0-9]{12}",
	"repositoryName": `'[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*'`,
	"uploadId":       "'[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'",
}

// documents are the members of inputs whose absence has a text of its own.
var documents = map[string]string{
	"imageManifest":       "ImageManifest",
	"lifecyclePolicyText": "LifecyclePolicyText",
	"policyText":          "PolicyText",
}

// A breaker collects the violations of an operation.
type breaker struct {
	op         string
	violations []Violation
}

// A place is a value within an input.
type place struct {
	path string
	find func(in reflect.Value) reflect.Value
}

func (p place) member(m constraint.Member) place {
	name := strings.ToLower(m.Name[:1]) + m.Name[1:]
	if p.path != "" {
		name = p.path + "." + name
	}
	return place{name, func(in reflect.Value) reflect.Value {
		return reflect.Indirect(p.find(in)).FieldByName(fieldName(m))
	}}
}

func (p place) lastElement() place {
	return place{p.path + ".2.member", func(in reflect.Value) reflect.Value {
		return p.find(in).Index(1)
	}}
}

func (b *breaker) breakMembers(of place, s *constraint.Shape) {
	for _, m := range s.Members {
		at := of.member(m)
		if !at.find(reflect.ValueOf(Valid(b.op)).Elem()).IsValid() { // the SDK does not have it yet
			continue
		}
		if m.Required {
			path, text := missing(at.path)
			b.add(at, fault{"missing", text, reflect.Value.SetZero}, path)
		}
		for _, fault := range faults(at.path, m.Shape) {
			b.add(at, fault, at.path)
		}
		switch m.Shape.Kind {
		case constraint.Structure:
			b.breakMembers(at, m.Shape)
		case constraint.List:
			b.breakElement(at, m.Shape.Element)
		}
	}
}

func (b *breaker) breakElement(of place, s *constraint.Shape) {
	at := of.lastElement()
	if s.Kind == constraint.Structure {
		b.breakMembers(at, s)
		return
	}
	if of.path == "repositoryNames" {
		for _, fault := range faults("repositoryName", s) {
			b.add(at, fault, "repositoryName")
		}
		return
	}
	all := faults(at.path, s)
	for _, fault := range all {
		fault.text = "Member must satisfy constraint: [" + texts(all) + "]"
		b.add(at, fault, of.path)
	}
}

func (b *breaker) add(at place, f fault, path string) {
	if f.apply == nil {
		return
	}
	in := Valid(b.op)
	f.apply(at.find(reflect.ValueOf(in).Elem()))
	name := fmt.Sprintf("%s %s %s", b.op, at.path, f.name)
	b.violations = append(b.violations, Violation{name, in, path, f.text})
}

// A fault is a constraint and how to break it: nil if no value can.
type fault struct {
	name  string
	text  string
	apply func(v reflect.Value)
}

func texts(all []fault) string {
	var list []string
	for _, fault := range all {
		list = append(list, fault.text)
	}
	return strings.Join(list, ", ")
}

func missing(path string) (string, string) {
	if document, ok := documents[path]; ok {
		return document, "Cannot be null"
	}
	return path, must(path) + " not be null"
}

func must(path string) string {
	if _, ok := identifiers[path]; ok {
		return "must"
	}
	return "Member must"
}

// faults breaks each constraint of a shape itself, in the order of ECR's lists: the upper limit
// comes first.
func faults(path string, s *constraint.Shape) []fault {
	quantity := "length"
	if s.Kind == constraint.Number {
		quantity = "value"
	}
	var all []fault
	if s.Max.Set {
		text := fmt.Sprintf("%s have %s less than or equal to %d", must(path), quantity, s.Max.N)
		all = append(all, fault{"too large", text, resize(s, s.Max.N+1)})
	}
	if s.Min.Set {
		text := fmt.Sprintf("%s have %s greater than or equal to %d", must(path), quantity, s.Min.N)
		all = append(all, fault{"too small", text, resize(s, s.Min.N-1)})
	}
	malformed := strings.Repeat("!", int(max(s.Min.N, 1)))
	if pattern, ok := identifiers[path]; ok {
		all = append(all, fault{"malformed", "must satisfy regular expression " + pattern, set(malformed)})
	} else if s.Pattern != "" {
		text := "Member must satisfy regular expression pattern: " + s.Pattern
		all = append(all, fault{"malformed", text, set(malformed)})
	}
	if s.Enum != nil {
		text := "Member must satisfy enum value set: [" + strings.Join(s.Enum, ", ") + "]"
		all = append(all, fault{"unknown", text, set("NO_SUCH_VALUE")})
	}
	return all
}

// resize gives a number the value n, anything else the length n.
func resize(s *constraint.Shape, n int64) func(reflect.Value) {
	switch {
	case s.Kind == constraint.Number:
		return set(n)
	case n < 0:
		return nil
	case s.Kind == constraint.Blob:
		return set(make([]byte, n))
	case s.Kind == constraint.String:
		return set(letters(n))
	}
	return func(list reflect.Value) {
		resized := reflect.MakeSlice(list.Type(), int(n), int(n))
		for i := range resized.Len() {
			resized.Index(i).Set(list.Index(0))
		}
		list.Set(resized)
	}
}

func set(value any) func(reflect.Value) {
	return func(v reflect.Value) {
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		v.Set(reflect.ValueOf(value).Convert(v.Type()))
	}
}
