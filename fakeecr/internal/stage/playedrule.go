package stage

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// playedRule is a rule in play. Its numbers are under its scenario's mutex.
type playedRule struct {
	scenario *PlayedScenario
	rule     *scenarios.Rule
	effects  scenarios.Effects
	// dice are the numbers of the scenario and of the rule, which the dice follow
	// from.
	dice [2]int
	// certain tells that the rule does something to each call that it fires on.
	certain bool

	matched, fired int
	// turns is how many calls were given a turn, and free are the turns given back,
	// in order.
	turns int
	free  []int
	// chosen counts the calls that the rule chose, the first of which came at since.
	chosen int
	since  time.Time
	// near are the first calls that came near to firing the rule.
	near []Near
	// tokens are what a rate has left, as of a time.
	tokens float64
	asOf   time.Time
}

// Near is a call that came near to firing a rule, with its outcome, and why it did not.
type Near struct {
	scenarios.Call
	Why string
	// Matched tells that the rule matched the call and found nothing to do.
	Matched bool
}

// fewNear is how many calls a rule remembers that came near to firing it.
const fewNear = 3

// remember keeps a call that has not fired the rule.
func (p *playedRule) remember(near Near) {
	p.scenario.mu.Lock()
	defer p.scenario.mu.Unlock()
	if len(p.near) < fewNear {
		p.near = append(p.near, near)
	}
}

// certain tells whether effects do something to each call, and need nothing in it or in
// its reply.
func certain(e scenarios.Effects) bool {
	e.Answer, e.Stale, e.Garble, e.Item, e.Page, e.Flip, e.Keep, e.Reserialise = nil, nil, nil, nil, nil, nil, nil, false
	e.Reply.Cut, e.Reply.Reset = nil, false
	return !reflect.ValueOf(e).IsZero()
}

// meet counts a call that comes now, at a moment of the scenario, and tells whether the
// rule fires on it, and with which outcome of a sequence or a rate.
func (p *playedRule) meet(ruling *ruling, call *dispatch.Call, now time.Time, at moment) (fires *firing, outcome, mistake error) {
	var unmet *scenarios.Condition
	if err := p.callUser(func() { unmet = p.rule.Parts().Unmet(&call.Record, at.state, at.later...) }); err != nil {
		return nil, nil, err
	}
	var absent error
	if unmet == nil {
		absent = p.absent(call, now)
	}
	p.scenario.mu.Lock()
	defer p.scenario.mu.Unlock()
	turn := p.rule.Parts().Turn()
	if since := now.Sub(p.scenario.begun); unmet != nil || !turn.Covers(since) {
		if len(p.near) < fewNear {
			why := fmt.Sprintf("%v after the playing began", since)
			if unmet != nil {
				why = unmet.Instead(&call.Record)
			}
			ruling.missed = append(ruling.missed, miss{p, why})
		}
		return nil, nil, nil
	}
	p.matched++
	n := p.turn()
	if !turn.Chooses(n, func() float64 { return p.throw(n) }) || !p.affordable() {
		return nil, nil, nil
	}
	if p.chosen == 0 {
		p.since = now
	}
	if !turn.Lasts(now.Sub(p.since)) {
		return nil, nil, nil
	}
	p.chosen++
	fire := false
	if outcome, fire = p.outcome(now, absent); !fire {
		return nil, nil, nil
	}
	p.fired++
	if budget := p.rule.Parts().Budget(); budget != nil {
		p.scenario.budgets[budget]++
	}
	if p.effects.Then != nil {
		p.scenario.move(*p.effects.Then)
	}
	return &firing{playedRule: p, ruling: ruling, turn: n, did: p.certain, idle: "there was no answer to change"}, outcome, nil
}

// turn is the number of the next call among those that count.
func (p *playedRule) turn() (n int) {
	if len(p.free) > 0 {
		n, p.free = p.free[0], p.free[1:]
		return n
	}
	p.turns++
	return p.turns
}

// giveBack undoes that the rule fired: it found nothing to do.
func (f *firing) giveBack() {
	p := f.playedRule
	p.scenario.mu.Lock()
	defer p.scenario.mu.Unlock()
	p.chosen--
	p.fired--
	if budget := p.rule.Parts().Budget(); budget != nil {
		p.scenario.budgets[budget]--
	}
	at, _ := slices.BinarySearch(p.free, f.turn)
	p.free = slices.Insert(p.free, at, f.turn)
}

func (p *playedRule) affordable() bool {
	budget := p.rule.Parts().Budget()
	return budget == nil || p.scenario.budgets[budget] < budget.Most
}

// absent is the error of a call on a repository that is too young for the rule, nil if
// there is none.
func (p *playedRule) absent(call *dispatch.Call, now time.Time) error {
	lag := p.effects.NotThereFor
	if lag == 0 || call.Name == "CreateRepository" || call.Name == scenarios.DownloadLayer {
		return nil
	}
	names := []string{call.Record.Repository}
	switch in := call.Input.(type) {
	case *ecr.DescribeRepositoriesInput:
		names = in.RepositoryNames
	case *ecr.BatchGetRepositoryScanningConfigurationInput:
		names = in.RepositoryNames
	}
	place := registry.Place{Account: call.Record.Account, Region: call.Record.Region}
	return p.scenario.stage.World.NotSince(place, now.Add(-lag), names)
}

// outcome is what a sequence, a rate or a repository that is not there has for a call;
// none fires on one that it lets pass.
func (p *playedRule) outcome(now time.Time, absent error) (outcome error, fires bool) {
	switch {
	case p.effects.NotThereFor > 0:
		return absent, absent != nil
	case p.effects.Sequence != nil:
		if p.chosen > len(p.effects.Sequence) || p.effects.Sequence[p.chosen-1] == nil {
			return nil, false
		}
		return p.effects.Sequence[p.chosen-1], true
	case p.effects.Rate != nil:
		if p.passes(now) {
			return nil, false
		}
		return scenarios.Throttled(), true
	default:
		return nil, true
	}
}

// passes takes a token of the rate, which fill up as time passes.
func (p *playedRule) passes(now time.Time) bool {
	burst := float64(p.effects.Rate.Burst)
	if p.asOf.IsZero() {
		p.tokens = burst
	} else {
		p.tokens = min(burst, p.tokens+now.Sub(p.asOf).Seconds()*p.effects.Rate.PerSecond)
	}
	p.asOf = now
	if p.tokens < 1 {
		return false
	}
	p.tokens--
	return true
}

// throw is the number that the dice show for the nth call.
func (p *playedRule) throw(n int) float64 {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], p.scenario.stage.seed)
	for i, n := range []int{p.dice[0], p.dice[1], n} {
		binary.BigEndian.PutUint64(key[8*(i+1):], uint64(n))
	}
	return rand.New(rand.NewChaCha8(key)).Float64()
}

// before does what comes before the operation: waiting, then refusing with the
// outcome of a sequence or a rate, or for another reason.
func (f *firing) before(ctx context.Context, call *dispatch.Call, outcome error) error {
	if err := f.wait(ctx); err != nil {
		return err
	}
	if err := f.refuse(ctx, outcome); err != nil {
		return err
	}
	if err := f.refuse(ctx, f.ask(call)); err != nil {
		return err
	}
	return f.refuse(ctx, f.effects.Err)
}

// ask shows the call to the rule's function, which may refuse it.
func (p *playedRule) ask(call *dispatch.Call) (refused error) {
	if hook := p.effects.Hook; hook != nil {
		record := call.Record
		mistake := p.callUser(func() {
			refused = hook(&record)
			if ofConnection(refused) && slices.Contains(scenarios.Operations(scenarios.World), call.Name) {
				panic(fmt.Sprintf("it answers %q on %s: it can on calls, not on what the world does by itself", refused, call.Name))
			}
		})
		if mistake != nil {
			return mistake
		}
	}
	return refused
}

func (p *playedRule) wait(ctx context.Context) error {
	if d := p.effects.Delay; d > 0 {
		// Who sees the call kept may advance the clock at once.
		due := p.scenario.stage.World.Now().Add(d)
		err := wait(p.scenario.gate.keep, func(released <-chan struct{}) error {
			return p.scenario.stage.World.WaitUntil(ctx, due, released)
		})
		if err != nil {
			return err
		}
	}
	if p.effects.Hold {
		if err := hold(ctx, p.scenario.gate.keep); err != nil {
			return err
		}
	}
	if n := p.effects.Together; n > 0 {
		return hold(ctx, func(letGo func()) (func(), bool) { return p.scenario.gate.join(p, n, letGo) })
	}
	return nil
}

func hold(ctx context.Context, keep func(letGo func()) (leave func(), keeps bool)) error {
	return wait(keep, func(released <-chan struct{}) error {
		select {
		case <-released:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}
