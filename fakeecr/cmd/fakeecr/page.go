package main

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/report"
	"github.com/fakeecr/ecr/scenarios"
)

//go:embed page
var pageFiles embed.FS

// pageTemplates are those of the report, some of which the page replaces, and its own.
var pageTemplates = sync.OnceValue(func() *template.Template {
	return template.Must(report.Templates().ParseFS(pageFiles, "page/*.html"))
})

// What one page of each list shows.
const (
	callsShown        = 100
	repositoriesShown = 100
	imagesShown       = 100
	// bytesShown is how much of an input or output a line shows; the page of the call
	// shows most of what there is.
	bytesShown = 16 << 10
	mostBytes  = 4 << 20
)

// frame is what all pages have around what they show.
type frame struct {
	Title string
	// World tells that the page shows what the world holds.
	World bool
	// Live is the query of what the page is told, "" for nothing.
	Live template.URL
	Now  time.Time
	Seed uint64
	// Notice says what became of what was asked for; Bad, that it did not happen. It
	// stands in the Part with this id, "" for above all.
	Notice string
	Bad    bool
	Part   string
	// Since is how the world differs from what was kept of it.
	Since []difference
	Body  any
}

func (c *control) servePage(handle func(string, func(http.ResponseWriter, *http.Request))) {
	handle("GET {$}", func(w http.ResponseWriter, req *http.Request) { c.showCalls(w, req.URL.Query(), &outcome{}) })
	handle("POST {$}", c.do)
	handle("GET world", c.showWorld)
	handle("GET repository", c.showRepository)
	handle("GET image", c.showImage)
	handle("GET call", c.showCall)
	handle("GET detail", c.showDetail)
	handle("GET events", c.follow)
	handle("GET style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Write([]byte(report.Style))
	})
	handle("GET page.js", func(w http.ResponseWriter, req *http.Request) { http.ServeFileFS(w, req, pageFiles, "page/page.js") })
}

// render answers a page. What goes wrong in a template is seen before the answer
// begins.
func render(w http.ResponseWriter, status int, name string, data any) {
	var text bytes.Buffer
	if err := pageTemplates().ExecuteTemplate(&text, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}

func (c *control) show(w http.ResponseWriter, status int, name string, f frame) {
	registry := c.registry.Load()
	f.Now, f.Seed = registry.Now(), registry.Seed()
	render(w, status, name, f)
}

// lost answers that there is no such thing.
func (c *control) lost(w http.ResponseWriter, what string) {
	c.show(w, http.StatusNotFound, "lost", frame{Title: "Not found", Body: what})
}

// callsPage is the page of the calls, which also has the controls.
type callsPage struct {
	Calls []report.Call
	// Matching is how many calls the filter takes of All that the trace keeps.
	Matching, All int
	Filter        url.Values
	// Older is the query of the page of older calls, "" without one; Newest that this
	// page begins with the last call.
	Older  template.URL
	Newest bool
	// Last is the number of the last call, which is how many there were.
	Last int
	// What the filter's fields propose.
	Operations, Rules []string
	Faces             []scenarios.Face
	Played            []report.PlayedScenario
	// What the forms were sent with, to be put right.
	Scenario, Duration string
	// Before and At are the line of the scenario in which something is wrong.
	Before, At string
}

// showCalls shows the calls that a query is about: the conditions of the trace, and
// before, a number of a call.
func (c *control) showCalls(w http.ResponseWriter, query url.Values, done *outcome) {
	page := callsPage{Filter: filled(query), Scenario: done.scenario, Duration: done.duration, Played: c.shownPlayed()}
	f := frame{Title: "Calls", Notice: done.notice, Bad: done.bad, Part: done.part}
	page.Before, page.At = excerpt(done.scenario, done.notice)
	status := http.StatusOK
	if done.status != 0 {
		status = done.status
	}
	world := c.worlds.Load()
	trace := c.registry.Load().Trace()
	page.All, page.Last = len(trace), report.Made(trace)
	before, err := takeBefore(page.Filter)
	matching := trace
	if err == nil && len(page.Filter) > 0 {
		var wanted []scenarios.Condition
		if wanted, err = conditions(page.Filter); err == nil {
			matching = trace.Where(wanted...)
		}
	}
	if err != nil {
		f.Notice, f.Bad, status, matching = err.Error(), true, http.StatusBadRequest, nil
	}
	page.list(matching, before)
	if !page.Newest || err != nil {
		f.Live = ""
	} else {
		f.Live = following(world, page.Last, page.Filter)
	}
	page.Operations = slices.Concat(scenarios.Groups(), scenarios.Operations(scenarios.Any), scenarios.Operations(scenarios.World), scenarios.Operations(scenarios.Identity))
	page.Faces = []scenarios.Face{scenarios.FaceGo, scenarios.FaceAPI, scenarios.FaceRegistry}
	for _, p := range page.Played {
		for _, rule := range p.Rules {
			page.Rules = append(page.Rules, rule.Text)
		}
	}
	f.Body = page
	c.show(w, status, "calls page", f)
}

// following is the query of what a page is told that knows a world up to a call.
func following(world int64, last int, filter url.Values) template.URL {
	query := url.Values{"after": {fmt.Sprintf("%d-%d", world, last)}}
	maps.Copy(query, filter)
	return template.URL(query.Encode())
}

// list shows the last calls of a trace before a number, newest first.
func (p *callsPage) list(trace scenarios.Trace, before int) {
	p.Matching, p.Newest = len(trace), before == 0
	end := len(trace)
	if before > 0 {
		end, _ = slices.BinarySearchFunc(trace, before, func(call scenarios.Call, n int) int { return call.Number - n })
	}
	first := max(0, end-callsShown)
	for _, call := range slices.Backward(trace[first:end]) {
		p.Calls = append(p.Calls, report.NewCall(&call))
	}
	if first > 0 {
		older := url.Values{"before": {strconv.Itoa(trace[first].Number)}}
		maps.Copy(older, p.Filter)
		p.Older = template.URL(older.Encode())
	}
}

// filled is a form's query without what was left empty.
func filled(query url.Values) url.Values {
	kept := url.Values{}
	for name, values := range query {
		values = slices.DeleteFunc(slices.Clone(values), func(value string) bool { return value == "" })
		if len(values) > 0 {
			kept[name] = values
		}
	}
	return kept
}

// takeBefore takes the number out of a query that the page of calls ends before, 0
// without one.
func takeBefore(query url.Values) (int, error) {
	text := query.Get("before")
	query.Del("before")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("before is the number of a call, not %q", text)
	}
	return n, nil
}

func (c *control) shownPlayed() (shown []report.PlayedScenario) {
	for _, p := range c.played.all() {
		shown = append(shown, report.NewPlayedScenario(p.id, p))
	}
	return shown
}

// call is the call with the number of a query.
func (c *control) call(query url.Values) (*scenarios.Call, bool) {
	number, err := strconv.Atoi(query.Get("number"))
	trace := c.registry.Load().Trace()
	if err != nil || len(trace) == 0 {
		return nil, false
	}
	at := number - trace[0].Number
	if at < 0 || at >= len(trace) {
		return nil, false
	}
	return &trace[at], true
}

func (c *control) showCall(w http.ResponseWriter, req *http.Request) {
	call, found := c.call(req.URL.Query())
	if !found {
		c.lost(w, "The trace has no such call: it keeps the last 10,000.")
		return
	}
	shown := report.NewCall(call).InFull(mostBytes)
	c.show(w, http.StatusOK, "call page", frame{Title: fmt.Sprintf("Call %d: %s", call.Number, call.Operation), Body: shown})
}

// showDetail is what the page puts in the line of a call that is opened.
func (c *control) showDetail(w http.ResponseWriter, req *http.Request) {
	call, found := c.call(req.URL.Query())
	if !found {
		http.Error(w, "the trace has no such call", http.StatusNotFound)
		return
	}
	render(w, http.StatusOK, "detail in line", report.NewCall(call).InFull(bytesShown))
}

func (c *control) showWorld(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	live := c.now()
	var shown []report.RegistryPage
	for _, registry := range c.registry.Load().Inspect() {
		if query.Has("account") && !isNamed(registry, query) {
			continue
		}
		shown = append(shown, report.NewRegistry(registry, query.Get("next"), repositoriesShown))
	}
	if shown == nil {
		c.lost(w, "The world has no such registry.")
		return
	}
	c.show(w, http.StatusOK, "world page", frame{World: true, Live: live, Title: "World", Since: c.since(), Body: shown})
}

// now is the query of what a page is told that knows the world as it is now.
func (c *control) now() template.URL {
	world := c.worlds.Load()
	return following(world, report.Made(c.registry.Load().Trace()), nil)
}

func isNamed(registry *fakeecr.Registry, query url.Values) bool {
	return registry.AccountID() == query.Get("account") && registry.Region() == query.Get("region")
}

// registryNamed is the registry that a query names.
func (c *control) registryNamed(query url.Values) (*fakeecr.Registry, bool) {
	for _, registry := range c.registry.Load().Inspect() {
		if isNamed(registry, query) {
			return registry, true
		}
	}
	return nil, false
}

// repositoryPage is a repository, and what its images are searched for.
type repositoryPage struct {
	report.Repository
	Text string
}

func (c *control) showRepository(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	live := c.now()
	registry, found := c.registryNamed(query)
	if !found {
		c.lost(w, "The world has no such registry.")
		return
	}
	from, _ := strconv.Atoi(query.Get("from"))
	repository, err := report.NewRepository(registry, query.Get("name"), report.Choice{Text: query.Get("text"), From: from, Most: imagesShown})
	if err != nil {
		c.lost(w, "The registry has no such repository.")
		return
	}
	c.show(w, http.StatusOK, "repository page", frame{World: true, Live: live, Title: repository.Name, Body: repositoryPage{repository, query.Get("text")}})
}

func (c *control) showImage(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	live := c.now()
	registry, found := c.registryNamed(query)
	if !found {
		c.lost(w, "The world has no such registry.")
		return
	}
	image, err := report.NewImage(registry, query.Get("repository"), query.Get("digest"))
	if err != nil {
		c.lost(w, "The repository has no such image.")
		return
	}
	c.show(w, http.StatusOK, "image page", frame{World: true, Live: live, Title: image.Repository + " " + image.Digest, Body: image})
}
