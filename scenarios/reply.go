package scenarios

import (
	"fmt"
	"time"
)

// Reply is what becomes of a reply on its way to the caller.
type Reply struct {
	// Lost says that none arrives.
	Lost bool
	// Cut ends the reply after so many bytes of its body, with a reset of the
	// connection or else with its end, where the length promised was the whole.
	Cut   *int64
	Reset bool
	// BytesPerSecond is how fast the body comes on the world's clock, and Wait is
	// how long the first byte of the headers takes.
	BytesPerSecond int64
	Wait           time.Duration
}

// IsWhole tells whether nothing becomes of the reply.
func (r Reply) IsWhole() bool { return r == Reply{} }

// Then is both.
func (r Reply) Then(other Reply) Reply {
	r.Lost = r.Lost || other.Lost
	r.Wait += other.Wait
	if other.Cut != nil {
		r.Cut, r.Reset = other.Cut, other.Reset
	}
	if other.BytesPerSecond > 0 {
		r.BytesPerSecond = other.BytesPerSecond
	}
	return r
}

// Drop lets the call be carried out and loses its reply: the caller sees a
// connection that ends without one.
func (r *Rule) Drop() *Rule { return r.with(func(r *Rule) { r.effects.Reply.Lost = true }) }

// CutAfter carries the call out and ends the reply after n bytes of its body, of
// which the full length was promised. On a reply that has no more than n bytes the rule
// does not fire: it does not use up a turn, so that First(1) is the first reply that was
// cut. The SDK for Go takes a reply that is cut for a broken connection,
// io.ErrUnexpectedEOF. boto3 does with urllib3 2, and with urllib3 1 takes it for a
// success without a member: test such code for what it then does.
func (r *Rule) CutAfter(n int64) *Rule { return r.cut("CutAfter", "cutAfter", n, false) }

// ResetAfter carries the call out and resets the connection after n bytes of the
// reply's body. As with [Rule.CutAfter], a reply that has no more is left alone.
func (r *Rule) ResetAfter(n int64) *Rule { return r.cut("ResetAfter", "resetAfter", n, true) }

func (r *Rule) cut(method, member string, n int64, reset bool) *Rule {
	return r.with(func(r *Rule) {
		call := fmt.Sprintf("%s(%d)", method, n)
		for _, other := range []string{"cutAfter", "resetAfter"} {
			if before, has := r.effects.call(other); has && other != member {
				r.clash(member, call, before, "a reply ends once")
			}
		}
		r.effects.Reply.Cut, r.effects.Reply.Reset = &n, reset
		if n < 0 {
			r.refuse(member, call, "bytes count from 0")
		}
	})
}

// Trickle sends the body of the reply at so many bytes a second of the world's
// clock. Meanwhile the playing holds the call; released, the rest comes at once.
func (r *Rule) Trickle(bytesPerSecond int64) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Reply.BytesPerSecond = bytesPerSecond
		if bytesPerSecond < 1 {
			r.refuse("trickle", fmt.Sprintf("Trickle(%d)", bytesPerSecond), "a byte a second at least")
		}
	})
}

// Stall carries the call out and keeps its reply back for d on the world's clock:
// slow headers. The call is in the trace by then, and the playing holds it until the time
// has passed or it is released.
func (r *Rule) Stall(d time.Duration) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Reply.Wait = d
		if d <= 0 {
			r.refuse("stall", fmt.Sprintf("Stall(%v)", d), "no time to wait")
		}
	})
}
