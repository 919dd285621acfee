package exploration

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fakeecr/ecr/scenarios"
)

// Variation is one fault at one call.
type Variation struct {
	// Name is Call and Fault: PutImage#1@team/app/reply_lost.
	Name string
	// Call names the call of the good day, and Operation is its operation.
	Call, Operation string
	Fault           string
	Rules           scenarios.Scenario
}

// target is a call of the good day that is tried, the nth of those that are equal.
type target struct {
	scenarios.Call
	nth  int
	name string
}

// targets are the calls of a good day that are tried: of equal ones the first, up to
// so many with the last.
func targets(trace scenarios.Trace, most int) []target {
	equal := map[string]int{}
	for i := range trace {
		equal[trace[i].Identity()]++
	}
	seen := map[string]int{}
	var all []target
	for _, call := range trace {
		identity := call.Identity()
		seen[identity]++
		nth := seen[identity]
		if call.Face == "" || nth >= most && nth < equal[identity] {
			continue
		}
		all = append(all, target{Call: call, nth: nth})
	}
	name(all)
	return all
}

// name names calls by the operation, their number among equal ones and the
// repository; and by more where two would share a name.
func name(all []target) {
	names := []func(*target) string{
		func(t *target) string { return "" },
		func(t *target) string { return ":" + about(t) },
		func(t *target) string { return ":" + about(t) + "~" + t.Identity()[len(t.Identity())-6:] },
	}
	for _, more := range names {
		sharing := map[string][]*target{}
		for i := range all {
			t := &all[i]
			if t.name == "" {
				base := fmt.Sprintf("%s#%d", t.Operation, t.nth)
				if t.Repository != "" {
					base += "@" + t.Repository
				}
				base += more(t)
				sharing[base] = append(sharing[base], t)
			}
		}
		for base, same := range sharing {
			if len(same) == 1 {
				same[0].name = base
			}
		}
	}
	for i := range all {
		if t := &all[i]; t.name == "" {
			t.name = fmt.Sprintf("%s#%d~%d", t.Operation, t.nth, i+1)
		}
	}
}

var longDigest = regexp.MustCompile(`(sha256:[0-9a-f]{12})[0-9a-f]{52}`)

// about is what a call is about, as it can stand in the name of a test.
func about(t *target) string {
	const most = 48
	text := strings.ReplaceAll(longDigest.ReplaceAllString(t.About(), "$1"), " ", "_")
	return text[:min(len(text), most)]
}

// variations are each fault at each call where it can be.
func variations(targets []target, faults []Fault) (all []Variation) {
	for _, t := range targets {
		for _, fault := range faults {
			if rules := fault.Rules(t.Call, t.nth); len(rules) > 0 {
				all = append(all, Variation{Name: t.name + "/" + fault.Name, Call: t.name, Operation: t.Operation, Fault: fault.Name, Rules: slices.Clip(rules)})
			}
		}
	}
	return all
}
