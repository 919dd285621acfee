package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIsPrincipal(t *testing.T) {
	for _, test := range []struct {
		caller, principal string
		same              bool
	}{
		{"arn:aws:iam::123456789012:user/ci", "arn:aws:iam::123456789012:user/ci", true},
		{"arn:aws:iam::123456789012:user/ci", "arn:aws:iam::210987654321:user/ci", false},
		{"arn:aws:iam::123456789012:user/ci2", "arn:aws:iam::123456789012:user/ci", false},
		{"arn:aws:iam::123456789012:role/ci", "arn:aws:iam::123456789012:role/ci", true},
		{"arn:aws:sts::123456789012:assumed-role/ci/session", "arn:aws:iam::123456789012:role/ci", true},
		{"arn:aws:sts::123456789012:assumed-role/ci/session", "arn:aws:iam::123456789012:role/builds/ci", true},
		{"arn:aws-cn:sts::123456789012:assumed-role/ci/session", "arn:aws-cn:iam::123456789012:role/ci", true},
		{"arn:aws:sts::123456789012:assumed-role/ci2/session", "arn:aws:iam::123456789012:role/ci", false},
		{"arn:aws:sts::210987654321:assumed-role/ci/session", "arn:aws:iam::123456789012:role/ci", false},
		{"arn:aws:sts::123456789012:assumed-role/ci/session", "arn:aws:iam::123456789012:user/ci", false},
		{"", "arn:aws:iam::123456789012:user/ci", false},
	} {
		require.Equal(t, test.same, isPrincipal(test.caller, test.principal), "%s as %s", test.caller, test.principal)
	}
}
