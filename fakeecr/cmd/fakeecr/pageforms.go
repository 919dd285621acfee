package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// outcome is what became of what the page was asked to do.
type outcome struct {
	status int
	notice string
	bad    bool
	// part is the id of the part of the page that it is about, "" for all of it.
	part string
	// scenario and duration are what was sent, to be put right.
	scenario, duration string
}

// partOf is the part of the page that each thing it does belongs to. The browser leads
// there afterwards, with the focus.
var partOf = map[string]string{"play": "scenarios", "release": "scenarios", "stop": "scenarios", "advance": "clock", "reset": "anew"}

// longestForm is how many bytes a form may have: a scenario in it is escaped.
const longestForm = 4 * longest

// do does what a form of the page asks for. What went well leads back to the page,
// so that it can be read again without being done again.
func (c *control) do(w http.ResponseWriter, req *http.Request) {
	req.Body = http.MaxBytesReader(w, req.Body, longestForm)
	if err := req.ParseForm(); err != nil {
		answer(w, err)
		return
	}
	done, err := c.carryOut(req, req.PostForm)
	if err != nil {
		done = &outcome{
			status: http.StatusBadRequest, notice: err.Error(), bad: true,
			scenario: req.PostForm.Get("scenario"), duration: req.PostForm.Get("duration"),
		}
	}
	done.part = partOf[req.PostForm.Get("do")]
	if done.notice != "" {
		c.showCalls(w, nil, done)
		return
	}
	to := url.URL{Path: prefix, Fragment: done.part}
	http.Redirect(w, req, to.String(), http.StatusSeeOther)
}

func (c *control) carryOut(req *http.Request, form url.Values) (*outcome, error) {
	done := &outcome{}
	switch form.Get("do") {
	case "play":
		_, err := c.start([]byte(form.Get("scenario")))
		return done, err
	case "advance":
		return done, c.advance(strings.TrimSpace(form.Get("duration")))
	case "reset":
		return done, c.reset(req.Context())
	case "release":
		played, found := c.played.find(form.Get("id"))
		if !found {
			return nil, fmt.Errorf("nothing is played under the name %q", form.Get("id"))
		}
		played.Release()
		return done, nil
	case "stop":
		stopped := c.played.end(form.Get("id"))
		if len(stopped) == 0 {
			return nil, fmt.Errorf("nothing is played under the name %q", form.Get("id"))
		}
		for _, played := range stopped {
			for _, s := range played.Silent() {
				done.bad = true
				done.notice += "T" + strings.TrimPrefix(s.String(), "t") + ". "
			}
		}
		return done, nil
	default:
		return nil, fmt.Errorf("the page does not %q", form.Get("do"))
	}
}

// excerptRunes is how much of a line an excerpt has on either side.
const excerptRunes = 60

// excerpt is what stands in a text where a mistake says, by its line and its column,
// that something is wrong: the line up to there and from there on.
func excerpt(text, mistake string) (before, at string) {
	var line, column int
	if _, err := fmt.Sscanf(mistake, "%d:%d:", &line, &column); err != nil {
		return "", ""
	}
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return "", ""
	}
	runes := []rune(strings.TrimRight(lines[line-1], "\r"))
	place := min(max(column-1, 0), len(runes))
	return string(runes[max(0, place-excerptRunes):place]), string(runes[place:min(place+excerptRunes, len(runes))])
}
