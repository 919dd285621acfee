package scenarios

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
)

// Schema is the JSON Schema of what [Parse] reads: scenario.schema.json beside
// this package. It takes all that Parse reads, and of what Parse refuses only
// what a schema cannot say: a member that stands twice, also one of headers in
// another case; a time that is over before it begins, or that no duration can
// hold; a number that rounds to nothing; turns of which first, nth and every leave
// none; a state that no rule leads to, or two of them for one rule.
func Schema() []byte {
	t := forms()
	scenario := ordered{{"if", ordered{{"type", "object"}, {"required", []string{"ready"}}}}, {"then", defined("ready")}, {"else", defined("rules")}}
	schema := ordered{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "Scenario"},
		{"description", "What goes wrong, and when, for fakeecr. Scenarios in a list are joined."},
		{"oneOf", []ordered{defined("scenario"), {{"type", "array"}, {"minItems", 1}, {"items", defined("scenario")}}}},
		{"$defs", ordered{
			{"scenario", scenario},
			{"rules", t.scenario.schema()},
			{"ready", t.readySchema()},
			{"operation", ordered{{"enum", slices.Concat(Groups(), known())}}},
			{"call", ordered{{"enum", namesWithin(calls())}}},
			{"error", errorSchema()},
			{"silence", silenceSchema()},
		}},
	}
	shapes := shapeSchemas{}
	shapes.schema()
	defs := schema[len(schema)-1].value.(ordered)
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		defs = append(defs, pair{name, shapes[name]})
	}
	schema[len(schema)-1].value = defs
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		panic(err) // the schema is made of texts and numbers
	}
	return text.Bytes()
}

func defined(name string) ordered { return ordered{{"$ref", "#/$defs/" + name}} }

// namesWithin are the names of operations and groups that stand for nothing but
// some operations.
func namesWithin(some []string) []string {
	return slices.DeleteFunc(slices.Concat(Groups(), some), func(name string) bool {
		return slices.ContainsFunc(Operations(name), func(operation string) bool { return !slices.Contains(some, operation) })
	})
}

func (t *table) readySchema() ordered {
	var all []ordered
	for _, r := range t.ready {
		all = append(all, append(ordered{{"description", r.says}}, r.object().schema()...))
	}
	return ordered{{"oneOf", all}}
}

// has describes an object that has one of some members, and where it is a flag
// that is set.
func has[O any](members []property[O]) ordered {
	var any []ordered
	for _, m := range members {
		one := ordered{{"required", []string{m.name}}}
		if m.flag {
			one = append(one, pair{"properties", ordered{{m.name, ordered{{"const", true}}}}})
		}
		any = append(any, one)
	}
	return ordered{{"anyOf", any}}
}

// doSchema is that of effects, of which there is one at least.
func (t *table) doSchema() ordered { return append(t.do.schema(), has(t.do.members)...) }

// ruleSchema is that of a rule, whose effects can be put on its operations.
func (t *table) ruleSchema() ordered {
	var placed []ordered
	for _, place := range places {
		var members []property[*Rule]
		for _, m := range t.do.members {
			if slices.Contains(place.members, m.name) {
				members = append(members, m)
			}
		}
		if len(members) == 0 { // an effect by a function
			continue
		}
		do := has(members)
		if place.silent {
			do = ordered{{"anyOf", []ordered{
				{{"required", []string{"fail"}}, {"properties", ordered{{"fail", defined("silence")}}}},
				{{"required", []string{"sequence"}}, {"properties", ordered{{"sequence", ordered{{"contains", defined("silence")}}}}}},
			}}}
		}
		on := ordered{{"enum", namesWithin(place.on)}}
		if place.where == callsOnly { // short of listing all of them again
			on = defined("call")
			if slices.Contains(place.on, PullFromUpstream) {
				on = ordered{{"anyOf", []ordered{on, {{"const", PullFromUpstream}}}}}
			}
		}
		placed = append(placed, ordered{
			{"if", ordered{{"properties", ordered{{"do", do}}}}},
			{"then", ordered{{"properties", ordered{{"on", oneOrMore(form[string]{schema: on}).schema}}}}},
		})
	}
	for _, operation := range slices.Sorted(maps.Keys(failureCodes)) {
		placed = append(placed, ordered{
			{"if", ordered{{"properties", ordered{{"on", ordered{{"anyOf", []ordered{{{"const", operation}}, {{"contains", ordered{{"const", operation}}}, {"type", "array"}}}}}}}}}},
			{"then", ordered{{"properties", ordered{{"do", ordered{{"properties", ordered{{"failItem", ordered{{"properties", ordered{{"code", ordered{{"enum", failureCodes[operation]}}}}}}}}}}}}}}},
		})
	}
	placed = append(placed, shapeSchemas{}.schema())
	return append(t.rule.schema(), pair{"allOf", placed})
}

// silenceSchema is that of an outcome that is nothing that the service says.
func silenceSchema() ordered {
	return ordered{{"oneOf", []ordered{
		{{"type", "string"}, {"not", ordered{{"const", ok}}}},
		{{"type", "object"}, {"not", saysWhat}},
	}}}
}

// saysWhat describes an error of the service, as against a bare HTTP answer.
var saysWhat = ordered{{"anyOf", []ordered{{{"required", []string{"code"}}}, {{"required", []string{"message"}}}}}}

// errorSchema is that of an answer, whose members go together as answer.err has
// it.
func errorSchema() ordered {
	var plain []string
	var coded []ordered
	all := exceptions()
	for _, code := range slices.Sorted(maps.Keys(all)) {
		var own []string
		fieldsOf(all[code], func(name string, _ reflect.StructField) { own = append(own, name) })
		if own == nil {
			plain = append(plain, code)
			continue
		}
		coded = append(coded, ordered{{"properties", ordered{{"code", ordered{{"const", code}}}, {"members", ordered{{"propertyNames", ordered{{"enum", own}}}}}}}})
	}
	coded = append(coded, ordered{{"properties", ordered{{"code", ordered{{"enum", plain}}}, {"members", ordered{{"maxProperties", 0}}}}}})
	return append(answers().schema(), ordered{
		{"anyOf", []ordered{saysWhat, {{"required", []string{"status"}}}}},
		{"dependentRequired", ordered{{"fault", []string{"code"}}, {"members", []string{"code"}}}},
		{"dependentSchemas", ordered{{"members", ordered{{"properties", ordered{{"fault", false}}}, {"anyOf", coded}}}}},
		{"if", saysWhat},
		{"then", ordered{{"properties", ordered{{"status", ordered{{"minimum", 400}}}, {"headers", false}, {"body", false}}}}},
	}...)
}
