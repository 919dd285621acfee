package explore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/exploration"
	"github.com/fakeecr/ecr/scenarios"
)

type function func(context.Context, *fakeecr.Registry) (any, error)

// lab runs the function, each time where nothing of it can get out.
type lab struct {
	*settings
	t *testing.T
	f function
	// hung is how many runs were left behind.
	hung int
}

func newLab(t *testing.T, s *settings, f function) *lab { return &lab{settings: s, t: t, f: f} }

// mostHung is how many runs are left behind before an exploration ends.
const mostHung = 3

func (l *lab) checkHung(t *testing.T, report *exploration.Report) {
	t.Helper()
	if l.hung >= mostHung {
		report.Stopped = fmt.Sprintf("%d runs did not end and were left behind", l.hung)
		t.Errorf("explore: %s: the exploration stops here", report.Stopped)
	}
}

// run runs the function on a fork of a world, under a watchdog in real time.
func (l *lab) run(world *fakeecr.Registry, rules scenarios.Scenario, calls int) exploration.Outcome {
	if l.sockets {
		return l.overSockets(world, rules, calls)
	}
	out, frozen := l.inBubble(world.Now(), func(b *bubble, t *testing.T) { l.runInBubble(b, t, world, rules, calls) })
	if frozen {
		return l.inRealTime(world.Fork(nil), rules, calls)
	}
	return out
}

// look is how often a bubble is looked at from outside.
const look = 500 * time.Millisecond

// inBubble runs main inside testing/synctest, under a watchdog in real time. The
// bubble's time begins at begin: that of a world. A bubble that is frozen is left
// behind, and nothing is known of what ran there.
func (l *lab) inBubble(begin time.Time, main func(*bubble, *testing.T)) (out exploration.Outcome, frozen bool) {
	b := &bubble{begin: begin, main: main}
	ended := make(chan exploration.Outcome, 1)
	go b.test(l.t, ended)
	watchdog := time.NewTimer(l.within)
	defer watchdog.Stop()
	looks := time.NewTicker(look)
	defer looks.Stop()
	for before := ""; ; {
		select {
		case out := <-ended:
			return out, false
		case <-looks.C:
			now := frozenAt(b.id.Load())
			if now != "" && now == before {
				return b.hangs("because its time stands still while a mutex is waited for"), true
			}
			before = now
		case <-watchdog.C:
			l.hung++
			return b.hangs(fmt.Sprintf("after %v of real time", l.within)), false
		}
	}
}

// bubble is one run inside testing/synctest.
type bubble struct {
	begin time.Time
	main  func(*bubble, *testing.T)

	id  atomic.Pointer[string]
	out exploration.Outcome
}

// hangs is what came of a bubble that is left behind.
func (b *bubble) hangs(why string) exploration.Outcome {
	where := stacksOf(b.id.Load())
	return exploration.Outcome{
		Ending: exploration.Endless, Stack: where.text,
		Detail: fmt.Sprintf("it hangs, and was left behind %s: %s", why, where.line),
	}
}

// test runs the bubble, which panics where goroutines are left in it.
func (b *bubble) test(t *testing.T, ended chan<- exploration.Outcome) {
	defer func() {
		if left := recover(); left != nil && b.out.Ending == exploration.Returned {
			where := stacksOf(b.id.Load())
			b.out.Ending, b.out.Stack = exploration.Leaked, where.text
			b.out.Detail = "it answers and leaves goroutines that do not end, also once its context has: " + where.line
		}
		ended <- b.out
	}()
	synctest.Test(t, func(t *testing.T) {
		b.id.Store(bubbleOf())
		time.Sleep(time.Until(b.begin)) // the world's clock and time.Now agree
		b.main(b, t)
	})
}

// How long, on the bubble's clock, what should end is waited for: goroutines that are
// left, and a function whose context has ended and which may be at a few more calls.
const (
	patience     = time.Minute
	lastPatience = time.Hour
)

// runInBubble runs the function once, on a fork of a world.
func (l *lab) runInBubble(b *bubble, t *testing.T, world *fakeecr.Registry, rules scenarios.Scenario, calls int) {
	fork := world.Fork(nil)
	played := fork.Play(rules)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	atMost := &callLimit{most: calls, over: make(chan struct{})}
	defer fork.Watch(atMost.see)()
	c := call(ctx, l.f, fork)
	limit := time.NewTimer(l.limit)
	defer limit.Stop()
	why := ""
	select {
	case <-c.done:
	case <-atMost.over:
		why = fmt.Sprintf("it has made more than %d calls", calls)
	case <-limit.C:
		why = fmt.Sprintf("it has not ended within %v of its clock", l.limit)
	}
	atMost.close()
	cancel()
	b.out = c.end(why, b.id.Load())
	if why == "" {
		b.settle()
	}
	b.out.World, b.out.Trace = fork, fork.Trace()
	b.out.Fired = len(rules) == 0 || played.Fired(rules[0]) > 0
}

// settle gives goroutines of a function that has answered the time to end.
func (b *bubble) settle() {
	synctest.Wait()
	if others(b.id.Load()) {
		time.Sleep(patience)
	}
}

// called is a function that runs.
type called struct {
	done chan struct{}
	out  exploration.Outcome
}

// call runs the function in a goroutine of its own, which may end.
func call(ctx context.Context, f function, r *fakeecr.Registry) *called {
	c := &called{done: make(chan struct{})}
	go func() {
		defer close(c.done)
		returned := false
		defer func() {
			switch panicked := recover(); {
			case returned:
			case panicked != nil:
				c.out = exploration.Outcome{Ending: exploration.Panicked, Detail: fmt.Sprint(panicked), Stack: panicAt(debug.Stack())}
			default:
				c.out = exploration.Outcome{Ending: exploration.Panicked, Detail: "it ended its goroutine (runtime.Goexit, as FailNow of a test does) and answered nothing"}
			}
		}()
		c.out.Answer, c.out.Err = f(ctx, r)
		returned = true
	}()
	return c
}

// end is what came of the function, which had reason to end, or why is "" and it has.
func (c *called) end(why string, id *string) exploration.Outcome {
	if why == "" {
		return c.out
	}
	out := exploration.Outcome{Ending: exploration.Endless}
	timer := time.NewTimer(lastPatience)
	defer timer.Stop()
	select {
	case <-c.done:
		out.Detail = why + ": it goes on until its context ends"
		if c.out.Ending != exploration.Returned {
			out.Detail = why + ": it goes on though its context has ended, until its goroutine was ended at a call"
		}
	case <-timer.C:
		where := stacksOf(id)
		out.Detail, out.Stack = why+", also not once its context had: it is blocked: "+where.line, where.text
	}
	return out
}

// callLimit ends code that calls on and on.
type callLimit struct {
	most int
	over chan struct{}

	mu     sync.Mutex
	n      int
	closed bool
	late   int
}

var errOver = errors.New("explore: the run has ended, and is told so by its context")

// close refuses what is called from now on.
func (l *callLimit) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// lateCalls is how many calls are refused, after the run has ended, before the
// goroutine of one is ended.
const lateCalls = 50

// see counts a call, which runs in the goroutine that calls.
func (l *callLimit) see(ctx context.Context, _ *scenarios.Call) error {
	l.mu.Lock()
	l.n++
	if l.most > 0 && l.n == l.most+1 {
		close(l.over)
	}
	over := l.closed || l.most > 0 && l.n > l.most
	if over {
		l.late++
	}
	ends := l.late > lateCalls
	l.mu.Unlock()
	switch {
	case ends:
		runtime.Goexit()
	case over && ctx.Err() != nil:
		return ctx.Err()
	case over:
		return errOver
	}
	return nil
}
