package stage

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Stage is what all registries of one world share.
type Stage struct {
	World *registry.World

	// origin is where the world has a server.
	origin    atomic.Pointer[string]
	seed      uint64
	reportTo  func(string)
	recorder  recorder
	scenarios inPlay
	watchers  watchers

	// calls carries out operations, imports what a neighbour pulls unseen, and pseudo
	// pseudo-operations.
	calls, imports, pseudo dispatch.Handler

	// ended are calls to be used again.
	ended sync.Pool
}

// Config is how a stage is set.
type Config struct {
	// Seed is what the dice of rules follow from.
	Seed uint64
	// FullTrace forgets nothing of what is called.
	FullTrace bool
	// Report is told of a function of the user's that panics. It may be nil.
	Report func(mistake string)
}

// New is a stage for a world.
func New(world *registry.World, config Config) *Stage {
	s := &Stage{World: world, seed: config.Seed, reportTo: config.Report, recorder: recorder{full: config.FullTrace}}
	s.calls = dispatch.Chain(s.record, s.pace, s.watch, s.play, s.authorize, constrain)
	s.imports = dispatch.Chain(s.authorize, constrain)
	s.pseudo = dispatch.Chain(s.record, s.watch, s.play)
	world.PlayOn(registryStage{s})
	return s
}

func (s *Stage) report(mistake string) {
	if s.reportTo != nil {
		s.reportTo(mistake)
	}
}

// Origin is where the world has a server, else "".
func (s *Stage) Origin() string {
	if origin := s.origin.Load(); origin != nil {
		return *origin
	}
	return ""
}

// ServedAt tells where the world is served. Of several servers it keeps to the first.
func (s *Stage) ServedAt(origin string) { s.origin.CompareAndSwap(nil, &origin) }

// Caller is who calls which registry.
type Caller struct {
	registry.Place
	// ARN is the principal's.
	ARN string
	// Session is the access key of a role's session, "" for another caller.
	Session string
	// Actor is a name that calls carry, "" for none.
	Actor string
}

// IsOwn tells whether the caller is a registry's own.
func (c Caller) IsOwn() bool { return c.ARN == Own(c.Place).ARN }

// As is another caller, whose calls carry the same name.
func (c Caller) As(other Caller) Caller {
	other.Actor = c.Actor
	return other
}

// Own is a registry's own caller, who may do everything there unless policies say
// otherwise.
func Own(place registry.Place) Caller {
	return Caller{Place: place, ARN: naming.UserARN(place, "fakeecr")}
}

// At is the caller at another registry. Another account's is called by its own, and in
// another partition the account's own has another ARN.
func (c Caller) At(place registry.Place) Caller {
	if place.Account != c.Account || naming.Partition(place.Region) != naming.Partition(c.Region) && c.IsOwn() {
		return c.As(Own(place))
	}
	c.Place = place
	return c
}

// NewCall is a call of an operation.
func (s *Stage) NewCall(name string, caller Caller, face scenarios.Face) *dispatch.Call {
	call, again := s.ended.Get().(*dispatch.Call)
	if !again {
		call = new(dispatch.Call)
	}
	call.Name = name
	call.Tx = s.World.NewTx(caller.Place, caller.ARN)
	call.Tx.Session = caller.Session
	call.Record = scenarios.Call{
		Operation: name,
		Account:   caller.Account,
		Region:    caller.Region,
		RequestID: s.World.NewID(),
		Caller:    call.Tx.Caller,
		Face:      face,
		Actor:     caller.Actor,
	}
	return call
}

// End takes back a call that nobody looks at any more: most of what a direct call
// would leave to the garbage collector.
func (s *Stage) End(call *dispatch.Call) {
	if call.Shown {
		return
	}
	*call = dispatch.Call{}
	s.ended.Put(call)
}

// prepare makes a call ready to run its operation of the table.
func prepare(call *dispatch.Call) {
	op := Operations[call.Name]
	call.Run = op.Run
	target, repository := op.Target(call.Input, call.Tx.Place)
	call.Record.Account, call.Record.Repository = target.Account, repository
}

// Do carries out a call of an operation, as rules and the trace see it.
func (s *Stage) Do(ctx context.Context, call *dispatch.Call) (any, error) {
	prepare(call)
	return s.calls(ctx, call)
}

// DoFixture carries out a call for a test's fixture: rules do not see it and the trace
// does not show it.
func (s *Stage) DoFixture(ctx context.Context, call *dispatch.Call) (any, error) {
	prepare(call)
	return fixtures(ctx, call)
}

var fixtures = dispatch.Chain(constrain)

// constrain answers what could not be decoded, then the service model's
// constraints.
func constrain(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		if call.Unreadable != nil {
			return nil, call.Unreadable
		}
		if err := constraint.Check(call.Input); err != nil {
			return nil, err
		}
		if over := call.Tx.InputOverlay; over != nil {
			if err := constraint.Check(over); err != nil {
				return nil, err
			}
		}
		return next(ctx, call)
	}
}

// Unanswered tells whether a call ended without an answer: its reply was lost, its
// connection failed, or nobody waits for it any more.
func Unanswered(ctx context.Context, err error) bool {
	return isSilence(err) || err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err())
}

func isSilence(err error) bool {
	for _, silence := range []error{scenarios.ErrReplyLost, scenarios.ErrConnectionRefused, scenarios.ErrConnectionReset, scenarios.ErrNoAnswer} {
		if errors.Is(err, silence) {
			return true
		}
	}
	return false
}

// ofConnection tells whether an error of a rule is nothing that the service says.
func ofConnection(err error) bool {
	var bare *scenarios.Response
	return isSilence(err) || errors.As(err, &bare)
}
