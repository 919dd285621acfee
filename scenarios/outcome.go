package scenarios

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

// Errors for [Rule.Fail], [Rule.Sequence], [Rule.Ask] and [Around] that are no answer of
// the service: the connection fails, and nothing is carried out but what a function did
// itself. What the world does by itself (see [World]) has no connection, so rules for it
// that have such an error, [ErrReplyLost] or a [*Response] are refused, and of a function
// for Ask that answers one the test hears.
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

// ErrReplyLost stands in a trace for a reply that was lost, by [Rule.Drop] or because a
// rule has this error for a call: the call is carried out, in [Around] as far as the
// function did it, and the caller sees a connection that ends without a reply.
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
// status 500. With [ErrReplyLost] the call is carried out, and its reply is lost. An
// error means the same in [Rule.Sequence], [Rule.Ask] and [Around].
func (r *Rule) Fail(err error) *Rule {
	return r.with(func(r *Rule) {
		if mistake := checkError(err); mistake != nil {
			r.wrong("Fail of %w", mistake)
			return // the methods of an error that is nil may fail
		}
		r.effects.Err = copied(err)
	})
}

// Sequence gives calls their outcomes in turn: nil for a call that is carried
// out, or an error as in [Rule.Fail]. Calls behind the last are carried out.
func (r *Rule) Sequence(outcomes ...error) *Rule {
	return r.with(func(r *Rule) {
		kept := make([]error, len(outcomes))
		refused := false
		for i, err := range outcomes {
			if err == nil {
				continue
			}
			if mistake := checkError(err); mistake != nil {
				r.wrong("Sequence with %w", mistake)
				return
			}
			kept[i], refused = copied(err), true
		}
		if !refused {
			r.refuse("sequence", fmt.Sprintf("Sequence(%s)", sequenceWords(outcomes)), "every call is carried out")
		}
		r.effects.Sequence = kept
	})
}

func checkError(err error) error {
	if err == nil {
		return errors.New("an error that is nil")
	}
	if none := nilWithin(err); none != nil {
		return fmt.Errorf("a nil %T", none)
	}
	var response *Response
	if errors.As(err, &response) && (response.Status < 200 || response.Status > 599) {
		return fmt.Errorf("an answer of status %d: there are those from 200 to 599", response.Status)
	}
	return nil
}

// sound is an error that a function of the user's answers. It panics, as the function
// might, for one that no call can be refused with.
func sound(err error) error {
	if err != nil {
		if mistake := checkError(err); mistake != nil {
			panic(fmt.Sprintf("it answers %v", mistake))
		}
	}
	return err
}

// nilWithin is an error that is a nil pointer of some type, which is the error or
// wrapped by it; nil if there is none.
func nilWithin(err error) error {
	for err != nil {
		if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.IsNil() {
			return err
		}
		err = errors.Unwrap(err)
	}
	return nil
}
