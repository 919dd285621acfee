// Package lifecycle reads lifecycle policies as ECR does and tells which images a policy would expire or archive.
//
// It holds no state: a Policy does not change after Parse, and Evaluate is a function of images and a time.
package lifecycle

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// A Policy is a valid lifecycle policy. It may be shared between goroutines.
type Policy struct {
	rules []rule // by priority, the lowest number first
}

// Parse reads the text of a lifecycle policy. The text of its error is ECR's sentence about the first thing wrong:
// what stands between the quotes of "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: '…'".
// The length of the text is a constraint of the service model and not checked here.
//
// ECR names one violation only. They are looked for in this order: the JSON, the members and their values,
// the combination of members in a rule, each rule's tags and counts, the rules against each other.
func Parse(text string) (*Policy, error) {
	doc, ok := decode(text)
	if !ok {
		return nil, errUnmappable
	}
	list, ok := doc["rules"].([]any)
	if !ok {
		return nil, invalid(textMissing, quote([]string{"rules"}))
	}
	if err := document(doc); err != nil {
		return nil, err
	}
	rules := make([]rule, len(list))
	for i, fields := range list {
		var err error
		if rules[i], err = newRule(fields.(map[string]any)); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rules, func(a, b rule) int { return cmp.Compare(a.priority, b.priority) })
	if err := checkRules(rules); err != nil {
		return nil, err
	}
	return &Policy{rules}, nil
}

// Compact removes the white space between the tokens of a policy, as PutLifecyclePolicy and GetLifecyclePolicy
// return it: the order of keys and the spelling of literals stay. A text that is not JSON is returned as it is.
func Compact(text string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return text
	}
	return b.String()
}

func decode(text string) (map[string]any, bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var doc map[string]any
	if decoder.Decode(&doc) != nil || doc == nil {
		return nil, false
	}
	_, err := decoder.Token()
	return doc, err == io.EOF
}
