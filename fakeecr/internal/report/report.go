// Package report shows a world to people, as HTML: what was called, which rules were
// in play, what the registries hold. It reads the world through the operations of
// the API and knows nothing of what is behind them.
package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fakeecr/ecr/scenarios"
)

//go:embed templates
var templates embed.FS

// Style is the style sheet of all that the templates show.
//
//go:embed style.css
var Style string

// Templates are those of this package, for a page that adds its own.
func Templates() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"size": size, "count": Count, "short": short, "when": when,
		"style": func() template.CSS { return template.CSS(Style) },
	}).ParseFS(templates, "templates/*.html"))
}

// parsed are the templates of reports. They are read with the first: most tests leave
// none.
var parsed = sync.OnceValue(Templates)

// What a report has room for: calls in full, and of each registry and repository
// what it begins with. The page has all, and the text log has all lines.
const (
	reportedCalls        = 1000
	reportedRepositories = 100
	reportedImages       = 50
	reportedBytes        = 16 << 10
)

// Report is what a test leaves when it fails.
type Report struct {
	Name string
	Seed uint64
	// Now is the world's clock.
	Now time.Time
	// Reasons are those for which the fake has failed the test, as its log has them.
	Reasons []string
	Trace   scenarios.Trace
	Played  []PlayedScenario
	World   []API
}

// Write writes the report as one file of HTML that needs no other.
func (r Report) Write(w io.Writer) error {
	last := r.Trace[max(0, len(r.Trace)-reportedCalls):]
	view := struct {
		Report
		Calls []Call
		// Made is how many calls there were, of which the trace has Kept the last.
		Made, Kept int
		Failed     int
		Reads      []RegistryPage
	}{Report: r, Made: Made(r.Trace), Kept: len(r.Trace)}
	for _, p := range r.Played {
		for i := range p.Rules {
			rule := &p.Rules[i]
			rule.Silent = rule.Fired == 0 && !rule.Optional
		}
	}
	for i := range last {
		call := NewCall(&last[len(last)-1-i]).InFull(reportedBytes)
		view.Calls = append(view.Calls, call)
	}
	view.Failed = len(r.Trace.Where(scenarios.Failed()))
	for _, api := range r.World {
		view.Reads = append(view.Reads, inFull(api))
	}
	return parsed().ExecuteTemplate(w, "report", view)
}

// Made is how many calls there were, of which a trace keeps the last.
func Made(t scenarios.Trace) int {
	if len(t) == 0 {
		return 0
	}
	return t[len(t)-1].Number
}

// inFull is a registry with what its repositories hold.
func inFull(api API) RegistryPage {
	reg := NewRegistry(api, "", reportedRepositories)
	for i, summary := range reg.Repositories {
		repo, err := NewRepository(api, summary.Name, Choice{Most: reportedImages})
		if err != nil {
			continue // it was there when the list was made
		}
		for j, img := range repo.Images {
			if full, err := NewImage(api, summary.Name, img.Digest); err == nil {
				repo.Images[j] = full
			}
		}
		reg.Repositories[i] = repo
	}
	return reg
}

// size is a number of bytes in words.
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), ""
	for _, unit = range []string{"KiB", "MiB", "GiB", "TiB"} {
		if f /= 1024; f < 1024 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}

// Count is a number with its thousands apart.
func Count(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// short is enough of a digest to tell it from others.
func short(digest string) string {
	algorithm, hex, found := strings.Cut(digest, ":")
	if !found || len(hex) <= 12 {
		return digest
	}
	return algorithm + ":" + hex[:12]
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}
