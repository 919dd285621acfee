package scenarios

import (
	"fmt"

	smithy "github.com/aws/smithy-go"
)

// Scenario is rules that are played together, each on its own count. A call
// passes them in order; one that fails it ends it, and the rules behind that one
// neither see nor count it. Scenarios are joined by append.
type Scenario []*Rule

// Check answers what is wrong with the rules, given the operations that exist.
func (s Scenario) Check(exists func(operation string) bool) error {
	for i, r := range s {
		if r == nil {
			return fmt.Errorf("rule %d of the scenario is nil", i+1)
		}
		if r.operation != Any && r.operation != DownloadLayer && !exists(r.operation) {
			return fmt.Errorf("rule %q: ECR has no operation %q", r, r.operation)
		}
		if err := r.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Throttle refuses the first n calls of an operation as a service does that is
// called too often. A direct call sees the error, as it is one attempt; a client
// with the SDK's default retryer survives up to two of them in a row.
func Throttle(operation string, n int) Scenario {
	return Scenario{On(operation).First(n).Fail(Throttled()).Named(fmt.Sprintf("throttle %s %d times", operation, n))}
}

// Throttled is the error of a throttled call, in the form that the SDKs retry.
func Throttled() error {
	return &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded", Fault: smithy.FaultClient}
}
