package scenarios

import (
	"context"
	"fmt"
	"time"
)

// Effects is what a rule does to a call. What comes before the operation comes in
// the order of the fields, then what happens in its place, then what becomes of
// the answer.
type Effects struct {
	// Delay is how long the call waits on the world's clock.
	Delay time.Duration
	// Hold keeps the call waiting until the playing is released or stopped.
	Hold bool
	// Together keeps calls waiting until there are so many of them.
	Together int
	// Rate lets calls pass at a rate; only those over it are refused, with Err.
	Rate *Rate
	// Hook sees the call and may refuse it.
	Hook func(*Call) error

	// Err refuses the call: nothing is read or changed. It may be a [*Response] or
	// one of the errors that stand for a connection that fails.
	Err error
	// NotThereFor refuses a call on a repository that was made less long ago.
	NotThereFor time.Duration
	// Sequence refuses one call after the other, nil for one that is not, and no
	// more after its last.
	Sequence []error
	// Answer is what is answered in the operation's place, a pointer to its output.
	Answer any
	// Stale answers from an earlier state.
	Stale *Stale
	// Garble flips the byte of a layer part at this offset as it is received.
	Garble *int64
	// Twice carries the call out twice; the second answer is the one given.
	Twice bool
	// around is the user's function in the operation's place.
	around func(ctx context.Context, in any, next func(context.Context, any) (any, error)) (any, error)

	// Page is how many items a page of a list has at most, 0 for an empty one.
	Page *int
	// Item makes a failure of one item of a batch.
	Item *ItemFailure
	// change changes an output, in the manner that reserialise and others name.
	change func(out any)
	// Reserialise writes the manifests of the answer anew, so that their digests do
	// not match.
	Reserialise bool
	// Flip flips the byte of a downloaded layer at this offset, and Keep cuts the
	// layer short after so many bytes.
	Flip, Keep *int64
	// Reply is what becomes of the reply on its way.
	Reply Reply
	// Then is the state that the playing is in for the calls behind this one, nil for
	// no change.
	Then *string
}

// Rate is calls a second of the world's clock, and how many may come at once.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Stale says how old the state is that answers: so long ago, or so many writes
// ago; with neither, as it was when the playing began. It is never older than
// that.
type Stale struct {
	Age    time.Duration
	Writes int
}

// ItemFailure is the failure of one item of a batch, counted from 1.
type ItemFailure struct {
	Nth          int
	Code, Reason string
}

// Delay keeps the call waiting for d on the world's clock before anything else
// happens: until time passes or the test advances it.
func (r *Rule) Delay(d time.Duration) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Delay = d
		if d <= 0 {
			r.refuse("delay", fmt.Sprintf("Delay(%v)", d), "no time to wait")
		}
	})
}

// Hold keeps the call waiting until the test releases or stops the playing.
func (r *Rule) Hold() *Rule { return r.with(func(r *Rule) { r.effects.Hold = true }) }

// Together keeps calls waiting until n of them are there, which then go on
// together; and the next n.
func (r *Rule) Together(n int) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Together = n
		if n < 2 {
			r.refuse("together", fmt.Sprintf("Together(%d)", n), "two calls at least")
		}
	})
}

// AtMost lets calls pass at a rate, on the world's clock, of which burst may come
// at once, and refuses those over it with [Throttled]. A rule fires on the calls
// that it refuses.
func (r *Rule) AtMost(perSecond float64, burst int) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Rate = &Rate{perSecond, burst}
		if !(perSecond > 0) || burst < 1 {
			r.refuse("rate", fmt.Sprintf("AtMost(%v, %d)", perSecond, burst), "a rate is above 0, and a burst 1 at least")
		}
	})
}

// Ask shows the call to a function before it is carried out. An error is one as in
// [Rule.Fail], [ErrReplyLost] and [ErrNoAnswer] included. The function may call the
// registry.
func (r *Rule) Ask(hook func(*Call) error) *Rule {
	return r.with(func(r *Rule) {
		if hook == nil {
			r.wrong("Ask of a nil function")
			return
		}
		r.effects.Hook = func(call *Call) error { return sound(hook(call)) }
	})
}

// Twice carries the call out twice, as when one request is delivered twice. The
// caller gets the second answer.
func (r *Rule) Twice() *Rule { return r.with(func(r *Rule) { r.effects.Twice = true }) }

// FailItem makes a failure of the nth item of a batch, counted from 1, with a
// code that the operation has and a reason: the call is carried out without the
// item. A batch that has not so many is carried out whole, and the rule does not fire
// on it.
func (r *Rule) FailItem(nth int, code, reason string) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Item = &ItemFailure{nth, code, reason}
		if nth < 1 || code == "" {
			r.refuse("failItem", fmt.Sprintf("FailItem(%d, %q)", nth, code), "items count from 1, and a failure has a code")
		}
	})
}

// ShortPage answers a page of a list with n items at most, though there are more; the
// next page is as it would be. ECR promises no page a length: whoever reads one page
// and takes it for all has read less than there is.
func (r *Rule) ShortPage(n int) *Rule {
	return r.with(func(r *Rule) {
		if before, has := r.effects.call("emptyPage"); has {
			r.clash("shortPage", fmt.Sprintf("ShortPage(%d)", n), before, "a page is of one length")
		}
		r.effects.Page = &n
		if n < 1 {
			r.refuse("shortPage", fmt.Sprintf("ShortPage(%d)", n), "one item at least, or EmptyPage")
		}
	})
}

// EmptyPage answers a page of a list without an item, though there are some, and with
// the token that leads to them, as services may where a filter leaves none.
func (r *Rule) EmptyPage() *Rule {
	return r.with(func(r *Rule) {
		if before, has := r.effects.call("shortPage"); has {
			r.clash("emptyPage", "EmptyPage", before, "a page is of one length")
		}
		r.effects.Page = new(int)
	})
}

// Reserialise answers manifests written anew: the same JSON in other bytes, whose
// digest is another.
func (r *Rule) Reserialise() *Rule { return r.with(func(r *Rule) { r.effects.Reserialise = true }) }

// Flip changes the byte at an offset of a layer that is downloaded. On a download
// without this byte the rule does not fire.
func (r *Rule) Flip(offset int64) *Rule {
	return r.at("Flip", "flip", offset, func(e *Effects) { e.Flip = &offset })
}

// Keep answers the first n bytes of a layer that is downloaded, as if it had no
// more. On a layer that has no more the rule does not fire.
func (r *Rule) Keep(n int64) *Rule {
	return r.at("Keep", "keep", n, func(e *Effects) { e.Keep = &n })
}

// Garble changes the byte at an offset of a layer part that is received, so that
// the digest of the layer does not match when the upload is completed. A part that
// has no such byte stays as it is, and the rule does not fire on it.
func (r *Rule) Garble(offset int64) *Rule {
	return r.at("Garble", "garble", offset, func(e *Effects) { e.Garble = &offset })
}

func (r *Rule) at(method, member string, offset int64, set func(*Effects)) *Rule {
	return r.with(func(r *Rule) {
		set(&r.effects)
		if offset < 0 {
			r.refuse(member, fmt.Sprintf("%s(%d)", method, offset), "bytes count from 0")
		}
	})
}

// Stale answers a read from the state as it was age before, but not before the
// playing began. Where nothing was written since then, the rule does not fire.
func (r *Rule) Stale(age time.Duration) *Rule {
	return r.stale(Stale{Age: age}, age > 0, fmt.Sprintf("Stale(%v)", age), "a state as it was at no time before")
}

// StaleBy answers a read from the state as it was n writes before, but not before
// the playing began.
func (r *Rule) StaleBy(n int) *Rule {
	return r.stale(Stale{Writes: n}, n > 0, fmt.Sprintf("StaleBy(%d)", n), "a state as it was no write before")
}

// Frozen answers a read from the state as it was when the playing began.
func (r *Rule) Frozen() *Rule { return r.stale(Stale{}, true, "Frozen", "") }

// stale sets how old the state is that answers, which is said in one way.
func (r *Rule) stale(s Stale, possible bool, call, why string) *Rule {
	return r.with(func(r *Rule) {
		if before, has := r.effects.call("stale"); has && before != s.call() {
			r.clash("stale", call, before, "a state is of one age")
		}
		r.effects.Stale = &s
		if !possible {
			r.refuse("stale", call, "%s", why)
		}
	})
}

// Then moves the playing into a named state, in which rules with [While] hold: for
// calls behind this one, whatever the order of the rules.
func (r *Rule) Then(state string) *Rule {
	return r.with(func(r *Rule) { r.effects.Then = &state })
}
