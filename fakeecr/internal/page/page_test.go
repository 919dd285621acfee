package page_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/page"
)

func TestToken(t *testing.T) {
	token := page.Token("ListImages team/app", "sha256:ab\x00v1")

	position, ok := page.Position("ListImages team/app", token)
	require.True(t, ok)
	require.Equal(t, "sha256:ab\x00v1", position)

	for name, c := range map[string]struct{ scope, token string }{
		"of another repository": {"ListImages team/other", token},
		"of another operation":  {"DescribeImages team/app", token},
		"changed":               {"ListImages team/app", "A" + token[1:]},
		"cut":                   {"ListImages team/app", token[:len(token)-4]},
		"empty":                 {"ListImages team/app", ""},
		"no token":              {"ListImages team/app", "token"},
	} {
		t.Run(name, func(t *testing.T) {
			_, ok := page.Position(c.scope, c.token)
			require.False(t, ok)
		})
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("scope", "position")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, scope, position string) {
		if _, ok := page.Position(scope, position); ok {
			t.Fatal("a token that nobody made was taken")
		}
		got, ok := page.Position(scope, page.Token(scope, position))
		require.True(t, ok)
		require.Equal(t, position, got)
	})
}
