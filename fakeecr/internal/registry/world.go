// Package registry is the state of a world of ECR registries and the operations
// on it.
//
// The state of all accounts and regions is one immutable root of ordered
// copy-on-write trees. A call is a transaction ([Tx]): it reads a root, and if
// it changes anything it builds the next one, which is swapped in when the call
// succeeds and forgotten when it fails. So a world is copied in no time
// ([World.Fork]), and a reader never sees half of a call.
package registry

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/cow"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
)

// World holds the registries of all accounts and regions that are neighbours:
// one state, one clock, one source of ids. It starts no goroutine.
type World struct {
	mu    sync.Mutex
	root  *root
	clock clock
	ids   ids
	// secret signs tokens and download URLs, so that a world knows its own.
	secret [sha256.Size]byte
	config Config
	// histories are those that remember now.
	histories []*History
	// watching are told of the next change.
	watching map[chan struct{}]struct{}
	// Stage is what the world is played on, nil for none. It is set before the first
	// call.
	Stage Stage
	// postponed are the events that rules were asked about, by their keys. They are
	// no part of the state: in a fork, which has no rules yet, they happen.
	postponed map[string]*Postponement
	// still tells that nobody asks an upstream; see [World.Still].
	still bool
	// guarded is set from the first policy on.
	guarded atomic.Bool
}

// Config is what a world is told when it is made. It never changes.
type Config struct {
	// Quotas are those that differ from ECR's.
	Quotas map[Quota]int64
	// Upstreams are those of pull-through cache rules, by URL.
	Upstreams map[string]Upstream
	// Scanners compute what scans of a type find where a test does not say it.
	Scanners map[types.ScanType]Scanner
	// Principals are the users and roles that exist, by ARN; nil if all do.
	Principals map[string]bool
	// ReachableURIs has URIs of repositories, and endpoints of tokens, lead to where
	// they were asked for, and not to ECR.
	ReachableURIs bool
}

// root is the state of a world. A published root never changes.
type root struct {
	// generation counts the transactions that changed the state.
	generation uint64
	registries cow.Map[*registry]
	// blobs counts the layers, in whatever repository, that hold the same bytes.
	blobs  cow.Map[blob]
	events cow.Map[event]
	// keys and secrets are those of KMS and Secrets Manager.
	keys    holdings[KeyState]
	secrets holdings[SecretState]
	// principals are those with rights of their own, by ARN and by access key.
	principals cow.Map[*principal]
	// sequence keeps events of one time in the order in which they were made.
	sequence uint64
}

// Key names a registry: there is one in each region of each account.
type Key struct{ Account, Region string }

func (k Key) String() string { return k.Account + "/" + k.Region }

// IsRegion tells whether a name has the form of a region's.
func IsRegion(name string) bool { return regionPattern.MatchString(name) }

// registry is the state of one account in one region.
type registry struct {
	Key
	generation   uint64
	repositories cow.Map[*repository]
	// policy is the registry's policy, nil without one.
	policy *policy.Document
	// settings are the account's, those that differ from ECR's.
	settings cow.Map[string]

	// replication is the rules for what is pushed, backfills are by id.
	replication []replicationRule
	backfills   cow.Map[*backfill]
	// templates and cacheRules are by the namespace that their prefix stands for.
	templates  cow.Map[*template]
	cacheRules cow.Map[*cacheRule]
	// scanning says what is scanned when. findings are what a test says that
	// scans find, scanStarts the basic scans of the last day, by time.
	scanning   scanning
	findings   cow.Map[*findings]
	scanStarts cow.Map[struct{}]
	// signing is nil without a configuration. signingFailures are the failures
	// that a test wants, by profile.
	signing         signingRules
	signingFailures cow.Map[smithy.APIError]
	// exclusions are the principals whose pulls are not recorded.
	exclusions cow.Map[struct{}]
}

// NewWorld makes an empty world whose ids and tokens follow from the seed.
func NewWorld(seed uint64, config Config) *World {
	w := &World{root: &root{}, config: config, postponed: map[string]*Postponement{}}
	w.clock.now() // from here on it is a time outside of bubbles, or inside one
	w.ids.seed(seed)
	w.secret = sha256.Sum256(binary.BigEndian.AppendUint64([]byte("fakeecr"), seed))
	return w
}

// Fork is an independent copy of the world as it is now, in constant time. The
// copy continues the original's time and ids; tokens and download URLs of the
// original are good in the copy as well.
func (w *World) Fork(config Config) *World {
	w.mu.Lock()
	defer w.mu.Unlock()
	fork := &World{root: w.root, secret: w.secret, config: config, postponed: map[string]*Postponement{}}
	w.clock.fork(&fork.clock)
	w.ids.fork(&fork.ids)
	fork.guarded.Store(w.guarded.Load())
	return fork
}

// Now is the time on the world's clock.
func (w *World) Now() time.Time { return w.clock.now() }

// Peek is Now for those whom the clock does not notice: inside a synctest bubble, a
// world that nothing was asked of there yet shows the time that it had outside.
func (w *World) Peek() time.Time { return w.clock.peek() }

// Advance moves the world's clock by d and lets happen what falls due. The error
// is that of a d which is negative or leads beyond the year 2261; then the clock
// stays as it is.
func (w *World) Advance(d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.clock.advance(d); err != nil {
		return err
	}
	w.settle()
	return nil
}

// Wait returns once the clock has moved on by d, because time passed or because
// it was advanced, or when released is closed; or with the context's error.
func (w *World) Wait(ctx context.Context, d time.Duration, released <-chan struct{}) error {
	return w.clock.wait(ctx, w.Now().Add(d), released)
}

// NewRequestID is the next request id.
func (w *World) NewRequestID() string { return w.ids.uuid() }
