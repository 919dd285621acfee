package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// Trace is the calls that a world has answered, oldest first.
type Trace []Call

// For is the calls of one operation, or of a group of them. It panics if ECR has
// no operation of this name, because such a call is never found.
func (t Trace) For(operation string) Trace {
	operations := Operations(operation)
	if operations == nil {
		panic(fmt.Sprintf("scenarios: ECR has no operation %q", operation))
	}
	var calls Trace
	for _, call := range t {
		if slices.Contains(operations, call.Operation) {
			calls = append(calls, call)
		}
	}
	return calls
}

// Where is the calls for which all conditions hold: those of rules, and [Failed]
// and [PlayedBy]. It panics for a condition that says nothing of a call of a trace:
// [While], [TokenBefore], or [WhenCall] of a nil function.
func (t Trace) Where(conditions ...Condition) Trace {
	for _, c := range conditions {
		if c.mistake != nil {
			panic(fmt.Sprintf("scenarios: %v", c.mistake))
		}
		if c.matches == nil {
			panic("scenarios: an empty condition")
		}
		if c.kind == "while" || c.kind == "tokenBefore" {
			panic(fmt.Sprintf("scenarios: %s(%q): a call of a trace is in no state of a playing", capital(c.kind), c.value))
		}
	}
	var calls Trace
	for i := range t {
		if !slices.ContainsFunc(conditions, func(c Condition) bool { return !c.matches(&t[i]) }) {
			calls = append(calls, t[i])
		}
	}
	return calls
}

// Count is how many calls of an operation there were, refused ones included.
func (t Trace) Count(operation string) int { return len(t.For(operation)) }

// Operations is the names of the operations called, in order of their calls.
func (t Trace) Operations() []string {
	names := make([]string, len(t))
	for i, call := range t {
		names[i] = call.Operation
	}
	return names
}

// String is the trace with one line a call.
func (t Trace) String() string {
	var lines strings.Builder
	for _, call := range t {
		lines.WriteString(call.String())
		lines.WriteByte('\n')
	}
	return lines.String()
}
