package transcript

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Status is how a statement is known.
type Status string

// The statuses.
const (
	Recorded   Status = "recorded"   // somebody saw ECR answer so
	Documented Status = "documented" // AWS says so
	Model      Status = "model"      // the service model has it
	Chosen     Status = "chosen"     // nothing is known
)

// Statuses are all, the best known first.
var Statuses = []Status{Recorded, Documented, Model, Chosen}

// File is the transcripts of one file.
type File struct {
	Name string
	// Text is the whole file.
	Text        string
	Transcripts []*Transcript
}

// Transcript is one statement.
type Transcript struct {
	// Section is the file's name without its ending.
	Section string
	File    string
	Line    int
	Claim   string
	Status  Status
	// Source is who says so.
	Source string
	Prose  []string
	Steps  []*Step

	// statusLine is where the status is.
	statusLine *line
}

// Name is the transcript's own within all files.
func (t *Transcript) Name() string { return t.Section + "/" + t.Claim }

// Parse reads the transcripts of a file. The error is a *[Mistake].
func Parse(name, text string) (*File, error) {
	lines, err := split(name, text)
	if err != nil {
		return nil, err
	}
	file := &File{Name: name, Text: text}
	p := parser{section: strings.TrimSuffix(name[strings.LastIndex(name, "/")+1:], Ending), claims: map[string]bool{}}
	for _, l := range lines {
		if err := p.read(l); err != nil {
			return nil, err
		}
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	file.Transcripts = p.all
	return file, nil
}

// begins is a # line that begins a transcript, apart from those that follow it.
const begins = "# "

// split makes lines of a file's text, joined with those that go on with them.
func split(name, text string) (lines []*line, err error) {
	fresh := true
	for i, whole := range strings.Split(text, "\n") {
		whole = strings.TrimRight(whole, " \t\r")
		l := &line{file: name, number: i + 1, last: i + 1, text: whole}
		switch {
		case !utf8.ValidString(whole):
			return nil, l.mistake(0, "this is not UTF-8")
		case whole == "":
			fresh = true
			continue
		case whole[0] == ' ' || whole[0] == '\t':
			if fresh || len(lines) == 0 {
				return nil, l.mistake(0, "a line that begins with a blank goes on with the one before it, and there is none")
			}
			before := lines[len(lines)-1]
			before.text += "\n" + whole
			before.last = l.number
			continue
		}
		for _, mark := range []string{"#", ">", "<?", "<"} {
			if rest, marked := strings.CutPrefix(whole, mark); marked {
				l.mark, l.text = mark, rest
				break
			}
		}
		if l.mark == "" {
			return nil, l.mistake(0, "a line begins with #, >, < or <?, or with a blank to go on with the one before it")
		}
		if l.mark == "#" && fresh {
			l.mark = begins
		}
		fresh = false
		lines = append(lines, l)
	}
	return lines, nil
}

// parser reads the lines of a file.
type parser struct {
	section string
	all     []*Transcript
	claims  map[string]bool
	// scope is the names that the current transcript has bound so far.
	scope scope
}

func (p *parser) read(l *line) error {
	if l.mark == begins {
		return p.begin(l)
	}
	if len(p.all) == 0 {
		return l.mistake(0, "a transcript begins with its claim, a line that begins with #")
	}
	t := p.all[len(p.all)-1]
	switch l.mark {
	case "#":
		return t.comment(l)
	case ">":
		if field, is, err := parseField(l, p.scope.inRequest); err != nil {
			return err
		} else if is {
			return t.addHeader(l, field)
		}
		step, err := parseStep(l, p.scope)
		if err != nil {
			return err
		}
		t.Steps = append(t.Steps, step)
		return nil
	default:
		if len(t.Steps) == 0 {
			return l.mistake(0, "an answer needs a step before it, a line that begins with >")
		}
		return t.Steps[len(t.Steps)-1].addClaim(l, p.scope)
	}
}

// begin ends the transcript before and begins another.
func (p *parser) begin(l *line) error {
	if err := p.end(); err != nil {
		return err
	}
	claim := strings.Join(strings.Fields(l.text), " ")
	switch {
	case claim == "":
		return l.mistake(0, "a transcript begins with its claim")
	case statusPattern.MatchString(claim):
		return l.mistake(0, "this is a status: the claim goes before it, and no empty line between them")
	case p.claims[claim]:
		return l.mistake(0, "another transcript of this file has the same claim")
	}
	p.claims[claim] = true
	p.scope = newScope()
	p.all = append(p.all, &Transcript{Section: p.section, File: l.file, Line: l.number, Claim: claim})
	return nil
}

// end looks whether the last transcript is whole.
func (p *parser) end() error {
	if len(p.all) == 0 {
		return nil
	}
	t := p.all[len(p.all)-1]
	at := &line{file: t.File, number: t.Line, text: t.Claim}
	switch {
	case t.Status == "":
		return at.mistake(0, "the transcript has no status: a # line below the claim begins with 'recorded: ', 'documented: ', 'model: ' or 'chosen: ' and says whence it is known")
	case len(t.Steps) == 0:
		return at.mistake(0, "the transcript has no steps, lines that begin with >")
	}
	for _, step := range t.Steps {
		if step.Answer != nil {
			return nil
		}
	}
	return at.mistake(0, "the transcript claims nothing: no step has an answer, a line that begins with <")
}

// A status is at the beginning of its line, before a colon.
var statusPattern = regexp.MustCompile(`(?s)^\s*(recorded|documented|model|chosen):(.*)$`)

// comment is a # line below the claim.
func (t *Transcript) comment(l *line) error {
	text := strings.Join(strings.Fields(l.text), " ")
	found := statusPattern.FindStringSubmatch(text)
	if found == nil {
		t.Prose = append(t.Prose, text)
		return nil
	}
	source := strings.TrimSpace(found[2])
	switch {
	case t.Status != "":
		return l.mistake(0, "the transcript has a status already, %q: it has exactly one", t.Status)
	case source == "":
		return l.mistake(len(l.text), "a status says whence it is known")
	}
	t.Status, t.Source, t.statusLine = Status(found[1]), source, l
	return nil
}

func (t *Transcript) addHeader(l *line, field Field) error {
	if len(t.Steps) == 0 {
		return l.mistake(0, "a header needs a request before it")
	}
	step := t.Steps[len(t.Steps)-1]
	switch {
	case step.Method == "":
		return l.mistake(0, "only requests to the registry endpoint have headers of their own")
	case step.Answer != nil:
		return l.mistake(0, "the headers of a request stand before its answer")
	}
	step.Header = append(step.Header, field)
	return nil
}
