package transcript

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Step is one thing that is done, and what is claimed of its answer. It is a call, a
// request, a push or a wait: of Operation, Method, Push and Wait one is set.
type Step struct {
	Line int
	// Again tells that it is repeated until the answer fits.
	Again bool
	// Region is another one than the player's, nil for that.
	Region Text

	Operation string
	Input     *Value

	Method string
	Path   Text
	Header []Field
	Body   *Body

	// Push is a repository, and Tag is nil where there is none.
	Push, Tag Text
	// Content is what is pushed.
	Content string

	Wait time.Duration

	// Answer is nil if nothing is claimed.
	Answer *Answer
}

// Field is a header and its value.
type Field struct {
	Name  string
	Value Text
}

// Body is that of a request or of an answer: the name of made content, or a value, in
// which a string is a text.
type Body struct {
	Content string
	Value   *Value
}

// Answer is what is claimed of an answer. Its parts know the lines that they stand
// in.
type Answer struct {
	Main    *Claim
	Headers []*HeaderClaim
}

// Claim is what is claimed of status and body.
type Claim struct {
	line *line
	// Status is 0 where success is claimed.
	Status int
	// Code and Message are those of an error of the API, "" and nil if none is claimed.
	Code    string
	Message Text
	// Body is nil if nothing is claimed of it. Of an error it is the further members.
	Body *Body
}

// HeaderClaim is what is claimed of a header.
type HeaderClaim struct {
	line *line
	Field
	// Absent tells that there is none.
	Absent bool
}

var (
	codePattern   = regexp.MustCompile(`^[A-Z][A-Za-z_.]*$`)
	namePattern   = regexp.MustCompile(`^[A-Z][A-Za-z]*$`)
	fieldPattern  = regexp.MustCompile(`^\s*([A-Za-z][A-Za-z0-9-]*):(?:\s|$)`)
	methods       = []string{"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"}
	daysPattern   = regexp.MustCompile(`^([0-9]{1,4})d$`)
	statusNumber  = regexp.MustCompile(`^[1-5][0-9][0-9]$`)
	absentPattern = regexp.MustCompile(`^\s*no\s`)
)

// parseField reads a line that is a header.
func parseField(l *line, names naming) (Field, bool, error) {
	found := fieldPattern.FindStringSubmatchIndex(l.text)
	if found == nil {
		return Field{}, false, nil
	}
	s := &scanner{line: l, names: names, at: found[3] + 1}
	s.space()
	value, err := s.text(s.at, strings.TrimSpace(l.text[s.at:]))
	return Field{Name: l.text[found[2]:found[3]], Value: value}, true, err
}

// parseStep reads a line that is a step.
func parseStep(l *line, sc scope) (*Step, error) {
	s := &scanner{line: l, names: sc.inRequest}
	step := &Step{Line: l.number}
	for {
		start := s.next()
		name := s.word()
		var err error
		switch {
		case name == "again":
			step.Again = true
			continue
		case name == "In":
			if step.Region, err = s.textWord("a region"); err != nil {
				return nil, err
			}
			continue
		case name == "wait":
			err = step.parseWait(s)
		case name == "push":
			err = step.parsePush(s)
		case slices.Contains(methods, name):
			err = step.parseRequest(s, name)
		case operations[name].class != "":
			err = step.parseCall(s, name)
		case namePattern.MatchString(name):
			err = l.mistake(start, "ECR has no operation of this name")
		default:
			err = l.mistake(start, "a step is an operation of ECR, GET, HEAD, PUT, PATCH, POST or DELETE with a path, push or wait")
		}
		if err == nil {
			err = s.end()
		}
		if err == nil && step.Wait != 0 && (step.Again || step.Region != nil) {
			err = l.mistake(0, "time passes everywhere, and once")
		}
		return step, err
	}
}

func (step *Step) parseWait(s *scanner) error {
	start := s.next()
	text := s.word()
	if days := daysPattern.FindStringSubmatch(text); days != nil {
		n, _ := strconv.Atoi(days[1])
		step.Wait = time.Duration(n) * 24 * time.Hour
	} else if d, err := time.ParseDuration(text); err == nil {
		step.Wait = d
	}
	if step.Wait <= 0 {
		return s.line.mistake(start, "this is no time to wait, such as 90s, 24h or 30d")
	}
	return nil
}

func (step *Step) parsePush(s *scanner) (err error) {
	start := s.next()
	target := s.word()
	name, tag, tagged := strings.Cut(target, ":")
	if target == "" || tagged && tag == "" {
		return s.line.mistake(start, "push takes NAME:TAG and what is pushed, such as image1")
	}
	if step.Push, err = s.text(start, name); err != nil {
		return err
	}
	if tagged {
		if step.Tag, err = s.text(start+len(name)+1, tag); err != nil {
			return err
		}
	}
	at := s.next()
	step.Content = s.word()
	switch {
	case !isMade(step.Content):
		return s.line.mistake(at, "what is pushed is image1, index1, referrer1 or blob1, or another number up to 9")
	case tagged && strings.HasPrefix(step.Content, "blob"):
		return s.line.mistake(at, "a layer has no tag")
	}
	return nil
}

func (step *Step) parseRequest(s *scanner, method string) (err error) {
	step.Method = method
	if step.Path, err = s.textWord("a path, such as /v2/"); err != nil {
		return err
	}
	step.Body, err = s.body()
	return err
}

func (step *Step) parseCall(s *scanner, name string) (err error) {
	step.Operation = name
	start := s.next()
	if s.atEnd() {
		step.Input = &Value{kind: object}
		return nil
	}
	step.Input, err = s.value(0)
	if err == nil && step.Input.kind != object {
		err = s.line.mistake(start, "the input of an operation is an object, {…}")
	}
	return err
}

// addClaim reads a line of the answer.
func (step *Step) addClaim(l *line, sc scope) error {
	if step.Wait != 0 {
		return l.mistake(0, "waiting is not answered")
	}
	if step.Answer == nil {
		step.Answer = &Answer{}
	}
	if absentPattern.MatchString(l.text) {
		s := &scanner{line: l}
		s.word()
		header := &HeaderClaim{line: l, Absent: true}
		header.Name = s.word()
		step.Answer.Headers = append(step.Answer.Headers, header)
		return s.end()
	}
	field, is, err := parseField(l, sc.inAnswer)
	if err != nil {
		return err
	}
	if is {
		step.Answer.Headers = append(step.Answer.Headers, &HeaderClaim{line: l, Field: field})
		return nil
	}
	if step.Answer.Main != nil {
		return l.mistake(0, "the step has an answer already; what follows it is headers")
	}
	step.Answer.Main, err = parseClaim(l, sc, step.Method == "")
	return err
}

// parseClaim reads what is claimed of status and body. Only the API's errors have a
// code.
func parseClaim(l *line, sc scope, api bool) (c *Claim, err error) {
	s := &scanner{line: l, names: sc.inAnswer, answer: true}
	c = &Claim{line: l}
	start := s.next()
	if w := s.peek(); statusNumber.MatchString(w) {
		c.Status, _ = strconv.Atoi(s.word())
		if code := s.peek(); codePattern.MatchString(code) {
			at := s.next()
			if !api {
				return nil, l.mistake(at, `the errors of the registry endpoint are written as they are: {"errors": [{"code": …, "message": …}]}`)
			}
			c.Code = s.word()
		}
	} else if w == "" || !strings.ContainsAny(w[:1], `{["`) && !isMade(w) {
		return nil, l.mistake(start, "an answer is a status such as 400, a JSON value, a header, or 'no' and the name of a header")
	}
	if c.Code != "" && strings.HasPrefix(s.peek(), `"`) {
		message, err := s.value(0)
		if err != nil {
			return nil, err
		}
		c.Message = message.text
	}
	if c.Code != "" && s.peek() == "|" {
		s.word()
	}
	if c.Body, err = s.body(); err != nil {
		return nil, err
	}
	if c.Code != "" && c.Body != nil && (c.Body.Value == nil || c.Body.Value.kind != object) {
		return nil, l.mistake(start, "after the code of an error come its message, in quotes, and its further members, {…}")
	}
	return c, s.end()
}
