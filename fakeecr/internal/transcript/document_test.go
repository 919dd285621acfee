package transcript

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var write = flag.Bool("write", false, "write the statements into the documents")

// FIDELITY.md has a table of the statements of each file, and it and README have the
// figures, as go generate writes them.
func TestDocumentsHaveTheStatements(t *testing.T) {
	files, err := All()
	require.NoError(t, err)
	for name, sections := range map[string]bool{"../../FIDELITY.md": true, "../../../README.md": false} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		filled, placed, err := Fill(string(text), files)
		require.NoError(t, err, name)
		require.Contains(t, filled, "\n<!-- figures -->\n| ", name)
		if sections {
			for _, file := range files {
				section := strings.TrimSuffix(file.Name, Ending)
				require.Contains(t, placed, section, "%s needs a place for %s, the lines <!-- statements %s --> and <!-- end -->", name, file.Name, section)
			}
		}
		if *write {
			require.NoError(t, os.WriteFile(name, []byte(filled), 0o644))
			continue
		}
		require.Equal(t, filled, string(text), "go generate ./... writes %s anew", name)
	}
}

func TestFill(t *testing.T) {
	file, err := Parse("images.txt", "# A `a|b` in *one*.\n# chosen: it_is <so>\n> DescribeRegistry\n< {...}\n\n# Another.\n# model: x\n> wait 1h\n> DescribeRegistry\n<? {...}\n")
	require.NoError(t, err)
	const figures = `| 2 statements | | |
| --- | ---: | --- |
| recorded | 0 | somebody saw ECR answer so |
| documented | 0 | AWS says so |
| model | 1 | the service model has it |
| chosen | 1 | nothing is known, and ECR may differ |

Of those that are not chosen, 1 have an answer in them that is. Any account can settle 1 of the choices in minutes, without touching a setting of its registry.
`
	const table = "| ECR | known | source |\n| --- | --- | --- |\n| A `a\\|b` in \\*one\\*. | chosen | it\\_is \\<so> |\n| Another. | model, in part chosen | x |\n"
	filled, placed, err := Fill("a\n<!-- figures -->\n<!-- end -->\nb\n<!-- statements images -->\nold\n<!-- end -->\nc\n", []*File{file})
	require.NoError(t, err)
	require.Equal(t, []string{"images"}, placed)
	require.Equal(t, "a\n<!-- figures -->\n"+figures+"<!-- end -->\nb\n<!-- statements images -->\n"+table+"<!-- end -->\nc\n", filled)
	again, _, err := Fill(filled, []*File{file})
	require.NoError(t, err)
	require.Equal(t, filled, again)
	_, _, err = Fill("<!-- statements none -->\n<!-- end -->", []*File{file})
	require.EqualError(t, err, "no file of transcripts is called none")
}
