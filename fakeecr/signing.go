package fakeecr

import (
	"fmt"
	"regexp"

	smithy "github.com/aws/smithy-go"
)

var signingProfile = regexp.MustCompile(`^arn:aws(-[a-z]+)*:signer:[a-z0-9-]+:[0-9]{12}:/signing-profiles/[a-zA-Z0-9_]{2,}$`)

// FailSigning makes every signing with a profile that ends from now on fail, as
// when the profile was revoked: DescribeImageSigningStatus answers FAILED with
// the code and the reason. Without a code, signing succeeds again.
func (r *Registry) FailSigning(profileARN, code, reason string) {
	if r.world.t != nil {
		r.world.t.Helper()
	}
	if !signingProfile.MatchString(profileARN) {
		r.world.must(fmt.Errorf("%q is no ARN of a signing profile, as arn:aws:signer:us-east-1:123456789012:/signing-profiles/release is", profileARN))
	}
	var failure smithy.APIError
	if code != "" {
		failure = &smithy.GenericAPIError{Code: code, Message: reason}
	}
	r.world.state.FailSigning(r.key, profileARN, failure)
}
