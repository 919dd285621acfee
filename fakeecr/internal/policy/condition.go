package policy

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A condition is one operator on one key.
type condition struct {
	key        string // lower case
	quantifier quantifier
	negated    bool
	ifExists   bool
	null       bool
	tests      []test // one of them has to accept a value
}

type quantifier int

const (
	plain quantifier = iota
	forAnyValue
	forAllValues
)

// A test compares one value of a request with one value of the policy.
type test func(got string, context lookup) bool

// holds follows IAM: a key that the request does not carry fails a positive operator and satisfies a
// negated one, …IfExists and ForAllValues.
func (c *condition) holds(context lookup) bool {
	values, present := find(context, c.key)
	if c.null {
		return c.accepts(strconv.FormatBool(!present), context)
	}
	if !present {
		return c.ifExists || c.quantifier == forAllValues || c.negated && c.quantifier == plain
	}
	accepts := func(got string) bool { return c.accepts(got, context) }
	switch {
	case c.quantifier == forAnyValue && c.negated:
		return !all(values, accepts)
	case c.quantifier == forAllValues && !c.negated:
		return all(values, accepts)
	default:
		return slices.ContainsFunc(values, accepts) != c.negated
	}
}

func (c *condition) accepts(got string, context lookup) bool {
	for _, test := range c.tests {
		if test(got, context) {
			return true
		}
	}
	return false
}

func all(values []string, f func(string) bool) bool {
	for _, v := range values {
		if !f(v) {
			return false
		}
	}
	return true
}

// readConditions takes the Condition element: operators, under each of them keys, and their values.
func readConditions(v value, variables bool) ([]condition, error) {
	if err := v.unique(); err != nil {
		return nil, err
	}
	var conditions []condition
	for i, name := range v.keys {
		block := v.items[i]
		if err := block.unique(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(block.keys) == 0 {
			return nil, fmt.Errorf("%s has no condition key", name)
		}
		for j, key := range block.keys {
			c, err := readCondition(name, key, block.items[j], variables)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, key, err)
			}
			conditions = append(conditions, c)
		}
	}
	return conditions, nil
}

func readCondition(name, key string, v value, variables bool) (condition, error) {
	var c condition
	var err error
	if c.key, err = conditionKey(key); err != nil {
		return c, err
	}
	base := name
	if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
		base, c.quantifier = rest, forAnyValue
	} else if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
		base, c.quantifier = rest, forAllValues
	}
	base, c.ifExists = strings.CutSuffix(base, "IfExists")
	op, ok := operators[base]
	if !ok || base == "Null" && base != name {
		return c, errors.New("unsupported operator")
	}
	c.negated, c.null = op.negated, base == "Null"
	texts, err := v.scalars()
	if err != nil {
		return c, err
	}
	for _, text := range texts {
		test, err := op.compile(text, variables)
		if err != nil {
			return c, err
		}
		c.tests = append(c.tests, test)
	}
	return c, nil
}

// conditionKey returns a key in lower case; which keys exist is left to the request.
func conditionKey(key string) (string, error) {
	service, name, _ := strings.Cut(key, ":")
	if service == "" || name == "" || strings.ContainsAny(key, "*${}") {
		return "", fmt.Errorf("malformed condition key %q", key)
	}
	return strings.ToLower(key), nil
}

type operator struct {
	negated bool
	compile func(text string, variables bool) (test, error)
}

var operators = operatorTable()

func operatorTable() map[string]operator {
	equals := textual(false, func(want, got string) bool { return want == got })
	fold := textual(false, strings.EqualFold)
	like := textual(true, match)
	table := map[string]operator{
		"StringEquals":              {compile: equals},
		"StringNotEquals":           {compile: equals, negated: true},
		"StringEqualsIgnoreCase":    {compile: fold},
		"StringNotEqualsIgnoreCase": {compile: fold, negated: true},
		"StringLike":                {compile: like},
		"StringNotLike":             {compile: like, negated: true},
		"ArnEquals":                 {compile: arn},
		"ArnLike":                   {compile: arn},
		"ArnNotEquals":              {compile: arn, negated: true},
		"ArnNotLike":                {compile: arn, negated: true},
		"IpAddress":                 {compile: address},
		"NotIpAddress":              {compile: address, negated: true},
		"Bool":                      {compile: boolean},
		"Null":                      {compile: boolean},
	}
	addOrdered(table, "Numeric", number, cmp.Compare)
	addOrdered(table, "Date", date, time.Time.Compare)
	return table
}

func addOrdered[T any](table map[string]operator, family string, parse func(string) (T, error), compare func(T, T) int) {
	add := func(name string, negated bool, want func(order int) bool) {
		table[family+name] = operator{negated: negated, compile: func(text string, _ bool) (test, error) {
			limit, err := parse(text)
			return func(got string, _ lookup) bool {
				v, err := parse(got)
				return err == nil && want(compare(v, limit))
			}, err
		}}
	}
	add("Equals", false, func(order int) bool { return order == 0 })
	add("NotEquals", true, func(order int) bool { return order == 0 })
	add("LessThan", false, func(order int) bool { return order < 0 })
	add("LessThanEquals", false, func(order int) bool { return order <= 0 })
	add("GreaterThan", false, func(order int) bool { return order > 0 })
	add("GreaterThanEquals", false, func(order int) bool { return order >= 0 })
}

func textual(wild bool, equal func(want, got string) bool) func(string, bool) (test, error) {
	return func(text string, variables bool) (test, error) {
		t, err := compile(text, variables, wild)
		return func(got string, context lookup) bool {
			want, ok := t.expand(context)
			return ok && equal(want, got)
		}, err
	}
}

// arn serves ArnEquals as well as ArnLike: IAM gives wildcards to both.
func arn(text string, variables bool) (test, error) {
	if text != "*" && !(variables && strings.Contains(text, "${")) &&
		(!strings.HasPrefix(text, "arn:") || strings.Count(text, ":") < 5) {
		return nil, fmt.Errorf("%q is not an ARN", text)
	}
	return textual(true, matchARN)(text, variables)
}

func boolean(text string, _ bool) (test, error) {
	want, err := isTrue(text)
	return func(got string, _ lookup) bool {
		v, err := isTrue(got)
		return err == nil && v == want
	}, err
}

func isTrue(text string) (bool, error) {
	switch {
	case strings.EqualFold(text, "true"):
		return true, nil
	case strings.EqualFold(text, "false"):
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}

func address(text string, _ bool) (test, error) {
	network, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		network = netip.PrefixFrom(addr, addr.BitLen())
	}
	return func(got string, _ lookup) bool {
		addr, err := netip.ParseAddr(got)
		return err == nil && network.Contains(addr.Unmap())
	}, nil
}

func number(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsNaN(n) || math.IsInf(n, 0)) {
		err = fmt.Errorf("%q is not a number", text)
	}
	return n, err
}

// date reads the forms of ISO 8601 that IAM documents, and seconds since 1970.
func date(text string) (time.Time, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date", text)
}
