package lifecycle

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var tags = rapid.SampledFrom([]string{"a", "ab", "b", "ba", "v1"})

// drawImages draws images that refer to each other and, some of them, to images that do not exist.
func drawImages(t *rapid.T) []Image {
	size := rapid.IntRange(0, 14).Draw(t, "size")
	digest := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("d", rapid.IntRange(0, size+1).Draw(t, "digest")) })
	age := rapid.IntRange(0, 200)
	images := make([]Image, size)
	for i := range images {
		image := img(fmt.Sprint("d", i), age.Draw(t, "pushed"), rapid.SliceOfNDistinct(tags, 0, 2, rapid.ID).Draw(t, "tags")...)
		if rapid.Bool().Draw(t, "was pulled") {
			image = image.pulledSince(age.Draw(t, "pulled"))
		}
		if rapid.Bool().Draw(t, "was restored") {
			image = image.restoredSince(age.Draw(t, "restored"))
		}
		if rapid.Bool().Draw(t, "is archived") {
			image = image.archivedSince(age.Draw(t, "archived"))
		}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			if i > 0 { // an index refers to what was there before it
				image = image.of(fmt.Sprint("d", rapid.IntRange(0, i-1).Draw(t, "child")), fmt.Sprint("d", rapid.IntRange(0, i-1).Draw(t, "child")))
			}
		case 1:
			image = image.to(digest.Draw(t, "subject"))
		}
		images[i] = image
	}
	return images
}

// drawRules draws valid rules: some by tags for either class, then those for untagged images and for any.
func drawRules(t *rapid.T) []string {
	number := rapid.IntRange(1, 5)
	standard := func(priority int, tags string) string {
		write := rapid.SampledFrom([]func(int, string) string{aRule, aTransition}).Draw(t, "action")
		switch rapid.IntRange(0, 2).Draw(t, "countType") {
		case 0:
			return write(priority, tags+count(number.Draw(t, "count")))
		case 1:
			return write(priority, tags+since("Pushed", 30*number.Draw(t, "days")))
		default:
			return aTransition(priority, tags+since("Pulled", 30*number.Draw(t, "days")))
		}
	}
	archive := func(priority int, tags string) string {
		return aRule(priority, tags+`"storageClass":"archive",`+since("Transitioned", 90+20*number.Draw(t, "days")))
	}
	either := func(priority int, tags string) string {
		if rapid.Bool().Draw(t, "from archive") {
			return archive(priority, tags)
		}
		return standard(priority, tags)
	}
	choices := []string{prefixed(`"a"`), prefixed(`"b","a"`), patterned(`"*b*"`), patterned(`"v*"`), untagged}
	chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(choices), 0, -1, rapid.ID).Draw(t, "tags")
	var rules []string
	for i, choice := range chosen {
		rules = append(rules, either(i+1, choice))
	}
	if len(rules) == 0 || rapid.Bool().Draw(t, "any standard") {
		rules = append(rules, standard(50, anyTag))
	}
	if rapid.Bool().Draw(t, "any archived") {
		rules = append(rules, archive(51, anyTag))
	}
	return rules
}

// guide evaluates as the user guide words it: rule by rule over all images, in as many steps as it takes.
func guide(rules []rule, images []Image) []Action {
	var actions []Action
	touched := map[int]bool{}
	mayGo := func(i int, action ActionType) bool {
		return !touched[i] && !slices.ContainsFunc(images, func(index Image) bool {
			return slices.Contains(index.Children, images[i].Digest) && (action == Expire || !index.Archived)
		})
	}
	act := func(i int, action ActionType, priority int32) {
		if mayGo(i, action) {
			actions = append(actions, Action{i, action, priority, images[i].class()})
			touched[i] = true
		}
	}
	oldest := youngestFirst(images)
	slices.Reverse(oldest)
	for at, r := range rules {
		selected := slices.DeleteFunc(slices.Clone(oldest), func(i int) bool {
			return images[i].class() != r.class || !r.selects(images[i].Tags)
		})
		for n, i := range selected {
			protected := slices.ContainsFunc(rules[:at], func(higher rule) bool {
				return higher.class == images[i].class() && higher.selects(images[i].Tags)
			})
			if !protected && images[i].Subject == "" && guideWants(r, images[i], len(selected)-n) {
				act(i, r.action, r.priority)
			}
		}
	}
	for _, i := range oldest {
		subject := slices.IndexFunc(images, func(other Image) bool { return other.Digest == images[i].Subject })
		switch {
		case images[i].Subject == "":
		case subject < 0:
			act(i, Expire, 0)
		case images[subject].Archived && !images[i].Archived:
			act(i, Transition, 0)
		}
	}
	return actions
}

// guideWants says whether a rule applies to an image that has this rank among those it selects, the youngest being 1.
func guideWants(r rule, image Image, rank int) bool {
	age := func(times ...time.Time) time.Duration { return now.Sub(slices.MaxFunc(times, time.Time.Compare)) }
	limit := time.Duration(r.count) * 24 * time.Hour
	switch r.countType {
	case "imageCountMoreThan":
		return rank > int(r.count)
	case "sinceImagePushed":
		return age(image.PushedAt, image.ActivatedAt) > limit
	case "sinceImagePulled":
		return age(image.PushedAt, image.ActivatedAt, image.PulledAt) > limit
	default:
		return age(image.ArchivedAt) > limit
	}
}

func TestEvaluateIsTheGuide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy, images := mustParse(t, drawRules(t)...), drawImages(t)
		before := slices.Clone(images)
		actions := evaluate(policy, images)
		require.Equal(t, guide(policy.rules, images), actions)
		require.Equal(t, actions, evaluate(policy, images), "a second time")
		require.Equal(t, before, images)

		touched := map[int]bool{}
		for _, action := range actions {
			require.False(t, touched[action.Image], "at most once")
			touched[action.Image] = true
		}
		shuffled := rapid.Permutation(images).Draw(t, "shuffled")
		require.Equal(t, describe(images, actions), describe(shuffled, evaluate(policy, shuffled)))
	})
}

// What a run does changes only with the images, or as soon as the time is over
// until which it said that it would not.
func TestEvaluateUntil(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy, images := mustParse(t, drawRules(t)...), drawImages(t)
		actions, until := policy.Evaluate(images, now)
		if until.IsZero() {
			later, _ := policy.Evaluate(images, now.AddDate(10_000, 0, 0))
			require.Equal(t, actions, later)
			return
		}
		within := rapid.Int64Range(0, until.Sub(now).Milliseconds()).Draw(t, "within")
		for _, at := range []time.Time{now.Add(time.Duration(within) * time.Millisecond), until} {
			later, still := policy.Evaluate(images, at)
			require.Equal(t, actions, later)
			require.Equal(t, until, still)
		}
		more, _ := policy.Evaluate(images, until.Add(time.Millisecond))
		require.Greater(t, len(more), len(actions))
		require.Subset(t, more, actions)
	})
}

func TestRaisedRuleKeepsItsImages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy, images := mustParse(t, drawRules(t)...), drawImages(t)
		from := rapid.IntRange(0, len(policy.rules)-1).Draw(t, "from")
		to := rapid.IntRange(0, from).Draw(t, "to")
		rule := policy.rules[from]
		raised := &Policy{slices.Insert(slices.Delete(slices.Clone(policy.rules), from, from+1), to, rule)}

		after := evaluate(raised, images)
		for _, action := range evaluate(policy, images) {
			if action.RulePriority == rule.priority {
				require.Contains(t, after, action)
			}
		}
	})
}

func TestRunsConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy, images := mustParse(t, drawRules(t)...), drawImages(t)
		existed := digests(images)
		// An image is archived once and deleted once at most, so there are no more runs than that.
		for runs := 2 * len(images); ; runs-- {
			actions := evaluate(policy, images)
			if len(actions) == 0 {
				return
			}
			require.Positive(t, runs)
			there := digests(images)
			for _, action := range actions {
				image := images[action.Image]
				require.False(t, action.Type == Expire && there[image.Subject], "%s went before its subject %s", image.Digest, image.Subject)
			}
			images = apply(images, actions)
			left := digests(images)
			for _, image := range images {
				for _, child := range image.Children {
					require.Equal(t, existed[child], left[child], "%s went before its index %s", child, image.Digest)
				}
			}
		}
	})
}

func digests(images []Image) map[string]bool {
	set := map[string]bool{}
	for _, image := range images {
		set[image.Digest] = true
	}
	return set
}

// apply does to the images what ECR does between two runs.
func apply(images []Image, actions []Action) []Image {
	gone := map[int]bool{}
	images = slices.Clone(images)
	for _, action := range actions {
		gone[action.Image] = action.Type == Expire
		if action.Type == Transition {
			images[action.Image].Archived, images[action.Image].ArchivedAt = true, now
		}
	}
	var left []Image
	for i, image := range images {
		if !gone[i] {
			left = append(left, image)
		}
	}
	return left
}
