package registry

import (
	"crypto/sha256"
	"encoding/base32"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/policy"
)

// principal is a caller with rights of its own.
type principal struct {
	arn string
	// policies say what it may do; without any it may do all in its own account.
	policies policies
}

// AccessKey is the id of the access key of a principal. It follows from the ARN,
// so that it is the same in every run.
func AccessKey(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return "AKIA" + base32.StdEncoding.EncodeToString(sum[:10])
}

// Admit makes a principal known to the world. With policies it may do what these
// allow from now on; without any its rights stay as they are.
func (w *World) Admit(arn string, policies []string) error {
	admitted := &principal{arn: arn}
	for _, text := range policies {
		document, err := policy.ParseIdentity(text)
		if err != nil {
			return err
		}
		admitted.policies = append(admitted.policies, document)
		w.hasPolicies.Store(true)
	}
	return w.do(Place{}, func(tx *Tx) error {
		root := tx.write()
		if len(policies) > 0 || !root.principals.Has(arn) {
			root.principals.Set(root.Generation(), arn, admitted)
			root.principals.Set(root.Generation(), AccessKey(arn), admitted)
		}
		return nil
	})
}

// Holder is the ARN of the principal that an access key belongs to, which may be that
// of a role's session.
func (w *World) Holder(accessKey string) (arn string, known bool) {
	if session, of := w.Session(accessKey); of {
		return session.ARN, true
	}
	tx := w.NewTx(Place{}, "")
	holder, known := tx.read().principals.Get(accessKey)
	if !known {
		return "", false
	}
	return holder.arn, true
}

// HasPolicies tells whether there may be a policy in the world. If not, a caller may
// do everything in its own account and nothing in others.
func (w *World) HasPolicies() bool { return w.hasPolicies.Load() }

// Access is what a call needs a permission for.
type Access struct {
	// Action is the permission, as ecr:PutImage.
	Action string
	// Resource is the ARN of what the call is about, or *.
	Resource string
	// Registry has the resource. Repository is empty unless the call names one.
	Registry   Place
	Repository string
	// Tags are those that the call puts on the resource, TagKeys their keys and
	// those that it takes away.
	Tags    []types.Tag
	TagKeys []string
}

// Tagging is what a call that makes something with tags needs a permission for as
// well.
func (a Access) Tagging() Access {
	a.Action = "ecr:TagResource"
	return a
}

// Authorize refuses, in IAM's words, what the policies of the caller, of the
// repository and of its registry do not allow together. As in IAM, a Deny wins
// over all, one policy that allows is enough within an account, and from one
// account to another both sides have to allow. Of several reasons the caller's
// own policies are the one that is given, which is chosen.
func (tx *Tx) Authorize(a Access) error {
	reg := tx.registry(a.Registry)
	repo, _ := reg.repositories.Get(a.Repository)
	request := tx.request(&a, repo)
	attached := attachedTo(reg, repo)
	own, theirs := tx.rights(request), attached.decide(request)
	local := a.Registry.Account == tx.Account
	switch {
	case own == policy.Deny:
		return a.accessDenied(tx.Caller, "with an explicit deny in an identity-based policy")
	case theirs == policy.Deny:
		return a.accessDenied(tx.Caller, "with an explicit deny in a resource-based policy")
	case own == policy.Allow && (local || theirs == policy.Allow), local && attached.allowByName(request):
		return nil
	case own == policy.Allow:
		return a.notAllowed(tx.Caller, "resource-based")
	default:
		return a.notAllowed(tx.Caller, "identity-based")
	}
}

// authorizeElsewhere refuses, in IAM's words, what the caller's own policies do
// not allow with another service of AWS, of which the world knows no policies.
func (tx *Tx) authorizeElsewhere(a Access) error {
	switch tx.rights(tx.request(&a, nil)) {
	case policy.Allow:
		return nil
	case policy.Deny:
		return a.accessDenied(tx.Caller, "with an explicit deny in an identity-based policy")
	default:
		return a.notAllowed(tx.Caller, "identity-based")
	}
}

// request is what policies are asked about.
func (tx *Tx) request(a *Access, repo *repository) policy.Request {
	return policy.Request{
		Principal: tx.Caller,
		Account:   tx.Account,
		Action:    a.Action,
		Resource:  a.Resource,
		Context:   tx.conditionKeys(a, repo),
	}
}

// rights is what the caller's own policies say: those of a session are its role's, as
// far as the session's own policy leaves them.
func (tx *Tx) rights(request policy.Request) policy.Decision {
	session, of := tx.session()
	if !of {
		return tx.rightsOf(tx.Caller, request)
	}
	role := tx.rightsOf(session.Role, request)
	if session.policy == nil {
		return role
	}
	own := session.policy.Decide(request)
	if role == policy.Deny || own == policy.Deny {
		return policy.Deny
	}
	return min(role, own)
}

// rightsOf is what the policies of a principal say, which is that it may do all if it
// has none.
func (tx *Tx) rightsOf(arn string, request policy.Request) policy.Decision {
	principal, known := tx.read().principals.Get(arn)
	if !known || principal.policies == nil {
		return policy.Allow
	}
	return principal.policies.decide(request)
}

// policies are documents that decide together.
type policies []*policy.Document

// attachedTo is the policies at a resource. A registry's has a say in every call,
// as in scope V2.
func attachedTo(reg *registryState, repo *repository) policies {
	if repo == nil {
		return policies{reg.policy}
	}
	return policies{repo.policy, reg.policy}
}

// decide relies on the order of decisions: the strongest is the last.
func (p policies) decide(request policy.Request) policy.Decision {
	decision := policy.NoMatch
	for _, document := range p {
		decision = max(decision, document.Decide(request))
	}
	return decision
}

// allowByName tells whether the policies allow something to the caller itself or
// to everyone. What is allowed to an account it must pass on by policies of its
// own.
func (p policies) allowByName(request policy.Request) bool {
	request.Account = ""
	return p.decide(request) == policy.Allow
}

// accessDenied takes IAM's reason, notAllowed the kind of policy that is missing.
func (a *Access) accessDenied(caller, reason string) error {
	return &smithy.GenericAPIError{
		Code:    "AccessDeniedException",
		Message: "User: " + caller + " is not authorized to perform: " + a.Action + " on resource: " + a.Resource + " " + reason,
		Fault:   smithy.FaultClient,
	}
}

func (a *Access) notAllowed(caller, kind string) error {
	return a.accessDenied(caller, "because no "+kind+" policy allows the "+a.Action+" action")
}
