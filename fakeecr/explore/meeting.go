package explore

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/exploration"
	"github.com/fakeecr/ecr/scenarios"
)

// start runs an actor.
func (i *interleaving) start(ctx context.Context, actor Actor, world *fakeecr.Registry) *called {
	return call(ctx, func(ctx context.Context, r *fakeecr.Registry) (any, error) { return nil, actor.Run(ctx, r) }, world.Actor(actor.Name))
}

// oneByOne runs the actors one after the other.
func (i *interleaving) oneByOne(b *bubble, t *testing.T, order []int) {
	world := i.fixture.Fork(nil)
	errs := map[string]error{}
	for _, at := range order {
		actor := i.actors[at]
		ctx, cancel := context.WithCancel(t.Context())
		c := i.start(ctx, actor, world)
		why := ""
		select {
		case <-c.done:
		case <-time.After(i.limit):
			why = fmt.Sprintf("%s has not ended within %v of its clock", actor.Name, i.limit)
		}
		cancel()
		b.out = c.end(why, b.id.Load())
		if b.out.Ending != exploration.Returned {
			return
		}
		errs[actor.Name] = b.out.Err
	}
	b.settle()
	b.out = exploration.Outcome{Answer: errs, World: world, Trace: world.Trace()}
}

// held is a call that waits for its turn.
type held struct {
	call scenarios.Call
	turn chan struct{}
}

// meeting holds the calls of actors and lets one go on at a time.
type meeting struct {
	mu sync.Mutex
	// waiting are the calls that are held, by the actor, in order.
	waiting map[string][]*held
	changed chan struct{}
	closed  bool
	late    int
}

// see holds a call until it is its turn.
func (m *meeting) see(ctx context.Context, call *scenarios.Call) error {
	h := &held{call: *call, turn: make(chan struct{})}
	m.mu.Lock()
	if m.closed {
		m.late++
		ends := m.late > lateCalls
		m.mu.Unlock()
		if ends {
			runtime.Goexit()
		}
		return cmp.Or(ctx.Err(), errOver)
	}
	m.waiting[call.Actor] = append(m.waiting[call.Actor], h)
	m.mu.Unlock()
	m.tell()
	select {
	case <-h.turn:
		return nil
	case <-ctx.Done():
		m.mu.Lock()
		defer m.mu.Unlock()
		m.waiting[call.Actor] = slices.DeleteFunc(m.waiting[call.Actor], func(other *held) bool { return other == h })
		return ctx.Err()
	}
}

// tell says that something has changed.
func (m *meeting) tell() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// enabled are the calls of which one may go on, the first of each actor. Of calls that
// an actor makes at once the order is that of their identities.
func (m *meeting) enabled() map[string]scenarios.Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]scenarios.Call{}
	for name, calls := range m.waiting {
		if len(calls) == 0 {
			continue
		}
		slices.SortStableFunc(calls, func(a, b *held) int { return cmp.Compare(a.call.Identity(), b.call.Identity()) })
		all[name] = calls[0].call
	}
	return all
}

// let lets the first call of an actor go on.
func (m *meeting) let(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.waiting[name][0].turn)
	m.waiting[name] = m.waiting[name][1:]
}

// close refuses what is called from now on, once the calls that are held have gone on.
func (m *meeting) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}

// meet runs the actors at once, by a schedule.
func (i *interleaving) meet(b *bubble, t *testing.T, o *orders) {
	world := i.fixture.Fork(nil)
	m := &meeting{waiting: map[string][]*held{}, changed: make(chan struct{}, 1)}
	defer world.Watch(m.see)()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running []*called
	for _, actor := range i.actors {
		c := i.start(ctx, actor, world)
		running = append(running, c)
		go func() {
			<-c.done
			m.tell()
		}()
	}
	why := i.direct(m, running, o)
	whys := make([]string, len(running))
	for at, c := range running {
		if c.isRunning() {
			whys[at] = why
		}
	}
	m.close()
	cancel()
	errs := map[string]error{}
	for at, c := range running {
		b.out = c.end(whys[at], b.id.Load())
		errs[i.actors[at].Name] = b.out.Err
		if b.out.Ending != exploration.Returned {
			b.out.Detail = i.actors[at].Name + ": " + b.out.Detail
			b.out.Trace = world.Trace()
			return
		}
	}
	b.settle()
	b.out = exploration.Outcome{Answer: errs, World: world, Trace: world.Trace()}
}

// direct lets calls go on, one at a time, until all actors have ended. It says why it
// does not wait for them, "" if they have.
func (i *interleaving) direct(m *meeting, running []*called, o *orders) string {
	limit := time.NewTimer(i.limit)
	defer limit.Stop()
	most := 20*i.calls + 100
	for n := 0; ; {
		synctest.Wait()
		enabled := m.enabled()
		switch {
		case len(enabled) > 0:
			if n++; n > most {
				return fmt.Sprintf("they have made more than %d calls", most)
			}
			m.let(o.choose(enabled))
		case !slices.ContainsFunc(running, (*called).isRunning):
			return ""
		default: // nobody is held, so time goes on
			select {
			case <-m.changed:
			case <-limit.C:
				return fmt.Sprintf("they have not ended within %v of their clock", i.limit)
			}
		}
	}
}

func (c *called) isRunning() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}
