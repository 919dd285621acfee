package stage

import (
	"context"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
)

// authorize refuses a caller who does not prove who it is, or may not do what it
// asks for. What is malformed is left to the constraints. Without a policy in the
// world, a call within one account needs no look at the state.
func (s *Stage) authorize(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		if call.Unauthenticated != nil {
			return nil, call.Unauthenticated
		}
		if call.Record.Account != call.Tx.Account || s.World.HasPolicies() {
			if err := authorizeAll(call); err != nil {
				return nil, err
			}
		}
		return next(ctx, call)
	}
}

func authorizeAll(call *dispatch.Call) error {
	op, built := Operations[call.Name]
	if !built || !constraint.ValidRegistryID(call.Record.Account) {
		return nil
	}
	for _, access := range op.Accesses(call.Input, call.Tx.Place) {
		if err := call.Tx.Authorize(access); err != nil {
			return err
		}
	}
	return nil
}
