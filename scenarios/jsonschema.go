package scenarios

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/fakeecr/ecr/scenarios/internal/form"
)

// Schema is the JSON Schema of what [Parse] reads: scenario.schema.json beside
// this package. It takes all that Parse reads, and of what Parse refuses only
// what a schema cannot say: a member that stands twice, also one of headers in
// another case; a time that is over before it begins, or that no duration can
// hold; a number that rounds to nothing; turns of which first, nth and every leave
// none; a state that no rule leads to, or two of them for one rule.
func Schema() []byte {
	t := forms()
	scenario := form.Ordered{{"if", form.Ordered{{"type", "object"}, {"required", []string{"ready"}}}}, {"then", defined("ready")}, {"else", defined("rules")}}
	schema := form.Ordered{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "Scenario"},
		{"description", "What goes wrong, and when, for fakeecr. Scenarios in a list are joined."},
		{"oneOf", []form.Ordered{defined("scenario"), {{"type", "array"}, {"minItems", 1}, {"items", defined("scenario")}}}},
		{"$defs", form.Ordered{
			{"scenario", scenario},
			{"rules", t.scenario.Schema()},
			{"ready", t.readySchema()},
			{"operation", form.Ordered{{"enum", slices.Concat(Groups(), known())}}},
			{"call", form.Ordered{{"enum", namesWithin(calls())}}},
			{"error", errorSchema()},
			{"silence", silenceSchema()},
		}},
	}
	shapes := shapeSchemas{}
	shapes.schema()
	defs := schema[len(schema)-1][1].(form.Ordered)
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		defs = append(defs, form.Pair{name, shapes[name]})
	}
	schema[len(schema)-1][1] = defs
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		panic(err) // the schema is made of texts and numbers
	}
	return text.Bytes()
}

func defined(name string) form.Ordered { return form.Ordered{{"$ref", "#/$defs/" + name}} }

// namesWithin are the names of operations and groups that stand for nothing but
// some operations.
func namesWithin(some []string) []string {
	return slices.DeleteFunc(slices.Concat(Groups(), some), func(name string) bool {
		return slices.ContainsFunc(Operations(name), func(operation string) bool { return !slices.Contains(some, operation) })
	})
}

func (t *table) readySchema() form.Ordered {
	var all []form.Ordered
	for _, r := range t.ready {
		all = append(all, append(form.Ordered{{"description", r.says}}, r.object().Schema()...))
	}
	return form.Ordered{{"oneOf", all}}
}

// doSchema is that of effects, of which there is one at least.
func (t *table) doSchema() form.Ordered { return append(t.do.Schema(), form.Has(t.do.Described())...) }

// ruleSchema is that of a rule, whose effects can be put on its operations.
func (t *table) ruleSchema() form.Ordered {
	var placed []form.Ordered
	for _, place := range places {
		var members []form.Described
		for _, m := range t.do.Described() {
			if slices.Contains(place.members, m.Name) {
				members = append(members, m)
			}
		}
		if len(members) == 0 { // an effect by a function
			continue
		}
		do := form.Has(members)
		if place.silent {
			do = form.Ordered{{"anyOf", []form.Ordered{
				{{"required", []string{"fail"}}, {"properties", form.Ordered{{"fail", defined("silence")}}}},
				{{"required", []string{"sequence"}}, {"properties", form.Ordered{{"sequence", form.Ordered{{"contains", defined("silence")}}}}}},
			}}}
		}
		on := form.Ordered{{"enum", namesWithin(place.on)}}
		if place.where == callsOnly { // short of listing all of them again
			on = defined("call")
			if slices.Contains(place.on, PullFromUpstream) {
				on = form.Ordered{{"anyOf", []form.Ordered{on, {{"const", PullFromUpstream}}}}}
			}
		}
		placed = append(placed, form.Ordered{
			{"if", form.Ordered{{"properties", form.Ordered{{"do", do}}}}},
			{"then", form.Ordered{{"properties", form.Ordered{{"on", form.OneOrMore(form.Of[string]{Schema: on}).Schema}}}}},
		})
	}
	for _, operation := range slices.Sorted(maps.Keys(failureCodes)) {
		placed = append(placed, form.Ordered{
			{"if", form.Ordered{{"properties", form.Ordered{{"on", form.Ordered{{"anyOf", []form.Ordered{{{"const", operation}}, {{"contains", form.Ordered{{"const", operation}}}, {"type", "array"}}}}}}}}}},
			{"then", form.Ordered{{"properties", form.Ordered{{"do", form.Ordered{{"properties", form.Ordered{{"failItem", form.Ordered{{"properties", form.Ordered{{"code", form.Ordered{{"enum", failureCodes[operation]}}}}}}}}}}}}}}},
		})
	}
	placed = append(placed, shapeSchemas{}.schema())
	return append(t.rule.Schema(), form.Pair{"allOf", placed})
}

// silenceSchema is that of an outcome that is nothing that the service says.
func silenceSchema() form.Ordered {
	return form.Ordered{{"oneOf", []form.Ordered{
		{{"type", "string"}, {"not", form.Ordered{{"const", ok}}}},
		{{"type", "object"}, {"not", saysWhat}},
	}}}
}

// saysWhat describes an error of the service, as against a bare HTTP answer.
var saysWhat = form.Ordered{{"anyOf", []form.Ordered{{{"required", []string{"code"}}}, {{"required", []string{"message"}}}}}}

// errorSchema is that of an answer, whose members go together as answer.err has
// it.
func errorSchema() form.Ordered {
	var plain []string
	var coded []form.Ordered
	all := exceptions()
	for _, code := range slices.Sorted(maps.Keys(all)) {
		var own []string
		fieldsOf(all[code], func(name string, _ reflect.StructField) { own = append(own, name) })
		if own == nil {
			plain = append(plain, code)
			continue
		}
		coded = append(coded, form.Ordered{{"properties", form.Ordered{{"code", form.Ordered{{"const", code}}}, {"members", form.Ordered{{"propertyNames", form.Ordered{{"enum", own}}}}}}}})
	}
	coded = append(coded, form.Ordered{{"properties", form.Ordered{{"code", form.Ordered{{"enum", plain}}}, {"members", form.Ordered{{"maxProperties", 0}}}}}})
	return append(answers().Schema(), form.Ordered{
		{"anyOf", []form.Ordered{saysWhat, {{"required", []string{"status"}}}}},
		{"dependentRequired", form.Ordered{{"fault", []string{"code"}}, {"members", []string{"code"}}}},
		{"dependentSchemas", form.Ordered{{"members", form.Ordered{{"properties", form.Ordered{{"fault", false}}}, {"anyOf", coded}}}}},
		{"if", saysWhat},
		{"then", form.Ordered{{"properties", form.Ordered{{"status", form.Ordered{{"minimum", 400}}}, {"headers", false}, {"body", false}}}}},
	}...)
}
