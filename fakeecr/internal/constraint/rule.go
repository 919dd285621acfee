package constraint

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/fakeecr/ecr/fakeecr/internal/overlay"
)

// A rule is a shape bound to the Go type of its values.
type rule struct {
	shape      *Shape
	min, max   int64
	match      func(string) bool // nil without a pattern
	fields     []field           // of a structure, those that can fail
	element    *rule             // of a list, nil if no element can fail
	identifier *identifier       // nil but for the members that handlers check
	requires   bool              // of a structure or a list, whether a member at any depth is required
}

type field struct {
	index    int
	name     string // in a path
	rule     *rule
	required bool
	missing  violation
}

// rules are those of all inputs and of their overlays, by the type of a pointer to one.
var rules = sync.OnceValue(func() map[reflect.Type]*rule {
	bound := make(map[reflect.Type]*rule, len(operations))
	b := binder{}
	for _, operation := range operations {
		bound[reflect.PointerTo(operation.Input)] = b.bind(operation.Shape, operation.Input, true)
		if over := reflect.TypeOf(overlay.Of(reflect.New(operation.Input).Interface())); over != nil {
			bound[over] = binder{}.bind(operation.Shape, over.Elem(), true)
		}
	}
	return bound
})

// A binder keeps the rules it made: a shape always has the same type.
type binder map[*Shape]*rule

// bind makes the rule of a shape. The members of an input itself may be a handler's to check.
func (b binder) bind(s *Shape, t reflect.Type, input bool) *rule {
	if r, ok := b[s]; ok {
		return r
	}
	r := &rule{shape: s, min: s.Min.or(math.MinInt64), max: s.Max.or(math.MaxInt64)}
	switch s.Kind {
	case String:
		if s.Pattern != "" {
			r.match = lazily(s.Pattern)
		}
	case List:
		if element := b.bind(s.Element, t.Elem(), false); element.canFail() {
			r.element, r.requires = element, element.requires
		}
	case Structure:
		r.fields = b.bindMembers(s.Members, t, input)
		r.requires = slices.ContainsFunc(r.fields, func(f field) bool { return f.required || f.rule.requires })
	}
	b[s] = r
	return r
}

func (b binder) bindMembers(members []Member, t reflect.Type, input bool) []field {
	var fields []field
	for _, member := range members {
		goField, found := t.FieldByName(strings.ToUpper(member.Name[:1]) + member.Name[1:])
		if !found { // an overlay has it, or the SDK's type
			continue
		}
		fieldType := goField.Type
		if fieldType.Kind() == reflect.Pointer {
			fieldType = fieldType.Elem()
		}
		r := b.bind(member.Shape, fieldType, false)
		if input {
			r = r.handled()
		}
		if !member.Required && !r.canFail() {
			continue
		}
		name := strings.ToLower(member.Name[:1]) + member.Name[1:]
		fields = append(fields, field{
			index:    goField.Index[0],
			name:     name,
			rule:     r,
			required: member.Required,
			missing:  r.missing(name),
		})
	}
	return fields
}

// handled is the rule for a member of an input itself. Of the lists of identifiers only repository
// names are checked by handlers, which complain about a repositoryName; elements of registryIds are
// recorded in the framework's words.
func (r *rule) handled() *rule {
	if identifier, ok := identifiers[r.shape.Name]; ok {
		own := *r
		own.identifier, own.match = identifier, identifier.match
		return &own
	}
	if r.element != nil && r.element.shape.Name == "RepositoryName" {
		own := *r
		own.element = r.element.handled()
		return &own
	}
	return r
}

// canFail reports whether any value violates the rule.
func (r *rule) canFail() bool {
	switch r.shape.Kind {
	case Boolean:
		return false
	case List:
		return r.shape.Min.Set || r.shape.Max.Set || r.element != nil
	case Structure:
		return len(r.fields) > 0
	default:
		return r.shape.Min.Set || r.shape.Max.Set || r.match != nil || r.shape.Enum != nil
	}
}
