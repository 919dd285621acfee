package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"

	"github.com/fakeecr/ecr/fakeecr/internal/transcript"
)

// console is whom verify speaks with.
type console struct {
	in       io.Reader
	out, err io.Writer
	// live tells that a line may be written again, asks that somebody answers.
	live, asks bool
	answers    *bufio.Reader
}

// width is how much of a line is written again, in characters.
const width = 78

// progress says what is being played, in a line that the next one replaces.
func (c *console) progress(done, all int, name string) {
	if !c.live {
		return
	}
	line := []rune(fmt.Sprintf("%d played, %d left: %s", done, all-done, name))
	if len(line) > width {
		line = append(line[:width-1], '…')
	}
	fmt.Fprintf(c.err, "\r\x1b[K%s", string(line))
}

func (c *console) clear() {
	if c.live {
		fmt.Fprint(c.err, "\r\x1b[K")
	}
}

// ask shows a text that an answer had, and asks whether it may be written.
func (c *console) ask(where, text string) bool {
	if c.answers == nil {
		c.answers = bufio.NewReader(c.in)
	}
	fmt.Fprintf(c.err, "\n%s is a text that is in no statement yet:\n  %q\nMay it be written? Look for names and numbers that are yours. [y/N] ", where, text)
	answer, err := c.answers.ReadString('\n')
	return err == nil && strings.EqualFold(strings.TrimSpace(answer), "y")
}

// told prints a call, if that is wanted.
func (v *verification) told(call string, reply *transcript.Reply, err error) {
	if !v.verbose {
		return
	}
	v.clear()
	const most = 500
	if len(call) > most {
		call = strings.ToValidUTF8(call[:most], "") + "…"
	}
	if err != nil {
		fmt.Fprintf(v.out, "> %s\n! %v\n", call, err)
		return
	}
	said := reply.String()
	if strings.HasPrefix(call, "GetAuthorizationToken ") && reply.Status == http.StatusOK {
		said = "200, and a token"
	}
	fmt.Fprintf(v.out, "> %s\n< %s\n", call, said)
}

// printResult says what does not hold.
func (v *verification) printResult(r *transcript.Result) {
	t := r.Transcript
	switch r.Outcome {
	case transcript.Held:
		if v.verbose {
			fmt.Fprintf(v.out, "held: %s\n\n", t.Name())
		}
	case transcript.Skipped:
		if v.verbose {
			fmt.Fprintf(v.out, "skipped: %s: %s\n", t.Name(), r.Why)
		}
	case transcript.Differs:
		fmt.Fprintf(v.out, "differs: %s (%s: %s)\n", t.Name(), t.Status, t.Source)
		for _, d := range r.Differences {
			chosen := ""
			if d.Chosen {
				chosen = " (chosen)"
			}
			fmt.Fprintf(v.out, "  %s:%d: %s%s\n", t.File, d.Line, d, chosen)
		}
	default:
		fmt.Fprintf(v.out, "%s: %s (%s)\n  %s\n", r.Outcome, t.Name(), t.Status, r.Why)
	}
	for _, what := range r.Left {
		fmt.Fprintf(v.out, "  left behind: %s\n", what)
	}
}

// printTable prints how many of each status had which outcome, and why some were
// skipped.
func (v *verification) printTable(results []*transcript.Result) {
	count := map[transcript.Status]map[transcript.Outcome]int{}
	for _, status := range transcript.Statuses {
		count[status] = map[transcript.Outcome]int{}
	}
	for _, r := range results {
		count[r.Transcript.Status][r.Outcome]++
	}
	fmt.Fprintln(v.out)
	w := tabwriter.NewWriter(v.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "status")
	for _, outcome := range transcript.Outcomes {
		fmt.Fprintf(w, "\t%s", outcome)
	}
	fmt.Fprintln(w, "\tall\t")
	row := func(name string, statuses ...transcript.Status) {
		fmt.Fprint(w, name)
		sum := 0
		for _, outcome := range transcript.Outcomes {
			n := 0
			for _, status := range statuses {
				n += count[status][outcome]
			}
			sum += n
			fmt.Fprintf(w, "\t%d", n)
		}
		fmt.Fprintf(w, "\t%d\t\n", sum)
	}
	for _, status := range transcript.Statuses {
		row(string(status), status)
	}
	row("all", transcript.Statuses...)
	w.Flush()
	v.printReasons(results)
}

// printReasons prints why what was skipped was, and how many calls there were.
func (v *verification) printReasons(results []*transcript.Result) {
	count, calls := map[string]int{}, 0
	var order []string
	for _, r := range results {
		calls += r.Calls
		if r.Outcome != transcript.Skipped {
			continue
		}
		if count[r.Why] == 0 {
			order = append(order, r.Why)
		}
		count[r.Why]++
	}
	for _, why := range order {
		fmt.Fprintf(v.out, "skipped %d: %s\n", count[why], why)
	}
	fmt.Fprintf(v.out, "%d calls\n", calls)
}

// printList prints what would be asked.
func (v *verification) printList(chosen []*transcript.Transcript) {
	for _, t := range chosen {
		fmt.Fprintf(v.out, "%s (%s: %s)%s\n", t.Name(), t.Status, t.Source, needs(t))
	}
	fmt.Fprintf(v.out, "\n%s\n", effort(chosen))
}

// needs is what a transcript needs besides the API.
func needs(t *transcript.Transcript) string {
	n := t.Needs()
	var all []string
	if n.Clock {
		all = append(all, "a clock that can be moved")
	}
	if n.Settings {
		all = append(all, "-settings")
	}
	if n.Registry {
		all = append(all, "the registry endpoint")
	}
	if n.Region != "" {
		all = append(all, "-second-region")
	}
	if all == nil {
		return ""
	}
	return "; needs " + strings.Join(all, ", ")
}

// effort is what transcripts call and make.
func effort(chosen []*transcript.Transcript) string {
	var sum transcript.Effort
	for _, t := range chosen {
		e := t.Effort()
		sum.Calls += e.Calls
		sum.Repositories += e.Repositories
		sum.Images += e.Images
		sum.Rules += e.Rules
	}
	return fmt.Sprintf("%d statements: about %d calls, %d repositories, %d images of some KB, %d rules and templates",
		len(chosen), sum.Calls, sum.Repositories, sum.Images, sum.Rules)
}

// announce says what will be done, before it is.
func (v *verification) announce(p *transcript.Player, chosen []*transcript.Transcript) {
	var played []*transcript.Transcript
	for _, t := range chosen {
		if p.Lacks(t) == "" {
			played = append(played, t)
		}
	}
	where := v.endpoint
	if where == toAWS {
		where = "Amazon ECR"
	}
	fmt.Fprintf(v.err, "%s, account %s, %s: %s; %d are skipped.\n", where, p.Account, v.region, effort(played), len(chosen)-len(played))
	fmt.Fprintf(v.err, "All of it is below %s and is taken away after each statement; ^C does so too.\n", p.Base())
	if v.endpoint != toAWS {
		return
	}
	fmt.Fprintln(v.err, "Cost: calls, basic scans and some KB for some seconds are free or far below a cent. The first rule, template or replication of an account makes its service-linked role, which stays.")
	if v.settings {
		fmt.Fprintln(v.err, "-settings: policy, replication, scanning, signing and account settings of the registry are others for some seconds at a time; enhanced scanning, where a statement puts it, is charged by the image.")
	}
}
