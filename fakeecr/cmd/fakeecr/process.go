package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/exploration"
	"github.com/fakeecr/ecr/scenarios"
)

// process is a command that is explored.
type process struct {
	command []string
	timeout time.Duration
	ctx     context.Context
}

// saidBytes is how much of what a process prints is kept.
const saidBytes = 1 << 20

// run runs the command on a fork of a world, at a port of its own.
func (p *process) run(world *fakeecr.Registry, rules scenarios.Scenario, calls int) exploration.Outcome {
	server := world.Fork(nil).Serve(nil)
	played := server.Play(rules)
	ctx, cancel := context.WithTimeout(p.ctx, p.timeout)
	defer cancel()
	counted, over := context.WithCancelCause(ctx)
	defer over(nil)
	defer server.Watch(most(calls, over))()
	stopped := exploration.LetPass(counted, server.Registry, played)

	command := exec.CommandContext(counted, p.command[0], p.command[1:]...)
	command.Env = append(os.Environ(), server.Env()...)
	inGroup(command)
	command.Cancel = func() error { return endGroup(command) }
	command.WaitDelay = time.Second
	var answered, said bytes.Buffer
	command.Stdout, command.Stderr = &limited{&answered}, &limited{&said}
	err := command.Run()
	endGroup(command) // what it has started and left
	why := context.Cause(counted)
	over(nil)
	<-stopped
	server.Close()

	out := exploration.Outcome{World: server.Registry, Trace: server.Trace(), Answer: answered.String()}
	out.Fired = len(rules) == 0 || played.Fired(rules[0]) > 0
	var exit *exec.ExitError
	switch {
	case why != nil:
		out.Ending, out.Detail = exploration.Endless, p.reason(why)
	case errors.As(err, &exit):
		out.Err = fmt.Errorf("%v: %s", exit, lastLines(said.String()))
	case err != nil:
		out.Err = err
	}
	return out
}

// errOver is why a process ends that calls on and on.
var errOver = errors.New("it has made too many calls")

func (p *process) reason(why error) string {
	switch {
	case errors.Is(why, errOver):
		return why.Error()
	case errors.Is(why, context.DeadlineExceeded):
		return fmt.Sprintf("it has not ended within %v", p.timeout)
	}
	return "it was interrupted"
}

// most ends a run that makes more than so many calls, 0 for any number.
func most(calls int, over context.CancelCauseFunc) func(context.Context, *scenarios.Call) error {
	made := make(chan struct{}, calls+1)
	return func(context.Context, *scenarios.Call) error {
		if calls == 0 {
			return nil
		}
		select {
		case made <- struct{}{}:
			if len(made) <= calls {
				return nil
			}
		default:
		}
		over(fmt.Errorf("%w: more than %d", errOver, calls))
		return errOver
	}
}

// limited keeps the first bytes that are written.
type limited struct{ kept *bytes.Buffer }

func (l *limited) Write(b []byte) (int, error) {
	l.kept.Write(b[:min(len(b), saidBytes-l.kept.Len())])
	return len(b), nil
}

// lastLines is the end of what a process said.
func lastLines(text string) string {
	const most = 5
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
