package exploration

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"sync"

	"github.com/fakeecr/ecr/fakeecr/internal/report"
	"github.com/fakeecr/ecr/scenarios"

	_ "embed"
)

//go:embed page.html
var page string

var templates = sync.OnceValue(func() *template.Template { return template.Must(report.Templates().Parse(page)) })

// pageCell is a cell of the page's grid.
type pageCell struct {
	Cell
	// ID is the cell's place in the page, "" for a fault that cannot be there.
	ID, Sign, Class string
	Go, JSON        string
	// Calls are those of a finding, and CallsAgain those when it was run again.
	Calls, CallsAgain []report.Call
}

type pageRow struct {
	Call  string
	Cells []pageCell
}

// Write writes the report as one file of HTML that needs no other.
func (r *Report) Write(w io.Writer, name string) error {
	view := struct {
		*Report
		Name     string
		Rows     []pageRow
		Findings []Cell
	}{Report: r, Name: name, Findings: r.Findings()}
	for _, call := range r.Calls {
		row := pageRow{Call: call}
		for _, fault := range r.Faults {
			row.Cells = append(row.Cells, r.pageCell(call, fault))
		}
		view.Rows = append(view.Rows, row)
	}
	return templates().ExecuteTemplate(w, "exploration", view)
}

// calledBytes is how much of an input or output the page shows.
const calledBytes = 4 << 10

func (r *Report) pageCell(call, fault string) pageCell {
	cell, run := r.Cell(call, fault)
	if !run {
		return pageCell{}
	}
	shown := pageCell{Cell: cell, ID: cell.Name, Sign: signs[cell.Verdict], Class: "good", Go: fmt.Sprintf("%#v", cell.Rules)}
	switch {
	case cell.Verdict.IsFinding() && !cell.Accepted:
		shown.Class = "bad"
	case cell.Verdict.IsFinding():
		shown.Class = "rule"
	case cell.Verdict == NotReached:
		shown.Class = ""
	}
	if text, err := json.Marshal(cell.Rules); err == nil {
		shown.JSON = report.Pretty(string(text))
	}
	shown.Calls, shown.CallsAgain = inFull(cell.Trace), inFull(cell.Again)
	return shown
}

func inFull(trace scenarios.Trace) (calls []report.Call) {
	for i := range trace {
		calls = append(calls, report.NewCall(&trace[i]).InFull(calledBytes))
	}
	return calls
}
