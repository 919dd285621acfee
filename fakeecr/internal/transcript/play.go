package transcript

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// Outcome is what became of a transcript that was played.
type Outcome string

// The outcomes.
const (
	Held     Outcome = "held"
	Differs  Outcome = "differs"
	Broken   Outcome = "broken"    // a step that had to succeed did not, or was not answered
	NotThere Outcome = "not there" // the target has no such operation
	Skipped  Outcome = "skipped"
)

// Outcomes are all.
var Outcomes = []Outcome{Held, Differs, Broken, NotThere, Skipped}

// Result is what became of a transcript.
type Result struct {
	Transcript *Transcript
	Outcome    Outcome
	// Why says it of what was skipped, broken or not there.
	Why         string
	Differences []Difference
	// Left is what could not be taken away or put back.
	Left []string
	// Calls is how many were made, those that undo included.
	Calls int

	seen []seen
}

// seen is an answer that something was claimed of.
type seen struct {
	step  *Step
	reply *Reply
	bound bindings
}

// Player plays transcripts, one after the other.
type Player struct {
	Target
	// Run is a word of the player's own, of lower-case letters and digits: all that it
	// makes is below [Top] and this word.
	Run string
	// Fenced refuses whatever would write elsewhere, and whatever puts a setting of
	// the registry unless Settings allows it.
	Fenced, Settings bool
	// Keep, if it is not nil, is told of the settings as they were, before they are
	// touched, and nil when they are back.
	Keep func(*Settled) error
	// Told, if it is not nil, is told of each call.
	Told func(call string, reply *Reply, err error)

	played int
	tokens map[string]string
	// foreign is the operations that are not there.
	foreign map[string]bool
}

// Base begins the names of all that the player makes.
func (p *Player) Base() string { return Top + p.Run + "/" }

// session is one transcript's play.
type session struct {
	*Player
	t       *Transcript
	fence   fence
	bound   bindings
	touched map[string]*touched // by region
	settled *Settled
	result  *Result
}

// broken ends the play of a transcript.
type broken struct{ why string }

// Error implements [error].
func (b *broken) Error() string { return b.why }

// Play plays a transcript, takes away what it made and puts back what it changed, also
// when the context ends.
func (p *Player) Play(ctx context.Context, t *Transcript) *Result {
	s := p.session(t)
	if why := p.Lacks(t); why != "" {
		s.result.Outcome, s.result.Why = Skipped, why
		return s.result
	}
	s.judge(s.steps(ctx))
	s.undo(context.WithoutCancel(ctx))
	return s.result
}

func (p *Player) session(t *Transcript) *session {
	p.played++
	base := fmt.Sprintf("%s%d", p.Base(), p.played)
	return &session{
		Player: p, t: t, touched: map[string]*touched{},
		fence: fence{base: base, account: p.Account, region: p.Region, settings: p.Settings},
		bound: bindings{
			"base": base, "repo": base + "/app", "repo2": base + "/app2",
			"account": p.Account, "region": p.Region, "region2": p.OtherRegion,
		},
		settled: &Settled{Account: p.Account, Regions: map[string]map[string]Setting{}},
		result:  &Result{Transcript: t, Outcome: Held},
	}
}

// Lacks is what a transcript needs that there is not, "" if all is there.
func (p *Player) Lacks(t *Transcript) string {
	needs := t.Needs()
	switch {
	case needs.Clock && p.Advance == nil:
		return "it needs a clock that can be moved"
	case needs.Settings && p.Fenced && !p.Settings:
		return "it puts a setting of the registry"
	case needs.Region != "" && p.OtherRegion == "":
		return "it needs a second region"
	case needs.Region != "" && needs.Region != "$region2" && p.Fenced && needs.Region != p.OtherRegion:
		return "it needs the region " + needs.Region
	case needs.Registry && p.Target.Registry == nil:
		return "it needs the registry endpoint"
	}
	return ""
}

// judge makes an outcome of how the steps ended.
func (s *session) judge(err error) {
	var not refusal
	var away notThere
	switch {
	case errors.As(err, &not):
		s.result.Outcome, s.result.Why = Skipped, not.Error()
	case errors.As(err, &away):
		s.result.Outcome, s.result.Why = NotThere, away.Error()
	case len(s.result.Differences) > 0:
		s.result.Outcome = Differs
	case err != nil:
		s.result.Outcome, s.result.Why = Broken, err.Error()
	}
}

func (s *session) steps(ctx context.Context) error {
	for _, step := range s.t.Steps {
		if err := s.step(ctx, step); err != nil {
			return fmt.Errorf("%s:%d: %w", s.t.File, step.Line, err)
		}
	}
	return nil
}

// tries and between are how often, and how far apart, a step is repeated.
const (
	tries   = 20
	between = 3 * time.Second
)

func (s *session) step(ctx context.Context, step *Step) error {
	if step.Wait > 0 {
		s.Advance(step.Wait)
		clear(s.tokens) // which expire
		return ctx.Err()
	}
	for n := 1; ; n++ {
		reply, err := s.perform(ctx, step)
		if err != nil {
			return err
		}
		if err := s.isThere(step, reply); err != nil {
			return err
		}
		bound := maps.Clone(s.bound)
		differences := step.compare(reply, bound)
		if len(differences) == 0 || !step.Again || n == tries {
			return s.settle(step, reply, bound, differences)
		}
		if err := s.wait(ctx, between); err != nil {
			return err
		}
	}
}

// settle keeps what came of a step.
func (s *session) settle(step *Step, reply *Reply, bound bindings, differences []Difference) error {
	s.bound = bound
	if step.Answer == nil {
		if len(differences) > 0 {
			return &broken{"it was to succeed: " + reply.String()}
		}
		return nil
	}
	s.result.seen = append(s.result.seen, seen{step, reply, maps.Clone(bound)})
	s.result.Differences = append(s.result.Differences, differences...)
	return nil
}

func (s *session) wait(ctx context.Context, d time.Duration) error {
	switch {
	case s.Advance != nil:
		s.Advance(d)
	case s.Pause != nil:
		return s.Pause(ctx, d)
	}
	return ctx.Err()
}

// notThere is what a target does not have.
type notThere string

// Error implements [error].
func (n notThere) Error() string { return string(n) }

// isThere tells an operation that is not there from one that refuses.
func (s *session) isThere(step *Step, reply *Reply) error {
	if step.Method == "" && reply.isForeign() {
		return notThere(cmp.Or(step.Operation, "the push") + ": " + reply.String())
	}
	return nil
}

// region is where a step goes.
func (s *session) region(step *Step) (string, error) {
	if step.Region == nil {
		return s.Region, nil
	}
	return step.Region.fill(s.bound)
}

func (s *session) perform(ctx context.Context, step *Step) (*Reply, error) {
	region, err := s.region(step)
	if err != nil {
		return nil, err
	}
	switch {
	case step.Operation != "":
		input, err := step.Input.send(s.bound)
		if err != nil {
			return nil, err
		}
		return s.call(ctx, region, step.Operation, input, step)
	case step.Method != "":
		return s.request(ctx, region, step)
	default:
		return s.push(ctx, region, step)
	}
}

// patience is how often a call is made at most.
const patience = 6

// call makes a call of the API for a step, within bounds. It is made again if it was
// throttled, unless that is what is expected, and if it was not answered and changes
// nothing.
func (s *session) call(ctx context.Context, region, operation string, input []byte, step *Step) (*Reply, error) {
	decoded, err := decode(input)
	if err != nil {
		return nil, err
	}
	if err := s.allow(ctx, region, operation, decoded); err != nil {
		return nil, err
	}
	s.note(region, operation, decoded)
	for n := 1; ; n++ {
		reply, err := s.Target.call(ctx, region, operation, input)
		s.tell(operation+" "+string(input), reply, err)
		again := s.Pause != nil && n < patience
		switch {
		case err != nil && again && operations[operation].class == reads && ctx.Err() == nil:
		case err != nil:
			return nil, &broken{operation + " was not answered: " + err.Error()}
		case !again || !reply.isThrottled() || step.expects(reply):
			return reply, nil
		}
		if err := s.Pause(ctx, time.Second<<(n-1)); err != nil {
			return nil, err
		}
	}
}

// expects tells whether an error is the one that is claimed. Nil, a call of the
// player's own, expects none.
func (step *Step) expects(reply *Reply) bool {
	code, _ := reply.failure()
	return step != nil && step.Answer != nil && step.Answer.Main != nil && step.Answer.Main.Code == code
}

func (s *session) tell(call string, reply *Reply, err error) {
	s.result.Calls++
	if s.Told != nil {
		s.Told(call, reply, err)
	}
}
