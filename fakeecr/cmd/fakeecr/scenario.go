package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fakeecr/ecr/scenarios"
)

// longest is how many bytes the JSON of a scenario may have.
const longest = 1 << 20

// play plays the scenario in the body, and answers the name that it has in play.
func (c *control) play(w http.ResponseWriter, req *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, req.Body, longest))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		http.Error(w, "a scenario has at most 1 MiB", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		answer(w, err)
		return
	}
	id, err := c.start(text)
	if err != nil {
		answer(w, err)
		return
	}
	answerJSON(w, http.StatusCreated, map[string]string{"id": id})
}

// start plays a scenario, and answers the name that it has in play.
func (c *control) start(text []byte) (id string, err error) {
	scenario, err := scenarios.Parse(text)
	if err != nil {
		return "", err
	}
	err = attempt(func() error {
		id = c.played.play(c.registry.Load, scenario)
		return nil
	})
	return id, err
}

// listedRule is what a listing says of a rule.
type listedRule struct {
	Rule     string `json:"rule"`
	Matched  int    `json:"matched"`
	Fired    int    `json:"fired"`
	Optional bool   `json:"optional"`
}

// listedScenario is what a listing says of a scenario in play.
type listedScenario struct {
	ID    string       `json:"id"`
	State string       `json:"state"`
	Held  int          `json:"held"`
	Rules []listedRule `json:"rules"`
}

// list answers the scenarios in play, in their order.
func (c *control) list(w http.ResponseWriter, _ *http.Request) {
	listed := []listedScenario{}
	for _, p := range c.played.all() {
		one := listedScenario{ID: p.id, State: p.State(), Held: p.Held(), Rules: []listedRule{}}
		for _, rule := range p.Rules() {
			one.Rules = append(one.Rules, listedRule{rule.String(), p.Matched(rule), p.Fired(rule), rule.Parts().IsOptional()})
		}
		listed = append(listed, one)
	}
	answerJSON(w, http.StatusOK, listed)
}

func (c *control) stopAll(w http.ResponseWriter, _ *http.Request) {
	answerStopped(w, c.played.end())
}

func (c *control) stop(w http.ResponseWriter, req *http.Request) {
	stopped := c.played.end(req.PathValue("id"))
	if len(stopped) == 0 {
		notPlayed(w, req)
		return
	}
	answerStopped(w, stopped)
}

// release lets go of the calls that a scenario in play holds.
func (c *control) release(w http.ResponseWriter, req *http.Request) {
	p, found := c.played.find(req.PathValue("id"))
	if !found {
		notPlayed(w, req)
		return
	}
	p.Release()
	w.WriteHeader(http.StatusNoContent)
}

// held answers when a scenario in play keeps so many calls waiting, 1 if the query does not
// say, or has stopped.
func (c *control) held(w http.ResponseWriter, req *http.Request) {
	p, found := c.played.find(req.PathValue("id"))
	if !found {
		notPlayed(w, req)
		return
	}
	n := 1
	if said := req.URL.Query().Get("n"); said != "" {
		var err error
		if n, err = strconv.Atoi(said); err != nil || n < 1 {
			http.Error(w, strconv.Quote(said)+" is no number of calls", http.StatusBadRequest)
			return
		}
	}
	if err := p.WaitHeld(req.Context(), n); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	answerJSON(w, http.StatusOK, map[string]int{"held": p.Held()})
}

func notPlayed(w http.ResponseWriter, req *http.Request) {
	http.Error(w, "nothing is played under the name "+strconv.Quote(req.PathValue("id")), http.StatusNotFound)
}

// silentRule is a rule that never fired, with the calls that came nearest to it.
type silentRule struct {
	ID      string   `json:"id"`
	Rule    string   `json:"rule"`
	Matched int      `json:"matched"`
	Near    []string `json:"near"`
}

// answerStopped answers rules that should have fired and never did, as they fail a
// test in Go.
func answerStopped(w http.ResponseWriter, stopped []playedScenario) {
	var silent []silentRule
	for _, p := range stopped {
		for _, s := range p.Silent() {
			near := []string{}
			for _, call := range s.Near {
				near = append(near, call.String())
			}
			silent = append(silent, silentRule{p.id, s.Rule.String(), s.Matched, near})
		}
	}
	if silent == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answerJSON(w, http.StatusConflict, map[string][]silentRule{"neverFired": silent})
}

// trace answers the calls that the query is about, as lines or, for one who
// accepts it, as JSON.
func (c *control) trace(w http.ResponseWriter, req *http.Request) {
	conditions, err := conditions(req.URL.Query())
	if err != nil {
		answer(w, err)
		return
	}
	trace := c.registry.Load().Trace().Where(conditions...)
	if strings.Contains(req.Header.Get("Accept"), "application/json") {
		if trace == nil {
			trace = scenarios.Trace{}
		}
		answerJSON(w, http.StatusOK, trace)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, trace.String())
}

// conditions are those of a query: the conditions of rules by their names, and
// operation (any of several), rule and failed.
func conditions(query url.Values) (all []scenarios.Condition, err error) {
	for name, values := range query {
		if name == "operation" {
			c, err := ofOperations(values)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
			continue
		}
		for _, value := range values {
			c, err := condition(name, value)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func ofOperations(names []string) (c scenarios.Condition, err error) {
	var operations []string
	for _, name := range names {
		known := scenarios.Operations(name)
		if known == nil {
			return c, errors.New("ECR has no operation " + strconv.Quote(name))
		}
		operations = append(operations, known...)
	}
	return scenarios.WhenCall(func(call *scenarios.Call) bool { return slices.Contains(operations, call.Operation) }), nil
}

func condition(name, value string) (c scenarios.Condition, err error) {
	switch name {
	case "rule":
		return scenarios.WhenCall(func(call *scenarios.Call) bool { return slices.Contains(call.Rules, value) }), nil
	case "failed":
		failed := true
		if value != "" {
			if failed, err = strconv.ParseBool(value); err != nil {
				return c, errors.New("failed is true or false")
			}
		}
		return scenarios.WhenCall(func(call *scenarios.Call) bool { return call.Failed() == failed }), nil
	case "while", "tokenBefore":
		return c, errors.New(name + " is about a state of a playing: a call of the trace is in none")
	default:
		return scenarios.ParseCondition(name, value)
	}
}

// answerJSON answers with JSON that people read too: <, > and & stand in it as they
// are.
func answerJSON(w http.ResponseWriter, status int, value any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}
