package fakeecr

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"
)

// serviceModel is the service model with the shapes of inputs, outputs and errors.
type serviceModel struct {
	Operations map[string]struct {
		Input, Output shapeRef
		Errors        []shapeRef
	}
	Shapes map[string]struct {
		Enum               []string
		Member, Key, Value shapeRef
		Members            map[string]shapeRef
	}
}

type shapeRef struct{ Shape string }

// comparison collects what only the service model has, and what only the SDK has.
type comparison struct {
	serviceModel
	seen             map[string]bool
	lacking, unknown []string
}

// The members, values and errors that the service has and the SDK's types lack
// are in FIDELITY.md's table, each in a row of its own, and no others are.
func TestSDKAgainstTheServiceModel(t *testing.T) {
	data, err := os.ReadFile("internal/constraint/generate/model.json")
	require.NoError(t, err)
	c := comparison{seen: map[string]bool{}}
	require.NoError(t, json.Unmarshal(data, &c.serviceModel))
	client := reflect.TypeFor[*ecr.Client]()
	for name, operation := range c.Operations {
		method, found := client.MethodByName(name)
		if !found {
			c.lacking = append(c.lacking, name)
			continue
		}
		c.compare(operation.Input.Shape, method.Type.In(2))
		c.compare(operation.Output.Shape, method.Type.Out(0))
		for _, exception := range operation.Errors {
			if entry, found := ecr.TypeRegistry.LookupEntry(exception.Shape); found {
				c.compare(exception.Shape, reflect.TypeOf(entry.New()))
			} else if !c.seen[exception.Shape] {
				c.seen[exception.Shape] = true
				c.lacking = append(c.lacking, exception.Shape)
			}
		}
	}
	require.Empty(t, c.unknown, "the SDK has what the service model lacks: refresh internal/constraint/generate/model.json")

	fidelity, err := os.ReadFile("FIDELITY.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(fidelity), "\n| not in the SDK | ")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(.+?)` \\|").FindAllStringSubmatch(table, -1) {
		listed = append(listed, row[1])
	}
	slices.Sort(c.lacking)
	require.Equal(t, c.lacking, listed, "FIDELITY.md lists in order what the SDK's types lack")
}

// compare compares a shape and what it holds with the Go type of its values.
func (c *comparison) compare(name string, t reflect.Type) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	shape := c.Shapes[name]
	if c.seen[name] || shape.Enum != nil && t == reflect.TypeFor[string]() { // which takes any value
		return
	}
	c.seen[name] = true
	switch {
	case shape.Enum != nil:
		c.differ(name, shape.Enum, values(t))
	case shape.Member.Shape != "":
		c.compare(shape.Member.Shape, t.Elem())
	case shape.Key.Shape != "":
		c.compare(shape.Key.Shape, t.Key())
		c.compare(shape.Value.Shape, t.Elem())
	case t.Kind() == reflect.Struct && shape.Members != nil:
		c.compareMembers(name, shape.Members, t)
	}
}

func (c *comparison) compareMembers(name string, members map[string]shapeRef, t reflect.Type) {
	fields := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(t) {
		if field.IsExported() && field.Name != "ResultMetadata" && field.Name != "ErrorCodeOverride" {
			fields[field.Name] = field.Type
		}
	}
	for member, shape := range members {
		goName := strings.ToUpper(member[:1]) + member[1:]
		if field, found := fields[goName]; found {
			c.compare(shape.Shape, field)
			delete(fields, goName)
		} else {
			c.lacking = append(c.lacking, name+"."+member)
		}
	}
	for field := range fields {
		c.unknown = append(c.unknown, name+"."+field)
	}
}

func (c *comparison) differ(name string, model, sdk []string) {
	for _, value := range model {
		if !slices.Contains(sdk, value) {
			c.lacking = append(c.lacking, name+" "+value)
		}
	}
	for _, value := range sdk {
		if !slices.Contains(model, value) {
			c.unknown = append(c.unknown, name+" "+value)
		}
	}
}

// values is what the SDK knows of an enumeration.
func values(t reflect.Type) (values []string) {
	if method, found := t.MethodByName("Values"); found {
		known := method.Func.Call([]reflect.Value{reflect.Zero(t)})[0]
		for i := range known.Len() {
			values = append(values, known.Index(i).String())
		}
	}
	return values
}
