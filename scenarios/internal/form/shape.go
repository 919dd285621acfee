package form

import (
	"slices"
	"strings"
)

// Described is what is said of a member of a JSON object.
type Described struct {
	Name, Says string
	Required   bool
	// Flag is for a member that counts only where it is true.
	Flag   bool
	Schema Ordered
}

// shape is a JSON object by its members, and groups of them of which there is one at
// most. What it does is compiled once, and not for each kind of object.
type shape struct {
	members []Described
	either  [][]string
}

// find answers which member an object has at i, or why it cannot have it there.
func (s shape) find(v Value, i int) (at int, err error) {
	key := v.Keys[i]
	at = slices.IndexFunc(s.members, func(m Described) bool { return m.Name == key.Text })
	if at < 0 {
		return at, key.Wrong("there is no %q here, but %s", key.Text, strings.Join(s.names(), ", "))
	}
	for _, group := range s.either {
		for _, other := range v.Keys[:i] {
			if slices.Contains(group, key.Text) && slices.Contains(group, other.Text) && s.counts(other.Text, v) && s.counts(key.Text, v) {
				return at, key.Wrong("either %q or %q", other.Text, key.Text)
			}
		}
	}
	return at, nil
}

// complete answers what an object lacks.
func (s shape) complete(v Value) error {
	for _, m := range s.members {
		if m.Required && !v.Has(m.Name) {
			return v.Wrong("%q is missing", m.Name)
		}
	}
	return nil
}

func (s shape) names() []string {
	names := make([]string, len(s.members))
	for i, m := range s.members {
		names[i] = m.Name
	}
	return names
}

// counts tells whether a member of an object counts: a flag does where it is true.
func (s shape) counts(member string, v Value) bool {
	at := slices.IndexFunc(v.Keys, func(key Value) bool { return key.Text == member })
	flag := slices.ContainsFunc(s.members, func(m Described) bool { return m.Name == member && m.Flag })
	return !flag || v.Items[at].Text == "true"
}

func (s shape) schema() Ordered {
	properties, required := Ordered{}, []string{}
	for _, m := range s.members {
		properties = append(properties, Pair{m.Name, append(Ordered{{"description", m.Says}}, m.Schema...)})
		if m.Required {
			required = append(required, m.Name)
		}
	}
	schema := Ordered{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}}
	if len(required) > 0 {
		schema = append(schema, Pair{"required", required})
	}
	var both []Ordered
	for _, group := range s.either {
		for i, one := range group {
			for _, other := range group[i+1:] {
				both = append(both, Ordered{{"allOf", []Ordered{s.has(one), s.has(other)}}})
			}
		}
	}
	if len(both) > 0 {
		schema = append(schema, Pair{"not", Ordered{{"anyOf", both}}})
	}
	return schema
}

// has describes an object that has a member and, where it is a flag, has it set.
func (s shape) has(member string) Ordered {
	return Has(slices.DeleteFunc(slices.Clone(s.members), func(m Described) bool { return m.Name != member }))
}

// Has describes an object that has one of some members, and where it is a flag
// that is set.
func Has(members []Described) Ordered {
	var any []Ordered
	for _, m := range members {
		one := Ordered{{"required", []string{m.Name}}}
		if m.Flag {
			one = append(one, Pair{"properties", Ordered{{m.Name, Ordered{{"const", true}}}}})
		}
		any = append(any, one)
	}
	return Ordered{{"anyOf", any}}
}
