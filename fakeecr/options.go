package fakeecr

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Option changes what [New] and [NewServer] make.
type Option func(*setup) error

// setup is what the options of a world say.
type setup struct {
	account, region string
	seed            uint64
	scenarios       []scenarios.Scenario
	fullTrace       bool
	// tls and proxy are how servers speak.
	tls, proxy bool
	config     registry.Config
	// declared is what a new world is told before its first call.
	declared []func(*Registry)
	// credentials are those that requests may be signed with besides the fake's
	// own, by access key; nil if signatures do not matter.
	credentials map[string]aws.Credentials
	// specRegistry and openRegistry are how the registry endpoint answers.
	specRegistry, openRegistry bool
}

const (
	defaultAccount = "123456789012"
	defaultRegion  = "us-east-1"
)

func newSetup(t TB, options []Option) setup {
	if t != nil {
		t.Helper()
	}
	s := setup{account: defaultAccount, region: defaultRegion, seed: rand.Uint64()}
	s.config.ScanDuration = registry.DefaultScanDuration
	s.apply(t, options)
	return s
}

func (s *setup) apply(t TB, options []Option) {
	if t != nil {
		t.Helper()
	}
	for i, option := range options {
		if option == nil {
			must(t, fmt.Errorf("option %d of %d is nil", i+1, len(options)))
		}
		must(t, option(s))
	}
}

func (s *setup) declare(tell func(*Registry)) {
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
	return func(s *setup) error {
		s.seed = seed
		return nil
	}
}

// WithAccount sets the account, 12 digits, of the registry that is made. Without
// it the account is 123456789012.
func WithAccount(id string) Option {
	return func(s *setup) error {
		s.account = id
		return checkAccount(id)
	}
}

// WithRegion sets the region of the registry that is made. Without it the region
// is us-east-1.
func WithRegion(name string) Option {
	return func(s *setup) error {
		s.region = name
		return checkRegion(name)
	}
}

// WithScenario plays a scenario from the first call on; see [Registry.Play].
func WithScenario(scenario scenarios.Scenario) Option {
	return func(s *setup) error {
		s.scenarios = append(s.scenarios[:len(s.scenarios):len(s.scenarios)], scenario)
		return nil
	}
}

// WithReachableURIs has repositoryUri and proxyEndpoint lead to where they were
// asked for, 127.0.0.1:PORT and http://127.0.0.1:PORT, and not to ECR: for tools that
// follow what they were answered, such as docker after aws ecr get-login-password,
// cdk-assets and Terraform. Leave it out where something reads the account or the
// region from these names, as Amazon's credential helper for Docker does, and for
// clients of [Registry.Transport], which ECR's own names lead to the fake.
//
// Accounts and regions are then at one host, where the token tells whose registry
// is meant. The registry of another account, which the caller's token opens as well
// and which only a registryId asks for, is at ACCOUNT.dkr.ecr.REGION.localhost:PORT;
// a machine that does not resolve names under localhost needs a line in its hosts
// file for it. Such a name works for any registry of the world, also as an endpoint.
//
// Behind [Registry.Handler] in a server of your own, the host is the one of the
// request, and its scheme is https if the request came by TLS or has the header
// X-Forwarded-Proto: https. Direct calls of a registry without a [Server] have no
// such place: they answer ECR's names.
func WithReachableURIs() Option {
	return func(s *setup) error {
		s.config.ReachableURIs = true
		return nil
	}
}

// WithFullTrace keeps every call in the trace, and the bytes of layer parts,
// where otherwise the last 10,000 calls are kept without them.
func WithFullTrace() Option {
	return func(s *setup) error {
		s.fullTrace = true
		return nil
	}
}

// WithPrincipals tells which IAM users and roles there are, by their ARNs, besides
// those of [Registry.As]. ECR refuses a policy that names any other: 'Principal
// not found', and STS gives out no session of it. Without it all users and roles exist, as all accounts always do.
func WithPrincipals(arns ...string) Option {
	return func(s *setup) error {
		principals := maps.Clone(s.config.Principals)
		if principals == nil {
			principals = map[string]bool{}
		}
		for _, arn := range arns {
			if naming.AccountOf(arn) == "" {
				return notPrincipal(arn)
			}
			principals[arn] = true
		}
		s.config.Principals = principals
		return nil
	}
}

// WithSigV4 has the signatures of API requests verified, over HTTP and from the
// client without a socket, and answers as AWS does: with
// MissingAuthenticationTokenException, IncompleteSignatureException,
// UnrecognizedClientException or InvalidSignatureException, status 400. Direct
// calls have no signature, but for those that have options.
//
// Requests may be signed with the keys of [Registry.Client] and [Server.Env], with those
// of a session (scenarios.AssumeRole) until it ends, and with these credentials; their
// AccountID says whose they are, the registry's own account's if it is empty. Signatures
// are good for five minutes, and those of URLs as long as these say, by the machine's
// clock, whatever was advanced, because that is the clock that clients sign by.
// Without the option signatures are not looked at, and no request is hashed.
func WithSigV4(accepted ...aws.Credentials) Option {
	return func(s *setup) error {
		known := maps.Clone(s.credentials)
		if known == nil {
			known = map[string]aws.Credentials{}
		}
		for _, c := range accepted {
			if !c.HasKeys() {
				return errors.New("credentials without an access key and a secret")
			}
			if c.AccountID != "" && checkAccount(c.AccountID) != nil {
				return checkAccount(c.AccountID)
			}
			known[c.AccessKeyID] = c
		}
		s.credentials = known
		return nil
	}
}

// WithSpecRegistry has the registry endpoint, /v2/, follow the OCI distribution
// spec where ECR does not, for a client that is to work with any registry: its
// answers have the status and the headers that the spec wants, tags come in order
// and a page ends with one of them, chunks of an upload are appended and their Range
// is what there is, and what the spec allows is taken, such as a manifest without
// layers or a part of any size. Credentials are asked for, a
// repository must exist, an immutable tag stays, and layers belong to their
// repository all the same. The API is ECR's in either case.
func WithSpecRegistry() Option {
	return func(s *setup) error {
		s.specRegistry = true
		return nil
	}
}

// WithOpenRegistry has the registry endpoint, /v2/, ask for no credentials, for
// clients that cannot be given any. Requests are then those of the default caller,
// unless they have the password of GetAuthorizationToken, which says whose they
// are however old it is.
func WithOpenRegistry() Option {
	return func(s *setup) error {
		s.openRegistry = true
		return nil
	}
}

func checkAccount(id string) error {
	if !constraint.ValidRegistryID(id) {
		return fmt.Errorf("an account is 12 digits, not %q", id)
	}
	return nil
}

func checkRegion(name string) error {
	if !naming.IsRegion(name) {
		return fmt.Errorf("%q is no region, as eu-west-1 is", name)
	}
	return nil
}
