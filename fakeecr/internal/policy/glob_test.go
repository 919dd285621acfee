package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything", true},
		{"?", "", false},
		{"?", "é", true},
		{"??", "é", false},
		{"*?bc", "ébc", true},
		{"*??bc", "€bc", false}, // no third of € is a character
		{"a*c", "abbbc", true},
		{"a*c", "abbbcd", false},
		{"a*b*c", "a-b-b-c", true},
		{"repository/team/*", "repository/team/app", true},
		{"repository/team/*", "repository/team", false},
		{"ecr:Get*", "ecr:PutImage", false},
		{"[a]", "a", false},
		{`\*`, `\x`, true},
	} {
		require.Equal(t, test.want, match(wildcards.Replace(test.pattern), test.text), "%s on %s", test.pattern, test.text)
	}
}

func TestMatchAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune("ab€*?")), 0, 12, -1).Draw(t, "pattern")
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab€")), 0, 12, -1).Draw(t, "text")
		require.Equal(t, matchSimply([]rune(pattern), []rune(text)), match(wildcards.Replace(pattern), text))
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("a*b?c*", "aabxcc")
	f.Add("*??€*", "€€")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 64 || len(text) > 64 || strings.Count(pattern, "*") > 6 {
			return
		}
		pattern, text = strings.ToValidUTF8(pattern, "\uFFFD"), strings.ToValidUTF8(text, "\uFFFD")
		require.Equal(t, matchSimply([]rune(pattern), []rune(text)), match(wildcards.Replace(pattern), text))
	})
}

// matchSimply is what the wildcards mean, at any cost.
func matchSimply(pattern, text []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0] == '*':
		return matchSimply(pattern[1:], text) || len(text) > 0 && matchSimply(pattern, text[1:])
	default:
		return len(text) > 0 && (pattern[0] == '?' || pattern[0] == text[0]) && matchSimply(pattern[1:], text[1:])
	}
}

func TestMatchIsNotExponential(t *testing.T) {
	started := time.Now()
	require.False(t, match(wildcards.Replace(strings.Repeat("*a", 1000)+"b"), strings.Repeat("a", 5000)))
	require.Less(t, time.Since(started), 5*time.Second)
}

func TestMatchARN(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/team/R"
	for pattern, want := range map[string]bool{
		"*":                                true,
		role:                               true,
		"arn:aws:iam::123456789012:role/*": true,
		"arn:aws:iam::*:role/team/?":       true,
		"arn:*:*:*:*:*":                    true,
		"arn:aws:*:role/team/R":            false, // a * stays within its part
		"arn:aws:iam::*":                   false,
		"arn:aws:iam::123456789012:role/team/R:x": false,
		"arn:aws:sts::123456789012:role/team/R":   false,
	} {
		require.Equal(t, want, matchARN(wildcards.Replace(pattern), role), pattern)
	}
	require.True(t, matchARN("arn:aws:x:::a:b", "arn:aws:x:::a:b"))
	require.False(t, matchARN("arn:aws:x:::a", "arn:aws"))
}

func TestTemplate(t *testing.T) {
	context := func(key string) ([]string, bool) {
		values, ok := map[string][]string{
			"aws:username":           {"bob"},
			"aws:principaltag/team":  {"a*?"},
			"aws:principaltag/empty": {""},
			"aws:principalorgpaths":  {"a", "b"},
			"aws:principaltag/none":  {},
			"aws:principaltag/bytes": {"a\xff\xfe"},
		}[key]
		return values, ok
	}
	for _, test := range []struct {
		text, want string
		ok         bool
	}{
		{"plain", "plain", true},
		{"${aws:username}", "bob", true},
		{"home/${aws:UserName}/*", "home/bob/\xff", true},
		{"${aws:username}${aws:username}", "bobbob", true},
		{"${aws:PrincipalTag/Team}", "a*?", true}, // a value brings no wildcards in
		{"${aws:PrincipalTag/bytes}", "a\uFFFD", true},
		{"${*}${?}${$}*", "*?$\xff", true},
		{"$5 {x}", "$5 {x}", true},
		{"${aws:PrincipalTag/empty}", "", true},
		{"${aws:PrincipalTag/other}", "", false},
		{"${aws:PrincipalTag/other, 'de*fault'}", "de*fault", true},
		{"${aws:PrincipalTag/none,''}", "", true},
		{"${aws:username, 'default'}", "bob", true},
		{"${aws:PrincipalOrgPaths, 'default'}", "", false},
	} {
		compiled, err := compile(test.text, true, true)
		require.NoError(t, err, test.text)
		got, ok := compiled.expand(context)
		require.Equal(t, test.ok, ok, test.text)
		require.Equal(t, test.want, got, test.text)
	}
	for _, text := range []string{"${", "${aws:username", "${}", "${username}", "${aws:username,default}", "${aws:username,'}", "${aws:username,'a}"} {
		_, err := compile(text, true, true)
		require.Error(t, err, text)
		old, err := compile(text, false, true)
		require.NoError(t, err)
		require.Equal(t, text, old.text)
	}
}
