package registry

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// taggable is the repository of an ARN, which may belong to another account but
// not to another region: that a region knows nothing of others is chosen.
func (tx *Tx) taggable(arn *string) (*repository, error) {
	key, name, ok := naming.ParseRepositoryARN(*arn)
	if !ok || key.Region != tx.Region {
		return nil, invalidARN()
	}
	return tx.repository(&key.Account, &name)
}

// TagResource adds tags to a repository; a key that it has gets the new value.
func (tx *Tx) TagResource(_ context.Context, in *ecr.TagResourceInput) (*ecr.TagResourceOutput, error) {
	tx.write()
	repo, err := tx.taggable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if err := tx.addTags(tx.own(repo), in.Tags); err != nil {
		return nil, err
	}
	return &ecr.TagResourceOutput{}, nil
}

// UntagResource does not mind a key that is not there. That keys which no tag can
// have are refused is chosen.
func (tx *Tx) UntagResource(_ context.Context, in *ecr.UntagResourceInput) (*ecr.UntagResourceOutput, error) {
	tx.write()
	repo, err := tx.taggable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	repo = tx.own(repo)
	for _, key := range in.TagKeys {
		if !validTagKey(key) {
			return nil, invalidTags()
		}
		repo.tags.Delete(repo.generation, key)
	}
	return &ecr.UntagResourceOutput{}, nil
}

// ListTagsForResource answers a repository's tags in order of their keys.
func (tx *Tx) ListTagsForResource(_ context.Context, in *ecr.ListTagsForResourceInput) (*ecr.ListTagsForResourceOutput, error) {
	repo, err := tx.taggable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &ecr.ListTagsForResourceOutput{Tags: []types.Tag{}}
	for key, value := range repo.tags.All() {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	return out, nil
}
