package explore

import (
	"context"
	"fmt"
	"time"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/exploration"
	"github.com/fakeecr/ecr/scenarios"
)

// overSockets runs the function in real time, with a server of its own.
func (l *lab) overSockets(world *fakeecr.Registry, rules scenarios.Scenario, calls int) exploration.Outcome {
	server := world.Fork(nil).Serve(nil)
	server.Setenv(l.t)
	out := l.inRealTime(server.Registry, rules, calls)
	if out.Ending != exploration.Endless {
		server.Close()
	}
	return out
}

// inRealTime runs the function in real time, in a world of its own.
func (l *lab) inRealTime(world *fakeecr.Registry, rules scenarios.Scenario, calls int) exploration.Outcome {
	played := world.Play(rules)
	ctx, cancel := context.WithCancel(l.t.Context())
	defer cancel()
	stopped := exploration.LetPass(ctx, world, played)
	atMost := &callLimit{most: calls, over: make(chan struct{})}
	defer world.Watch(atMost.refuse)()
	c := call(ctx, l.f, world)
	watchdog := time.NewTimer(l.within)
	defer watchdog.Stop()
	why := ""
	select {
	case <-c.done:
	case <-atMost.over:
		why = fmt.Sprintf("it has made more than %d calls", calls)
	case <-watchdog.C:
		why = fmt.Sprintf("it has not ended within %v of real time", l.within)
	}
	atMost.close()
	cancel()
	<-stopped
	out := l.endInRealTime(c, why)
	out.World, out.Trace = world, world.Trace()
	out.Fired = len(rules) == 0 || played.Fired(rules[0]) > 0
	return out
}

func (l *lab) endInRealTime(c *called, why string) exploration.Outcome {
	if why == "" {
		return c.out
	}
	out := exploration.Outcome{Ending: exploration.Endless, Detail: why + ": it goes on until its context ends"}
	select {
	case <-c.done:
	case <-time.After(time.Second):
		l.hung++
		out.Detail = why + ", also not once its context had, and was left behind"
	}
	return out
}

// refuse is see in a goroutine that is not the caller's, which nobody ends.
func (l *callLimit) refuse(ctx context.Context, call *scenarios.Call) error {
	l.mu.Lock()
	l.late = 0
	l.mu.Unlock()
	return l.see(ctx, call)
}
