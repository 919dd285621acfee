package scenarios

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
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
	// Sequence refuses one call after the other, nil for one that is not, and no
	// more after its last.
	Sequence []error
	// Stale answers from an earlier state.
	Stale *Stale
	// Garble flips the byte of a layer part at this offset as it is received.
	Garble *int64
	// Twice carries the call out twice; the second answer is the one given.
	Twice bool
	// around is the user's function in the operation's place.
	around func(ctx context.Context, in any, next func(context.Context, any) (any, error)) (any, error)

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
	// Then is the state that the playing is in from now on, nil for no change.
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

// Errors for [Rule.Fail] and [Rule.Sequence] that are no answer of the service:
// the connection fails, and nothing is carried out.
var (
	// ErrConnectionRefused is nobody who listens. Over a socket, which listens
	// already, the connection is reset.
	ErrConnectionRefused = errors.New("the connection was refused")
	// ErrConnectionReset is a connection that is reset before any byte of an answer.
	ErrConnectionReset = errors.New("the connection was reset")
	// ErrNoAnswer is a request that is taken and never answered: the caller waits
	// until it gives up, or until the playing lets go of it.
	ErrNoAnswer = errors.New("there is no answer")
)

// ErrReplyLost stands in a trace for a reply that [Rule.Drop] lost: the call was
// carried out. In a sequence it is an outcome like the others.
var ErrReplyLost = errors.New("the reply was lost")

// Response is an answer over HTTP in the service's place, as a proxy or a load
// balancer gives it: an error for [Rule.Fail].
type Response struct {
	// Status is the status code, such as 503.
	Status int
	// Header has what the answer has besides a length, such as Retry-After.
	Header http.Header
	// Body is sent as it is: HTML, JSON that ends too early.
	Body string
}

// Error implements error.
func (r *Response) Error() string {
	return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", r.Status, http.StatusText(r.Status)))
}

// Fail refuses the call with err before anything happens. An exception of the
// SDK's types, or any smithy.APIError, reaches the caller as the service would
// send it; a [*Response] as it is; [ErrConnectionRefused], [ErrConnectionReset]
// and [ErrNoAnswer] as what they say; any other error as an InternalFailure with
// status 500.
func (r *Rule) Fail(err error) *Rule {
	return r.with(func(r *Rule) {
		if mistake := checkError(err); mistake != nil {
			r.wrong("Fail of %w", mistake)
			return // the methods of an error that is nil may fail
		}
		r.effects.Err = err
	})
}

// Sequence gives calls their outcomes in turn: nil for a call that is carried
// out, or an error as in [Rule.Fail]; [ErrReplyLost] for one that is carried out
// and loses its reply. Calls behind the last are carried out.
func (r *Rule) Sequence(outcomes ...error) *Rule {
	return r.with(func(r *Rule) {
		if len(outcomes) == 0 {
			r.wrong("Sequence()")
		}
		for _, err := range outcomes {
			if mistake := checkError(err); err != nil && mistake != nil {
				r.wrong("Sequence with %w", mistake)
				return
			}
		}
		r.effects.Sequence = slices.Clone(outcomes)
	})
}

func checkError(err error) error {
	v := reflect.ValueOf(err)
	switch {
	case err == nil:
		return errors.New("an error that is nil")
	case v.Kind() == reflect.Pointer && v.IsNil():
		return fmt.Errorf("a nil %T", err)
	}
	var response *Response
	if errors.As(err, &response) && (response.Status < 200 || response.Status > 599) {
		return fmt.Errorf("an answer has no status %d", response.Status)
	}
	return nil
}

// Delay keeps the call waiting for d on the world's clock before anything else
// happens: until time passes or the test advances it.
func (r *Rule) Delay(d time.Duration) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Delay = d
		if d <= 0 {
			r.wrong("Delay(%v)", d)
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
			r.wrong("Together(%d): two calls at least", n)
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
			r.wrong("AtMost(%v, %d): a rate above 0 and a burst of 1 at least", perSecond, burst)
		}
	})
}

// Ask shows the call to a function before it is carried out. An error refuses the
// call as in [Rule.Fail]. The function may call the registry.
func (r *Rule) Ask(hook func(*Call) error) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Hook = hook
		if hook == nil {
			r.wrong("Ask of a nil function")
		}
	})
}

// Drop lets the call be carried out and loses its reply: the caller sees a
// connection that ends without one.
func (r *Rule) Drop() *Rule { return r.with(func(r *Rule) { r.effects.Reply.Lost = true }) }

// CutAfter carries the call out and ends the reply after n bytes of its body, of
// which the full length was promised.
func (r *Rule) CutAfter(n int64) *Rule { return r.cut(n, false) }

// ResetAfter carries the call out and resets the connection after n bytes of the
// reply's body.
func (r *Rule) ResetAfter(n int64) *Rule { return r.cut(n, true) }

func (r *Rule) cut(n int64, reset bool) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Reply.Cut, r.effects.Reply.Reset = &n, reset
		if n < 0 {
			r.wrong("a reply of %d bytes", n)
		}
	})
}

// Trickle sends the body of the reply at so many bytes a second of the world's
// clock.
func (r *Rule) Trickle(bytesPerSecond int64) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Reply.BytesPerSecond = bytesPerSecond
		if bytesPerSecond < 1 {
			r.wrong("Trickle(%d)", bytesPerSecond)
		}
	})
}

// Stall carries the call out and keeps its reply back for d on the world's clock:
// slow headers.
func (r *Rule) Stall(d time.Duration) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Reply.Wait = d
		if d <= 0 {
			r.wrong("Stall(%v)", d)
		}
	})
}

// Twice carries the call out twice, as when one request is delivered twice. The
// caller gets the second answer.
func (r *Rule) Twice() *Rule { return r.with(func(r *Rule) { r.effects.Twice = true }) }

// FailItem makes a failure of the nth item of a batch, counted from 1, with a
// code and a reason of the operation's: the call is carried out without the item.
func (r *Rule) FailItem(nth int, code, reason string) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Item = &ItemFailure{nth, code, reason}
		if nth < 1 || code == "" {
			r.wrong("FailItem(%d, %q): items count from 1 and a failure has a code", nth, code)
		}
	})
}

// Reserialise answers manifests written anew: the same JSON in other bytes, whose
// digest is another.
func (r *Rule) Reserialise() *Rule { return r.with(func(r *Rule) { r.effects.Reserialise = true }) }

// Flip changes the byte at an offset of a layer that is downloaded.
func (r *Rule) Flip(offset int64) *Rule {
	return r.at("Flip", offset, func(e *Effects) { e.Flip = &offset })
}

// Keep answers the first n bytes of a layer that is downloaded, as if it had no
// more.
func (r *Rule) Keep(n int64) *Rule { return r.at("Keep", n, func(e *Effects) { e.Keep = &n }) }

// Garble changes the byte at an offset of a layer part that is received, so that
// the digest of the layer does not match when the upload is completed.
func (r *Rule) Garble(offset int64) *Rule {
	return r.at("Garble", offset, func(e *Effects) { e.Garble = &offset })
}

func (r *Rule) at(what string, offset int64, set func(*Effects)) *Rule {
	return r.with(func(r *Rule) {
		set(&r.effects)
		if offset < 0 {
			r.wrong("%s(%d)", what, offset)
		}
	})
}

// Stale answers a read from the state as it was age before, but not before the
// playing began.
func (r *Rule) Stale(age time.Duration) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Stale = &Stale{Age: age}
		if age <= 0 {
			r.wrong("Stale(%v)", age)
		}
	})
}

// StaleBy answers a read from the state as it was n writes before, but not before
// the playing began.
func (r *Rule) StaleBy(n int) *Rule {
	return r.with(func(r *Rule) {
		r.effects.Stale = &Stale{Writes: n}
		if n < 1 {
			r.wrong("StaleBy(%d)", n)
		}
	})
}

// Frozen answers a read from the state as it was when the playing began.
func (r *Rule) Frozen() *Rule { return r.with(func(r *Rule) { r.effects.Stale = &Stale{} }) }

// Then moves the playing into a named state, in which rules with [While] hold.
func (r *Rule) Then(state string) *Rule {
	return r.with(func(r *Rule) { r.effects.Then = &state })
}

// Effect is one that a typed function has, for [Rule.With].
type Effect struct {
	operation string
	set       func(*Effects)
	mistake   error
}

// With adds an effect by a function: [Around] or [Change].
func (r *Rule) With(effect Effect) *Rule {
	return r.with(func(r *Rule) {
		switch {
		case effect.mistake != nil:
			r.wrong("%w", effect.mistake)
		case effect.set == nil:
			r.wrong("an empty effect")
		default:
			effect.set(&r.effects)
			r.typed = append(r.typed, effect.operation)
		}
	})
}

// Around puts a function around an operation, which its types name: it may call
// the operation or not, and change what comes back. What it answers is what the
// caller gets: over HTTP as the service would write it, an output that is nil as
// an empty one.
func Around[In, Out any](f func(ctx context.Context, in *In, next func(context.Context, *In) (*Out, error)) (*Out, error)) Effect {
	effect := Effect{operation: operationOf[In]("Input")}
	if f == nil {
		effect.mistake = errors.New("Around of a nil function")
		return effect
	}
	effect.set = func(e *Effects) {
		e.around = func(ctx context.Context, in any, next func(context.Context, any) (any, error)) (any, error) {
			out, err := f(ctx, in.(*In), func(ctx context.Context, in *In) (*Out, error) {
				out, err := next(ctx, in)
				if err != nil {
					return nil, err
				}
				return out.(*Out), nil
			})
			return out, err
		}
	}
	return effect
}

// Change changes the output of an operation, which its type names.
func Change[Out any](f func(*Out)) Effect {
	effect := Effect{operation: operationOf[Out]("Output")}
	if f == nil {
		effect.mistake = errors.New("Change of a nil function")
		return effect
	}
	effect.set = func(e *Effects) {
		e.change = func(out any) {
			if out, ok := out.(*Out); ok && out != nil {
				f(out)
			}
		}
	}
	return effect
}

func operationOf[T any](suffix string) string {
	name, _ := strings.CutSuffix(reflect.TypeFor[T]().Name(), suffix)
	return name
}

// Around is the function in the operation's place, or nil.
func (e Effects) Around() func(ctx context.Context, in any, next func(context.Context, any) (any, error)) (any, error) {
	return e.around
}

// Change is the function that changes the output, or nil.
func (e Effects) Change() func(out any) { return e.change }
