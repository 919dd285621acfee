package fakeecr

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Option changes what [New] and [NewServer] make.
type Option func(*settings) error

// settings are what the options of a world say.
type settings struct {
	account, region string
	seed            uint64
	scenarios       []scenarios.Scenario
	fullTrace       bool
	config          registry.Config
	// declared is what a new world is told before its first call.
	declared []func(*registry.World)
}

const (
	defaultAccount = "123456789012"
	defaultRegion  = "us-east-1"
)

func newSettings(t TB, options []Option) settings {
	s := settings{account: defaultAccount, region: defaultRegion, seed: rand.Uint64()}
	s.apply(t, options)
	return s
}

func (s *settings) apply(t TB, options []Option) {
	for _, option := range options {
		must(t, option(s))
	}
}

func (s *settings) declare(tell func(*registry.World)) {
	s.declared = append(s.declared[:len(s.declared):len(s.declared)], tell)
}

// must ends the test if something is wrong with how the fake is used.
func must(t TB, err error) {
	switch {
	case err == nil:
	case t == nil:
		panic(fmt.Sprintf("fakeecr: %v", err))
	default:
		t.Helper()
		t.Fatalf("fakeecr: %v", err)
	}
}

// WithSeed makes ids and tokens follow from a seed, so that two runs are equal.
// Without it the seed is a new one each time, and a failed test logs it.
func WithSeed(seed uint64) Option {
	return func(s *settings) error {
		s.seed = seed
		return nil
	}
}

// WithAccount sets the account, 12 digits, of the registry that is made. Without
// it the account is 123456789012.
func WithAccount(id string) Option {
	return func(s *settings) error {
		s.account = id
		return checkAccount(id)
	}
}

// WithRegion sets the region of the registry that is made. Without it the region
// is us-east-1.
func WithRegion(name string) Option {
	return func(s *settings) error {
		s.region = name
		return checkRegion(name)
	}
}

// WithScenario plays a scenario from the first call on; see [Registry.Play].
func WithScenario(scenario scenarios.Scenario) Option {
	return func(s *settings) error {
		s.scenarios = append(s.scenarios[:len(s.scenarios):len(s.scenarios)], scenario)
		return nil
	}
}

// WithFullTrace keeps every call in the trace, and the bytes of layer parts,
// where otherwise the last 10,000 calls are kept without them.
func WithFullTrace() Option {
	return func(s *settings) error {
		s.fullTrace = true
		return nil
	}
}

// Quota names a limit of ECR's, for [WithQuota].
type Quota = registry.Quota

// The quotas of ECR that a test may set.
const (
	RepositoriesPerRegistry     = registry.RepositoriesPerRegistry
	ImagesPerRepository         = registry.ImagesPerRepository
	TagsPerImage                = registry.TagsPerImage
	PartsPerLayer               = registry.PartsPerLayer
	BytesPerLayer               = registry.BytesPerLayer
	TagsPerResource             = registry.TagsPerResource
	PullThroughCacheRules       = registry.PullThroughCacheRules
	ReplicationRules            = registry.ReplicationRules
	ReplicationDestinations     = registry.ReplicationDestinations
	ReplicationFiltersPerRule   = registry.ReplicationFiltersPerRule
	ReplicationBackfillsActive  = registry.ReplicationBackfillsActive
	ScansPerDay                 = registry.ScansPerDay
	ScansPerImagePerDay         = registry.ScansPerImagePerDay
	PullTimeUpdateExclusions    = registry.PullTimeUpdateExclusions
	RepositoryCreationTemplates = registry.RepositoryCreationTemplates
	SigningRules                = registry.SigningRules
)

// WithQuota sets a limit, so that a test reaches LimitExceededException with two
// images and not with 100,000. Without it the limits are ECR's.
func WithQuota(quota Quota, most int64) Option {
	return func(s *settings) error {
		if !registry.IsQuota(quota) || most < 0 {
			return fmt.Errorf("ECR has no quota %q of %d", quota, most)
		}
		quotas := maps.Clone(s.config.Quotas)
		if quotas == nil {
			quotas = map[Quota]int64{}
		}
		quotas[quota] = most
		s.config.Quotas = quotas
		return nil
	}
}

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

func checkAccount(id string) error {
	if !accountPattern.MatchString(id) {
		return fmt.Errorf("an account is 12 digits, not %q", id)
	}
	return nil
}

func checkRegion(name string) error {
	if !registry.IsRegion(name) {
		return fmt.Errorf("%q is no region, as eu-west-1 is", name)
	}
	return nil
}
