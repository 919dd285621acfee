package main

import (
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
)

// request is one by which a test steers the program. README has the same list.
type request struct {
	// route is the method and the path below the prefix.
	route string
	// query is an example of the query that it takes, "" without one.
	query string
	does  string
	serve func(*control, http.ResponseWriter, *http.Request)
}

// requests are those for programs. The page has its own, which are its business.
func requests() []request {
	return []request{
		{"POST reset", "", "begins anew, with an empty world, as the program began", (*control).serveReset},
		{"POST advance", "duration=12h", "moves the clock: what is due happens", (*control).serveAdvance},
		{"POST findings", "image=team/app:v1", "says what scans find in an image: the body is the imageScanFindings, or the imageScanStatus of a failure, as the AWS CLI prints them", (*control).serveFindings},
		{"GET trace", "operation=PutImage", "answers the calls, all or those that the conditions are about: a line each, or JSON for one who accepts it", (*control).trace},
		{"GET state", "", "answers what the world holds, as JSON", (*control).state},
		{"POST snapshot", "", "keeps the world as it is now, and answers its name", (*control).snapshot},
		{"POST restore", "name=1", "goes back to a snapshot: the state is as it was, time goes on, the trace is empty", (*control).restore},
		{"POST scenario", "", "plays the scenario in the body, JSON, and answers its id", (*control).play},
		{"GET scenario", "", "answers what is played, and how often each rule fired", (*control).list},
		{"GET scenario/{id}/held", "n=1", "waits until the scenario keeps n calls waiting", (*control).held},
		{"POST scenario/{id}/release", "", "lets go of the calls that the scenario keeps", (*control).release},
		{"DELETE scenario/{id}", "", "stops the scenario; 409 names the rules that never fired", (*control).stop},
		{"DELETE scenario", "", "stops all that is played; 409 names the rules that never fired", (*control).stopAll},
	}
}

// String is the request as it is written.
func (r request) String() string {
	method, path, _ := strings.Cut(r.route, " ")
	if r.query != "" {
		path += "?" + r.query
	}
	return method + " " + prefix + path
}

// requestsInWords is the list of requests for -help.
func requestsInWords() string {
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, r := range requests() {
		fmt.Fprintf(columns, "  %s\t%s\n", r, r.does)
	}
	columns.Flush()
	return text.String()
}
