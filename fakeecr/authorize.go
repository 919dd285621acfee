package fakeecr

import (
	"context"
	"fmt"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// As is the registry of a principal's account as that principal calls it: an IAM
// user or role, a session of a role or the account's root, by its ARN. Direct
// calls, [Registry.Client], [Registry.Transport] and, of a [Server], the
// environment carry it; the access key on the wire follows from the ARN.
//
// Identity policies are the principal's from now on, in the whole world and in
// place of earlier ones; they are those of this ARN alone, so a session does not
// have its role's. Without any a principal may do everything in its own account,
// as the default caller may, arn:aws:iam::ACCOUNT:user/fakeecr, whose rights are
// limited in the same way. In another account it may do what the repository and
// registry policies there allow as well. What is refused answers
// AccessDeniedException in IAM's words.
func (r *Registry) As(principalARN string, identityPolicies ...string) *Registry {
	if t := r.world.t; t != nil {
		t.Helper()
	}
	account := policy.AccountOf(principalARN)
	if account == "" {
		r.world.must(notPrincipal(principalARN))
	}
	r.world.must(r.world.state.Admit(principalARN, identityPolicies))
	return &Registry{world: r.world, key: registry.Key{Account: account, Region: r.key.Region}, caller: principalARN}
}

func notPrincipal(arn string) error {
	return fmt.Errorf("%q is not the ARN of a user, a role, a session or a root", arn)
}

// authorize refuses a caller who does not prove who it is, or may not do what it
// asks for. What is malformed is left to the constraints. Without a policy in the
// world, a call within one account needs no look at the state.
func (w *world) authorize(next dispatch.Handler) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		if call.Unauthenticated != nil {
			return nil, call.Unauthenticated
		}
		if call.Record.Account != call.Tx.Account || w.state.Guarded() {
			if err := authorizeAll(call); err != nil {
				return nil, err
			}
		}
		return next(ctx, call)
	}
}

func authorizeAll(call *dispatch.Call) error {
	op, built := operations[call.Name]
	if !built || !accountPattern.MatchString(call.Record.Account) {
		return nil
	}
	for _, access := range op.Accesses(call.Input, call.Tx.Key) {
		if err := call.Tx.Authorize(access); err != nil {
			return err
		}
	}
	return nil
}
