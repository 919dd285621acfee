// Package overlay has the members of ECR's that the SDK's types lack as yet.
//
// An overlay lies over an input or an output of the SDK's. It is a Go type with
// the same structures and lists, down to the members that are lacking, and no
// others. The wire reads it from the body that it reads the input from, and
// merges it into the body of the answer. A call of the SDK's own types has none.
//
// A member that a new SDK has leaves this package: its test names it.
package overlay

import "github.com/aws/aws-sdk-go-v2/service/ecr"

// Of is an empty overlay for an input of the SDK's, nil where that lacks nothing.
func Of(in any) any {
	switch in.(type) {
	case *ecr.PutReplicationConfigurationInput:
		return new(Replication)
	default:
		return nil
	}
}

// Replication lies over the input and the output of PutReplicationConfiguration,
// and over the output of DescribeRegistry.
type Replication struct {
	ReplicationConfiguration *ReplicationConfiguration
}

// ReplicationConfiguration lies over [types.ReplicationConfiguration].
type ReplicationConfiguration struct {
	Rules []ReplicationRule
}

// ReplicationRule lies over [types.ReplicationRule].
type ReplicationRule struct {
	DeleteReplication *DeleteReplication
}

// DeleteReplication says whether deletions are replicated.
type DeleteReplication struct {
	Enabled *bool `json:"enabled"`
}
