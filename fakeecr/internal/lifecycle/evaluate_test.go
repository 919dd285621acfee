package lifecycle

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func days(n int) time.Time { return now.AddDate(0, 0, -n) }

// img is an image in the standard class that was pushed some days ago.
func img(digest string, pushed int, tags ...string) Image {
	return Image{Digest: digest, Tags: tags, PushedAt: days(pushed)}
}

func (image Image) archivedSince(n int) Image {
	image.Archived, image.ArchivedAt = true, days(n)
	return image
}

func (image Image) restoredSince(n int) Image   { image.ActivatedAt = days(n); return image }
func (image Image) pulledSince(n int) Image     { image.PulledAt = days(n); return image }
func (image Image) of(children ...string) Image { image.Children = children; return image }
func (image Image) to(subject string) Image     { image.Subject = subject; return image }

func mustParse(t require.TestingT, rules ...string) *Policy {
	policy, err := Parse(aPolicy(rules...))
	require.NoError(t, err)
	return policy
}

func evaluate(policy *Policy, images []Image) []Action {
	actions, _ := policy.Evaluate(images, now)
	return actions
}

// describe writes an action as "digest EXPIRE 1".
func describe(images []Image, actions []Action) []string {
	lines := []string{}
	for _, a := range actions {
		lines = append(lines, fmt.Sprintf("%s %s %d", images[a.Image].Digest, a.Type, a.RulePriority))
	}
	return lines
}

func count(n int) string {
	return fmt.Sprintf(`"countType":"imageCountMoreThan","countNumber":%d`, n)
}

func since(countType string, n int) string {
	return fmt.Sprintf(`"countType":"sinceImage%s","countUnit":"days","countNumber":%d`, countType, n)
}

func prefixed(list string) string  { return `"tagStatus":"tagged","tagPrefixList":[` + list + `],` }
func patterned(list string) string { return `"tagStatus":"tagged","tagPatternList":[` + list + `],` }

const (
	anyTag   = `"tagStatus":"any",`
	untagged = `"tagStatus":"untagged",`
)

func TestEvaluate(t *testing.T) {
	archive := func(n int) string { return `"storageClass":"archive",` + since("Transitioned", n) }
	for name, test := range map[string]struct {
		rules  []string
		images []Image
		want   []string
	}{
		"count keeps the youngest, oldest goes first": {
			[]string{aRule(1, anyTag+count(2))},
			[]Image{img("b", 3), img("d", 1), img("a", 4), img("c", 2)},
			[]string{"a EXPIRE 1", "b EXPIRE 1"},
		},
		"images of one age go by digest": {
			[]string{aRule(1, anyTag+count(1))},
			[]Image{img("b", 3), img("c", 3), img("a", 3)},
			[]string{"a EXPIRE 1", "b EXPIRE 1"},
		},
		"exactly N days is not older than N days": {
			[]string{aRule(1, anyTag+since("Pushed", 5))},
			[]Image{img("exact", 5), {Digest: "older", PushedAt: days(5).Add(-time.Millisecond)}, img("younger", 4)},
			[]string{"older EXPIRE 1"},
		},
		"more days than a Duration holds": {
			[]string{aRule(1, anyTag+since("Pushed", 2147483647))},
			[]Image{img("a", 300*365)},
			[]string{},
		},
		"pulled: last pull, else push, else restoration": {
			[]string{aTransition(1, anyTag+since("Pulled", 10))},
			[]Image{
				img("never pulled", 11),
				img("pulled lately", 30).pulledSince(2),
				img("pulled long ago", 31).pulledSince(11),
				img("restored", 40).pulledSince(35).restoredSince(10),
				img("restored long ago", 41).pulledSince(35).restoredSince(12),
				img("restored, then pulled", 42).restoredSince(12).pulledSince(3),
			},
			[]string{"pulled long ago TRANSITION 1", "restored long ago TRANSITION 1", "never pulled TRANSITION 1"},
		},
		"a restored image is as good as new": {
			[]string{aRule(1, anyTag+since("Pushed", 10))},
			[]Image{img("old", 20), img("restored", 30).restoredSince(10), img("restored earlier", 30).restoredSince(25)},
			[]string{"restored earlier EXPIRE 1", "old EXPIRE 1"},
		},
		"a restored image counts as young": {
			[]string{aRule(1, anyTag+count(1))},
			[]Image{img("restored", 30).restoredSince(1), img("new", 2)},
			[]string{"new EXPIRE 1"},
		},
		"untagged": {
			[]string{aRule(1, untagged+since("Pushed", 1))},
			[]Image{img("a", 2), img("b", 2, "x")},
			[]string{"a EXPIRE 1"},
		},
		"prefixes: each must match, by different tags if need be": {
			[]string{aRule(1, prefixed(`"prod","web"`)+since("Pushed", 1))},
			[]Image{img("both", 2, "web-1", "other", "production"), img("one", 2, "prod"), img("none", 2, "my-prod", "web"), img("untagged", 2)},
			[]string{"both EXPIRE 1"},
		},
		"patterns: each must match, one tag may serve several": {
			[]string{aRule(1, patterned(`"*prod*","v*"`)+since("Pushed", 1))},
			[]Image{img("one tag", 2, "v1-prod"), img("two tags", 3, "v1", "my-prod"), img("half", 2, "v1")},
			[]string{"two tags EXPIRE 1", "one tag EXPIRE 1"},
		},
		"rules by priority, not by age or place": {
			[]string{aRule(20, anyTag+since("Pushed", 1)), aRule(10, prefixed(`"a"`)+since("Pushed", 1))},
			[]Image{img("x", 9), img("y", 2, "a")},
			[]string{"y EXPIRE 10", "x EXPIRE 20"},
		},
		"the guide's example: a rule counts what a higher one marked": {
			// alpha and beta together: C by rule 1; rule 2 counts A, B and C, would take C and finds it taken.
			[]string{aRule(1, prefixed(`"alpha","beta"`)+count(1)), aRule(2, prefixed(`"beta"`)+count(2))},
			[]Image{img("A", 1, "alpha-1", "beta-1"), img("B", 2, "beta-2"), img("C", 3, "alpha-3", "beta-3"), img("D", 4, "beta-4")},
			[]string{"C EXPIRE 1", "D EXPIRE 2"},
		},
		"a marked young image pushes an older one out": {
			[]string{aRule(1, prefixed(`"tmp"`)+since("Pushed", 1)), aRule(2, anyTag+count(1))},
			[]Image{img("young", 2, "tmp"), img("old", 3, "keep")},
			[]string{"young EXPIRE 1", "old EXPIRE 2"},
		},
		"a rule that does not act protects from lower ones": {
			[]string{aRule(1, prefixed(`"prod"`)+count(999)), aRule(2, anyTag+since("Pushed", 1))},
			[]Image{img("a", 50, "prod"), img("b", 50, "dev")},
			[]string{"b EXPIRE 2"},
		},
		"protection is within a storage class": {
			[]string{aTransition(1, anyTag+since("Pushed", 30)), aRule(2, anyTag+archive(90))},
			[]Image{img("a", 40), img("b", 500).archivedSince(91), img("c", 500).archivedSince(90), img("d", 20)},
			[]string{"a TRANSITION 1", "b EXPIRE 2"},
		},
		"counting is within a storage class": {
			[]string{aRule(1, anyTag+count(1))},
			[]Image{img("a", 4), img("b", 5), img("c", 3).archivedSince(1)},
			[]string{"b EXPIRE 1"},
		},
		"the last time in the archive is what counts": {
			[]string{aRule(1, anyTag+archive(90))},
			[]Image{img("long", 400).archivedSince(200), img("again", 500).restoredSince(95).archivedSince(89)},
			[]string{"long EXPIRE 1"},
		},
		"an unknown time is no old one": {
			[]string{aTransition(1, anyTag+since("Pushed", 1)), aRule(2, anyTag+archive(90))},
			[]Image{{Digest: "standard"}, {Digest: "archived", PushedAt: days(500), Archived: true}},
			[]string{},
		},
		"children stay with their index": {
			[]string{aRule(1, untagged+since("Pushed", 1))},
			[]Image{img("child", 9), img("other", 8), img("index", 7, "v1").of("child", "absent")},
			[]string{"other EXPIRE 1"},
		},
		"children outlive the run that takes their index": {
			[]string{aRule(1, anyTag+since("Pushed", 1))},
			[]Image{img("child", 9), img("index", 7).of("child")},
			[]string{"index EXPIRE 1"},
		},
		"a child that stays is counted": {
			[]string{aRule(1, anyTag+count(2))},
			[]Image{img("index", 1, "v1").of("x", "y"), img("x", 2), img("y", 3), img("old", 4)},
			[]string{"old EXPIRE 1"},
		},
		"a child may follow its index into the archive, not beyond": {
			[]string{aTransition(1, anyTag+since("Pushed", 1)), aRule(2, anyTag+archive(90))},
			[]Image{
				img("index", 500).of("child", "sunk").archivedSince(10), img("child", 500), img("sunk", 500).archivedSince(100),
				img("live", 1).of("held"), img("held", 500),
			},
			[]string{"child TRANSITION 1"},
		},
		"a child of two indexes waits for both": {
			[]string{aTransition(1, untagged+since("Pushed", 1))},
			[]Image{img("one", 9, "x").of("child").archivedSince(5), img("child", 9), img("two", 9, "y").of("child")},
			[]string{},
		},
		"referrers wait for the run after their subject's": {
			[]string{aRule(1, prefixed(`"v"`)+since("Pushed", 1))},
			[]Image{img("subject", 9, "v1"), img("referrer", 9).to("subject")},
			[]string{"subject EXPIRE 1"},
		},
		"referrers follow without a rule, after the rules, oldest first": {
			[]string{aRule(7, prefixed(`"v"`)+since("Pushed", 1))},
			[]Image{
				img("sunk", 9, "x").archivedSince(1), img("here", 9, "x"),
				img("r1", 3).to("gone"), img("r2", 8).to("sunk"), img("r3", 8).to("here"),
				img("r4", 7).to("sunk").archivedSince(1), img("r5", 6).to("gone").archivedSince(1), img("due", 2, "v1"),
			},
			[]string{"due EXPIRE 7", "r2 TRANSITION 0", "r5 EXPIRE 0", "r1 EXPIRE 0"},
		},
		"referrers follow whatever protects them": {
			[]string{aRule(1, prefixed(`"keep"`)+count(999))},
			[]Image{img("r", 3, "keep").to("gone")},
			[]string{"r EXPIRE 0"},
		},
		"a referrer within an index stays": {
			[]string{aRule(1, untagged+count(999))},
			[]Image{img("r", 3).to("gone"), img("index", 3, "x").of("r")},
			[]string{},
		},
		"no rule takes a referrer while its subject stays": {
			[]string{aRule(1, untagged+since("Pushed", 1)), aRule(2, anyTag+archive(90))},
			[]Image{
				img("r1", 3).to("here"), img("here", 3, "v1"),
				img("r2", 300).to("sunk").archivedSince(100), img("sunk", 300, "v2").archivedSince(80), img("r3", 300).to("sunk"),
			},
			[]string{"r3 TRANSITION 0"},
		},
		"no rule takes a referrer elsewhere than its subject went": {
			[]string{aTransition(1, untagged+since("Pushed", 1))},
			[]Image{img("r", 3).to("gone")},
			[]string{"r EXPIRE 0"},
		},
		"a referrer is counted": {
			[]string{aRule(1, anyTag+count(2))},
			[]Image{img("r", 1).to("young"), img("young", 2), img("old", 3)},
			[]string{"old EXPIRE 1"},
		},
		"no images": {[]string{aRule(1, anyTag+count(1))}, nil, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			policy := mustParse(t, test.rules...)
			require.Equal(t, test.want, describe(test.images, evaluate(policy, test.images)))
			slices.Reverse(test.images)
			require.Equal(t, test.want, describe(test.images, evaluate(policy, test.images)), "in reverse")
		})
	}
}

func TestActionCarriesTheClassBefore(t *testing.T) {
	policy := mustParse(t, aTransition(3, anyTag+since("Pushed", 30)), aRule(5, anyTag+archived90))
	images := []Image{img("kept", 1), img("sunk", 200).archivedSince(100), img("old", 40)}
	require.Equal(t, []Action{
		{Image: 2, Type: Transition, RulePriority: 3, StorageClass: Standard},
		{Image: 1, Type: Expire, RulePriority: 5, StorageClass: Archive},
	}, evaluate(policy, images))
}

func BenchmarkEvaluate(b *testing.B) {
	rules := []string{
		aRule(1, prefixed(`"release"`)+count(999)),
		aRule(2, patterned(`"*-rc*-linux*","v*"`)+since("Pushed", 300)),
		aRule(3, prefixed(`"dev","nightly"`)+count(100)),
		aRule(4, untagged+since("Pushed", 14)),
		aTransition(5, anyTag+since("Pulled", 90)),
		aRule(6, anyTag+archived90),
	}
	for _, size := range []int{1_000, 10_000, 100_000} {
		for _, some := range [][]string{rules[3:4], rules} {
			b.Run(fmt.Sprintf("images=%d/rules=%d", size, len(some)), func(b *testing.B) {
				policy := mustParse(b, some...)
				images := repository(size)
				actions := 0
				b.ReportAllocs()
				for b.Loop() {
					actions = len(evaluate(policy, images))
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size*len(some)), "ns/image/rule")
				b.ReportMetric(float64(actions)/float64(size), "actions/image")
			})
		}
	}
}

// repository makes images of all sorts, pushed in no order: tagged, untagged, archived, children and referrers.
func repository(size int) []Image {
	digest := func(i int) string { return fmt.Sprintf("sha256:%064x", uint64(i)*0x9e3779b97f4a7c15) }
	images := make([]Image, size)
	for i := range images {
		image := img(digest(i), i*7919%400)
		image.PushedAt = image.PushedAt.Add(time.Duration(i%1000) * time.Minute)
		switch i % 8 {
		case 0:
			image.Tags = []string{fmt.Sprintf("release-%d", i)}
			image = image.of(digest(i+1), digest(i+2))
		case 3:
			image.Tags = []string{fmt.Sprintf("v%d", i), fmt.Sprintf("2026-rc%d-linux-amd64", i), "main"}
		case 4:
			image.Tags = []string{fmt.Sprintf("dev-%d", i), fmt.Sprintf("nightly-%d", i)}
		case 5:
			image = image.to(digest(i - 1))
		case 6:
			image = image.archivedSince(i % 200)
		}
		images[i] = image
	}
	return images
}
