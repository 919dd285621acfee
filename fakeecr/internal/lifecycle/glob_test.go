package lifecycle

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, tag string
		want         bool
	}{
		{"prod", "prod", true},
		{"prod", "prod1", false},
		{"prod", "PROD", false},
		{"prod*", "prod", true},
		{"prod*", "prod-1", true},
		{"prod*", "my-prod", false},
		{"*prod", "my-prod", true},
		{"*prod", "prod-1", false},
		{"*", "x", true},
		{"*prod*web*", "a-prod-b-web-c", true},
		{"*prod*web*", "a-web-b-prod-c", false},
		{"aba*ba", "aba", false},
		{"aba*ba", "ababa", true},
		{"a*bc*bc", "abc", false},
		{"a*bc*bc", "abcbc", true},
		{"*ab*ba*", "aba", false},
		{"*ab*ba*", "abba", true},
		{"v1.2", "v1x2", false},
		{"v?", "v1", false},
		{"", "", true},
		{"", "x", false},
	} {
		g := newGlob(test.pattern)
		require.Equal(t, test.want, g.match(test.tag), "%q against %q", test.pattern, test.tag)
	}
}

func TestGlobIsItsRegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune("ab.*")), 0, 9, -1).Draw(t, "pattern")
		tag := rapid.StringOfN(rapid.SampledFrom([]rune("ab.")), 0, 9, -1).Draw(t, "tag")
		expression := "^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
		g := newGlob(pattern)
		require.Equal(t, regexp.MustCompile(expression).MatchString(tag), g.match(tag))
	})
}
