package stage

import (
	"context"
	"errors"
	"reflect"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/clone"
	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/scenarios"
)

// traceLength is how many calls a trace keeps, and how many items their outputs
// may list together: pages of a thousand images would be most of the heap.
const traceLength = 10_000

// pageLength is how many calls stand together in memory.
const pageLength = 64

// recorder keeps the trace.
type recorder struct {
	full bool

	mu sync.Mutex
	// number is the latest call's.
	number int
	// pages have the calls in order, without a copy of them all when they become more.
	// Unless the trace is full, a call stands where that before the last traceLength did.
	pages [][]recorded
	// items counts what the outputs kept list; those of the calls before emptied,
	// a number of a call, are kept no longer.
	items   int
	emptied int
	// watching are those who wait for the next call, each on a channel of its own:
	// a channel belongs to the synctest bubble that it was made in.
	watching map[chan struct{}]struct{}
}

// recorded is a call that the trace keeps.
type recorded struct {
	scenarios.Call
	// items is how much its output lists, 0 if that is not kept.
	items int
}

// record keeps every call with its outcome, in the order in which they end.
func (s *Stage) record(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		call.Record.Time = s.World.Now()
		call.Record.Input = s.recorder.keep(call)
		ended := false
		defer func() {
			if !ended {
				call.Record.Err = errNotEnded
				s.conclude(call)
			}
		}()
		out, err := next(ctx, call)
		ended = true
		call.Record.Bytes, call.Record.Digest = call.Tx.Bytes, call.Tx.Digest
		if _, ok := out.(smithy.Serializable); ok || call.Foreign {
			call.Record.Output = out
		}
		ruling := rulingOf(call)
		call.Record.Err = ruling.toTell(err)
		if ruling.onReply() && !Unanswered(ctx, err) {
			return out, err // Send concludes it
		}
		s.conclude(call)
		return out, err
	}
}

// errNotEnded stands in the trace for the outcome of a call of which a function
// ended the goroutine, as t.FailNow does.
var errNotEnded = errors.New("did not end")

func (r *recorder) add(record *scenarios.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	record.Number = r.number
	for watcher := range r.watching {
		close(watcher)
	}
	r.watching = nil
	latest := r.place()
	r.items -= latest.items
	latest.Call, latest.items = *record, items(record.Output)
	r.items += latest.items
	for !r.full && r.items > traceLength && r.emptied < r.number-1 {
		r.emptied++
		if r.emptied > r.number-r.kept() {
			kept := r.at(r.emptied)
			r.items -= kept.items
			kept.Forget()
			kept.items = 0
		}
	}
}

// place is where the latest call is to stand. The first page grows, because most traces
// are short.
func (r *recorder) place() *recorded {
	page, line := r.position(r.number)
	if page == len(r.pages) {
		r.pages = append(r.pages, make([]recorded, 0, min(page, 1)*pageLength))
	}
	if line == len(r.pages[page]) {
		r.pages[page] = append(r.pages[page], recorded{})
	}
	return &r.pages[page][line]
}

// at is a call that is kept.
func (r *recorder) at(number int) *recorded {
	page, line := r.position(number)
	return &r.pages[page][line]
}

func (r *recorder) position(number int) (page, line int) {
	i := number - 1
	if !r.full {
		i %= traceLength
	}
	return i / pageLength, i % pageLength
}

// kept counts the calls that are kept, which are the latest.
func (r *recorder) kept() int {
	if r.full {
		return r.number
	}
	return min(r.number, traceLength)
}

// items is how much an output lists.
func items(output any) int {
	if output == nil || reflect.ValueOf(output).IsNil() {
		return 0
	}
	n := 0
	out := reflect.ValueOf(output).Elem()
	for i := range out.NumField() {
		if field := out.Field(i); field.Kind() == reflect.Slice {
			n += field.Len()
		}
	}
	return n
}

// Trace is the calls that the stage has seen, oldest first, up to now.
func (s *Stage) Trace() scenarios.Trace {
	s.World.Settle()
	return s.recorder.trace()
}

func (r *recorder) trace() scenarios.Trace {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.after(0)
}

// after is the calls kept whose numbers are above one. The recorder is locked.
func (r *recorder) after(number int) scenarios.Trace {
	n := min(max(r.number-number, 0), r.kept())
	trace := make(scenarios.Trace, n)
	for i := range trace {
		trace[i] = r.at(r.number - n + 1 + i).Call
	}
	return trace
}

// TraceAfter is the calls whose numbers are above one, as soon as there are any, or
// the context's error.
func (s *Stage) TraceAfter(ctx context.Context, number int) (scenarios.Trace, error) {
	s.World.Settle()
	for {
		trace, next := s.recorder.watch(number)
		if len(trace) > 0 {
			return trace, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			s.recorder.leave(next)
			return nil, ctx.Err()
		}
	}
}

// watch is the calls after one or, without any, a channel that the next call closes.
func (r *recorder) watch(number int) (trace scenarios.Trace, next chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.number > number {
		return r.after(number), nil
	}
	next = make(chan struct{})
	if r.watching == nil {
		r.watching = map[chan struct{}]struct{}{}
	}
	r.watching[next] = struct{}{}
	return nil, next
}

func (r *recorder) leave(watcher chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.watching, watcher)
}

// keep is a copy of a call's input, because a caller may use its own again. What
// the wire made needs no copy, but for bytes that the state keeps too.
func (r *recorder) keep(call *dispatch.Call) any {
	in := call.Input
	if part, ok := in.(*ecr.UploadLayerPartInput); ok {
		kept := *part
		kept.LayerPartBlob = nil
		if r.full {
			kept.LayerPartBlob = partOf(call, part)
		}
		in = &kept
	}
	if call.Tx.HandsOver && !r.full || in == nil {
		return in
	}
	return clone.Of(in)
}
