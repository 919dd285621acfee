package fakeecr

import (
	"fmt"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
)

// As is the registry of a principal's account as that principal calls it: an IAM
// user or role, a session of a role or the account's root, by its ARN. Direct
// calls, [Registry.Client], [Registry.Transport] and, of a [Server], the
// environment carry it; the access key on the wire follows from the ARN.
//
// Identity policies are the principal's from now on, in the whole world and in
// place of earlier ones. They are those of this ARN alone: a session that STS gives out
// (scenarios.AssumeRole) has its role's, and one that is named here has its own. Without
// any a principal may do everything in its own account,
// as the default caller may, arn:aws:iam::ACCOUNT:user/fakeecr, whose rights are
// limited in the same way. In another account it may do what the repository and
// registry policies there allow as well. What is refused answers
// AccessDeniedException in IAM's words. What it pushes ECR signs in its name, for
// which it needs signer:SignPayload on the profile.
func (r *Registry) As(principalARN string, identityPolicies ...string) *Registry {
	if t := instanceOf(r).t; t != nil {
		t.Helper()
	}
	account := naming.AccountOf(principalARN)
	if account == "" {
		instanceOf(r).must(notPrincipal(principalARN))
	}
	instanceOf(r).must(instanceOf(r).stage.World.Admit(principalARN, identityPolicies))
	return &Registry{instance: instanceOf(r), caller: r.caller.As(stage.Caller{Place: registry.Place{Account: account, Region: r.caller.Region}, ARN: principalARN})}
}

func notPrincipal(arn string) error {
	return fmt.Errorf("%q is not the ARN of a user, a role, a session or a root", arn)
}
