package stage

import (
	"context"
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

// recorder keeps the trace.
type recorder struct {
	full bool

	mu     sync.Mutex
	number int
	// calls is a ring once it is full; oldest is where it begins.
	calls  []scenarios.Call
	oldest int
	// items counts what the outputs kept list; those of the calls before emptied,
	// a number of a call, are kept no longer.
	items   int
	emptied int
}

// record keeps every call with its outcome, in the order in which they end.
func (s *Stage) record(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		call.Record.Time = s.State.Now()
		call.Record.Input = s.recorder.keep(call)
		out, err := next(ctx, call)
		call.Record.Bytes, call.Record.Digest = call.Tx.Bytes, call.Tx.Digest
		call.Record.Err = err
		if output, ok := out.(smithy.Serializable); ok {
			call.Record.Output = output
		}
		s.recorder.add(&call.Record)
		return out, err
	}
}

func (r *recorder) add(call *scenarios.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	call.Number = r.number
	r.items += items(call.Output)
	for !r.full && r.items > traceLength && r.emptied < r.number-1 {
		r.emptied++
		if at := r.emptied - r.number + len(r.calls); at >= 0 {
			kept := &r.calls[(r.oldest+at)%len(r.calls)]
			r.items -= items(kept.Output)
			kept.Output = nil
		}
	}
	if r.full || len(r.calls) < traceLength {
		r.calls = append(r.calls, *call)
		return
	}
	r.items -= items(r.calls[r.oldest].Output)
	r.calls[r.oldest] = *call
	r.oldest = (r.oldest + 1) % traceLength
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
	s.State.Settle()
	return s.recorder.trace()
}

func (r *recorder) trace() scenarios.Trace {
	r.mu.Lock()
	defer r.mu.Unlock()
	trace := make(scenarios.Trace, 0, len(r.calls))
	trace = append(trace, r.calls[r.oldest:]...)
	return append(trace, r.calls[:r.oldest]...)
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
