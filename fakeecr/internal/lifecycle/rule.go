package lifecycle

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	statusAny      = "any"
	statusTagged   = "tagged"
	statusUntagged = "untagged"

	countMoreThan     = "imageCountMoreThan"
	sincePushed       = "sinceImagePushed"
	sincePulled       = "sinceImagePulled"
	sinceTransitioned = "sinceImageTransitioned"

	prefixList  = "tagPrefixList"
	patternList = "tagPatternList"
)

// An archived image is kept, and paid for, at least this many days.
const minArchiveDays = 90

type rule struct {
	priority  int32
	status    string
	prefixes  []string // sorted: an image must match all of them, so their order means nothing
	patterns  []string // likewise
	tags      []glob   // of whichever list there is
	class     StorageClass
	countType string
	count     int32
	action    ActionType
}

// newRule makes a rule of an object that passed the schema member by member.
func newRule(fields map[string]any) (rule, error) {
	rest := maps.Clone(fields)
	delete(rest, "action")
	switch {
	case hasNull(rest):
		return rule{}, invalid(textNoSchema, selectionSchemas)
	case hasNull(map[string]any{"action": fields["action"]}):
		return rule{}, invalid(textNoSchema, actionSchemas)
	}
	selection := fields["selection"].(map[string]any)
	action := fields["action"].(map[string]any)

	r := rule{
		status:    selection["tagStatus"].(string),
		prefixes:  set(selection[prefixList]),
		patterns:  set(selection[patternList]),
		countType: selection["countType"].(string),
		action:    ActionType(strings.ToUpper(action["type"].(string))),
	}
	switch selection["storageClass"] {
	case nil, "standard":
		r.class = Standard
	case "archive":
		r.class = Archive
	}
	_, hasUnit := selection["countUnit"]
	if !r.fitsSchema(hasUnit) {
		return rule{}, invalid(textNoSchema, selectionSchemas)
	}
	_, hasTarget := action["targetStorageClass"]
	var fits, alsoFits bool
	r.priority, fits = number(fields["rulePriority"])
	r.count, alsoFits = number(selection["countNumber"])
	if !fits || !alsoFits || hasTarget != (r.action == Transition) {
		return rule{}, errUnmappable
	}
	for _, prefix := range r.prefixes {
		r.tags = append(r.tags, glob{head: prefix})
	}
	for _, pattern := range r.patterns {
		r.tags = append(r.tags, newGlob(pattern))
	}
	return r, nil
}

// How many kinds of selection and of action the schema knows.
const (
	selectionSchemas = 4
	actionSchemas    = 2
)

// fitsSchema reports whether the rule is one of the kinds of rule that the schema knows.
func (r *rule) fitsSchema(hasUnit bool) bool {
	if r.class == "" {
		return false
	}
	switch r.countType {
	case countMoreThan:
		return !hasUnit
	case sincePushed:
		return hasUnit
	case sincePulled:
		return hasUnit && r.action == Transition
	case sinceTransitioned:
		return hasUnit && r.action == Expire && r.class == Archive
	}
	return false
}

// check looks at what ECR checks by hand in a rule, after the schema.
func (r *rule) check() error {
	switch {
	case r.status == statusTagged && len(r.tags) == 0:
		return invalid(textNoList)
	case r.status == statusTagged && len(r.prefixes) > 0 && len(r.patterns) > 0:
		return invalid(textTwoLists)
	case r.status != statusTagged && len(r.prefixes) > 0:
		return invalid(textListUnused, prefixList, r.status)
	case r.status != statusTagged && len(r.patterns) > 0:
		return invalid(textListUnused, patternList, r.status)
	case r.class == Archive && r.countType != sinceTransitioned:
		return invalid(textStandardOnly)
	case r.countType == sinceTransitioned && r.count < minArchiveDays:
		return invalid(textTooLow, minArchiveDays, strconv.Itoa(int(r.count)))
	}
	for _, pattern := range r.patterns {
		if strings.Count(pattern, "*") > 4 {
			return invalid(textManyStars)
		}
	}
	return nil
}

// checkRules checks rules that are sorted by priority.
func checkRules(rules []rule) error {
	for i := 1; i < len(rules); i++ {
		if rules[i].priority == rules[i-1].priority {
			return invalid(textSamePriority)
		}
	}
	for i := range rules {
		if err := rules[i].check(); err != nil {
			return err
		}
	}
	for i := range rules {
		for j := range i {
			if rules[i].class != rules[j].class {
				continue
			}
			if err := rules[j].beside(&rules[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// beside checks r against a rule of lower priority that selects from the same storage class.
func (r *rule) beside(lower *rule) error {
	switch {
	case r.status == statusUntagged && lower.status == statusUntagged:
		return invalid(textTwoUntagged)
	case r.status == statusAny && lower.status == statusAny:
		return invalid(textTwoAny)
	case r.status == statusAny:
		return invalid(textAnyNotLast)
	case len(r.prefixes) > 0 && slices.Equal(r.prefixes, lower.prefixes):
		return invalid(textSameList, prefixList)
	case len(r.patterns) > 0 && slices.Equal(r.patterns, lower.patterns):
		return invalid(textSameList, patternList)
	}
	return nil
}

// selects reports whether an image with these tags matches the tagging requirements of the rule:
// each entry of its list must match one of the tags, not all of them the same one.
func (r *rule) selects(tags []string) bool {
	switch r.status {
	case statusAny:
		return true
	case statusUntagged:
		return len(tags) == 0
	}
	for i := range r.tags {
		if !slices.ContainsFunc(tags, r.tags[i].match) {
			return false
		}
	}
	return true
}

func hasNull(fields map[string]any) bool {
	for _, v := range fields {
		if inner, ok := v.(map[string]any); v == nil || ok && hasNull(inner) {
			return true
		}
	}
	return false
}

// set returns the distinct strings of a list, sorted; nil when there is none.
func set(v any) []string {
	list, _ := v.([]any)
	var s []string
	for _, e := range list {
		s = append(s, e.(string))
	}
	slices.Sort(s)
	return slices.Compact(s)
}

// number converts an integer literal; ECR keeps 32 bits.
func number(v any) (n int32, ok bool) {
	n64, err := strconv.ParseInt(v.(json.Number).String(), 10, 32)
	return int32(n64), err == nil
}
