package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
)

// A model is what tells of inputs, outputs and errors in a service model in botocore's JSON format.
type model struct {
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]shape     `json:"shapes"`
}

type operation struct {
	Input  ref   `json:"input"`
	Output ref   `json:"output"`
	Errors []ref `json:"errors,omitempty"`
}

type ref struct {
	Shape string `json:"shape"`
}

type shape struct {
	Type     string   `json:"type"`
	Required []string `json:"required,omitempty"`
	Members  members  `json:"members,omitempty"`
	Member   *ref     `json:"member,omitempty"`
	Key      *ref     `json:"key,omitempty"`
	Value    *ref     `json:"value,omitempty"`
	Min      *int64   `json:"min,omitempty"`
	Max      *int64   `json:"max,omitempty"`
	Pattern  string   `json:"pattern,omitempty"`
	Enum     []string `json:"enum,omitempty"`
}

// members keeps the order of the file, in which ECR's checks are made.
type members []member

type member struct {
	name string
	ref
}

func (m *members) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		next := member{name: name.(string)}
		if err := decoder.Decode(&next.ref); err != nil {
			return err
		}
		*m = append(*m, next)
	}
	return nil
}

func (m members) MarshalJSON() ([]byte, error) {
	var object bytes.Buffer
	for i, member := range m {
		separator := ","
		if i == 0 {
			separator = "{"
		}
		fmt.Fprintf(&object, "%s%q:{\"shape\":%q}", separator, member.name, member.Shape)
	}
	object.WriteByte('}')
	return object.Bytes(), nil
}

// read reads a model and drops the shapes that nothing reaches.
func read(file string) (*model, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m := &model{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	m.Shapes, err = m.reached(func(o operation) []ref { return append([]ref{o.Input, o.Output}, o.Errors...) })
	return m, err
}

// reached is the shapes that lead from the operations by way of some of theirs.
func (m *model) reached(from func(operation) []ref) (map[string]shape, error) {
	reached := map[string]shape{}
	var reach func(name string) error
	reach = func(name string) error {
		shape, ok := m.Shapes[name]
		if !ok {
			return fmt.Errorf("the model lacks the shape %q", name)
		}
		if _, ok := reached[name]; ok {
			return nil
		}
		reached[name] = shape
		for _, target := range shape.targets() {
			if err := reach(target.Shape); err != nil {
				return err
			}
		}
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		for _, shape := range from(m.Operations[name]) {
			if err := reach(shape.Shape); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return reached, nil
}

// targets is the shapes of what a shape holds.
func (s shape) targets() (targets []ref) {
	for _, held := range []*ref{s.Member, s.Key, s.Value} {
		if held != nil {
			targets = append(targets, *held)
		}
	}
	for _, member := range s.Members {
		targets = append(targets, member.ref)
	}
	return targets
}

// json writes the model in the format it was read from.
func (m *model) json() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(m)
	return out.Bytes(), err
}
