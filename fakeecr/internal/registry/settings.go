package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// mutability says which tags of a repository may move. Filters are patterns over
// a whole tag; they turn the mode's rule round for the tags that match.
type mutability struct {
	mode    types.ImageTagMutability
	filters []string
}

const maxWildcards = 2

func newMutability(mode types.ImageTagMutability, filters []types.ImageTagMutabilityExclusionFilter) (mutability, error) {
	const member = "imageTagMutabilityExclusionFilters"
	m := mutability{mode: mode}
	if mode == "" {
		m.mode = types.ImageTagMutabilityMutable
	}
	excludes := m.mode == types.ImageTagMutabilityMutableWithExclusion || m.mode == types.ImageTagMutabilityImmutableWithExclusion
	switch {
	case excludes && filters == nil:
		return m, invalidParameter(member, fmt.Sprintf("ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as %s", m.mode))
	case !excludes && filters != nil:
		return m, invalidParameter(member, fmt.Sprintf("ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as %s", m.mode))
	}
	for _, filter := range filters {
		if strings.Count(*filter.Filter, "*") > maxWildcards {
			return m, invalidParameter(member, fmt.Sprintf("Invalid filter provided. Total number of * must not exceed %d", maxWildcards))
		}
		m.filters = append(m.filters, *filter.Filter)
	}
	return m, nil
}

func (m mutability) output() []types.ImageTagMutabilityExclusionFilter {
	var filters []types.ImageTagMutabilityExclusionFilter
	for _, filter := range m.filters {
		filters = append(filters, types.ImageTagMutabilityExclusionFilter{
			Filter: aws.String(filter), FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard,
		})
	}
	return filters
}

// PutImageTagMutability decides about tags that are pushed from now on.
func (tx *Tx) PutImageTagMutability(_ context.Context, in *ecr.PutImageTagMutabilityInput) (*ecr.PutImageTagMutabilityOutput, error) {
	repo, err := tx.changeRepository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if repo.mutability, err = newMutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters); err != nil {
		return nil, err
	}
	return &ecr.PutImageTagMutabilityOutput{
		ImageTagMutability:                 repo.mutability.mode,
		ImageTagMutabilityExclusionFilters: repo.mutability.output(),
		RegistryId:                         aws.String(repo.Account),
		RepositoryName:                     aws.String(repo.name),
	}, nil
}

// immutable tells whether a tag, once it stands for an image, stays there.
func (m mutability) immutable(tag string) bool {
	excluded := slices.ContainsFunc(m.filters, func(filter string) bool { return wildcard(filter, tag) })
	switch m.mode {
	case types.ImageTagMutabilityImmutable, types.ImageTagMutabilityImmutableWithExclusion:
		return !excluded
	default:
		return excluded
	}
}

// wildcard matches all of s, where * in the pattern stands for any characters.
func wildcard(pattern, s string) bool {
	first, rest, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, first)
	for ok {
		part, more, found := strings.Cut(rest, "*")
		if !found {
			return strings.HasSuffix(s, part)
		}
		_, s, ok = strings.Cut(s, part)
		rest = more
	}
	return false
}

// encryption says how a repository's layers are encrypted, which cannot change.
type encryption struct {
	kind types.EncryptionType
	key  string
}

// newEncryption reads what a caller asks for; the key is as the caller names it.
func newEncryption(region string, config *types.EncryptionConfiguration) (encryption, error) {
	const member = "encryptionConfiguration"
	if config == nil {
		return encryption{kind: types.EncryptionTypeAes256}, nil
	}
	e := encryption{kind: config.EncryptionType, key: aws.ToString(config.KmsKey)}
	switch {
	case e.kind == types.EncryptionTypeAes256 && config.KmsKey != nil:
		return e, invalidParameter(member, "Invalid encryption configuration: Encryption key should not be set for AES256 encryption.")
	case e.kind == types.EncryptionTypeKmsDsse && naming.Partition(region) != "aws-us-gov":
		return e, invalidParameter(member, "Invalid encryption configuration: KMS_DSSE encryption is not supported in this region.")
	}
	return e, nil
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
		r.tags.Set(r.generation, aws.ToString(tag.Key), aws.ToString(tag.Value))
	}
	if most := tx.quota(TagsPerResource); int64(r.tags.Len()) > most {
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
