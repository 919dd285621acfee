package fakeecr

import (
	"fmt"

	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// FailSigning makes every signing with a profile that ends from now on fail, as
// when the profile was revoked: DescribeImageSigningStatus answers FAILED with
// the code and the reason. Without a code, signing succeeds again.
func (r *Registry) FailSigning(profileARN, code, reason string) {
	if instanceOf(r).t != nil {
		instanceOf(r).t.Helper()
	}
	instanceOf(r).must(r.checkProfile(profileARN))
	var failure smithy.APIError
	if code != "" {
		failure = &smithy.GenericAPIError{Code: code, Message: reason}
	}
	instanceOf(r).stage.World.FailSigning(r.caller.Place, profileARN, failure)
}

// checkProfile holds that a profile is one that the registry can sign with.
func (r *Registry) checkProfile(arn string) error {
	region, ok := naming.ParseSigningProfileARN(arn)
	switch {
	case !ok:
		return fmt.Errorf("%q is no ARN of a signing profile, as arn:aws:signer:us-east-1:123456789012:/signing-profiles/release is", arn)
	case region != r.caller.Region:
		return fmt.Errorf("a registry in %s does not sign with the profile %s", r.caller.Region, arn)
	}
	return nil
}
