// Package explore finds the faults that a test did not think of. A scenario asks what
// becomes of the code under test if one call fails in one way; exploring asks it of
// every call and every fault by itself:
//
//	func TestReleaseExplored(t *testing.T) {
//		fixture := fakeecr.New(t)
//		fixture.MustPush("team/app:v1", fakeecr.RandomImage(1, 1<<20))
//		explore.Run(t, fixture, func(ctx context.Context, r *fakeecr.Registry) (any, error) {
//			return nil, release.Publish(ctx, r.Client(), "team/app")
//		})
//	}
//
// [Run] judges each variation by three questions that need no code of the test's own.
// Did the code say success, and leave another world than on a good day? Does running it
// again lead where a good day leads? Does it end? [Interleave] has several actors call
// at once, in every order in which their calls can meet.
package explore

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/exploration"
)

// Run explores a function: once as it is, the good day, and then once for each fault at
// each call of the good day, each time on a fork of the fixture.
//
// The good day must succeed: its calls, its answer and the world that it leaves are the
// measure. Each variation is a subtest, whose name is the call, the nth of those that
// are equal, and the fault, such as PutImage#1@team/app/reply_lost, so that
//
//	go test -run 'TestReleaseExplored/PutImage#1@team/app/reply_lost'
//
// repeats one. It fails if
//
//   - the function says success and the world is not as after the good day, or its
//     answer is not equal as JSON, ids, times and tokens aside ([SameAnswer]);
//   - it says failure and, run again on the world that it left and without the fault,
//     fails again or leaves another world ([WithoutRecovery] leaves this out);
//   - it panics, leaves goroutines, or does not end: not within a day of its clock
//     ([Limit]), twenty times the good day's calls and a hundred, and some seconds of
//     real time ([Within]);
//   - the user's own [Check] says so.
//
// A failed subtest prints what happened, the calls, and the rules that repeat it. What
// has the same cause is one finding: its first subtest fails and the others are
// skipped. The log has the table of all; under go test -artifacts it is left as a page.
//
// The function may get the registry itself, [fakeecr.Registry.Client] or
// [fakeecr.Registry.Transport] of it, and must use the context. It runs inside
// testing/synctest, where back-off takes no time and time.Now agrees with the world's
// clock: real sockets and DNS end the test there, and for code that needs them there is
// [Sockets]. Where time could not pass there, because a mutex is held during a call that
// waits and somebody waits for the mutex, the function is run in real time. A panic in a goroutine that the function starts ends the test binary, as
// Go has it. What it shares between runs, such as a variable of a package, is its own
// affair. What does not end is left behind until the test binary ends; after three of
// those the exploration stops.
func Run[T any](t *testing.T, fixture *fakeecr.Registry, f func(context.Context, *fakeecr.Registry) (T, error), options ...Option) *Report {
	t.Helper()
	if fixture == nil || f == nil {
		t.Fatal("explore: Run needs a fixture and a function")
	}
	l, e := begin(t, fixture, f, options)
	defer l.leave(t, &e.Report)
	for _, v := range e.Variations {
		if e.Report.Stopped != "" {
			break
		}
		t.Run(v.Name, func(t *testing.T) {
			l.t = t
			judge(t, e, e.Try(v))
		})
		l.checkHung(t, &e.Report)
	}
	return &Report{e.Report}
}

// begin runs the good day.
func begin[T any](t *testing.T, fixture *fakeecr.Registry, f func(context.Context, *fakeecr.Registry) (T, error), options []Option) (*lab, *exploration.Exploration) {
	t.Helper()
	s := newSettings()
	for _, option := range options {
		if option == nil {
			t.Fatal("explore: an option is nil")
		}
		option.set(s)
	}
	s.config.Fixture = fixture
	if err := typed[T](s); err != nil {
		t.Fatalf("explore: %v", err)
	}
	l := newLab(t, s, func(ctx context.Context, r *fakeecr.Registry) (any, error) { return f(ctx, r) })
	s.config.Subject = l.run
	e, err := exploration.Begin(s.config)
	if err != nil {
		t.Fatalf("explore: %v\nThe calls:\n%s", err, e.Good.Trace)
	}
	return l, e
}

// judge fails the subtest of a finding.
func judge(t *testing.T, e *exploration.Exploration, cell exploration.Cell) {
	t.Helper()
	_, accepted := e.Accepted[cell.Name]
	switch {
	case accepted && !cell.Verdict.IsFinding():
		t.Errorf("explore: %s is accepted (%s) and nothing was found: %s. Take the Accept away.", cell.Name, e.Accepted[cell.Name], cell.Verdict)
	case !cell.Verdict.IsFinding():
	case cell.Accepted:
		t.Logf("explore: accepted: %s: %s: %s", cell.Why, cell.Verdict, cell.Detail)
	case cell.As != "":
		t.Skipf("explore: %s, of the same cause as %s", cell.Verdict, cell.As)
	default:
		t.Errorf("explore: %s\nTo repeat it: go test -run '%s$'", cell, t.Name())
	}
}

// leave tells the table, and leaves it as a page where artifacts are wanted.
func (l *lab) leave(t *testing.T, report *exploration.Report) {
	t.Helper()
	t.Logf("explore: the table of calls and faults:\n%s", report)
	directory := artifactDir(t)
	if directory == "" {
		return
	}
	name := filepath.Join(directory, "explore.html")
	file, err := os.Create(name)
	if err == nil {
		err = report.Write(file, t.Name())
		if closed := file.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		t.Logf("explore: no page: %v", err)
		return
	}
	t.Logf("explore: the same as a page: %s", name)
}
