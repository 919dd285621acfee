package lifecycle

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A check tells what the schema has against a JSON value.
// Values are what encoding/json makes of them, with numbers as json.Number.
type check func(v any) error

type member struct {
	name     string
	required bool
	check    check
}

// document is the schema of a policy, without what depends on several members of a rule.
var document = object(
	member{"rules", true, array(1, 50, object(
		member{"rulePriority", true, integer(1)},
		member{"description", false, text},
		member{"selection", true, object(
			member{"tagStatus", true, enum(statusAny, statusTagged, statusUntagged)},
			member{"tagPatternList", false, array(0, 0, text)},
			member{"tagPrefixList", false, array(0, 0, text)},
			member{"storageClass", false, text},
			member{"countType", true, text},
			member{"countUnit", false, enum("days")},
			member{"countNumber", true, integer(1)},
		)},
		member{"action", true, object(
			member{"type", true, enum("expire", "transition")},
			member{"targetStorageClass", false, enum("archive")},
		)},
	))},
)

// object checks the members of an object. A null member passes here:
// ECR finds it only when it compares the rule as a whole (see newRule).
func object(members ...member) check {
	return func(v any) error {
		fields, ok := v.(map[string]any)
		if !ok {
			return wrongType(v, "object")
		}
		var missing []string
		unknown := maps.Clone(fields)
		for _, m := range members {
			if _, ok := fields[m.name]; !ok && m.required {
				missing = append(missing, m.name)
			}
			delete(unknown, m.name)
		}
		if len(missing) > 0 {
			slices.Sort(missing)
			return invalid(textMissing, quote(missing))
		}
		if len(unknown) > 0 {
			return invalid(textUnknown, quote(slices.Sorted(maps.Keys(unknown))))
		}
		for _, m := range members {
			if field := fields[m.name]; field != nil {
				if err := m.check(field); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// array checks the length and the elements of a list; a longest of 0 is no limit.
func array(shortest, longest int, element check) check {
	return func(v any) error {
		list, ok := v.([]any)
		switch {
		case !ok:
			return wrongType(v, "array")
		case len(list) < shortest:
			return invalid(textTooShort, shortest, len(list))
		case longest > 0 && len(list) > longest:
			return invalid(textTooLong, longest, len(list))
		}
		for _, e := range list {
			if err := element(e); err != nil {
				return err
			}
		}
		return nil
	}
}

func integer(minimum int64) check {
	return func(v any) error {
		if typeName(v) != "integer" {
			return wrongType(v, "integer")
		}
		literal := v.(json.Number).String()
		n, err := strconv.ParseInt(literal, 10, 64)
		switch {
		case err != nil && literal[0] == '-': // below int64
			return invalid(textTooLow, minimum, literal)
		case err == nil && n < minimum:
			return invalid(textTooLow, minimum, strconv.FormatInt(n, 10))
		}
		return nil
	}
}

func text(v any) error {
	if _, ok := v.(string); !ok {
		return wrongType(v, "string")
	}
	return nil
}

func enum(values ...string) check {
	return func(v any) error {
		s, ok := v.(string)
		switch {
		case !ok:
			return wrongType(v, "string")
		case !slices.Contains(values, s):
			return invalid(textNotInEnum, quote(s), quote(values))
		}
		return nil
	}
}

func wrongType(v any, allowed string) error {
	return invalid(textWrongType, typeName(v), quote([]string{allowed}))
}

// typeName is the validator's name for the type of v: a number is an integer by its spelling, so 1.0 is none.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "number"
		}
		return "integer"
	case []any:
		return "array"
	default:
		return "object"
	}
}
