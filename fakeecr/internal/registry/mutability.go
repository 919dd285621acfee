package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
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
