package registry

import (
	"context"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// taggable is the repository of an ARN, which may belong to another account but
// not to another region: that a region knows nothing of others is chosen.
func (tx *Tx) taggable(arn *string) (*repository, error) {
	place, name, ok := naming.ParseRepositoryARN(*arn)
	if !ok || place.Region != tx.Region {
		return nil, invalidARN()
	}
	return tx.repository(&place.Account, &name)
}

// TagResource adds tags to a repository; a key that it has gets the new value.
func (tx *Tx) TagResource(_ context.Context, in *ecr.TagResourceInput) (*ecr.TagResourceOutput, error) {
	tx.write()
	repo, err := tx.taggable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if err := tx.addTags(tx.copyForChange(repo), in.Tags); err != nil {
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
	repo = tx.copyForChange(repo)
	for _, key := range in.TagKeys {
		if !validTagKey(key) {
			return nil, invalidTags()
		}
		repo.resourceTags.Delete(repo.generation, key)
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
	for key, value := range repo.resourceTags.All() {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	return out, nil
}

// Limits of a resource's tags, in characters.
const (
	maxTagKey   = 128
	maxTagValue = 256
)

// addTags merges tags into those of a repository that the transaction may change.
func (tx *Tx) addTags(r *repository, tags []types.Tag) error {
	if !validTags(tags) {
		return invalidTags()
	}
	for _, tag := range tags {
		r.resourceTags.Set(r.generation, aws.ToString(tag.Key), aws.ToString(tag.Value))
	}
	if most := tx.quota(TagsPerResource); int64(r.resourceTags.Len()) > most {
		return tooManyTags(r.arn, most)
	}
	return nil
}

func validTags(tags []types.Tag) bool {
	seen := map[string]bool{}
	for _, tag := range tags {
		key, value := aws.ToString(tag.Key), aws.ToString(tag.Value)
		if seen[key] || !validTagKey(key) || !validTagText(value, maxTagValue) {
			return false
		}
		seen[key] = true
	}
	return true
}

func validTagKey(key string) bool {
	return key != "" && !strings.HasPrefix(strings.ToLower(key), "aws:") && validTagText(key, maxTagKey)
}

func validTagText(s string, most int) bool {
	n := 0
	for _, c := range s {
		n++
		if !unicode.IsLetter(c) && !unicode.IsNumber(c) && !unicode.Is(unicode.Z, c) && !strings.ContainsRune("+-=._:/@", c) {
			return false
		}
	}
	return n <= most
}

func invalidARN() error { return invalidParameter("resourceArn", "Invalid ARN") }

func invalidTags() error {
	return &types.InvalidTagParameterException{Message: aws.String("Tag parameters are invalid")}
}

// tooManyTags is chosen.
func tooManyTags(arn string, most int64) error {
	return &types.TooManyTagsException{Message: text("The resource with ARN '%s' cannot have more than %d tags", arn, most)}
}
