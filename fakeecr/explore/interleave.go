package explore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/exploration"
	"github.com/fakeecr/ecr/scenarios"
)

// Actor is one of several who call at once.
type Actor struct {
	// Name is what its calls carry ([fakeecr.Registry.Actor]), without a space.
	Name string
	// Run is what it does, by the registry that it is given or a client of it.
	Run func(ctx context.Context, r *fakeecr.Registry) error
}

// mostSchedules is how many schedules are tried by default.
const mostSchedules = 1000

// Schedule tries one schedule alone, by its name: that of [Interleave] which a finding
// prints, the names of the actors in the order of their calls.
func Schedule(name string) Option {
	return option(func(s *settings) {
		s.schedule = name
		if name == "" {
			s.wrong("Schedule of an empty name")
		}
	})
}

// Preemptions tries those schedules alone in which an actor that could go on has to let
// another one go first at most n times. Most races need one or two.
func Preemptions(n int) Option {
	return option(func(s *settings) {
		s.preemptions = n
		if n < 0 {
			s.wrong("Preemptions(%d)", n)
		}
	})
}

// Most is how many schedules are tried, 1000 by default.
func Most(n int) Option {
	return option(func(s *settings) {
		s.most = n
		if n < 1 {
			s.wrong("Most(%d)", n)
		}
	})
}

// Orders is what became of the schedules that were tried.
type Orders struct {
	// Schedules is how many were tried, and All whether there are no others.
	Schedules int
	All       bool
	// Findings are those in which something is wrong, one for each cause.
	Findings []OrderFinding
}

// OrderFinding is a schedule in which something is wrong.
type OrderFinding struct {
	// Schedule is its name, for [Schedule].
	Schedule string
	// Verdict is "NO SERIAL ORDER", "CHECK FAILS", "PANIC", "NEVER ENDS" or "LEAK".
	Verdict string
	Detail  string
	Trace   scenarios.Trace
	// Times is how many schedules have the same cause.
	Times int
}

// noSerialOrder is the verdict on an end that no serial order has.
const noSerialOrder = "NO SERIAL ORDER"

// String is the number of schedules, and a line for each finding.
func (o *Orders) String() string {
	var text strings.Builder
	for _, f := range o.Findings {
		fmt.Fprintf(&text, "%q: %s, in %s: %s\n", f.Schedule, f.Verdict, exploration.Counted(f.Times, "schedule"), exploration.FirstOf(f.Detail))
	}
	which := "the first"
	if o.All {
		which = "all"
	}
	fmt.Fprintf(&text, "%s %s, %s\n", which, exploration.Counted(o.Schedules, "schedule"), exploration.Counted(len(o.Findings), "finding"))
	return text.String()
}

// Interleave has actors call one world, each time a fork of the fixture, in every order
// in which their calls can meet: one call at a time, depth first. What they leave must be
// what they leave in some order in which one runs after the other: the error of each, ids
// and digests aside, and the world. With [Check] of a map[string]error, the errors by the
// name of the actor, that is the oracle instead.
//
//	explore.Interleave(t, fixture, []explore.Actor{
//		{Name: "cleaner", Run: func(ctx context.Context, r *fakeecr.Registry) error { … }},
//		{Name: "promoter", Run: func(ctx context.Context, r *fakeecr.Registry) error { … }},
//	})
//
// Calls that commute are not reordered: two reads, calls of different repositories, the
// upload of a layer's parts. [Preemptions] and [Most] bound the rest. A finding prints
// the calls and the name of its schedule, which [Schedule] repeats.
//
// Actors run inside testing/synctest, as for [Run], with [Limit] and [Within]. Time stands
// still while a call is held, and goes on where none is, so that back-off ends.
func Interleave(t *testing.T, fixture *fakeecr.Registry, actors []Actor, options ...Option) *Orders {
	t.Helper()
	s := newSettings()
	for _, option := range options {
		option.set(s)
	}
	s.misplaced(actors)
	if err := typed[map[string]error](s); err != nil {
		t.Fatalf("explore: %v", err)
	}
	i := &interleaving{lab: newLab(t, s, nil), fixture: fixture, actors: actors}
	if err := i.serial(); err != nil {
		t.Fatalf("explore: %v", err)
	}
	i.search()
	for _, f := range i.orders.Findings {
		t.Errorf("explore: the schedule %q, and %d with the same cause: %s: %s\nThe calls:\n%sTo repeat it: explore.Schedule(%q)", f.Schedule, f.Times-1, f.Verdict, f.Detail, f.Trace, f.Schedule)
	}
	t.Logf("explore: %s", &i.orders)
	return &i.orders
}

// misplaced notes actors that cannot be, and options that say nothing here.
func (s *settings) misplaced(actors []Actor) {
	var names []string
	for _, actor := range actors {
		if actor.Name == "" || actor.Run == nil || strings.ContainsAny(actor.Name, " \t\n") || slices.Contains(names, actor.Name) {
			s.wrong("an actor needs a function and a name of its own, without a space: %q", actor.Name)
		}
		names = append(names, actor.Name)
	}
	if len(actors) < 2 {
		s.wrong("Interleave needs two actors")
	}
	if s.sockets {
		s.wrong("Sockets is for Run")
	}
	for _, name := range strings.Fields(s.schedule) {
		if !slices.Contains(names, name) {
			s.wrong("Schedule(%q): there is no actor %q", s.schedule, name)
		}
	}
}

// interleaving is what is known of the actors' orders.
type interleaving struct {
	*lab
	fixture *fakeecr.Registry
	actors  []Actor
	// ends are those of serial orders, and calls how many the longest has.
	ends  []end
	calls int
	// causes are the places of findings by what causes them.
	causes map[string]int
	orders Orders
}

// end is what a run leaves.
type end struct {
	// order is that of the actors, of a serial run.
	order string
	errs  map[string]string
	world fakeecr.Snapshot
}

func newEnd(order string, out exploration.Outcome) end {
	e := end{order: order, errs: map[string]string{}, world: exploration.Settled(out.World)}
	for name, err := range out.Answer.(map[string]error) {
		if err != nil {
			e.errs[name] = exploration.Cause(err.Error())
		}
	}
	return e
}

// differs is how an end differs from this one, in words.
func (e end) differs(other end) (words []string) {
	for _, name := range sortedNames(e.errs, other.errs) {
		was, is := e.errs[name], other.errs[name]
		if was != is {
			words = append(words, fmt.Sprintf("%s says %s, and not %s", name, said(is), said(was)))
		}
	}
	for _, d := range e.world.Diff(other.world) {
		words = append(words, d.String())
	}
	return words
}

func sortedNames(all ...map[string]string) (names []string) {
	for _, errs := range all {
		for name := range errs {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func said(text string) string {
	if text == "" {
		return "success"
	}
	return text
}

// meeting is a run in a bubble. One that is frozen has no second try in real time,
// where calls do not wait for their turn.
func (i *interleaving) meeting(main func(*bubble, *testing.T)) exploration.Outcome {
	out, frozen := i.inBubble(i.fixture.Now(), main)
	if frozen {
		i.hung++
	}
	return out
}

// serial runs the actors one after the other, in all orders. The error is that of an
// order which has no end.
func (i *interleaving) serial() error {
	for order := range permutations(len(i.actors)) {
		var names []string
		for _, at := range order {
			names = append(names, i.actors[at].Name)
		}
		out := i.meeting(func(b *bubble, t *testing.T) { i.oneByOne(b, t, order) })
		name := strings.Join(names, ", then ")
		if out.Ending != exploration.Returned {
			return fmt.Errorf("%s: %s: %s\n%s", name, out.Verdict(), out.Detail, out.Stack)
		}
		i.ends = append(i.ends, newEnd(name, out))
		i.calls = max(i.calls, len(out.Trace))
		if i.config.Check != nil {
			if err := i.config.Check(out.World, out.Answer, nil); err != nil {
				return fmt.Errorf("%s: Check: %w", name, err)
			}
		}
	}
	return nil
}

// permutations are the orders of n things.
func permutations(n int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		order := make([]int, 0, n)
		var extend func() bool
		extend = func() bool {
			if len(order) == n {
				return yield(slices.Clone(order))
			}
			for next := range n {
				if slices.Contains(order, next) {
					continue
				}
				order = append(order, next)
				if !extend() {
					return false
				}
				order = order[:len(order)-1]
			}
			return true
		}
		extend()
	}
}

// note judges a run of a schedule.
func (i *interleaving) note(schedule string, out exploration.Outcome) {
	verdict, detail, cause := i.judge(out)
	if verdict == "" {
		return
	}
	cause = verdict + " " + cause
	if at, known := i.causes[cause]; known {
		i.orders.Findings[at].Times++
		return
	}
	if i.causes == nil {
		i.causes = map[string]int{}
	}
	i.causes[cause] = len(i.orders.Findings)
	i.orders.Findings = append(i.orders.Findings, OrderFinding{Schedule: schedule, Verdict: verdict, Detail: detail, Trace: out.Trace, Times: 1})
}

func (i *interleaving) judge(out exploration.Outcome) (verdict, detail, cause string) {
	if out.Ending != exploration.Returned {
		return string(out.Verdict()), strings.TrimSpace(out.Detail + "\n" + out.Stack), exploration.Cause(out.Detail)
	}
	if i.config.Check != nil {
		if err := i.config.Check(out.World, out.Answer, nil); err != nil {
			return string(exploration.CheckFails), err.Error(), exploration.Cause(err.Error())
		}
		return "", "", ""
	}
	got := newEnd("", out)
	var nearest []string
	order := ""
	for _, serial := range i.ends {
		words := serial.differs(got)
		if len(words) == 0 {
			return "", "", ""
		}
		if nearest == nil || len(words) < len(nearest) {
			nearest, order = words, serial.order
		}
	}
	listed := "\n  " + strings.Join(nearest, "\n  ")
	return noSerialOrder, fmt.Sprintf("no order in which one runs after the other ends so. The nearest is %s, from which it differs:%s", order, listed), strings.Join(nearest, "\n")
}
