package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/report"
	"github.com/fakeecr/ecr/scenarios"
)

const (
	// beat is how long a page is told nothing: the clock goes on, and calls may be
	// held, without a new call.
	beat = time.Second
	// breath is between two messages, so that many calls come in one.
	breath = 100 * time.Millisecond
)

// follower tells a page, as server-sent events, of the calls that its filter takes.
type follower struct {
	control *control
	wanted  []scenarios.Condition
	// after is the number of the last call that the page knows of, in the world of
	// this number.
	after int
	world int64
	// state is what the page was last told of the scenarios.
	state string
}

// message is what a page is told. Without calls it is a beat.
type message struct {
	// Calls is HTML, newest first, of the last of the New ones that the filter takes.
	Calls string `json:"calls,omitempty"`
	New   int    `json:"new,omitempty"`
	// Changed tells that something was called, whatever the filter.
	Changed bool `json:"changed,omitempty"`
	// Reset tells that the world began anew.
	Reset bool `json:"reset,omitempty"`
	// Played is HTML, nothing if it is as it was.
	Played *string `json:"played,omitempty"`
	Clock  string  `json:"clock"`
}

// follow answers the events of a page until it is closed or the program ends.
func (c *control) follow(w http.ResponseWriter, req *http.Request) {
	query := filled(req.URL.Query())
	// A browser that lost the connection goes on where it was.
	last := cmp.Or(req.Header.Get("Last-Event-ID"), query.Get("after"))
	query.Del("after")
	f := &follower{control: c}
	var err error
	if _, err = fmt.Sscanf(last, "%d-%d", &f.world, &f.after); err == nil {
		f.wanted, err = conditions(query)
	}
	if err != nil {
		answer(w, err)
		return
	}
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	defer context.AfterFunc(c.ended, cancel)()
	w.Header().Set("Content-Type", "text/event-stream")
	pause := time.NewTicker(breath)
	defer pause.Stop()
	for {
		if err := f.tell(ctx, w); err != nil {
			return
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
	}
}

// tell sends what is new, once there is something or a beat has passed.
func (f *follower) tell(ctx context.Context, w http.ResponseWriter) error {
	told := message{}
	if world := f.control.worlds.Load(); world != f.world {
		f.world, f.after, told.Reset = world, 0, true
	}
	registry := f.control.registry.Load()
	waiting, cancel := context.WithTimeout(ctx, beat)
	defer cancel()
	if told.Reset {
		cancel() // it is told at once
	}
	trace, err := registry.TraceAfter(waiting, f.after)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		f.after = trace[len(trace)-1].Number
		told.Changed = true
		told.Calls, told.New = f.lines(trace)
	}
	if played := f.played(); played != f.state {
		f.state, told.Played = played, &played
	}
	told.Clock = registry.Now().Format(time.RFC3339)
	text, err := json.Marshal(told)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "id: %d-%d\ndata: %s\n\n", f.world, f.after, text); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// lines are the last calls that the filter takes.
func (f *follower) lines(trace scenarios.Trace) (html string, n int) {
	trace = trace.Where(f.wanted...)
	var calls []report.Call
	for _, call := range slices.Backward(trace[max(0, len(trace)-callsShown):]) {
		calls = append(calls, report.NewCall(&call))
	}
	return fragment("calls", calls), len(trace)
}

func (f *follower) played() string { return fragment("played", f.control.shownPlayed()) }

func fragment(name string, data any) string {
	var text bytes.Buffer
	if err := pageTemplates().ExecuteTemplate(&text, name, data); err != nil {
		return template.HTMLEscapeString(err.Error())
	}
	return text.String()
}
