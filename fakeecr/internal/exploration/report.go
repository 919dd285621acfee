package exploration

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fakeecr/ecr/scenarios"
)

// Cell is what one variation came to.
type Cell struct {
	Variation
	Verdict Verdict
	// Detail says what is wrong, and Stack where, if it hangs or panicked.
	Detail, Stack string
	// Accepted tells that a finding is known, and Why.
	Accepted bool
	Why      string
	// As is the variation with the same cause that came first, "" for the first.
	As string
	// Trace is the calls of the run with the fault, and Again those of the second run,
	// of findings only.
	Trace, Again scenarios.Trace
	// cause is what findings of one cause have in common.
	cause string
}

func (c *Cell) fails(verdict Verdict, detail, cause string) {
	c.Verdict, c.Detail, c.cause = verdict, detail, string(verdict)+" "+cause
}

// String is the finding: what happened, the calls, and the rules that repeat it.
func (c Cell) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s: %s\n", c.Name, c.Verdict, c.Detail)
	if c.Stack != "" {
		fmt.Fprintf(&text, "%s\n", strings.TrimSpace(c.Stack))
	}
	fmt.Fprintf(&text, "The calls:\n%s", c.Trace)
	if len(c.Again) > 0 {
		fmt.Fprintf(&text, "The calls when it was run again:\n%s", c.Again)
	}
	fmt.Fprintf(&text, "The rules that repeat it, in Go and in JSON:\n%#v\n", c.Rules)
	if written, err := json.Marshal(c.Rules); err == nil {
		fmt.Fprintf(&text, "%s\n", written)
	}
	return text.String()
}

// Report is what an exploration found.
type Report struct {
	// Calls and Faults are the table's rows and columns, and Cells what was run, in
	// the order in which it ran.
	Calls, Faults []string
	Cells         []Cell
	// Good is the calls of the good day.
	Good scenarios.Trace
	// Stopped says why the exploration ended before its end, "" if it did not.
	Stopped string
}

// Add notes a cell, in the order of the variations; one with a cause that is known is no finding of its own.
func (r *Report) Add(cell Cell) Cell {
	if cell.Verdict.IsFinding() {
		for _, before := range r.Cells {
			if before.cause == cell.cause && before.As == "" {
				cell.As = before.Name
				cell.Trace, cell.Again = nil, nil
				if before.Accepted && !cell.Accepted {
					cell.Accepted, cell.Why = true, before.Why
				}
			}
		}
	}
	if !cell.Verdict.IsFinding() {
		cell.Trace, cell.Again = nil, nil
	}
	r.Cells = append(r.Cells, cell)
	return cell
}

// Findings are the cells with something wrong that is not accepted, one for each
// cause.
func (r *Report) Findings() (findings []Cell) {
	for _, cell := range r.Cells {
		if cell.Verdict.IsFinding() && cell.As == "" && !cell.Accepted {
			findings = append(findings, cell)
		}
	}
	return findings
}

// Cell is what a fault at a call came to.
func (r *Report) Cell(call, fault string) (Cell, bool) {
	for _, cell := range r.Cells {
		if cell.Call == call && cell.Fault == fault {
			return cell, true
		}
	}
	return Cell{}, false
}

// like is how many cells have the cause of a finding.
func (r *Report) like(finding Cell) (n int) {
	for _, cell := range r.Cells {
		if cell.Name == finding.Name || cell.As == finding.Name {
			n++
		}
	}
	return n
}

// String is the table, what its signs mean, and the findings in a line each.
func (r *Report) String() string {
	var text strings.Builder
	width := 0
	for _, call := range r.Calls {
		width = max(width, len(call))
	}
	head := strings.Repeat(" ", width)
	for i := range r.Faults {
		head += fmt.Sprintf("  %-2s", letter(i))
	}
	text.WriteString(strings.TrimRight(head, " ") + "\n")
	for _, call := range r.Calls {
		line := fmt.Sprintf("%-*s", width, call)
		for _, fault := range r.Faults {
			sign := ""
			if cell, run := r.Cell(call, fault); run {
				sign = signs[cell.Verdict]
			}
			line += fmt.Sprintf("  %-2s", sign)
		}
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	text.WriteString(r.legend())
	for _, finding := range r.Findings() {
		fmt.Fprintf(&text, "%s: %s, %s: %s\n", finding.Name, finding.Verdict, Counted(r.like(finding), "time"), plain(FirstOf(finding.Detail)))
	}
	for _, cell := range r.Cells {
		if cell.Verdict.IsFinding() && cell.As == "" && cell.Accepted {
			fmt.Fprintf(&text, "%s: %s, %s, accepted: %s\n", cell.Name, cell.Verdict, Counted(r.like(cell), "time"), cell.Why)
		}
	}
	fmt.Fprintf(&text, "%s of %s, %s\n", Counted(len(r.Cells), "variation"), Counted(len(r.Calls), "call"), Counted(len(r.Findings()), "finding"))
	if r.Stopped != "" {
		fmt.Fprintf(&text, "stopped: %s\n", r.Stopped)
	}
	return text.String()
}

// Counted is a number of things: 1 call, 2 calls.
func Counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// FirstOf is the first line of a text and, where it announces a list, the first of that.
func FirstOf(text string) string {
	first, rest, _ := strings.Cut(text, "\n")
	if strings.HasSuffix(first, ":") {
		item, others, _ := strings.Cut(rest, "\n")
		first += " " + strings.TrimSpace(item)
		if strings.HasPrefix(others, "  ") {
			first += " …"
		}
	}
	return first
}

// letter names a column: a, b, …, z, aa.
func letter(i int) string {
	const letters = 26
	if i >= letters {
		return letter(i/letters-1) + letter(i%letters)
	}
	return string(rune('a' + i))
}

// legend is what the letters and the signs mean.
func (r *Report) legend() string {
	const perLine = 6
	var text strings.Builder
	for at := range slices.Chunk(r.Faults, perLine) {
		first := slices.Index(r.Faults, at[0])
		words := make([]string, len(at))
		for i, fault := range at {
			words[i] = letter(first+i) + " " + fault
		}
		text.WriteString(strings.Join(words, ", ") + "\n")
	}
	var words []string
	for _, verdict := range []Verdict{Survived, Recovers, Failed, NotReached, DoesNotRecover, OtherWorld, SuccessBut, OtherAnswer, CheckFails, Panic, NeverEnds, Leak} {
		if slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Verdict == verdict }) {
			words = append(words, signs[verdict]+" "+string(verdict))
		}
	}
	text.WriteString(strings.Join(words, ", ") + "\n")
	return text.String()
}
