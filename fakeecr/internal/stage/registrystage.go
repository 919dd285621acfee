package stage

import (
	"context"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/engine"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// registryStage is the stage as the world sees it: what the world does by itself is
// played and recorded as calls are.
type registryStage struct{ *Stage }

// Concerns implements [engine.Stage].
func (s registryStage) Concerns(operation string) bool {
	return len(s.scenarios.concerning(operation)) > 0
}

// Ask implements [engine.Stage]. All rules are asked at once, before any of them
// keeps the call.
func (s registryStage) Ask(record *scenarios.Call, event *engine.AskedEvent) (told func(*scenarios.Call), failure error) {
	call := &dispatch.Call{Name: record.Operation, Record: *record}
	ruling := new(ruling)
	for _, played := range s.scenarios.concerning(record.Operation) {
		fires, outcome, err := ruling.meet(played, call, record.Time)
		if fires != nil {
			record.Rules = call.Record.Rules
			err = fires.postpone(event, call, outcome)
		}
		if err != nil {
			return ruling.tell, err
		}
	}
	return ruling.tell, nil
}

// postpone is firing.before for what happens by itself: nobody waits for it.
func (p *playedRule) postpone(event *engine.AskedEvent, call *dispatch.Call, outcome error) error {
	if p.effects.Delay > 0 || p.effects.Hold {
		letGo := event.Postpone(p.effects.Delay, p.effects.Hold)
		leave, keeps := p.scenario.gate.keep(letGo)
		if keeps {
			event.Ended(leave)
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
func (s registryStage) Tell(record *scenarios.Call) { s.recorder.add(record) }

// Look implements [registry.Stage]. What a rule fails it with is what a refusal by
// ECR means to the registry that pulls.
func (s registryStage) Look(ctx context.Context, record *scenarios.Call, look func(context.Context) error) error {
	failed := false
	looks := dispatch.Chain(s.record, s.play) // seldom: a fork does without
	_, err := looks(ctx, &dispatch.Call{
		Name: record.Operation, Input: record.Input, Record: *record, Tx: registry.Tx{HandsOver: true},
		Run: func(ctx context.Context, _ *dispatch.Call) (any, error) {
			var err error
			if mistake := s.callUser("the upstream of a pull-through cache rule", func() { err = look(ctx) }); mistake != nil {
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

// CallUser implements [registry.Stage].
func (s registryStage) CallUser(what string, f func()) error { return s.callUser(what, f) }

// Neighbour implements [registry.Stage]. Pulls ask the neighbour's policies, and
// neither rules nor the trace see them.
func (s registryStage) Neighbour(source registry.Place, puller string) registry.Upstream {
	caller := Caller{Place: registry.Place{Account: naming.AccountOf(puller), Region: source.Region}, ARN: puller}
	return Neighbour{stage: s.Stage, caller: caller, account: &source.Account, unseen: true}
}
