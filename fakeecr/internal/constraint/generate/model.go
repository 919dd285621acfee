package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
)

// A model is what constraints need of a service model in botocore's JSON format.
type model struct {
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]shape     `json:"shapes"`
}

type operation struct {
	Input ref `json:"input"`
}

type ref struct {
	Shape string `json:"shape"`
}

type shape struct {
	Type     string   `json:"type"`
	Required []string `json:"required,omitempty"`
	Members  members  `json:"members,omitempty"`
	Member   *ref     `json:"member,omitempty"`
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

// read merges the files: of operations and shapes of one name, the first counts.
func read(files []string) (*model, error) {
	merged := &model{Operations: map[string]operation{}, Shapes: map[string]shape{}}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var next model
		if err := json.Unmarshal(data, &next); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		merged.fill(&next)
	}
	return merged.condense()
}

func (m *model) fill(from *model) {
	for name, operation := range from.Operations {
		if _, ok := m.Operations[name]; !ok {
			m.Operations[name] = operation
		}
	}
	for name, shape := range from.Shapes {
		if _, ok := m.Shapes[name]; !ok {
			m.Shapes[name] = shape
		}
	}
}

// condense drops the shapes that no input reaches.
func (m *model) condense() (*model, error) {
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
		if shape.Member != nil {
			return reach(shape.Member.Shape)
		}
		for _, member := range shape.Members {
			if err := reach(member.Shape); err != nil {
				return err
			}
		}
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		if err := reach(m.Operations[name].Input.Shape); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &model{Operations: m.Operations, Shapes: reached}, nil
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
