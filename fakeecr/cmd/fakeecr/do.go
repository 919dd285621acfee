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
	// scenario and duration are what was sent, to be put right.
	scenario, duration string
}

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
	switch {
	case err != nil:
		c.showCalls(w, nil, &outcome{http.StatusBadRequest, err.Error(), true, req.PostForm.Get("scenario"), req.PostForm.Get("duration")})
	case done.notice != "":
		c.showCalls(w, nil, done)
	default:
		http.Redirect(w, req, prefix, http.StatusSeeOther)
	}
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
		playing, found := c.playings.find(form.Get("id"))
		if !found {
			return nil, fmt.Errorf("nothing is played under the name %q", form.Get("id"))
		}
		playing.Release()
		return done, nil
	case "stop":
		stopped := c.playings.end(form.Get("id"))
		if len(stopped) == 0 {
			return nil, fmt.Errorf("nothing is played under the name %q", form.Get("id"))
		}
		for _, playing := range stopped {
			for _, s := range playing.Silent() {
				done.bad = true
				done.notice += fmt.Sprintf("The rule %q never fired: it matched %d calls. ", s.Rule, s.Matched)
			}
		}
		return done, nil
	default:
		return nil, fmt.Errorf("the page does not %q", form.Get("do"))
	}
}
