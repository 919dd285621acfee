package explore

import (
	"flag"
	"testing"

	"github.com/fakeecr/ecr/fakeecr/internal/exploration"
	"github.com/fakeecr/ecr/scenarios"
)

// Report is what an exploration found.
type Report struct{ of exploration.Report }

// Cell is what one fault at one call came to.
type Cell struct {
	// Name is Call and Fault, as a subtest is called.
	Name, Call, Fault string
	// Verdict is what it came to, in words: "survived", "failed and recovers", "not
	// reached", "SUCCESS BUT", ….
	Verdict string
	// Finding tells that something is wrong with the code, and Detail what. As is the
	// variation that came before it with the same cause, if there is one.
	Finding    bool
	Detail, As string
	// Accepted tells that [Accept] knows it.
	Accepted bool
	// Rules are those that were played.
	Rules scenarios.Scenario
	// Trace is the calls that were made, and Again those when the function was run
	// again, of findings only.
	Trace, Again scenarios.Trace
}

func newCell(c exploration.Cell) Cell {
	return Cell{
		Name: c.Name, Call: c.Call, Fault: c.Fault, Verdict: string(c.Verdict), Finding: c.Verdict.IsFinding(),
		Detail: c.Detail, As: c.As, Accepted: c.Accepted, Rules: c.Rules, Trace: c.Trace, Again: c.Again,
	}
}

func cells(of []exploration.Cell) []Cell {
	all := make([]Cell, len(of))
	for i, c := range of {
		all[i] = newCell(c)
	}
	return all
}

// Cells are the variations that ran, in their order.
func (r *Report) Cells() []Cell { return cells(r.of.Cells) }

// Findings are the cells in which something is wrong that is not accepted, one for each
// cause.
func (r *Report) Findings() []Cell { return cells(r.of.Findings()) }

// Good is the calls of the good day.
func (r *Report) Good() scenarios.Trace { return r.of.Good }

// String is the table of calls and faults, and a line for each finding.
func (r *Report) String() string { return r.of.String() }

// artifactDir is where a test leaves files that outlive it, "" for nowhere.
func artifactDir(t testing.TB) string {
	test, has := t.(interface{ ArtifactDir() string })
	given := flag.Lookup("test.artifacts")
	if !has || given == nil || given.Value.String() != "true" {
		return ""
	}
	return test.ArtifactDir()
}
