package stage

import (
	"context"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Identity is the table of the operations of other services that are answered here, by
// the name that rules and the trace have for them; see [scenarios.Identity].
var Identity = map[string]*Foreign{
	scenarios.GetCallerIdentity:           foreign((*registry.Tx).GetCallerIdentity),
	scenarios.AssumeRole:                  foreign((*registry.Tx).AssumeRole),
	scenarios.AssumeRoleWithWebIdentity:   unsigned(foreign((*registry.Tx).AssumeRoleWithWebIdentity)),
	scenarios.GetPublicAuthorizationToken: foreign((*registry.Tx).GetPublicAuthorizationToken),
}

// Foreign is an operation of another service.
type Foreign struct {
	// NewInput makes an empty input.
	NewInput func() any
	// Unsigned tells that whoever calls it needs no credentials.
	Unsigned bool

	run dispatch.Handler
}

func foreign[In, Out any](method func(*registry.Tx, context.Context, *In) (*Out, error)) *Foreign {
	return &Foreign{
		NewInput: func() any { return new(In) },
		run: func(ctx context.Context, call *dispatch.Call) (any, error) {
			out, err := registry.Run(&call.Tx, func() (*Out, error) { return method(&call.Tx, ctx, call.Input.(*In)) })
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

func unsigned(op *Foreign) *Foreign {
	op.Unsigned = true
	return op
}

// Identify carries out a call of [Identity], whose input the call has.
func (s *Stage) Identify(ctx context.Context, call *dispatch.Call) (any, error) {
	op := Identity[call.Name]
	call.Foreign, call.Tx.HandsOver = true, true
	call.Run = func(ctx context.Context, call *dispatch.Call) (any, error) {
		switch {
		case call.Unauthenticated != nil && !op.Unsigned:
			return nil, call.Unauthenticated
		case call.Unreadable != nil:
			return nil, call.Unreadable
		}
		return op.run(ctx, call)
	}
	return s.pseudo(ctx, call)
}
