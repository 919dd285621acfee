package constraint

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidRepositoryName(t *testing.T) {
	valid := []string{"ab", "0", "a__b", "a--b", "a---b", "a.b", "a_b", "team/app", "a-b/c_d/e.f"}
	invalid := []string{
		"", "_a", "a_", "a___b", "a_-b", "a-_b", "a..b", "a.", "/a", "a/", "a//b", "A", "Bad_Name!", "é", "a\n", "a:b",
	}
	requireMatches(t, ValidRepositoryName, valid, invalid)
}

func TestValidTag(t *testing.T) {
	requireMatches(t, ValidTag,
		[]string{"v1", ".hidden", "-dash", "_", "A.b-C_1", strings.Repeat("a", 301)},
		[]string{"", "v1+2", "a b", "a/b", "a:b", "é", "v1\n"})
}

func TestValidDigest(t *testing.T) {
	requireMatches(t, ValidDigest,
		[]string{
			"sha256:0123456789abcdef", "a:F", "sha512+b64_u.x-y:00",
			"6cb64b8a-9378-0e33-2ab1-b780fab8a9e9:48074e6d3a68b39aad8ccc002cdad912d4148c0f92b3729323e",
		},
		[]string{"", ":", "sha256", "sha256:", ":00", "sha256:0g", "a:b:c", "a b:00", "é:00", "a:00\n"})
}

func TestValidUploadIDAndRegistryID(t *testing.T) {
	tests := map[string]func(string) bool{
		"01234567-89ab-cdef-ABCD-EF0123456789": ValidUploadID,
		"123456789012":                         ValidRegistryID,
	}
	for id, match := range tests {
		invalid := []string{"", id[1:], id + "0", strings.Repeat("-", len(id))}
		for i := range id {
			invalid = append(invalid, id[:i]+"g"+id[i+1:])
		}
		requireMatches(t, match, []string{id}, invalid)
	}
}

func TestLazily(t *testing.T) {
	requireMatches(t, lazily("a|bc"), []string{"a", "bc"}, []string{"", "ab", "ca", "bca", "a\n"})
	requireMatches(t, lazily("^$|^a$"), []string{"", "a"}, []string{"aa", "\n", "a\n"})
}

func requireMatches(t *testing.T, match func(string) bool, valid, invalid []string) {
	t.Helper()
	for _, s := range valid {
		require.True(t, match(s), "%q", s)
	}
	for _, s := range invalid {
		require.False(t, match(s), "%q", s)
	}
}

func TestEveryPatternCompiles(t *testing.T) {
	for _, operation := range operations {
		for _, member := range operation.Shape.Members {
			requireCompiles(t, member.Shape)
		}
	}
}

func requireCompiles(t *testing.T, s *Shape) {
	t.Helper()
	_, err := regexp.Compile(s.Pattern)
	require.NoError(t, err, s.Name)
	if s.Element != nil {
		requireCompiles(t, s.Element)
	}
	for _, member := range s.Members {
		requireCompiles(t, member.Shape)
	}
}

// Random strings seldom come near a pattern, so all short ones over telling characters are tried too.
func TestMatchersOfShortStrings(t *testing.T) {
	tests := map[string]struct {
		characters string
		length     int
		match      func(string) bool
		pattern    string
	}{
		"repository name": {"a._-/A", 6, ValidRepositoryName, shapeRepositoryName.Pattern},
		"tag":             {"aZ9.-_+:", 4, ValidTag, `[a-zA-Z0-9-_.]+`},
		"digest":          {"fG0:+-.", 5, ValidDigest, shapeLayerDigest.Pattern},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := regexp.MustCompile(`\A(?:` + test.pattern + `)\z`)
			var try func(s string)
			try = func(s string) {
				if want.MatchString(s) != test.match(s) {
					t.Errorf("%q: want %t", s, want.MatchString(s))
				}
				if len(s) < test.length {
					for _, c := range test.characters {
						try(s + string(c))
					}
				}
			}
			try("")
		})
	}
}

func FuzzValidRepositoryName(f *testing.F) {
	for _, name := range []string{"team/app", "a__b", "a--b", "a___b", "a_-b", "a/", "A", "a.b_c-d/e"} {
		f.Add(name)
	}
	fuzzMatch(f, ValidRepositoryName, shapeRepositoryName.Pattern)
}

func FuzzValidTag(f *testing.F) {
	for _, tag := range []string{"v1.2-rc_3", "", "v1+2", ".a", "é"} {
		f.Add(tag)
	}
	fuzzMatch(f, ValidTag, `[a-zA-Z0-9-_.]+`)
}

func FuzzValidDigest(f *testing.F) {
	for _, digest := range []string{"sha256:00ff", "a+b:A", ":0", "a:", "a:g"} {
		f.Add(digest)
	}
	fuzzMatch(f, ValidDigest, shapeLayerDigest.Pattern)
}

func FuzzValidRegistryID(f *testing.F) {
	for _, id := range []string{"123456789012", "12345678901", "1234567890123", "12345678901a"} {
		f.Add(id)
	}
	fuzzMatch(f, ValidRegistryID, shapeRegistryId.Pattern)
}

func FuzzValidUploadID(f *testing.F) {
	for _, id := range []string{
		"01234567-89ab-cdef-0123-456789ABCDEF", "0123456789ab-cdef-0123-456789ABCDEF00",
		"01234567-89ab-cdef-0123-456789abcdeg", "01234567-89ab-cdef-0123-456789abcde",
	} {
		f.Add(id)
	}
	fuzzMatch(f, ValidUploadID, shapeUploadId.Pattern)
}

func fuzzMatch(f *testing.F, match func(string) bool, pattern string) {
	want := regexp.MustCompile(`\A(?:` + pattern + `)\z`)
	f.Fuzz(func(t *testing.T, s string) {
		require.Equal(t, want.MatchString(s), match(s), "%q", s)
	})
}
