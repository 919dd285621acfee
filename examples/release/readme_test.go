package release_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// README's Go is code that runs here or in the scenarios' examples.
func TestReadmeShowsRealCode(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	var code string
	for _, file := range []string{"release_test.go", "../../scenarios/example_test.go"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		code += spaces(string(text))
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		for _, line := range strings.Split(block[1], "\n") {
			line = strings.Replace(spaces(line), "badDay := ", "var badDay = ", 1)
			if line != "playing := registry.Play(badDay)" {
				require.Contains(t, code, line)
			}
		}
	}
}

var blanks = regexp.MustCompile(`\s+`)

func spaces(text string) string { return strings.TrimSpace(blanks.ReplaceAllString(text, " ")) }
