package lifecycle

import (
	"slices"
	"strings"
	"time"
)

// A StorageClass is where an image is kept. Its values are those of the SDK's LifecyclePolicyStorageClass.
type StorageClass string

const (
	Standard StorageClass = "STANDARD"
	Archive  StorageClass = "ARCHIVE"
)

// An ActionType is what happens to an image. Its values are those of the SDK's ImageActionType.
type ActionType string

const (
	Expire     ActionType = "EXPIRE"     // deleted, with its tags
	Transition ActionType = "TRANSITION" // moved from Standard to Archive
)

// An Image is what a policy sees of an image. A zero time means never.
type Image struct {
	Digest      string
	Tags        []string
	PushedAt    time.Time
	PulledAt    time.Time // last recorded pull
	ActivatedAt time.Time // last restored from the archive
	ArchivedAt  time.Time // last moved to the archive
	Archived    bool      // in the archive now
	Children    []string  // digests that an index refers to
	Subject     string    // digest of the image that this one refers to; empty if it is no referrer
}

// An Action is what an evaluation does to one image.
type Action struct {
	Image        int // index in the slice that was evaluated
	Type         ActionType
	RulePriority int32        // of the rule that acts; 0 when a referrer follows its subject
	StorageClass StorageClass // of the image before the action
}

// Evaluate returns what one run of the policy at this time does to the images of a repository, in the order in
// which it does it: by priority of the rules, each of them oldest image first, then the referrers that follow.
// Images of one age go by digest. An image is acted on at most once. Nothing is changed; images are told apart by
// their digests, which must differ.
//
// Up to and including the time until, a run over the same images does the same; a zero time means for ever. So one
// that did nothing need not be repeated before, unless the images change.
//
// As the user guide has it, all rules look at the images as they were before the run. An image belongs to the first
// rule whose tagging requirements it matches, and no other may act on it, also when that rule lets it stay; but the
// others still count it. Rules select from one storage class, so they neither count nor protect images in the other.
//
// An image that an index refers to stays as long as the index does (in the standard class, where it would be
// archived; in any, where it would expire): it goes in a later run, once the index is gone. A referrer is counted as
// any other image, but no rule acts on it: it follows its subject, in the run after the one in which the subject
// went or was archived, or after it was deleted or archived by hand.
func (p *Policy) Evaluate(images []Image, now time.Time) (actions []Action, until time.Time) {
	relations := relate(images)
	run := newRun(p.rules, now)
	byRule := make([][]Action, len(p.rules)+1) // the last one for referrers
	for _, i := range youngestFirst(images) {
		image := &images[i]
		action := Action{Image: i, StorageClass: image.class()}
		at, due := run.identify(image)
		switch {
		case image.Subject != "":
			at, action.Type = len(p.rules), relations.follow(image)
		case at < 0 || relations.hold(image, p.rules[at].action):
			// It stays, however old it gets.
		case due:
			action.Type, action.RulePriority = p.rules[at].action, p.rules[at].priority
		default:
			run.await(at, image)
		}
		if action.Type != "" {
			byRule[at] = append(byRule[at], action)
		}
	}
	for _, list := range byRule {
		slices.Reverse(list) // oldest first
	}
	return slices.Concat(byRule...), run.until()
}

// A run carries one evaluation over the images, which must come youngest first.
type run struct {
	rules  []rule
	cutoff []time.Time // what is older is due, for rules by age
	oldest []time.Time // what the age counts from of the oldest image not due yet, for rules by age
	seen   []int32     // images identified so far, for rules by count
}

func newRun(rules []rule, now time.Time) *run {
	r := &run{rules, make([]time.Time, len(rules)), make([]time.Time, len(rules)), make([]int32, len(rules))}
	for i := range rules {
		r.cutoff[i] = now.UTC().AddDate(0, 0, -int(rules[i].count)) // a Duration holds 292 years only
	}
	return r
}

// identify returns the rule that an image belongs to, -1 if there is none, and whether that rule wants to act on it.
func (r *run) identify(image *Image) (at int, due bool) {
	class := image.class()
	at = -1
	for i := range r.rules {
		rule := &r.rules[i]
		counts := rule.countType == countMoreThan
		if rule.class != class || at >= 0 && !counts || !rule.selects(image.Tags) {
			continue
		}
		if counts {
			r.seen[i]++
		}
		if at < 0 {
			at = i
			due = counts && r.seen[i] > rule.count || !counts && image.olderThan(r.cutoff[i], rule.countType)
		}
	}
	return at, due
}

// await takes note of an image that its rule would act on if it were older.
func (r *run) await(at int, image *Image) {
	since := image.since(r.rules[at].countType)
	if r.oldest[at].IsZero() || !since.IsZero() && since.Before(r.oldest[at]) {
		r.oldest[at] = since
	}
}

// until is the last time before the first of the images that were awaited is due, zero if none will be.
func (r *run) until() time.Time {
	var until time.Time
	for i, since := range r.oldest {
		if since.IsZero() {
			continue
		}
		if last := since.UTC().AddDate(0, 0, int(r.rules[i].count)); until.IsZero() || last.Before(until) {
			until = last
		}
	}
	return until
}

func (image *Image) class() StorageClass {
	if image.Archived {
		return Archive
	}
	return Standard
}

// bornAt is what the age of an image counts from: a restored image is as good as newly pushed.
func (image *Image) bornAt() time.Time {
	return later(image.PushedAt, image.ActivatedAt)
}

func (image *Image) olderThan(cutoff time.Time, countType string) bool {
	at := image.since(countType)
	return !at.IsZero() && at.Before(cutoff)
}

// since is what the age of an image counts from for a rule of this kind; zero if the rule is not by age.
func (image *Image) since(countType string) time.Time {
	switch countType {
	case sincePushed:
		return image.bornAt()
	case sincePulled:
		return later(image.bornAt(), image.PulledAt)
	case sinceTransitioned:
		return image.ArchivedAt
	}
	return time.Time{}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// youngestFirst returns the indexes of images by age; of one age, the higher digest comes first.
func youngestFirst(images []Image) []int {
	type aged struct {
		bornAt time.Time
		digest string
		index  int
	}
	sorted := make([]aged, len(images))
	for i := range images {
		sorted[i] = aged{images[i].bornAt(), images[i].Digest, i}
	}
	slices.SortFunc(sorted, func(a, b aged) int {
		if c := b.bornAt.Compare(a.bornAt); c != 0 {
			return c
		}
		return strings.Compare(b.digest, a.digest)
	})
	indexes := make([]int, len(sorted))
	for i := range sorted {
		indexes[i] = sorted[i].index
	}
	return indexes
}

// relations are the references between the images of a repository.
type relations struct {
	parents  map[string]bool // child digest: whether an index in the standard class refers to it
	archived map[string]bool // digest of every image: whether it is archived; only if there are referrers
}

func relate(images []Image) relations {
	r := relations{parents: map[string]bool{}}
	referrers := false
	for i := range images {
		for _, child := range images[i].Children {
			r.parents[child] = r.parents[child] || !images[i].Archived
		}
		referrers = referrers || images[i].Subject != ""
	}
	if referrers {
		r.archived = make(map[string]bool, len(images))
		for i := range images {
			r.archived[images[i].Digest] = images[i].Archived
		}
	}
	return r
}

// hold reports whether an index keeps the image from the action.
func (r relations) hold(image *Image, action ActionType) bool {
	standard, isChild := r.parents[image.Digest]
	return isChild && (action == Expire || standard)
}

// follow returns the action that brings a referrer to where its subject is; empty if there is none, or not yet.
func (r relations) follow(image *Image) ActionType {
	var action ActionType
	archived, exists := r.archived[image.Subject]
	switch {
	case !exists:
		action = Expire
	case archived && !image.Archived:
		action = Transition
	}
	if r.hold(image, action) {
		return ""
	}
	return action
}
