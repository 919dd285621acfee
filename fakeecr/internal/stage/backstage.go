package stage

import (
	"context"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/engine"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// backstage is the stage as the world sees it: what the world does by itself is
// played and recorded as calls are.
type backstage struct{ *Stage }

// Concerns implements [engine.Stage].
func (s backstage) Concerns(operation string) bool { return len(s.scenarios.concerning(operation)) > 0 }

// Ask implements [engine.Stage]. All rules are asked at once, before any of them
// keeps the call.
func (s backstage) Ask(call *scenarios.Call, postponed *engine.Postponement) (told func(*scenarios.Call), failure error) {
	met := &dispatch.Call{Name: call.Operation, Record: *call}
	way := new(passage)
	for _, part := range s.scenarios.concerning(call.Operation) {
		fires, outcome, err := way.meet(part, met, call.Time)
		if fires != nil {
			call.Rules = met.Record.Rules
			err = fires.postpone(postponed, met, outcome)
		}
		if err != nil {
			return way.tell, err
		}
	}
	return way.tell, nil
}

// postpone is firing.before for what happens by itself: nobody waits for it.
func (p *part) postpone(postponed *engine.Postponement, call *dispatch.Call, outcome error) error {
	if p.effects.Delay > 0 || p.effects.Hold {
		letGo := postponed.Postpone(p.effects.Delay, p.effects.Hold)
		leave, keeps := p.playing.gate.keep(letGo)
		if keeps {
			postponed.Ended(leave)
		} else {
			letGo()
		}
	}
	if outcome != nil {
		return outcome
	}
	if err := p.ask(call); err != nil {
		return err
	}
	return p.effects.Err
}

// Tell implements [engine.Stage].
func (s backstage) Tell(call *scenarios.Call) { s.recorder.add(call) }

// Look implements [registry.Stage]. What a rule fails it with is what a refusal by
// ECR means to the registry that pulls.
func (s backstage) Look(ctx context.Context, call *scenarios.Call, look func(context.Context) error) error {
	failed := false
	looks := dispatch.Chain(s.record, s.play) // seldom: a fork does without
	_, err := looks(ctx, &dispatch.Call{
		Name: call.Operation, Input: call.Input, Record: *call, Tx: registry.Tx{HandsOver: true},
		Run: func(ctx context.Context, _ *dispatch.Call) (any, error) {
			var err error
			if mistake := s.guard("the upstream of a pull-through cache rule", func() { err = look(ctx) }); mistake != nil {
				err = mistake
			}
			failed = err != nil
			return nil, err
		},
	})
	if err == nil || failed {
		return err
	}
	return upstreamError(err)
}

// Guard implements [registry.Stage].
func (s backstage) Guard(what string, f func()) error { return s.guard(what, f) }

// Neighbour implements [registry.Stage]. Pulls ask the neighbour's policies, and
// neither rules nor the trace see them.
func (s backstage) Neighbour(source registry.Key, puller string) registry.Upstream {
	caller := Caller{Key: registry.Key{Account: policy.AccountOf(puller), Region: source.Region}, ARN: puller}
	return Upstream{stage: s.Stage, caller: caller, account: &source.Account, unseen: true}
}
