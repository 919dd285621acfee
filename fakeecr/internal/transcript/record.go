package transcript

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Recorder writes files with the answers that came in the place of those that were
// claimed. What it writes is made of names, of placeholders and of texts that are in
// the transcripts already; of every other text Ask is asked.
type Recorder struct {
	// Place and Date say what was asked, and when: "ECR in eu-west-1", "2026-11-29".
	Place, Date string
	// Ask shows a text of an answer and tells whether it may be written. Without it
	// none is.
	Ask func(where, text string) bool
	// Withheld is the texts that were not written.
	Withheld []string

	known map[string]bool
	asked map[string]bool
}

// NewRecorder is a recorder that knows the texts of files.
func NewRecorder(files []*File, place, date string) *Recorder {
	r := &Recorder{Place: place, Date: date, known: map[string]bool{}, asked: map[string]bool{}}
	for _, file := range files {
		for _, t := range file.Transcripts {
			for _, step := range t.Steps {
				r.learn(step)
			}
		}
	}
	return r
}

// learn adds the texts of a step to those that are known.
func (r *Recorder) learn(step *Step) {
	know := writer{text: func(_ string, t Text) (string, error) {
		r.known[t.source()] = true
		return "", nil
	}}
	bodies := []*Value{step.Input}
	if step.Body != nil {
		bodies = append(bodies, step.Body.Value)
	}
	if step.Answer != nil {
		for _, h := range step.Answer.Headers {
			r.known[h.Value.source()] = true
		}
		if main := step.Answer.Main; main != nil {
			r.known[main.Message.source()] = true
			if main.Body != nil {
				bodies = append(bodies, main.Body.Value)
			}
		}
	}
	for _, v := range bodies {
		if v != nil {
			know.value("", v)
		}
	}
}

// File is the text of a file as it was answered, by the results of its transcripts.
// Those that did not come to their end stay as they are.
func (r *Recorder) File(file *File, results []*Result) string {
	lines := strings.Split(file.Text, "\n")
	replaced := map[int]string{}
	gone := map[int]bool{}
	put := func(l *line, text string) {
		replaced[l.number] = text
		for n := l.number + 1; n <= l.last; n++ {
			gone[n] = true
		}
	}
	for _, result := range results {
		if result.Transcript.File == file.Name && (result.Outcome == Held || result.Outcome == Differs) {
			r.transcript(result, put)
		}
	}
	var text []string
	for i, l := range lines {
		switch with, is := replaced[i+1]; {
		case gone[i+1]:
		case is:
			text = append(text, with)
		default:
			text = append(text, l)
		}
	}
	return strings.Join(text, "\n")
}

// transcript replaces the lines of one that need it.
func (r *Recorder) transcript(result *Result, put func(*line, string)) {
	t := result.Transcript
	differs := map[int]bool{}
	for _, d := range result.Differences {
		differs[d.Line] = true
	}
	if t.Status != Recorded || len(differs) > 0 || t.IsChosen() {
		put(t.statusLine, fmt.Sprintf("# recorded: %s, %s; it was %s: %s", r.Place, r.Date, t.Status, t.Source))
	}
	for _, s := range result.seen {
		if main := s.step.Answer.Main; main != nil && (differs[main.line.number] || main.line.mark == "<?") {
			put(main.line, "< "+r.answer(s, main, differs[main.line.number]))
		}
		for i, h := range s.step.Answer.Headers {
			status := ""
			if i == 0 && differs[s.step.Line] { // success was claimed by the headers alone
				status = fmt.Sprintf("< %d\n", s.reply.Status)
			}
			switch {
			case differs[h.line.number]:
				put(h.line, status+"< "+r.header(s, h))
			case h.line.mark == "<?" || status != "":
				put(h.line, status+"< "+strings.TrimSpace(h.line.text))
			}
		}
	}
}

// answer is what is claimed of status and body from now on.
func (r *Recorder) answer(s seen, claim *Claim, differs bool) string {
	if !differs {
		return strings.TrimSpace(claim.line.text)
	}
	n := r.names(s)
	if code, message := s.reply.failure(); s.step.Method == "" && code != "" && !s.reply.succeeded() {
		return r.failure(n, s.reply, claim, code, message)
	}
	status := ""
	if s.reply.Status != 200 || claim.Status != 0 {
		status = fmt.Sprintf("%d ", s.reply.Status)
	}
	var want *Value
	if claim.Body != nil {
		want = claim.Body.Value
	}
	if claim.Body == nil && s.step.Method != "" {
		return strings.TrimSpace(status)
	}
	if body, err := decode(s.reply.Body); err == nil {
		return status + r.value(n, "", want, body).written()
	}
	for _, name := range slices.Sorted(maps.Keys(allMade())) {
		if string(allMade()[name].bytes) == string(s.reply.Body) {
			return status + name
		}
	}
	return fmt.Sprintf("%d %s", s.reply.Status, quote(r.text(n, "body", string(s.reply.Body))))
}

func (r *Recorder) failure(n names, reply *Reply, claim *Claim, code, message string) string {
	if !namePattern.MatchString(code) {
		code = "Unknown"
	}
	written := fmt.Sprintf("%d %s %s", reply.Status, code, quote(r.text(n, "message", message)))
	body, _ := decode(reply.Body)
	members, _ := body.(map[string]any)
	delete(members, "__type")
	delete(members, "message")
	if len(members) > 0 && claim.Body != nil {
		written += " | " + r.value(n, "", claim.Body.Value, members).written()
	}
	return written
}

func (r *Recorder) header(s seen, h *HeaderClaim) string {
	values, has := s.reply.Header[http.CanonicalHeaderKey(h.Name)]
	if !has {
		return "no " + h.Name
	}
	return h.Name + ": " + r.text(r.names(s), "header "+h.Name, strings.Join(values, ", "))
}

// value is an answer's value as it is claimed from now on, by what was claimed of it:
// what fits stays as it was written.
func (r *Recorder) value(n names, path string, want *Value, got any) *Value {
	if want != nil && len(match(path, want, got, maps.Clone(n.bound))) == 0 {
		return want
	}
	switch got := got.(type) {
	case map[string]any:
		return r.object(n, path, want, got)
	case []any:
		v := &Value{kind: list}
		for i, item := range got {
			var before *Value
			if want != nil && want.kind == list && i < len(want.items) {
				before = want.items[i]
			}
			v.items = append(v.items, r.value(n, fmt.Sprintf("%s[%d]", path, i), before, item))
		}
		return v
	case string:
		if inner, err := decode([]byte(got)); err == nil && want != nil && want.kind == embedded {
			return &Value{kind: embedded, items: []*Value{r.value(n, path, want.items[0], inner)}}
		}
		return &Value{kind: text, text: verbatim(r.text(n, path, got))}
	case json.Number:
		if isTime(got) {
			return &Value{kind: text, text: verbatim("<time>")}
		}
		return &Value{kind: literal, source: got.String()}
	default:
		return &Value{kind: literal, source: show(got)}
	}
}

// object keeps the order of the members that were claimed.
func (r *Recorder) object(n names, path string, want *Value, got map[string]any) *Value {
	v := &Value{kind: object}
	if want != nil && want.kind == object {
		v.open = want.open
		for _, m := range want.members {
			if value, has := got[m.name]; has {
				v.members = append(v.members, member{m.name, r.value(n, join(path, m.name), m.value, value)})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if v.open || v.member(name) != nil {
			continue
		}
		if !plainName.MatchString(name) && !r.may(path, name) {
			continue
		}
		v.members = append(v.members, member{name, r.value(n, join(path, name), nil, got[name])})
	}
	return v
}

// plainName is a name of a member that says nothing of whoever has it.
var plainName = regexp.MustCompile(`^(__type|[a-zA-Z]{1,40})$`)

// verbatim is a text as it is to be written, names and placeholders included.
func verbatim(source string) Text { return Text{{hole: source}} }

// names is what stands for the values of a play.
type names struct {
	bound bindings
	// replace is values and their names in turn, the longest value first.
	replace *strings.Replacer
}

func (r *Recorder) names(s seen) names {
	type pair struct{ value, name string }
	var pairs []pair
	for _, name := range slices.Sorted(maps.Keys(s.bound)) {
		if value, is := s.bound[name].(string); is && len(value) > 1 {
			pairs = append(pairs, pair{value, "$" + name})
		}
	}
	for name, content := range allMade() {
		pairs = append(pairs, pair{content.digest(), "$" + name})
		for _, part := range []string{"config", "layer"} {
			if v, has := content.detail(part); has && !strings.HasPrefix(name, "referrer") {
				pairs = append(pairs, pair{v.(string), "$" + name + "." + part})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(len(b.value), len(a.value)), cmp.Compare(a.name, b.name))
	})
	replace := []string{"$", "$$"}
	for _, p := range pairs {
		replace = append(replace, p.value, p.name)
	}
	return names{s.bound, strings.NewReplacer(replace...)}
}

var (
	recordedUUID   = regexp.MustCompile(holes["<uuid>"])
	recordedURL    = regexp.MustCompile(`https?://[^\s"']+\?[^\s"']+`)
	recordedCaller = regexp.MustCompile(holes["<caller>"])
	recordedTime   = regexp.MustCompile(holes["<time>"])
)

// longestUnbroken is how long a text without blanks may be that is shown at all.
const longestUnbroken = 200

// text is a text of an answer as it may be written: names in the place of values,
// placeholders in that of what differs each time, and nothing that nobody allowed.
func (r *Recorder) text(n names, path, got string) string {
	for _, content := range allMade() {
		if string(content.bytes) == got {
			return n.replace.Replace(content.digest())
		}
	}
	if recordedURL.FindString(got) == got && got != "" {
		return "<url>"
	}
	written := n.replace.Replace(recordedCaller.ReplaceAllString(got, "<caller>"))
	written = recordedTime.ReplaceAllString(recordedUUID.ReplaceAllString(written, "<uuid>"), "<time>")
	if len(written) > longestUnbroken && !strings.Contains(written, " ") || !r.may(path, written) {
		return "<any>"
	}
	return written
}

// may tells whether a text may be written.
func (r *Recorder) may(path, written string) bool {
	if r.known[written] || !saysSomething(written) {
		return true
	}
	if allowed, asked := r.asked[written]; asked {
		return allowed
	}
	allowed := r.Ask != nil && r.Ask(path, written)
	r.asked[written] = allowed
	if !allowed {
		r.Withheld = append(r.Withheld, written)
	}
	return allowed
}

var inText = regexp.MustCompile(`\$[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)?|<[a-z]+>`)

// saysSomething tells whether a text has letters or digits of its own.
func saysSomething(written string) bool {
	return strings.ContainsFunc(inText.ReplaceAllString(written, ""), func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) })
}
