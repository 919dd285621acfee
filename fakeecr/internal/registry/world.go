package registry

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/cow"
	"github.com/fakeecr/ecr/fakeecr/internal/engine"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
)

// World holds the registries of all accounts and regions that are neighbours. It is
// an engine whose state is ECR's.
type World struct {
	*engine.Engine
	config Config
	// secret signs tokens and download URLs, so that a world knows its own.
	secret [sha256.Size]byte
	// stage is what the world is played on, nil for none.
	stage Stage
	// still tells that nobody asks an upstream; see [World.Still].
	still bool
	// hasPolicies is set from the first policy on.
	hasPolicies atomic.Bool
	// tokens counts the tokens that were given out.
	tokens atomic.Int64
}

// Config is what a world is told when it is made. It never changes.
type Config struct {
	// Quotas are those that differ from ECR's.
	Quotas map[Quota]int64
	// Upstreams are those of pull-through cache rules, by URL.
	Upstreams map[string]Upstream
	// Scanners compute what scans of a type find where a test does not say it.
	Scanners map[types.ScanType]Scanner
	// ScanDuration is how long after its push an image is scanned continuously, 0
	// for good.
	ScanDuration time.Duration
	// Principals are the users and roles that exist, by ARN; nil if all do.
	Principals map[string]bool
	// ReachableURIs has URIs of repositories, and endpoints of tokens, lead to where
	// they were asked for, and not to ECR.
	ReachableURIs bool
}

// root is the state of a world. A published root never changes.
type root struct {
	engine.Root
	registries cow.Map[*registryState]
	// blobs counts the layers, in whatever repository, that hold the same bytes.
	blobs cow.Map[blob]
	// keys and secrets are those of KMS and Secrets Manager.
	keys    holdings[KeyState]
	secrets holdings[SecretState]
	// principals are those with rights of their own, by ARN and by access key.
	principals cow.Map[*principal]
	// sessions are those of roles, by access key; the latest of its ARN by that too.
	sessions cow.Map[*Session]
}

// Copy implements [engine.State].
func (r *root) Copy() engine.State {
	own := *r
	return &own
}

// Place is where a registry is.
type Place = naming.Place

// registryState is the state of one account in one region.
type registryState struct {
	Place
	// key is the one that it has among the registries.
	key          string
	generation   uint64
	repositories cow.Map[*repository]
	// policy is the registry's policy, nil without one.
	policy *policy.Document
	// accountSettings are the account's, those that differ from ECR's.
	accountSettings cow.Map[string]

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
	w := &World{config: config, secret: sha256.Sum256(binary.BigEndian.AppendUint64([]byte("fakeecr"), seed))}
	w.Engine = engine.New(domain{w}, &root{}, seed)
	return w
}

// Fork is an independent copy of the world as it is now, in constant time. The
// copy continues the original's time and ids; tokens and download URLs of the
// original are good in the copy as well.
func (w *World) Fork(config Config) *World {
	fork := &World{config: config, secret: w.secret}
	fork.Engine = w.Engine.Fork(domain{fork})
	fork.hasPolicies.Store(w.hasPolicies.Load())
	fork.tokens.Store(w.tokens.Load())
	return fork
}

// Still is a copy of the world as it is now, in constant time, in which nothing
// happens by itself and nobody asks an upstream: what was held or not yet due stays
// so. It is for those who look, whom the world does not notice.
func (w *World) Still() *World {
	still := &World{config: w.config, secret: w.secret, still: true}
	still.Engine = w.Engine.Still(domain{still})
	still.hasPolicies.Store(w.hasPolicies.Load())
	return still
}

// PlayOn sets the stage, before the first call.
func (w *World) PlayOn(stage Stage) {
	w.stage = stage
	w.Engine.PlayOn(stage)
}

// Places are those of the registries that something was put in, in order.
func (w *World) Places() (keys []Place) {
	tx := w.NewTx(Place{}, "")
	for _, reg := range tx.read().registries.All() {
		keys = append(keys, reg.Place)
	}
	slices.SortFunc(keys, func(a, b Place) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
