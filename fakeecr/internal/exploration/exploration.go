// Package exploration tries every fault at every call that code makes, and judges what
// comes of it: whether it says success and leaves another world than on a good day,
// whether running it again leads where a good day leads, whether it ends. It knows
// neither tests nor processes: who runs the code is a [Subject].
package exploration

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fakeecr/ecr/fakeecr"
)

// Config says what is explored, and how.
type Config struct {
	Fixture *fakeecr.Registry
	Subject Subject
	Faults  []Fault
	// Most is how many of equal calls are tried: the first ones and the last.
	Most int
	// WithoutRecovery leaves out the second run.
	WithoutRecovery bool
	// Same tells whether two answers are equal.
	Same func(good, answer any) bool
	// Check is the user's own oracle. It may be nil.
	Check func(world *fakeecr.Registry, answer any, err error) error
	// Accepted are the names of variations whose findings are known, and why.
	Accepted map[string]string
}

// DefaultMost is how many of equal calls are tried by default: the first two and the
// last.
const DefaultMost = 3

// Exploration is what is known after the good day.
type Exploration struct {
	Config
	Good       Outcome
	Variations []Variation
	Report     Report

	world fakeecr.Snapshot
}

// Begin runs the good day. The error says why it is none.
func Begin(c Config) (*Exploration, error) {
	e := &Exploration{Config: c}
	e.Good = c.Subject(c.Fixture, nil, 0)
	e.Report.Good = e.Good.Trace
	switch {
	case e.Good.Ending != Returned:
		return e, fmt.Errorf("the good day, without a fault: %s: %s\n%s", e.Good.Verdict(), e.Good.Detail, e.Good.Stack)
	case e.Good.Err != nil:
		return e, fmt.Errorf("the good day, without a fault, must succeed: %w", e.Good.Err)
	case c.Check != nil:
		if err := c.Check(e.Good.World, e.Good.Answer, nil); err != nil {
			return e, fmt.Errorf("the good day, without a fault: Check: %w", err)
		}
	}
	targets := targets(e.Good.Trace, c.Most)
	if len(targets) == 0 {
		return e, errors.New("the good day made no call: the code never reached the fake")
	}
	e.world = Settled(e.Good.World)
	e.Variations = variations(targets, c.Faults)
	for _, t := range targets {
		e.Report.Calls = append(e.Report.Calls, t.name)
	}
	for _, fault := range c.Faults {
		if slices.ContainsFunc(e.Variations, func(v Variation) bool { return v.Fault == fault.Name }) {
			e.Report.Faults = append(e.Report.Faults, fault.Name)
		}
	}
	for name := range c.Accepted {
		if !slices.ContainsFunc(e.Variations, func(v Variation) bool { return v.Name == name }) {
			return e, fmt.Errorf("Accept(%q): there is no such variation", name)
		}
	}
	return e, nil
}

// afterwards is how long a world is given for what a run began there to complete:
// scans, replicas, signatures.
const afterwards = time.Hour

// Settled is what a world holds once all that was begun is done, but for uploads that
// were left: ECR offers nothing to end one, and forgets them after a day.
func Settled(world *fakeecr.Registry) fakeecr.Snapshot {
	later := world.Fork(nil)
	later.Advance(afterwards)
	s := later.Snapshot()
	for _, reg := range s.Registries {
		for name, repo := range reg.Repositories {
			repo.Uploads = nil
			reg.Repositories[name] = repo
		}
	}
	return s
}

// allowed is how many calls a run may make: many times those of the good day.
func (e *Exploration) allowed() int { return 20*len(e.Good.Trace) + 100 }

// Try runs a variation and notes what it came to.
func (e *Exploration) Try(v Variation) Cell { return e.Report.Add(e.Run(v)) }

// Run runs a variation. Several may run at once.
func (e *Exploration) Run(v Variation) Cell {
	first := e.Subject(e.Fixture, v.Rules, e.allowed())
	cell := Cell{Variation: v, Verdict: Survived, Trace: first.Trace}
	switch {
	case first.Ending != Returned: // also where it did not get as far as the fault
		cell.fails(first.Verdict(), first.Detail, Cause(first.Detail))
		cell.Stack = first.Stack
	case !first.Fired:
		cell.Verdict = NotReached
	case first.Err == nil && v.Fault != killedName:
		e.judgeSuccess(&cell, first)
	default:
		e.judgeFailure(&cell, first)
	}
	cell.Why, cell.Accepted = e.Accepted[v.Name]
	return cell
}

// Verdict is what a run is called that did not return.
func (o Outcome) Verdict() Verdict {
	return map[Ending]Verdict{Panicked: Panic, Endless: NeverEnds, Leaked: Leak}[o.Ending]
}

// judgeSuccess judges a run that said success.
func (e *Exploration) judgeSuccess(cell *Cell, run Outcome) {
	about := cell.Operation + " " + cell.Fault
	if other := e.world.Diff(Settled(run.World)); len(other) > 0 {
		cell.fails(SuccessBut, "it says success, but the world is not as after a good day:"+listed(other), about)
		return
	}
	if e.check(cell, run) && !e.Same(e.Good.Answer, run.Answer) {
		cell.fails(OtherAnswer, fmt.Sprintf("it says success, but answers %s, and on a good day %s", shown(run.Answer), shown(e.Good.Answer)), about)
	}
}

// judgeFailure judges a run that said failure: run again, without the fault, it leads
// where a good day leads.
func (e *Exploration) judgeFailure(cell *Cell, run Outcome) {
	cell.Verdict = Failed
	if run.Err != nil {
		cell.Detail = "it says " + run.Err.Error()
	}
	if !e.check(cell, run) || e.WithoutRecovery {
		return
	}
	again := e.Subject(run.World, nil, e.allowed())
	cell.Again = again.Trace
	said := ""
	if run.Err != nil {
		said = "\nThe run before, with the fault, said: " + run.Err.Error()
	}
	switch other := []fakeecr.Difference(nil); {
	case again.Ending != Returned:
		cell.fails(again.Verdict(), "run again, without the fault: "+again.Detail+said, Cause(again.Detail))
		cell.Stack = again.Stack
	case again.Err != nil:
		cell.fails(DoesNotRecover, "run again, without the fault, it says: "+again.Err.Error()+said, Cause(again.Err.Error()))
	default:
		if other = e.world.Diff(Settled(again.World)); len(other) > 0 {
			cell.fails(OtherWorld, "run again, without the fault, it says success, but the world is not as after a good day:"+listed(other)+said, Cause(listed(other)))
			return
		}
		if e.check(cell, again) {
			cell.Verdict = Recovers
		}
	}
}

// check asks the user's own oracle.
func (e *Exploration) check(cell *Cell, run Outcome) (holds bool) {
	if e.Check == nil {
		return true
	}
	if err := e.Check(run.World, run.Answer, run.Err); err != nil {
		cell.fails(CheckFails, "Check: "+err.Error(), Cause(err.Error()))
		return false
	}
	return true
}

// mostListed is how many differences are told.
const mostListed = 10

func listed(differences []fakeecr.Difference) string {
	var lines strings.Builder
	for i, d := range differences {
		if i == mostListed {
			fmt.Fprintf(&lines, "\n  and %d more", len(differences)-mostListed)
			break
		}
		lines.WriteString("\n  " + d.String())
	}
	return lines.String()
}
