package faces

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

// HeldIn is the images of a repository with their tags, by digest; nil if there is
// no repository.
func HeldIn(t *testing.T, f Face, repository string) map[string][]string {
	t.Helper()
	out, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: &repository})
	if err != nil {
		require.ErrorAs(t, err, new(*types.RepositoryNotFoundException))
		return nil
	}
	images := map[string][]string{}
	for _, detail := range out.ImageDetails {
		images[*detail.ImageDigest] = detail.ImageTags
	}
	return images
}

// Replicas is the replication status of an image.
func Replicas(t *testing.T, f Face, repository, digest string) []types.ImageReplicationStatus {
	t.Helper()
	out, err := f.DescribeImageReplicationStatus(t.Context(), &ecr.DescribeImageReplicationStatusInput{
		RepositoryName: &repository, ImageId: &types.ImageIdentifier{ImageDigest: &digest},
	})
	require.NoError(t, err)
	return out.ReplicationStatuses
}

// ReplicationSource is the account that replicates.
const ReplicationSource = "123456789012"

// Destination is a registry to replicate to, of the source's account unless
// another is given.
func Destination(region string, account ...string) types.ReplicationDestination {
	return types.ReplicationDestination{Region: &region, RegistryId: aws.String(append(account, ReplicationSource)[0])}
}

// PutReplication sets the rules of replication.
func PutReplication(t *testing.T, f Face, rules ...types.ReplicationRule) {
	t.Helper()
	_, err := PutReplicationRules(t, f, rules)
	require.NoError(t, err)
}

// PutReplicationRules is PutReplication with what the call answers.
func PutReplicationRules(t *testing.T, f Face, rules []types.ReplicationRule) (*ecr.PutReplicationConfigurationOutput, error) {
	return f.PutReplicationConfiguration(t.Context(), &ecr.PutReplicationConfigurationInput{
		ReplicationConfiguration: &types.ReplicationConfiguration{Rules: append([]types.ReplicationRule{}, rules...)},
	})
}

// ReplicateTo has everything replicated to registries.
func ReplicateTo(t *testing.T, f Face, destinations ...types.ReplicationDestination) {
	t.Helper()
	PutReplication(t, f, types.ReplicationRule{Destinations: destinations})
}
