package wire

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/overlay"
)

// The second body says everything twice, of which the last one counts.
func TestOverlayOfAnInput(t *testing.T) {
	for _, body := range []string{
		`{"replicationConfiguration":{"rules":[{"destinations":[]},{"deleteReplication":{"enabled":true,"more":1},"destinations":[]},{"deleteReplication":null},{"deleteReplication":{}}]}}`,
		`{"replicationConfiguration":{"rules":[{"deleteReplication":{"enabled":true}}]},
		  "replicationConfiguration":{"rules":[{},{"deleteReplication":{"enabled":false},"deleteReplication":{"enabled":true}},{},{"deleteReplication":{}}]}}`,
	} {
		var in ecr.PutReplicationConfigurationInput
		over := overlay.Of(&in).(*overlay.Replication)
		require.NoError(t, Read(strings.NewReader(body), int64(len(body)), &in, over))
		require.Len(t, in.ReplicationConfiguration.Rules, 4)
		require.Equal(t, []overlay.ReplicationRule{
			{}, {DeleteReplication: &overlay.DeleteReplication{Enabled: aws.Bool(true)}}, {}, {DeleteReplication: &overlay.DeleteReplication{}},
		}, over.ReplicationConfiguration.Rules)
	}
}

func TestOverlayOfAnInputThatIsMalformed(t *testing.T) {
	for value, text := range map[string]string{
		`true`:             "'replicationConfiguration.rules.2.member.deleteReplication' must be an object, not a boolean",
		`{"enabled":"on"}`: "'replicationConfiguration.rules.2.member.deleteReplication.enabled' must be a boolean, not a string",
		`{"enabled":1}`:    "'replicationConfiguration.rules.2.member.deleteReplication.enabled' must be a boolean, not a number",
	} {
		var in ecr.PutReplicationConfigurationInput
		body := `{"replicationConfiguration":{"rules":[{},{"deleteReplication":` + value + `}]}}`
		requireRefusal(t, Read(strings.NewReader(body), -1, &in, overlay.Of(&in)), "SerializationException", text)
	}
}

func TestOverlayOfAnOutput(t *testing.T) {
	const plain = `{"replicationConfiguration":{"rules":[{"destinations":[{"region":"eu-west-1","registryId":"1"}]},{},{"destinations":[]}]},"registryId":"2"}`
	var out ecr.DescribeRegistryOutput
	require.NoError(t, sdkRead(200, []byte(plain), &out))
	for text, over := range map[string]*overlay.Replication{
		`{"registryId":"2","replicationConfiguration":{"rules":[{"destinations":[{"region":"eu-west-1","registryId":"1"}],"deleteReplication":{"enabled":false}},{"deleteReplication":{"enabled":true}},{"destinations":[]}]}}`: {
			ReplicationConfiguration: &overlay.ReplicationConfiguration{Rules: []overlay.ReplicationRule{
				{DeleteReplication: &overlay.DeleteReplication{Enabled: aws.Bool(false)}},
				{DeleteReplication: &overlay.DeleteReplication{Enabled: aws.Bool(true)}},
			}},
		},
		`{"registryId":"2","replicationConfiguration":{"rules":[{"destinations":[{"region":"eu-west-1","registryId":"1"}]},{},{"destinations":[]}]}}`: {},
	} {
		require.Equal(t, text, string(Write(&out, over)))
	}
}
