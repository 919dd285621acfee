package registry

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// RegisterPullTimeUpdateExclusion makes the registry record no pull time when the
// role or user pulls.
func (tx *Tx) RegisterPullTimeUpdateExclusion(_ context.Context, in *ecr.RegisterPullTimeUpdateExclusionInput) (*ecr.RegisterPullTimeUpdateExclusionOutput, error) {
	reg := tx.changeRegistry(tx.Place)
	if reg.exclusions.Has(*in.PrincipalArn) {
		return nil, exclusionAlreadyExists(tx.Place, *in.PrincipalArn)
	}
	if err := tx.within(PullTimeUpdateExclusions, reg.exclusions.Len()+1); err != nil {
		return nil, err
	}
	reg.exclusions.Set(reg.generation, *in.PrincipalArn, struct{}{})
	return &ecr.RegisterPullTimeUpdateExclusionOutput{PrincipalArn: aws.String(*in.PrincipalArn), CreatedAt: aws.Time(tx.Now())}, nil
}

// DeregisterPullTimeUpdateExclusion ends an exclusion.
func (tx *Tx) DeregisterPullTimeUpdateExclusion(_ context.Context, in *ecr.DeregisterPullTimeUpdateExclusionInput) (*ecr.DeregisterPullTimeUpdateExclusionOutput, error) {
	reg := tx.changeRegistry(tx.Place)
	if !reg.exclusions.Has(*in.PrincipalArn) {
		return nil, exclusionNotFound(tx.Place, *in.PrincipalArn)
	}
	reg.exclusions.Delete(reg.generation, *in.PrincipalArn)
	return &ecr.DeregisterPullTimeUpdateExclusionOutput{PrincipalArn: aws.String(*in.PrincipalArn)}, nil
}

// ListPullTimeUpdateExclusions answers a page of the principals' ARNs, in order.
func (tx *Tx) ListPullTimeUpdateExclusions(_ context.Context, in *ecr.ListPullTimeUpdateExclusionsInput) (*ecr.ListPullTimeUpdateExclusionsOutput, error) {
	p, err := tx.newPage("ListPullTimeUpdateExclusions", tx.Place.String(), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ecr.ListPullTimeUpdateExclusionsOutput{PullTimeUpdateExclusions: []string{}}
	for principal := range tx.registry(tx.Place).exclusions.From(p.start) {
		if p.full(len(out.PullTimeUpdateExclusions)) {
			out.NextToken = p.next()
			break
		}
		out.PullTimeUpdateExclusions = append(out.PullTimeUpdateExclusions, principal)
		p.last = principal
	}
	return out, nil
}

// excluded tells whether the caller's pulls from a registry are not recorded.
func (tx *Tx) excluded(place Place) bool {
	for principal := range tx.registry(place).exclusions.All() {
		if isPrincipal(tx.Caller, principal) {
			return true
		}
	}
	return false
}

// isPrincipal tells whether a caller is a role or user: its ARN is the
// principal's, or that of a session of the role, which lacks the role's path.
func isPrincipal(caller, principal string) bool {
	return caller == principal || naming.KindOf(principal) == naming.Role && strings.HasPrefix(caller, naming.SessionsOf(principal))
}

// exclusionAlreadyExists is chosen.
func exclusionAlreadyExists(place Place, principal string) error {
	return &types.ExclusionAlreadyExistsException{Message: text("The pull time update exclusion for the principal with ARN '%s' already exists in the registry with id '%s'", principal, place.Account)}
}

// exclusionNotFound is chosen.
func exclusionNotFound(place Place, principal string) error {
	return &types.ExclusionNotFoundException{Message: text("The pull time update exclusion for the principal with ARN '%s' does not exist in the registry with id '%s'", principal, place.Account)}
}
