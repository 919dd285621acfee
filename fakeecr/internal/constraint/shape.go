package constraint

import (
	"reflect"
	"slices"
)

//go:generate go run ./generate -table table_gen.go generate/model.json

// A Kind is a type of the service model, as far as constraints tell types apart.
type Kind uint8

const (
	String Kind = iota
	Number
	Boolean
	Blob
	List
	Structure
)

// A Shape is a shape of the service model, reduced to its constraints.
type Shape struct {
	Name     string
	Kind     Kind
	Min, Max Bound    // of a number itself, else of a length
	Pattern  string   // matches the whole string, with or without anchors of its own
	Enum     []string // in the order of ECR's texts
	Element  *Shape   // of a list
	Members  []Member // of a structure, in the model's order
}

// A Member is a member of a structure, under its name on the wire.
type Member struct {
	Name     string
	Shape    *Shape
	Required bool
}

// A Bound is a limit that may be absent.
type Bound struct {
	N   int64
	Set bool
}

func at(n int64) Bound { return Bound{N: n, Set: true} }

func (b Bound) or(absent int64) int64 {
	if b.Set {
		return b.N
	}
	return absent
}

// An Operation names an operation of the service, the Go type of its input (a struct) and its shape.
type Operation struct {
	Name  string
	Input reflect.Type
	Shape *Shape
}

// Operations returns all operations by name, for tests that draw their cases from the model.
// What the shapes point to is shared: it is for reading only.
func Operations() []Operation {
	return slices.Clone(operations)
}
