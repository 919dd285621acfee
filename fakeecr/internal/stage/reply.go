package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/scenarios"
)

// Reply is a reply on its way to the caller, to which rules do something. Its times are
// counted from when it was sent, so that a clock that is advanced meanwhile counts.
type Reply struct {
	// Lost says that nothing of it arrives.
	Lost bool
	// Cuts says that it ends after Cut bytes of its body, which is less than it has:
	// with a reset of the connection, or else with its end.
	Cuts  bool
	Cut   int64
	Reset bool

	stage *Stage
	// length is how many bytes the body has, once that is asked for; they come from
	// begun on.
	length func() int64
	begun  time.Time
	kept   []*keeping
}

// keeping is how a scenario keeps a reply.
type keeping struct {
	scenario *PlayedScenario
	// late is how long the first byte takes, and rate is bytes a second behind it, 0
	// for all at once.
	late     time.Duration
	rate     int64
	released chan struct{}
	leave    func()
}

// Answer is what a reply is sent with.
type Answer interface {
	// Length is how many bytes its body has. It is asked where that matters.
	Length() int64
}

// nothing is the answer of deliver.
type nothing struct{}

func (nothing) Length() int64 { return 0 }

// Send sends the reply that calls come to. The calls are in the trace from then on, and
// what keeps the reply waiting has begun. The reply is nil if it arrives whole and at
// once; one that does not has to be left in the end.
func (s *Stage) Send(answer Answer, calls ...*dispatch.Call) *Reply {
	if !slices.ContainsFunc(calls, func(call *dispatch.Call) bool {
		return call.Ruling != nil || errors.Is(call.Record.Err, scenarios.ErrReplyLost)
	}) {
		return nil
	}
	reply := &Reply{stage: s, length: sync.OnceValue(answer.Length), begun: s.World.Now()}
	for _, call := range calls {
		ruling := rulingOf(call)
		if ruling == nil {
			reply.Lost = reply.Lost || errors.Is(call.Record.Err, scenarios.ErrReplyLost)
			continue
		}
		for _, firing := range ruling.fired {
			reply.meet(firing)
		}
	}
	whole := !reply.Lost && !reply.Cuts && len(reply.kept) == 0
	for _, k := range reply.kept {
		k.begin()
	}
	for _, call := range calls {
		if call.Ruling != nil {
			s.conclude(call)
		}
	}
	if whole {
		return nil
	}
	return reply
}

// Lose ends calls whose reply nobody gets.
func (s *Stage) Lose(calls ...*dispatch.Call) {
	for _, call := range calls {
		if call.Ruling != nil {
			s.conclude(call)
		}
	}
}

// deliver is Send for one who takes what is answered, or an error, as it is: in no
// bytes.
func (s *Stage) deliver(ctx context.Context, call *dispatch.Call, err error) error {
	if reply := s.Send(nothing{}, call); reply != nil && err == nil {
		defer reply.Leave()
		return reply.Begin(ctx)
	}
	return err
}

// meet adds what a rule does to a reply.
func (r *Reply) meet(f *firing) {
	does := f.effects.Reply
	if does.Cut != nil {
		if length := r.length(); *does.Cut < length {
			f.did = true
			if !r.Cuts || *does.Cut < r.Cut {
				r.Cuts, r.Cut, r.Reset = true, *does.Cut, does.Reset
			}
		} else {
			f.idle = fmt.Sprintf("a reply of %d bytes has nothing to cut", length)
		}
	}
	if does.Wait == 0 && (does.BytesPerSecond == 0 || r.length() == 0) {
		return
	}
	k := r.keptBy(f.scenario)
	k.late += does.Wait
	if does.BytesPerSecond > 0 {
		k.rate = does.BytesPerSecond
	}
}

func (r *Reply) keptBy(p *PlayedScenario) *keeping {
	for _, k := range r.kept {
		if k.scenario == p {
			return k
		}
	}
	k := &keeping{scenario: p, leave: func() {}}
	r.kept = append(r.kept, k)
	return k
}

// begin has the scenario keep the reply, unless it keeps none any more.
func (k *keeping) begin() {
	k.released = make(chan struct{})
	leave, keeps := k.scenario.gate.keep(func() { close(k.released) })
	if !keeps {
		close(k.released)
		return
	}
	k.leave = leave
}

// goes tells whether the scenario has let go of the reply.
func (k *keeping) goes() bool {
	select {
	case <-k.released:
		return true
	default:
		return false
	}
}

// Begin returns when the first byte is due.
func (r *Reply) Begin(ctx context.Context) error {
	for _, k := range r.kept {
		due := r.begun.Add(k.late)
		if err := r.stage.World.WaitUntil(ctx, due, k.released); err != nil {
			return err
		}
		if now := r.stage.World.Now(); now.Before(due) {
			due = now // it was let go
		}
		r.begun = due
		if k.rate == 0 {
			k.leave()
		}
	}
	return nil
}

// What a slow body comes in: so many steps a second, and the longest time for it, as a
// time.Duration has an end.
const (
	perSecond = 10
	longest   = 100 * 365 * 24 * time.Hour
)

// Pass returns when some of n bytes are due that follow so many bytes of the body, and
// answers how many of them are.
func (r *Reply) Pass(ctx context.Context, sent int64, n int) (int, error) {
	left := r.length() - sent
	if left <= 0 {
		return n, nil // the end is no byte
	}
	n = int(min(int64(n), left))
	for _, k := range r.kept {
		if k.rate == 0 || k.goes() {
			continue
		}
		step := max(k.rate/perSecond, 1)
		if come := r.stage.World.Now().Sub(r.begun).Seconds() * float64(k.rate); come >= float64(sent+int64(n)) {
			step = int64(n)
		}
		n = int(min(int64(n), step))
		takes := min(float64(sent+int64(n))/float64(k.rate), longest.Seconds())
		if err := r.stage.World.WaitUntil(ctx, r.begun.Add(time.Duration(takes*float64(time.Second))), k.released); err != nil {
			return 0, err
		}
	}
	if end := sent + int64(n); end == r.length() || r.Cuts && end >= r.Cut {
		r.Leave()
	}
	return n, nil
}

// Slow tells whether the body comes at a rate now.
func (r *Reply) Slow() bool {
	return slices.ContainsFunc(r.kept, func(k *keeping) bool { return k.rate > 0 && !k.goes() })
}

// Leave ends the reply: whole, cut or given up.
func (r *Reply) Leave() {
	if r == nil {
		return
	}
	for _, k := range r.kept {
		k.leave()
	}
}
