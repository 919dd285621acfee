package scenarios

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

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
// an empty one. An error means what it does in [Rule.Fail]: with [ErrReplyLost] the
// caller hears nothing of what the function did, and with [ErrNoAnswer] it waits.
func Around[In, Out any](f func(ctx context.Context, in *In, next func(context.Context, *In) (*Out, error)) (*Out, error)) Effect {
	effect := Effect{operation: operationOf[In]("Input")}
	if f == nil {
		effect.mistake = errors.New("Around of a nil function")
		return effect
	}
	if answer := operationOf[Out]("Output"); answer != effect.operation {
		effect.mistake = fmt.Errorf("Around from %s to %s", effect.operation, answer)
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
			return out, sound(err)
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
