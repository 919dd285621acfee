package exploration

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// Ending is how a run ended.
type Ending int

// The endings.
const (
	// Returned is a function that answered.
	Returned Ending = iota
	// Panicked is one that panicked, or ended its goroutine.
	Panicked
	// Endless is one that did not end by itself.
	Endless
	// Leaked is one that answered and left goroutines.
	Leaked
)

// Outcome is what came of a run.
type Outcome struct {
	Ending Ending
	// Detail says how it ended, if it did not return: in a line, and Stack where.
	Detail, Stack string
	Answer        any
	Err           error
	// World is the world that it left, nil where nobody knows.
	World *fakeecr.Registry
	Trace scenarios.Trace
	// Fired tells that the first of the rules did something.
	Fired bool
}

// Subject is the code that is explored. It runs on a fork of a world, with rules in
// play, and is not let make more than so many calls, 0 for any number.
type Subject func(world *fakeecr.Registry, rules scenarios.Scenario, calls int) Outcome

// Verdict is what a variation came to.
type Verdict string

// The verdicts. From DoesNotRecover on they are findings.
const (
	NotRun         Verdict = ""
	NotReached     Verdict = "not reached"
	Survived       Verdict = "survived"
	Failed         Verdict = "failed"
	Recovers       Verdict = "failed and recovers"
	DoesNotRecover Verdict = "DOES NOT RECOVER"
	OtherWorld     Verdict = "OTHER WORLD"
	SuccessBut     Verdict = "SUCCESS BUT"
	OtherAnswer    Verdict = "OTHER ANSWER"
	CheckFails     Verdict = "CHECK FAILS"
	Panic          Verdict = "PANIC"
	NeverEnds      Verdict = "NEVER ENDS"
	Leak           Verdict = "LEAK"
)

// signs are how verdicts stand in the table.
var signs = map[Verdict]string{
	NotRun: " ", NotReached: "o", Survived: ".", Failed: "f", Recovers: "r",
	DoesNotRecover: "NR", OtherWorld: "OW", SuccessBut: "SB", OtherAnswer: "OA", CheckFails: "CF",
	Panic: "PA", NeverEnds: "NE", Leak: "LE",
}

// IsFinding tells whether something is wrong with the code.
func (v Verdict) IsFinding() bool {
	switch v {
	case NotRun, NotReached, Survived, Failed, Recovers:
		return false
	}
	return true
}

// What changes from run to run.
var (
	uuids   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times   = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`)
	hexes   = regexp.MustCompile(`(sha256:)?\b[0-9a-f]{12,}\b`)
	tokens  = regexp.MustCompile(`\b(QVdTOmV5|eyJ)[0-9A-Za-z+/_=-]{20,}`) // JSON in base64, and behind AWS:
	running = regexp.MustCompile(`\[running\] in .*`)
	address = regexp.MustCompile(`0x[0-9a-f]+|127\.0\.0\.1:\d+`)
)

// plain is a text without ids, times and tokens.
func plain(text string) string {
	return times.ReplaceAllString(uuids.ReplaceAllString(tokens.ReplaceAllString(text, "(token)"), "(id)"), "(time)")
}

// Cause is the text of an error without what tells one call from another.
func Cause(text string) string {
	text = running.ReplaceAllString(plain(text), "[running]")
	return address.ReplaceAllString(hexes.ReplaceAllString(text, "(digest)"), "(address)")
}

// SameJSON tells whether two answers are equal as JSON, ids, times and tokens aside; or
// else, if they have no JSON, equal.
func SameJSON(a, b any) bool {
	one, err := json.Marshal(a)
	other, err2 := json.Marshal(b)
	if err != nil || err2 != nil {
		return reflect.DeepEqual(a, b)
	}
	return plain(string(one)) == plain(string(other))
}

// shown is an answer in a few words.
func shown(answer any) string {
	text, err := json.Marshal(answer)
	if err != nil {
		return strings.TrimSpace(err.Error())
	}
	const most = 200
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
