package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/clone"
	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// instead is what the rule puts in the place of the rest of the call's way.
func (f *firing) instead(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		f.prepare(call)
		run := next
		if f.effects.Twice {
			run = func(ctx context.Context, call *dispatch.Call) (any, error) {
				again := *call
				next(ctx, call) // its answer never leaves the service
				*call = again
				return next(ctx, call)
			}
		}
		if f.effects.Around() == nil {
			return run(ctx, call)
		}
		return f.around(ctx, call, run)
	}
}

// around runs the user's function in the operation's place.
func (f *firing) around(ctx context.Context, call *dispatch.Call, run dispatch.Handler) (out any, err error) {
	var did any
	var refused error
	mistake := f.callUser(func() {
		out, err = f.effects.Around()(ctx, whole(call), func(ctx context.Context, in any) (any, error) {
			again := *call
			again.Input = in
			takeBack(&again)
			did, refused = run(ctx, &again)
			call.Tx.Bytes, call.Tx.Digest = again.Tx.Bytes, again.Tx.Digest
			return did, refused
		})
	})
	switch {
	case mistake != nil:
		return nil, mistake
	case err == nil:
		return out, nil
	}
	if err = f.refuse(ctx, err); err == nil && reflect.ValueOf(out).IsNil() {
		return did, refused // which nobody hears
	}
	return out, err
}

// answer answers in the operation's place, unless a rule before does.
func (f *firing) answer(call *dispatch.Call) {
	if call.Answered {
		f.idle = "a rule before it answers"
		return
	}
	f.did, call.Answered = true, true
	call.Run = func(_ context.Context, call *dispatch.Call) (any, error) {
		out := clone.Of(f.effects.Answer)
		dispatch.Identify(out, call.Record.RequestID)
		return out, nil
	}
}

// prepare changes what the operation sees.
func (f *firing) prepare(call *dispatch.Call) {
	if f.effects.Stale != nil {
		f.age(call)
	}
	if at := f.effects.Garble; at != nil {
		if in, ok := call.Input.(*ecr.UploadLayerPartInput); ok && garble(call, in, *at) {
			f.did = true
		} else {
			f.idle = fmt.Sprintf("the part has no byte at %d", *at)
		}
	}
	if f.effects.Answer != nil {
		f.answer(call)
	}
	if f.effects.Page != nil {
		f.shorten(call)
	}
	if item := f.effects.Item; item != nil {
		run := call.Run
		call.Run = func(ctx context.Context, call *dispatch.Call) (any, error) {
			rest, left := without(call.Input, item.Nth)
			if left == nil {
				f.idle = fmt.Sprintf("the batch has no item %d", item.Nth)
				return run(ctx, call)
			}
			call.Input = rest
			out, err := run(ctx, call)
			if err == nil {
				f.did = true
				fail(out, left, item.Code, item.Reason)
			}
			return out, err
		}
	}
}

// shorten leaves a page less room than its caller gives it.
func (f *firing) shorten(call *dispatch.Call) {
	call.Tx.Page = f.effects.Page
	run := call.Run
	call.Run = func(ctx context.Context, call *dispatch.Call) (any, error) {
		out, err := run(ctx, call)
		if call.Tx.Shortened {
			f.did = true
		} else if err == nil {
			f.idle = "the page has no more"
		}
		return out, err
	}
}

// age has the operation see an earlier state.
func (f *firing) age(call *dispatch.Call) {
	stale, history := f.effects.Stale, f.scenario.history
	switch {
	case stale.Age > 0:
		call.Tx.View = history.Ago(stale.Age)
	case stale.Writes > 0:
		call.Tx.View = history.Before(stale.Writes)
	default:
		call.Tx.View = history.Beginning()
	}
	if call.Tx.View != history.Before(0) {
		f.did = true
	} else {
		f.idle = "the state was no other then"
	}
}

// without is the input of a batch without its nth item, and the item; nil if it
// has not so many.
func without(in any, nth int) (rest, item any) {
	v := reflect.ValueOf(in).Elem()
	changed := reflect.New(v.Type())
	changed.Elem().Set(v)
	for _, name := range []string{"ImageIds", "LayerDigests", "RepositoryNames"} {
		list := changed.Elem().FieldByName(name)
		if !list.IsValid() || list.Len() < nth {
			continue
		}
		item := list.Index(nth - 1).Interface()
		kept := reflect.MakeSlice(list.Type(), 0, list.Len())
		kept = reflect.AppendSlice(kept, list.Slice(0, nth-1))
		list.Set(reflect.AppendSlice(kept, list.Slice(nth, list.Len())))
		return changed.Interface(), item
	}
	return in, nil
}

// fail adds the failure of an item to the output of a batch.
func fail(out, item any, code, reason string) {
	switch out := out.(type) {
	case *ecr.BatchCheckLayerAvailabilityOutput:
		digest := item.(string)
		out.Failures = append(out.Failures, types.LayerFailure{LayerDigest: &digest, FailureCode: types.LayerFailureCode(code), FailureReason: &reason})
	case *ecr.BatchGetImageOutput:
		id := item.(types.ImageIdentifier)
		out.Failures = append(out.Failures, types.ImageFailure{ImageId: &id, FailureCode: types.ImageFailureCode(code), FailureReason: &reason})
	case *ecr.BatchDeleteImageOutput:
		id := item.(types.ImageIdentifier)
		out.Failures = append(out.Failures, types.ImageFailure{ImageId: &id, FailureCode: types.ImageFailureCode(code), FailureReason: &reason})
	case *ecr.BatchGetRepositoryScanningConfigurationOutput:
		name := item.(string)
		out.Failures = append(out.Failures, types.RepositoryScanningConfigurationFailure{RepositoryName: &name, FailureCode: types.ScanningConfigurationFailureCode(code), FailureReason: &reason})
	}
}

// after changes what the operation answered.
func (f *firing) after(out any, err error) (any, error) {
	f.ruling.lost = f.ruling.lost || f.effects.Reply.Lost
	if err != nil {
		return out, err
	}
	if change := f.effects.Change(); change != nil {
		if mistake := f.callUser(func() { change(out) }); mistake != nil {
			return nil, mistake
		}
	}
	switch out := out.(type) {
	case *ecr.BatchGetImageOutput:
		if f.effects.Reserialise && out != nil {
			f.reserialise(out)
		}
	case *registry.Download:
		if f.effects.Flip != nil || f.effects.Keep != nil {
			return f.damaged(out), nil
		}
	}
	return out, nil
}

// reserialise writes the manifests of an answer anew.
func (f *firing) reserialise(out *ecr.BatchGetImageOutput) {
	f.idle = "the answer has no manifest"
	for i, img := range out.Images {
		again := reserialise(img.ImageManifest)
		f.did = f.did || again != img.ImageManifest
		out.Images[i].ImageManifest = again
	}
}

// reserialise is the same JSON in other bytes.
func reserialise(text *string) *string {
	var indented, compact bytes.Buffer
	if text == nil || json.Indent(&indented, []byte(*text), "", "      ") != nil || json.Compact(&compact, []byte(*text)) != nil {
		return text
	}
	again := indented.String()
	if again == *text {
		again = compact.String()
	}
	return &again
}

// callUser runs a function of the rule's.
func (p *playedRule) callUser(f func()) (mistake error) { return p.scenario.stage.callUser(p, f) }

// String is what the rule's functions are called when one of them panics.
func (p *playedRule) String() string { return fmt.Sprintf("a function of the rule %q", p.rule) }

// callUser runs a function of the user's. If it panics, the test fails with what it
// is, a text or a rule, and the call with an InternalFailure. If it ends its
// goroutine, the test fails and the call does not end.
func (s *Stage) callUser(what any, f func()) (mistake error) {
	ended := false
	defer func() {
		switch v := recover(); {
		case ended:
		case v == nil:
			s.report(fmt.Sprintf("%s ends its goroutine, as t.FailNow does: its call does not end", what))
		default:
			text := fmt.Sprintf("%s panics: %v", what, v)
			s.report(text + "\n" + string(debug.Stack()))
			mistake = &smithy.GenericAPIError{Code: "InternalFailure", Message: text, Fault: smithy.FaultServer}
		}
	}()
	f()
	ended = true
	return nil
}
