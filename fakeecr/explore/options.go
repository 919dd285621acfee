package explore

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/exploration"
	"github.com/fakeecr/ecr/scenarios"
)

// Option changes how [Run] or [Interleave] explores.
type Option interface{ set(*settings) }

type option func(*settings)

func (o option) set(s *settings) { o(s) }

// settings are what the options say.
type settings struct {
	config        exploration.Config
	limit, within time.Duration
	sockets       bool
	// What Interleave is told: one schedule, and how many of which.
	schedule          string
	preemptions, most int
	mistakes          []error
	// same and check are functions with a type of their own, nil without one.
	same, check typedFunction
}

// typedFunction is a function for answers of a type.
type typedFunction struct {
	name string
	of   reflect.Type
	set  func(*exploration.Config)
}

func newSettings() *settings {
	s := &settings{limit: 24 * time.Hour, within: 10 * time.Second * slower, preemptions: -1, most: mostSchedules}
	s.config = exploration.Config{Faults: exploration.Faults(), Most: exploration.DefaultMost, Same: exploration.SameJSON, Accepted: map[string]string{}}
	return s
}

// typed puts the functions that are for answers of Run's type into the configuration.
func typed[T any](s *settings) error {
	for _, f := range []typedFunction{s.same, s.check} {
		switch {
		case f.of == nil:
		case f.of != reflect.TypeFor[T]():
			s.mistakes = append(s.mistakes, fmt.Errorf("%s is for answers of type %v, and Run's function answers %v", f.name, f.of, reflect.TypeFor[T]()))
		default:
			f.set(&s.config)
		}
	}
	return errors.Join(s.mistakes...)
}

func (s *settings) wrong(format string, args ...any) {
	s.mistakes = append(s.mistakes, fmt.Errorf(format, args...))
}

// as is an answer of a run, which is nil where T is an interface and nothing was
// answered.
func as[T any](answer any) (t T) {
	t, _ = answer.(T)
	return t
}

// SameAnswer says when the answers of a good day and of a run that says success are
// equal, in place of being equal as JSON. It is asked of first runs only, because what
// was done already may make another answer right. T is the type of what Run's function
// answers.
func SameAnswer[T any](equal func(good, answer T) bool) Option {
	return option(func(s *settings) {
		if equal == nil {
			s.wrong("SameAnswer of a nil function")
		}
		s.same = typedFunction{"SameAnswer", reflect.TypeFor[T](), func(c *exploration.Config) {
			c.Same = func(good, answer any) bool { return equal(as[T](good), as[T](answer)) }
		}}
	})
}

// Check is an oracle of the user's own besides the three: an error is a finding. It sees
// the world that a run left, what the function answered and its error, and is asked of
// the good day and of each run that ended. T is the type of what Run's function answers.
func Check[T any](check func(r *fakeecr.Registry, answer T, err error) error) Option {
	return option(func(s *settings) {
		if check == nil {
			s.wrong("Check of a nil function")
		}
		s.check = typedFunction{"Check", reflect.TypeFor[T](), func(c *exploration.Config) {
			c.Check = func(r *fakeecr.Registry, answer any, err error) error { return check(r, as[T](answer), err) }
		}}
	})
}

// WithoutRecovery does not run the function again after a failure: for one that cannot
// be, and does not claim to.
func WithoutRecovery() Option {
	return option(func(s *settings) { s.config.WithoutRecovery = true })
}

// Accept takes a finding that is known and may stay, by the name of its variation, and
// says why. It covers what has the same cause. The variation fails where it finds
// nothing, so that no Accept stays behind.
func Accept(variation, why string) Option {
	return option(func(s *settings) {
		if why == "" {
			s.wrong("Accept(%q) without a reason", variation)
		}
		s.config.Accepted[variation] = why
	})
}

// Limit is how long a run may take on its own clock, which is 24 hours by default. With
// [Sockets] there is only [Within].
func Limit(d time.Duration) Option {
	return option(func(s *settings) {
		s.limit = d
		if d <= 0 {
			s.wrong("Limit(%v)", d)
		}
	})
}

// Within is how long a run may take in real time, 10 seconds by default, until it is
// left behind: what waits for a mutex, or computes for ever, has no other end. Under
// the race detector it is five times as long.
func Within(d time.Duration) Option {
	return option(func(s *settings) {
		s.within = d * slower
		if d <= 0 {
			s.wrong("Within(%v)", d)
		}
	})
}

// Calls is how many of calls that are equal are tried, the first ones and the last: 3
// by default.
func Calls(n int) Option {
	return option(func(s *settings) {
		s.config.Most = n
		if n < 1 {
			s.wrong("Calls(%d)", n)
		}
	})
}

// Sockets runs the function in real time, with a server for each variation, one after
// the other, whose environment is set ([fakeecr.Server.Setenv]): for code that builds its
// own client, or starts programs. The test cannot be parallel then. It is slow, because
// back-off takes its time; only what rules delay does not. Goroutines that are left are
// not looked for.
func Sockets() Option { return option(func(s *settings) { s.sockets = true }) }

// Fault is something that can go wrong with a call, for [FaultSet].
type Fault struct {
	// Name ends the name of a variation, such as reply_lost.
	Name string
	// Rules are those by which it goes wrong with a call of the good day: with the nth,
	// from 1, of those that are equal to it. The first rule is the one that must fire.
	// Without rules it cannot go wrong with the call.
	//
	//	func(call scenarios.Call, nth int) scenarios.Scenario {
	//		return scenarios.Scenario{scenarios.On(call.Operation, scenarios.Same(call.Identity())).Nth(nth).Stall(time.Hour)}
	//	}
	Rules func(call scenarios.Call, nth int) scenarios.Scenario
}

// FaultSet is faults to explore, and an [Option] that chooses them.
type FaultSet []Fault

func (f FaultSet) set(s *settings) {
	var known []string
	for _, fault := range exploration.Faults() {
		known = append(known, fault.Name)
	}
	s.config.Faults = nil
	seen := map[string]bool{}
	for _, fault := range f {
		if fault.Name != "" && fault.Rules == nil {
			s.wrong("there is no fault %q, but %s; one of your own has Rules", fault.Name, strings.Join(known, ", "))
			continue
		}
		if fault.Name == "" || strings.ContainsAny(fault.Name, "/ ") || seen[fault.Name] {
			s.wrong("a fault needs a name of its own, without a slash or a space: %q", fault.Name)
		}
		seen[fault.Name] = true
		s.config.Faults = append(s.config.Faults, exploration.Fault(fault))
	}
	if len(f) == 0 {
		s.wrong("Faults chooses none")
	}
}

// Faults are those of the names, or without a name all that there are, which Run takes
// if nothing else is said:
//
//   - throttled_once, server_error, connection_reset: one attempt fails;
//   - throttled, access_denied: the call's operation fails from there on;
//   - credentials_expired: everything fails from there on;
//   - reply_lost: a write is carried out and its reply is lost;
//   - killed: a write is carried out, its reply is lost and nothing gets through any
//     more, as for a process that is killed: it must be possible to run it again;
//   - minute_late: the call waits for a minute;
//   - stale: a read answers from the state before the last write;
//   - item_failed: the first item of a batch fails;
//   - short_page, empty_page: a page has one item, or none, of those that there are;
//   - download_reset, flipped_byte, short_layer, slow_down: a layer's download breaks
//     off half-way, has another first byte, has only its first half, or is refused by
//     S3's SlowDown once.
//
// An own fault is appended: append(explore.Faults(), explore.Fault{…}).
func Faults(names ...string) FaultSet {
	var all FaultSet
	for _, fault := range exploration.Faults() {
		if len(names) == 0 || slices.Contains(names, fault.Name) {
			all = append(all, Fault(fault))
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(f Fault) bool { return f.Name == name }) {
			all = append(all, Fault{Name: name}) // which Run refuses
		}
	}
	return all
}
